"""Fountain screenplays to a draft: who speaks is written above each speech, so the script needs no guessing.

Invariant: every word is in a block, is the name of a speaker, or is counted among the leavings.

Source: fountain.io/syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from narration.book import LeftOutKind, Paragraph, ParagraphKind
from narration.manuscript.chapters import Block, Draft
from narration.manuscript.drama import mark_direction, placed
from narration.manuscript.headings import is_part_heading
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import clean

SUFFIXES: Final = frozenset({".fountain", ".spmd"})

_TITLE_KEY: Final = re.compile(r"([A-Za-z][A-Za-z -]{0,30}):[ \t]*(.*)")
_TITLE_KEYS: Final = frozenset(
    {
        "title",
        "credit",
        "author",
        "authors",
        "source",
        "notes",
        "draft date",
        "date",
        "contact",
        "copyright",
        "revision",
    }
)
_CUT_MARKS: Final = (("/*", "*/"), ("[[", "]]"))
"""Around what is cut out of the play, and around notes."""

_SCENE: Final = re.compile(r"(?:INT\.?/EXT|EXT\.?/INT|INT|EXT|EST|I/E)[. ].*", re.IGNORECASE)
_SCENE_NUMBER: Final = re.compile(r"[ \t]*#[\w.-]+#[ \t]*$")
_TRANSITION: Final = re.compile(r"[^a-z]*TO:")
_EXTENSION: Final = re.compile(r"[ \t]*(\([^()]*\))[ \t]*$")
_CONTINUED: Final = re.compile(r"\(cont[’']?d\.?\)|\(continued\)|\(continuing\)", re.IGNORECASE)
_TOGETHER: Final = re.compile(r"[ \t]+(?:&|\+|AND|and|/)[ \t]+|,[ \t]+")
_EMPHASIS: Final = re.compile(r"(?<!\\)(\*{1,3}|_)(?=\S)(.{1,1000}?)(?<=[^\s\\])\1")
_ESCAPE: Final = re.compile(r"\\([*_\\@!.>~#=\[\]])")
_MOST_EMPHASES: Final = 3


def draft_fountain(text: str, *, leavings: Leavings) -> Draft:
    """The blocks of a screenplay.

    Sections (`#`) make the chapters; scene headings, action and transitions are the narrator's.

    Args:
        text: the whole file, with line feeds.
        leavings: counts notes, what is cut out, synopses and the title page.
    """
    for opening, closing in _CUT_MARKS:
        text = _without(text, opening, closing, leavings)
    lines = text.lstrip("\ufeff").split("\n")
    first, fields = _title_page(lines)
    for key, value in fields.items():
        if key not in {"title", "author", "authors"}:
            leavings.leave(LeftOutKind.FRONT_MATTER, f"{key}: {value}")
    return Draft(
        blocks=tuple(block for block in _Reader(lines, leavings).blocks(first) if block.paragraph.text),
        title=_plain(fields.get("title", "")),
        author=_plain(fields.get("author", fields.get("authors", ""))),
    )


def _without(text: str, opening: str, closing: str, leavings: Leavings) -> str:
    """The text without what stands between two marks; its line feeds stay, so that lines keep their numbers."""
    parts: list[str] = []
    position = 0
    while (start := text.find(opening, position)) >= 0 and (end := text.find(closing, start + len(opening))) >= 0:
        words = text[start + len(opening) : end].strip()
        is_cut = leavings.leave(LeftOutKind.COMMENTS, words)
        parts += [text[position:start], "\n" * text.count("\n", start, end) if is_cut else words]
        position = end + len(closing)
    return "".join([*parts, text[position:]])


def _title_page(lines: list[str]) -> tuple[int, dict[str, str]]:
    """`(line where the play begins, fields)`; a first line that is no known key begins the play."""
    match = _TITLE_KEY.fullmatch(lines[0].strip()) if lines else None
    if match is None or match[1].lower() not in _TITLE_KEYS:
        return 0, {}
    fields: dict[str, str] = {}
    key = ""
    for number, line in enumerate(lines):
        if not line.strip():
            return number, fields
        match = _TITLE_KEY.fullmatch(line.strip())
        if match and (not number or not line[0].isspace()):
            key = match[1].lower()
            fields[key] = match[2]
        else:
            fields[key] = f"{fields[key]} {line.strip()}".strip()
    return len(lines), fields


def _plain(text: str) -> str:
    """Without marks of emphasis and escapes."""
    for _ in range(_MOST_EMPHASES):
        text = _EMPHASIS.sub(r"\2", text)
    return clean(_ESCAPE.sub(r"\1", text))


class _Reader:
    """Reads the lines of one play."""

    def __init__(self, lines: list[str], leavings: Leavings) -> None:
        self._lines, self._leavings = lines, leavings

    def blocks(self, first: int) -> Iterator[Block]:
        position = first
        while position < len(self._lines):
            line = self._lines[position].strip()
            if not line:
                position += 1
                continue
            if self._is_cue(position):
                end = self._end(position, keeps_spaced=True)
                yield from self._speech(position, end)
                position = end
            elif single := list(self._single(line, position)):
                yield from single
                position += 1
            else:
                end = self._end(position)
                yield from self._action(position, end)
                position = end

    def _is_blank(self, position: int) -> bool:
        return not 0 <= position < len(self._lines) or not self._lines[position].strip()

    def _end(self, position: int, *, keeps_spaced: bool = False) -> int:
        """The line after a group; in a speech a line of two spaces is no end."""
        while position < len(self._lines) and (
            self._lines[position].strip() or (keeps_spaced and self._lines[position].startswith("  "))
        ):
            position += 1
        return position

    def _is_cue(self, position: int) -> bool:
        """Whether a line names who speaks below it."""
        line = self._lines[position].strip()
        if not self._is_blank(position - 1) or self._is_blank(position + 1):
            return False
        if line.startswith("@"):
            return len(line) > 1
        name = _EXTENSION.sub("", line.rstrip("^").strip())
        is_upper = name.upper() == name and name.lower() != name
        return is_upper and line[0] not in "!#=.>~" and not _SCENE.fullmatch(line) and not _TRANSITION.fullmatch(line)

    def _single(self, line: str, position: int) -> Iterator[Block]:
        """What takes one line: a section, a scene heading, a synopsis, a page break, a transition, centred words."""
        if line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            yield self._block(line[level:], position, ParagraphKind.HEADING, level=level)
        elif line.startswith("="):
            words = line.strip("= ")
            kept = words if words and not self._leavings.leave(LeftOutKind.COMMENTS, words) else ""
            yield self._block(kept, position)
        elif line.startswith(".") and not line.startswith(".."):
            yield self._block(_SCENE_NUMBER.sub("", line[1:]), position, ParagraphKind.HEADING)
        elif _SCENE.fullmatch(line) and self._is_blank(position - 1):
            yield self._block(_SCENE_NUMBER.sub("", line), position, ParagraphKind.HEADING)
        elif line.startswith(">"):
            yield self._block(line[1:].removesuffix("<"), position, is_direction=not line.endswith("<"))
        elif _TRANSITION.fullmatch(line) and self._is_blank(position - 1) and self._is_blank(position + 1):
            yield self._block(line, position, is_direction=True)

    def _block(
        self,
        text: str,
        position: int,
        kind: ParagraphKind = ParagraphKind.PROSE,
        *,
        level: int = 0,
        is_direction: bool = False,
    ) -> Block:
        words = _plain(text)
        paragraph = Paragraph(
            text=words,
            kind=kind,
            source_line=position + 1,
            directions=((0, len(words)),) if is_direction and words else (),
        )
        return Block(paragraph=paragraph, level=level, is_part=level > 0 and is_part_heading(words))

    def _action(self, start: int, end: int) -> Iterator[Block]:
        """A paragraph of action; lines of a song are verse."""
        lines = [line.strip() for line in self._lines[start:end]]
        if all(line.startswith("~") for line in lines):
            yield self._block("\n".join(line[1:].strip() for line in lines), start, ParagraphKind.VERSE)
            return
        held: list[str] = []
        first = start
        for number, line in enumerate(lines, start=start):
            special = [] if number == start else list(self._single(line, number))
            if not special:
                held.append(line.removeprefix("!").removeprefix("~"))
                continue
            if held:
                yield self._block(" ".join(held), first)
            yield from special
            held, first = [], number + 1
        if held:
            yield self._block(" ".join(held), first)

    def _speech(self, start: int, end: int) -> Iterator[Block]:
        """One speech: the cue, and below it what is said, with how in brackets."""
        cue = self._lines[start].strip().rstrip("^").strip()
        name, remarks = _cue(cue.removeprefix("@"))
        for remark in [found for found in remarks if _CONTINUED.fullmatch(found)]:
            self._leavings.leave(LeftOutKind.COMMENTS, remark)
        parts = [mark_direction(remark) for remark in remarks if not _CONTINUED.fullmatch(remark)]
        is_song = False
        for line in (line.strip() for line in self._lines[start + 1 : end]):
            if line.startswith("(") and line.endswith(")"):
                parts.append(mark_direction(_plain(line)))
            elif line.startswith("~"):
                is_song = True
                parts.append("\n" + _plain(line[1:]))
            else:
                parts.append(" " + _plain(line))
        text, directions = placed("".join(parts))
        if text:
            paragraph = Paragraph(
                text=text,
                kind=ParagraphKind.VERSE if is_song and "\n" in text else ParagraphKind.PROSE,
                source_line=start + 1,
                speaker=" + ".join(_plain(part) for part in _TOGETHER.split(name)),
                directions=directions,
            )
            yield Block(paragraph=paragraph)


def _cue(cue: str) -> tuple[str, list[str]]:
    """`(name, remarks)`: `JACK (V.O.) (CONT'D)` is `JACK` with two remarks."""
    remarks: list[str] = []
    while match := _EXTENSION.search(cue):
        if not cue[: match.start()].strip():
            break
        remarks.insert(0, match[1])
        cue = cue[: match.start()]
    return cue.strip(), remarks
