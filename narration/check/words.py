"""What was heard held against what is to be said: words that are missing, added or changed, with their times.

Invariant: it asks nobody; what a recogniser may well mishear (one word, another spelling, a number in digits) is not
told as missing: only runs of words are. A recogniser that could not follow proves nothing, and nothing is said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from narration.check.spoken_numbers import form, runs
from narration.finding import Code

if TYPE_CHECKING:
    from narration.hearing import HeardWord, Transcript
    from narration.settings.checks import CheckSettings

ALIKE: Final = 70.0
"""Runs of letters that are so much alike, of 100, are the same words in another spelling: their, there."""
HAN_WEIGHT: Final = 0.5
"""Of a Chinese character, where a word weighs 1."""
ISLAND: Final = 1.0
"""A run of heard words that weighs no more than this does not divide what is missing on both sides of it."""
FEW: Final = 0.5
"""A run is missing where less than this of it was heard, and added where that much more was heard than is there."""
HALF: Final = 0.5
"""Of a take of few words so much is told, however few words that is."""
_SHOWN_CHARS: Final = 80

_WORD: Final = re.compile(r"[㐀-鿿豈-﫿]|\d+(?:[.,]\d+)*(?:st|nd|rd|th)?|[^\W_]+(?:['’][^\W\d_]+)*")
_HAN: Final = re.compile(r"[㐀-鿿豈-﫿〇]")
_SAME: Final = str.maketrans({"她": "他", "它": "他", "地": "的", "得": "的", "妳": "你", "裏": "里", "裡": "里"})
"""Characters that sound alike and that a recogniser chooses by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word to be said, or heard.

    Attributes:
        key: what is compared.
        start, end: where it is in the text.
        at_ms: when it begins, where that is known.
        until_ms: when it ends.
        weight: 1 for a word.
        letters: the same where it is a number: its letters as they stand there.
    """

    key: str
    start: int
    end: int
    at_ms: int | None = None
    until_ms: int | None = None
    weight: float = 1.0
    letters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hitch:
    """One place where what was heard is not what is to be said.

    Attributes:
        code: of the register: missing, added or changed.
        said: the words of the text; empty where some were added.
        heard: the words that were heard instead; empty where some are missing.
        words: how many words it is about; two Chinese characters count as one.
        at_ms: when, in the take.
        exact: whether the recogniser told the time; else it is reckoned from the place in the text.
    """

    code: Code
    said: str
    heard: str
    words: float
    at_ms: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was heard of a text.

    Attributes:
        share: of its words that were heard, by weight.
        heard_words, said_words: how many there are, by weight.
        hitches: every place where they differ, in order, however short.
    """

    share: float
    said_words: float
    heard_words: float
    hitches: tuple[Hitch, ...]


def folded(text: str) -> tuple[Word, ...]:
    """The words of a text as they are compared: case, accents and apostrophes folded, numbers in one form."""
    found = [
        Word(
            key=_key(match[0]),
            start=match.start(),
            end=match.end(),
            weight=HAN_WEIGHT if _HAN.fullmatch(match[0]) else 1.0,
        )
        for match in _WORD.finditer(text)
    ]
    return _numbered([word for word in found if word.key])


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_SAME)
    return "".join(char for char in plain if char.isalnum())


