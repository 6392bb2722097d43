"""Plain text to blocks: where paragraphs end, which lines were only wrapped, which are headings.

Invariant: every line that is not blank goes into exactly one block, in order; of its characters only note marks, paired
underscores of emphasis and the invisible ones are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from narration.book import LeftOutKind, Paragraph, ParagraphKind
from narration.manuscript.chapters import Block, Draft
from narration.manuscript.gutenberg import unwrap_gutenberg
from narration.manuscript.headings import (
    HeadingSort,
    is_bare_label,
    is_subtitle,
    is_title_line,
    leading_number,
    sort_of_words,
)
from narration.manuscript.layout import Group, Layout, groups_of, layout_of, paragraphs_of
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import clean, is_scene_break, split_script_lines, starts_script_line, unwrap, width

_EMPHASIS: Final = re.compile(r"(?<![^\W_])_(?=\S)([^_]*[^\s_])_(?![^\W_])")
_NOTE_MARK: Final = re.compile("(?<=[^\\s；：，、（(])[\u2460-\u249b\u24ea\u24f5-\u24fe\u3251-\u325f]+(?![、.．])")
"""Circled and bracketed numbers right after a word: the editors' note marks of Chinese texts (`君⑵`)."""

_MARKED_LANGUAGES: Final = frozenset({"zh", "ja"})

_TITLE_COLUMNS: Final = 60
_HEADING_LINES: Final = 8
_CLOSE_HEADING_LINES: Final = 3
"""A heading with its title wrapped is no longer than this, and without much space above it no longer than that."""

