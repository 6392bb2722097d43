"""The pacer's law: no window ever holds more starts than it may, and the rate is reached all the same."""

from __future__ import annotations

import asyncio
import bisect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.learnt import Learnt
from narration.services import AttemptEnd, Ending
from narration.services.pace import Pacer
from tests.services.virtual_time import VirtualTime, ask, server

GOOD = AttemptEnd(ending=Ending.ANSWERED, status=200)


async def starts_of(pacer: Pacer, time: VirtualTime, pauses: list[float]) -> list[float]:
    starts = []
    for pause_s in pauses:
        time.at += pause_s
        permit = await pacer.enter()
        await pacer.go(permit)
        starts.append(time.at)
        pacer.end(permit, GOOD)
    return starts


def most_within(starts: list[float], length_s: float) -> int:
    return max(bisect.bisect_left(starts, start + length_s - 1e-9) - i for i, start in enumerate(starts))


@settings(deadline=None, max_examples=60)
@given(
    per_minute=st.sampled_from([0, 1, 7, 60, 120, 180]),
    per_second=st.sampled_from([0.0, 0.25, 1.0, 2.0, 2.5, 3.0, 50.0]),
    late_s=st.sampled_from([0.0, 0.003, 0.4]),
    runs=st.lists(st.tuples(st.sampled_from([0.0, 0.1, 1.0, 3.0, 45.0]), st.integers(1, 60)), min_size=1, max_size=8),
)
def test_no_window_holds_more_starts_than_it_may(
    per_minute: int, per_second: float, late_s: float, runs: list[tuple[float, int]]
) -> None:
    pauses = [pause for first, length in runs for pause in [first] + [0.0] * (length - 1)]
    time = VirtualTime(late_s)
    pacer = time.pacer(per_minute, per_second, 4)
    starts = asyncio.run(time.run(starts_of(pacer, time, pauses)))
    if per_minute:
        assert most_within(starts, 60.0) <= per_minute
    if per_second >= 1:
        assert most_within(starts, 1.0) <= int(per_second)
    elif per_second:
        assert most_within(starts, 1 / per_second) <= 1
    if not per_minute and not per_second:
        assert time.at == pytest.approx(100.0 + sum(pauses))


@pytest.mark.parametrize("late_s", [0.0, 0.005])
@pytest.mark.parametrize("latency_s", [0.05, 4.0])
async def test_ninety_seven_percent_of_the_rate_are_reached_in_every_minute_after_the_slow_start(
    late_s: float, latency_s: float
) -> None:
    time = VirtualTime(late_s)
    service = server(time, rpm=180, rps=3, latency_s=latency_s)
    await time.run(ask(time.pacer(), service, 700))
    assert service.refused == 0
    steady = [start for start in service.starts if start >= service.starts[0] + 5]
    for first, last in zip(steady, steady[175:], strict=False):
        assert 175 / (last - first) >= 0.97 * 3.0


async def test_a_pause_is_not_made_up_for_by_a_burst() -> None:
    time = VirtualTime()
    starts = await time.run(starts_of(time.pacer(), time, [0.0] * 60 + [5.0] + [0.0] * 30))
    assert most_within(starts, 1.0) == 3


async def test_the_start_is_slow_and_slow_again_after_a_rest() -> None:
    time = VirtualTime()
    pacer = time.pacer(600, 10.0)
    starts = await time.run(starts_of(pacer, time, [0.0] * 300))
    assert most_within(starts[:6], 1.0) <= 6
    assert most_within(starts[-20:], 1.0) == 10
    time.at += 31.0
    again = await time.run(starts_of(pacer, time, [0.0] * 12))
    assert most_within(again[:6], 1.0) <= 6


async def test_without_a_rate_nothing_waits() -> None:
    time = VirtualTime()
    starts = await time.run(starts_of(time.pacer(0, 0.0), time, [0.0] * 5000))
    assert set(starts) == {100.0}
    assert next(time._count) == 0, "nobody ever slept"


async def test_no_more_than_so_many_are_open_at_once_and_a_cancelled_wait_keeps_no_permit() -> None:
    pacer = Pacer(per_minute=0, per_second=0.0, in_flight=2)
    first, _second = [await pacer.enter() for _ in range(2)]
    third, fourth = (asyncio.create_task(pacer.enter()) for _ in range(2))
    await asyncio.sleep(0)
    assert not third.done()
    third.cancel()
    with pytest.raises(asyncio.CancelledError):
        await third
    pacer.end(first)
    await asyncio.wait_for(fourth, 120)


