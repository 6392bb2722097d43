"""The timeline: when each line starts and ends in the finished chapter. Every delivery format is made from it.

Invariant: positions are frames of the assembled audio, in order; what several characters say together overlaps.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One chunk in the finished chapter.

    Attributes:
        line: index of its line in the chapter's script.
        chunk: index among the chapter's chunks.
        character: who speaks.
        text: the words as written.
        start, end: span in the chapter's text, code points.
        take_id: the take that is heard.
        start_frame, end_frame: span in the chapter's audio, frames at the timeline's `rate_hz`.
    """

    line: int
    chunk: int
    character: str
    text: str
    start: int
    end: int
    take_id: str
    start_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterTimeline:
    """Where everything is in one finished chapter.

    Attributes:
        chapter: its number.
        title: its title.
        rate_hz: frames a second of the positions.
        frames: the chapter's length.
        cues: in order.
    """

    chapter: int
    title: str
    rate_hz: int
    frames: int
    cues: tuple[Cue, ...]

    @property
    def audio_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate_hz
