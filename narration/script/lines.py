"""A chapter as lines: who speaks which stretch of it.

Invariant: lines and removals are in order and leave out nothing of the chapter's text but white space.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from narration.book import PARAGRAPH_GAP, Book, Chapter, ChapterScript, Line, ParagraphKind, Removal
from narration.cast import Cast
from narration.script.attribution import Speech, speeches
from narration.script.quotation import Quotation

DOUBTFUL_BELOW: Final = 0.8
"""A speaker less likely than this is for a person to look at.

Source: `benchmarks/attribution.py`, calibration table: of the quotations above it, more than nine of ten are right.
"""
_NEVER_SPEECH = frozenset({ParagraphKind.HEADING, ParagraphKind.SCENE_BREAK})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """A part of a paragraph: who speaks it, and whether that is in doubt. Offsets are the chapter's."""

    start: int
    end: int
    character: str
    direction: str = ""
    doubtful: bool = False
    evidence: str = ""


def script_chapter(chapter: Chapter, cast: Cast, *, language: str) -> ChapterScript:
    """The lines of a chapter read alone; `script_book` knows more of the people."""
    return script_chapters((chapter,), cast, language=language)[0]


def script_book(book: Book, cast: Cast, *, language: str) -> tuple[ChapterScript, ...]:
    """The lines of every chapter of a book."""
    return script_chapters(book.chapters, cast, language=language)


def script_chapters(chapters: Sequence[Chapter], cast: Cast, *, language: str) -> tuple[ChapterScript, ...]:
    """The lines of chapters: quotations to their likely speakers, all else to the narrator.

    A quotation is doubtful where its speaker is less likely than `DOUBTFUL_BELOW`. One for which nobody is found is the
    narrator's and doubtful. Headings are the narrator's. What is learnt of the people counts for all these chapters.

    Args:
        chapters: as read, in order.
        cast: of the book.
        language: ISO 639-1.
    """
    paragraphs: list[tuple[int, str]] = []
    numbers: list[int] = []
    breaks: list[int] = []
    starts: list[int] = []
    position = 0
    for chapter in chapters:
        starts.append(position)
        breaks.append(len(paragraphs))
        for (start, _), paragraph in zip(chapter.spans(), chapter.paragraphs, strict=True):
            silent = paragraph.kind in _NEVER_SPEECH
            if silent:
                breaks.append(len(paragraphs))
            paragraphs.append((position + start, "" if silent else paragraph.text))
            numbers.append(chapter.number)
        position += len(chapter.text) + len(PARAGRAPH_GAP)
    text = PARAGRAPH_GAP.join(chapter.text for chapter in chapters)
    breaks = [index for index in breaks if index < len(paragraphs)]
    found = speeches(text, paragraphs, cast, language=language, breaks=breaks, chapters=numbers)
    scripts = []
    first = 0
    for chapter, start in zip(chapters, starts, strict=True):
        last = first + len(chapter.paragraphs)
        scripts.append(_script(chapter, [_moved(speech, -start) for speech in found[first:last]], cast.narrator.name))
        first = last
    return tuple(scripts)


def _moved(speech: Speech, by: int) -> Speech:
    """A speech with the offsets of its chapter."""
    return replace(
        speech,
        quotations=tuple(replace(one, start=one.start + by, end=one.end + by) for one in speech.quotations),
        label=(speech.label[0] + by, speech.label[1] + by) if speech.label else None,
    )


def _script(chapter: Chapter, found: Sequence[Speech], narrator: str) -> ChapterScript:
    text = chapter.text
    lines: list[Line] = []
    for index, (paragraph, span, speech) in enumerate(zip(chapter.paragraphs, chapter.spans(), found, strict=True)):
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
                evidence=stretch.evidence,
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
            doubtful=quotation.probability < DOUBTFUL_BELOW,
            evidence=_evidence(quotation),
        )
        position, direction = quotation.end, ""
    yield from _narration(text, position, span[1], narrator)


def _evidence(quotation: Quotation) -> str:
    if quotation.character is None:
        return "nobody is named for it"
    return f"{quotation.evidence} ({quotation.character}, {quotation.probability:.0%})"


def _narration(text: str, start: int, end: int, narrator: str) -> Iterator[_Stretch]:
    piece = text[start:end]
    kept = piece.strip()
    if kept:
        begin = start + len(piece) - len(piece.lstrip())
        yield _Stretch(start=begin, end=begin + len(kept), character=narrator)
