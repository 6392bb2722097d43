"""Plain text to blocks: where paragraphs end, which lines were only wrapped, which are headings.

Invariant: every line that is not blank goes into exactly one block, in order; of its characters only note marks, paired
underscores of emphasis and the invisible ones are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from narration.book import Paragraph, ParagraphKind
from narration.manuscript.chapters import Block, Draft
from narration.manuscript.gutenberg import unwrap_gutenberg
from narration.manuscript.headings import HeadingSort, bare_number, is_bare_label, is_title_line, sort_of_words
from narration.manuscript.layout import Group, Layout, groups_of, layout_of, paragraphs_of
from narration.manuscript.letters import clean, is_scene_break, split_script_lines, starts_script_line, unwrap, width

_EMPHASIS: Final = re.compile(r"(?<![^\W_])_(?=\S)([^_]*[^\s_])_(?![^\W_])")
_NOTE_MARK: Final = re.compile("(?<=[^\\s；：，、（(])[\u2460-\u249b\u24ea\u24f5-\u24fe\u3251-\u325f]+(?![、.．])")
"""Circled and bracketed numbers right after a word: the editors' note marks of Chinese texts (`君⑵`)."""

_TITLE_COLUMNS: Final = 60
_HEADING_LINES: Final = 8
_MIDDLE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A paragraph before its rank is known."""

    paragraph: Paragraph
    sort: HeadingSort | None


def draft_plain(text: str, *, language: str) -> Draft:
    """The blocks of a plain-text manuscript.

    Paragraphs are told by blank lines, by indents, or are one line each, as the file itself does it; hard-wrapped lines are
    unwrapped. The header and licence of Project Gutenberg are left out where its markers stand.

    Args:
        text: the whole file, lines ended by `\\n`.
        language: ISO 639-1; Chinese and Japanese lines join without a space.
    """
    body, title, author = unwrap_gutenberg(text)
    groups = groups_of(body)
    layout = layout_of(groups, language)
    pieces = [
        piece
        for index, group in enumerate(groups)
        for piece in _pieces(group, layout, is_last=index == len(groups) - 1)
    ]
    blocks = _ranked(_without_false_numbers(pieces))
    if not title and len(pieces) > 1 and pieces[0].sort is HeadingSort.TITLE:
        title = pieces[0].paragraph.text.replace("\n", " ")
    return Draft(blocks=tuple(blocks), title=title, author=author)


def _pieces(group: Group, layout: Layout, *, is_last: bool) -> Iterator[_Piece]:
    """The paragraphs of one group of lines, headings told apart."""
    lines = [clean(line) for line in group.lines]
    head = _heading_lines(lines, layout)
    if head == 0 and len(lines) == 1 and not is_last:
        sort = _sort_of_line(lines[0], group, layout)
        if sort is not None:
            yield _piece(lines[0], ParagraphKind.HEADING, group.first_line, layout, sort)
            return
    if head:
        yield _piece(
            unwrap(lines[:head], layout.language),
            ParagraphKind.HEADING,
            group.first_line,
            layout,
            sort_of_words(lines[0]),
        )
    rest = Group(lines=group.lines[head:], first_line=group.first_line + head, blanks=0 if head else group.blanks)
    for number, paragraph in paragraphs_of(rest, layout):
        yield from _prose(paragraph, number, layout)


def _heading_lines(lines: list[str], layout: Layout) -> int:
    """How many lines at the top of a group are a heading by their words."""
    if sort_of_words(lines[0]) is None:
        return 0
    if len(lines) == 1 or layout.is_one_line:
        return 1
    if not is_bare_label(lines[0]):
        whole = len(lines) <= _HEADING_LINES and not any(starts_script_line(line) for line in lines[1:])
        return len(lines) if whole and sort_of_words(lines[0]) is not HeadingSort.MATTER else 1
    title = lines[1:3]
    is_title = len(lines) <= 3 and all(
        width(line) <= _TITLE_COLUMNS and line[0] not in '“"‘「' and not line.endswith((",", ";", "."))
        for line in title
    )
    return len(lines) if is_title or (len(lines) <= 3 and all(line.isupper() for line in title)) else 1


def _sort_of_line(line: str, group: Group, layout: Layout) -> HeadingSort | None:
    if bare_number(line) is not None:
        return HeadingSort.NUMBER
    is_title = is_title_line(line, blanks=group.blanks, indent=group.indent - layout.indent, is_han=layout.is_han)
    return HeadingSort.TITLE if is_title and not starts_script_line(line) else None


def _prose(lines: list[str], number: int, layout: Layout) -> Iterator[_Piece]:
    """One paragraph, or one for each line that names its speaker; verse keeps its lines."""
    for group in split_script_lines([line.strip() for line in lines]):
        if layout.is_verse(group):
            text, kind = "\n".join(group), ParagraphKind.VERSE
        else:
            text, kind = unwrap(group, layout.language), ParagraphKind.PROSE
        if clean(text):
            yield _piece(text, kind, number, layout, None)
        number += len(group)


def _piece(text: str, kind: ParagraphKind, number: int, layout: Layout, sort: HeadingSort | None) -> _Piece:
    words = clean(_EMPHASIS.sub(r"\1", text) if "_" in text else text)
    if layout.is_han:
        words = _NOTE_MARK.sub("", words)
    if is_scene_break(words):
        kind, sort = ParagraphKind.SCENE_BREAK, None
    return _Piece(paragraph=Paragraph(text=words, kind=kind, source_line=number), sort=sort)


def _without_false_numbers(pieces: list[_Piece]) -> list[_Piece]:
    """Lone numbers stay headings only where they count: one is followed by the next."""
    values = [bare_number(piece.paragraph.text) for piece in pieces if piece.sort is HeadingSort.NUMBER]
    if any(after == (before or 0) + 1 for before, after in zip(values, values[1:], strict=False)):
        return pieces
    return [
        _Piece(
            paragraph=Paragraph(text=piece.paragraph.text, source_line=piece.paragraph.source_line),
            sort=None,
        )
        if piece.sort is HeadingSort.NUMBER
        else piece
        for piece in pieces
    ]


def _ranked(pieces: list[_Piece]) -> Iterator[Block]:
    """Blocks with their levels: parts 1, what makes the chapters 2, the rest below."""
    main = _main_sort(pieces)
    levels = {
        HeadingSort.PART: 1,
        HeadingSort.CHAPTER: 3,
        HeadingSort.TITLE: 4,
        HeadingSort.NUMBER: 5,
        HeadingSort.MATTER: 4,
    }
    if main is not None:
        levels |= {main: 2 if main is not HeadingSort.PART else 1, HeadingSort.MATTER: 2}
    if main is HeadingSort.NUMBER:
        levels[HeadingSort.TITLE] = 2
    for piece in pieces:
        level = levels[piece.sort] if piece.sort else 0
        yield Block(
            paragraph=piece.paragraph,
            level=level,
            is_part=piece.sort is HeadingSort.PART and main is not HeadingSort.PART,
        )


def _main_sort(pieces: list[_Piece]) -> HeadingSort | None:
    """Which sort of heading divides the book: the first sort that begins in its first half.

    Numbered chapters that begin later divide one piece of a collection.
    """
    counts = Counter(piece.sort for piece in pieces)
    for sort, least in ((HeadingSort.CHAPTER, 1), (HeadingSort.NUMBER, 2)):
        first = next((index for index, piece in enumerate(pieces) if piece.sort is sort), len(pieces))
        is_only = counts[HeadingSort.TITLE] < 2 and sort is HeadingSort.CHAPTER
        if counts[sort] >= least and (first < len(pieces) * _MIDDLE or is_only):
            return sort
    if counts[HeadingSort.TITLE] >= 2:
        return HeadingSort.TITLE
    return HeadingSort.PART if counts[HeadingSort.PART] else HeadingSort.MATTER if counts[HeadingSort.MATTER] else None
