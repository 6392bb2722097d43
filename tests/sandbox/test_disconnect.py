"""A caller that goes away in the middle of its request."""

from pathlib import Path
from random import Random

from starlette.types import Message

from narration.sandbox.app import Service, create_app
from narration.sandbox.engine.tone import ToneEngine
from narration.sandbox.faults import read_switches
from narration.sandbox.models import GENERATION


async def test_a_request_that_breaks_off_is_recorded_and_raises_nothing(tmp_path: Path) -> None:
    service = Service(tmp_path, ToneEngine(), read_switches({}), rng=Random(1))  # noqa: S311 — chance of faults
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": GENERATION,
        "raw_path": GENERATION.encode(),
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer sk-test"), (b"content-length", b"100")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await create_app(service)(scope, receive, send)
    assert service.house.state.bill()["calls"] == 1
    assert service.house.state.bill()["synthesized"] == 0
    service.close()
