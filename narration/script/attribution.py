"""Speakers of quotations, by script labels and by a name next to a word of saying.

Invariant: a quotation has a character only where the text beside it names one; the probabilities are fixed estimates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from narration.cast import Cast
from narration.script import verbs
from narration.script.names import NamePatterns, name_patterns
from narration.script.quotation import Quotation, outer_marks, quotation_spans, quote_openers

_LABEL_P: Final = 0.99
_VERB_NAME_P: Final = 0.95
_NAME_VERB_P: Final = 0.93
_BEFORE_P: Final = 0.92
_SAME_PARAGRAPH_P: Final = 0.85
_CONTINUED_P: Final = 0.9

_PARAGRAPH: Final = re.compile(r"\S(?:(?!\n[ \t\r]*\n).)*", re.DOTALL)

_LOOK_BACK_CHARS: Final = 240
_NEAR_CHARS: Final = 40
_SCARE_WORDS: Final = 5
_SCARE_HAN: Final = 12
_SPEECH_STOPS: Final = tuple(".,!?;:…—–-。，！？；：")
_LEAD_INS: Final = tuple(",;:.!?…—–-”\"’'。，；：！？」』)")
_SAYS: Final = re.compile(rf"\b{verbs.ENGLISH}\s*$")
_SAYS_HAN: Final = re.compile(rf"{verbs.CHINESE}\s*$")

_HAN_CLAUSE_ENDS: Final = re.compile('[。！？；!?;“”「」『』"]')
_HAN_TAG: Final = re.compile(rf"{verbs.CHINESE}[^，,：:。]{{0,8}}[，,：:]?\s*$")
_HAN_AFTER: Final = re.compile(
    r"\s*[，,—]*\s*([^，。！？；：,:!?;“”「」『』\"]{1,24})([，。！？；：,:!?;“”「」『』\"]|$)"
)
_HAN_OBJECT: Final = re.compile("(?:对|對|向|给|給|跟|和|同|与|與|朝|问|問|叫|把|被|替|着|著|见|見)$")
_HAN_VERB: Final = re.compile(verbs.CHINESE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What is said in one paragraph.

    Attributes:
        quotations: in order; offsets are those of the whole text.
        label: `(start, end)` of the speaker's label in the whole text, or None.
        direction: what the label says in round brackets.
        goes_on: the last quotation is not closed: the next paragraph may continue it.
    """

    quotations: tuple[Quotation, ...]
    label: tuple[int, int] | None = None
    direction: str = ""
    goes_on: bool = False


def attribute(text: str, cast: Cast, *, language: str = "en") -> tuple[Quotation, ...]:
    """Every quotation of a text, with its speaker where the text names one.

    Args:
        text: plain text, blank lines between paragraphs; any of the usual quotation marks.
        cast: whose names and aliases are looked for.
        language: ISO 639-1.
    """
    found = [(match.start(), match.group()) for match in _PARAGRAPH.finditer(text)]
    return tuple(quotation for speech in speeches(found, cast, language=language) for quotation in speech.quotations)


def speeches(paragraphs: Sequence[tuple[int, str]], cast: Cast, *, language: str) -> list[Speech]:
    """What is said in each paragraph of a text, given as `(offset, text)`."""
    names = name_patterns(cast)
    openers = quote_openers(text for _, text in paragraphs)
    found: list[Speech] = []
    before = ""
    for offset, text in paragraphs:
        speech = _paragraph(text, offset, names, openers, language, lead_in=before)
        found.append(speech)
        before = text
    joins = [
        index
        for index, (one, other) in enumerate(pairwise(found), start=1)
        if one.goes_on and other.quotations and other.quotations[0].start == paragraphs[index][0]
    ]
    for index in joins:
        found[index] = _continued(found[index], 0, found[index - 1].quotations[-1])
    for index in reversed(joins):
        found[index - 1] = _continued(found[index - 1], -1, found[index].quotations[0])
    return found


def _continued(speech: Speech, place: int, other: Quotation) -> Speech:
    """The speech with its first or last quotation given to who speaks the other part of it, unless it has a speaker."""
    quotations = list(speech.quotations)
    if other.character is not None and quotations[place].character is None:
        quotations[place] = replace(
            quotations[place],
            character=other.character,
            probability=_CONTINUED_P,
            evidence="one speech over paragraphs",
        )
    return replace(speech, quotations=tuple(quotations))


def _paragraph(text: str, offset: int, names: NamePatterns, openers: str, language: str, *, lead_in: str) -> Speech:
    is_han = language == "zh"
    label = names.label.match(text)
    body = label.end() if label else 0
    spans = (
        [(start + body, end + body) for start, end in quotation_spans(text[body:], openers)] if body < len(text) else []
    )
    spans = [span for span in spans if span[0] == body or _is_said(text, span, is_han=is_han)]
    goes_on = bool(spans) and spans[-1][1] == len(text) and outer_marks(text[spans[-1][0] :])[1] == 0
    if label and body < len(text):
        return _labelled(text, offset, spans, label, names, goes_on=goes_on)
    guesses = [_guess(text, spans, index, names, lead_in, is_han=is_han) for index in range(len(spans))]
    quotations = [
        Quotation(start=start + offset, end=end + offset, character=who, probability=sure, evidence=why)
        for (start, end), (who, sure, why) in zip(spans, guesses, strict=True)
    ]
    shared = _share(text, offset, quotations, names, is_han=is_han)
    return Speech(quotations=tuple(shared), goes_on=goes_on)