_MIDDLE: Final = 0.5
_EARLY: Final = 0.25
_LOWER_SORTS: Final = (HeadingSort.CHAPTER, HeadingSort.TITLE, HeadingSort.NUMBER, HeadingSort.SUBTITLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A paragraph before its rank is known."""

    paragraph: Paragraph
    sort: HeadingSort | None


def draft_plain(text: str, *, language: str, leavings: Leavings | None = None) -> Draft:
    """The blocks of a plain-text manuscript.

    Paragraphs are told by blank lines, by indents, or are one line each, as the file itself does it; hard-wrapped lines
    are unwrapped. The header and licence of Project Gutenberg are left out where its markers stand.

    Args:
        text: the whole file, with line feeds.
        language: ISO 639-1; Chinese and Japanese lines join without a space.
        leavings: counts the licence and the note marks that are left out; None for nobody to tell.
    """
    leavings = leavings or Leavings()
    body, title, author = unwrap_gutenberg(text)
    if len(body) < len(text):
        body = body if leavings.leave(LeftOutKind.LICENCE, _outside(text, body)) else text
    if language in _MARKED_LANGUAGES:
        body = _NOTE_MARK.sub(lambda match: "" if leavings.leave(LeftOutKind.NOTE_MARKS, match[0]) else match[0], body)
    groups = groups_of(body)
    layout = layout_of(groups, language)
    pieces = [
        piece
        for index, group in enumerate(groups)
        for piece in _pieces(group, layout, is_last=index == len(groups) - 1)
    ]
    pieces = _with_subtitles(_without_false_numbers(pieces))
    main = _main_sort(pieces)
    if not title and len(pieces) > 1 and pieces[0].sort is HeadingSort.TITLE is not main:
        title = pieces[0].paragraph.text
    return Draft(blocks=tuple(_ranked(pieces, main)), title=title, author=author)


def _outside(text: str, body: str) -> str:
    """What stands before and after the book in its file; the line feeds that stand for the header count as nothing."""
    start = text.find(body.strip("\n"))
    return text[:start] + " " + text[start + len(body.strip("\n")) :] if start >= 0 else ""


def _pieces(group: Group, layout: Layout, *, is_last: bool) -> Iterator[_Piece]:
    """The paragraphs of one group of lines, headings told apart."""
    lines = [_words(line) for line in group.lines]
    head = _heading_lines(lines, group, layout)
    if head == 0 and len(lines) == 1 and not is_last:
        sort = _sort_of_line(lines[0], group, layout)
        if sort is not None:
            yield _piece(lines[0], ParagraphKind.HEADING, group.first_line, sort)
            return
    if head:
        yield _piece(
            unwrap(lines[:head], layout.language),
            ParagraphKind.HEADING,
            group.first_line,
            sort_of_words(lines[0]),
        )
    rest = Group(lines=group.lines[head:], first_line=group.first_line + head, blanks=0 if head else group.blanks)
    for number, paragraph in paragraphs_of(rest, layout):
        yield from _prose(paragraph, number, layout)


def _heading_lines(lines: list[str], group: Group, layout: Layout) -> int:
    """How many lines at the top of a group are a heading by their words."""
    if sort_of_words(lines[0]) is None:
        return 0
    if len(lines) == 1 or layout.is_one_line:
        return 1
    if not is_bare_label(lines[0]):
        is_whole = len(lines) <= (_HEADING_LINES if group.blanks > 1 else _CLOSE_HEADING_LINES)
        return len(lines) if is_whole and not any(starts_script_line(line) for line in lines[1:]) else 0
    title = lines[1:3]
    is_title = len(lines) <= 3 and all(
        width(line) <= _TITLE_COLUMNS and line[0] not in '“"‘「' and not line.endswith((",", ";", "."))
        for line in title
    )
    return len(lines) if is_title or (len(lines) <= 3 and all(line.isupper() for line in title)) else 1


def _sort_of_line(line: str, group: Group, layout: Layout) -> HeadingSort | None:
    number = leading_number(line)
    if number is not None and (not number[1] or group.blanks > 1):
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
            yield _piece(text, kind, number, None)
        number += len(group)


def _piece(text: str, kind: ParagraphKind, number: int, sort: HeadingSort | None) -> _Piece:
    words = _words(text)
    if is_scene_break(words):
        kind, sort = ParagraphKind.SCENE_BREAK, None
    return _Piece(paragraph=Paragraph(text=words, kind=kind, source_line=number), sort=sort)


def _words(text: str) -> str:
    """The text without marks of emphasis."""
    return clean(_EMPHASIS.sub(r"\1", text) if "_" in text else text)


def _without_false_numbers(pieces: list[_Piece]) -> list[_Piece]:
    """Lone numbers stay headings only where they count: one is followed by the next."""
    numbers = [leading_number(piece.paragraph.text) for piece in pieces if piece.sort is HeadingSort.NUMBER]
    values = [number[0] for number in numbers if number]
    if any(after == before + 1 for before, after in pairwise(values)):
        return pieces
    return [_as(piece, ParagraphKind.PROSE, None) if piece.sort is HeadingSort.NUMBER else piece for piece in pieces]


def _with_subtitles(pieces: list[_Piece]) -> list[_Piece]:
    """The line below `CHAPTER I` or `IV` is its title, if it looks like one and text follows."""
    found = list(pieces)
    for index, piece in enumerate(pieces[1:-1], start=1):
        if piece.sort is not None or piece.paragraph.kind is not ParagraphKind.PROSE or pieces[index + 1].sort:
            continue
        if _is_bare(pieces[index - 1]) and is_subtitle(piece.paragraph.text):
            found[index] = _as(piece, ParagraphKind.HEADING, HeadingSort.SUBTITLE)
    return found


def _is_bare(piece: _Piece) -> bool:
    if piece.sort is HeadingSort.NUMBER:
        number = leading_number(piece.paragraph.text)
        return number is not None and not number[1]
    return piece.sort in {HeadingSort.CHAPTER, HeadingSort.PART} and is_bare_label(piece.paragraph.text)


def _as(piece: _Piece, kind: ParagraphKind, sort: HeadingSort | None) -> _Piece:
    return _Piece(paragraph=replace(piece.paragraph, kind=kind), sort=sort)


def _ranked(pieces: list[_Piece], main: HeadingSort | None) -> Iterator[Block]:
    """Blocks with their levels: parts 1, what makes the chapters 2, the rest below; 0 where nothing makes chapters."""
    levels: dict[HeadingSort | None, int] = {}
    if main is HeadingSort.PART:
        levels = {HeadingSort.PART: 1}
    elif main is not None:
        levels = {sort: rank for rank, sort in enumerate(_LOWER_SORTS, start=3)}
        levels |= {HeadingSort.PART: 1, HeadingSort.MATTER: 2, main: 2}
        if main is HeadingSort.NUMBER:
            levels[HeadingSort.TITLE] = 2
    for piece in pieces:
        level = levels.get(piece.sort, 0)
        is_part = piece.sort is HeadingSort.PART and main is not HeadingSort.PART
        yield Block(paragraph=piece.paragraph, level=level, is_part=is_part)


def _main_sort(pieces: list[_Piece]) -> HeadingSort | None:
    """Which sort of heading divides the book.

    Numbered chapters that begin late divide one piece of a collection, lone numbers the verses of a poem.
    """
    counts = Counter(piece.sort for piece in pieces)
    titles = counts[HeadingSort.TITLE]
    for sort, latest in ((HeadingSort.CHAPTER, _MIDDLE), (HeadingSort.NUMBER, _EARLY)):
        first = next((index for index, piece in enumerate(pieces) if piece.sort is sort), None)
        if first is not None and (first < len(pieces) * latest or (titles < 2 and sort is HeadingSort.CHAPTER)):
            return sort
    if titles >= 2:
        return HeadingSort.TITLE
    return next((sort for sort in (HeadingSort.PART, HeadingSort.MATTER) if counts[sort]), None)
