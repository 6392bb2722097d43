"""Tables as spreadsheets save them: commas, semicolons or tabs, with or without a byte-order mark.

Invariant: a cell is the text as written, trimmed; an empty cell is a key that was left out; no filled cell is dropped
without a problem.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from narration.errors import InputError, Problem
from narration.sheets import KeyPath, Sheet, nearest, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt"})
"""Names under which spreadsheets save tables; Excel's “Unicode text” is a `.txt`."""

_DELIMITERS = (",", ";", "\t", "|")
_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What a table may hold, when the same data can also come as YAML.

    Attributes:
        root: the key under which YAML lists what a table has as rows.
        names: every column.
        required: columns that the header must have.
    """

    root: str
    names: tuple[str, ...]
    required: tuple[str, ...]


def read_table_file(path: Path, columns: Columns, *, label: str = "") -> Sheet:
    """A CSV or TSV file; see `read_table`.

    Raises:
        InputError: nothing could be read.
    """
    label = label or path.name
    return read_table(read_bytes(path, label), label, columns)


def read_table(content: bytes, label: str, columns: Columns) -> Sheet:
    """Rows under the key `columns.root`, each a dictionary of its filled cells.

    Raises:
        InputError: the text cannot be decoded, no header names any known column, or the quoting is broken.
    """
    text = _decoded(content, label)
    delimiter, start = _preamble(text, columns)
    problems: list[Problem] = []
    rows: list[object] = []
    lines: dict[KeyPath, int] = {}
    records = _records(text[start:], delimiter, label, first_line=text[:start].count("\n") + 1)
    line, cells = next(records)
    header = _header(cells, columns, f"{label}, line {line}", problems)
    for line, cells in records:
        if any(cells):
            lines[(columns.root, len(rows))] = line
            rows.append(_row(cells, header, f"{label}, line {line}", problems))
    return Sheet(
        label=label,
        data={columns.root: rows},
        lines=MappingProxyType(lines),
        problems=tuple(problems),
        table=True,
        absent=frozenset(columns.required) - frozenset(header),
    )


def _decoded(content: bytes, label: str) -> str:
    """Text in the encodings that spreadsheets write: UTF-8, UTF-16, and the two “ANSI” code pages of our languages."""
    encodings = ["utf-8-sig"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        runs = _HIGH_RUNS.findall(content)
        paired = sum(len(run) for run in runs if len(run) > 1)
        # In Chinese text the high bytes stand in pairs, in Western text mostly alone.
        chinese = paired * 2 > sum(map(len, runs))
        encodings += ["gb18030", "cp1252"] if chinese else ["cp1252", "gb18030"]
    for encoding in encodings:
        try:
            return re.sub(r"\r\n?", "\n", content.decode(encoding))
        except UnicodeDecodeError:
            continue
    raise InputError(Problem(what="is in an unknown encoding", where=label, hint="Save it as “CSV UTF-8”."))


def _preamble(text: str, columns: Columns) -> tuple[str, int]:
    """The delimiter, and where the header begins: after blank lines and Excel's own `sep=;` line."""
    start = _end_of_blank_lines(text, 0)
    separator = re.compile(r"sep=(.)\n").match(text, start)
    if separator:
        return separator.group(1), _end_of_blank_lines(text, separator.end())
    first = text[start:].split("\n", 1)[0]

    def known(delimiter: str) -> tuple[int, int]:
        cells = [_column(cell) for cell in first.replace('"', "").split(delimiter)]
        return len(set(cells) & set(columns.names)), len(cells)

    return max(_DELIMITERS, key=known), start


def _end_of_blank_lines(text: str, start: int) -> int:
    match = re.compile(r"(?:[ \t,;|]*\n)*").match(text, start)
    return match.end() if match else start


def _records(text: str, delimiter: str, label: str, *, first_line: int) -> Iterator[tuple[int, list[str]]]:
    """Every record with the line on which it begins; a quoted cell may run over several lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = first_line + reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = "A cell that has a quotation mark in it stands in quotation marks, and the mark is doubled."
            problem = Problem(what=f"the quoting is broken: {error}", where=f"{label}, line {line}", hint=hint)
            raise InputError(problem) from error
        yield line, [cell.strip() for cell in cells]


def _column(cell: str) -> str:
    return "_".join(cell.casefold().split())


def _header(cells: list[str], columns: Columns, where: str, problems: list[Problem]) -> tuple[str, ...]:
    names = [_column(cell) for cell in cells]
    expected = f"one of {', '.join(columns.names)}"
    if not set(names) & set(columns.names):
        what = "the first line names no known column"
        raise InputError(Problem(what=what, where=where, expected=f"a header with {', '.join(columns.required)}"))
    for index, name in enumerate(names):
        if name in names[:index] and name:
            problems.append(Problem(what=f"the column `{name}` stands twice", where=where))
        elif name and name not in columns.names:
            hint = nearest(name, columns.names)
            problems.append(Problem(what=f"unknown column `{cells[index]}`", where=where, expected=expected, hint=hint))
    problems.extend(
        Problem(what=f"the column `{name}` is missing", where=where) for name in columns.required if name not in names
    )
    # A column that cannot be read keeps its place under an empty name.
    known = [name if name in columns.names and name not in names[:i] else "" for i, name in enumerate(names)]
    return tuple(known)


def _row(cells: list[str], header: tuple[str, ...], where: str, problems: list[Problem]) -> dict[str, object]:
    if any(cells[len(header) :]):
        hint = "Text that has the delimiter in it stands in quotation marks."
        problems.append(Problem(what=f"has {len(cells)} cells", where=where, expected=f"{len(header)}", hint=hint))
    return {name: cell for name, cell in zip(header, cells, strict=False) if name and cell}
