"""What a proof is made from: the delivered chapters of an output folder, in order of hearing.

Invariant: only what was delivered is looked at; nothing here asks a service for anything.
"""

from __future__ import annotations

import re
from pathlib import Path

from narration.deliver.record import ChapterRecord, records_of
from narration.errors import InputError, Problem
from narration.spotting import Spotter, heard_lines

_CHAPTERS = re.compile(r"\d+(-\d+)?")


def delivered_in(out: Path) -> tuple[ChapterRecord, ...]:
    """The records of the delivered chapters, in order.

    Raises:
        InputError: there is none.
    """
    found = sorted(records_of(out, _CHAPTERS), key=lambda one: tuple(int(part) for part in one[0].stem.split("-")))
    if not found:
        what = "holds no delivered chapter"
        raise InputError(Problem(what=what, where=str(out), hint="`narrate render` makes them; --out says where."))
    return tuple(record for _, record in found)


def spotter_of(out: Path) -> Spotter:
    """Finds lines in the delivered chapters of a folder.

    Raises:
        InputError: there is none.
    """
    timelines = [record.timeline for record in delivered_in(out)]
    lengths_s: dict[int, float] = {}
    for timeline in timelines:
        lengths_s[timeline.chapter] = lengths_s.get(timeline.chapter, 0.0) + timeline.audio_s
    return Spotter(heard_lines(timelines), lengths_s)
