"""The budget: money is reserved before it is spent, by every run on the store: no order of events exceeds a cap.

Two caps: the book's total over all runs, and this run's. For the book's, each run holds an allowance in the store
(`budget/<production>/<run id>.json`): it writes a larger one *before* it looks at the others', and takes it back when
together they are too much. Of two runs that grow at once, at least one sees the other.

Invariant: allowances of living runs + what the ledger holds of all others ≤ the cap, and what a run has spent, has
reserved or is in doubt about ≤ its allowance.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from narration.errors import BudgetReached, StoreError
from narration.typed import made, object_of

if TYPE_CHECKING:
    from narration.memory.store import Store

EPSILON_USD = 1e-9
"""Sums of floats are compared with this tolerance."""

BLOCKS = 50
"""An allowance grows by this share of the cap, so that not every request has to look at the store."""

PATIENCE_S = 3.0
"""How long a run waits, in all, for others to give allowance back before it says that the budget is reached."""

SpentElsewhere = Callable[[frozenset[str]], Awaitable[float]]
"""Money in the ledger of this production that other runs spent or are in doubt about, those named left out."""


class Budget:
    """The caps of one run on one production.

    Attributes:
        committed_usd: what this run has spent, reserved or is in doubt about.
    """

    def __init__(
        self,
        store: Store,
        production: str,
        run_id: str,
        *,
        book_cap_usd: float | None,
        run_cap_usd: float | None,
        spent_elsewhere: SpentElsewhere,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.committed_usd = 0.0
        self._store = store
        self._run_id = run_id
        self._folder = f"budget/{hashlib.sha256(production.encode()).hexdigest()[:16]}"
        self._book_cap_usd = book_cap_usd
        self._run_cap_usd = run_cap_usd
        self._spent_elsewhere = spent_elsewhere
        self._sleep = sleep
        self._allowance_usd = 0.0
        self._patience_s = PATIENCE_S
        self._lock = asyncio.Lock()

    async def reserve(self, usd: float) -> None:
        """Set money aside for one attempt.

        Raises:
            BudgetReached: a cap would be exceeded; nothing is set aside.
            StoreError: the store cannot be read or written.
        """
        async with self._lock:
            # Others settle while we look at the store: what is committed is read anew after every wait.
            while True:
                needed = self.committed_usd + usd
                if self._run_cap_usd is not None and needed > self._run_cap_usd + EPSILON_USD:
                    raise BudgetReached(self._run_cap_usd, self.committed_usd, usd, "--budget, this run")
                if self._book_cap_usd is None or needed <= self._allowance_usd + EPSILON_USD:
                    self.committed_usd = needed
                    return
                await self._grow(self._book_cap_usd, usd)

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Turn what was reserved into what was spent (or may have been)."""
        self.committed_usd += spent_usd - reserved_usd

    async def left_usd(self) -> float | None:
        """What may still be spent under the tighter cap; None without a cap.

        Raises:
            StoreError: the store cannot be read.
        """
        left = []
        if self._run_cap_usd is not None:
            left.append(self._run_cap_usd - self.committed_usd)
        if self._book_cap_usd is not None:
            others_usd, _ = await self._others()
            left.append(self._book_cap_usd - self.committed_usd - others_usd)
        return max(0.0, min(left)) if left else None

    async def close(self) -> None:
        """Give the allowance back. Only once this run's rows are in the ledger.

        Raises:
            StoreError: the store cannot be written.
        """
        if self._book_cap_usd is not None:
            await self._store.delete(self._key(self._run_id))

    async def bury(self, run_id: str) -> None:
        """Remove the allowance of a run that died, once everything it did is in the ledger.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.delete(self._key(run_id))

    async def runs(self) -> tuple[str, ...]:
        """Runs that hold an allowance for this production.

        Raises:
            StoreError: the store cannot be read.
        """
        keys = await self._store.keys(f"{self._folder}/")
        return tuple(key.rpartition("/")[2].removesuffix(".json") for key in keys if key.endswith(".json"))

    async def _grow(self, cap_usd: float, wanted_usd: float) -> None:
        for look in itertools.count():
            needed_usd = self.committed_usd + wanted_usd
            asked_usd = min(cap_usd, needed_usd + cap_usd / BLOCKS)
            # Seen by others before we look at theirs; ours only once it is found to fit.
            await self._write(asked_usd)
            others_usd, holders = await self._others()
            free_usd = cap_usd - others_usd
            if needed_usd <= free_usd + EPSILON_USD:
                if asked_usd > free_usd:
                    await self._write(free_usd)
                self._allowance_usd = min(asked_usd, free_usd)
                self._patience_s = PATIENCE_S
                return
            await self._write(max(self._allowance_usd, self.committed_usd))
            if self.committed_usd + wanted_usd < needed_usd:
                continue  # one of ours came out cheaper meanwhile
            if self._patience_s <= 0 or not holders:
                committed_usd = others_usd + needed_usd - wanted_usd
                raise BudgetReached(cap_usd, committed_usd, wanted_usd, "budget_usd of book.yaml")
            # Two runs that back off from each other must not come back at the same time.
            pause_s = 0.1 + 0.3 * zlib.crc32(f"{self._run_id} {look}".encode()) / 2**32
            self._patience_s -= pause_s
            await self._sleep(pause_s)

    async def _write(self, usd: float) -> None:
        record = json.dumps({"run_id": self._run_id, "allowance_usd": usd}).encode()
        await self._store.put(self._key(self._run_id), record)

    async def _others(self) -> tuple[float, frozenset[str]]:
        """What is not ours of the cap, and the runs that hold an allowance of it."""
        # Allowances before the ledger: a run that ends writes its rows first and gives its allowance back after.
        total, holders = 0.0, set[str]()
        for run_id in await self.runs():
            data = None if run_id == self._run_id else await self._store.get(self._key(run_id))
            if data is not None:
                holders.add(run_id)
                total += self._allowance_of(run_id, data)
        return total + await self._spent_elsewhere(frozenset({*holders, self._run_id})), frozenset(holders)

    def _allowance_of(self, run_id: str, data: bytes) -> float:
        try:
            usd = made(float, object_of(data).get("allowance_usd"))
            if usd < 0:
                raise ValueError(f"{usd} is not money set aside")  # noqa: TRY301 — one message for all
        except ValueError as error:
            raise StoreError(
                f"{self._store.url}/{self._key(run_id)} is not an allowance: {error}.", "Move it away and run again."
            ) from error
        return usd

    def _key(self, run_id: str) -> str:
        return f"{self._folder}/{run_id}.json"
