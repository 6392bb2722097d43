"""A clock that jumps: claims, links, rates and the budget do not care."""

from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.errors import BudgetReached, ServiceError
from narration.memory.claims import LEASE_S, RENEW_S, Claim, Claims, Held
from narration.services.pace import Pacer
from tests.faults.conftest import lawful, went_on
from tests.memory.worlds import Cabinet, Machine, row
from tests.stages.conftest import World, speak_all

DAY_S = 86_400.0


class Jumping:
    """A clock on the wall that somebody sets, by up to three days, whenever it is looked at."""

    def __init__(self, seed: int, most_s: float = 3 * DAY_S) -> None:
        self._random = Random(seed)  # noqa: S311 — hours, not secrets
        self._most_s = most_s

    def __call__(self) -> float:
        return time.time() + self._random.uniform(-self._most_s, self._most_s)


@pytest.mark.parametrize("seed", range(2))
async def test_a_book_is_bought_once_while_the_clock_jumps_to_and_fro(world: World, seed: int) -> None:
    clock = Jumping(seed)
    plan = await world.plan()
    async with world.desk(clock=clock) as desk:
        chapters = await speak_all(desk, plan)
        assert [chapter.error for chapter in chapters] == [None, None]
    assert len(world.spoken()) == plan.chunks_to_speak
    await lawful(world)


async def test_a_budget_holds_while_the_clock_jumps(world: World) -> None:
    plan = await world.plan()
    cap_usd = 0.4005  # two voices, and a few of the lines
    with pytest.raises(BudgetReached):
        async with world.desk(clock=Jumping(7), book_cap_usd=cap_usd) as desk:
            await speak_all(desk, plan)
    async with world.desk(clock=Jumping(8)) as desk:
        table = await desk.ledger.table()
    assert sum(table["price_usd"].to_pylist()) <= cap_usd + 1e-9
    await went_on(world)
    await lawful(world)


async def test_what_was_paid_for_is_fetched_though_the_clock_says_that_its_link_is_dead(world: World) -> None:
    """The service alone knows whether a link lives: it is tried before anything is paid again."""
    world.switch(download_500=1.0)
    plan = await world.plan()
    async with world.desk() as desk:
        with pytest.raises(ServiceError):
            await speak_all(desk, plan)
    asked = len(world.spoken())
    assert asked
    world.switch(download_500=0.0)
    async with world.desk(clock=lambda: time.time() + 10 * DAY_S) as desk:
        await speak_all(desk, await world.plan())
    assert len(world.spoken()) == plan.chunks_to_speak
    await lawful(world)


JUMPS = st.lists(st.tuples(st.floats(-10 * DAY_S, 10 * DAY_S), st.floats(0, RENEW_S)), max_size=6)


@settings(max_examples=30)
@given(jumps=JUMPS, later=JUMPS)
async def test_no_jump_makes_two_runs_of_a_machine_hold_the_same_subject(
    jumps: list[tuple[float, float]], later: list[tuple[float, float]]
) -> None:
    machine, wall, ticks = Machine(), {"now": 1.8e9}, {"now": 0.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("narration.memory.presence._process_start", machine.started.get)
        store = Cabinet()
        first, second = (
            Claims(store, machine.run(name), clock=lambda: wall["now"], ticks=lambda: ticks["now"])
            for name in ("first", "second")
        )
        await first.announce()
        await second.announce()
        held = await first.acquire("subject", row())
        assert isinstance(held, Claim)
        for jump, passed in [*jumps, *later]:
            wall["now"] += jump + passed
            ticks["now"] += passed
            assert isinstance(await second.acquire("subject", row("other")), Held)
            await first.announce()
        machine.kill(first.run)
        ticks["now"] += LEASE_S
        assert isinstance(await second.acquire("subject", row("other")), Claim)


@settings(max_examples=30)
@given(skews=st.lists(st.floats(-900, 900), min_size=1, max_size=6))
async def test_clocks_of_two_machines_may_differ_by_a_quarter_of_an_hour(skews: list[float]) -> None:
    """More than that a remote store refuses; see `narration.memory.presence.SKEW_S`."""
    ticks, skew = {"now": 0.0}, {"now": 0.0}
    store, machine = Cabinet(), Machine()
    mine = Claims(store, machine.run("mine", "here"), clock=lambda: 1.8e9 + ticks["now"], ticks=lambda: ticks["now"])
    theirs = Claims(
        store,
        machine.run("theirs", "there"),
        clock=lambda: 1.8e9 + ticks["now"] + skew["now"],
        ticks=lambda: ticks["now"],
    )
    await mine.announce()
    await theirs.announce()
    assert isinstance(await mine.acquire("subject", row()), Claim)
    for skew["now"] in skews:
        assert isinstance(await theirs.acquire("subject", row("other")), Held)
        ticks["now"] += RENEW_S
        await mine.announce()


async def test_the_rate_does_not_look_at_the_clock_on_the_wall() -> None:
    def nobody_asks() -> float:
        raise AssertionError

    pacer = Pacer(per_minute=6000, per_second=100, in_flight=4, now=nobody_asks)
    for attempt in range(1, 4):
        permit = await pacer.enter(attempt)
        await pacer.go(permit)
        pacer.end(permit, None)
