"""The lexicon: how words are to be said that a speech service would say wrong.

Invariant: a Lexicon that exists is right; it respells a text only where one of its entries stands, and lists each
change, so that undone they give the text back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from narration.lexicon.finder import Found, Wanted, WordFinder
from narration.lexicon.respelling import Change, Respelt, respelt
from narration.place import Place, place_of

LEXICON_FILE: Final = "lexicon.yaml"
"""Its usual name, beside book.yaml."""

MAX_WORD_CHARS: Final = 200
"""Of a word, of what is said for it, and of a context: more is a mistake in the file, not a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterRange:
    """Chapters from `first` to `last`, both included; `last` is None for all that follow."""

    first: int
    last: int | None

    def __contains__(self, chapter: int) -> bool:
        return self.first <= chapter and (self.last is None or chapter <= self.last)

    def __str__(self) -> str:
        if self.last == self.first:
            return str(self.first)
        return f"{self.first}-{self.last or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One word of the lexicon.

    Attributes:
        word: as it stands in the manuscript.
        say: what is sent in its place; empty to leave it out, the word itself to protect it from other entries.
        lang: ISO 639-1; the entry counts in books of that language only. Empty: in all.
        who: names of the cast; it counts when one of them speaks. Empty: whoever speaks.
        chapters: it counts in these. Empty: in all.
        at: places as `place_name` writes them; it counts there. Empty: everywhere.
        ci: whether the case of the word does not count.
        context: it counts inside this longer text. Empty: everywhere.
        source: file and line, as a message names them (`lexicon.yaml:7`).
    """

    word: str
    say: str
    lang: str = ""
    who: tuple[str, ...] = ()
    chapters: tuple[ChapterRange, ...] = ()
    at: tuple[str, ...] = ()
    ci: bool = False
    context: str = ""
    source: str = ""

    @property
    def is_everywhere(self) -> bool:
        """Whether it counts for all speakers, chapters, places and contexts."""
        return not (self.who or self.chapters or self.at or self.context)

    def is_in_scope(self, *, character: str, chapter: int, place: str) -> bool:
        """Whether it counts for this speaker, in this chapter, at this place."""
        return (
            (not self.who or character in self.who)
            and (not self.chapters or any(chapter in some for some in self.chapters))
            and (not self.at or place in self.at)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An entry that counts at a span of a text, code points."""

    entry: Entry
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """The entries of one book.

    Attributes:
        entries: in the order of the file, those of other languages included.
        language: of the book, ISO 639-1.
    """

    entries: tuple[Entry, ...] = ()
    language: str = ""
    _ranked: tuple[Entry, ...] = field(init=False, repr=False, compare=False)
    _finder: WordFinder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ours = [entry for entry in self.entries if entry.lang in ("", self.language)]
        ranked = tuple(sorted(ours, key=_breadth))
        wanted = tuple(Wanted(word=entry.word, ci=entry.ci, context=entry.context) for entry in ranked)
        object.__setattr__(self, "_ranked", ranked)
        object.__setattr__(self, "_finder", WordFinder(wanted=wanted))

    def respell(self, text: str, *, character: str, chapter: int, place: str = "") -> Respelt:
        """What is said for a text: at each position the longest entry, of several as long the narrowest.

        Args:
            text: as written; whole words, for a word that is cut in two is not found.
            character: who speaks it, a name of the cast.
            chapter: number of the chapter, from 1.
            place: where it stands, as `place_name` writes it; empty where `at` is of no interest.
        """
        found = self.matches(text, character=character, chapter=chapter, place=place)
        return respelt(text, (_change(text, match) for match in found))

    def matches(self, text: str, *, character: str, chapter: int, place: str = "") -> Iterator[Match]:
        """Every entry that counts in a text, those that protect a word included; arguments as for `respell`."""
        place = as_place(place) or place

        def is_wanted(index: int) -> bool:
            return self._ranked[index].is_in_scope(character=character, chapter=chapter, place=place)

        for found in self._finder.find(text, is_wanted):
            yield self._match(found)

    def touches(self, text: str, *, character: str, chapter: int, place: str = "") -> bool:
        """Whether `respell` would change the text; arguments as there."""
        found = self.matches(text, character=character, chapter=chapter, place=place)
        return any(text[match.start : match.end] != match.entry.say for match in found)

    def _match(self, found: Found) -> Match:
        return Match(entry=self._ranked[found.index], start=found.start, end=found.end)


def place_name(chapter: int, line: int) -> str:
    """The name of one line of a chapter (`3:17`); the line counts from 1."""
    return str(Place(chapter=chapter, line=line))


def as_place(written: str) -> str:
    """A place as `place_name` writes it (`ch03#s0017` is `3:17`); empty when it is none, or a part of a line."""
    place = place_of(written)
    return str(place) if place is not None and not place.part else ""


def _breadth(entry: Entry) -> tuple[bool, ...]:
    """Narrow entries sort before wide ones."""
    return (not entry.at, not entry.context, not entry.who, not entry.chapters, not entry.lang, entry.ci)


def _change(text: str, match: Match) -> Change:
    written = text[match.start : match.end]
    return Change(start=match.start, end=match.end, written=written, said=match.entry.say, entry=match.entry.source)
