"""The time window: from when to when, day by day, unattended work may go on.

Invariant: a window is open at its first moment and closed at its last, by the clock on the wall of its zone, also
across midnight and when clocks are set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from narration.errors import InputError, Problem

_WRITTEN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–—]\s*(\d{1,2}):(\d{2})")
_EXPECTED = "two times of day, such as 22:00-06:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A daily window.

    Attributes:
        opens, closes: times of day; one that closes before it opens goes across midnight.
        zone: whose clock that is; None is this machine's.
    """

    opens: time
    closes: time
    zone: ZoneInfo | None = None

    def closes_at(self, now_s: float) -> float | None:
        """When the window that is open now closes, in Unix seconds; None while it is closed.

        Args:
            now_s: Unix seconds.
        """
        today = datetime.fromtimestamp(now_s, UTC).astimezone(self.zone).date()
        for day in (today - timedelta(days=1), today):
            closing_day = day if self.opens < self.closes else day + timedelta(days=1)
            begin_s, end_s = self._at(day, self.opens), self._at(closing_day, self.closes)
            if begin_s <= now_s < end_s:
                return end_s
        return None

    def opens_at(self, now_s: float) -> float:
        """When it opens next, in Unix seconds; `now_s` where it is open."""
        if self.closes_at(now_s) is not None:
            return now_s
        today = datetime.fromtimestamp(now_s, UTC).astimezone(self.zone).date()
        days = (today + timedelta(days=ahead) for ahead in (0, 1))
        return min(at for at in (self._at(day, self.opens) for day in days) if at > now_s)

    def _at(self, day: date, moment: time) -> float:
        return datetime.combine(day, moment, self.zone).timestamp()

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}" + (f" {self.zone.key}" if self.zone else "")


def read_window(written: str, zone: str = "") -> Window:
    """The window that somebody wrote.

    Args:
        written: `22:00-06:00`, with a hyphen or a dash.
        zone: an IANA name (`Europe/Vienna`), or empty for this machine's.

    Raises:
        InputError: it is no window, or there is no such zone.
    """
    problems, times = list[Problem](), list[time]()
    found = _WRITTEN.fullmatch(written.strip())
    if found is None:
        problems.append(Problem(what=f"`{written}` is no window", where="--window", expected=_EXPECTED))
    else:
        begin, end = (int(found[1]), int(found[2])), (int(found[3]), int(found[4]))
        if any(hour > 23 or minute > 59 for hour, minute in (begin, end)):
            what = f"`{written}` has a time that no clock shows"
            problems.append(Problem(what=what, where="--window", expected="00:00 to 23:59"))
        elif begin == end:
            what = f"`{written}` opens and closes at the same time"
            problems.append(Problem(what=what, where="--window", expected=_EXPECTED, hint="Leave it out for all day."))
        else:
            times = [time(*begin), time(*end)]
    place = None
    if zone:
        try:
            place = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            what = f"there is no time zone `{zone}`"
            problems.append(Problem(what=what, where="--zone", expected="a name such as Europe/Vienna or UTC"))
    if problems:
        raise InputError(*problems)
    return Window(opens=times[0], closes=times[1], zone=place)
