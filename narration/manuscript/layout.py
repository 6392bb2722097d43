"""How a plain text is laid out: which lines were wrapped, and where a paragraph begins without a blank line.

Invariant: the paragraphs of a group are its lines, all of them, in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from narration.manuscript.letters import width

_ENDS: Final = tuple(".!?:;”\"’'…—)。！？：；」』）】")
_HAN_LANGUAGES: Final = frozenset({"zh", "ja"})

_ONE_LINE_SHARE: Final = 0.75
"""From this share of lines that end a sentence on, every line is a paragraph; wrapped prose has about 0.15."""

_LONG_LINE_COLUMNS: Final = 160
"""Nobody wraps at more columns: such a line is a whole paragraph."""

_SHORT_LINE_SHARE: Final = 0.75
"""A line below this share of the width, with another one after it, was ended by its author."""

_LEAST_WIDTH: Final = 40
_SINGLE_NEWLINE_LINES: Final = 12
"""Groups longer than this on average are pages of paragraphs without blank lines."""

_MOST_INDENTED_SHARE: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lines with no blank line between them.

    Attributes:
        lines: as they stand, indents included.
        first_line: 1-based number of the first.
        blanks: blank lines above; the first group of a file counts as well set apart.
    """

    lines: tuple[str, ...]
    first_line: int
    blanks: int

    @property
    def indent(self) -> int:
        """Columns before the first line's text."""
        return indent_of(self.lines[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the file does it.

    Attributes:
        language: ISO 639-1.
        is_one_line: every line is a paragraph.
        is_indented: an indent begins a paragraph.
        is_single_newline: paragraphs stand without blank lines and without indents.
        columns: the width at which lines are wrapped; 0 where they are not.
        indent: columns before the first line of most paragraphs.
    """

    language: str
    is_one_line: bool
    is_indented: bool
    is_single_newline: bool
    columns: int
    indent: int

    @property
    def is_han(self) -> bool:
        """Chinese or Japanese: no spaces between words, no capitals."""
        return self.language in _HAN_LANGUAGES

    def is_verse(self, lines: list[str]) -> bool:
        """Whether the author ended these lines, not the edge of the page."""
        if len(lines) < 2 or self.columns < _LEAST_WIDTH:
            return False
        return all(width(line) < self.columns * _SHORT_LINE_SHARE for line in lines)


def indent_of(line: str) -> int:
    """Columns of white space before the text; a full-width space is two, a tab four."""
    head = line[: len(line) - len(line.lstrip())]
    return len(head) + head.count("\u3000") + 3 * head.count("\t")


def groups_of(text: str) -> list[Group]:
    """The lines of a text, parted at blank lines."""
    groups: list[Group] = []
    held: list[str] = []
    blanks, first = 3, 1
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip(" \t\u3000\u00a0\ufeff\u200b\u2060\u00ad\u2002\u2003"):
            if not held:
                first = number
            held.append(line)
            continue
        if held:
            groups.append(Group(lines=tuple(held), first_line=first, blanks=blanks))
            held, blanks = [], 0
        blanks += 1
    return groups


def layout_of(groups: list[Group], language: str) -> Layout:
    """What the groups of a file have in common."""
    inner = [line for group in groups for line in group.lines[:-1]]
    later = [line for group in groups for line in group.lines[1:]]
    indents = Counter(group.indent for group in groups)
    usual = indents.most_common(1)[0][0] if indents else 0
    ending = sum(line.rstrip().endswith(_ENDS) for line in inner)
    widths = sorted(width(line.rstrip()) for line in inner)
    columns = widths[len(widths) * 19 // 20] if widths else 0
    is_one_line = bool(inner) and (ending >= _ONE_LINE_SHARE * len(inner) or columns > _LONG_LINE_COLUMNS)
    indented = sum(indent_of(line) >= 2 for line in later)
    average = sum(len(group.lines) for group in groups) / max(1, len(groups))
    is_indented = 0 < indented <= _MOST_INDENTED_SHARE * len(later)
    return Layout(
        language=language,
        is_one_line=is_one_line,
        is_indented=is_indented,
        is_single_newline=average > _SINGLE_NEWLINE_LINES,
        columns=0 if is_one_line else columns,
        indent=usual,
    )


def paragraphs_of(group: Group, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """`(first line, lines)` of each paragraph of a group."""
    held: list[str] = []
    start = group.first_line
    base = min((indent_of(line) for line in group.lines), default=0)
    for number, line in enumerate(group.lines, start=group.first_line):
        if held and _begins(held[-1], line, base, layout):
            yield start, held
            held, start = [], number
        held.append(line)
    if held:
        yield start, held


def _begins(before: str, line: str, base: int, layout: Layout) -> bool:
    """Whether a line begins a paragraph although no blank line is above it."""
    if layout.is_one_line:
        return True
    ended = before.rstrip().endswith(_ENDS)
    if layout.is_indented and indent_of(line) - base >= 2:
        return ended
    if not layout.is_single_newline or not ended:
        return False
    word = line.split(maxsplit=1)[0]
    return width(before.rstrip()) + 1 + width(word) <= layout.columns * _SHORT_LINE_SHARE or line.lstrip().startswith(
        ("“", '"')
    )