def _labelled(
    text: str, offset: int, spans: list[tuple[int, int]], label: re.Match[str], names: NamePatterns, *, goes_on: bool
) -> Speech:
    """A script line: all that is quoted in it is the labelled character's; without quotation marks, all of it."""
    if not spans or spans[0][0] != label.end():
        spans, goes_on = [(label.end(), len(text.rstrip()))], False
    character = names.owners[_normal(label["name"])]
    quotations = tuple(
        Quotation(
            start=start + offset, end=end + offset, character=character, probability=_LABEL_P, evidence="script label"
        )
        for start, end in spans
    )
    return Speech(
        quotations=quotations,
        label=(offset + label.start("name"), offset + len(text[: label.end()].rstrip())),
        direction=(label["direction"] or "").strip(),
        goes_on=goes_on,
    )


def _normal(name: str) -> str:
    return " ".join(name.split())


def _is_said(text: str, span: tuple[int, int], *, is_han: bool) -> bool:
    """Whether a quotation is speech, not a word set in marks (the “lady”), which is short and inside a sentence."""
    inside = text[span[0] + 1 : span[1] - 1].rstrip()
    before = text[max(0, span[0] - _NEAR_CHARS) : span[0]].rstrip()
    size = len(inside) if is_han else len(inside.split())
    if size > (_SCARE_HAN if is_han else _SCARE_WORDS) or inside.endswith(_SPEECH_STOPS):
        return True
    if not before or before.endswith(_LEAD_INS):
        return True
    return bool((_SAYS_HAN if is_han else _SAYS).search(before))


_Guess = tuple[str | None, float, str]


def _guess(
    text: str, spans: list[tuple[int, int]], index: int, names: NamePatterns, lead_in: str, *, is_han: bool
) -> _Guess:
    """The speaker of one quotation by what stands right after it and right before it."""
    start, end = spans[index]
    before = text[spans[index - 1][1] if index else 0 : start]
    after = text[end : spans[index + 1][0] if index + 1 < len(spans) else len(text)]
    if not before.strip() and index == 0 and lead_in.rstrip().endswith((":", "：")):
        before = lead_in
    look = _guess_han if is_han else _guess_spaced
    return look(before, after, text[end - 2 : end - 1], names)


def _guess_spaced(before: str, after: str, last: str, names: NamePatterns) -> _Guess:
    is_lead_in = after.rstrip().endswith((",", ":")) and last in ".!?"
    for pattern, sure in zip(names.tags_after, (_VERB_NAME_P, _NAME_VERB_P), strict=True):
        match = pattern.match(after)
        if match and not (is_lead_in and pattern is names.tags_after[1]):
            return names.owners[_normal(match["name"])], sure, f"tag: {_normal(match.group())}"
    # A text cut short does not begin with a sentence.
    tail = before if len(before) <= _LOOK_BACK_CHARS else "~" + before[-_LOOK_BACK_CHARS:]
    for pattern in names.tags_before:
        matches = list(pattern.finditer(tail))
        if matches:
            match = matches[-1]
            return names.owners[_normal(match["name"])], _BEFORE_P, f"tag: {_normal(match.group())}"
    return None, 0.0, ""


def _guess_han(before: str, after: str, last: str, names: NamePatterns) -> _Guess:
    sentence = _HAN_CLAUSE_ENDS.split(before)[-1]
    if _HAN_TAG.search(sentence):
        for clause in reversed(re.split("[，,]", sentence.rstrip(" ：:，,"))):
            name = _subject(clause, names)
            if name:
                return names.owners[name], _BEFORE_P, f"tag: {sentence.strip()}"
    match = _HAN_AFTER.match(after)
    if match and _HAN_VERB.search(match[1]) and not (match[2] in "：:" and last in "。！？!?"):
        name = _subject(match[1], names)
        if name:
            return names.owners[name], _NAME_VERB_P, f"tag: {match[1].strip()}"
    return None, 0.0, ""


def _subject(clause: str, names: NamePatterns) -> str | None:
    """The first name of a clause that is not an object (对阿Q, 问老文)."""
    for match in names.any_name.finditer(clause):
        if not _HAN_OBJECT.search(clause[: match.start()]):
            return _normal(match["name"])
    return None


def _share(
    text: str, offset: int, quotations: list[Quotation], names: NamePatterns, *, is_han: bool
) -> list[Quotation]:
    """One paragraph has one speaker: who is named for one quotation speaks the others.

    In Chinese only what goes on right after the tag: paragraphs there may hold an exchange.
    """
    shared = list(quotations)
    for index, (before, quotation) in enumerate(pairwise(quotations), start=1):
        between = text[before.end - offset : quotation.start - offset]
        if (
            shared[index].character is None
            and shared[index - 1].character is not None
            and _goes_on(between, names, is_han=is_han)
        ):
            shared[index] = _same(shared[index], shared[index - 1])
    if not is_han:
        for index in range(len(shared) - 2, -1, -1):
            if shared[index].character is None and shared[index + 1].character is not None:
                shared[index] = _same(shared[index], shared[index + 1])
    return shared


def _goes_on(between: str, names: NamePatterns, *, is_han: bool) -> bool:
    if not is_han:
        return True
    return (
        len(between) <= _SCARE_HAN * 2
        and len({names.owners[_normal(m["name"])] for m in names.any_name.finditer(between)}) <= 1
    )


def _same(quotation: Quotation, other: Quotation) -> Quotation:
    return replace(quotation, character=other.character, probability=_SAME_PARAGRAPH_P, evidence="same paragraph")
