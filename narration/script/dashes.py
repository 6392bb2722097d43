"""Dialogue that a dash opens, as in French, Spanish and Joyce: where the speech is, and where the tag inside it.

Invariant: the spans of a paragraph are in order and do not overlap; the first begins with the dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from narration.script import verbs

_OPENING: Final = re.compile(r"\s*(?:—|–|--|―)\s*(?=[\w¿¡«“\"'’(…])")
_QUOTED: Final = re.compile(r"\s*[“\"„«‘']\s*\w")
_WHO: Final = r"(?:[Hh]e|[Ss]he|I|they|[A-ZА-Я]\w+(?:\s+[A-ZА-Я]\w+){0,2}|the\s+\w+(?:\s+\w+)?)"
_TAG: Final = re.compile(
    rf"(?:(?<=[,.!?…»])\s+|\s*(?:—|–|--)\s*)"
    rf"(?P<tag>(?:(?:s['’])?{verbs.ANY}(?:-t)?[\s-]+\w+|{_WHO}\s+(?:\w+ly\s+)?{verbs.ANY})\b[^.!?;:—–]*(?:[.;:!?—–]+\s*[.,]?|$))"
)
_NARRATION: Final = re.compile(rf"\s*{_WHO}\s+\w+(?:ed|ew|ook|ood|ent|ame|aid|as|at)\b")
_LEAST: Final = 3


def is_dash_book(paragraphs: Iterable[str]) -> bool:
    """Whether a text opens its dialogue with dashes: more paragraphs than begin with a quotation mark."""
    dashed = quoted = 0
    for text in paragraphs:
        dashed += bool(_OPENING.match(text))
        quoted += bool(_QUOTED.match(text))
    return dashed >= _LEAST and dashed > quoted


def dash_spans(paragraph: str) -> list[tuple[int, int]]:
    """`(start, end)` of what is said in a paragraph that a dash opens, the dash included; none if no dash does."""
    if not _OPENING.match(paragraph):
        return []
    spans = []
    start = len(paragraph) - len(paragraph.lstrip())
    end = len(paragraph.rstrip())
    for match in _TAG.finditer(paragraph, start + 1):
        if match.start("tag") <= start + 2:
            continue
        spans.append((start, len(paragraph[: match.start()].rstrip())))
        rest = paragraph[match.end() :]
        if not rest.strip() or _NARRATION.match(rest):
            return spans
        start = match.end() + len(rest) - len(rest.lstrip())
    return [*spans, (start, end)]
