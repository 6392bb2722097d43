"""Store, claims, journal, ledger and budget as one: whatever is done in whatever order, the promises hold after it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from narration.errors import BudgetReached, NarrationError
from narration.keep import recover
from narration.memory.usage import Ledger, totals
from narration.sandbox.app import Service
from narration.sandbox.engine.tone import ToneEngine
from narration.sandbox.faults import NO_LIMITS, read_switches
from tests.stages.conftest import Wire, World, speak_all
from tests.stages.test_kills import Killed, MortalStore, process

pytestmark = [pytest.mark.slow, pytest.mark.proof]

LINES = (
    "The door was shut.",
    "“I have the key,” said Mara.",
    "Nobody had opened it.",
    "“No,” said Mara.",
    "It rained.",
)


class Studio(RuleBasedStateMachine):
    """A book, a store and a vendor; runs begin, die, run side by side, and go out of money."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.Runner()
        self._folder = Path(tempfile.mkdtemp())
        (self._folder / "vendor").mkdir()
        self._service = Service(
            self._folder / "vendor",
            ToneEngine(),
            read_switches(NO_LIMITS),
            rng=Random(1),  # noqa: S311 — chance of faults
        )
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        self.world = World(
            folder=self._folder,
            service=self._service,
            wire=Wire(self._service),
            dead_pid=dead.pid,
            sleep=self._no_sleep,
        )
        self._patience = mock.patch("narration.services.breaker.FAILURES", 10**9)
        self._patience.start()

    async def _no_sleep(self, _seconds: float) -> None:
        await asyncio.sleep(0)

    def teardown(self) -> None:
        self._patience.stop()
        self._loop.close()
        self._service.close()
        shutil.rmtree(self._folder)

    @initialize()
    def begin(self) -> None:
        self.world.write("# One\n\n" + "\n\n".join(LINES[:2]) + "\n")

    @rule(lines=st.lists(st.sampled_from(LINES), min_size=1, max_size=4))
    def edit(self, lines: list[str]) -> None:
        self.world.write("# One\n\n" + "\n\n".join(lines) + "\n")

    @rule(lost=st.sampled_from([0.0, 0.3]), failing=st.sampled_from([0.0, 0.2]), sounding=st.booleans())
    def weather(self, lost: float, failing: float, sounding: bool) -> None:
        self.world.switch(drop_after=lost, rate_500=failing, fault_actions=("synthesize",))
        self.world.sounding = sounding

    @rule(at=st.integers(1, 60), late=st.booleans())
    def die(self, at: int, late: bool) -> None:
        async def run() -> None:
            with contextlib.suppress(Killed, NarrationError):
                async with process(), self.world.desk(MortalStore(self.world.store, at, after=late)) as desk:
                    await recover(desk)
                    await speak_all(desk, await self.world.plan())

        self._loop.run(run())

    @rule(cap_usd=st.sampled_from([0.0, 0.0004, 0.2, 0.4003]))
    def run_short_of_money(self, cap_usd: float) -> None:
        async def run() -> None:
            with contextlib.suppress(NarrationError):
                async with self.world.desk(run_cap_usd=cap_usd) as desk:
                    await speak_all(desk, await self.world.plan())

        before = self._cost_usd()
        self._loop.run(run())
        assert self._cost_usd() - before <= cap_usd + 1e-9

    @rule()
    def run_twice_at_once(self) -> None:
        async def run() -> None:
            with contextlib.suppress(NarrationError):
                async with self.world.desk(alive=True) as desk:
                    await speak_all(desk, await self.world.plan())

        async def both() -> None:
            await asyncio.gather(run(), run())

        self._loop.run(both())

    @rule()
    def finish(self) -> None:
        async def run() -> None:
            self.world.switch(drop_after=0.0, rate_500=0.0)
            async with self.world.desk() as desk:
                await recover(desk)
                chapters = await speak_all(desk, await self.world.plan())
                assert [chapter.error for chapter in chapters] == [None] * len(chapters)
            assert (await self.world.plan()).chunks_to_speak == 0
            for prefix in ("open/", "runs/", "ledger/pending/", "budget/"):
                assert not await self.world.store.keys(prefix), prefix

        with contextlib.suppress(BudgetReached):
            self._loop.run(run())
        self._hold(everything_noted=True)

    def _cost_usd(self) -> float:
        """By the vendor's own count."""
        bill = self.world.bill()
        return float(bill["characters"]) * 0.115 / 10_000 + float(bill["voices_created"]) * 0.2

    @invariant()
    def what_is_known_is_billed(self) -> None:
        self._hold(everything_noted=False)

    def _hold(self, *, everything_noted: bool) -> None:
        async def look() -> None:
            table = await Ledger(self.world.store, "onlooker").table()
            sums, rows, bill = totals(table), table.to_pylist(), self.world.bill()
            assert sums.characters_billed <= bill["characters"]
            assert len({row["call_id"] for row in rows}) == len(rows)
            if everything_noted:
                assert bill["characters"] <= sums.characters_billed + sums.characters_in_doubt
                doubts = sum(1 for row in rows if row["in_doubt"] and row["action"] == "synthesize")
                twice = sum(count - 1 for count in Counter(self.world.spoken()).values())
                assert twice <= doubts, f"{twice} bought twice, {doubts} in doubt"

        self._loop.run(look())


TestInterleavings = Studio.TestCase
TestInterleavings.settings = settings(
    max_examples=10, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)