async def test_a_permit_that_comes_together_with_the_cancellation_is_given_back() -> None:
    pacer = Pacer(per_minute=0, per_second=0.0, in_flight=1)
    first = await pacer.enter()
    second = asyncio.create_task(pacer.enter())
    await asyncio.sleep(0)
    pacer.end(first)
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await asyncio.wait_for(pacer.enter(), 120)


async def test_a_wait_to_go_that_is_cancelled_takes_no_place_in_any_window() -> None:
    time = VirtualTime()
    pacer = time.pacer(1, 0.0)

    async def work() -> float:
        permit = await pacer.enter()
        await pacer.go(permit)
        pacer.end(permit, GOOD)
        second = await pacer.enter()
        going = asyncio.create_task(pacer.go(second))
        await asyncio.sleep(0)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        pacer.end(second)
        third = await pacer.enter()
        await pacer.go(third)
        return time.at

    assert await time.run(work()) == pytest.approx(100.0 + 61.2)


async def test_requests_are_made_ready_just_before_their_turn_however_long_that_takes() -> None:
    time = VirtualTime()
    service = server(time, rpm=180, rps=3, latency_s=1.0)
    pacer = time.pacer()
    waited: list[float] = []

    async def one() -> None:
        permit = await pacer.enter()
        await time.sleep(0.8)
        ready = time.at
        await pacer.go(permit)
        waited.append(time.at - ready)
        pacer.end(permit, await service.answer())

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(200)))

    await time.run(all_of_them())
    steady = service.starts[40:]
    assert (len(steady) - 1) / (steady[-1] - steady[0]) >= 0.97 * 3.0
    assert max(waited[40:]) <= 2.0
    assert service.refused == 0


async def test_what_was_begun_is_finished_before_more_is_begun() -> None:
    pacer = Pacer(per_minute=0, per_second=0.0, in_flight=1)
    order: list[int] = []

    async def one(attempt: int) -> None:
        permit = await pacer.enter(attempt)
        order.append(attempt)
        pacer.end(permit)

    held = await pacer.enter()
    tasks = [asyncio.create_task(one(attempt)) for attempt in (1, 2, 1, 4, 3)]
    await asyncio.sleep(0)
    pacer.end(held)
    await asyncio.gather(*tasks)
    assert order == [2, 4, 3, 1, 1]


async def test_a_run_that_follows_at_once_upon_a_killed_one_is_not_refused() -> None:
    time = VirtualTime()
    service = server(time, rpm=180, rps=3)
    for seconds in (25.0, 1.7, 40.0, 90.0):
        await time.run(ask(time.pacer(), service, 300, until=time.at + seconds))
        time.at += 1.0  # a new process takes at least so long
    assert service.refused == 0
    assert most_within(service.starts, 60.0) <= 180


async def test_requests_that_arrive_unevenly_are_rarely_refused() -> None:
    time = VirtualTime(late_s=0.004)
    service = server(time, rpm=180, rps=3, jitter_s=0.04)
    await time.run(ask(time.pacer(), service, 600))
    assert service.refused / len(service.sent) < 0.02
    assert len(service.sent) / (service.starts[-1] - service.starts[0]) >= 0.9 * 3.0


async def test_retry_after_holds_every_start_but_not_for_ever() -> None:
    time = VirtualTime()
    pacer = time.pacer(0, 0.0)

    async def after(retry_after_s: float) -> float:
        permit = await pacer.enter()
        await pacer.go(permit)
        pacer.end(permit, AttemptEnd(ending=Ending.THROTTLED, status=429, retry_after_s=retry_after_s))
        began = time.at
        await pacer.go(await pacer.enter())
        return time.at - began

    assert await time.run(after(7.0)) == pytest.approx(7.0)
    assert await time.run(after(86_400.0)) == pytest.approx(60.0)


async def test_too_many_at_once_lowers_the_number_in_flight_and_not_the_rate() -> None:
    time = VirtualTime()
    service = server(time, concurrency=5, latency_s=2.0)
    pacer = time.pacer(1800, 30.0)
    await time.run(ask(pacer, service, 600))
    assert pacer.learnt == Learnt(in_flight=5)
    late = [ending for at, ending in service.sent if at > service.starts[0] + 20]
    assert late.count(Ending.THROTTLED) / len(late) < 0.02
    # Five at once, two seconds each.
    assert len(late) / (service.starts[-1] - service.starts[0] - 20) > 0.85 * 5 / 2


