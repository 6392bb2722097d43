"""A proofer's notes as files bring them: CSV, Audacity labels, lines such as `3 00:12:05 note`, and our own export.

Invariant: a row that is not understood is a mistake that is told with its row; no note is left out silently.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from narration.errors import InputError, Problem
from narration.place import Place, place_of

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "place": ("line", "place"),
    "chapter": ("chapter", "ch", "track"),
    "start": ("time", "start", "timecode", "time code", "in", "position"),
    "end": ("end", "out"),
    "quote": ("quote", "text", "words", "as written"),
    "note": ("note", "notes", "comment", "name", "label", "remark"),
    "say": ("say",),
    "direction": ("direction",),
}
"""What the columns of a CSV file may be called, Reaper's own among them."""
_TIME: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d+)?)|(\d+(?:[.,]\d+)?)s?")
_ROW: Final = re.compile(
    r"(?:ch(?:apter)?\.?\s*)?(\d{1,6})[\s,;]+(\d{1,3}(?::\d{1,2}){1,2}(?:[.,]\d+)?)[\s,;:–—-]*(.*)", re.IGNORECASE
)
_PLACED: Final = re.compile(r"\[(\d{1,6}:\d{1,6}(?:\.\d{1,3})?)\]\s*(.*)")
_LABEL: Final = re.compile(r"(\d+(?:\.\d+)?)\t(\d+(?:\.\d+)?)(?:\t(.*))?")
_QUOTED: Final = re.compile('[“"«「]([^”"»」]{2,})[”"»」]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One remark of a proofer's.

    Attributes:
        source: file and row.
        text: what is to be done.
        place: the line, where it is named.
        chapter: where it is named; else times are of the whole book.
        start_s, end_s: when it is heard, in the chapter or the book; None where it is not said.
        quote: words of the line.
        say, direction: how it is to be spoken instead.
    """

    source: str
    text: str
    place: Place | None = None
    chapter: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    quote: str = ""
    say: str = ""
    direction: str = ""


def read_notes(text: str, *, where: str, chapter: int | None = None) -> tuple[Note, ...]:
    """The notes of a file.

    Args:
        text: of the file.
        where: what messages call it.
        chapter: of which all is, unless a row says otherwise.

    Raises:
        InputError: with every row that is not understood.
    """
    rows = [(number, row.rstrip()) for number, row in enumerate(text.lstrip("\ufeff").splitlines(), start=1)]
    rows = [(number, row) for number, row in rows if row.strip()]
    problems: list[Problem] = []
    header = _header(rows[0][1]) if rows else None
    if header is not None:
        found = _of_csv(text.lstrip("\ufeff"), header, where, chapter, problems)
    else:
        found = []
        for number, row in rows:
            if row.startswith("\\"):  # the frequencies of an Audacity label, on a row of their own
                continue
            note = _of_label(row, f"{where}, line {number}", chapter) or _of_row(
                row, f"{where}, line {number}", chapter
            )
            if note is None:
                problems.append(_not_understood(row, f"{where}, line {number}"))
            else:
                found.append(note)
    if problems or not found:
        raise InputError(*(problems or [Problem(what="holds no note", where=where)]))
    return tuple(found)


def seconds_of(written: str) -> float | None:
    """A time code (`1:02:03.5`, `12:05`, `725.3`) in seconds; None where it is none."""
    found = _TIME.fullmatch(written.strip())
    if found is None:
        return None
    if found[4]:
        return float(found[4].replace(",", "."))
    return int(found[1] or 0) * 3600 + int(found[2]) * 60 + float(found[3].replace(",", "."))


def quoted_in(text: str) -> str:
    """The longest words in quotation marks; empty where there are none."""
    return max(_QUOTED.findall(text), key=len, default="")


def _header(row: str) -> tuple[str, dict[str, int]] | None:
    """The delimiter of a CSV file and where its columns are; None where it is none."""
    for delimiter in ("\t", ";", ","):
        names = [name.strip().strip('"').lstrip("#").lower() for name in row.split(delimiter)]
        places = {
            column: names.index(name) for column, known in _COLUMNS.items() for name in reversed(known) if name in names
        }
        if len(names) > 1 and places.keys() & {"place", "start", "quote"}:
            return delimiter, places
    return None


def _of_csv(
    text: str, header: tuple[str, dict[str, int]], where: str, chapter: int | None, problems: list[Problem]
) -> list[Note]:
    delimiter, columns = header
    found: list[Note] = []
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    for cells in _cells(reader, where):
        if not any(cell.strip() for cell in cells):
            continue
        row = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
        source = f"{where}, line {reader.line_num}"
        own = re.search(r"\d+", row.get("chapter", ""))
        place, words = _placed(row.get("note", ""))
        note = Note(
            source=source,
            text=words,
            place=place_of(row.get("place", "")) or place,
            chapter=int(own[0]) if own else chapter,
            start_s=seconds_of(row.get("start", "")),
            end_s=seconds_of(row.get("end", "")),
            quote=row.get("quote", "") or quoted_in(words),
            say=row.get("say", ""),
            direction=row.get("direction", ""),
        )
        if note.place is None and note.start_s is None and not note.quote:
            problems.append(_not_understood(delimiter.join(cells), source))
        else:
            found.append(note)
    return found


def _cells(reader: Any, where: str) -> Iterator[list[str]]:  # noqa: ANN401 — of the library, without a public name
    """The rows below the header."""
    try:
        next(reader)
        yield from reader
    except csv.Error as error:
        problem = Problem(what=f"cannot be read: {error}", where=f"{where}, line {reader.line_num}", expected="CSV")
        raise InputError(problem) from error


def _placed(text: str) -> tuple[Place | None, str]:
    """What our own labels begin with (`[3:17] note`), and the note."""
    found = _PLACED.fullmatch(text)
    return (place_of(found[1]), found[2]) if found else (None, text)


def _of_label(row: str, source: str, chapter: int | None) -> Note | None:
    found = _LABEL.fullmatch(row)
    if found is None:
        return None
    place, words = _placed(found[3] or "")
    times = (float(found[1]), float(found[2]))
    return Note(
        source=source,
        text=words,
        place=place,
        chapter=chapter,
        start_s=times[0],
        end_s=times[1] if times[1] > times[0] else None,
        quote=quoted_in(words),
    )


def _of_row(row: str, source: str, chapter: int | None) -> Note | None:
    found = _ROW.fullmatch(row.strip())
    if found is not None:
        quote = quoted_in(found[3])
        return Note(source=source, text=found[3], chapter=int(found[1]), start_s=seconds_of(found[2]), quote=quote)
    words = row.strip().split(maxsplit=1)
    place = place_of(words[0].strip("[]"))
    rest = words[1] if len(words) > 1 else ""
    if words[0].count(":") == 2 or (chapter is not None and ":" in words[0]):
        start_s = seconds_of(words[0])
        if start_s is not None:
            return Note(source=source, text=rest, chapter=chapter, start_s=start_s, quote=quoted_in(rest))
    return None if place is None else Note(source=source, text=rest, place=place)


def _not_understood(row: str, source: str) -> Problem:
    return Problem(
        what=f"{row.strip()[:60]!r} says neither when nor where",
        where=source,
        expected="`3 00:12:05 note`, `3:17 note`, an Audacity label, or CSV with a column line, time or quote",
    )
