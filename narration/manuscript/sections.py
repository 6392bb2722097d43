"""The blocks of an EPUB's files to chapters: cut where the table of contents says, front and back matter left out.

Invariant: every piece is in exactly one section, in the order of the spine; a section is read or counted whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from narration.book import Chapter, LeftOutKind, ParagraphKind
from narration.manuscript.finish import is_body, tidy, titled
from narration.manuscript.flow import Piece
from narration.manuscript.gutenberg import is_licence_end, is_licence_start
from narration.manuscript.leavings import Leavings
from narration.manuscript.matter import is_imprint, is_large, is_short_page, matter_of_label
from narration.manuscript.toc import Entry

_HEADER_SHARE: Final = 0.2
"""A library's header ends in this first part of a book, and its licence begins in the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One file of the spine, as read.

    Attributes:
        file: its name.
        pieces: its blocks.
        is_linear: whether it stands in the reading order.
        left_out_ids: of elements that are not among the blocks.
    """

    file: str
    pieces: tuple[Piece, ...]
    is_linear: bool = True
    left_out_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of the book between two places of its table of contents.

    Attributes:
        label: as the table of contents says; empty before its first entry.
        pieces: in order.
        is_named: whether an entry leads here.
    """

    label: str
    pieces: tuple[Piece, ...] = field(repr=False)
    is_named: bool

    @property
    def text(self) -> str:
        """All of it, a line per block."""
        return text_of_pieces(self.pieces)


def text_of_pieces(pieces: tuple[Piece, ...]) -> str:
    """All words of some pieces, a line per block; what stands for a scene break is none."""
    return "\n".join(
        f"{piece.block.paragraph.speaker} {piece.block.paragraph.text}".strip()
        for piece in pieces
        if piece.block.paragraph.kind is not ParagraphKind.SCENE_BREAK
    )


def without_licence(texts: list[Text], leavings: Leavings) -> list[Text]:
    """The files without the header and licence that Project Gutenberg's marker lines enclose."""
    total = sum(len(text.pieces) for text in texts)
    places = [(number, index) for number, text in enumerate(texts) for index in range(len(text.pieces))]
    first, last = 0, total
    for position, (number, index) in enumerate(places):
        words = texts[number].pieces[index].block.paragraph.text
        if position < max(40, total * _HEADER_SHARE) and is_licence_start(words):
            first = position + 1
        elif position >= total * (1 - _HEADER_SHARE) - 1 and is_licence_end(words):
            last = position
            break
    outside = [texts[number].pieces[index] for number, index in [*places[:first], *places[last:]]]
    if not outside or not leavings.leave(LeftOutKind.LICENCE, text_of_pieces(tuple(outside))):
        return texts
    inside = set(places[first:last])
    return [
        Text(
            file=text.file,
            pieces=tuple(piece for index, piece in enumerate(text.pieces) if (number, index) in inside),
            is_linear=text.is_linear,
            left_out_ids=text.left_out_ids,
        )
        for number, text in enumerate(texts)
    ]


def without_matter(texts: list[Text], entries: list[Entry], leavings: Leavings) -> list[Text]:
    """The files without those that no entry leads to and that are front or back matter by what they say."""
    named = {entry.file for entry in entries}
    first = _first_of_body(texts, entries)
    whole = sum(len(text_of_pieces(text.pieces)) for text in texts)
    kept = []
    for index, text in enumerate(texts):
        words = text_of_pieces(text.pieces)
        is_told = text.file in named or not text.pieces
        kind = None if is_told else _matter(text, words, is_before=index < first)
        if kind is None or is_large(len(words), whole, kind) or not leavings.leave(kind, words):
            kept.append(text)
    return kept


def _first_of_body(texts: list[Text], entries: list[Entry]) -> int:
    """The first file that an entry for text leads to; without entries the first with a heading or much text."""
    told = {entry.file for entry in entries if not matter_of_label(entry.label)}
    for index, text in enumerate(texts):
        words = text_of_pieces(text.pieces)
        has_heading = any(piece.block.level for piece in text.pieces)
        if text.file in told or (not told and (has_heading or not (is_short_page(words) or is_imprint(words)))):
            return index
    return 0


def _matter(text: Text, words: str, *, is_before: bool) -> LeftOutKind | None:
    kind = matter_of_label(_heading(text.pieces))
    if kind is not None:
        return kind
    if is_before and (is_imprint(words) or is_short_page(words)):
        return LeftOutKind.FRONT_MATTER
    return LeftOutKind.BACK_MATTER if not text.is_linear or is_imprint(words) else None


