"""The paragraphs of a text and the quotations in them.

Invariant: passages are in order and do not overlap; a quotation lies within one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from narration.script import verbs
from narration.script.dashes import dash_spans, is_dash_book
from narration.script.quotation import outer_marks, quotation_spans, quote_openers
from narration.script.reading import Passage

_PARAGRAPH: Final = re.compile(r"\S(?:(?!\n[ \t\r]*\n).)*", re.DOTALL)
_NEAR_CHARS: Final = 40
_SCARE_WORDS: Final = 5
_SCARE_HAN: Final = 12
_SPEECH_STOPS: Final = tuple(".,!?;:…—–-。，！？；：")
_LEAD_INS: Final = tuple(",;:.!?…—–-”\"’'。，；：！？」』)")
_SAYS: Final = re.compile(rf"\b{verbs.ANY}\s*$")
_SAYS_HAN: Final = re.compile(rf"{verbs.CHINESE}\s*$")
_SAID: Final = re.compile(r"(?:と|って|이?라고|하고)")
"""What follows a quotation that somebody says, in Japanese and Korean."""
_CHAPTER: Final = re.compile(
    r"(?i)\s*_?(?:chapter|book|part|volume|act|canto|letter)\b[\s.]*(?:[ivxlc]+|\d+|the|one|two|first)?\b"
)
_NUMBER: Final = re.compile(r"[ \t]*(?:[IVXLC]+|\d+)\.?(?:[ \t]|$)")
_SCENE: Final = re.compile(r"\s*(?:[*•·#~—-]\s*)+$")
_HEADING_CHARS: Final = 80


def paragraphs_of(text: str) -> list[tuple[int, str]]:
    """`(offset, text)` of every paragraph: between blank lines."""
    return [(match.start(), match.group()) for match in _PARAGRAPH.finditer(text)]


def passages_of(paragraphs: Sequence[tuple[int, str]], *, language: str = "en") -> list[Passage]:
    """The passages of a text, given as paragraphs with their offsets."""
    openers = quote_openers(text for _, text in paragraphs)
    dashed = is_dash_book(text for _, text in paragraphs)
    return list(_passages(paragraphs, openers, is_han=language in {"zh", "ja"}, dashed=dashed))


def _passages(paragraphs: Iterable[tuple[int, str]], openers: str, *, is_han: bool, dashed: bool) -> Iterator[Passage]:
    chapter = 0
    for offset, text in paragraphs:
        spans = [span for span in quotation_spans(text, openers) if _is_said(text, span, is_han=is_han)]
        said = dash_spans(text) if dashed else []
        spans = said or spans
        heading = not spans and _is_heading(text)
        chapter += heading and bool(_CHAPTER.match(text) or _NUMBER.match(text))
        yield Passage(
            start=offset,
            end=offset + len(text.rstrip()),
            spans=tuple((start + offset, min(end, len(text.rstrip())) + offset) for start, end in spans),
            goes_on=bool(spans) and not said and spans[-1][1] == len(text) and not outer_marks(text[spans[-1][0] :])[1],
            breaks=heading or bool(_SCENE.match(text)),
            chapter=chapter,
        )


def _is_heading(text: str) -> bool:
    if len(text) > _HEADING_CHARS:
        return False
    return bool(_CHAPTER.match(text) or _NUMBER.match(text)) or text.isupper()


def _is_said(text: str, span: tuple[int, int], *, is_han: bool) -> bool:
    """Whether a quotation is speech, not a word set in marks (the “lady”), which is short and inside a sentence."""
    inside = text[span[0] + 1 : span[1] - 1].rstrip()
    before = text[max(0, span[0] - _NEAR_CHARS) : span[0]].rstrip()
    size = len(inside) if is_han else len(inside.split())
    if size > (_SCARE_HAN if is_han else _SCARE_WORDS) or inside.endswith(_SPEECH_STOPS):
        return True
    if not before or before.endswith(_LEAD_INS):
        return True
    return bool((_SAYS_HAN if is_han else _SAYS).search(before) or _SAID.match(text, span[1]))
