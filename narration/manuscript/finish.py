"""What the readers of marked-up formats do to a book at the end: scene breaks, headings that no mark shows, speakers.

Invariant: no word is added, dropped or moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final

from narration.book import Book, Chapter, Paragraph, ParagraphKind
from narration.manuscript.capitals import restore_capitals
from narration.manuscript.chapters import Block
from narration.manuscript.drama import joined_speakers
from narration.manuscript.headings import (
    HeadingSort,
    is_chapter_heading,
    is_part_heading,
    leading_number,
    sort_of_words,
)

_LONGEST_TITLE_CHARS: Final = 120
_LEVELS: Final = {HeadingSort.PART: 1, HeadingSort.CHAPTER: 2, HeadingSort.MATTER: 2}


def is_body(paragraph: Paragraph) -> bool:
    """Whether it is more than a heading or a scene break."""
    return paragraph.kind not in {ParagraphKind.HEADING, ParagraphKind.SCENE_BREAK}


def tidy(paragraphs: Iterable[Paragraph]) -> tuple[Paragraph, ...]:
    """The paragraphs with scene breaks only between scenes: one at a time, none at the ends or below a heading."""
    kept: list[Paragraph] = []
    for paragraph in paragraphs:
        is_break = paragraph.kind is ParagraphKind.SCENE_BREAK
        if is_break and (not kept or not is_body(kept[-1])):
            continue
        if paragraph.kind is ParagraphKind.HEADING and kept and kept[-1].kind is ParagraphKind.SCENE_BREAK:
            kept.pop()
        kept.append(paragraph)
    while kept and kept[-1].kind is ParagraphKind.SCENE_BREAK:
        kept.pop()
    return tuple(kept)


def titled(label: str, paragraphs: tuple[Paragraph, ...]) -> tuple[str, tuple[Paragraph, ...]]:
    """`(title, paragraphs)` of a chapter: what says its label, or names or numbers it, is a heading at its top."""
    left = _letters(label)
    made = list(paragraphs)
    for index, paragraph in enumerate(paragraphs[:4]):
        words = _letters(paragraph.text)
        is_label = bool(words) and left.startswith(words) and len(paragraph.text) <= _LONGEST_TITLE_CHARS
        if is_label:
            left = left[len(words) :]
        if paragraph.kind is ParagraphKind.HEADING:
            continue
        is_heading = is_label or is_chapter_heading(paragraph.text) or is_part_heading(paragraph.text)
        if paragraph.kind is not ParagraphKind.PROSE or not (is_heading or _is_number(paragraph.text)):
            break
        made[index] = replace(paragraph, kind=ParagraphKind.HEADING)
    if not any(is_body(paragraph) for paragraph in made):
        made = list(paragraphs)
    return label or _first_headings(made), tuple(made)


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _is_number(text: str) -> bool:
    number = leading_number(text)
    return number is not None and not number[1]


def _first_headings(paragraphs: list[Paragraph]) -> str:
    for paragraph in paragraphs:
        if paragraph.kind is ParagraphKind.HEADING:
            return paragraph.text.replace("\n", " ")[:_LONGEST_TITLE_CHARS]
    return ""


def with_found_headings(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks; where none is marked as a heading, those that name parts and chapters or count on are headings."""
    if any(block.level for block in blocks):
        return blocks
    sorts = [sort_of_words(block.paragraph.text) if _may_head(block) else None for block in blocks]
    if any(sorts):
        return tuple(
            _as_heading(block, _LEVELS[sort]) if sort in _LEVELS else block
            for block, sort in zip(blocks, sorts, strict=True)
        )
    numbers = [(index, leading_number(block.paragraph.text)) for index, block in enumerate(blocks) if _may_head(block)]
    lone = [(index, number[0]) for index, number in numbers if number and not number[1]]
    counting = {index for pair in pairwise(lone) if pair[1][1] == pair[0][1] + 1 for index, _ in pair}
    return tuple(_as_heading(block, 2) if index in counting else block for index, block in enumerate(blocks))


def _may_head(block: Block) -> bool:
    paragraph = block.paragraph
    return (
        paragraph.kind is ParagraphKind.PROSE and not paragraph.speaker and len(paragraph.text) <= _LONGEST_TITLE_CHARS
    )


def _as_heading(block: Block, level: int) -> Block:
    paragraph = replace(block.paragraph, kind=ParagraphKind.HEADING)
    return Block(paragraph=paragraph, level=level, is_part=is_part_heading(paragraph.text))


def tidied(book: Book) -> Book:
    """The book with its scene breaks settled."""
    chapters = tuple(replace(chapter, paragraphs=tidy(chapter.paragraphs)) for chapter in book.chapters)
    return replace(book, chapters=tuple(chapter for chapter in chapters if chapter.paragraphs))


def finished(book: Book) -> Book:
    """The book with its speakers and openings settled."""
    chapters = book.chapters
    if any(paragraph.speaker for chapter in chapters for paragraph in chapter.paragraphs):
        chapters = tuple(_with_speakers(chapters))
    return replace(book, chapters=restore_capitals(chapters))


def _with_speakers(chapters: tuple[Chapter, ...]) -> Iterator[Chapter]:
    settled = iter(joined_speakers(paragraph for chapter in chapters for paragraph in chapter.paragraphs))
    for chapter in chapters:
        yield replace(chapter, paragraphs=tuple(next(settled) for _ in chapter.paragraphs))
