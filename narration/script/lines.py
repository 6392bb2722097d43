"""A chapter as lines: who speaks which stretch of it.

Invariant: lines and removals are in order and leave out nothing of the chapter's text but white space.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from narration.book import PARAGRAPH_GAP, Book, Chapter, ChapterScript, Line, Paragraph, ParagraphKind, Removal
from narration.cast import Cast
from narration.script.attribution import Speech, speeches
from narration.script.plays import Speakers, parts_of, speakers_in
from narration.script.quotation import Quotation

DOUBTFUL_BELOW: Final = 0.8
"""A speaker less likely than this is for a person to look at.

Source: `benchmarks/attribution.py`, calibration table: of the quotations above it, more than nine of ten are right.
"""
_MOST_CHARS: Final = 4_000_000
"""More text than this, longer than the longest novels, is attributed in parts."""
_NEVER_SPEECH = frozenset({ParagraphKind.HEADING, ParagraphKind.SCENE_BREAK})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """A part of a paragraph: who speaks it, and whether that is in doubt. Offsets are the chapter's."""

    start: int
    end: int
    character: str
    direction: str = ""
    doubtful: bool = False
    joint: tuple[str, ...] = ()
    evidence: str = ""
    probability: float = 1.0


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
    A speech of a play is whose the manuscript says; where the cast lacks a name of it, it is doubtful.

    Args:
        chapters: as read, in order.
        cast: of the book.
        language: ISO 639-1.
    """
    found = chapter_speeches(chapters, cast, language=language)
    return tuple(_script(chapter, speeches, cast) for chapter, speeches in zip(chapters, found, strict=True))


def chapter_speeches(chapters: Sequence[Chapter], cast: Cast, *, language: str) -> Iterator[tuple[Speech, ...]]:
    """What is said in each paragraph of each chapter, all of it attributed together; offsets are the chapter's.

    Headings say nothing, and speeches of a play have their speaker already. Far more text than a novel is attributed in
    parts, so that time grows with the text and memory does not.

    Args:
        chapters: as read, in order.
        cast: of the book.
        language: ISO 639-1.
    """
    places = [
        _Place(chapter=chapter.number, start=start, is_first=index == 0, paragraph=paragraph)
        for chapter in chapters
        for index, ((start, _), paragraph) in enumerate(zip(chapter.spans(), chapter.paragraphs, strict=True))
    ]
    found = (speech for part in _parts(places) for speech in _said(part, cast, language=language))
    for chapter in chapters:
        yield tuple(islice(found, len(chapter.paragraphs)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A paragraph, the number of its chapter, and where it begins there."""

    chapter: int
    start: int
    is_first: bool
    paragraph: Paragraph


def _parts(places: Sequence[_Place]) -> Iterator[Sequence[_Place]]:
    """All of them, or, of very many, parts that end with a chapter where they can."""
    first = size = 0
    for index, place in enumerate(places):
        is_full = size >= _MOST_CHARS or (place.is_first and size >= _MOST_CHARS // 2)
        if is_full and index > first:
            yield places[first:index]
            first, size = index, 0
        size += len(place.paragraph.text)
    if first < len(places):
        yield places[first:]


def _said(places: Sequence[_Place], cast: Cast, *, language: str) -> Iterator[Speech]:
    paragraphs: list[tuple[int, str]] = []
    breaks: list[int] = []
    position = 0
    for index, place in enumerate(places):
        paragraph = place.paragraph
        is_silent = paragraph.kind in _NEVER_SPEECH or bool(paragraph.speaker)
        if is_silent or place.is_first:
            breaks.append(index)
        paragraphs.append((position, "" if is_silent else paragraph.text))
        position += len(paragraph.text) + len(PARAGRAPH_GAP)
    text = PARAGRAPH_GAP.join(place.paragraph.text for place in places)
    numbers = [place.chapter for place in places]
    found = speeches(text, paragraphs, cast, language=language, breaks=breaks, chapters=numbers)
    for place, (start, _), speech in zip(places, paragraphs, found, strict=True):
        yield _moved(speech, place.start - start)


def _moved(speech: Speech, by: int) -> Speech:
    """A speech with the offsets of its chapter."""
    return replace(
        speech,
        quotations=tuple(replace(one, start=one.start + by, end=one.end + by) for one in speech.quotations),
        label=(speech.label[0] + by, speech.label[1] + by) if speech.label else None,
    )


def _script(chapter: Chapter, found: Sequence[Speech], cast: Cast) -> ChapterScript:
    text, narrator = chapter.text, cast.narrator.name
    lines: list[Line] = []
    removals: list[Removal] = []
    quotations = unattributed = 0
    for index, (paragraph, span, speech) in enumerate(zip(chapter.paragraphs, chapter.spans(), found, strict=True)):
        speakers = speakers_in(paragraph, cast) if paragraph.speaker else None
        if speakers is not None:
            stretches = _speech(paragraph, span[0], speakers, narrator)
            left_out = directions_before(paragraph, span[0])
            quotations += 1
            unattributed += not speakers.characters
        else:
            stretches = _stretches(text, span, speech, narrator)
            left_out = (("speaker-label", *speech.label),) if speech.label else ()
            quotations += len(speech.quotations)
            unattributed += sum(quotation.character is None for quotation in speech.quotations)
        removals += [Removal(rule=rule, start=low, end=high, text=text[low:high]) for rule, low, high in left_out]
        for stretch in stretches:
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
                joint=stretch.joint,
                evidence=stretch.evidence,
                probability=stretch.probability,
            )
            lines.append(line)
    return ChapterScript(
        chapter=chapter,
        lines=tuple(lines),
        removals=tuple(removals),
        quotations=quotations,
        unattributed=unattributed,
    )


def directions_before(paragraph: Paragraph, start: int) -> tuple[tuple[str, int, int], ...]:
    """`(rule, start, end)` in the chapter of the stage directions that say how words of a speech are said."""
    if not paragraph.speaker:
        return ()
    parts = parts_of(paragraph)
    return tuple(("stage-direction", start + one.start, start + one.end) for one in parts if one.is_unspoken)


def _speech(paragraph: Paragraph, start: int, speakers: Speakers, narrator: str) -> Iterator[_Stretch]:
    """A speech of a play: the speaker's words, each stretch of them a line; what happens after them, the narrator's."""
    character, *joint = speakers.characters or (narrator,)
    for part in parts_of(paragraph):
        if part.is_direction and not part.is_unspoken:
            yield _Stretch(start=start + part.start, end=start + part.end, character=narrator)
        elif not part.is_direction:
            yield _Stretch(
                start=start + part.start,
                end=start + part.end,
                character=character,
                direction=part.direction,
                doubtful=bool(speakers.strangers),
                joint=tuple(joint),
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
            probability=quotation.probability if quotation.character is not None else 0.0,
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
