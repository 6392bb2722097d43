"""From the words inside one block of markup to its paragraphs: lines, note marks in the text, verse or prose.

Invariant: of the words only marks of notes and page numbers are taken out, and those are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from narration.book import LeftOutKind, ParagraphKind
from narration.manuscript.headings import is_bare_label, leading_number
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import clean, split_script_lines, unwrap

LINE: Final = "\ue000"
"""Stands for a line break that the author set; a private-use character, which prose has not."""

CELL: Final = "\ue001"
"""Stands between two cells of a table."""

_EMPTY: Final = re.compile(f"[\\s{LINE}{CELL}\u00ad\u200b\u2060\ufeff]*")
_CELLS: Final = re.compile(f"[\\s{LINE}]*{CELL}[\\s{LINE}{CELL}]*")
_STOPS: Final = tuple(".,;:!?…—–-。，；：！？、")
_NO_SPACE_LANGUAGES: Final = frozenset({"zh", "ja"})
_LINE_OF_PROSE_CHARS: Final = 90
"""Lines longer than this on average are paragraphs that the file parts by line breaks; verse has about 40."""

_NOTE_MARK: Final = re.compile(r"(?<=[^\s\[({])\[\d{1,3}\](?![\w(])")
_HAN_NOTE_MARK: Final = re.compile("(?<=[^\\s；：，、（(])[\u2460-\u249b\u24ea\u24f5-\u24fe\u3251-\u325f]+(?![、.．])")
_PAGE_MARK: Final = re.compile(r"\[(?:Pg|[Pp]age|p)\.? ?\d{1,4}\] ?")


def is_empty(raw: str) -> bool:
    """Whether nothing in it can be seen or read."""
    return bool(_EMPTY.fullmatch(raw))


def paragraphs_in(
    raw: str, kind: ParagraphKind, language: str, leavings: Leavings
) -> Iterator[tuple[str, ParagraphKind]]:
    """`(text, kind)` of each paragraph in one block.

    An empty line parts paragraphs; lines that stay together are verse, unless they are as long as paragraphs.

    Args:
        raw: with `LINE` and `CELL` in it, white space as in the source.
        kind: of the block.
        language: ISO 639-1.
        leavings: counts the marks that are taken out.
    """
    if CELL in raw:
        raw = _CELLS.sub(CELL, raw).strip(CELL).replace(CELL, LINE)
        lines = [_flat(line, language) for line in raw.split(LINE)]
        groups = [[_row([line for line in lines if line])]]
    else:
        groups = _groups([_flat(line, language) for line in raw.split(LINE)])
    for group in groups:
        for lines in _shares(group, kind):
            text = clean(without_marks("\n".join(lines), language, leavings))
            if text:
                is_verse = "\n" in text and kind not in {ParagraphKind.LIST_ITEM, ParagraphKind.HEADING}
                yield text, ParagraphKind.VERSE if is_verse else kind


def _flat(text: str, language: str) -> str:
    if language in _NO_SPACE_LANGUAGES and "\n" in text:
        return unwrap(text.split("\n"), language)
    return " ".join(text.split())


def _row(cells: list[str]) -> str:
    parts = [cell if cell.endswith(_STOPS) else f"{cell}," for cell in cells[:-1]]
    return " ".join([*parts, *cells[-1:]])


def _groups(lines: list[str]) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    for line in lines:
        if line:
            groups[-1].append(line)
        elif groups[-1]:
            groups.append([])
    return [group for group in groups if group]


def _shares(lines: list[str], kind: ParagraphKind) -> Iterator[list[str]]:
    """The lines of one group as paragraphs."""
    if len(lines) == 1:
        yield lines
    elif kind is ParagraphKind.HEADING:
        is_label = is_bare_label(lines[0]) or (leading_number(lines[0]) or (0, "-"))[1] == ""
        if is_label:
            yield lines[:1]
        yield [" ".join(lines[1:] if is_label else lines)]
    elif kind is not ParagraphKind.VERSE and sum(map(len, lines)) > _LINE_OF_PROSE_CHARS * len(lines):
        for line in lines:
            yield [line]
    else:
        yield from split_script_lines(lines)


def without_marks(text: str, language: str, leavings: Leavings) -> str:
    """The text without `[12]` after a word, `[Pg 12]`, and `⑵` in Chinese and Japanese."""
    if "[" in text:
        text = _taken(_NOTE_MARK, LeftOutKind.NOTE_MARKS, text, leavings)
        text = _taken(_PAGE_MARK, LeftOutKind.PAGE_NUMBERS, text, leavings)
    if language in _NO_SPACE_LANGUAGES:
        text = _taken(_HAN_NOTE_MARK, LeftOutKind.NOTE_MARKS, text, leavings)
    return text


def _taken(pattern: re.Pattern[str], kind: LeftOutKind, text: str, leavings: Leavings) -> str:
    return pattern.sub(lambda match: "" if leavings.leave(kind, match[0]) else match[0], text)
