"""The budget: no order of events exceeds a cap, and what is not spent is given back."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.errors import BudgetReached, StoreError
from narration.memory.budget import BLOCKS, EPSILON_USD, PATIENCE_S, Budget
from narration.memory.store import Store
from narration.memory.usage import Ledger
from tests.memory.worlds import Cabinet, Hooked, Killed, Mortal, row


async def soon(_seconds: float) -> None:
    """Wait for the others, not for the clock."""
    for _ in range(5):
        await asyncio.sleep(0)


def budget(
    store: Store,
    run_id: str = "run",
    *,
    book: float | None = 1.0,
    run: float | None = None,
    sleeps: list[float] | None = None,
) -> Budget:
    """A run's budget whose ledger is the store's."""
    ledger = Ledger(store, run_id)

    async def spent_elsewhere(left_out: frozenset[str]) -> float:
        return await ledger.spent_usd("book", left_out)

    async def sleep(seconds: float) -> None:
        if sleeps is not None:
            sleeps.append(seconds)
        await soon(seconds)

    return Budget(
        store, "book", run_id, book_cap_usd=book, run_cap_usd=run, spent_elsewhere=spent_elsewhere, sleep=sleep
    )


async def reserve_until_reached(purse: Budget, usd: float) -> int:
    """How often it goes well."""
    count = 0
    while True:
        try:
            await purse.reserve(usd)
        except BudgetReached:
            return count
        count += 1


# One run.


async def test_without_a_cap_nothing_is_held_back_and_nothing_is_stored() -> None:
    store = Cabinet()
    purse = budget(store, book=None)
    for _ in range(10):
        await purse.reserve(1e6)
    assert await purse.left_usd() is None
    await purse.close()
    assert not store.calls


async def test_a_cap_is_reached_to_the_cent_in_spite_of_binary_fractions(store: Store) -> None:
    assert await reserve_until_reached(budget(store, book=1.0), 0.1) == 10
    assert await reserve_until_reached(budget(store, "other", book=None, run=0.3), 0.1) == 3


async def test_a_request_dearer_than_the_cap_is_held_back_and_costs_nothing(store: Store) -> None:
    purse = budget(store, book=1.0)
    with pytest.raises(BudgetReached):
        await purse.reserve(1.5)
    assert purse.committed_usd == 0.0
    assert await reserve_until_reached(budget(store, "other"), 0.5) == 2


async def test_a_cap_of_nothing_buys_nothing_but_what_is_free(store: Store) -> None:
    purse = budget(store, book=0.0)
    await purse.reserve(0.0)
    with pytest.raises(BudgetReached):
        await purse.reserve(0.01)


async def test_what_a_refused_call_had_reserved_may_be_spent_again(store: Store) -> None:
    purse = budget(store, book=1.0)
    for _ in range(20):
        await purse.reserve(0.4)
        purse.settle(0.4, 0.0)
    await purse.reserve(0.4)
    purse.settle(0.4, 0.3)
    assert purse.committed_usd == pytest.approx(0.3)
    assert await reserve_until_reached(purse, 0.1) == 7


async def test_the_tighter_of_two_caps_holds(store: Store) -> None:
    purse = budget(store, book=1.0, run=0.25)
    assert await purse.left_usd() == 0.25
    assert await reserve_until_reached(purse, 0.1) == 2
    with pytest.raises(BudgetReached, match=r"--budget") as told:
        await purse.reserve(0.1)
    assert told.value.which == "--budget, this run"
    assert await purse.left_usd() == pytest.approx(0.05)


async def test_what_the_ledger_holds_of_earlier_runs_counts_doubts_included(store: Store) -> None:
    yesterday = Ledger(store, "yesterday")
    await yesterday.note(row("a", run_id="yesterday", price_usd=0.3))
    await yesterday.compact()
    await yesterday.note(row("b", run_id="yesterday", price_usd=0.3, in_doubt=True))
    purse = budget(store, book=1.0)
    assert await purse.left_usd() == pytest.approx(0.4)
    assert await reserve_until_reached(purse, 0.1) == 4
    with pytest.raises(BudgetReached) as told:
        await purse.reserve(0.1)
    assert (told.value.cap_usd, told.value.wanted_usd, told.value.which) == (1.0, 0.1, "budget_usd of book.yaml")
    assert told.value.committed_usd == pytest.approx(1.0)
    assert "1.0000 of 1.0000 USD (budget_usd of book.yaml) are spent or reserved" in str(told.value)
    assert "Raise it and run the same command again" in str(told.value)


async def test_another_book_has_a_budget_of_its_own(store: Store) -> None:
    await Ledger(store, "old").note(row("a", run_id="old", production="another", price_usd=5.0))
    other = Budget(store, "another", "run-2", book_cap_usd=10.0, run_cap_usd=None, spent_elsewhere=nothing)
    await other.reserve(9.0)
    assert await reserve_until_reached(budget(store, book=1.0), 0.5) == 2


async def nothing(_left_out: frozenset[str]) -> float:
    """No money was spent elsewhere."""
    return 0.0


async def test_sixteen_at_once_in_one_run_share_what_is_left(store: Store) -> None:
    purse = budget(store, book=1.0)
    got = await asyncio.gather(*(purse.reserve(0.1) for _ in range(16)), return_exceptions=True)
    assert sum(one is None for one in got) == 10
    assert all(one is None or isinstance(one, BudgetReached) for one in got)
    assert purse.committed_usd == pytest.approx(1.0)


async def test_an_allowance_grows_in_blocks_and_not_with_every_request() -> None:
    store = Cabinet()
    purse = budget(store, book=10.0)
    for _ in range(1000):
        await purse.reserve(0.01)
    assert store.calls["put"] <= BLOCKS + 2
    assert store.calls.total() <= 5 * (BLOCKS + 2)


# Several runs.


async def test_two_runs_at_once_never_exceed_the_cap_together(store: Store) -> None:
    purses = [budget(store, f"run-{number}", book=1.0) for number in range(2)]
    counts = await asyncio.gather(*(reserve_until_reached(purse, 0.013) for purse in purses))
    assert sum(counts) * 0.013 <= 1.0 + EPSILON_USD
    records = [json.loads(await store.get(key) or b"") for key in await store.keys("budget/")]
    assert sum(record["allowance_usd"] for record in records) <= 1.0 + EPSILON_USD
    assert sum(counts) * 0.013 >= 1.0 - 2 * (1.0 / BLOCKS + 0.013), "no more is left than a block of each"


async def test_what_a_run_did_not_spend_another_may(store: Store) -> None:
    first, second = budget(store, "first"), budget(store, "second")
    await first.reserve(0.9)
    with pytest.raises(BudgetReached):
        await second.reserve(0.5)
    first.settle(0.9, 0.2)
    await Ledger(store, "first").note(row("a", run_id="first", price_usd=0.2))
    await first.close()
    assert await reserve_until_reached(second, 0.1) == 8
    await second.close()
    assert await store.keys("budget/") == []


async def test_a_dead_runs_allowance_counts_until_it_is_buried(store: Store) -> None:
    dead, living = budget(store, "dead"), budget(store, "living")
    await dead.reserve(0.6)
    with pytest.raises(BudgetReached):
        await living.reserve(0.5)
    assert set(await living.runs()) == {"dead", "living"}
    await Ledger(store, "dead").note(row("doubt", run_id="dead", price_usd=0.4, in_doubt=True))
    await living.bury("dead")
    await living.reserve(0.5)
    with pytest.raises(BudgetReached):
        await living.reserve(0.2)


async def test_of_two_that_want_the_rest_at_once_one_gets_it() -> None:
    for seed in range(30):
        store = Cabinet(Random(seed))  # noqa: S311 — chance of events
        sleepers: list[tuple[float, int]] = []
        purses = []
        for number in range(2):
            purse = budget(store, f"run-{number}", book=1.0)
            purse._sleep = TimedSleep(sleepers)
            purses.append(purse)
        got = await asyncio.gather(*(purse.reserve(0.6) for purse in purses), return_exceptions=True)
        assert sum(one is None for one in got) == 1, f"seed {seed}: {got}"


class TimedSleep:
    """Sleeps for a number of turns of the loop that is in proportion to the time."""

    def __init__(self, sleepers: list[tuple[float, int]]) -> None:
        self._sleepers = sleepers

    async def __call__(self, seconds: float) -> None:
        for _ in range(int(seconds * 400)):
            await asyncio.sleep(0)


async def test_a_run_waits_for_others_once_and_not_for_every_request(store: Store) -> None:
    other = budget(store, "other")
    await other.reserve(1.0)
    sleeps: list[float] = []
    purse = budget(store, "run", sleeps=sleeps)
    got = await asyncio.gather(*(purse.reserve(0.1) for _ in range(16)), return_exceptions=True)
    assert all(isinstance(one, BudgetReached) for one in got)
    assert PATIENCE_S - 0.5 <= sum(sleeps) <= PATIENCE_S + 0.5


async def test_a_run_that_is_alone_does_not_wait() -> None:
    sleeps: list[float] = []
    purse = budget(Cabinet(), sleeps=sleeps)
    with pytest.raises(BudgetReached):
        await purse.reserve(1.5)
    assert sleeps == []


@pytest.mark.parametrize("how", [StoreError, asyncio.CancelledError])
@pytest.mark.parametrize("moment", [("after", "put"), ("before", "keys")])
async def test_an_allowance_that_was_written_and_not_compared_is_not_spent(
    how: type[BaseException], moment: tuple[str, str]
) -> None:
    """An interruption between writing a larger allowance and looking at the others' leaves it too large, unspent."""
    store = Cabinet()
    other = budget(store, "other")
    await other.reserve(0.9)

    async def interrupt() -> None:
        raise how("here")

    key = next(key for key in store.objects if key.startswith("budget/")).replace("other", "run")
    hooked = Hooked(store, (*moment, key if moment[1] == "put" else f"{key.rpartition('/')[0]}/"), interrupt)
    purse = budget(hooked, "run")
    with pytest.raises(how):
        await purse.reserve(0.5)
    with pytest.raises(BudgetReached):
        await purse.reserve(0.5)
    assert purse.committed_usd == 0.0