def _heading(pieces: tuple[Piece, ...]) -> str:
    return pieces[0].block.paragraph.text if pieces else ""


def cut(texts: list[Text], entries: list[Entry]) -> list[Section]:
    """The sections of a book: one for each entry that leads to text, and what stands before the first."""
    pieces = [piece for text in texts for piece in text.pieces]
    starts = sorted(_starts(texts, entries).items())
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0, None))
    ends = [position for position, _ in starts[1:]] + [len(pieces)]
    return [
        Section(label=entry.label if entry else "", pieces=tuple(pieces[position:end]), is_named=entry is not None)
        for (position, entry), end in zip(starts, ends, strict=True)
        if end > position
    ]


def _starts(texts: list[Text], entries: list[Entry]) -> dict[int, Entry | None]:
    """The piece at which each entry's text begins; of several at one place the last, which is the innermost."""
    files: dict[str, tuple[int, Text]] = {}
    position = 0
    for text in texts:
        files[text.file] = (position, text)
        position += len(text.pieces)
    asked = {(entry.file, entry.fragment) for entry in entries}
    found: dict[int, Entry | None] = {}
    for entry in entries:
        if entry.file not in files or not files[entry.file][1].pieces:
            continue
        start, text = files[entry.file]
        place = _place(text, entry.fragment, asked)
        if place is not None:
            found[start + place] = entry
    return found


def _place(text: Text, fragment: str, asked: set[tuple[str, str]]) -> int | None:
    """The piece of a file that an id leads to, moved up to the headings right above it; None where it is left out."""
    if not fragment:
        return 0
    if fragment in text.left_out_ids:
        return None
    place = next((index for index, piece in enumerate(text.pieces) if fragment in piece.ids), None)
    if place is None:
        return None if any(file == text.file and other != fragment for file, other in asked) else 0
    while place > 0 and text.pieces[place - 1].block.paragraph.kind is ParagraphKind.HEADING:
        above = text.pieces[place - 1]
        if any((text.file, identity) in asked for identity in above.ids) or (place == 1 and (text.file, "") in asked):
            break
        place -= 1
    return place


def read_sections(sections: list[Section], book_title: str, leavings: Leavings) -> list[Section]:
    """The sections without front and back matter; a part's title page goes with the chapter that follows."""
    whole = sum(len(section.text) for section in sections)
    kept: list[Section] = []
    for number, section in enumerate(sections):
        words = section.text
        kind = _kind(section, words, book_title, is_first=number == 0)
        if kind is None or is_large(len(words), whole, kind) or not leavings.leave(kind, words):
            kept.append(section)
    return list(_settled(kept))


def _kind(section: Section, words: str, book_title: str, *, is_first: bool) -> LeftOutKind | None:
    if section.is_named:
        is_title = section.label.casefold() == book_title.casefold() and is_short_page(words) and is_first
        return LeftOutKind.FRONT_MATTER if is_title else matter_of_label(section.label)
    return LeftOutKind.FRONT_MATTER if is_first and (is_imprint(words) or is_short_page(words)) else None


def _settled(sections: list[Section]) -> Iterator[Section]:
    """Sections with their own text; one of headings only joins the next, at the end the one before."""
    held: tuple[Piece, ...] = ()
    ready: Section | None = None
    for section in sections:
        pieces = held + section.pieces
        if not any(is_body(piece.block.paragraph) for piece in section.pieces):
            held = pieces
            continue
        if ready is not None:
            yield ready
        ready, held = Section(label=section.label, pieces=pieces, is_named=section.is_named), ()
    if ready is not None:
        yield Section(label=ready.label, pieces=ready.pieces + held, is_named=ready.is_named)
    elif held:
        yield Section(label=sections[-1].label, pieces=held, is_named=sections[-1].is_named)


def chapters_of(sections: list[Section]) -> tuple[Chapter, ...]:
    """The chapters of the sections, numbered from 1."""
    made: list[Chapter] = []
    for section in sections:
        paragraphs = tidy(piece.block.paragraph for piece in section.pieces)
        if paragraphs:
            title, paragraphs = titled(section.label, paragraphs)
            made.append(Chapter(number=len(made) + 1, title=title, paragraphs=paragraphs))
    return tuple(made)