def _numbered(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words with every number as one."""
    found: list[Word] = []
    place = 0
    for start, end in runs([word.key for word in words]):
        number = words[start:end]
        found += words[place:start]
        found.append(
            Word(
                key=form([word.key for word in number]),
                start=number[0].start,
                end=number[-1].end,
                at_ms=number[0].at_ms,
                until_ms=number[-1].until_ms,
                weight=max(word.weight for word in number),
                letters="".join(word.key for word in number),
            )
        )
        place = end
    return (*found, *words[place:])


def expected_words(text: str) -> str:
    """The words of an English text for a recogniser that is told them, divided by blanks."""
    words = (match[0] for match in _WORD.finditer(unicodedata.normalize("NFKC", text)))
    return " ".join(word.replace("’", "'").lower() for word in words)


def _heard(words: Sequence[HeardWord]) -> tuple[tuple[Word, ...], str]:
    """What was heard as words, each with its share of the time of its stretch; and all of it as text."""
    found: list[Word] = []
    text = ""
    for stretch in words:
        inside = [match for match in _WORD.finditer(stretch.text) if _key(match[0])]
        if not inside and stretch.text:  # a mark for speech that is no word
            found.append(_timed(stretch, len(text), len(text) + len(stretch.text), 0, 1, stretch.text))
        for place, match in enumerate(inside):
            start, end = len(text) + match.start(), len(text) + match.end()
            found.append(_timed(stretch, start, end, place, len(inside), match[0]))
        text += stretch.text + " "
    return _numbered(found), text


def _timed(stretch: HeardWord, start: int, end: int, place: int, count: int, text: str) -> Word:
    word = Word(key=_key(text) or text, start=start, end=end, weight=HAN_WEIGHT if _HAN.fullmatch(text) else 1.0)
    if stretch.start_ms is None or stretch.end_ms is None:
        return word
    length_ms = stretch.end_ms - stretch.start_ms
    at_ms, until_ms = (stretch.start_ms + length_ms * step // count for step in (place, place + 1))
    return replace(word, at_ms=at_ms, until_ms=until_ms)


def compare(text: str, transcript: Transcript, span_ms: tuple[int, int]) -> Comparison:
    """Hold what was heard against a text.

    Args:
        text: what is to be said.
        transcript: what was heard.
        span_ms: where speech begins and ends in the take, for recognisers that tell no times.
    """
    said = folded(text)
    heard, heard_text = _heard(transcript.words)
    total = sum(word.weight for word in said)
    blocks = _blocks(said, heard)
    hitches: list[Hitch] = []
    lost = 0.0
    for said_from, said_to, heard_from, heard_to in blocks:
        mine, theirs = said[said_from:said_to], heard[heard_from:heard_to]
        if _alike(mine, theirs):
            continue
        weights = sum(word.weight for word in mine), sum(word.weight for word in theirs)
        lost += weights[0]
        at_ms, exact = _time(said, said_from, heard, heard_from, span_ms)
        code = _code(*weights)
        hitches.append(
            Hitch(
                code=code,
                said=_words(text, mine),
                heard=_words(heard_text, theirs),
                words={
                    Code.TAKE_LACKS_WORDS: weights[0] - weights[1],
                    Code.TAKE_ADDS_WORDS: weights[1] - weights[0],
                }.get(code, max(weights)),
                at_ms=at_ms,
                exact=exact,
            )
        )
    return Comparison(
        share=1 - lost / total if total else 1.0,
        said_words=total,
        heard_words=sum(word.weight for word in heard),
        hitches=tuple(hitches),
    )


def _blocks(said: Sequence[Word], heard: Sequence[Word]) -> list[tuple[int, int, int, int]]:
    """Where they differ, each as spans of both; a single word that agrees by chance divides nothing."""
    steps = Levenshtein.opcodes([word.key for word in said], [word.key for word in heard])
    blocks: list[tuple[int, int, int, int]] = []
    for step in steps:
        if step.tag == "equal":
            continue
        here = (step.src_start, step.src_end, step.dest_start, step.dest_end)
        if blocks and _joined(said, heard, blocks[-1], here):
            here = (blocks[-1][0], here[1], blocks[-1][2], here[3])
            blocks.pop()
        blocks.append(here)
    return blocks


def _joined(
    said: Sequence[Word], heard: Sequence[Word], before: tuple[int, int, int, int], here: tuple[int, int, int, int]
) -> bool:
    """Whether two differences are one: side by side, or with an island between two stretches that are missing."""
    island = sum(word.weight for word in said[before[1] : here[0]])
    if not island:
        return True
    sides = [
        sum(word.weight for word in said[one[0] : one[1]]) - sum(word.weight for word in heard[one[2] : one[3]])
        for one in (before, here)
    ]
    return island <= ISLAND and min(sides) > island


def _alike(said: Sequence[Word], heard: Sequence[Word]) -> bool:
    """Whether the letters are about the same: other spellings, words written together or apart."""
    mine, theirs = "".join(word.key for word in said), "".join(word.key for word in heard)
    numbers = [any(word.letters for word in words) for words in (said, heard)]
    if mine == theirs or all(numbers):
        return mine == theirs
    if any(numbers):  # every one, everyone
        mine, theirs = ("".join(word.letters or word.key for word in words) for words in (said, heard))
    return bool(mine and theirs) and fuzz.ratio(mine, theirs) >= ALIKE


def _code(said: float, heard: float) -> Code:
    if heard <= FEW * said:
        return Code.TAKE_LACKS_WORDS
    return Code.TAKE_ADDS_WORDS if said <= FEW * heard else Code.TAKE_CHANGES_WORDS


def _words(text: str, words: Sequence[Word]) -> str:
    found = text[words[0].start : words[-1].end] if words else ""
    return found if len(found) <= _SHOWN_CHARS else found[: _SHOWN_CHARS - 1] + "…"


def _time(
    said: Sequence[Word], said_from: int, heard: Sequence[Word], heard_from: int, span_ms: tuple[int, int]
) -> tuple[int, bool]:
    """When a difference begins: where the word before it ends, or the one after begins; else by its place."""
    before = heard[heard_from - 1].until_ms if heard_from else span_ms[0]
    here = heard[heard_from].at_ms if heard_from < len(heard) else None
    told = any(word.at_ms is not None for word in heard)
    if told and (before is not None or here is not None):
        return (before if before is not None else here or 0), True
    of_text = sum(word.weight for word in said[:said_from]) / max(1.0, sum(word.weight for word in said))
    of_heard = sum(word.weight for word in heard[:heard_from]) / max(1.0, sum(word.weight for word in heard))
    share = of_heard if heard else of_text
    return round(span_ms[0] + share * (span_ms[1] - span_ms[0])), False


def is_grave(hitch: Hitch, settings: CheckSettings, said_words: float) -> bool:
    """Whether a difference is long enough to be told: a run of words, or half of a take of few words.

    Args:
        hitch: the difference.
        settings: the thresholds.
        said_words: how many words the take has.
    """
    least = {
        Code.TAKE_LACKS_WORDS: settings.missing_words,
        Code.TAKE_ADDS_WORDS: settings.added_words,
        Code.TAKE_CHANGES_WORDS: settings.changed_words,
    }
    half = hitch.code is not Code.TAKE_CHANGES_WORDS and hitch.words >= max(1.0, HALF * said_words)
    return half or hitch.words >= least[hitch.code]
