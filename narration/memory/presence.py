"""Who lives: runs of the program on one store, as they see each other.

Each run keeps a record (`runs/<run id>.json`) and renews it. Alive is a run that has not left, that is whose record is
there, and, on the same machine, whose process exists, by id and start time; on another machine, whose record changes at
least every `LEASE_S`, watched by our own clock, so that clocks may differ.

Invariant: a run that lives, and can reach the store, is never taken for dead.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import socket
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from narration.errors import StoreError
from narration.typed import made, object_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from narration.memory.store import Store

LEASE_S = 60.0
"""How long a silent run on another machine counts as alive, in seconds."""

RENEW_S = 15.0
"""How often a run renews its presence, in seconds."""

SKEW_S = 1800.0
"""A record that is so old by our clock is a dead run's, whatever that run's clock says.

Source: S3 refuses a request whose clock differs by more than 15 minutes (docs.aws.amazon.com, RequestTimeTooSkewed).
"""

_PROC = Path("/proc/self")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the program, as others see it.

    Attributes:
        run_id: unique, sortable by start.
        machine: fingerprint of the machine (and container) it runs on.
        pid: its process id there.
        process_started: when that process started, in seconds by a count that no setting of the clock changes.
    """

    run_id: str
    machine: str
    pid: int
    process_started: float


def this_run(now: float | None = None) -> Run:
    """A new run in this process."""
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() if now is None else now))
    return Run(
        run_id=f"{moment}-{uuid.uuid4().hex[:8]}",
        machine=_machine(),
        pid=os.getpid(),
        process_started=_process_start(os.getpid()) or 0.0,
    )


def _machine() -> str:
    # Processes see each other by id when they share a kernel, since its start, and a process-id namespace. Names and
    # network cards may be those of another container, too.
    try:
        facts = [Path("/proc/sys/kernel/random/boot_id").read_text(), str(Path("/proc/self/ns/pid").readlink())]
    except OSError:
        facts = [socket.gethostname(), platform.machine(), str(uuid.getnode())]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


class Presence:
    """The record of one run on one store, and what it sees of the others'.

    Args:
        store: where the records lie.
        run: this run.
        clock: Unix seconds.
        ticks: seconds that never run backwards.
        asks: names the accounts and models that the run asks (see `narration.learnt.asked_id`).
        renders: name of the production that it works at; empty for none.
    """

    def __init__(
        self,
        store: Store,
        run: Run,
        *,
        clock: Callable[[], float],
        ticks: Callable[[], float],
        asks: frozenset[str],
        renders: str = "",
    ) -> None:
        self._store = store
        self._asks, self._renders = asks, renders
        self.run = run
        self._clock = clock
        self._ticks = ticks
        self._announced_at = float("-inf")
        self._left = False
        self._writing = asyncio.Lock()
        self._watched: dict[str, tuple[float, float]] = {}

    async def announce(self) -> None:
        """Say that this run is alive; to be repeated every `RENEW_S`. One that has left says nothing more.

        Raises:
            StoreError: the store cannot be written.
        """
        async with self._writing:
            if self._left:
                return
            asked_at = self._ticks()
            record = {**asdict(self.run), "seen": self._clock(), "asks": " ".join(sorted(self._asks))}
            record["renders"] = self._renders
            await self._store.put(f"runs/{self.run.run_id}.json", json.dumps(record, sort_keys=True).encode())
            self._announced_at = asked_at

    def silent_s(self) -> float:
        """How long ago this run last said that it is alive."""
        return self._ticks() - self._announced_at

    async def leave(self) -> None:
        """Say that this run has ended: it gets no claim any more.

        Raises:
            StoreError: the store cannot be written.
        """
        async with self._writing:
            self._left, self._announced_at = True, float("-inf")
            await self._store.delete(f"runs/{self.run.run_id}.json")

    async def lives(self, run_id: str) -> bool:
        """Whether the run of that id still lives; one that never announced itself, or has left, does not.

        Raises:
            StoreError: the store cannot be read.
        """
        if run_id == self.run.run_id:
            return True
        record = await self._record(run_id)
        if record is None:
            return False
        run, seen, _, _ = record
        if run.machine == self.run.machine:
            if _process_start(run.pid) != run.process_started:
                return False
            if run.pid != os.getpid():
                return True
        # Another machine's; or one of our own process, which may have ended without a word.
        return self._renewed(run_id, seen)

    async def fellows(self, asked: str) -> tuple[str, ...]:
        """Ids of the living runs that ask an account and model, this one among them, in order of their start.

        Raises:
            StoreError: the store cannot be read.
        """
        found = {self.run.run_id}
        for key in await self._store.keys("runs/"):
            run_id = key.rpartition("/")[2].removesuffix(".json")
            record = await self._record(run_id)
            if record is not None and asked in record[2].split() and await self.lives(run_id):
                found.add(run_id)
        return tuple(sorted(found))

    async def others_at(self, production: str) -> tuple[str, ...]:
        """Ids of the other living runs that work at a production, in order of their start.

        Raises:
            StoreError: the store cannot be read.
        """
        ids = [key.rpartition("/")[2].removesuffix(".json") for key in await self._store.keys("runs/")]
        found = []
        for run_id in ids:
            record = None if run_id == self.run.run_id else await self._record(run_id)
            if record is not None and record[3] == production and await self.lives(run_id):
                found.append(run_id)
        return tuple(sorted(found))

    def _renewed(self, run_id: str, seen: float) -> bool:
        """Whether a presence record has changed within `LEASE_S` of our watching it."""
        now = self._ticks()
        last, since = self._watched.get(run_id, (seen, now))
        if last != seen:
            since = now
        self._watched[run_id] = (seen, since)
        return now - since < LEASE_S and self._clock() - seen < SKEW_S

    async def bury_dead_runs(self) -> None:
        """Remove the presence records of dead runs.

        Raises:
            StoreError: the store cannot be read or written.
        """
        for key in await self._store.keys("runs/"):
            run_id = key.rpartition("/")[2].removesuffix(".json")
            if not await self.lives(run_id):
                await self._store.delete(key)

    async def _record(self, run_id: str) -> tuple[Run, float, str, str] | None:
        key = f"runs/{run_id}.json"
        data = await self._store.get(key)
        if data is None:
            return None
        try:
            record = object_of(data)
            seen, asks, renders = record.pop("seen", None), record.pop("asks", ""), record.pop("renders", "")
            return made(Run, record), made(float, seen), made(str, asks), made(str, renders)
        except ValueError as error:
            raise StoreError(
                f"{self._store.url}/{key} is not a run: {error}.", "Move it away and run again."
            ) from error


def _process_start(pid: int) -> float | None:
    """When a process started, in seconds; None when there is none, or only what its parent has not yet buried."""
    if _PROC.exists():
        # Since the machine's start: what psutil says is moved whenever the clock is set.
        try:
            state, *rest = (_PROC.parent / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if state in "ZX" else int(rest[18]) / os.sysconf("SC_CLK_TCK")
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None
