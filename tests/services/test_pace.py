"""The pacer's law: no window ever holds more starts than it may, and the rate is reached all the same."""

from __future__ import annotations

import asyncio
import bisect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.services.pace import Pacer


class FakeTime:
    """A clock that only sleeping moves, each sleep a little longer than asked."""

    def __init__(self, late_s: float = 0.0) -> None:
        self.at = 100.0
        self.late_s = late_s

    def clock(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.at += seconds + self.late_s


async def starts_of(pacer: Pacer, time: FakeTime, pauses: list[float]) -> list[float]:
    starts = []
    for pause_s in pauses:
        time.at += pause_s
        async with pacer.permit():
            starts.append(time.at)
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
    time = FakeTime(late_s)
    pacer = Pacer(per_minute=per_minute, per_second=per_second, in_flight=4, clock=time.clock, sleep=time.sleep)
    starts = asyncio.run(starts_of(pacer, time, pauses))
    if per_minute:
        assert most_within(starts, 60.0) <= per_minute
    if per_second >= 1:
        assert most_within(starts, 1.0) <= int(per_second)
    elif per_second:
        assert most_within(starts, 1 / per_second) <= 1
    if not per_minute and not per_second:
        assert time.at == pytest.approx(100.0 + sum(pauses))


@pytest.mark.parametrize("late_s", [0.0, 0.01, 0.05])
async def test_the_rate_is_reached_within_five_percent_after_the_slow_start(late_s: float) -> None:
    time = FakeTime(late_s)
    pacer = Pacer(per_minute=180, per_second=3.0, in_flight=4, clock=time.clock, sleep=time.sleep)
    starts = await starts_of(pacer, time, [0.0] * 900)
    steady = [start for start in starts if start >= starts[0] + 30]
    rate_hz = (len(steady) - 1) / (steady[-1] - steady[0])
    assert 3.0 * 0.9 <= rate_hz <= 3.0 + 1e-6


async def test_a_pause_is_not_made_up_for_by_a_burst() -> None:
    time = FakeTime()
    pacer = Pacer(per_minute=180, per_second=3.0, in_flight=4, clock=time.clock, sleep=time.sleep)
    starts = await starts_of(pacer, time, [0.0] * 60 + [5.0] + [0.0] * 30)
    assert most_within(starts, 1.0) == 3


async def test_the_start_is_slow_and_slow_again_after_a_rest() -> None:
    time = FakeTime()
    pacer = Pacer(per_minute=600, per_second=10.0, in_flight=4, clock=time.clock, sleep=time.sleep)
    starts = await starts_of(pacer, time, [0.0] * 300)
    first, later = most_within(starts[:4], 1.0), most_within(starts[-20:], 1.0)
    assert (first, later) == (3, 10)
    time.at += 31.0
    again = await starts_of(pacer, time, [0.0] * 4)
    assert most_within(again, 1.0) == 3


async def test_no_more_than_so_many_are_open_at_once_and_a_cancelled_wait_keeps_no_permit() -> None:
    pacer = Pacer(per_minute=0, per_second=0.0, in_flight=2)
    await pacer.start()
    await pacer.start()
    third = asyncio.create_task(pacer.start())
    await asyncio.sleep(0)
    assert not third.done()
    third.cancel()
    with pytest.raises(asyncio.CancelledError):
        await third
    pacer.end()
    await asyncio.wait_for(pacer.start(), 1.0)


async def test_a_wait_for_the_rate_that_is_cancelled_gives_its_permit_back() -> None:
    asleep = asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    pacer = Pacer(per_minute=1, per_second=0.0, in_flight=1, clock=lambda: 0.0, sleep=sleep)
    async with pacer.permit():
        pass
    waiting = asyncio.create_task(pacer.start())
    await asleep.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    asleep.clear()
    again = asyncio.create_task(pacer.start())
    await asyncio.wait_for(asleep.wait(), 1.0)
    again.cancel()
    with pytest.raises(asyncio.CancelledError):
        await again
