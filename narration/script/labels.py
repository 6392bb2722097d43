"""Speakers' labels: `Mara: …`, `TOM (softly): …` at the start of a paragraph.

Invariant: a label is a name or alias of the cast, spelled as in the sheet or in capitals; nothing else is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from narration.cast import Cast

_SPACED_LETTER: Final = r"[^\W\u2e80-\U0010ffff]"
"""A letter of a script that parts its words by spaces: 阿K ends before 说, Tom does not end before my."""
_DIRECTION: Final = r"(?:\s*[(（](?P<direction>[^()（）\n]{1,120})[)）])?"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePatterns:
    """What finds the names of one cast as they are spelled in the sheet. Every pattern has a group `name`.

    Attributes:
        owners: character of each name and alias; labels in capitals included.
        any_name: a name anywhere.
        label: a speaker's label at the start of a paragraph, `direction` in round brackets included.
    """

    owners: dict[str, str]
    any_name: re.Pattern[str]
    label: re.Pattern[str]


@lru_cache(maxsize=16)
def name_patterns(cast: Cast) -> NamePatterns:
    """The patterns of a cast; `owners` knows every name that they find."""
    owners: dict[str, str] = {}
    for character in cast.characters:
        for name in (character.name, *character.aliases):
            if name.strip():
                owners.setdefault(plain(name), character.name)
    labels = dict(owners)
    for name, owner in owners.items():
        labels.setdefault(name.upper(), owner)
    return NamePatterns(
        owners=labels,
        any_name=re.compile(_named(owners)),
        label=re.compile(rf"\s*{_named(labels)}{_DIRECTION}\s*[:：]\s*"),
    )


def plain(name: str) -> str:
    """A name with single spaces."""
    return " ".join(name.split())


def _named(names: dict[str, str]) -> str:
    """A pattern for any of the names, longest first; for none of them, one that never matches."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return f"(?P<name>{'|'.join(_word(name) for name in ordered) or '(?!)'})"


def _word(name: str) -> str:
    """One name: a whole word where it is Latin, and not the owner of something (`Mara's brother`)."""
    body = r"\s+".join(re.escape(part) for part in name.split())
    head = f"(?<!{_SPACED_LETTER})" if _is_spaced(name[0]) else ""
    tail = f"(?!{_SPACED_LETTER})(?!['’]s\\b)" if _is_spaced(name[-1]) else ""
    return head + body + tail


def _is_spaced(letter: str) -> bool:
    """Whether words of this letter's script are parted by spaces."""
    return letter.isalnum() and letter < "\u2e80"
