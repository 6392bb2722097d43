"""SubRip and WebVTT: who says what, and when, beside every audio file.

Invariant: joined, the captions of a track are its words, in order; no caption overlaps the next but where characters
speak together, none is empty, and none is longer than two rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from narration.deliver.release import Clip, Track

ROW_CHARS = 42
ROWS = 2
"""The size of a caption. Source: the usual of broadcasters and streaming services, 42 characters and two rows."""
_WIDE_FROM = "\u1100"
"""Hangul, kana and Han are twice as wide; a row may end behind each of the latter two."""
_PIECES = re.compile("[\u2e80-\uabff\uf900-\uffef][^\\w\\s]*|[^\\s\u2e80-\uabff\uf900-\uffef]+\\s*|\\s+")
_STOP = re.compile("[.!?…;:,。！？；：，、—–][”’\"'»」』)]*\\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What stands on the screen at once.

    Attributes:
        start_s, end_s: when.
        speakers: who.
        rows: the words, one or two rows.
    """

    start_s: float
    end_s: float
    speakers: tuple[str, ...]
    rows: tuple[str, ...]


def captions(track: Track, offset_s: float = 0.0) -> tuple[Caption, ...]:
    """The captions of a track, so many seconds into a longer file."""
    return tuple(caption for clip in track.clips() for caption in _of_clip(clip, offset_s))


def _of_clip(clip: Clip, offset_s: float) -> Iterable[Caption]:
    """A clip's captions: a long text in several, each as long as its share of the characters."""
    screens = _screens(" ".join(clip.text.split()))
    total = sum(len(screen) for screen in screens) or 1
    start_s, length_s = clip.speech_start_s + offset_s, clip.speech_end_s - clip.speech_start_s
    before = 0
    for screen in screens:
        after = before + len(screen)
        yield Caption(
            start_s=start_s + length_s * before / total,
            end_s=start_s + length_s * after / total,
            speakers=clip.speakers,
            rows=_rows(screen),
        )
        before = after


def _width(text: str) -> int:
    return sum(2 if char >= _WIDE_FROM else 1 for char in text)


def _words(text: str) -> list[str]:
    """Pieces between which a row may end: words with the space behind them, wide characters, parts of long words."""
    found: list[str] = []
    for word in _PIECES.findall(text):
        while _width(word.rstrip()) > ROW_CHARS:
            found.append(word[:ROW_CHARS])
            word = word[ROW_CHARS:]
        found.append(word)
    return found


def _screens(text: str) -> list[str]:
    """The text in stretches that fit on a screen, cut behind a mark where one is near, else between words."""
    found: list[str] = []
    words = _words(text)
    while words:
        most = 1
        while most < len(words) and len(_filled(words[: most + 1])) <= ROWS:
            most += 1
        cut = most
        if most < len(words):
            marks = [at for at in range(most // 2, most) if _STOP.search(words[at])]
            cut = marks[-1] + 1 if marks else most
        found.append("".join(words[:cut]).rstrip())
        words = words[cut:]
    return found


def _filled(words: Sequence[str], most: int = ROW_CHARS) -> list[str]:
    """The words in rows, each as full as can be."""
    rows = [""]
    for word in words:
        if rows[-1] and _width(rows[-1] + word.rstrip()) > most:
            rows.append("")
        rows[-1] += word
    return [row.rstrip() for row in rows]


def _rows(screen: str) -> tuple[str, ...]:
    """A screen in its rows: two of them as even as can be."""
    words = _words(screen)
    if _width(screen) <= ROW_CHARS:
        return (screen,)
    widths = range(_width(screen) // 2, ROW_CHARS + 1)
    return tuple(next((rows for width in widths if len(rows := _filled(words, width)) <= ROWS), _filled(words)))


def srt(shown: Sequence[Caption]) -> str:
    """SubRip. Where somebody begins to speak, the name stands before the words."""
    blocks: list[str] = []
    last: tuple[str, ...] = ()
    for number, caption in enumerate(shown, start=1):
        rows = list(caption.rows)
        if caption.speakers != last:
            rows[0] = f"[{' + '.join(caption.speakers)}] {rows[0]}"
        last = caption.speakers
        text = "\n".join(rows)
        blocks.append(f"{number}\n{_clock(caption.start_s, ',')} --> {_clock(caption.end_s, ',')}\n{text}\n")
    return "\n".join(blocks)


def vtt(shown: Sequence[Caption], language: str) -> str:
    """WebVTT, the speaker as its voice tag. Source: w3.org/TR/webvtt1, sections 3.1 and 3.5."""
    blocks = [f"WEBVTT\nKind: captions\nLanguage: {language}\n"]
    for caption in shown:
        voice = _escaped(" + ".join(caption.speakers)).replace("\n", " ")
        text = "\n".join(_escaped(row) for row in caption.rows)
        blocks.append(f"{_clock(caption.start_s, '.')} --> {_clock(caption.end_s, '.')}\n<v {voice}>{text}</v>\n")
    return "\n".join(blocks)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(seconds: float, point: str) -> str:
    total_ms = round(seconds * 1000)
    hours, rest = divmod(total_ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, milliseconds = divmod(rest, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}{point}{milliseconds:03}"
