"""Claims: who may ask a service for a thing now, so that nobody asks twice.

A claim is an object that exactly one run can create. It lies at `open/<subject>/claim-<generation>.json` beside the
journal of what that run then did (see `narration.journal`). A claim is never changed and never stolen: when its owner
is dead, the next run creates the next generation, and only one can.

Invariant: at any moment at most one living run holds the newest generation of a subject. Within a run, whoever asks
holds a lock of that subject (see `narration.purchase`), so that a run's own older claim is one it is done with.

Alive is: on the same machine, a process of that id and start time exists; on another, its presence record
(`runs/<run id>.json`) was renewed within `LEASE_S`.
"""

from __future__ import annotations

import contextlib
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

from narration.row import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from narration.store import Store

LEASE_S = 60.0
"""How long a silent run on another machine counts as alive, in seconds."""

RENEW_S = 15.0
"""How often a run renews its presence, in seconds."""

OPEN = "open"
"""Where claims and journals lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the program, as others see it.

    Attributes:
        run_id: unique, sortable by start.
        machine: fingerprint of the machine (and container) it runs on.
        pid: its process id there.
        process_started: when that process started, Unix seconds.
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
        process_started=psutil.Process().create_time(),
    )


def _machine() -> str:
    # Two containers may share a host name and a network card; their process-id namespaces differ.
    facts = [socket.gethostname(), platform.machine(), str(uuid.getnode())]
    with contextlib.suppress(OSError):
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to ask for one subject.

    Attributes:
        subject: a take id or a design id.
        generation: 1, and one more for each takeover from a dead run.
        run: who holds it.
        at: when it was made, Unix seconds, by the holder's clock.
        call_id: identity of the paid call that is made under it.
        row: the call's row of the ledger as far as it is known before the answer, for whoever has to take over; None
            when nothing is sent under this claim.
    """

    subject: str
    generation: int
    run: Run
    at: float
    call_id: str
    row: Row | None

    @property
    def key(self) -> str:
        """Where it lies in the store."""
        return f"{OPEN}/{self.subject}/claim-{self.generation:06d}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Somebody else, alive, holds the subject."""

    claim: Claim


class Claims:
    """Claims of one run on one store."""

    def __init__(self, store: Store, run: Run, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self.run = run
        self._clock = clock

    async def acquire(self, subject: str, row: Row | None) -> Claim | Held:
        """Try once to become the one who may ask for `subject`.

        Args:
            subject: a take id or a design id.
            row: what is about to be asked, its `call_id` the identity of the call; None when nothing will be sent.

        Returns:
            The claim, or who holds it. A generation above 1 means that an earlier owner died: its journal lies beside.

        Raises:
            StoreError: the store cannot be read or written.
        """
        generation = 0
        newest = await self.newest(subject)
        if newest is not None:
            if newest.run.run_id != self.run.run_id and await self.alive(newest.run):
                return Held(claim=newest)
            generation = newest.generation
        claim = Claim(
            subject=subject,
            generation=generation + 1,
            run=self.run,
            at=self._clock(),
            call_id=row.call_id if row is not None else "",
            row=row,
        )
        if not await self._store.create(claim.key, encode_claim(claim)):
            return Held(claim=await self.newest(subject) or claim)
        if newest is not None and await self._read(newest.key) != newest:
            # The dead owner's claim was cleared away meanwhile, and the subject may have begun anew: step back.
            await self._store.delete(claim.key)
            return Held(claim=await self.newest(subject) or claim)
        return claim

    async def newest(self, subject: str) -> Claim | None:
        """The newest claim on a subject, or None."""
        keys = await self._store.keys(f"{OPEN}/{subject}/")
        for key in sorted((key for key in keys if "/claim-" in key), reverse=True):
            claim = await self._read(key)
            if claim is not None:
                return claim
        return None

    async def _read(self, key: str) -> Claim | None:
        data = await self._store.get(key)
        return None if data is None else decode_claim(data)

    async def release(self, claim: Claim) -> None:
        """Remove the claim and everything of its generation and older ones, claims last, so that no gap opens before.

        A younger generation is somebody's who thought us dead: it is left alone.

        Raises:
            StoreError: the store cannot be written.
        """
        keys = await self._store.keys(f"{OPEN}/{claim.subject}/")
        mine = [key for key in keys if generation_of(key) <= claim.generation]
        for key in sorted(mine, key=lambda key: ("/claim-" in key, key)):
            await self._store.delete(key)

    async def step_back(self, claim: Claim) -> None:
        """Remove this claim alone; what older owners left stays open.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.delete(claim.key)

    async def announce(self) -> None:
        """Say that this run is alive; to be repeated every `RENEW_S`.

        Raises:
            StoreError: the store cannot be written.
        """
        record = {**asdict(self.run), "seen": self._clock()}
        await self._store.put(f"runs/{self.run.run_id}.json", json.dumps(record, sort_keys=True).encode())

    async def leave(self) -> None:
        """Say that this run has ended."""
        await self._store.delete(f"runs/{self.run.run_id}.json")

    async def alive(self, run: Run) -> bool:
        """Whether a run still lives, as far as can be known from here."""
        if run.run_id == self.run.run_id:
            return True
        if run.machine == self.run.machine:
            return _process_lives(run)
        record = await self._presence(run.run_id)
        return record is not None and self._clock() - record[1] < LEASE_S

    async def run_lives(self, run_id: str) -> bool:
        """Whether the run of that id still lives; one that never announced itself, or has left, does not."""
        if run_id == self.run.run_id:
            return True
        record = await self._presence(run_id)
        return record is not None and await self.alive(record[0])

    async def bury_dead_runs(self) -> None:
        """Remove the presence records of dead runs.

        Raises:
            StoreError: the store cannot be read or written.
        """
        for key in await self._store.keys("runs/"):
            run_id = key.rpartition("/")[2].removesuffix(".json")
            if not await self.run_lives(run_id):
                await self._store.delete(key)

    async def _presence(self, run_id: str) -> tuple[Run, float] | None:
        data = await self._store.get(f"runs/{run_id}.json")
        if data is None:
            return None
        record = json.loads(data)
        seen = float(record.pop("seen"))
        return Run(**record), seen


def _process_lives(run: Run) -> bool:
    try:
        process = psutil.Process(run.pid)
        return abs(process.create_time() - run.process_started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def generation_of(key: str) -> int:
    """The generation in the name of a claim or journal entry (`open/<subject>/claim-000002.json`)."""
    return int(key.rpartition("/")[2].split(".")[0].split("-")[1])


def encode_claim(claim: Claim) -> bytes:
    """The claim as JSON."""
    return json.dumps(asdict(claim), sort_keys=True, ensure_ascii=False).encode()


def decode_claim(data: bytes) -> Claim:
    """The claim of a JSON record.

    Raises:
        ValueError, KeyError, TypeError: the record is not a claim.
    """
    record = json.loads(data)
    row = None if record["row"] is None else Row(**record["row"])
    return Claim(**{**record, "run": Run(**record["run"]), "row": row})
