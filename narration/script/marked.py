r"""The marked script: one chapter as text that a person edits, one line of it for each line that is spoken.

::

    %% narration-script 1 | chapter 3 | sha256:9f2c61d0a4b87e15
    # Chapter Three                                  a heading, read by the narrator; `#!`: not read
    It was late.                                     no name: the narrator
    Mara (softly): “Is there {Beauchamp|Beecham}?”   a direction; written one way, spoken another
    Tom?: “Who?”                                     please check; without the `?` it is accepted
    Mara + Tom: “Oh!”                                together
    ~ said they.                                     not spoken
    [pause 1.5]                                      seconds before the next line, instead of the usual
    ---                                              a scene break
    ; a note for the producer
    \Dear Sir: it is over                           a backslash: what follows is text

A blank line ends a paragraph. An indented row goes on with the line above it on a row of its own, as verse does.

Invariant: `write_marked` and `parse_marked` are inverses: of any rows, and of any text that `write_marked` made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from narration.book import Respelling
from narration.errors import InputError, Problem
from narration.script.speakers import Labels
from narration.script.spelling import read_spelling, write_spelling

VERSION: Final = 1
HASH_CHARS: Final = 16

_HEADER: Final = re.compile(r"%%\s*narration-script\s+(\d{1,6})\s*(?:\|(.*))?$")
_HASH: Final = re.compile(rf"\bsha256:([0-9a-f]{{{HASH_CHARS}}})\b")
_PAUSE: Final = re.compile(r"\[\s*pause\s+(\d{1,2}(?:\.\d{1,3})?)\s*s?\s*\]$")
_MOST_PAUSE_MS: Final = 60_000
_BREAK: Final = re.compile(r"-{3,}$")
_HEADING: Final = re.compile(r"#(!?)\s*(.*)$", re.DOTALL)
_ROW_ENDS: Final = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_STARTS: Final = ("#", "~", ";", "[", "%%", "\\")
_INDENT: Final = "    "


class Mark(StrEnum):
    """What a row of a script is."""

    LINE = "line"
    HEADING = "heading"
    SCENE = "scene"
    PAUSE = "pause"
    COMMENT = "comment"
    BLANK = "blank"


TEXT_MARKS: Final = frozenset({Mark.LINE, Mark.HEADING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a script.

    Attributes:
        mark: what it is.
        text: of a line or a heading, the words as written; of a comment, what it says.
        characters: who speaks it, the first one leading; empty is the narrator.
        doubtful: it is to be checked (`?`).
        direction: how it is to be said.
        skipped: it is not to be spoken.
        respellings: offsets are those of `text`.
        pause_ms: of a pause.
        number: 1-based row of the file, for messages; 0 where there is none.
    """

    mark: Mark = Mark.LINE
    text: str = ""
    characters: tuple[str, ...] = ()
    doubtful: bool = False
    direction: str = ""
    skipped: bool = False
    respellings: tuple[Respelling, ...] = ()
    pause_ms: int = 0
    number: int = field(default=0, compare=False)

    @property
    def is_text(self) -> bool:
        """Whether it holds words of the manuscript."""
        return self.mark in TEXT_MARKS


