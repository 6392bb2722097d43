"""Lines to chunks: what one request says, within the service's limit.

Invariant: the spans of a chapter's chunks and removals are in order and do not overlap, all else in its text is white
space, and a chunk's text is exactly the chapter's text at its span.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, assert_never

from narration.book import Chapter, ChapterChunks, ChapterScript, Chunk, Gap, Line, ParagraphKind, Removal
from narration.errors import TextLost
from narration.script.quotation import outer_marks
from narration.sentences import sentence_spans, split_long
from narration.settings import ChunkSettings, LengthUnit

_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
"""Which blocks the service counts is not documented; these hold all ideographs.

Source: alibabacloud.com model-studio qwen-tts, billing by characters (a Chinese character is two).
"""

_SPEAKABLE: Final = re.compile(r"[^\W_]")
_STRAY: Final = re.compile(r"(?:[,;:!?，。；：！？、)\]）”]|\.(?![.\d]))+\s*")
"""Marks that a line begins with when its quotation closed before them (`“Yes”, said Mara`)."""

_LEAST_LENGTH: Final = 4
"""One code point takes up to this many bytes."""

_TAIL_CHARS: Final = 40
_TAIL_SLACK: Final = 1.25
"""A last piece below `_TAIL_CHARS` joins the one before it if that stays below this multiple of the target."""


def measure(text: str, unit: LengthUnit) -> int:
    """The length of a text as a service counts it."""
    match unit:
        case LengthUnit.CODEPOINTS:
            return len(text)
        case LengthUnit.WEIGHTED:
            return billed_characters(text)
        case LengthUnit.BYTES:
            return len(text) if text.isascii() else len(text.encode())
        case _:
            assert_never(unit)


def billed_characters(text: str) -> int:
    """What the service bills for a text: 2 for a Han ideograph, 1 for everything else."""
    return len(text) if text.isascii() else len(text) + len(_HAN.findall(text))


def is_speakable(text: str) -> bool:
    """Whether there is a letter or a digit in it: a service refuses a text without."""
    return bool(_SPEAKABLE.search(text))


def cut_chapter(script: ChapterScript, settings: ChunkSettings, *, language: str) -> ChapterChunks:
    """The chunks of a chapter: whole sentences up to the target length, never across a line.

    Outer quotation marks are removed, and what holds no letter and no digit; a scene break becomes the gap of the chunk
    after it.

    Args:
        script: the chapter's lines.
        settings: target and limit.
        language: ISO 639-1, for the rules of sentences.

    Raises:
        ValueError: `max_length` is below 4, so that a single character may not fit.
    """
    if settings.max_length < _LEAST_LENGTH:
        raise ValueError(f"max_length is {settings.max_length}; it must be at least {_LEAST_LENGTH}")
    text = script.chapter.text
    chunks: list[Chunk] = []
    removals = list(script.removals)
    is_scene = False
    for line in script.lines:
        start, end = _inside(text, line)
        removals += _removals("quotation-mark", text, (line.start, start), (end, line.end))
        body = start + _stray_chars(text, line, start, end)
        removals += _removals("symbols-only", text, (start, body))
        for low, high in _pieces(text, body, end, settings, language):
            if not is_speakable(text[low:high]):
                removals += _removals("symbols-only", text, (low, high))
                continue
            previous = script.lines[chunks[-1].line] if chunks else None
            chunks.append(
                Chunk(
                    chapter=line.chapter,
                    line=line.index,
                    index=len(chunks),
                    character=line.character,
                    start=low,
                    end=high,
                    text=text[low:high],
                    gap=_gap(previous, line, is_scene=is_scene),
                )
            )
            is_scene = False
        is_scene = is_scene or line.kind is ParagraphKind.SCENE_BREAK
    removals.sort(key=lambda removal: removal.start)
    return ChapterChunks(chapter=script.chapter, script=script, chunks=tuple(chunks), removals=tuple(removals))


def _inside(text: str, line: Line) -> tuple[int, int]:
    """The line without its outer quotation marks."""
    opening, closing = outer_marks(text[line.start : line.end])
    return line.start + opening, line.end - closing


def _stray_chars(text: str, line: Line, start: int, end: int) -> int:
    """How much of the line's start is marks left over by the quotation right before it."""
    if start != line.start or start == 0 or text[start - 1].isspace():
        return 0
    match = _STRAY.match(text, start, end)
    return len(match.group().rstrip()) if match else 0


