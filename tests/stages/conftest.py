"""The stages on a real store and a real wire: the sandbox in this process, with tones, behind the real service door."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, cast

import httpx
import pytest

from flows.opening import Request, open_job
from narration.booth import one_booth
from narration.design import voice_for
from narration.desk import Desk, Halt, open_desk
from narration.memory.choices import Choices
from narration.memory.claims import Run, this_run
from narration.memory.refusals import Refusals
from narration.memory.store import Store, open_store
from narration.memory.takes import Takes
from narration.memory.voices import Voices
from narration.pickups import Pickups
from narration.plan import Plan, PlannedChunk, make_plan
from narration.sandbox.app import Service, create_app
from narration.sandbox.engine.tone import ToneEngine
from narration.sandbox.faults import NO_LIMITS, read_switches
from narration.sandbox.wire import DroppedError
from narration.services import key_fingerprint, open_service
from narration.services.http import Timing
from narration.services.protocol import Gate, SpeechService, Spoken
from narration.settings.settings import Settings, load_settings
from narration.speak import SpokenChapter, speak_chapter
from narration.take import Receipt, SpeechAsk
from narration.voice import Voice

KEY = "sk-stages"
BASE_URL = "http://127.0.0.1:9/api/v1"

CAST = """\
characters:
  - {name: Narrator, role: narrator, voice: "A calm woman, low pitch, steady.", preview: "It was a dark night."}
  - {name: Mara, gender: female, voice: "A young woman, high pitch, lively.", preview: "I saw him go."}
"""

BOOK = "title: Two\nauthor: Nobody\nlanguage: en\nmanuscript: book.md\ncast: cast.yaml\nbudget_usd: {budget}\n"

TEXT = """\
# One

The door was shut. Nobody had opened it for a year.

“I have the key,” said Mara.

# Two

The key did not fit.

“I have the wrong key,” said Mara.
"""


class Wire(httpx.AsyncBaseTransport):
    """The sandbox as a transport; a connection that it drops is a connection dropped."""

    def __init__(self, service: Service) -> None:
        self._inner = httpx.ASGITransport(create_app(service))
        self.requests: list[httpx.Request] = []
        self.answer: httpx.Response | None = None
        """Instead of the sandbox's, for what is asked at the API."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.answer is not None and "/api/v1/" in request.url.path:
            return self.answer
        target = request.extensions.get("target")
        if target is not None:  # a signed query goes out as it is, which this transport does not know
            request.url = request.url.copy_with(raw_path=target)
        try:
            return await self._inner.handle_async_request(request)
        except DroppedError as error:
            raise httpx.RemoteProtocolError("dropped", request=request) from error


class Sounding:
    """A service whose answers are the sound itself; a sound that was not kept cannot be had again."""

    def __init__(self, inner: SpeechService) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def speak(self, ask: SpeechAsk, gate: Gate) -> Spoken:
        spoken = await self._inner.speak(ask, gate)
        sound = await self._inner.collect(spoken.receipt)
        receipt = Receipt(
            request_id=spoken.receipt.request_id, billed_characters=spoken.receipt.billed_characters, audio=sound
        )
        return Spoken(receipt=receipt, call=spoken.call)

    async def collect(self, receipt: Receipt) -> bytes:
        raise AssertionError(receipt)


