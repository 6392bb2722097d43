"""A book as discovery looks at it: what is between quotation marks, and what stands around it.

Invariant: the passages of a paragraph, joined, are the paragraph, any run of white space in it one space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from narration.book import Book, Chapter, Paragraph, ParagraphKind
from narration.cast import Cast, Character, Role
from narration.script import Quotation, attribute

_NOT_SPOKEN: Final = frozenset({ParagraphKind.HEADING, ParagraphKind.SCENE_BREAK})
_SENTENCE_END: Final = re.compile(
    r"(?:(?<![A-ZА-ЯЁ])(?<!\bMr|\bDr|\bSt)(?<!\bMrs)[.!?…]|[。！？])[”’\"')\]]*\s*(?=[^\sa-zа-яё]|$)"
)

NARRATOR: Final = Character(name="\ue000", voice="", preview="", role=Role.NARRATOR)
"""A narrator whose name, a private-use character, stands in no text."""
NOBODY: Final = Cast(characters=(NARRATOR,))
"""A cast without anybody: quotations are found, and no speaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of one paragraph, all of it said or none of it.

    Attributes:
        text: as in the chapter, white space made single.
        said: whether it is a quotation.
        before, after: whether a quotation stands right before it, right after it, in the same paragraph.
        last: what the quotation before it ends with, its marks left out.
        opens: whether it begins the paragraph.
        speakers: whom the manuscript's own markup names for it (a play).
    """

    text: str
    said: bool
    before: bool = False
    after: bool = False
    last: str = ""
    opens: bool = False
    speakers: tuple[str, ...] = ()


def passages(book: Book) -> tuple[tuple[Passage, ...], ...]:
    """The passages of every paragraph that is not a heading or a scene break, in order."""
    found: list[tuple[Passage, ...]] = []
    for chapter in book.chapters:
        quotations = attribute(chapter.text, NOBODY, language=book.language)
        found += _of_chapter(chapter, quotations)
    return tuple(found)


def _of_chapter(chapter: Chapter, quotations: Sequence[Quotation]) -> Iterator[tuple[Passage, ...]]:
    waiting = sorted((quotation.start, quotation.end) for quotation in quotations)
    place = 0
    for paragraph, (start, end) in zip(chapter.paragraphs, chapter.spans(), strict=True):
        spans = []
        while place < len(waiting) and waiting[place][0] < end:
            spans.append((max(start, waiting[place][0]), min(end, waiting[place][1])))
            if waiting[place][1] > end:
                break
            place += 1
        if paragraph.speaker:
            yield tuple(_of_speech(paragraph))
        elif paragraph.kind not in _NOT_SPOKEN:
            yield tuple(_of_paragraph(chapter.text, (start, end), spans))


def speakers_of(paragraph: Paragraph) -> tuple[str, ...]:
    """Whom the markup of a play names for a speech, one by one; a name in capitals is written as others are."""
    names = (" ".join(name.split()) for name in paragraph.speaker.split(" + "))
    return tuple(name.title() if name.isupper() and len(name) > 2 else name for name in names if name)


def spoken_pieces(paragraph: Paragraph) -> Iterator[tuple[str, bool]]:
    """The stretches of a speech, each with whether it is said; stage directions are not."""
    position = 0
    for start, end in sorted(paragraph.directions):
        yield paragraph.text[position:start], True
        yield paragraph.text[start:end], False
        position = end
    yield paragraph.text[position:], True


def _of_speech(paragraph: Paragraph) -> Iterator[Passage]:
    speakers = speakers_of(paragraph)
    for piece, said in spoken_pieces(paragraph):
        if piece:
            yield Passage(text=_single(piece), said=said, speakers=speakers)


def _of_paragraph(text: str, whole: tuple[int, int], spans: Sequence[tuple[int, int]]) -> Iterator[Passage]:
    position, last = whole[0], ""
    for start, end in spans:
        if start > position:
            piece = _single(text[position:start])
            yield Passage(
                text=piece, said=False, before=position > whole[0], after=True, last=last, opens=position == whole[0]
            )
        yield Passage(text=_single(text[start:end]), said=True, opens=start == whole[0])
        position, last = end, bare(text[start:end])[-1:]
    if position < whole[1]:
        piece = _single(text[position : whole[1]])
        yield Passage(text=piece, said=False, before=bool(spans), last=last, opens=not spans)


def _single(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def bare(quotation: str) -> str:
    """A quotation without its outer marks and spaces."""
    return quotation.strip("“”\"„«»‘’'「」『』 \t\n—–-")


def sentences(text: str) -> Iterator[str]:
    """Sentences, roughly: enough to say what stands near what."""
    position = 0
    for match in _SENTENCE_END.finditer(text):
        yield text[position : match.end()].strip()
        position = match.end()
    if text[position:].strip():
        yield text[position:].strip()
