"""How people name a line: `3:17` is line 17 of chapter 3, `3:17.2` the second part of it.

Both numbers count from 1 as reports and the proof sheet show them (opening credits are chapter 0). A line that is too
long for one request is spoken in parts. Invariant: what `str` writes, `place_of` reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_PLACE: Final = re.compile(
    r"(?:ch(?:apter)?\s*)?0*(\d{1,6})\s*[:#]\s*s?0*([1-9]\d{0,6})(?:\.0*([1-9]\d{0,3}))?", re.IGNORECASE
)

EXPECTED: Final = "chapter and line, such as 3:17 (3:17.2 is the second part of that line)"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """One line of a book, or a part of it.

    Attributes:
        chapter: its number.
        line: from 1.
        part: from 1; 0 is the whole line.
    """

    chapter: int
    line: int
    part: int = 0

    def __str__(self) -> str:
        return f"{self.chapter}:{self.line}" + (f".{self.part}" if self.part else "")

    def holds(self, other: Place) -> bool:
        """Whether another place is this one, or a part of it."""
        return (self.chapter, self.line) == (other.chapter, other.line) and self.part in (0, other.part)


def place_of(written: str) -> Place | None:
    """The place that somebody wrote; None where it is none. `3#17` and `ch03#s0017` are read, too."""
    found = _PLACE.fullmatch(written.strip())
    if found is None:
        return None
    return Place(chapter=int(found[1]), line=int(found[2]), part=int(found[3] or 0))
