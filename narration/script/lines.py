"""A chapter as lines: who speaks which stretch of it.

Invariant: lines and removals are in order and leave out nothing of the chapter's text but white space.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from narration.book import Chapter, ChapterScript, Line, ParagraphKind, Removal
from narration.cast import Cast
from narration.script.attribution import Speech, speeches

_NEVER_SPEECH = frozenset({ParagraphKind.HEADING, ParagraphKind.SCENE_BREAK})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """A part of a paragraph: who speaks it, and whether that is in doubt. Offsets are the chapter's."""

    start: int
    end: int
    character: str
    direction: str = ""
    doubtful: bool = False


def script_chapter(chapter: Chapter, cast: Cast, *, language: str) -> ChapterScript:
    """The lines of a chapter: quotations to those who are named for them, all else to the narrator.

    A quotation for which nobody is found is the narrator's and doubtful. Headings are the narrator's.

    Args:
        chapter: as read.
        cast: of the book.
        language: ISO 639-1.
    """
    text = chapter.text
    spans = chapter.spans()
    spoken = [
        (start, paragraph.text if paragraph.kind not in _NEVER_SPEECH else "")
        for (start, _), paragraph in zip(spans, chapter.paragraphs, strict=True)
    ]
    narrator = cast.narrator.name
    found = speeches(spoken, cast, language=language)
    lines: list[Line] = []
    for index, (paragraph, span, speech) in enumerate(zip(chapter.paragraphs, spans, found, strict=True)):
        for stretch in _stretches(text, span, speech, narrator):
            line = Line(
                chapter=chapter.number,
                index=len(lines),
                paragraph=index,
                character=stretch.character,
                start=stretch.start,
                end=stretch.end,
                text=text[stretch.start : stretch.end],
                kind=paragraph.kind,
                direction=stretch.direction,
                doubtful=stretch.doubtful,
            )
            lines.append(line)
    quotations = [quotation for speech in found for quotation in speech.quotations]
    return ChapterScript(
        chapter=chapter,
        lines=tuple(lines),
        removals=tuple(
            Removal(rule="speaker-label", start=speech.label[0], end=speech.label[1], text=text[slice(*speech.label)])
            for speech in found
            if speech.label
        ),
        quotations=len(quotations),
        unattributed=sum(quotation.character is None for quotation in quotations),
    )


def _stretches(text: str, span: tuple[int, int], speech: Speech, narrator: str) -> Iterator[_Stretch]:
    """The paragraph as quotations and what lies between them; white space at the ends of each left out."""
    position = speech.label[1] if speech.label else span[0]
    direction = speech.direction
    for quotation in speech.quotations:
        yield from _narration(text, position, quotation.start, narrator)
        yield _Stretch(
            start=quotation.start,
            end=quotation.end,
            character=quotation.character or narrator,
            direction=direction,
            doubtful=quotation.character is None,
        )
        position, direction = quotation.end, ""
    yield from _narration(text, position, span[1], narrator)


def _narration(text: str, start: int, end: int, narrator: str) -> Iterator[_Stretch]:
    piece = text[start:end]
    kept = piece.strip()
    if kept:
        begin = start + len(piece) - len(piece.lstrip())
        yield _Stretch(start=begin, end=begin + len(kept), character=narrator)
