"""Lines to chunks: what one request says, within the service's limit.

Invariant: the spans of a chapter's chunks and removals are in order and do not overlap, all else in its text is white
space, and a chunk's text is exactly the chapter's text at its span. Chunks in unison share theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Final, assert_never

from narration.book import (
    Chapter,
    ChapterChunks,
    ChapterScript,
    Chunk,
    Gap,
    Line,
    ParagraphKind,
    Removal,
    Respelling,
    respelled,
)
from narration.errors import TextLost
from narration.script.quotation import outer_marks
from narration.sentences import sentence_spans, split_long
from narration.settings.settings import ChunkSettings, LengthUnit

_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
"""Which blocks the service counts is not documented; these hold all ideographs.

Source: alibabacloud.com model-studio qwen-tts, billing by characters (a Chinese character is two).
"""

_SPEAKABLE: Final = re.compile(r"[^\W_]")
_STRAY: Final = re.compile(r"(?:[,;:!?，。；：！？、)\]）”]|\.(?![.\d]))+\s*")
"""Marks that a line begins with when its quotation closed before them (`“Yes”, said Mara`)."""

_NOT_IN_A_WORD: Final = re.compile(r"[\W_]")

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


def cut_chapter(
    script: ChapterScript,
    settings: ChunkSettings,
    *,
    language: str,
    elsewhere: Mapping[str, ChunkSettings] = MappingProxyType({}),
) -> ChapterChunks:
    """The chunks of a chapter: whole sentences up to the target length, never across a line.

    Outer quotation marks are removed, and what holds no letter and no digit; a scene break becomes the gap of the chunk
    after it.

    Args:
        script: the chapter's lines.
        settings: target and limit.
        language: ISO 639-1, for the rules of sentences.
        elsewhere: the settings of characters who are spoken by another service, by name.

    Raises:
        ValueError: `max_length` is below 4, so that a single character may not fit.
    """
    shortest = min(one.max_length for one in (settings, *elsewhere.values()))
    if shortest < _LEAST_LENGTH:
        raise ValueError(f"max_length is {shortest}; it must be at least {_LEAST_LENGTH}")
    text = script.chapter.text
    chunks: list[Chunk] = []
    removals = list(script.removals)
    is_scene = False
    pause_ms: int | None = None
    for line in script.lines:
        pause_ms = pause_ms if line.pause_ms is None else line.pause_ms
        if line.skipped:
            removals += _removals("skipped-by-script", text, (line.start, line.end))
            continue
        start, end = _inside(text, line)
        removals += _removals("quotation-mark", text, (line.start, start), (end, line.end))
        body = start + _stray_chars(text, line, start, end)
        removals += _removals("symbols-only", text, (start, body))
        own = tightest([elsewhere.get(name, settings) for name in (line.character, *line.joint)])
        for low, high in _pieces(text, body, end, own, language, line.respellings):
            previous = script.lines[chunks[-1].line] if chunks else None
            made = _chunks(line, low, high, _gap(previous, line, is_scene=is_scene), pause_ms, len(chunks))
            if not is_speakable(made[0].spoken):
                removals += _removals("symbols-only", text, (low, high))
                continue
            chunks += made
            is_scene, pause_ms = False, None
        is_scene = is_scene or line.kind is ParagraphKind.SCENE_BREAK
    removals.sort(key=lambda removal: removal.start)
    return ChapterChunks(chapter=script.chapter, script=script, chunks=tuple(chunks), removals=tuple(removals))


def tightest(settings: Sequence[ChunkSettings]) -> ChunkSettings:
    """Settings under which a text is within the limits of all."""
    units = list(LengthUnit)  # each counts any text at least as high as those before it
    return replace(
        settings[0],
        target_chars=min(one.target_chars for one in settings),
        max_length=min(one.max_length for one in settings),
        unit=max((one.unit for one in settings), key=units.index),
    )


def _chunks(line: Line, low: int, high: int, gap: Gap, pause_ms: int | None, index: int) -> list[Chunk]:
    """A piece of a line for each of its speakers."""
    return [
        Chunk(
            chapter=line.chapter,
            line=line.index,
            index=index + place,
            character=character,
            start=low,
            end=high,
            text=line.text[low - line.start : high - line.start],
            gap=gap,
            pause_ms=pause_ms,
            respellings=tuple(one for one in line.respellings if low <= one.start and one.end <= high),
            unison=(low, high) if line.joint else None,
        )
        for place, character in enumerate((line.character, *line.joint))
    ]


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


def _pieces(
    text: str, start: int, end: int, settings: ChunkSettings, language: str, respellings: tuple[Respelling, ...]
) -> Iterator[tuple[int, int]]:
    """The spans of one line's chunks, white space at their ends left out."""
    inside = tuple(one for one in respellings if start <= one.start and one.end <= end)
    spans = (
        _packed_spoken(text[start:end], start, settings, language, inside)
        if inside
        else _packed(text[start:end], settings, language)
    )
    for low, high in spans:
        piece = text[start + low : start + high]
        if kept := piece.strip():
            begin = start + low + len(piece) - len(piece.lstrip())
            yield begin, begin + len(kept)


def _packed_spoken(
    body: str, start: int, settings: ChunkSettings, language: str, respellings: tuple[Respelling, ...]
) -> list[tuple[int, int]]:
    """The same for a line with respellings: cut as it is spoken, never inside one of them."""
    whole = tuple(replace(one, say=_NOT_IN_A_WORD.sub("x", one.say)) for one in respellings)
    places: list[int] = []
    position = 0
    for one in whole:
        low, high = one.start - start, one.end - start
        places += [*range(position, low), *[low, *[high] * len(one.say)][: len(one.say)]]
        position = high
    places += range(position, len(body) + 1)
    spans = _packed(respelled(body, start, whole), settings, language)
    return [(places[low], places[high]) for low, high in spans]


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
    leading = [chunk for chunk in cut.chunks if chunk.character == cut.script.lines[chunk.line].character]
    for before, after in pairwise(leading):
        if before.end > after.start:
            raise _lost(cut.chapter, after.start, "chunks overlap or are out of order")
    for before, after in pairwise(cut.chunks):
        if after.index != before.index + 1 or (after.unison and after not in leading and after.unison != before.unison):
            raise _lost(cut.chapter, after.start, "chunks overlap or are out of order")
    position = 0
    for start, end, said in sorted(
        [(chunk.start, chunk.end, chunk.text) for chunk in leading]
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
    if not is_speakable(chunk.spoken):
        raise TextLost(f"{where}: {chunk.text[:40]!r} holds nothing to speak.")
    if not line.start <= chunk.start < chunk.end <= line.end or line.skipped:
        raise TextLost(f"{where}: it crosses its line {line.index}.")
    if chunk.character not in (line.character, *line.joint):
        raise TextLost(f"{where}: {chunk.character} does not speak line {line.index}.")
    if settings and measure(chunk.spoken, settings.unit) > settings.max_length:
        raise TextLost(f"{where}: it is longer than {settings.max_length} {settings.unit}.")


def _lost(chapter: Chapter, position: int, what: str) -> TextLost:
    return TextLost(f"chapter {chapter.number}, character {position}: {what}.")
