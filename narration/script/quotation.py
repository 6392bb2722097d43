"""Where quotations are: spans between outer quotation marks, in any of the usual styles.

Invariant: the spans of a paragraph are in order, do not overlap, and each begins with an opening mark; it ends with the
closing one, or, where that is missing, with the paragraph.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_CLOSERS: Final = {"“": "”", '"': '"', "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", "‘": "’", "'": "'"}
_SINGLE: Final = "‘'"
_NESTING: Final = "「『«"
_ALWAYS: Final = '“"„«「『'
"""These open a quotation in any book; single marks and » only in a book that sets its speech in them."""

_LABEL: Final = r"(?:[^\W\d_][^:：“”\"「」\n]{0,40}[:：][ \t]*)?"
_OPENING: Final = re.compile(rf"\s*{_LABEL}([“\"„«»「『‘'])(?=[\w“‘\"'「…—(])")
_ELISION: Final = re.compile(
    r"['‘’](?:tis|twas|twere|twill|twould|em|til|cause|ere|bout|round|n|\d0s)\b", re.IGNORECASE
)
_ENDS_SPEECH: Final = '.,!?;:…—–-)。，！？；：”"’'


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """A stretch of one paragraph that somebody says.

    Attributes:
        start, end: code-point offsets in the text, quotation marks included.
        character: a name of the cast, or None.
        probability: how sure that is, 0 to 1; 0 where there is no character.
        evidence: what it rests on, in a few words; empty where there is nothing.
    """

    start: int
    end: int
    character: str | None
    probability: float
    evidence: str


def quote_openers(paragraphs: Iterable[str]) -> str:
    """The marks that open a quotation in this book, by how its paragraphs begin."""
    firsts = Counter(
        match.group(1)
        for match in map(_OPENING.match, paragraphs)
        if match and not _ELISION.match(match.string, match.start(1))
    )
    openers = _ALWAYS
    double = sum(firsts[mark] for mark in '“"„«「『»')
    for mark in _SINGLE:
        if firsts[mark] > double:
            # Inside a book of single marks the double ones are quotations within quotations, but may stand alone, too.
            openers += mark
    if firsts["»"] > firsts["«"]:
        openers = openers.replace("«", "»")
    return openers


def quotation_spans(paragraph: str, openers: str) -> list[tuple[int, int]]:
    """`(start, end)` of every outermost quotation of a paragraph, marks included."""
    spans: list[tuple[int, int]] = []
    position = 0
    pattern = _opener_pattern(openers)
    while match := pattern.search(paragraph, position):
        start = match.start()
        if not _opens(paragraph, start):
            position = start + 1
            continue
        end = _closing(paragraph, start)
        spans.append((start, end))
        position = end
    return spans


_PATTERNS: Final = {_ALWAYS: re.compile(f"[{re.escape(_ALWAYS)}]")}


def _opener_pattern(openers: str) -> re.Pattern[str]:
    return _PATTERNS.get(openers) or re.compile(f"[{re.escape(openers)}]")


def _opens(paragraph: str, start: int) -> bool:
    """Whether the mark at `start` opens: straight marks and single ones look the same at both ends."""
    mark = paragraph[start]
    before, after = paragraph[start - 1 : start], paragraph[start + 1 : start + 2]
    if mark in "“„«»「『":
        return True
    if not after or after.isspace() or _ELISION.match(paragraph, start):
        return False
    if mark == '"':
        return not before or not (before.isalnum() and before.isascii()) or after.isalnum()
    return not before or before.isspace() or before in '([{—–-“"…:：，。'


def _closing(paragraph: str, start: int) -> int:
    """End of the quotation that opens at `start`."""
    mark = paragraph[start]
    if mark in _SINGLE:
        return _single_closing(paragraph, start)
    closers = _CLOSERS[mark]
    if mark not in _NESTING:
        ends = [end for end in (paragraph.find(closer, start + 1) for closer in closers) if end > 0]
        return min(ends) + 1 if ends else len(paragraph)
    depth = 0
    for index in range(start + 1, len(paragraph)):
        letter = paragraph[index]
        if letter == mark:
            depth += 1
        elif letter in closers:
            if depth == 0:
                return index + 1
            depth -= 1
    return len(paragraph)


def _single_closing(paragraph: str, start: int) -> int:
    """A closing ’ after a letter is an apostrophe unless no better one follows before the next opening."""
    closer = _CLOSERS[paragraph[start]]
    fallback = 0
    for index in range(start + 1, len(paragraph)):
        letter = paragraph[index]
        if letter == "‘" and closer == "’" and fallback and not _ELISION.match(paragraph, index):
            return fallback
        if letter != closer or paragraph[index + 1 : index + 2].isalnum():
            continue
        if paragraph[index - 1] in _ENDS_SPEECH:
            return index + 1
        fallback = fallback or index + 1
    return fallback or len(paragraph)


def outer_marks(text: str) -> tuple[int, int]:
    """`(opening, closing)`: how many characters of quotation marks a line has at its two ends.

    `(0, 0)` where the text does not begin with a quotation that goes on to its end. A straight single mark without a
    partner is an apostrophe.
    """
    mark = text[:1]
    if not mark or mark not in _CLOSERS or not _opens(text, 0) or _closing(text, 0) != len(text):
        return 0, 0
    is_closed = len(text) > 1 and text[-1] in _CLOSERS[mark]
    return (0, 0) if mark == "'" and not is_closed else (1, int(is_closed))
