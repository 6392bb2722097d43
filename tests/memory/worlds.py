"""Worlds in which memory is tried: a store that fails when told, one that dies, and processes that live and die."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from obstore.store import MemoryStore

from narration.memory.claims import Run
from narration.memory.store import Store
from narration.row import Row
from narration.take import ClipMeasures, SpeechAsk

T = TypeVar("T")


class Killed(BaseException):
    """The process is gone; nothing catches this."""


class Cabinet(Store):
    """A store in the memory of this process; what is done in it is done in the order of the seed.

    Attributes:
        objects: by key.
        rng: decides how often others get their turn before and after each operation; None never lets them.
        calls: how often each operation was asked for.
    """

    def __init__(self, rng: Random | None = None) -> None:
        super().__init__(MemoryStore(), "cabinet", None)
        self.objects: dict[str, bytes] = {}
        self.rng = rng
        self.calls: Counter[str] = Counter()

    async def _do(self, name: str, work: Callable[[], T]) -> T:
        self.calls[name] += 1
        await self._others()
        done = work()
        await self._others()
        return done

    async def _others(self) -> None:
        if self.rng is not None:
            for _ in range(self.rng.randrange(4)):
                await asyncio.sleep(0)

    async def create(self, key: str, data: bytes) -> bool:
        def make() -> bool:
            if key in self.objects:
                return False
            self.objects[key] = data
            return True

        return await self._do("create", make)

    async def put(self, key: str, data: bytes) -> None:
        await self._do("put", lambda: self.objects.__setitem__(key, data))

    async def get(self, key: str) -> bytes | None:
        return await self._do("get", lambda: self.objects.get(key))

    async def exists(self, key: str) -> bool:
        return await self._do("exists", lambda: key in self.objects)

    async def keys(self, prefix: str) -> list[str]:
        below = f"{prefix.rstrip('/')}/"
        return await self._do("keys", lambda: sorted(key for key in self.objects if key.startswith(below)))

    async def folders(self, prefix: str) -> list[str]:
        below = f"{prefix.rstrip('/')}/"
        names = {key[len(below) :] for key in await self.keys(prefix)}
        return sorted({name.split("/")[0] for name in names if "/" in name})

    async def delete(self, key: str) -> None:
        await self._do("delete", lambda: self.objects.pop(key, None))

    async def delete_all(self, keys: Iterable[str]) -> None:
        for key in list(keys):
            await self.delete(key)


class Lent(Store):
    """Another's store, seen through hooks.

    Attributes:
        before, after: told of every operation's name and key before, and after, it is done.
    """

    def __init__(self, inner: Store) -> None:
        super().__init__(inner._objects, inner.url, inner.folder)
        self.inner = inner

    async def before(self, name: str, key: str) -> None:
        """Told before each operation."""

    async def after(self, name: str, key: str) -> None:
        """Told after each operation."""

    async def _pass(self, name: str, key: str, work: Callable[[], Awaitable[T]]) -> T:
        await self.before(name, key)
        done = await work()
        await self.after(name, key)
        return done

    async def create(self, key: str, data: bytes) -> bool:
        return await self._pass("create", key, lambda: self.inner.create(key, data))

    async def put(self, key: str, data: bytes) -> None:
        await self._pass("put", key, lambda: self.inner.put(key, data))

    async def get(self, key: str) -> bytes | None:
        return await self._pass("get", key, lambda: self.inner.get(key))

    async def exists(self, key: str) -> bool:
        return await self._pass("exists", key, lambda: self.inner.exists(key))

    async def keys(self, prefix: str) -> list[str]:
        return await self._pass("keys", prefix, lambda: self.inner.keys(prefix))

    async def folders(self, prefix: str) -> list[str]:
        return await self._pass("folders", prefix, lambda: self.inner.folders(prefix))

    async def delete(self, key: str) -> None:
        await self._pass("delete", key, lambda: self.inner.delete(key))

    async def delete_all(self, keys: Iterable[str]) -> None:
        for key in keys:
            await self.delete(key)


class Hooked(Lent):
    """A store in which something happens once, right before or after an operation of that name and key."""

    def __init__(self, inner: Store, when: tuple[str, str, str], work: Callable[[], Awaitable[object]]) -> None:
        super().__init__(inner)
        self._when: tuple[str, str, str] | None = when
        self._work = work

    async def before(self, name: str, key: str) -> None:
        await self._meet("before", name, key)

    async def after(self, name: str, key: str) -> None:
        await self._meet("after", name, key)

    async def _meet(self, *here: str) -> None:
        if self._when == here:
            self._when = None
            await self._work()


class Mortal(Lent):
    """A store whose process dies at its n-th operation: right before it, or right after.

    Attributes:
        left: operations until then; a large number for one that is only to be counted.
        dead: whether it has happened; nothing works from then on.
    """

    def __init__(
        self, inner: Store, left: int, *, late: bool = False, on_death: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(inner)
        self.left = left
        self.dead = False
        self._late = late
        self._turn = asyncio.Lock()
        self._on_death = on_death

    async def _pass(self, name: str, key: str, work: Callable[[], Awaitable[T]]) -> T:
        # One after the other, so that nothing of a dead process is still on its way.
        async with self._turn:
            return await super()._pass(name, key, work)

    def _die(self) -> None:
        if not self.dead:
            self.dead = True
            self._on_death()
        raise Killed

    async def before(self, name: str, key: str) -> None:  # noqa: ARG002
        self.left -= 1
        if self.dead or self.left < 0 or (self.left == 0 and not self._late):
            self._die()

    async def after(self, name: str, key: str) -> None:  # noqa: ARG002
        if self.dead or (self.left <= 0 and self._late):
            self._die()


class Machine:
    """The processes of one machine, as `narration.memory.presence` sees them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch | None = None) -> None:
        self.started: dict[int, float] = {}
        self._pids = itertools.count(10**7)
        if monkeypatch is not None:
            monkeypatch.setattr("narration.memory.presence._process_start", self.started.get)

    def run(self, name: str, machine: str = "here") -> Run:
        """A run in a new process of its own."""
        pid = next(self._pids)
        self.started[pid] = 5.0
        return Run(run_id=name, machine=machine, pid=pid, process_started=5.0)

    def kill(self, run: Run) -> None:
        """End its process."""
        del self.started[run.pid]


