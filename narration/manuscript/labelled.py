"""Plays whose speakers are set in capitals at the head of each speech (`LANE. Yes, sir.`), in any format.

Invariant: a chapter is read as a play only where most of it is set so; of its words only the names become speakers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from narration.book import Book, Chapter, Paragraph, ParagraphKind
from narration.manuscript.drama import joined_speakers

_NAME: Final = r"[^\W\d_a-z](?:[^\W\d_a-z]|[ '’&\-]|\.(?=[ ]?[^\W\d_])|(?<= )and(?= ))*[^\W\d_a-z]"
_REMARK: Final = r"(?:\((?P<round>[^()]{1,200})\)|\[(?P<square>[^\[\]]{1,300})\])"
_SPEECH: Final = re.compile(
    rf"(?P<name>{_NAME})(?P<end>\s*[.:]|(?=\s*[(\[\n]))[—–-]?\s*(?P<rest>{_REMARK}?.*\S)", re.DOTALL
)
_LONGEST_NAME_CHARS: Final = 40
_DIRECTION: Final = re.compile(rf"\[[^\[\]]{{1,300}}\]|^{_REMARK}\s*[.:]?")
_LEAST_SPEECHES: Final = 6
_LEAST_SHARE: Final = 0.5
_LEAST_AGAIN: Final = 2
_PROSE: Final = frozenset({ParagraphKind.PROSE, ParagraphKind.VERSE})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speech:
    """A paragraph that begins with a name in capitals; `start` is where what is said begins."""

    name: str
    start: int


def with_labelled_speakers(book: Book) -> Book:
    """The book with the speakers of chapters that are plays; others, and books whose markup has speakers, stay."""
    if any(paragraph.speaker for chapter in book.chapters for paragraph in chapter.paragraphs):
        return book
    found = {chapter.number: [_speech(paragraph) for paragraph in chapter.paragraphs] for chapter in book.chapters}
    if not any(speech for speeches in found.values() for speech in speeches):
        return book
    plays = {chapter.number for chapter in book.chapters if _is_play(chapter, found[chapter.number])}
    names = Counter(speech.name for number in plays for speech in found[number] if speech)
    if sum(count >= _LEAST_AGAIN for count in names.values()) < _LEAST_AGAIN:
        return book
    chapters = [
        replace(chapter, paragraphs=tuple(_spoken(chapter.paragraphs, found[chapter.number])))
        if chapter.number in plays
        else chapter
        for chapter in book.chapters
    ]
    settled = iter(joined_speakers(paragraph for chapter in chapters for paragraph in chapter.paragraphs))
    return replace(
        book,
        chapters=tuple(
            replace(chapter, paragraphs=tuple(next(settled) for _ in chapter.paragraphs)) for chapter in chapters
        ),
    )


def _speech(paragraph: Paragraph) -> _Speech | None:
    match = _SPEECH.match(paragraph.text) if paragraph.kind in _PROSE else None
    if match is None or len(match["name"]) > _LONGEST_NAME_CHARS:
        return None
    # `I. ` is a number, and so is `XIV. `.
    return None if re.fullmatch("[IVXLCDM]+", match["name"]) else _Speech(name=match["name"], start=match.start("rest"))


def _is_play(chapter: Chapter, speeches: Iterable[_Speech | None]) -> bool:
    body = sum(paragraph.kind in _PROSE for paragraph in chapter.paragraphs)
    count = sum(speech is not None for speech in speeches)
    return count >= max(_LEAST_SPEECHES, _LEAST_SHARE * body)


def _spoken(paragraphs: Iterable[Paragraph], speeches: Iterable[_Speech | None]) -> Iterator[Paragraph]:
    for paragraph, speech in zip(paragraphs, speeches, strict=True):
        text = paragraph.text[speech.start :] if speech else paragraph.text
        is_plain = speech is None and paragraph.kind not in _PROSE
        directions = () if is_plain else tuple(match.span() for match in _DIRECTION.finditer(text))
        yield replace(paragraph, text=text, speaker=speech.name if speech else "", directions=directions)
