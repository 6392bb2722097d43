"""The automatic numbers of headings in a Word document (`Chapter 1`), which no text of the file holds.

Invariant: a number is what Word shows: it counts up from paragraph to paragraph, and a higher level starts it anew.
"""

from __future__ import annotations

import re
from typing import Final

from narration.manuscript.styles import child_of, value_of, whole
from narration.manuscript.trees import Element

_PLACE: Final = re.compile(r"%([1-9])")
_ROMAN: Final = ((100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_WORDS: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_LETTERS: Final = 26


class Numbering:
    """Counts the automatic numbers of one document.

    Args:
        root: of `word/numbering.xml`; None where there is none.
    """

    def __init__(self, root: Element | None) -> None:
        self._levels: dict[tuple[str, int], tuple[str, str, int]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._kinds: dict[str, str] = {}
        if root is None:
            return
        kinds = {_identity(kind, "abstractnumid"): kind for kind in root.iter("{*}abstractNum")}
        for number in root.iter("{*}num"):
            name = _identity(number, "numid")
            self._kinds[name] = value_of(child_of(number, "abstractnumid"))
            kind = kinds.get(self._kinds[name])
            for level in [] if kind is None else kind.iter("{*}lvl"):
                self._levels[name, whole(_identity(level, "ilvl"), 0)] = (
                    value_of(child_of(level, "lvltext")),
                    value_of(child_of(level, "numfmt")),
                    whole(value_of(child_of(level, "start")), 1),
                )

    def next_label(self, name: str, level: int) -> str:
        """What Word writes before the next paragraph of a list's level; empty for none and for bullets."""
        found = self._levels.get((name, level))
        if found is None or found[1] in {"bullet", "none"}:
            return ""
        counts = self._counts.setdefault(self._kinds[name], {})
        counts[level] = counts.get(level, found[2] - 1) + 1
        for deeper in [other for other in counts if other > level]:
            del counts[deeper]
        return _PLACE.sub(lambda match: self._shown(name, int(match[1]) - 1, counts), found[0]).strip()

    def _shown(self, name: str, level: int, counts: dict[int, int]) -> str:
        _, form, start = self._levels.get((name, level), ("", "decimal", 1))
        return _written(counts.get(level, start), form)


def _identity(element: Element, name: str) -> str:
    return next(
        (str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2].lower() == name), ""
    )


def _written(number: int, form: str) -> str:
    """A number as Word writes it in one of its forms."""
    match form:
        case "upperRoman":
            return _roman(number).upper()
        case "lowerRoman":
            return _roman(number)
        case "upperLetter" | "lowerLetter":
            letter = chr(ord("a") + (number - 1) % _LETTERS) * ((number - 1) // _LETTERS + 1)
            return letter.upper() if form == "upperLetter" else letter
        case "cardinalText":
            return _cardinal(number)
        case _:
            return str(number)


def _roman(number: int) -> str:
    letters = ""
    for value, digit in _ROMAN:
        letters += digit * (number // value)
        number %= value
    return letters


def _cardinal(number: int) -> str:
    words = _WORDS.split()
    if number < len(words):
        return words[number].capitalize()
    if number >= 100:
        return str(number)
    tens, ones = divmod(number, 10)
    return _TENS.split()[tens - 2].capitalize() + (f"-{words[ones]}" if ones else "")
