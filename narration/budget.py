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
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from narration.errors import BudgetReached

if TYPE_CHECKING:
    from narration.store import Store

EPSILON_USD = 1e-9
"""Sums of floats are compared with this tolerance."""

BLOCKS = 50
"""An allowance grows by this share of the cap, so that not every request has to look at the store."""

PATIENCE_S = 3.0
"""How long a run waits for others to give allowance back before it says that the budget is reached."""

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
        self._lock = asyncio.Lock()

    async def reserve(self, usd: float) -> None:
        """Set money aside for one attempt.

        Raises:
            BudgetReached: a cap would be exceeded; nothing is set aside.
            StoreError: the store cannot be read or written.
        """
        async with self._lock:
            needed = self.committed_usd + usd
            if self._run_cap_usd is not None and needed > self._run_cap_usd + EPSILON_USD:
                raise BudgetReached(self._run_cap_usd, self.committed_usd, usd, "--budget, this run")
            if self._book_cap_usd is not None and needed > self._allowance_usd + EPSILON_USD:
                await self._grow(self._book_cap_usd, needed, usd)
            self.committed_usd = needed

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Turn what was reserved into what was spent (or may have been)."""
        self.committed_usd += spent_usd - reserved_usd

    async def left_usd(self) -> float | None:
        """What may still be spent under the tighter cap; None without a cap."""
        left = []
        if self._run_cap_usd is not None:
            left.append(self._run_cap_usd - self.committed_usd)
        if self._book_cap_usd is not None:
            left.append(self._book_cap_usd - self.committed_usd - await self._others())
        return max(0.0, min(left)) if left else None

    async def close(self) -> None:
        """Give the allowance back. Only once this run's rows are in the ledger.

        Raises:
            StoreError: the store cannot be written.
        """
        if self._book_cap_usd is not None:
            await self._store.delete(self._key(self._run_id))

    async def bury(self, run_id: str) -> None:
        """Remove the allowance of a run that died, once everything it did is in the ledger."""
        await self._store.delete(self._key(run_id))

    async def runs(self) -> tuple[str, ...]:
        """Runs that hold an allowance for this production."""
        keys = await self._store.keys(f"{self._folder}/")
        return tuple(key.rpartition("/")[2].removesuffix(".json") for key in keys)

    async def _grow(self, cap_usd: float, needed_usd: float, wanted_usd: float) -> None:
        waited = 0.0
        while True:
            before = self._allowance_usd
            await self._write(min(cap_usd, needed_usd + cap_usd / BLOCKS))
            free = cap_usd - await self._others()
            if self._allowance_usd <= free + EPSILON_USD:
                return
            if needed_usd <= free + EPSILON_USD:
                await self._write(free)
                return
            await self._write(before)
            if waited >= PATIENCE_S or len(await self.runs()) <= 1:
                raise BudgetReached(cap_usd, cap_usd - free + self.committed_usd, wanted_usd, "budget_usd of book.yaml")
            await self._sleep(0.25)
            waited += 0.25

    async def _write(self, usd: float) -> None:
        record = json.dumps({"run_id": self._run_id, "allowance_usd": usd}).encode()
        await self._store.put(self._key(self._run_id), record)
        self._allowance_usd = usd

    async def _others(self) -> float:
        # Allowances before the ledger: a run that ends writes its rows first and gives its allowance back after.
        total, holders = 0.0, set[str]()
        for run_id in await self.runs():
            data = None if run_id == self._run_id else await self._store.get(self._key(run_id))
            if data is not None:
                holders.add(run_id)
                total += float(json.loads(data)["allowance_usd"])
        return total + await self._spent_elsewhere(frozenset({*holders, self._run_id}))

    def _key(self, run_id: str) -> str:
        return f"{self._folder}/{run_id}.json"