async def test_a_refusal_of_a_burst_makes_the_next_start_slower() -> None:
    time = VirtualTime()
    pacer = time.pacer()
    permit = await pacer.enter()
    await pacer.go(permit)
    pacer.end(permit, AttemptEnd(ending=Ending.THROTTLED, status=429, code="Throttling.BurstRate"))
    assert pacer.learnt.ramp_s == 6.0


async def test_a_lower_limit_of_the_account_is_found_and_the_next_run_begins_with_it() -> None:
    time = VirtualTime(late_s=0.002)
    service = server(time, rpm=60, rps=3)
    pacer = time.pacer()
    await time.run(ask(pacer, service, 400))
    assert pacer.learnt.rate_hz == pytest.approx(1.0, rel=0.1)
    # Found out at some cost, by its own count; what is known costs little.
    service.sent.clear()
    await time.run(ask(time.pacer(learnt=pacer.learnt), service, 600))
    assert service.refused / len(service.sent) < 0.02
    assert len(service.sent) / (service.starts[-1] - service.starts[0]) > 0.9 * 1.0


async def test_a_limit_that_was_raised_meanwhile_is_found_again() -> None:
    time = VirtualTime()
    service = server(time, rpm=180, rps=3)
    pacer = time.pacer(learnt=Learnt(rate_hz=2.0, in_flight=12))
    await time.run(ask(pacer, service, 1500))
    assert pacer.learnt == Learnt()
    assert service.refused == 0


async def test_without_a_configured_rate_refusals_set_one() -> None:
    time = VirtualTime()
    service = server(time, rps=5, latency_s=0.2)
    await time.run(ask(time.pacer(0, 0.0, 64), service, 1500))
    late = [ending for at, ending in service.sent if at > service.starts[0] + 60]
    assert late.count(Ending.THROTTLED) / len(late) < 0.03
    assert len(late) / (service.starts[-1] - service.starts[0] - 60) > 0.75 * 5


async def test_once_the_run_is_to_stop_nobody_waits() -> None:
    time = VirtualTime()
    halted = False
    pacer = time.pacer(1, 0.0, halted=lambda: halted)

    async def work() -> float:
        nonlocal halted
        await pacer.go(await pacer.enter())
        waiting = [asyncio.create_task(pacer.enter()) for _ in range(50)]
        await time.sleep(3.0)
        assert not any(task.done() for task in waiting)
        halted = True
        await asyncio.gather(*waiting)
        return time.at

    assert await time.run(work()) <= 100.0 + 3.0 + 1.0


@pytest.mark.parametrize("code", ["Throttling.RateQuota", "Throttling.Concurrency"])
async def test_a_probe_that_is_throttled_gives_its_place_to_the_next(code: str) -> None:
    time = VirtualTime()
    pacer = time.pacer(0, 0.0, 4)
    ends = [AttemptEnd(ending=Ending.FAILED, status=500, code="InternalError")] * 8
    ends += [AttemptEnd(ending=Ending.THROTTLED, status=429, code=code), AttemptEnd(ending=Ending.ANSWERED, status=200)]

    async def work() -> None:
        for end in ends:
            permit = await pacer.enter()
            await pacer.go(permit)
            pacer.end(permit, end)

    await time.run(work())
    assert not pacer.hopeless
    assert time.at - 100.0 < 60.0


async def test_refusals_of_one_burst_lower_the_number_in_flight_once_to_what_fitted() -> None:
    time = VirtualTime()
    pacer = time.pacer(0, 0.0, 16)

    async def work() -> None:
        permits = [await pacer.enter() for _ in range(8)]
        for permit in permits:
            await pacer.go(permit)
        for permit in permits[:4]:
            pacer.end(permit, AttemptEnd(ending=Ending.ANSWERED, status=200))
        for permit in permits[4:]:
            pacer.end(permit, AttemptEnd(ending=Ending.THROTTLED, status=429, code="Throttling.Concurrency"))

    await time.run(work())
    assert pacer.learnt.in_flight == 4, "four fitted, and four refusals at once are one"
