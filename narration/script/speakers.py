"""Who may stand before a colon in a script: the names of the cast, and what looks like a name and is none.

Invariant: a row that `match` finds no label in is text; one that it finds a label in is text only behind a backslash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from narration.cast import Cast
from narration.sheets import nearest

_TAIL: Final = r"(?P<doubt>\s?[?？])?(?:\s*[(（](?P<direction>[^()（）]*)[)）])?\s*"
_WORD: Final = r"[^\W\d_][\w.'’-]*"
_SHAPE: Final = re.compile(
    rf"(?P<names>{_WORD}(?:\s\+)?(?:\s(?:\+\s)?{_WORD}){{0,5}}){_TAIL}:(?=\s|[“\"‘'«„「『]|$)\s*"
)
"""What looks like a label, whoever is named; in Chinese prose a full-width colon introduces speech as well."""
_MOST_WORDS: Final = 4
_SMALL: Final = frozenset(
    {"of", "the", "and", "de", "la", "le", "du", "des", "von", "van", "der", "den", "da", "di", "y"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label at the start of a row.

    Attributes:
        names: as they stand there.
        doubtful: whether there is a `?`.
        direction: what is in round brackets.
        end: where the words begin.
    """

    names: tuple[str, ...]
    doubtful: bool
    direction: str
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The closed list of names.

    Attributes:
        owners: character of each name and alias.
        known: finds a label of known names.
    """

    owners: dict[str, str]
    known: re.Pattern[str]

    def match(self, body: str) -> Label | None:
        """The label that a row begins with, of known names or of what looks like names; None where it has none."""
        found = self.known.match(body) or _shaped(body)
        if found is None:
            return None
        return Label(
            names=tuple(" ".join(name.split()) for name in re.split(r"\s\+(?:\s|$)", found["names"])),
            doubtful=bool(found["doubt"]),
            direction=" ".join((found["direction"] or "").split()),
            end=found.end(),
        )

    def resolve(self, label: Label, hint: str) -> tuple[str, ...]:
        """The characters of a label.

        Raises:
            ValueError: one is not in the cast, or stands there twice; what to do is on the second line of the message.
        """
        for name in label.names:
            if name not in self.owners:
                near = nearest(name, self.owners)
                raise ValueError(f"nobody in the cast is called {name!r}\n{f'{near} {hint}'.strip()}")
        characters = tuple(self.owners[name] for name in label.names)
        if len(set(characters)) < len(characters):
            raise ValueError(f"{' + '.join(label.names)!r} names somebody twice")
        return characters


def _shaped(body: str) -> re.Match[str] | None:
    found = _SHAPE.match(body)
    if found is None:
        return None
    words = [word for word in found["names"].split() if word != "+"]
    is_marked = bool(found["doubt"] or found["direction"]) or "+" in found["names"].split()
    if is_marked:
        return found
    is_name = len(words) <= _MOST_WORDS and not words[0][0].islower()
    return found if is_name and all(word in _SMALL or not word[0].islower() for word in words) else None


@lru_cache(maxsize=16)
def labels_of(cast: Cast) -> Labels:
    """The names of a cast."""
    owners: dict[str, str] = {character.name: character.name for character in cast.characters}
    for character in cast.characters:
        for alias in character.aliases:
            owners.setdefault(" ".join(alias.split()), character.name)
    ordered = sorted(owners, key=lambda name: (-len(name), name))
    name = "(?:" + "|".join(r"\s+".join(map(re.escape, name.split())) for name in ordered) + ")"
    return Labels(owners=owners, known=re.compile(rf"(?P<names>{name}(?:\s+\+\s+{name})*){_TAIL}[:：]\s*"))
