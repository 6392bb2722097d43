"""A release: everything that the containers and companions of a finished book are made from.

Invariant: it is made from delivered chapters only; what is in it was measured, and nothing in it changes from run to
run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from narration.book import Chapter
from narration.edition import Edition
from narration.formats import Encoded
from narration.timeline import ChapterTimeline, Cue


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One audio file of a release, in its place.

    Attributes:
        title: as players show it.
        stem: file name without the suffix, for what lies beside the sound.
        files: the sound, by encoding.
        chapter: what is read in it, whole.
        timeline: where each line is in the sound; of a chapter in several files, of this one.
    """

    title: str
    stem: str
    files: Mapping[Encoded, Path]
    chapter: Chapter
    timeline: ChapterTimeline

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.timeline.audio_s

    def clips(self) -> tuple[Clip, ...]:
        """Its stretches of text with their stretches of sound, in order, without a hole in the sound."""
        spans: list[list[Cue]] = []
        for cue in self.timeline.cues:
            if spans and (spans[-1][0].start, spans[-1][0].end) == (cue.start, cue.end):
                spans[-1].append(cue)  # several say it together
            else:
                spans.append([cue])
        if not spans:
            return ()
        rate = self.timeline.rate_hz
        starts = [0, *(min(cue.start_frame for cue in span) for span in spans[1:]), self.timeline.frames]
        return tuple(
            Clip(
                start=span[0].start,
                end=span[0].end,
                text=span[0].text,
                speakers=tuple(dict.fromkeys(cue.character for cue in span)),
                start_s=first / rate,
                end_s=next_one / rate,
                speech_start_s=min(cue.start_frame for cue in span) / rate,
                speech_end_s=max(cue.end_frame for cue in span) / rate,
            )
            for span, first, next_one in zip(
                spans, starts[: len(spans)], starts[1 : len(spans)] + starts[-1:], strict=True
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A stretch of text and when it is heard.

    Attributes:
        start, end: span in the chapter's text, code points.
        text: the words as written.
        speakers: who says it.
        start_s, end_s: with the pause behind it; the first begins at 0, the last ends with the file.
        speech_start_s, speech_end_s: without pauses.
    """

    start: int
    end: int
    text: str
    speakers: tuple[str, ...]
    start_s: float
    end_s: float
    speech_start_s: float
    speech_end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A finished book.

    Attributes:
        edition: what it says about itself.
        tracks: in order of hearing.
        cover: a JPEG or PNG file, square.
    """

    edition: Edition
    tracks: tuple[Track, ...]
    cover: Path

    @property
    def duration_s(self) -> float:
        """The whole length in seconds."""
        return sum(track.duration_s for track in self.tracks)
