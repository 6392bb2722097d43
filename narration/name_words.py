"""Words of a book that a speech service may not know how to say: invented and foreign names, by how often they stand.

Invariant: a word that the same book also writes in small letters is ordinary and never proposed: the book itself is the
evidence, not a dictionary.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from narration.book import Book, ParagraphKind


class Mark(StrEnum):
    """What shows that a word is not of the book's language."""

    ACCENT = "accent"
    APOSTROPHE = "apostrophe"
    HYPHEN = "hyphen"
    INNER_CAPITAL = "inner capital"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameWord:
    """A word to be looked at.

    Attributes:
        word: as it stands most often, without a possessive `’s`.
        count: how often it is spoken in the book.
        marks: what is foreign about it; empty for a plain name.
        example: the words around it, at its first place inside a sentence.
        chapter: number of the chapter of the example.
    """

    word: str
    count: int
    marks: tuple[Mark, ...]
    example: str
    chapter: int


_LETTER: Final = r"[^\W\d_][\u0300-\u036f]*"
_TOKEN: Final = re.compile(rf"(?:{_LETTER})+(?:[’'ʼ‐‑-](?:{_LETTER})+)*")
_LATIN: Final = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ][A-Za-zÀ-ÖØ-öø-ɏ’'ʼ-]*")
_POSSESSIVE: Final = re.compile(r"[’'ʼ]s$")
_ELISION: Final = re.compile(r"^[a-zà-ÿ]{1,5}[’'ʼ](?=[^\W\d_])")
_BETWEEN: Final = re.compile(r"[\s“”\"‘’'«»„‚(\[{*_–—-]*$")
_OPENING: Final = '“"‘„«»'
_EXAMPLE_CHARS: Final = 30

_CASELESS: Final = frozenset({"zh", "ja", "ko"})
_ACCENTS: Final = {
    "de": "äöüß",
    "fr": "àâçéèêëîïôùûüÿœæ",
    "es": "áéíóúüñ",
    "it": "àèéìíîòóù",
    "pt": "áâãàçéêíóôõúü",
    "ru": "ё",
}
"""Accents that say nothing, since the language is written with them."""

_TITLE_WORDS: Final = "mr mrs ms dr st messrs mme mlle prof rev hon capt col gen lt sgt"
_TITLES: Final = frozenset(_TITLE_WORDS.split())
_COMMON_WORDS: Final = (
    "I I’m I’ll I’ve I’d I'm I'll I've I'd O Oh Ah Mr Mrs Ms Miss Dr St Sir Lord Lady Madam Master Mister Captain "
    "Colonel God Lord’s Christ Christian Bible Heaven Monday Tuesday Wednesday Thursday Friday Saturday Sunday "
    "January February March April May June July August September October November December Christmas Easter English "
    "England French France German Germany Italian Italy Spanish Spain Russian Russia American America Scotland "
    "Scottish Irish Ireland London Paris Rome New York Europe India Indian Africa African Asia China Chinese Greek "
    "Latin Roman Jew Jewish Street Road Park House Hall Chapter Book Part Act Scene Volume Adam Albert Alexander "
    "Alice Andrew Ann Anna Anne Arthur Ben Benjamin Betty Bill Bob Catherine Charles Charlie Charlotte Clara Daniel "
    "David Dick Edward Eliza Elizabeth Ellen Emily Emma Fanny Frank Fred George Grace Harriet Harry Helen Henry "
    "Jack James Jane Jim Joe John Joseph Julia Kate Kitty Lewis Lizzy Louisa Lucy Lydia Margaret Maria Mark Martha "
    "Martin Mary Michael Nancy Ned Nicholas Nick Paul Peter Philip Richard Robert Rose Ruth Sam Samuel Sarah Simon "
    "Sophia Susan Thomas Tom Tony Victor Walter Will William"
)
_COMMON: Final = frozenset(_COMMON_WORDS.split())
"""Words with a capital that every English voice can say."""

_DETERMINERS: Final = (
    "der die das den dem des ein eine einen einem einer eines kein keine keinen keinem keiner mein meine meinen "
    "meinem meiner dein deine sein seine seinen seinem seiner ihr ihre ihren ihrem ihrer unser unsere euer dieser "
    "diese dieses diesen diesem jener jene jedes jeder jede im am zum zur vom beim ins ans viele alle zwei drei "
    "vier"
)
_GERMAN_DETERMINERS: Final = frozenset(_DETERMINERS.split())
"""In German every noun has a capital; a name seldom stands behind one of these."""


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What the book shows of one spelling."""

    count: int = 0
    inside: int = 0
    determined: int = 0
    example: str = ""
    chapter: int = 0


@dataclass(slots=True, kw_only=True)
class _Evidence:
    """One walk over the book."""

    language: str
    small: set[str] = field(default_factory=set)
    capitals: Counter[str] = field(default_factory=Counter)
    seen: dict[str, _Seen] = field(default_factory=dict)

    def read(self, text: str, chapter: int, *, is_heading: bool) -> None:
        before = ""
        for found in _TOKEN.finditer(text):
            word, start = self._bare(found[0]), found.start()
            if word.islower():
                self.small.add(word)
            elif word.isupper() and len(word) > 1:
                self.capitals[word] += 1
            else:
                seen = self.seen.setdefault(word, _Seen())
                seen.count += 1
                if not is_heading and not _begins_sentence(text, start, before):
                    seen.inside += 1
                    seen.determined += before in _GERMAN_DETERMINERS
                    if not seen.example:
                        seen.example, seen.chapter = _around(text, start, found.end()), chapter
            before = word.lower()

    def _bare(self, token: str) -> str:
        word = unicodedata.normalize("NFC", token)
        if self.language in ("fr", "it"):
            word = _ELISION.sub("", word)
        return _POSSESSIVE.sub("", word)


def name_words(book: Book, *, known: Iterable[str] = ()) -> tuple[NameWord, ...]:
    """Words to be looked at, by how often they are spoken; those with a foreign mark first, unless they stand but once.

    In a language without capitals only words in Latin letters can be found.

    Args:
        book: its headings count as spoken; as evidence they do not, since there every word may have a capital.
        known: words that need not be proposed; case does not count.
    """
    if book.language in _CASELESS:
        found = _latin_words(book)
    else:
        evidence = _Evidence(language=book.language)
        for chapter in book.chapters:
            for paragraph in chapter.paragraphs:
                is_heading = paragraph.kind is ParagraphKind.HEADING
                evidence.read(paragraph.text, chapter.number, is_heading=is_heading)
        found = _names(evidence)
    left_out = {word.casefold() for word in known}
    kept = [name for name in found if name.word.casefold() not in left_out]
    return tuple(sorted(kept, key=_rank))


def _rank(name: NameWord) -> tuple[bool, int, str]:
    return (not name.marks or name.count == 1, -name.count, name.word)


def _names(evidence: _Evidence) -> Iterator[NameWord]:
    for word, seen in evidence.seen.items():
        if not seen.inside or _is_ordinary(word, seen, evidence):
            continue
        yield NameWord(
            word=word,
            count=seen.count + evidence.capitals[word.upper()],
            marks=_marks(word, evidence.language),
            example=seen.example,
            chapter=seen.chapter,
        )


def _is_ordinary(word: str, seen: _Seen, evidence: _Evidence) -> bool:
    if len(word) < 2 or word.lower() in evidence.small or (evidence.language == "en" and word in _COMMON):
        return True
    parts = re.split(r"[‐‑-]", word)
    if len(parts) > 1 and all(part.lower() in evidence.small or part in _COMMON for part in parts):
        return True
    if re.search(r"[’'ʼ](?:ll|d|ve|re|m|t)$", word):
        return True
    return evidence.language == "de" and (seen.inside < 3 or seen.determined * 10 > seen.inside)


def _marks(word: str, language: str) -> tuple[Mark, ...]:
    usual = _ACCENTS.get(language, "")
    marks = []
    letters = [char for char in word.lower() if char.isalpha() and char not in usual]
    if any(unicodedata.normalize("NFD", char) != char or char in "øłđßæœðþı" for char in letters):
        marks.append(Mark.ACCENT)
    if re.search(r"[’'ʼ]", word):
        marks.append(Mark.APOSTROPHE)
    if re.search(r"[‐‑-]", word):
        marks.append(Mark.HYPHEN)
    if any(char.isupper() for char in re.split(r"[’'ʼ‐‑-]", word)[0][1:]):
        marks.append(Mark.INNER_CAPITAL)
    if language == "ru" and _LATIN.match(word):
        marks.append(Mark.SCRIPT)
    return tuple(marks)


def _begins_sentence(text: str, position: int, before: str) -> bool:
    """Whether a capital there may be one of a sentence, and not of a name."""
    gap = _BETWEEN.search(text, max(0, position - _EXAMPLE_CHARS), position)
    start = gap.start() if gap else position
    between = text[start:position]
    if start == 0 or "\n" in between or any(sign in between for sign in _OPENING):
        return True
    if text[start - 1] == "." and before in _TITLES:
        return False
    return text[start - 1] in ".!?…:;。" or "—" in between


def _around(text: str, start: int, end: int) -> str:
    """Some words before and after, on one line."""
    first, last = max(0, start - _EXAMPLE_CHARS), min(len(text), end + _EXAMPLE_CHARS)
    head, tail = text[first:start], text[end:last]
    if first:
        head = "…" + (head.partition(" ")[2] or head)
    if last < len(text):
        tail = (tail.rpartition(" ")[0] or tail) + "…"
    return " ".join(f"{head}{text[start:end]}{tail}".split())


def _latin_words(book: Book) -> Iterator[NameWord]:
    seen: dict[str, _Seen] = {}
    for chapter in book.chapters:
        for paragraph in chapter.paragraphs:
            for found in _LATIN.finditer(paragraph.text):
                if len(found[0]) < 2:
                    continue
                one = seen.setdefault(found[0], _Seen())
                one.count += 1
                if not one.example:
                    one.example = _around(paragraph.text, found.start(), found.end())
                    one.chapter = chapter.number
    for word, one in seen.items():
        yield NameWord(word=word, count=one.count, marks=(Mark.SCRIPT,), example=one.example, chapter=one.chapter)
