"""Which chapters: `1-3`, `2,5`, `4-`, or a title.

Invariant: a selection names at least one chapter of the book, or it is refused.
"""

from __future__ import annotations

import difflib
import re

from narration.book import Book
from narration.errors import InputError, Problem
from narration.sheets import shown

_RANGE = re.compile(r"^([0-9]{0,9})\s*-\s*([0-9]{0,9})$")


def select_chapters(selection: str, book: Book) -> frozenset[int]:
    """Numbers of the chapters that a selection names.

    Args:
        selection: parts divided by commas: a number, a range (`2-4`, `4-`, `-3`), or a title, whole or its beginning.
        book: the book to select from.

    Raises:
        InputError: a part names no chapter.
    """
    chosen: set[int] = set()
    problems: list[Problem] = []
    for part in (part.strip() for part in selection.split(",")):
        if not part:
            continue
        numbers = _numbers(part, book)
        if numbers:
            chosen |= numbers
        else:
            problems.append(_nothing(part, book))
    if not chosen and not problems:
        problems.append(_nothing(selection, book))
    if problems:
        raise InputError(*problems)
    return frozenset(chosen)


def _numbers(part: str, book: Book) -> set[int]:
    every = {chapter.number for chapter in book.chapters}
    if re.fullmatch(r"[0-9]{1,9}", part):
        return {int(part)} & every
    bounds = _RANGE.match(part)
    if bounds and (bounds[1] or bounds[2]):
        first = int(bounds[1] or 1)
        last = int(bounds[2] or len(every))
        # A bound beyond the book is a mistake to be told, not a wish to be guessed.
        return {number for number in every if first <= number <= last} if last in every else set()
    wanted = part.casefold()
    titles = {chapter.number: chapter.title.casefold() for chapter in book.chapters}
    return {number for number, title in titles.items() if title == wanted} or {
        number for number, title in titles.items() if title.startswith(wanted)
    }


def _nothing(part: str, book: Book) -> Problem:
    titles = [chapter.title for chapter in book.chapters if chapter.title]
    near = difflib.get_close_matches(part, titles, n=1)
    return Problem(
        what=f"no chapter {shown(part)} in a book of {len(book.chapters)}",
        where="--chapters",
        expected=f"numbers from 1 to {len(book.chapters)}, ranges such as 1-3, or titles",
        hint=(f"Did you mean {shown(near[0])}? " if near else "") + "`narrate chapters` lists them.",
    )
