"""A line for the audition, out of the book.

Invariant: a preview is words that the character says there, whole and unchanged but for spaces and emphasis marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from narration.discovery.passages import bare, sentences

_SPACED: Final = (40, 160, 90)
_HAN: Final = (10, 60, 28)
"""Least, most and best length in code points: about three to ten seconds of speech."""
_MOST_SENTENCES: Final = 2
_ENDS: Final = tuple(".!?…。！？")


def choose_preview(said: Iterable[str], *, language: str) -> str:
    """The best short line of those a character says, or an empty text.

    Args:
        said: quotations with their marks, in order.
        language: ISO 639-1.
    """
    least, most, best = _HAN if language in ("zh", "ja", "ko") else _SPACED
    found: tuple[int, str] | None = None
    for quotation in said:
        text = " ".join(re.sub(r"[_*]", "", bare(quotation)).split())
        text = (
            text.rstrip(",，;；") + "."
            if text.endswith((",", ";"))
            else text.rstrip("，；") + ("。" * text.endswith(("，", "；")))
        )
        if (
            text[:1].islower()
            or not least <= len(text) <= most
            or not text.endswith(_ENDS)
            or re.search(r"[“”\"「」『』\[\]{}<>]|\d{3}", text)
        ):
            continue
        count = len(list(sentences(text)))
        if count > _MOST_SENTENCES:
            continue
        distance = abs(len(text) - best)
        if found is None or distance < found[0]:
            found = (distance, text)
    return found[1] if found else ""
