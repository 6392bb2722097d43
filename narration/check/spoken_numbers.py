"""Numbers as they are said and as they are written, brought to one form: `1943`, `nineteen forty-three`, 一九四三.

Invariant: what is no number is left as it is; the same number, however it is written, has the same form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

MARK: Final = "#"
"""Stands before the form of a number, so that no word is taken for one."""

_UNITS: Final = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
_TEENS: Final = "seventeen eighteen nineteen"
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS: Final = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
_ENGLISH: Final = MappingProxyType(
    {word: value for value, word in enumerate((_UNITS + _TEENS).split())}
    | {word: 10 * place for place, word in enumerate(_TENS.split(), 2)}
    | {word: value for value, word in enumerate(_ORDINALS.split(), 1)}
)
_ENGLISH_SCALES: Final = MappingProxyType({"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9})
_HAN: Final = MappingProxyType(
    {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
)
_HAN_SCALES: Final = MappingProxyType(
    {"十": 10, "百": 100, "千": 1000, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
)
_DIGITS: Final = re.compile(r"(\d+)(?:st|nd|rd|th)?")
_GLUE: Final = "and"


def is_number(word: str) -> bool:
    """Whether a folded word is a number, or part of one."""
    known = (_ENGLISH, _ENGLISH_SCALES, _HAN, _HAN_SCALES)
    return any(word in table for table in known) or _DIGITS.fullmatch(word) is not None


def runs(words: Sequence[str]) -> list[tuple[int, int]]:
    """Where numbers are: first and one-past-last word of each; an `and` after a hundred is part of one."""
    found: list[tuple[int, int]] = []
    place = 0
    while place < len(words):
        if not is_number(words[place]):
            place += 1
            continue
        end = place + 1
        while end < len(words) and (is_number(words[end]) or _is_glue(words, end)):
            end += 1
        found.append((place, end))
        place = end
    return found


def _is_glue(words: Sequence[str], place: int) -> bool:
    before, after = words[place - 1], words[place + 1 : place + 2]
    return words[place] == _GLUE and before in _ENGLISH_SCALES and bool(after) and is_number(after[0])


def form(words: Sequence[str]) -> str:
    """The form of a number: its digits, behind `MARK`.

    Args:
        words: of one run. Scales are multiplied out; what is said side by side (`nineteen forty-three`, `two two one`)
            is written side by side.
    """
    values = [word for word in words if word != _GLUE]
    if any(word in _ENGLISH_SCALES or word in _HAN_SCALES for word in values):
        return MARK + str(_scaled(values))
    parts: list[str] = []
    tens = False
    for word in values:
        value = _value(word)
        if tens and value is not None and 0 < value < 10 and not word.isdigit():
            parts[-1] = str(int(parts[-1]) + value)
            tens = False
            continue
        parts.append(str(value) if value is not None else word)
        tens = value is not None and 20 <= value < 100 and value % 10 == 0 and not word.isdigit()
    return MARK + "".join(parts)


def _value(word: str) -> int | None:
    digits = _DIGITS.fullmatch(word)
    if digits is not None:
        return int(digits[1])
    return _ENGLISH.get(word, _HAN.get(word))


def _scaled(words: Sequence[str]) -> int:
    """The value of a number that is told with its scales."""
    total = section = held = 0
    for word in words:
        scale = _ENGLISH_SCALES.get(word, _HAN_SCALES.get(word))
        if scale is None:
            value = _value(word) or 0
            held = held + value if held >= 20 and held % 10 == 0 and value < 10 else held * 10 ** (held > 0) + value
            continue
        if scale >= 10_000 or (scale == 1000 and word in _ENGLISH_SCALES):
            total += (section + held or 1) * scale
            section = held = 0
        else:
            section += (held or 1) * scale
            held = 0
    return total + section + held