async def test_a_damaged_allowance_is_a_clear_error(store: Store) -> None:
    first = budget(store, "first")
    await first.reserve(0.1)
    key = (await store.keys("budget/"))[0]
    await store.put(key, b"[]")
    with pytest.raises(StoreError, match=r"first\.json is not an allowance"):
        await budget(store, "second").reserve(0.1)


# The law.


@dataclass
class Treasury:
    """Up to four runs on one book, some of which die; what may be on the bill is counted all the time.

    Attributes:
        open: what each run has sent and not written down, as its claims and journal would tell.
    """

    store: Cabinet
    rng: Random
    cap_usd: float
    bill: dict[str, float] = field(default_factory=dict)
    open: defaultdict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    dead: set[str] = field(default_factory=set)

    def may_be_billed(self, call_id: str, usd: float) -> None:
        self.bill[call_id] = usd
        total = sum(self.bill.values())
        assert total <= self.cap_usd + 1e-6, f"{total} may be on the bill, the cap is {self.cap_usd}"

    async def run(self, run_id: str, wishes: list[tuple[float, float]], death: int | None) -> None:
        store = Mortal(self.store, death or 10**9, on_death=lambda: self.dead.add(run_id))
        ledger, purse = Ledger(store, run_id), budget(store, run_id, book=self.cap_usd)
        try:
            await self._recover(store, purse)
            hands = [self._buy(ledger, purse, run_id, wishes[hand::3]) for hand in range(3)]
            await asyncio.gather(*hands)
            await ledger.compact()
            await purse.close()
        except Killed:
            pass

    async def _recover(self, store: Store, purse: Budget) -> None:
        for run_id in await purse.runs():
            if run_id in self.dead:
                for call_id, usd in list(self.open[run_id].items()):
                    doubt = row(call_id, run_id=run_id, price_usd=usd, in_doubt=True)
                    await Ledger(store, run_id).note(doubt)
                await Ledger(store, "any").compact(run_id)
                await purse.bury(run_id)

    async def _buy(self, ledger: Ledger, purse: Budget, run_id: str, wishes: list[tuple[float, float]]) -> None:
        for usd, share in wishes:
            try:
                await purse.reserve(usd)
            except BudgetReached:
                continue
            if run_id in self.dead:
                return
            call_id = f"{run_id}-{len(self.bill)}"
            self.open[run_id][call_id] = usd
            self.may_be_billed(call_id, usd)
            for _ in range(self.rng.randrange(8)):
                await asyncio.sleep(0)
            if run_id in self.dead:
                return
            await ledger.note(row(call_id, run_id=run_id, price_usd=usd * share))
            del self.open[run_id][call_id]
            self.may_be_billed(call_id, usd * share)
            purse.settle(usd, usd * share)


