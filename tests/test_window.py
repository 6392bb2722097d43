"""The time window, across midnight and when clocks are set."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.errors import InputError
from narration.window import Window, read_window

VIENNA = ZoneInfo("Europe/Vienna")
TIMES = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))


def _at(written: str) -> float:
    return datetime.fromisoformat(written).replace(tzinfo=VIENNA).timestamp()


@pytest.mark.parametrize(
    ("now", "closes"),
    [
        ("2026-11-21 21:59:59", None),
        ("2026-11-21 22:00:00", "2026-11-22 06:00"),
        ("2026-11-22 00:00:00", "2026-11-22 06:00"),
        ("2026-11-22 05:59:59", "2026-11-22 06:00"),
        ("2026-11-22 06:00:00", None),
        ("2026-11-22 12:00:00", None),
    ],
)
def test_a_window_across_midnight_closes_in_the_morning(now: str, closes: str | None) -> None:
    window = read_window("22:00–06:00", "Europe/Vienna")
    assert window.closes_at(_at(now)) == (_at(closes) if closes else None)


def test_a_window_of_the_day_closes_on_the_same_day_and_opens_on_the_next() -> None:
    window = read_window("9:30-17:00", "Europe/Vienna")
    assert window.closes_at(_at("2026-11-21 10:00")) == _at("2026-11-21 17:00")
    assert window.opens_at(_at("2026-11-21 18:00")) == _at("2026-11-22 09:30")
    assert window.opens_at(_at("2026-11-21 08:00")) == _at("2026-11-21 09:30")
    assert window.opens_at(_at("2026-11-21 10:00")) == _at("2026-11-21 10:00")


@pytest.mark.parametrize(("evening", "hours"), [("2026-03-28 22:00", 7), ("2026-10-24 22:00", 9)])
def test_the_night_in_which_clocks_are_set_ends_by_the_clock_on_the_wall(evening: str, hours: int) -> None:
    window = read_window("22:00-06:00", "Europe/Vienna")
    assert window.closes_at(_at(evening)) == _at(evening) + hours * 3600


@given(opens=TIMES, closes=TIMES, day=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001
def test_a_moment_is_inside_exactly_when_the_clock_on_the_wall_is(opens: time, closes: time, day: datetime) -> None:
    if opens == closes:
        return
    zone = ZoneInfo("UTC")
    window = Window(opens=opens, closes=closes, zone=zone)
    clock = day.time()
    inside = opens <= clock < closes if opens < closes else clock >= opens or clock < closes
    now_s = day.replace(tzinfo=zone).timestamp()
    closing = window.closes_at(now_s)
    assert (closing is not None) == inside
    if closing is not None:
        assert 0 < closing - now_s <= timedelta(days=1).total_seconds()
    assert window.closes_at(window.opens_at(now_s)) is not None


@pytest.mark.parametrize(
    ("written", "zone", "says"),
    [
        ("22-6", "", "no window"),
        ("22:00-26:00", "", "no clock shows"),
        ("22:00-22:00", "", "at the same time"),
        ("22:00-06:00", "Europe/Atlantis", "no time zone"),
        ("22:00-06:00", "../etc", "no time zone"),
    ],
)
def test_what_is_no_window_is_told(written: str, zone: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_window(written, zone)


def test_both_mistakes_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        read_window("late", "Nowhere")
    assert len(caught.value.problems) == 2