BLANK: Final = Row(mark=Mark.BLANK)
SCENE: Final = Row(mark=Mark.SCENE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedScript:
    """The script of one chapter, as its file has it.

    Attributes:
        chapter: number of the chapter that it was written for; 0 in a file without a header.
        manuscript: first `HASH_CHARS` hex digits of the SHA-256 of the chapter's text; empty without a header.
        rows: in order; no blank one first, last, or after another.
    """

    chapter: int
    manuscript: str
    rows: tuple[Row, ...]


def parse_marked(text: str, labels: Labels, *, where: str) -> MarkedScript:
    """Read a script.

    Args:
        text: of the file; line feeds end its rows.
        labels: the names that may stand before a colon.
        where: what messages call the file.

    Raises:
        InputError: with every mistake: an unknown name with the nearest one, a mark that is none.
    """
    problems: list[Problem] = []
    rows: list[Row] = []
    chapter, manuscript = 0, ""
    for number, raw in enumerate(text.split("\n"), start=1):
        source, place = raw.strip(), f"{where}, line {number}"
        if not source:
            rows += [BLANK] if rows and rows[-1].mark is not Mark.BLANK else []
        elif raw[0].isspace() and rows and rows[-1].is_text:
            rows[-1] = _longer(rows[-1], source, place, problems)
        elif source.startswith("%%"):
            if rows or chapter:
                problems.append(Problem(what="a header that is not the first line", where=place, hint=_escape_hint()))
            else:
                chapter, manuscript = _header(source, place, problems)
        else:
            rows.append(replace(_row(source, labels, place, problems), number=number))
    while rows and rows[-1].mark is Mark.BLANK:
        rows.pop()
    if problems:
        raise InputError(*problems)
    return MarkedScript(chapter=chapter, manuscript=manuscript, rows=tuple(rows))


def _header(source: str, place: str, problems: list[Problem]) -> tuple[int, str]:
    match = _HEADER.match(source)
    if match is None or int(match[1]) != VERSION:
        expected = f"%% narration-script {VERSION} | chapter N | sha256:…"
        problems.append(Problem(what=f"unknown header {source[:60]!r}", where=place, expected=expected))
        return 0, ""
    facts = match[2] or ""
    chapter, manuscript = re.search(r"\bchapter (\d{1,6})\b", facts), _HASH.search(facts)
    return int(chapter[1]) if chapter else 0, manuscript[1] if manuscript else ""


def _row(source: str, labels: Labels, place: str, problems: list[Problem]) -> Row:
    """One row that is not blank; what is wrong with it is added to `problems`."""
    if source.startswith(";"):
        return Row(mark=Mark.COMMENT, text=source[1:].strip())
    if _BREAK.match(source):
        return SCENE
    try:
        if source.startswith("["):
            return Row(mark=Mark.PAUSE, pause_ms=_pause_ms(source))
        if source.startswith("#"):
            match = _HEADING.match(source)
            bang, body = (match[1], match[2]) if match else ("", "")
            return _spelled(Row(mark=Mark.HEADING, skipped=bool(bang)), body)
        if source.startswith("~"):
            return _spoken(source[1:].strip(), labels, Row(skipped=True))
        return _spoken(source, labels, Row())
    except ValueError as error:
        problems.append(_problem(error, place))
        return Row(mark=Mark.COMMENT)


def _problem(error: ValueError, place: str) -> Problem:
    """What a part of a row is wrong in; what to do is on the second line of the message."""
    what, _, hint = str(error).partition("\n")
    return Problem(what=what, where=place, hint=hint)


def _pause_ms(source: str) -> int:
    match = _PAUSE.match(source)
    pause_ms = round(float(match[1]) * 1000) if match else -1
    if not 0 <= pause_ms <= _MOST_PAUSE_MS:
        raise ValueError(f"{source[:40]!r} is not a pause of 0 to 60 seconds such as [pause 1.5]\n{_escape_hint()}")
    return pause_ms


def _spoken(body: str, labels: Labels, row: Row) -> Row:
    """A line: a label or none, then words."""
    label = None if body.startswith("\\") else labels.match(body)
    if label is None:
        return _spelled(row, body)
    characters = labels.resolve(label, _escape_hint())
    named = replace(row, characters=characters, doubtful=label.doubtful, direction=label.direction)
    return _spelled(named, body[label.end :])


def _spelled(row: Row, body: str) -> Row:
    text, respellings = read_spelling(body)
    if not text:
        raise ValueError("a mark without words after it")
    return replace(row, text=text, respellings=respellings)


def _longer(row: Row, body: str, place: str, problems: list[Problem]) -> Row:
    """A line with one more row of its own."""
    try:
        text, respellings = read_spelling(body)
    except ValueError as error:
        problems.append(_problem(error, place))
        return row
    offset = len(row.text) + 1
    moved = tuple(replace(one, start=one.start + offset, end=one.end + offset) for one in respellings)
    return replace(row, text=f"{row.text}\n{text}", respellings=row.respellings + moved)


def _escape_hint() -> str:
    return "Where this is text, write a backslash before it."


def write_marked(script: MarkedScript, labels: Labels) -> str:
    """A script as text, ending in a line feed.

    Args:
        script: its rows; a text may hold any white space, and what ends a row becomes a row of its own.
        labels: the names that may stand before a colon, so that text which looks like one is told apart.
    """
    facts = f"chapter {script.chapter} | sha256:{script.manuscript}"
    header = [f"%% narration-script {VERSION} | {facts}", ""] if script.chapter else []
    return "\n".join([*header, *(part for row in script.rows for part in _written(row, labels)), ""])


def written_row(row: Row, labels: Labels) -> str:
    """One row as text, on one line."""
    return " ".join(part.strip() for part in _written(row, labels))


def _written(row: Row, labels: Labels) -> Iterator[str]:
    match row.mark:
        case Mark.BLANK:
            yield ""
        case Mark.SCENE:
            yield "---"
        case Mark.PAUSE:
            yield f"[pause {row.pause_ms / 1000:g}]"
        case Mark.COMMENT:
            yield f"; {' '.join(_ROW_ENDS.split(row.text))}".rstrip()
        case Mark.HEADING:
            first, *rest = _bodies(row)
            yield f"{'#!' if row.skipped else '#'} {first}"
            yield from (_INDENT + part for part in rest)
        case Mark.LINE:
            first, *rest = _bodies(row)
            yield ("~ " if row.skipped else "") + _labelled(row, first, labels)
            yield from (_INDENT + part for part in rest)


def _labelled(row: Row, first: str, labels: Labels) -> str:
    if row.characters:
        direction = f" ({row.direction})" if row.direction else ""
        return f"{' + '.join(row.characters)}{'?' * row.doubtful}{direction}: {first}"
    is_mark = not first.startswith("\\") and (first.startswith(_STARTS) or _BREAK.match(first) or labels.match(first))
    return f"\\{first}" if is_mark else first


def _bodies(row: Row) -> list[str]:
    """The words of a row, respellings in them, cut where a row of the file has to end."""
    bodies = []
    position = 0
    for end in [*_ROW_ENDS.finditer(row.text), None]:
        stop = end.start() if end else len(row.text)
        inside = tuple(
            replace(one, start=one.start - position, end=one.end - position)
            for one in row.respellings
            if position <= one.start and one.end <= stop
        )
        bodies.append(write_spelling(row.text[position:stop], inside).strip())
        position = end.end() if end else stop
    return [body for body in bodies if body] or [""]
