"""Tables of text: one line for each row, in 80 columns, and whole in a pipe.

Invariant: a row is never folded. Where a terminal is too narrow, cells that may give way are cut short; where that does
not suffice, the first cell of each row has a line of its own. In a pipe every cell is there in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from flows.cli import console

_GAP = 2
_LEAST = 12
"""A cell that gives way keeps at least so many columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        heading: above it.
        right: whether its cells stand at its right edge, as numbers do.
        gives_way: whether its cells are cut short where a terminal is too narrow.
    """

    heading: str
    right: bool = False
    gives_way: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, unless quiet."""
    if console.settings.quiet:
        return
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [
        max([cell_len(column.heading), *(cell_len(row[place]) for row in cells)])
        for place, column in enumerate(columns)
    ]
    most = console.out.width if console.out.is_terminal else None
    if most is not None:
        widths = _narrowed(columns, widths, most)
    stacked = most is not None and _width(widths) > most
    if stacked:
        widths = [_GAP, *widths[1:]]
    headings = [column.heading for column in columns]
    _line(["", *headings[1:]] if stacked else headings, columns, widths, style="bold")
    for row in cells:
        if stacked:
            console.out.print(Text(row[0]), soft_wrap=True)
        _line(["", *row[1:]] if stacked else row, columns, widths)


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _narrowed(columns: Sequence[Column], widths: Sequence[int], most: int) -> list[int]:
    narrowed, over = list(widths), _width(widths) - most
    for place, column in enumerate(columns):
        least = max(cell_len(column.heading), _LEAST)
        if column.gives_way and over > 0 and narrowed[place] > least:
            less = min(over, narrowed[place] - least)
            narrowed[place] -= less
            over -= less
    return narrowed


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], *, style: str = "") -> None:
    parts = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        part = Text(cell)
        part.truncate(width, overflow="ellipsis")
        part.align("right" if column.right else "left", width)
        parts.append(part)
    line = Text(" " * _GAP).join(parts)
    line.rstrip()
    line.stylize(style)
    console.out.print(line, soft_wrap=True)