def row(
    call_id: str = "call",
    run_id: str = "run",
    at: str = "2026-11-20T10:00:00.000+00:00",
    **facts: Any,  # noqa: ANN401 — of any field
) -> Row:
    """A row of the ledger."""
    return Row(
        **{
            "call_id": call_id,
            "at": at,
            "run_id": run_id,
            "production": "book",
            "chapter": 1,
            "character": "Mara",
            "service": "qwen",
            "region": "r",
            "model": "m",
            "action": "synthesize",
            "voice": "v",
            "take_id": "t",
            "request_id": f"request-{call_id}",
            "characters": 10,
            "price_usd": 0.25,
            "status": 200,
            "latency_ms": 900,
            "audio_s": 1.5,
            **facts,
        }
    )


def ask(text: str = "Nobody spoke.", **facts: Any) -> SpeechAsk:  # noqa: ANN401 — of any field
    """What is asked for."""
    plain = {"service": "qwen", "region": "r", "model": "m", "voice": "v", "text": text, "language": "en"}
    return SpeechAsk(**{**plain, **facts})


MEASURES = ClipMeasures(
    rate_hz=24_000,
    frames=48_000,
    speech_start=10,
    speech_end=47_000,
    speech_dbfs=-20.5,
    peak_dbfs=-3.25,
    floor_dbfs=-71.0,
)


def no_leftovers(folder: Path) -> bool:
    """Whether no half-written file is in a folder."""
    return not [path for path in folder.rglob("*") if "#" in path.name]
