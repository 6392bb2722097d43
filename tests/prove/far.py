"""A store that is far away: every request to it takes a round trip more, and the rate of the account is still used.

The S3-compatible server is reached through a relay that holds back each request; how many there were is counted there.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.prove.harness import Studio, vendor
from tests.prove.rush import bucket
from tests.prove.workers import write_book

LEAST_OF_NEAR = 0.9
"""Share of the rate that is reached with a store beside the program."""
HEARD = (0, 3)
"""Exit codes of a whole book: the tone engine's chords are no voices, and a take may be told as a stranger's."""
_BEGINS = re.compile(rb"^(GET|PUT|POST|DELETE|HEAD) /[^ ]* HTTP/1\.1\r\n")


@dataclass(slots=True, kw_only=True)
class Relay:
    """Hands bytes on between the program and the store.

    Attributes:
        port: of the store on this machine.
        delay_s: how much later the store has what the program sent.
        requests: what came through, by method.
    """

    port: int
    delay_s: float
    requests: Counter[str] = field(default_factory=Counter)

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the program."""
        from_store, to_store = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await asyncio.gather(self._send(reader, to_store), self._answer(from_store, writer))
        finally:
            for one in (writer, to_store):
                one.close()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                if begins := _BEGINS.match(data):
                    self.requests[begins[1].decode()] += 1
                    await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                writer.write(data)
                await writer.drain()
            writer.close()


@contextlib.contextmanager
def relayed(port: int, delay_s: float) -> Iterator[tuple[int, Relay]]:
    """A relay in a thread of its own; the port on which it listens."""
    relay, loop, ready = Relay(port=port, delay_s=delay_s), asyncio.new_event_loop(), threading.Event()
    found: list[int] = []

    async def serve() -> None:
        server = await asyncio.start_server(relay.meet, "127.0.0.1", 0)
        found.append(server.sockets[0].getsockname()[1])
        ready.set()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(60), "the relay did not start"
    try:
        yield found[0], relay
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    rate: float
    plan: Counter[str]
    first: Counter[str]
    again: Counter[str]
    again_s: float
    takes: int


def _render(folder: Path, *, delay_s: float, chapters: int, lines: int, per_minute: int) -> _Told:
    with contextlib.ExitStack() as stack:
        folder.mkdir()
        service = stack.enter_context(vendor(folder, latency_ms=300))
        store, variables = stack.enter_context(bucket())
        near = int(variables["AWS_ENDPOINT"].rpartition(":")[2])
        port, relay = stack.enter_context(relayed(near, delay_s))
        variables["AWS_ENDPOINT"] = f"http://127.0.0.1:{port}"
        profile = service.profile(per_minute=per_minute, per_second=per_minute / 60, in_flight=16)
        write_book(folder / "book", "boats", profile=profile, chapters=chapters, lines=lines)
        studio = Studio(home=folder / "home", out=folder / "out", profile=profile, store=store, variables=variables)
        code, _, err = studio.run("plan", str(folder / "book"))
        assert code == 0, err
        planned, relay.requests = relay.requests, Counter()
        code, summary, err = studio.render(book=folder / "book")
        assert code in HEARD, err
        first, relay.requests = relay.requests, Counter()
        rows = service.rows()
        times = sorted(datetime.fromisoformat(row["at"]).timestamp() for row in rows)
        started = time.monotonic()
        code, again, err = studio.render(book=folder / "book")
        assert code in HEARD, err
        assert again["chunks_spoken"] == 0
        assert len(service.rows()) == len(rows) == summary["chunks_spoken"]
        return _Told(
            rate=(len(times) - 1) / (times[-1] - times[0]),
            plan=planned,
            first=first,
            again=relay.requests,
            again_s=time.monotonic() - started,
            takes=len(rows),
        )


def prove_far_store(delay_ms: float = 50, *, chapters: int = 6, lines: int = 40, per_minute: int = 180) -> str:
    """Render a book with a store beside the program, and with one that is a round trip away.

    Returns:
        The figures, in one sentence.
    """
    with tempfile.TemporaryDirectory() as name:
        size = {"chapters": chapters, "lines": lines, "per_minute": per_minute}
        near = _render(Path(name) / "near", delay_s=0, **size)
        far = _render(Path(name) / "far", delay_s=delay_ms / 1000, **size)
    told = (
        f"{far.takes} takes at {far.rate * 60:.0f} a minute with {delay_ms:.0f} ms more for each request to the store, "
        f"{near.rate * 60:.0f} without, the limit is {per_minute}; "
        f"{far.first.total() / far.takes:.1f} requests to the store for each take ({_spelled(far.first)}), "
        f"{far.plan.total()} to plan; the same again {far.again_s:.0f} s and {far.again.total()} requests, "
        f"{near.again_s:.0f} s without"
    )
    assert far.rate >= LEAST_OF_NEAR * near.rate, told
    return told


def _spelled(requests: Counter[str]) -> str:
    return ", ".join(f"{count} {method}" for method, count in requests.most_common())
