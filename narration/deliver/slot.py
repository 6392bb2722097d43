"""Where a file of the book stands: its name, its number, its title, the key of its record.

Invariant: two files of one book never share a slot, and a chapter's slots are told from all others by their keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from narration.book import Chapter
from narration.deliver.names import MAX_TITLE_CHARS, chapter_file_name, chapter_title, numeral

SAMPLE_KEY = "sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One file's place in the book.

    Attributes:
        key: name of its record and of its hidden parts (`03`, `03-2`, `sample`).
        stem: its file name without the suffix.
        title: as players show it.
        track, tracks: its number, and how many there are.
    """

    key: str
    stem: str
    title: str
    track: int
    tracks: int


def chapter_slot(chapter: Chapter, *, track: int, total: int, piece: tuple[int, int] | None = None) -> Slot:
    """The slot of a chapter.

    Args:
        chapter: its number and title count.
        track: its place in the book, from 1, credits counted.
        total: how many chapters the book has, credits counted.
        piece: which of how many files, where a chapter is too long for one.
    """
    number, named = chapter.number, chapter.title
    key, shown = numeral(number, total), chapter_title(number, named)
    if piece is not None:
        part = f" ({piece[0]} of {piece[1]})"
        key, shown, named = f"{key}-{piece[0]}", shown + part, shown[: MAX_TITLE_CHARS - len(part)] + part
    return Slot(
        key=key, stem=chapter_file_name(number, named, total, suffix=""), title=shown, track=track, tracks=total
    )


def sample_slot(title: str) -> Slot:
    """The slot of the retail sample.

    Args:
        title: of the book.
    """
    return Slot(key=SAMPLE_KEY, stem="Sample", title=f"{title} (sample)", track=0, tracks=0)


def keys_of_chapter(number: int) -> re.Pattern[str]:
    """The keys that a chapter's slots have or had, whatever number of digits or pieces."""
    return re.compile(rf"0*{number}(-\d+)?")
