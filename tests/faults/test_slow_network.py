"""A network that is slow or stands still: every wait has its end, and the run goes on."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from narration.design import voice_for
from narration.errors import NarrationError, ServiceUnavailable
from narration.services import OpenGate, open_service
from narration.services.download import Downloads
from narration.services.http import Persistence, Timing
from narration.services.http import Wire as DoorWire
from narration.services.links import LinkRules
from narration.settings.settings import Settings, load_settings
from tests.faults.conftest import lawful
from tests.services.fakes import ASK, KEY
from tests.services.gateway_fakes import wav
from tests.services.leaping import leap
from tests.stages.conftest import BASE_URL, Wire, World, speak_all

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
READ_S, CONNECT_S = 60.0, 10.0
ATTEMPT_S = READ_S + CONNECT_S
FOR_EVER_S = 100_000.0
DRIP_S = 50.0
"""Between two drips: no wait for a piece of the answer is too long, only that for all of it."""


class Stalling(Wire):
    """The wire, on which the first try of so many syntheses stands still for ever."""

    def __init__(self, inner: Wire, syntheses: int) -> None:
        self._wire = inner
        self.requests = inner.requests
        self.seen: Counter[bytes] = Counter()
        self._syntheses = syntheses

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "generation" in request.url.path:
            self.seen[request.content] += 1
            if self.seen[request.content] == 1:
                if len(self.seen) == self._syntheses:
                    await leap(ATTEMPT_S + 1)
                await asyncio.Event().wait()
        return await self._wire.handle_async_request(request)


class Bounded(World):
    """A world whose profile says how long it waits."""

    @property
    def settings(self) -> Settings:
        found = load_settings(self.profile, environ={})
        limits = dataclasses.replace(
            found.limits, per_minute=0, per_second=0, attempts=4, total_s=3600.0, read_s=READ_S, connect_s=CONNECT_S
        )
        service = dataclasses.replace(found.service, base_url=BASE_URL)
        return dataclasses.replace(found, service=service, limits=limits)


async def test_answers_that_never_come_are_asked_for_again_and_are_in_doubt(world: World) -> None:
    world.write("# One\n\nThe door was shut.\n\nNobody had opened it.\n")
    async with world.desk() as desk:
        for planned in (await world.plan()).voices:
            await voice_for(desk, planned)
    wire = Stalling(world.wire, syntheses=3)
    here = Bounded(folder=world.folder, service=world.service, wire=wire, dead_pid=world.dead_pid)
    async with here.desk() as desk:
        chapters = await speak_all(desk, await here.plan())
    assert [chapter.error for chapter in chapters] == [None] * len(chapters)
    assert len(world.spoken()) == 3
    await lawful(world, doubts=True)


async def _dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    hung_up = asyncio.ensure_future(reader.read())
    with contextlib.suppress(ConnectionError):
        while not hung_up.done():
            writer.write(b" ")
            await writer.drain()
            await leap(DRIP_S)
    with contextlib.suppress(ConnectionError):
        await hung_up


async def _still(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await leap(READ_S + 1)
    await reader.read()


async def _sound(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    sound = wav(500)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: %d\r\n\r\n" % len(sound) + sound)
    await writer.drain()


@asynccontextmanager
async def serving(*talks: Talk) -> AsyncIterator[int]:
    """A server's port; it talks to each caller as said, to all later ones as to the last."""
    busy: set[asyncio.Task[None]] = set()
    left = list(talks)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        try:
            with contextlib.suppress(ConnectionError):  # the caller may hang up at any time
                await (left.pop(0) if len(left) > 1 else left[0])(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*busy)


def timing() -> Timing:
    """The loop's own time, which leaps; nobody sleeps."""

    async def no_sleep(_seconds: float) -> None:
        return None

    return Timing(clock=lambda: asyncio.get_running_loop().time(), sleep=no_sleep)


@pytest.mark.parametrize("slow", [_dripping, _still], ids=["drips", "stands still"])
async def test_a_download_that_is_slow_is_begun_again_in_time(slow: Talk) -> None:
    async with serving(slow, _sound) as port:
        assert await _downloaded(port) == wav(500)


async def _downloaded(port: int) -> bytes:
    settings = load_settings(
        "sandbox", environ={}, overrides={"service": {"base_url": f"http://127.0.0.1:{port}/api/v1", "region": "r"}}
    )
    wire = DoorWire(connect_s=CONNECT_S, read_s=READ_S, in_flight=2, proxies=False)
    downloads = Downloads(
        rules=LinkRules(settings.service),
        wire=wire,
        profile="sandbox",
        timing=timing(),
        persistence=Persistence(attempts=6, total_s=3600.0),
    )
    try:
        url = f"http://127.0.0.1:{port}/files/a.wav"
        return await asyncio.wait_for(downloads.fetch(url, expires_at=0, request_id="r"), FOR_EVER_S)
    finally:
        await downloads.aclose()


async def test_a_real_socket_that_drips_ends_in_time_with_words_that_help() -> None:
    async with serving(_dripping) as port:
        error = await _refused(port)
    assert isinstance(error, ServiceUnavailable)
    assert "no whole answer came within" in error.what
    assert "run the same command again" in error.hint


async def _refused(port: int) -> NarrationError:
    found = load_settings(
        "international",
        environ={},
        overrides={
            "service": {"base_url": f"http://127.0.0.1:{port}/api/v1", "region": "r"},
            "limits": {"attempts": 2, "total_s": 3600.0, "read_s": READ_S, "connect_s": CONNECT_S},
        },
    )
    service = open_service(found, KEY, timing=timing())
    try:
        with pytest.raises(NarrationError) as caught:
            await asyncio.wait_for(service.speak(ASK, OpenGate()), FOR_EVER_S)
    finally:
        await service.aclose()
    return caught.value
