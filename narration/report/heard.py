"""What is heard in a book, line by line: enough to tell two deliveries apart.

Invariant: a line counts as changed when its takes are not those that any line of its chapter had before; where lines
only moved, nothing has changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from narration.pickups.spotting import HeardLine
from narration.place import Place

_ID_CHARS = 12
"""Enough of a take id to tell the takes of one book apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one delivery has that another had not.

    Attributes:
        lines: places of lines with other takes, or new ones, in order.
        gone: how many lines of the earlier delivery are in no place now, by chapter.
        chapters: numbers of chapters that the earlier delivery lacks.
    """

    lines: tuple[Place, ...] = ()
    gone: tuple[tuple[int, int], ...] = ()
    chapters: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lines or self.gone or self.chapters)


Heard = Mapping[str, Sequence[str]]
"""For each chapter's number, as JSON has it, its lines' takes in order."""


def heard_of(chapters: Mapping[int, Sequence[HeardLine]]) -> dict[str, list[str]]:
    """What is heard in each chapter."""
    return {str(number): [_takes(line) for line in lines] for number, lines in chapters.items()}


def difference(before: Heard, chapters: Mapping[int, Sequence[HeardLine]]) -> Difference:
    """What has changed since an earlier delivery."""
    lines: list[Place] = []
    gone: list[tuple[int, int]] = []
    for number, now in chapters.items():
        if str(number) not in before:
            continue
        left = Counter(before[str(number)])
        for line in now:
            if left[_takes(line)] > 0:
                left[_takes(line)] -= 1
            else:
                lines.append(line.place)
        if missing := left.total():
            gone.append((number, missing))
    added = tuple(number for number in chapters if str(number) not in before)
    return Difference(lines=tuple(lines), gone=tuple(gone), chapters=added)


def checked_heard(data: Any) -> dict[str, list[str]]:  # noqa: ANN401 — whatever a JSON file holds
    """What a file says was heard.

    Raises:
        TypeError, ValueError, AttributeError: it is not that.
    """
    return {str(int(number)): [str(takes) for takes in lines] for number, lines in data.items()}


def _takes(line: HeardLine) -> str:
    return "+".join(take_id[:_ID_CHARS] for take_id in line.take_ids)
