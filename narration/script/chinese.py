"""Speakers in Chinese: names beside a verb of saying (`X说：“…”`, `“…”X道`), and pronouns that follow a name.

Invariant: a guess names somebody whose name stands in the same paragraph or in the one before; the rest is left open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from narration.script import verbs
from narration.script.labels import NamePatterns, plain
from narration.script.reading import Passage

_BEFORE_P: Final = 0.92
_AFTER_P: Final = 0.93
_PRONOUN_P: Final = 0.55
_GOES_ON_P: Final = 0.85
_GOES_ON_CHARS: Final = 24

_CLAUSE_ENDS: Final = re.compile('[。！？；!?;“”「」『』"]')
_TAG: Final = re.compile(rf"{verbs.CHINESE}[^，,：:。]{{0,8}}[，,：:]?\s*$")
_AFTER: Final = re.compile(r"\s*[，,—]*\s*([^，。！？；：,:!?;“”「」『』\"]{1,24})([，。！？；：,:!?;“”「」『』\"]|$)")
_OBJECT: Final = re.compile("(?:对|對|向|给|給|跟|和|同|与|與|朝|问|問|叫|把|被|替|着|著|见|見)$")
_VERB: Final = re.compile(verbs.CHINESE)
_PRONOUN: Final = re.compile("[他她]")


@dataclass(frozen=True, slots=True)
class Guess:
    """A speaker, how sure that is, and why."""

    character: str
    probability: float
    evidence: str


def guesses(text: str, passages: Sequence[Passage], names: NamePatterns) -> dict[tuple[int, int], Guess]:
    """The speakers found, by the spans of their quotations."""
    found: dict[tuple[int, int], Guess] = {}
    before = ""
    last: str | None = None
    for passage in passages:
        for index, span in enumerate(passage.spans):
            guess = _guess(text, passage, index, names, before if index == 0 else "", last)
            if guess:
                found[span] = guess
        _share(text, passage, names, found)
        before = text[passage.start : passage.end]
        matches = list(names.any_name.finditer(before))
        last = names.owners[plain(matches[0]["name"])] if matches else last
    return found


def _guess(
    text: str, passage: Passage, index: int, names: NamePatterns, lead_in: str, last: str | None
) -> Guess | None:
    start, end = passage.spans[index]
    before = text[passage.spans[index - 1][1] if index else passage.start : start]
    after = text[end : passage.spans[index + 1][0] if index + 1 < len(passage.spans) else passage.end]
    if not before.strip() and lead_in.rstrip().endswith((":", "：")):
        before = lead_in
    sentence = _CLAUSE_ENDS.split(before)[-1]
    if _TAG.search(sentence):
        for clause in reversed(re.split("[，,]", sentence.rstrip(" ：:，,"))):
            name = _subject(clause, names)
            if name:
                return Guess(names.owners[name], _BEFORE_P, f"tag: {sentence.strip()}")
        if _PRONOUN.search(sentence) and last:
            return Guess(last, _PRONOUN_P, f"pronoun: {sentence.strip()}")
    match = _AFTER.match(after)
    if match and _VERB.search(match[1]) and not (match[2] in "：:" and text[end - 2 : end - 1] in "。！？!?"):
        name = _subject(match[1], names)
        if name:
            return Guess(names.owners[name], _AFTER_P, f"tag: {match[1].strip()}")
        if _PRONOUN.match(match[1].strip()) and last:
            return Guess(last, _PRONOUN_P, f"pronoun: {match[1].strip()}")
    return None


def _subject(clause: str, names: NamePatterns) -> str | None:
    """The first name of a clause that is not an object (对阿Q, 问老文)."""
    for match in names.any_name.finditer(clause):
        if not _OBJECT.search(clause[: match.start()]):
            return plain(match["name"])
    return None


def _share(text: str, passage: Passage, names: NamePatterns, found: dict[tuple[int, int], Guess]) -> None:
    """What goes on right after a tag is the same speaker's; a paragraph may hold an exchange, so no more than that."""
    for one, other in pairwise(passage.spans):
        between = text[one[1] : other[0]]
        if one not in found or other in found or len(between) > _GOES_ON_CHARS:
            continue
        if len({names.owners[plain(match["name"])] for match in names.any_name.finditer(between)}) <= 1:
            found[other] = Guess(found[one].character, min(_GOES_ON_P, found[one].probability), "same paragraph")
