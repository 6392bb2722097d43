"""Plays set as tables: a column of names, a column of speeches, stage directions among them.

Invariant: every word of a row is in its paragraph or is the name of who speaks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from narration.book import Paragraph, ParagraphKind
from narration.manuscript.letters import clean
from narration.manuscript.trees import Element, local, text_of, types_of

_TOGETHER: Final = re.compile(r" and | & |, and |, | / | und | et | y | e ", re.IGNORECASE)
_BLOCKS: Final = frozenset({"p", "div", "br", "li", "blockquote", "section"})
_FRAME: Final = frozenset({"thead", "tbody", "tfoot", "tr", "td", "th", "colgroup", "col"})
_OPEN: Final = "\ue002"
_CLOSE: Final = "\ue003"
"""Stand around a stage direction until its place is known; private-use characters, which prose has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a play.

    Attributes:
        speaker: the name as printed; empty for a row that is a stage direction.
        text: the words, line feeds between verses.
        directions: `(start, end)` spans of `text` that are not speech.
        line: of the source.
    """

    speaker: str
    text: str
    directions: tuple[tuple[int, int], ...]
    line: int


def is_drama(table: Element) -> bool:
    """Whether a table is a play: a cell of it names a speaker, and all its words are in the cells of its rows."""
    if not any("persona" in types_of(cell) for cell in table.iter("{*}td", "{*}th")):
        return False
    if next(table.iterdescendants("{*}table"), None) is not None:
        return False
    frame = [table, *table.iter("{*}thead", "{*}tbody", "{*}tfoot", "{*}tr")]
    cells = [child for row in frame for child in row if local(child) != "caption"]
    if any(local(cell) not in _FRAME for cell in cells):
        return False
    return not any((row.text or "").strip() for row in frame) and not any((cell.tail or "").strip() for cell in cells)


def rows_of(table: Element, is_left_out: Callable[[Element], bool]) -> Iterator[Row]:
    """The rows of a play, in order; a name without words is of the next row that has no name.

    Args:
        table: one that `is_drama`.
        is_left_out: whether an element inside (the mark of a note) is not to be read.
    """
    waiting: Row | None = None
    for row in table.iter("{*}tr"):
        cells = [cell for cell in row if local(cell) in {"td", "th"}]
        names = [cell for cell in cells if "persona" in types_of(cell)]
        speaker, remark = _name(names[0], is_left_out) if names else ("", "")
        raw = remark + " ".join(_marked(cell, is_left_out) for cell in cells if cell not in names[:1])
        text, directions = placed(raw)
        line = row.sourceline or 0
        if waiting is not None and text and not speaker:
            speaker, waiting = waiting.text, None
        if waiting is not None and (text or speaker):
            yield waiting  # nobody says anything under this name: it is read as it stands
            waiting = None
        if text:
            yield Row(speaker=speaker, text=text, directions=directions, line=line)
        elif speaker:
            waiting = Row(speaker="", text=speaker, directions=(), line=line)
    if waiting is not None:
        yield waiting


def _name(cell: Element, is_left_out: Callable[[Element], bool]) -> tuple[str, str]:
    """The speaker, and a stage direction that stands with the name."""
    remarks = [inner for inner in cell.iter() if "stage-direction" in types_of(inner)]
    whole = _marked(cell, is_left_out)
    if not remarks:
        return clean(" ".join(whole.split())), ""
    name = re.sub(f"{_OPEN}[^{_CLOSE}]*{_CLOSE}", " ", whole)
    said = " ".join(f"{_OPEN}{text_of(remark)}{_CLOSE}" for remark in remarks)
    return clean(" ".join(name.split())).rstrip(","), said + " "


def _marked(cell: Element, is_left_out: Callable[[Element], bool]) -> str:
    """The text of a cell, stage directions between marks, a line feed where a line or paragraph ends."""
    parts: list[str] = []
    depth = 0
    skipped: Element | None = None
    walk = etree.iterwalk(cell, events=("start", "end"))
    for event, element in walk:
        if event == "start" and element is not cell and is_left_out(element):
            walk.skip_subtree()
            skipped = element
            continue
        if element is skipped:
            parts.append(_flat(element.tail))
            continue
        is_direction = "stage-direction" in types_of(element)
        is_block = local(element) in _BLOCKS and element is not cell
        if event == "start":
            if is_direction and not depth:
                parts.append(_OPEN)
            depth += is_direction
            parts += ["\n"] * is_block + [_flat(element.text)]
            continue
        depth -= is_direction
        if is_direction and not depth:
            parts.append(_CLOSE)
        if element is not cell:
            parts += ["\n"] * is_block + [_flat(element.tail)]
    return "".join(parts)


def _flat(text: str | None) -> str:
    return re.sub(r"[ \t\r\n\f]+", " ", text) if text else ""


def mark_direction(text: str) -> str:
    """The text between the marks that `placed` reads."""
    return f"{_OPEN}{text}{_CLOSE}"


def placed(marked: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """`(text, spans)`: the text without the marks around its stage directions, and where these are."""
    text = ""
    spans: list[tuple[int, int]] = []
    for piece in re.split(f"({_OPEN}[^{_CLOSE}]*{_CLOSE})", marked):
        words = clean(piece.strip(_OPEN + _CLOSE))
        if not words:
            continue
        if text:
            text += _joint(piece.lstrip(_OPEN))
        if piece.startswith(_OPEN):
            spans.append((len(text), len(text) + len(words)))
        text += words
    return text, tuple(spans)


def _joint(piece: str) -> str:
    """What stands between two pieces: the line feed that was there, else a space, but none before a stop."""
    blank = piece[: len(piece) - len(piece.lstrip())]
    return "\n" if "\n" in blank else "" if piece[0] in ".,;:!?" else " "


def speech(row: Row, *, source: str) -> Paragraph:
    """The paragraph of a row; a row of directions only has no speaker."""
    kind = ParagraphKind.VERSE if "\n" in row.text else ParagraphKind.PROSE
    return Paragraph(
        text=row.text,
        kind=kind,
        source_line=row.line,
        source=source,
        speaker=row.speaker,
        directions=row.directions,
    )


def joined_speakers(paragraphs: Iterable[Paragraph]) -> list[Paragraph]:
    """The paragraphs, with `Jack and Algernon` as `Jack + Algernon` where each of them also speaks alone."""
    found = list(paragraphs)
    alone = {paragraph.speaker.casefold() for paragraph in found if paragraph.speaker}
    return [replace(paragraph, speaker=_together(paragraph.speaker, alone)) for paragraph in found]


def _together(name: str, alone: set[str]) -> str:
    names = [part for part in _TOGETHER.split(name) if part]
    known = len(names) > 1 and all(part.casefold() in alone for part in names)
    return " + ".join(names) if known else name
