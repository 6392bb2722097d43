"""Openings in capitals (`IT IS A TRUTH universally …`), which a voice would spell or shout, as they would be written.

Invariant: only the case of letters changes, and only in the first words after a heading or a scene break.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Final

from narration.book import Chapter, Paragraph, ParagraphKind

_WORD: Final = re.compile(r"[^\W\d_]+(?:[’'][^\W\d_]+)*")
_INNER_NAME: Final = re.compile(r"(?<=[\w,;] )[^\W\d_]+(?:[’'][^\W\d_]+)*")
"""Words inside a sentence: there a capital is the word's own."""

_UPPER: Final = "[A-ZÀ-ÖØ-Þ]"
_RUN: Final = re.compile(rf"[^\w]*(?:{_UPPER}+(?:[’'.]{_UPPER}+)*(?!\w)[’'.]?[\s,;:—–-]*)+")
_OPENERS: Final = frozenset({ParagraphKind.HEADING, ParagraphKind.SCENE_BREAK})
_LEAST_LOWER: Final = 2
"""Words in lower case that must follow: a paragraph all in capitals is meant so."""
_ALWAYS: Final = frozenset({"I", "O"})
_VOWELS: Final = frozenset("AEIOUYÀÁÂÃÄÅÆÈÉÊËÌÍÎÏÒÓÔÕÖØÙÚÛÜÝ")
_NAME_RATIO: Final = 3
"""A name is written with a capital this many times as often as without, inside sentences."""


def restore_capitals(chapters: tuple[Chapter, ...]) -> tuple[Chapter, ...]:
    """The chapters, openings in capitals written as the words are written elsewhere in the book.

    A name keeps its capital; a word that the book always writes in capitals (NASA) keeps them.
    """
    if not any(_opening(paragraph.text) for chapter in chapters for _, paragraph in _openings(chapter)):
        return chapters
    known = Counter(word for chapter in chapters for word in _INNER_NAME.findall(chapter.text))
    return tuple(_restored(chapter, known) for chapter in chapters)


def _openings(chapter: Chapter) -> list[tuple[int, Paragraph]]:
    """The paragraphs that open a chapter or a scene, with their places."""
    found = []
    before: ParagraphKind | None = ParagraphKind.HEADING
    for index, paragraph in enumerate(chapter.paragraphs):
        if before in _OPENERS and paragraph.kind not in _OPENERS:
            found.append((index, paragraph))
        before = paragraph.kind
    return found


def _opening(text: str) -> str:
    """The words in capitals that a paragraph begins with; empty where they are as they should be."""
    match = _RUN.match(text)
    if match is None:
        return ""
    words = _WORD.findall(match[0])
    rest = _WORD.findall(text[match.end() : match.end() + 80])
    is_run = any(len(word) > 1 for word in words[:2]) and not (len(words) == 1 and len(words[0]) == 1)
    lower = sum(word.islower() for word in rest[:4])
    return match[0] if is_run and lower >= min(_LEAST_LOWER, len(rest[:4])) and rest else ""


def _restored(chapter: Chapter, known: Counter[str]) -> Chapter:
    paragraphs = list(chapter.paragraphs)
    for index, paragraph in _openings(chapter):
        run = _opening(paragraph.text)
        if run:
            first = True
            parts, end = [], 0
            for match in _WORD.finditer(run):
                parts += [run[end : match.start()], _as_elsewhere(match[0], known, is_first=first)]
                end, first = match.end(), False
            text = "".join(parts) + paragraph.text[end:]
            paragraphs[index] = replace(paragraph, text=text)
    return replace(chapter, paragraphs=tuple(paragraphs))


def _as_elsewhere(word: str, known: Counter[str], *, is_first: bool) -> str:
    """How the book writes a word where it does not stand in an opening."""
    if word in _ALWAYS or not _VOWELS.intersection(word):
        return word
    lower, title = word.lower(), word[0] + word[1:].lower()
    if known[lower] == known[title] == 0 and known[word] > 1:
        return word
    is_name = known[title] > _NAME_RATIO * known[lower]
    return title if is_first or is_name else lower
