"""Blocks of markup that are no text of the book: empty paragraphs, and lists of links to its chapters.

Invariant: a list of links is left out and counted; an empty paragraph has no words to lose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from narration.book import LeftOutKind, ParagraphKind
from narration.manuscript.flow import Piece
from narration.manuscript.leavings import Leavings
from narration.manuscript.matter import matter_of_label

_FEW_BLANKS: Final = 8
"""Empty paragraphs part scenes where there is at most one for so many paragraphs; more of them are style."""

_LEAST_LINKS: Final = 4
"""So many links one after the other are a table of contents."""


def without_blanks(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces, empty paragraphs as scene breaks where they are few, else left out."""
    found = list(pieces)
    blanks = sum(piece.is_blank for piece in found)
    if not blanks:
        return found
    if blanks * _FEW_BLANKS <= len(found):
        return [replace(piece, is_blank=False) for piece in found]
    kept: list[Piece] = []
    ids: tuple[str, ...] = ()
    for piece in found:
        if piece.is_blank:
            ids += piece.ids
        else:
            kept.append(replace(piece, ids=ids + piece.ids))
            ids = ()
    return kept


def without_link_lists(pieces: list[Piece], leavings: Leavings) -> list[Piece]:
    """The pieces of one file without tables of contents: paragraphs that are links, and the heading above them."""
    kept: list[Piece] = []
    run: list[Piece] = []
    for piece in [*pieces, None]:
        if piece is not None and piece.is_link:
            run.append(piece)
            continue
        kept += run if len(run) < _LEAST_LINKS or not _left(run, kept, leavings) else []
        run = []
        if piece is not None:
            kept.append(piece)
    return kept


def _left(run: list[Piece], before: list[Piece], leavings: Leavings) -> bool:
    heading = before[-1] if before and _is_contents(before[-1]) else None
    words = "\n".join(piece.block.paragraph.text for piece in ([heading] if heading else []) + run)
    if not leavings.leave(LeftOutKind.CONTENTS, words):
        return False
    if heading:
        before.pop()
    return True


def _is_contents(piece: Piece) -> bool:
    paragraph = piece.block.paragraph
    is_told = paragraph.kind in {ParagraphKind.HEADING, ParagraphKind.PROSE}
    return is_told and matter_of_label(paragraph.text) is LeftOutKind.CONTENTS