@dataclass
class World:
    """A production, a store and a vendor."""

    folder: Path
    service: Service
    wire: Wire
    dead_pid: int
    budget: float | None = None
    profile: str = "sandbox"
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    sounding: bool = False
    """Whether the sound comes in the answer itself, as over a WebSocket."""
    runs: list[Run] = field(default_factory=list)

    def write(self, text: str = TEXT, cast: str = CAST, budget: float = 100.0) -> None:
        (self.folder / "book").mkdir(exist_ok=True)
        (self.folder / "book" / "book.md").write_text(text, encoding="utf-8")
        (self.folder / "book" / "cast.yaml").write_text(cast, encoding="utf-8")
        (self.folder / "book" / "book.yaml").write_text(BOOK.format(budget=budget), encoding="utf-8")

    @property
    def settings(self) -> Settings:
        found = load_settings(self.profile, environ={})
        limits = dataclasses.replace(found.limits, per_minute=0, per_second=0, attempts=12)
        service = dataclasses.replace(found.service, base_url=BASE_URL)
        return dataclasses.replace(found, service=service, limits=limits)

    @property
    def store(self) -> Store:
        return open_store(self.folder / "store")

    def switch(self, **changes: object) -> None:
        self.service.house.switchboard.change(changes)

    def bill(self) -> dict[str, Any]:
        """What the vendor says."""
        return dict(self.service.house.state.bill())

    def spoken(self) -> list[tuple[str, str]]:
        """Voice and hash of the text of every synthesis on the vendor's bill."""
        return [(str(row["voice"]), str(row["text_sha256"])) for row in self.service.house.state.rows("synthesize", 0)]

    async def plan(self, store: Store | None = None, pickups: Pickups | None = None) -> Plan:
        job = open_job(Request(folder=self.folder / "book", store=str(self.folder / "store")), {}, needs_key=False)
        kept = store or self.store
        return await make_plan(
            job.production,
            job.cast,
            job.book,
            one_booth(self.settings, key_fingerprint(KEY)),
            takes=Takes(kept),
            voices=Voices(kept),
            refusals=Refusals(kept),
            choices=Choices(kept),
            scripts=job.scripts,
            lexicon=job.lexicon,
            pickups=pickups,
        )

    def new_run(self) -> Run:
        """A run whose process is dead to everybody but itself, so that the next one may take over."""
        run = dataclasses.replace(this_run(), pid=self.dead_pid)
        self.runs.append(run)
        return run

    @asynccontextmanager
    async def desk(
        self,
        store: Store | None = None,
        *,
        alive: bool = False,
        book_cap_usd: float | None = None,
        run_cap_usd: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> AsyncIterator[Desk]:
        real = open_service(self.settings, KEY, timing=self.timing(), transport=self.wire)
        service = cast("SpeechService", Sounding(real)) if self.sounding else real
        try:
            async with open_desk(
                store=store or self.store,
                services={self.settings.service.profile: (service, self.settings)},
                main=self.settings.service.profile,
                run=this_run() if alive else self.new_run(),
                production="book",
                book_cap_usd=book_cap_usd,
                run_cap_usd=run_cap_usd,
                halt=Halt(),
                sleep=self.sleep,
                clock=clock,
            ) as desk:
                yield desk
        finally:
            await service.aclose()

    def timing(self) -> Timing:
        """The time of the doors: nobody waits."""

        async def no_sleep(_seconds: float) -> None:
            return None

        return Timing(sleep=no_sleep)

    def asked(self) -> int:
        """How many requests reached the API."""
        return sum(1 for request in self.wire.requests if "/api/v1/" in request.url.path)


@pytest.fixture(scope="session")
def dead_pid() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def world(tmp_path: Path, dead_pid: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A production of two chapters, an empty store, and a vendor without faults."""
    monkeypatch.setattr("narration.services.breaker.FAILURES", 10**9)  # its pauses are real; it has its own tests
    folder = tmp_path / "vendor"
    folder.mkdir()
    service = Service(folder, ToneEngine(), read_switches(NO_LIMITS), rng=Random(1))  # noqa: S311 — chance of faults
    found = World(folder=tmp_path, service=service, wire=Wire(service), dead_pid=dead_pid)
    found.write()
    yield found
    service.close()


def quiet(planned: PlannedChunk, take: object, *, bought: bool) -> None:
    """Take no note."""


async def speak_all(desk: Desk, plan: Plan) -> list[SpokenChapter]:
    """Voices and every chapter; the spoken chapters."""
    voices: dict[str, Voice] = {}
    for planned in plan.voices:
        voices[planned.character.name] = (await voice_for(desk, planned))[0]
    return [await speak_chapter(desk, chapter, voices, quiet) for chapter in plan.chapters]
