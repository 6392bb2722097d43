"""Claims: who may ask a service for a thing now, so that nobody asks twice.

A claim is an object that exactly one run can create. It lies at `open/<subject>/claim-<generation>.json` beside the
journal of what that run then did (see `narration.memory.journal`). A claim is never changed and never stolen: when
its owner is dead, the next run creates the next generation, and only one can. Whoever has created a claim looks
round, and steps back unless it is the only one, or the next above the newest dead one that it saw before: of two that
create at the same time, at least one sees the other.

Invariant: at most one living run holds a subject. Within a run, whoever asks holds a lock of that subject (see
`narration.desk`), so that a run's own older claim is one it is done with.

Who lives is the business of `narration.memory.presence`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from narration.errors import StoreError
from narration.memory.presence import LEASE_S, RENEW_S, Presence, Run, this_run
from narration.row import Row
from narration.typed import read_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from narration.memory.store import Store

__all__ = [
    "LEASE_S",
    "OPEN",
    "RENEW_S",
    "Claim",
    "Claims",
    "Held",
    "Run",
    "decode_claim",
    "encode_claim",
    "generation_of",
    "this_run",
]

OPEN = "open"
"""Where claims and journals lie."""


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

    def __init__(
        self,
        store: Store,
        run: Run,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        asks: frozenset[str] = frozenset(),
        renders: str = "",
    ) -> None:
        self._store = store
        self._clock = clock
        self._presence = Presence(store, run, clock=clock, ticks=ticks, asks=asks, renders=renders)
        self.run = run

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
        if self._presence.silent_s() > 2 * RENEW_S:
            await self._presence.announce()
        # The first generation is tried before looking: nearly always nobody is there, and looking comes after anyway.
        claim = self._claim(subject, 1, row)
        holds, others = await self._try(claim, over=None)
        if holds:
            return claim
        top = await self._counting(others)
        if top is None or await self._another_lives(top):
            return Held(claim=top or claim)
        claim = self._claim(subject, others[-1].generation + 1, row)
        holds, others = await self._try(claim, over=others[-1])
        return claim if holds else Held(claim=await self._counting(others) or claim)

    def _claim(self, subject: str, generation: int, row: Row | None) -> Claim:
        call_id = row.call_id if row is not None else ""
        return Claim(subject=subject, generation=generation, run=self.run, at=self._clock(), call_id=call_id, row=row)

    async def _try(self, claim: Claim, *, over: Claim | None) -> tuple[bool, list[Claim]]:
        """Make a claim; returns whether it counts (if not, it is taken back), and the others on its subject.

        Args:
            claim: what is to be made.
            over: the dead run's that it follows. When that was cleared away meanwhile, the subject began anew.
        """
        try:
            made = await self._store.create(claim.key, encode_claim(claim))
            found = await self._open(claim.subject, claim if made else None)
            others = [other for other in found if other != claim]
            if len(others) == len(found):
                return False, others
            follows = not others if over is None else others[-1:] == [over]
            if follows and self._presence.silent_s() < LEASE_S - RENEW_S:
                return True, others
            await self.step_back(claim)
        except (StoreError, asyncio.CancelledError):
            # It may have been made nevertheless; a claim that nobody knows of would look like a call in doubt.
            with contextlib.suppress(StoreError):
                await asyncio.shield(self.step_back(claim))
            raise
        return False, others

    async def newest(self, subject: str) -> Claim | None:
        """The claim on a subject that counts, or None: a living run's, or else the newest.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._counting(await self._open(subject))

    async def _counting(self, claims: list[Claim]) -> Claim | None:
        if len(claims) > 1:
            for claim in reversed(claims):
                if await self._another_lives(claim):
                    return claim
        return claims[-1] if claims else None

    async def _another_lives(self, claim: Claim) -> bool:
        return claim.run.run_id != self.run.run_id and await self.alive(claim.run)

    async def _open(self, subject: str, ours: Claim | None = None) -> list[Claim]:
        keys = [key for key in await self._store.keys(f"{OPEN}/{subject}/") if "/claim-" in key and generation_of(key)]
        found = [
            ours if ours is not None and key == ours.key else await self._read(key)
            for key in sorted(keys, key=generation_of)
        ]
        return [claim for claim in found if claim is not None]

    async def _read(self, key: str) -> Claim | None:
        data = await self._store.get(key)
        if data is None:
            return None
        try:
            return decode_claim(data)
        except ValueError as error:
            raise StoreError(
                f"{self._store.url}/{key} is not a claim: {error}.", "Move it away and run again."
            ) from error

    async def release(self, claim: Claim) -> None:
        """Remove the claim and everything of its generation and older ones, claims last, so that no gap opens before.

        A younger generation is somebody's who thought us dead: it is left alone. So is everything, when our claim is
        gone and another lies in its place.

        Raises:
            StoreError: the store cannot be written.
        """
        keys, ours = await asyncio.gather(self._store.keys(f"{OPEN}/{claim.subject}/"), self._read(claim.key))
        if ours != claim:
            return
        mine = [key for key in keys if 0 < generation_of(key) <= claim.generation]
        await self._store.delete_all(key for key in mine if "/claim-" not in key)
        for key in sorted((key for key in mine if "/claim-" in key), key=generation_of):
            await self._store.delete(key)

    async def step_back(self, claim: Claim) -> None:
        """Remove this claim alone, if it is still ours; what older owners left stays open.

        Raises:
            StoreError: the store cannot be written.
        """
        if await self._read(claim.key) == claim:
            await self._store.delete(claim.key)

    async def announce(self) -> None:
        """Say that this run is alive; to be repeated every `RENEW_S`.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._presence.announce()

    async def leave(self) -> None:
        """Say that this run has ended: it gets no claim any more.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._presence.leave()

    async def alive(self, run: Run) -> bool:
        """Whether a run still lives, as far as can be known from here.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._presence.lives(run.run_id)

    async def run_lives(self, run_id: str) -> bool:
        """Whether the run of that id still lives; one that never announced itself, or has left, does not.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._presence.lives(run_id)

    async def fellows(self, asked: str) -> tuple[str, ...]:
        """Ids of the living runs that ask an account and model, this one among them, in order of their start.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._presence.fellows(asked)

    async def others_at(self, production: str) -> tuple[str, ...]:
        """Ids of the other living runs that work at a production, in order of their start.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._presence.others_at(production)

    async def is_alone(self) -> bool:
        """Whether no other living run is announced on this store.

        Raises:
            StoreError: the store cannot be read.
        """
        runs = [key.rpartition("/")[2].removesuffix(".json") for key in await self._store.keys("runs/")]
        return not any([await self.run_lives(run_id) for run_id in runs if run_id != self.run.run_id])

    async def bury_dead_runs(self) -> None:
        """Remove the presence records of dead runs.

        Raises:
            StoreError: the store cannot be read or written.
        """
        await self._presence.bury_dead_runs()


_ENTRY = re.compile(r"/(?:(?:claim|answer|resent)-(\d+)(?:-\d+)?\.json|audio-(\d+)\.bin)$")


def generation_of(key: str) -> int:
    """The generation in the name of a claim or journal file (`open/<subject>/claim-000002.json`); 0 in other names."""
    found = _ENTRY.search(key)
    return int(found[1] or found[2]) if found else 0


def encode_claim(claim: Claim) -> bytes:
    """The claim as JSON."""
    return json.dumps(asdict(claim), sort_keys=True, ensure_ascii=False).encode()


def decode_claim(data: bytes) -> Claim:
    """The claim of a JSON record.

    Raises:
        ValueError: the record is not a claim.
    """
    return read_as(Claim, data)
