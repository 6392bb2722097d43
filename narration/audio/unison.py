"""Voices in unison: clips of several voices mixed into one, their speech from one start.

Invariant: the mix is a whole number of milliseconds long, holds every clip whole, and cannot exceed the ceiling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from narration.audio.clips import SAMPLE_BYTES, AudioSegment, frames_of, segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Voiced:
    """A clip, cut and at its level.

    Attributes:
        voice: whose it is.
        sound: at the assembly's rate.
        before, after: silence kept at its ends, in frames.
        peak_dbfs: its highest sample.
    """

    voice: str
    sound: AudioSegment
    before: int
    after: int
    peak_dbfs: float


def mixed(
    clips: Sequence[Voiced], *, within: int, rate_hz: int, ceiling_dbfs: float
) -> tuple[AudioSegment, tuple[tuple[int, int], ...]]:
    """Lay the voices over each other; the clips of one voice follow each other.

    Each voice is lowered so that together they are as loud as one (voices add up as powers do), and further where
    their peaks could add up to more than the ceiling.

    Args:
        clips: in order, at least one.
        within: pause between two clips of one voice, in frames.
        rate_hz: of the clips.
        ceiling_dbfs: the highest sample that may come of it.

    Returns:
        The mix, and where the speech of each clip is in it, in frames.
    """
    lead = max(clip.before for clip in clips)
    ends: dict[str, int] = {}
    kept: dict[str, int] = {}
    starts: list[int] = []
    for clip in clips:
        if clip.voice not in ends:
            starts.append(lead - clip.before)
        else:
            starts.append(ends[clip.voice] + max(0, within - kept[clip.voice] - clip.before))
        ends[clip.voice], kept[clip.voice] = starts[-1] + frames_of(clip.sound), clip.after
    per_ms = rate_hz // 1000
    frames = -(-max(ends.values()) // per_ms) * per_ms
    peaks: dict[str, float] = {}
    for clip in clips:
        peaks[clip.voice] = max(peaks.get(clip.voice, 0.0), 10 ** (clip.peak_dbfs / 20))
    gain_db = min(-10 * math.log10(len(peaks)), ceiling_dbfs - 20 * math.log10(sum(peaks.values())))
    mix = segment(bytes(frames * SAMPLE_BYTES), rate_hz)
    for clip, start in zip(clips, starts, strict=True):
        lowered = clip.sound.apply_gain(gain_db).raw_data if frames_of(clip.sound) else b""
        track = bytes(start * SAMPLE_BYTES) + lowered
        mix = mix.overlay(segment(track.ljust(frames * SAMPLE_BYTES, b"\0"), rate_hz)) if frames else mix
    spans = tuple(
        (start + clip.before, start + frames_of(clip.sound) - clip.after)
        for clip, start in zip(clips, starts, strict=True)
    )
    return mix, spans
