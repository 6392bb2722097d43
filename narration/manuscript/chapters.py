"""From the blocks of a manuscript to its chapters: which headings make chapters, and what goes before the first.

Invariant: every block of a draft is a paragraph of exactly one chapter, in the same order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Final

from narration.book import Book, Chapter, Paragraph, ParagraphKind
from narration.manuscript.headings import is_chapter_heading, leading_number

_SHORT_FRONT_CHARS: Final = 200
"""What stands before the first chapter and is no longer than this (a by-line, an epigraph) is read with it."""

_BY_LINE: Final = re.compile(r"(?:[Bb]y|BY|[Aa]uthor:|作者[:：]|著者[:：]) ?(\S.{0,60})|(\S.{0,20}) ?[著作]")
_LONGEST_TITLE_CHARS: Final = 120
_MOST_TITLE_LINES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph with its place among the headings.

    Attributes:
        paragraph: what is read.
        level: 1 is the highest rank of heading; 0 is no heading.
        is_part: a heading of a part, which holds chapters (`Part One`, `第一部`).
    """

    paragraph: Paragraph
    level: int = 0
    is_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a reader hands over.

    Attributes:
        blocks: in reading order; none has empty text.
        title, author: where the file names them, else empty.
    """

    blocks: tuple[Block, ...]
    title: str = ""
    author: str = ""


def arrange(draft: Draft, *, language: str) -> Book:
    """The book of a draft.

    A single heading at the top is the book's title; the highest level after it that divides the text makes the
    chapters. Headings of parts go with the chapter that follows them. Without headings all is one chapter.
    """
    level = _chapter_level(draft.blocks)
    sections = _sections(draft.blocks, level)
    front = next((section for section in sections[:1] if not any(block.level == level for block in section)), ())
    title = draft.title or _book_title(draft.blocks, front, level)
    author = draft.author or _author(front)
    chapters = tuple(
        Chapter(number=number, title=_title(section, level), paragraphs=tuple(block.paragraph for block in section))
        for number, section in enumerate(_settle(sections, level), start=1)
    )
    return Book(title=title, author=author, language=language, chapters=chapters)


def _is_body(block: Block) -> bool:
    return block.level == 0 and block.paragraph.kind not in {ParagraphKind.SCENE_BREAK, ParagraphKind.HEADING}


def _chapter_level(blocks: tuple[Block, ...]) -> int:
    """The heading level that makes chapters; 0 when no heading does."""
    levels = sorted({block.level for block in blocks if block.level})
    for level in levels:
        headings = [block for block in blocks if block.level == level]
        deeper = level != levels[-1]
        if deeper and all(block.is_part for block in headings):
            continue
        if deeper and len(headings) == 1 and _opens(blocks, headings[0]):
            continue
        return level
    return 0


def _opens(blocks: tuple[Block, ...], heading: Block) -> bool:
    """Whether a lone heading is the book's title: no text before it, and no chapter's name.

    Below the highest level it is a subtitle only where the next heading follows at once.
    """
    position = blocks.index(heading)
    if any(_is_body(block) for block in blocks[:position]) or is_chapter_heading(heading.paragraph.text):
        return False
    rest = blocks[position + 1 :]
    following = next((index for index, block in enumerate(rest) if block.level), len(rest))
    return heading.level == 1 or not any(_is_body(block) for block in rest[:following])


def _sections(blocks: tuple[Block, ...], level: int) -> list[tuple[Block, ...]]:
    """The blocks, cut before each heading of the chapters' level or above."""
    starts = [0, *(index for index, block in enumerate(blocks) if index and 0 < block.level <= level)]
    return [blocks[start:end] for start, end in zip(starts, [*starts[1:], len(blocks)], strict=True)]


def _settle(sections: list[tuple[Block, ...]], level: int) -> list[tuple[Block, ...]]:
    """Sections without text, and short ones that are no chapter (a by-line), join the next one; at the end the last."""
    settled: list[tuple[Block, ...]] = []
    waiting: tuple[Block, ...] = ()
    for section in sections:
        waiting += section
        body = sum(len(block.paragraph.text) for block in waiting if _is_body(block))
        is_chapter = level == 0 or any(block.level == level for block in waiting)
        if body and (is_chapter or body > _SHORT_FRONT_CHARS):
            settled.append(waiting)
            waiting = ()
    if waiting:
        settled[-1:] = [(*settled[-1], *waiting)] if settled else [waiting]
    return settled


def _title(section: tuple[Block, ...], level: int) -> str:
    """The chapter's own heading: the last of its level before the text, with those around it that belong to it."""
    headings = [block for block in takewhile(lambda block: not _is_body(block), _from_heading(section)) if block.level]
    own = [index for index, block in enumerate(headings) if block.level == level]
    if not own:
        return _one_line(headings[0].paragraph.text) if headings else ""
    start = own[0] if len(own) <= _MOST_TITLE_LINES else own[-1]
    texts = [block.paragraph.text for block in headings[start : start + _MOST_TITLE_LINES]]
    if len(texts) > 1 and (is_chapter_heading(texts[1]) or leading_number(texts[1])):
        texts.pop()
    return _one_line(": ".join([*(text.rstrip(".: ") for text in texts[:-1]), texts[-1]]))


def _from_heading(section: tuple[Block, ...]) -> tuple[Block, ...]:
    """The section from its first heading on: a by-line may stand before it."""
    return tuple(dropwhile(lambda block: block.level == 0, section))


def _one_line(text: str) -> str:
    line = text.replace("\n", " ")
    return line if len(line) <= _LONGEST_TITLE_CHARS else line[: _LONGEST_TITLE_CHARS - 1].rstrip() + "…"


def _book_title(blocks: tuple[Block, ...], front: tuple[Block, ...], level: int) -> str:
    """The heading above the chapters, the line above a by-line, or the only heading of the book."""
    if front and 0 < front[0].level < level and not front[0].is_part:
        return _one_line(front[0].paragraph.text)
    if len(front) > 1 and _BY_LINE.fullmatch(front[1].paragraph.text):
        return _one_line(front[0].paragraph.text)
    headings = [block for block in blocks if block.level == level > 0]
    first = blocks[0]
    return _one_line(first.paragraph.text) if len(headings) == 1 and first.level == 1 and not first.is_part else ""


def _author(front: tuple[Block, ...]) -> str:
    for block in front[:4]:
        match = _BY_LINE.fullmatch(block.paragraph.text)
        if match:
            return (match.group(1) or match.group(2)).strip()
    return ""