WISH = st.tuples(st.sampled_from([0.01, 0.07, 0.1, 0.25, 0.5]), st.sampled_from([0.0, 0.5, 1.0, 1.0]))
RUN = st.tuples(st.lists(WISH, max_size=14), st.none() | st.integers(1, 60), st.integers(0, 200))


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), cap_usd=st.sampled_from([0.3, 1.0, 3.0]), runs=st.lists(RUN, min_size=1, max_size=4))
def test_no_order_of_events_exceeds_the_cap(
    seed: int, cap_usd: float, runs: list[tuple[list[tuple[float, float]], int | None, int]]
) -> None:
    rng = Random(seed)  # noqa: S311 — chance of events
    treasury = Treasury(store=Cabinet(rng), rng=rng, cap_usd=cap_usd)

    async def later(number: int) -> None:
        wishes, death, turns = runs[number]
        for _ in range(turns):
            await asyncio.sleep(0)
        await treasury.run(f"run-{number}", wishes, death)

    async def day() -> None:
        await asyncio.gather(*(later(number) for number in range(len(runs))))
        # Whoever comes next finds the whole bill, and nothing but the bill, in ledger and budget.
        await treasury.run("last", [], None)
        left = await budget(treasury.store, "reader", book=cap_usd).left_usd()
        assert left == pytest.approx(max(0.0, cap_usd - sum(treasury.bill.values())), abs=1e-6)

    asyncio.run(day())
