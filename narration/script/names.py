"""The names of a cast, as they are looked for in a text.

Invariant: the longest name or alias wins, letter case counts, and a Latin name is found as a whole word only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from narration.cast import Cast
from narration.script import verbs

_ADVERBS: Final = r"(?:(?:\w+ly|then|just|only|had|has|also|still|again|at\s+last|at\s+once)\s+){0,2}"
_ASIDE: Final = r"(?:,[^,.!?;:“”\"]{1,60},)?"
_EPITHET: Final = r"(?:(?:the|old|young|poor|little|good|dear|big)\s+){0,2}"
_BETWEEN: Final = r"(?:\s+(?:\w+ly|back|out|again|at\s+last|at\s+once|softly))?"
_NO_STOP: Final = r"[^.!?“”\"]"
_SPACED_LETTER: Final = r"[^\W\u2e80-\U0010ffff]"
"""A letter of a script that parts its words by spaces: 阿K ends before 说, Tom does not end before my."""
_SENTENCE_START: Final = r"(?:^\s*|[.!?;…”’\"]\s+)(?:(?:And|But|Then|So)\s+)?"
_ONE_SUBJECT: Final = (
    r"(?:(?!\b(?:as|when|while|until|till|that|which|who|whom|whose|he|she|they|it|I|we|you)\b)[^.!?;“”\"]){0,100}?"
)
"""What stands between a subject and its verb: no other subject, no other clause."""
_DIRECTION: Final = r"(?:\s*[(（](?P<direction>[^()（）\n]{1,120})[)）])?"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePatterns:
    """What finds the names of one cast. Every pattern has a group `name`.

    Attributes:
        owners: character of each name and alias; labels in capitals included.
        any_name: a name anywhere.
        label: a speaker's label at the start of a paragraph, `direction` in round brackets included.
        tags_after: `said Mara`, `Mara said`, at the start of what follows a quotation; best first.
        tags_before: `Mara said, `, at the end of what precedes one; best first.
    """

    owners: dict[str, str]
    any_name: re.Pattern[str]
    label: re.Pattern[str]
    tags_after: tuple[re.Pattern[str], ...]
    tags_before: tuple[re.Pattern[str], ...]


@lru_cache(maxsize=16)
def name_patterns(cast: Cast) -> NamePatterns:
    """The patterns of a cast; `owners` knows every name that they find."""
    owners: dict[str, str] = {}
    for character in cast.characters:
        for name in (character.name, *character.aliases):
            owners.setdefault(name, character.name)
    labels = dict(owners)
    for name, owner in owners.items():
        labels.setdefault(name.upper(), owner)
    name, verb = _named(owners), verbs.ENGLISH
    after = (
        rf"\s*[—–-]*\s*{verb}{_BETWEEN}\s+{_EPITHET}{name}",
        rf"\s*[—–-]*\s*(?:[Tt]he\s+)?{name}{_ASIDE}\s+{_ADVERBS}{verb}\b",
    )
    tail = rf"(?:{_NO_STOP}{{0,80}}[,:])?\s*[—–-]?\s*$"
    before = (
        rf"{name}{_ASIDE},?\s+(?:who\s+)?{_ADVERBS}{verb}\b{tail}",
        rf"{_SENTENCE_START}(?:[Tt]he\s+)?{name}\s{_ONE_SUBJECT}\b{verb}\b{_NO_STOP}{{0,40}}[,:]\s*$",
        rf"{_SENTENCE_START}(?i:{verb}){_BETWEEN}\s+{_EPITHET}{name}(?:{_NO_STOP}{{0,60}}[,:])\s*$",
    )
    return NamePatterns(
        owners=labels,
        any_name=re.compile(name),
        label=re.compile(rf"\s*{_named(labels)}{_DIRECTION}\s*[:：]\s*"),
        tags_after=tuple(re.compile(pattern) for pattern in after),
        tags_before=tuple(re.compile(pattern) for pattern in before),
    )


def _named(names: dict[str, str]) -> str:
    """A pattern for any of the names, longest first."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return f"(?P<name>{'|'.join(_word(name) for name in ordered)})"


def _word(name: str) -> str:
    """One name: a whole word where it is Latin, and not the owner of something (`Mara's brother`)."""
    body = r"\s+".join(re.escape(part) for part in name.split())
    head = f"(?<!{_SPACED_LETTER})" if _is_spaced(name[0]) else ""
    tail = f"(?!{_SPACED_LETTER})(?!['’]s\\b)" if _is_spaced(name[-1]) else ""
    return head + body + tail


def _is_spaced(letter: str) -> bool:
    """Whether words of this letter's script are parted by spaces."""
    return letter.isalnum() and letter < "\u2e80"
