"""What stands around the text where no type marks it (plain text, Markdown): notes and marks, captions, contents.

Invariant: only what has the shape of a note, a mark, a caption or a list of contents is left out, and it is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from narration.book import LeftOutKind, ParagraphKind
from narration.manuscript.chapters import Block
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import clean
from narration.manuscript.matter import matter_of_label

_NOTE: Final = re.compile(
    r"\[\^[\w-]{1,30}\]:.*|\[Foot ?note\b.*\]|\[Transcriber.{0,3} Notes?\b.*\]", re.DOTALL | re.IGNORECASE
)
_NUMBERED: Final = re.compile(r"\[(\d{1,3})\] ?\S")
_MARK: Final = re.compile(r"\[\^[\w-]{1,30}\](?!:)|(?<=[^\s\[({])\[(\d{1,3})\](?![\w(])")
_PICTURE: Final = re.compile(r" ?\[Illustration\b[^\[\]]*\]", re.IGNORECASE)
_PAGE: Final = re.compile(r"\[(?:Pg|[Pp]age|p)\.? ?\d{1,4}\] ?|(?<!\S)\{\d{1,4}\} ?")
_LISTED: Final = re.compile(r"[（(\[]?(?:[\u2460-\u249b\u3220-\u3229]|\d{1,3})[）)\].、．]?")
_CIRCLED: Final = re.compile(r"(?<=\S)\n?[（(]?[\u2460-\u249b\u3220-\u3229]+[）)]?|^[\u2460-\u249b\u3220-\u3229]+$")
"""Marks of notes wherever they stand, for a text that has a list of notes."""
_LABEL_MARKS: Final = "□■◆●【】〔〕[]：: "
_LEAST_SHARE: Final = 0.4
"""Of the paragraphs below `Notes` so many must begin with a number; long notes have further paragraphs."""
_LONGEST_CONTENTS_CHARS: Final = 6000


def without_apparatus(blocks: tuple[Block, ...], leavings: Leavings) -> tuple[Block, ...]:
    """The blocks of a text without notes, marks of notes, page numbers, captions and lists of contents.

    A paragraph that begins with `[3]` is a note only where `[3]` also stands behind a word.
    """
    called = {
        match[1] for block in blocks if "[" in block.paragraph.text for match in _MARK.finditer(block.paragraph.text)
    }
    kept = list(_without_lists(blocks, leavings))
    marks = [(_MARK, LeftOutKind.NOTE_MARKS), (_PICTURE, LeftOutKind.IMAGES), (_PAGE, LeftOutKind.PAGE_NUMBERS)]
    if len(kept) < len(blocks):
        marks.append((_CIRCLED, LeftOutKind.NOTE_MARKS))
    return tuple(found for block in kept if (found := _clean(block, called, marks, leavings)))


def _clean(
    block: Block, called: set[str | None], marks: list[tuple[re.Pattern[str], LeftOutKind]], leavings: Leavings
) -> Block | None:
    """The block without marks; None when nothing is left of it."""
    text = block.paragraph.text
    numbered = _NUMBERED.match(text)
    is_note = _NOTE.fullmatch(text) or (numbered and numbered[1] in called)
    if is_note and leavings.leave(LeftOutKind.NOTES, text):
        return None
    for pattern, mark in marks:
        text = pattern.sub(_taker(mark, leavings), text)
    if text == block.paragraph.text:
        return block
    text = clean(text)
    was_verse = block.paragraph.kind is ParagraphKind.VERSE and "\n" not in text
    kind = ParagraphKind.PROSE if was_verse else block.paragraph.kind
    return replace(block, paragraph=replace(block.paragraph, text=text, kind=kind)) if text else None


def _taker(kind: LeftOutKind, leavings: Leavings) -> Callable[[re.Match[str]], str]:
    return lambda match: "" if leavings.leave(kind, match[0]) else match[0]


def _without_lists(blocks: tuple[Block, ...], leavings: Leavings) -> Iterator[Block]:
    """The blocks without lists of notes and of contents: from their label to the next heading."""
    position = 0
    while position < len(blocks):
        end = _end_of_list(blocks, position)
        if end > position:
            kind = LeftOutKind.NOTES if _label(blocks[position]) is LeftOutKind.NOTES else LeftOutKind.CONTENTS
            words = "\n".join(block.paragraph.text for block in blocks[position:end])
            if leavings.leave(kind, words):
                position = end
                continue
        yield blocks[position]
        position += 1


def _label(block: Block) -> LeftOutKind | None:
    return matter_of_label(block.paragraph.text.strip(_LABEL_MARKS)) if len(block.paragraph.text) < 60 else None


def _end_of_list(blocks: tuple[Block, ...], start: int) -> int:
    """The place after a list that begins at a label; `start` itself where none does."""
    kind = _label(blocks[start])
    if kind not in {LeftOutKind.NOTES, LeftOutKind.CONTENTS} or blocks[start].paragraph.kind not in {
        ParagraphKind.HEADING,
        ParagraphKind.PROSE,
    }:
        return start
    end = next((index for index in range(start + 1, len(blocks)) if blocks[index].level), len(blocks))
    below = [block.paragraph.text for block in blocks[start + 1 : end]]
    if not below:
        return start
    if kind is LeftOutKind.NOTES:
        return end if sum(bool(_LISTED.match(text)) for text in below) >= _LEAST_SHARE * len(below) else start
    is_list = blocks[start].level > 0 and sum(map(len, below)) <= _LONGEST_CONTENTS_CHARS
    return end if is_list and end < len(blocks) else start
