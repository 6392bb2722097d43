"""Where a lexicon's entries are used in a book, and why one is not.

Invariant: each entry is told of, also one that never matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from narration.book import ChapterScript, Line
from narration.lexicon import Entry, Lexicon, place_name
from narration.lexicon.finder import Wanted, WordFinder
from narration.sheets import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How an entry fares in a book.

    Attributes:
        entry: of the lexicon.
        count: how often it counts.
        first: the place where it counts first, as `place_name` writes it; empty when it never does.
        hint: why it never counts, as far as that can be told; empty when it does.
    """

    entry: Entry
    count: int
    first: str = ""
    hint: str = ""


def uses(lexicon: Lexicon, scripts: Iterable[ChapterScript]) -> tuple[Use, ...]:
    """Each entry with how often it counts, in the order of the file.

    Args:
        lexicon: of the book.
        scripts: the lines of the chapters to look at.
    """
    lines = [line for script in scripts for line in script.lines]
    counts: dict[Entry, tuple[int, str]] = {}
    for line in lines:
        for match in lexicon.matches(line.text, character=line.character, chapter=line.chapter, place=_place(line)):
            count, first = counts.get(match.entry, (0, _place(line)))
            counts[match.entry] = count + 1, first
    text = _Text(lines)
    found = []
    for entry in lexicon.entries:
        count, first = counts.get(entry, (0, ""))
        found.append(Use(entry=entry, count=count, first=first, hint="" if count else text.why_never(entry, lexicon)))
    return tuple(found)


class _Text:
    """The words of a book, prepared for many questions."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._folded = "\n".join(line.text for line in lines).casefold()
        self._by_letter: dict[str, set[str]] = {}
        for word in {word for line in lines for word in re.findall(r"[^\W\d_]{3,}", line.text)}:
            self._by_letter.setdefault(word[0].casefold(), set()).add(word)

    def why_never(self, entry: Entry, lexicon: Lexicon) -> str:
        """Why an entry never counts; empty where nothing like it stands in the book."""
        if entry.lang not in ("", lexicon.language):
            return f"It is for books in `{entry.lang}`; this one is in `{lexicon.language}`."
        if entry.word.casefold() not in self._folded:
            return nearest(entry.word, self._by_letter.get(entry.word[0].casefold(), ()))
        standing = self._places(entry)
        if standing:
            return _why_not_there(entry, standing)
        if entry.context and self._places(replace(entry, context="")):
            return "It stands in the book, never inside its context."
        if not entry.ci and self._places(replace(entry, ci=True)):
            return "It stands in the book in other case only: `ci: true` would find it."
        return "It stands in the book only as a part of longer words."

    def _places(self, entry: Entry) -> list[Line]:
        """Lines where the word stands, whoever speaks."""
        finder = WordFinder(wanted=(Wanted(word=entry.word, ci=entry.ci, context=entry.context),))
        return [line for line in self._lines if next(finder.find(line.text), None)]


def _why_not_there(entry: Entry, standing: Sequence[Line]) -> str:
    in_scope = any(
        entry.is_in_scope(character=line.character, chapter=line.chapter, place=_place(line)) for line in standing
    )
    why = "each time inside a longer or narrower entry" if in_scope else "never within its scope"
    speakers = " and ".join(dict.fromkeys(line.character for line in standing[:3]))
    return f"It stands in the book, {why} (first at {_place(standing[0])}, spoken by {speakers})."


def _place(line: Line) -> str:
    return place_name(line.chapter, line.index + 1)