def _removals(rule: str, text: str, *spans: tuple[int, int]) -> list[Removal]:
    return [Removal(rule=rule, start=low, end=high, text=text[low:high]) for low, high in spans if high > low]


def _gap(previous: Line | None, line: Line, *, is_scene: bool) -> Gap:
    if previous is None:
        return Gap.START
    if is_scene:
        return Gap.SCENE
    if previous.paragraph != line.paragraph:
        return Gap.HEADING if previous.kind is ParagraphKind.HEADING else Gap.PARAGRAPH
    return Gap.WITHIN if previous.index == line.index else Gap.LINE


def _pieces(text: str, start: int, end: int, settings: ChunkSettings, language: str) -> Iterator[tuple[int, int]]:
    """The spans of one line's chunks, white space at their ends left out."""
    for low, high in _packed(text[start:end], settings, language):
        piece = text[start + low : start + high]
        if kept := piece.strip():
            begin = start + low + len(piece) - len(piece.lstrip())
            yield begin, begin + len(kept)


def _packed(body: str, settings: ChunkSettings, language: str) -> list[tuple[int, int]]:
    """The body of a line as spans that each fit: sentences, joined up to the target."""

    def fits(piece: str) -> bool:
        return measure(piece, settings.unit) <= settings.max_length

    if len(body) <= settings.target_chars and fits(body):
        return [(0, len(body))]
    parts: list[tuple[int, int]] = []
    for low, high in sentence_spans(body, language, longest=settings.target_chars):
        parts += [(low + start, low + end) for start, end in split_long(body[low:high], fits)]
    packed = parts[:1]
    for low, high in parts[1:]:
        begin = packed[-1][0]
        room = settings.target_chars
        if high == len(body) and high - low < _TAIL_CHARS:
            room = int(room * _TAIL_SLACK)
        if high - begin <= room and fits(body[begin:high].strip()):
            packed[-1] = (begin, high)
        else:
            packed.append((low, high))
    return packed


def verify_coverage(cut: ChapterChunks, settings: ChunkSettings | None = None) -> None:
    """Proves that nothing of the chapter is lost, doubled or changed.

    Args:
        cut: a chapter's chunks and removals.
        settings: where given, the limit is proved, too.

    Raises:
        TextLost: a chunk is not what the text says at its span, spans overlap or are out of order, words stand outside
            all spans, a chunk crosses its line, holds nothing to speak, or exceeds the limit.
    """
    text = cut.chapter.text
    for chunk in cut.chunks:
        _verify_chunk(chunk, text, cut.script.lines[chunk.line], settings)
    for before, after in pairwise(cut.chunks):
        if before.end > after.start or after.index != before.index + 1:
            raise _lost(cut.chapter, after.start, "chunks overlap or are out of order")
    position = 0
    for start, end, said in sorted(
        [(chunk.start, chunk.end, chunk.text) for chunk in cut.chunks]
        + [(removal.start, removal.end, removal.text) for removal in cut.removals]
    ):
        if start < position:
            raise _lost(cut.chapter, start, "two spans overlap")
        if text[position:start].strip():
            raise _lost(cut.chapter, position, f"{text[position:start].strip()[:40]!r} is in no chunk")
        if text[start:end] != said:
            raise _lost(cut.chapter, start, f"{said[:40]!r} is not what the text says there")
        position = end
    if text[position:].strip():
        raise _lost(cut.chapter, position, f"{text[position:].strip()[:40]!r} is in no chunk")


def _verify_chunk(chunk: Chunk, text: str, line: Line, settings: ChunkSettings | None) -> None:
    where = f"chapter {chunk.chapter}, chunk {chunk.index}"
    if text[chunk.start : chunk.end] != chunk.text or chunk.text != chunk.text.strip():
        raise TextLost(f"{where}: {chunk.text[:40]!r} is not the text at {chunk.start}:{chunk.end}.")
    if not is_speakable(chunk.text):
        raise TextLost(f"{where}: {chunk.text[:40]!r} holds nothing to speak.")
    if not line.start <= chunk.start < chunk.end <= line.end or chunk.character != line.character:
        raise TextLost(f"{where}: it crosses its line {line.index}.")
    if settings and measure(chunk.text, settings.unit) > settings.max_length:
        raise TextLost(f"{where}: it is longer than {settings.max_length} {settings.unit}.")


def _lost(chapter: Chapter, position: int, what: str) -> TextLost:
    return TextLost(f"chapter {chapter.number}, character {position}: {what}.")
