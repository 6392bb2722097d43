"""What refusals do to the limits: halved once a burst, back quickly to where it was well, then slowly further."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.services.tempo import Breadth, Tempo

CEILING_HZ = 4.0


def risen(tempo: Tempo, now: float) -> float:
    """Past the slow start."""
    tempo.rested(now - 100.0)
    return tempo.rate_hz(now)


def test_the_start_is_at_half_the_rate_and_rises_evenly_to_the_whole() -> None:
    tempo = Tempo(ceiling_hz=CEILING_HZ)
    tempo.rested(0.0)
    assert [tempo.rate_hz(at) for at in (0.0, 1.5, 3.0, 9.0)] == pytest.approx([2.0, 3.0, 4.0, 4.0])


def test_a_burst_of_refusals_halves_the_rate_once() -> None:
    tempo = Tempo(ceiling_hz=CEILING_HZ)
    assert risen(tempo, 0.0) == CEILING_HZ
    lowered = [tempo.throttled(at, sent_at=at - 0.5, burst=False) for at in (1.0, 1.1, 1.2, 1.49)]
    assert lowered == [True, False, False, False]
    assert tempo.rate_hz(1.0) == pytest.approx(2.0)
    assert tempo.throttled(1.6, sent_at=1.1, burst=False), "sent at the lower rate, and still refused"
    assert tempo.rate_hz(1.6) < 1.3


def test_after_a_refusal_the_rate_climbs_quickly_to_just_below_and_then_a_little_with_each_admitted_request() -> None:
    tempo = Tempo(ceiling_hz=CEILING_HZ)
    risen(tempo, 0.0)
    tempo.throttled(1.0, sent_at=0.5, burst=False)
    assert tempo.rate_hz(1.0 + 3.0) == pytest.approx(0.95 * CEILING_HZ)
    assert tempo.rate_hz(1000.0) == pytest.approx(0.95 * CEILING_HZ)
    assert tempo.learnt_hz == pytest.approx(0.95 * CEILING_HZ)
    rates = []
    for _ in range(150):
        tempo.admitted(1000.0, sent_at=999.0)
        rates.append(tempo.rate_hz(1000.0))
    assert rates == sorted(rates)
    assert rates[50] < CEILING_HZ
    assert rates[-1] == CEILING_HZ
    assert tempo.learnt_hz == 0.0


def test_where_the_minute_is_full_the_rate_is_what_went_into_it() -> None:
    tempo = Tempo(ceiling_hz=CEILING_HZ)
    risen(tempo, 0.0)
    for n in range(60):
        tempo.admitted(n / CEILING_HZ, sent_at=n / CEILING_HZ - 0.1)
    for at in range(16, 56):
        tempo.throttled(float(at), sent_at=at - 0.1, burst=False)
    assert tempo.learnt_hz == pytest.approx(1.0)


def test_no_refusals_lower_the_rate_to_nothing() -> None:
    tempo = Tempo(ceiling_hz=CEILING_HZ)
    for at in range(1, 200):
        tempo.throttled(float(at), sent_at=at - 0.5, burst=False)
    assert tempo.rate_hz(200.0) == pytest.approx(CEILING_HZ / 8)


def test_a_refused_burst_stretches_the_ramp() -> None:
    tempo = Tempo(ceiling_hz=CEILING_HZ)
    risen(tempo, 0.0)
    for at in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0):
        tempo.throttled(at, sent_at=at - 0.5, burst=True)
    assert tempo.learnt_ramp_s == 60.0
    again = Tempo(ceiling_hz=CEILING_HZ, ramp_s=tempo.learnt_ramp_s)
    again.rested(0.0)
    assert again.rate_hz(30.0) == pytest.approx(3.0)


def test_without_a_configured_rate_there_is_none_until_a_refusal() -> None:
    tempo = Tempo(ceiling_hz=math.inf)
    tempo.rested(0.0)
    assert math.isinf(tempo.rate_hz(0.0))
    for n in range(40):
        tempo.admitted(n / 20, sent_at=n / 20 - 0.01)
    tempo.throttled(2.0, sent_at=1.99, burst=False)
    assert tempo.rate_hz(2.0) == pytest.approx(10.0, rel=0.1)
    assert tempo.rate_hz(5.0) == pytest.approx(20.0, rel=0.1), "doubled in a ramp, as nobody knows how far it goes"


@given(
    events=st.lists(
        st.tuples(st.sampled_from(["admitted", "throttled", "burst", "rested"]), st.floats(0.01, 40.0)), max_size=60
    ),
    ceiling_hz=st.sampled_from([0.5, 3.0, 50.0, math.inf]),
    content_hz=st.sampled_from([0.0, 0.01, 2.0, 1e9]),
)
def test_whatever_happens_the_rate_stays_between_the_lowest_and_the_configured_one(
    events: list[tuple[str, float]], ceiling_hz: float, content_hz: float
) -> None:
    tempo = Tempo(ceiling_hz=ceiling_hz, content_hz=content_hz)
    now = 0.0
    for what, later_s in events:
        now += later_s
        match what:
            case "admitted":
                tempo.admitted(now, sent_at=now - 0.005)
            case "rested":
                tempo.rested(now)
            case _:
                tempo.throttled(now, sent_at=now - 0.005, burst=what == "burst")
        rate_hz = tempo.rate_hz(now)
        assert min(1.0, ceiling_hz / 8) <= rate_hz <= ceiling_hz
        assert tempo.learnt_hz <= ceiling_hz
        assert math.isfinite(tempo.learnt_hz)


def test_too_many_at_once_are_halved_come_back_to_the_number_that_fitted_and_feel_further() -> None:
    breadth = Breadth(ceiling=16)
    assert breadth.crowded(1.0, sent_at=0.5, there=9)
    assert not breadth.crowded(1.1, sent_at=0.6, there=7), "of the same burst, and it tells more"
    assert (breadth.most, breadth.learnt) == (4, 6)
    for _ in range(4 + 5):
        breadth.admitted()
    assert breadth.most == 6
    for _ in range(99):
        breadth.admitted()
    assert breadth.most == 6
    breadth.admitted()
    assert (breadth.most, breadth.learnt) == (7, 7)


def test_at_least_one_may_be_open() -> None:
    breadth = Breadth(ceiling=4)
    for at in range(1, 9):
        breadth.crowded(float(at), sent_at=at - 0.5, there=1)
    assert breadth.most == 1
