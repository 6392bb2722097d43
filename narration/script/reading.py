"""A text as words, names and stretches of narration: what clues are looked for in.

Invariant: word indexes are those of the whole text; a mention covers whole words.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from narration.script import english
from narration.script.languages import ENGLISH, Grammar
from narration.script.people import WORD, Mention, People, agreeing, shaped

_JOINTS: Final = frozenset(("", ".", "-", "'", "’", "_", "._"))
_BREAKS: Final = frozenset(".!?;:…")
_ABBREVIATION_CHARS: Final = 4


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph: where it is, and where its quotations are. Offsets are those of the whole text.

    Attributes:
        spans: quotations in order.
        goes_on: the last quotation is not closed.
        speaker: index of the person whom a script label names, or None.
        breaks: a new scene or chapter begins here.
        chapter: number of the chapter, from 1; 0 before the first.
    """

    start: int
    end: int
    spans: tuple[tuple[int, int], ...]
    goes_on: bool = False
    speaker: int | None = None
    breaks: bool = False
    chapter: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of a text.

    Attributes:
        text: all of it.
        words, starts: each word and its offset.
        mentions: by the index of their first word.
        ordered: the same, in order.
        grammar: of its language.
    """

    text: str
    words: list[str]
    starts: list[int]
    mentions: dict[int, Mention]
    ordered: list[Mention] = field(default_factory=list)
    grammar: Grammar = ENGLISH

    def between(self, start: int, end: int) -> tuple[int, int]:
        """Word indexes of a stretch of text."""
        return bisect_left(self.starts, start), bisect_left(self.starts, end)

    def gap(self, index: int) -> str:
        """What stands between a word and the next."""
        end = self.starts[index] + len(self.words[index])
        return self.text[end : self.starts[index + 1] if index + 1 < len(self.starts) else len(self.text)]

    def ends_sentence(self, index: int) -> bool:
        """Whether a sentence, or a part of one after a semicolon, ends behind this word."""
        gap = self.gap(index)
        if gap == " " or not _BREAKS.intersection(gap):
            return False
        word = self.words[index]
        return not (gap.lstrip()[:1] == "." and (word in english.TITLES or len(word) == 1))

    def sentences(self, start: int, end: int) -> list[tuple[int, int]]:
        """The sentences of a stretch of words, as word indexes."""
        found, begin = [], start
        for index in range(start, end):
            if index == end - 1 or self.ends_sentence(index):
                found.append((begin, index + 1))
                begin = index + 1
        return found


def read(text: str, people: People, grammar: Grammar = ENGLISH) -> Reading:
    """The words of a text and the names in it."""
    words: list[str] = []
    starts: list[int] = []
    for match in WORD.finditer(text):
        words.append(match.group())
        starts.append(match.start())
    reading = Reading(text=text, words=words, starts=starts, mentions={}, grammar=grammar)
    table = people.by_word
    index = 0
    while index < len(words):
        word = words[index]
        entries = table.get(word) or (table.get(word.capitalize()) if word.isupper() and len(word) > 1 else None)
        mention = _mention(reading, people, index, entries) if entries else None
        if mention is None:
            index += 1
            continue
        reading.mentions[index] = mention
        reading.ordered.append(mention)
        index = mention.end
    return reading


def _mention(
    reading: Reading, people: People, index: int, entries: Sequence[tuple[tuple[str, ...], tuple[int, ...]]]
) -> Mention | None:
    words = reading.words
    for name, owners in entries:
        end = index + len(name)
        if end > len(words) or any(
            shaped(words[index + step]) != part and words[index + step] != part for step, part in enumerate(name)
        ):
            continue
        if not all(_joins(reading, step) for step in range(index, end - 1)):
            continue
        who = owners
        before = shaped(words[index - 1]) if index and _joins(reading, index - 1) else ""
        if before in english.TITLES:
            who = agreeing(people, owners, before)
        if who:
            return Mention(index, end, who, _possessive(reading, end - 1))
    return None


def _joins(reading: Reading, index: int) -> bool:
    """Whether a word and the next can be of one name."""
    gap = reading.gap(index)
    mark = gap.strip()
    if mark not in _JOINTS or len(gap) > _ABBREVIATION_CHARS:
        return False
    return not mark.startswith(".") or len(reading.words[index]) <= _ABBREVIATION_CHARS


def _possessive(reading: Reading, index: int) -> bool:
    """`Mara's`, `James'`, and `Mara s` where the apostrophes are lost."""
    gap = reading.gap(index)
    if index + 1 < len(reading.words) and reading.words[index + 1] == "s" and gap in {"'", "’", " "}:
        return True
    return reading.words[index].endswith("s") and gap in {"' ", "’ "}


def spread_genders(reading: Reading, people: People, narration: Sequence[tuple[int, int]]) -> list[float]:
    """Log odds of female of each person: what the cast sheet tells, and the pronouns after each name."""
    counts = [[0.0, 0.0] for _ in people.names]
    words = reading.words
    for start, end in narration:
        subject, left = -1, 0
        for index in range(start, end):
            mention = reading.mentions.get(index)
            if mention:
                subject, left = (mention.who[0], 16) if len(mention.who) == 1 and not mention.possessive else (-1, 0)
                continue
            if left:
                left -= 1
                gender = reading.grammar.gendered.get(words[index].lower())
                if gender:
                    counts[subject][gender == "f"] += 1
                    left = 0
    return [prior + _evidence(male, female) for prior, (male, female) in zip(people.genders, counts, strict=True)]


def _evidence(male: float, female: float) -> float:
    """Log odds of female from pronouns counted: they often mean somebody else, so a few tell little."""
    total = male + female
    share = (female + 1) / (total + 2)
    weight = min(1.0, total / 6)
    return weight * max(-4.0, min(4.0, 8 * (share - 0.5)))
