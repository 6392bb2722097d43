"""A remote store that goes away in the middle of a run: a short time is waited out, a long one ends it without loss."""

from __future__ import annotations

import contextlib
import socket
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from moto.s3.responses import S3Response

from narration.errors import StoreError
from narration.memory.store import open_store
from tests.faults.conftest import lawful, went_on
from tests.stages.conftest import Wire, World, speak_all


class Road:
    """A port that leads to another one, as long as it is open."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._gate = threading.Lock()
        self._away = 0
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.is_open = True
        self._pumps: list[threading.Thread] = []
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def open(self) -> None:
        self.is_open = True

    def close(self, away: int = 0) -> None:
        """Break every connection and turn new ones away: so many of them, or all."""
        with self._gate:
            self.is_open, self._away = False, away
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._connections.clear()

    def end(self) -> None:
        self.close()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in (self._listening, *self._pumps):
            thread.join(timeout=10)
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                with self._gate:
                    self._let_in(near)

    def _let_in(self, near: socket.socket) -> None:
        if not self.is_open:
            near.close()
            self._away -= 1
            self.is_open = self._away == 0
            return
        far = socket.create_connection(("127.0.0.1", self._to))
        self._connections += [near, far]
        for source, target in ((near, far), (far, near)):
            self._pumps.append(threading.Thread(target=_pump, args=(source, target), daemon=True))
            self._pumps[-1].start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)  # ends the other way's pump, which closes its own end
    source.close()


class Breaking(Wire):
    """The wire of the service; the road is closed at the n-th synthesis, for good or for so many callers."""

    def __init__(self, inner: Wire, road: Road, at: int, away: int = 0) -> None:
        self._wire = inner
        self.requests = inner.requests
        self._road, self._at, self._away = road, at, away

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._wire.handle_async_request(request)
        if "generation" in request.url.path:
            self._at -= 1
            if self._at == 0:
                self._road.close(self._away)
        return answer


@pytest.fixture
def road(s3_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Road]:
    found = Road(int(urlsplit(s3_variables["AWS_ENDPOINT_URL"]).port or 0))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{found.port}")
    yield found
    found.end()


@pytest.mark.slow
async def test_a_store_that_comes_back_soon_is_waited_for(world: World, road: Road) -> None:
    store = open_store(f"s3://narrate/{uuid.uuid4().hex}")
    world.wire = Breaking(world.wire, road, at=2, away=5)
    async with world.desk(store) as desk:
        chapters = await speak_all(desk, await world.plan(store))
    assert [chapter.error for chapter in chapters] == [None, None]
    await lawful(world, store)


async def test_a_store_whose_connections_break_again_and_again_is_waited_for(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("narration.memory.again.PAUSES_S", (0.001, 0.01))
    monkeypatch.setattr("narration.memory.again.FIRST_S", 0.001)
    store = open_store(f"s3://narrate/{uuid.uuid4().hex}")
    works: tuple[tuple[Callable[[], Awaitable[object]], object], ...] = (
        (lambda: store.create("a", b"1"), True),
        (lambda: store.put("b", b"2"), None),
        (lambda: store.get("a"), b"1"),
        (lambda: store.exists("a"), True),
        (lambda: store.keys(""), ["a", "b"]),
        (lambda: store.delete("b"), None),
        (lambda: store.delete_all(["a"]), None),
    )
    for work, answer in works:
        road.close(away=25)
        assert await work() == answer


async def test_a_store_that_asks_for_patience_is_waited_for_by_the_clock_and_not_by_the_number_of_tries(
    s3_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library by itself gives up after ten tries, which may be two seconds."""
    assert s3_variables
    real, tries = S3Response.put_object, list[str]()

    def put_object(self: S3Response) -> Any:  # noqa: ANN401 - as the server has it
        tries.append(self.path)
        busy = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
        return real(self) if len(tries) > 25 else (503, {}, busy)

    monkeypatch.setattr(S3Response, "put_object", put_object)
    monkeypatch.setattr("narration.memory.again.PAUSES_S", (0.001, 0.01))
    store = open_store(f"s3://narrate/{uuid.uuid4().hex}")
    await store.put("a", b"1")
    assert len(tries) == 26
    assert await store.get("a") == b"1"


@pytest.mark.slow
async def test_a_store_that_stays_away_ends_the_run_and_the_next_one_goes_on(
    world: World, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, wire = f"s3://narrate/{uuid.uuid4().hex}", world.wire
    world.wire = Breaking(wire, road, at=2)
    with monkeypatch.context() as impatient:
        impatient.setattr("narration.memory.again.RETRY_S", 0.5)
        store = open_store(where)
        with pytest.raises(StoreError) as caught:
            async with world.desk(store) as desk:
                await speak_all(desk, await world.plan(store))
    assert where in caught.value.what
    assert "what is stored is kept" in caught.value.hint
    assert "\n" not in caught.value.what
    road.open()
    world.wire, store = wire, open_store(where)
    await went_on(world, store)
    await lawful(world, store, doubts=True)
