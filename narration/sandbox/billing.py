"""How text is counted: for the bill, and against the length limit.

Invariant: the bill is always the weighted count; only the limit's unit can be switched.
"""

from enum import StrEnum
from typing import assert_never

# Han blocks counted twice. Which blocks the service uses is not documented; these are the usual ones.
_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))


class LengthUnit(StrEnum):
    """The unit in which the length limit of one request is counted."""

    WEIGHTED = "weighted"
    CODEPOINTS = "codepoints"
    BYTES = "bytes"


def is_han(char: str) -> bool:
    """Say whether a character is a Han ideograph."""
    point = ord(char)
    return point >= 0x3400 and any(low <= point <= high for low, high in _HAN)


def billed_chars(text: str) -> int:
    """Return the billed characters of a text: a Han ideograph is 2, anything else 1.

    Source: alibabacloud.com model-studio qwen-tts-api, billing of characters.
    """
    if text.isascii():
        return len(text)
    return len(text) + sum(map(is_han, text))


def length(text: str, unit: LengthUnit) -> int:
    """Return the length of a text in the unit of the limit."""
    match unit:
        case LengthUnit.WEIGHTED:
            return billed_chars(text)
        case LengthUnit.CODEPOINTS:
            return len(text)
        case LengthUnit.BYTES:
            return len(text.encode("utf-8", "replace"))
        case _:
            assert_never(unit)
