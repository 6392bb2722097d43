"""Several runs on one account: each takes its part, and together they stay below the limit."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.learnt import Learnt
from narration.services import Ending
from narration.services.pace import Pacer
from tests.services.virtual_time import Server, VirtualTime, ask, server

LOOK_ROUND_S = 2.5


async def together(pacers: list[Pacer], service: Server, requests: int) -> None:
    for rank, pacer in enumerate(pacers):
        pacer.share(len(pacers), rank)
    await asyncio.gather(*(ask(pacer, service, requests) for pacer in pacers))


@pytest.mark.parametrize("runs", [2, 3, 5])
@pytest.mark.parametrize("jitter_s", [0.0, 0.04])
async def test_runs_that_know_of_each_other_take_turns_and_are_not_refused(runs: int, jitter_s: float) -> None:
    time = VirtualTime(late_s=0.003)
    service = server(time, rpm=180, rps=3, jitter_s=jitter_s)
    await time.run(together([time.pacer() for _ in range(runs)], service, 150))
    assert service.refused == 0
    steady = service.starts[20 * runs :]
    assert (len(steady) - 1) / (steady[-1] - steady[0]) >= 0.93 * 3.0


@pytest.mark.parametrize("ahead_s", [0.03, 0.17, 0.34])
async def test_runs_whose_clocks_differ_find_a_place_between_each_other(ahead_s: float) -> None:
    time = VirtualTime(late_s=0.003)
    service = server(time, rpm=180, rps=3, jitter_s=0.02)
    other = Pacer(
        per_minute=180,
        per_second=3.0,
        in_flight=16,
        clock=time.clock,
        now=lambda: time.now() + ahead_s,
        sleep=time.sleep,
    )
    await time.run(together([time.pacer(), other], service, 300))
    assert service.refused / len(service.sent) < 0.02
    late = [ending for at, ending in service.sent if at > service.starts[0] + 120]
    assert late.count(Ending.THROTTLED) / len(late) < 0.01


@settings(deadline=None, max_examples=12)
@given(
    first=st.integers(1, 3), then=st.integers(1, 3), at_s=st.floats(0.0, 20.0), per_minute=st.sampled_from([60, 180])
)
def test_a_change_of_parts_breaks_no_window(first: int, then: int, at_s: float, per_minute: int) -> None:
    time = VirtualTime()
    service = server(time, rpm=per_minute, rps=max(1, per_minute // 60))
    pacers = [time.pacer(per_minute, per_minute / 60) for _ in range(max(first, then))]

    async def change() -> None:
        for rank, pacer in enumerate(pacers[:first]):
            pacer.share(first, rank)
        work = [asyncio.create_task(ask(pacer, service, 90, until=130.0)) for pacer in pacers[:first]]
        await time.sleep(at_s)
        for task in work[then:]:
            task.cancel()
        for rank, pacer in enumerate(pacers[:then]):
            pacer.share(then, rank)
        for pacer in pacers[first:then]:
            pacer.make_room(LOOK_ROUND_S)
            work.append(asyncio.create_task(ask(pacer, service, 90, until=130.0)))
        await asyncio.gather(*work[:then])

    asyncio.run(time.run(change()))
    assert service.refused <= 1


async def test_a_newcomer_makes_room_before_it_asks_and_the_rate_is_whole_again_when_it_has_gone() -> None:
    time = VirtualTime(late_s=0.003)
    service = server(time, rpm=180, rps=3)
    old, new = time.pacer(), time.pacer()

    async def newcomer() -> None:
        await time.sleep(30.0)
        new.share(2, 1)
        new.make_room(LOOK_ROUND_S + 0.5)
        await ask(new, service, 40)

    async def look_round() -> None:
        await time.sleep(30.0 + LOOK_ROUND_S)  # the old run looks as late as it may
        old.share(2, 0)
        await time.sleep(30.0)
        old.share(1, 0)

    async def all_of_them() -> None:
        await asyncio.gather(ask(old, service, 300), newcomer(), look_round())

    await time.run(all_of_them())
    assert service.refused <= 1
    last = [start for start in service.starts if start > 170.0]
    assert (len(last) - 1) / (last[-1] - last[0]) >= 0.97 * 3.0


@given(in_flight=st.integers(1, 16), runs=st.integers(1, 8), borne=st.integers(0, 64))
def test_each_run_opens_its_own_number_and_all_together_what_the_account_was_seen_to_bear(
    in_flight: int, runs: int, borne: int
) -> None:
    async def most(rank: int) -> int:
        pacer = Pacer(per_minute=0, per_second=0.0, in_flight=in_flight, learnt=Learnt(in_flight=borne))
        pacer.share(runs, rank)
        entering = [asyncio.create_task(pacer.enter()) for _ in range(in_flight + 1)]
        for _ in range(5):
            await asyncio.sleep(0)
        entered = sum(task.done() for task in entering)
        for task in entering:
            task.cancel()
        return entered

    async def parts() -> list[int]:
        return [await most(rank) for rank in range(runs)]

    found = asyncio.run(parts())
    assert sum(found) == (max(runs, min(borne, in_flight * runs)) if borne else in_flight * runs)
    assert 1 <= min(found) <= max(found) <= in_flight
