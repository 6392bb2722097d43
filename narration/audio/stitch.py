"""Stitching: takes become one chapter, as a stream of samples.

Invariant: linear time and flat memory. One clip is alive at a time, nothing is accumulated but the positions, and the
frames written are exactly the frames that the positions count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from narration.audio.clips import SAMPLE_BYTES, AudioSegment, at_rate, frames_at, frames_of, open_clip, segment
from narration.audio.levels import SILENCE_DBFS
from narration.audio.tone import RoomTone
from narration.book import Gap
from narration.errors import StoreError
from narration.settings import AudioSettings
from narration.take import ClipMeasures

ASSEMBLY_RATE_HZ = 24_000
"""The rate of a chapter before it is encoded: the one at which the services speak, and a whole number of frames a
millisecond, so that pydub's positions in milliseconds are exact.

Source: alibabacloud.com model-studio qwen-tts-api (24 kHz mono WAV).
"""
FRAMES_PER_MS = ASSEMBLY_RATE_HZ // 1000

MAX_GAIN_DB = 12.0
"""A take that is further off its level is a bad take, and more gain would lift its noise only."""
CEILING_DBFS = -0.3
"""No take is lifted above this: between here and the delivered peak the limiter works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One take in its place.

    Attributes:
        name: what messages call it.
        gap: what lies before it.
        measures: of its audio, as received.
        read: gets its audio, a WAV file, when it is its turn. An error that it raises ends the stitching.
    """

    name: str
    gap: Gap
    measures: ClipMeasures
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where the speech of a part is heard.

    Attributes:
        start_frame, end_frame: at the assembly's rate; equal when the take is silent.
    """

    start_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stitched:
    """What was written.

    Attributes:
        rate_hz: frames a second.
        frames: how many were written.
        spans: of the parts, in order.
    """

    rate_hz: int
    frames: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What of a take is used, and how.

    Attributes:
        start, end: span of the clip, frames at the take's own rate.
        before, after: kept silence at its ends, frames at the assembly's rate.
        frames: its length, frames at the assembly's rate, a whole number of milliseconds.
        gain_db: what brings its speech to the level.
    """

    start: int
    end: int
    before: int
    after: int
    frames: int
    gain_db: float


def stitch(parts: Iterable[Part], audio: AudioSettings, write: Callable[[bytes], object]) -> Stitched:
    """Write a chapter as 16-bit mono samples at `ASSEMBLY_RATE_HZ`: room tone throughout, takes over it.

    A pause lasts from the end of one speech to the beginning of the next; the silence that the takes themselves keep
    at their edges is part of it. The parts are asked for one by one, and each is read when it is its turn.

    Raises:
        AudioRefused: a take is not a WAV file with sound in it.
        StoreError: a take is not the one that was measured.
    """
    tone = _room_tone()
    position = 0
    kept = 0
    spans: list[Span] = []

    def pause(frames: int) -> int:
        """Room tone for what of the pause the takes' own edges leave over; returns the position behind it."""
        frames = max(0, frames) // FRAMES_PER_MS * FRAMES_PER_MS
        if frames:
            write(tone.under(position, frames).raw_data)
        return position + frames

    for part in parts:
        cut = cut_of(part.measures, audio)
        wanted = pause_ms(part.gap, audio) if spans else audio.head_ms
        position = pause(wanted * FRAMES_PER_MS - kept - cut.before)
        write(_over_tone(_clip(part, cut, audio), tone, position))
        spans.append(Span(start_frame=position + cut.before, end_frame=position + cut.frames - cut.after))
        position += cut.frames
        kept = cut.after
    position = pause((audio.tail_ms if spans else audio.head_ms + audio.tail_ms) * FRAMES_PER_MS - kept)
    return Stitched(rate_hz=ASSEMBLY_RATE_HZ, frames=position, spans=tuple(spans))


def pause_ms(gap: Gap, audio: AudioSettings) -> int:
    """How long the pause before a chunk is."""
    match gap:
        case Gap.START:
            return audio.head_ms
        case Gap.WITHIN:
            return audio.within_ms
        case Gap.LINE:
            return audio.line_ms
        case Gap.PARAGRAPH:
            return audio.paragraph_ms
        case Gap.SCENE:
            return audio.scene_ms
        case Gap.HEADING:
            return audio.heading_ms
        case _:
            assert_never(gap)


def cut_of(measures: ClipMeasures, audio: AudioSettings) -> Cut:
    """What of a take is used: its speech and `keep_ms` on either side. A take without speech gives nothing."""
    rate_hz = measures.rate_hz
    if measures.speech_start >= measures.speech_end:
        return Cut(start=0, end=0, before=0, after=0, frames=0, gain_db=0.0)
    keep = audio.keep_ms * rate_hz // 1000
    start, end = max(0, measures.speech_start - keep), min(measures.frames, measures.speech_end + keep)
    before = frames_at(measures.speech_start - start, rate_hz, ASSEMBLY_RATE_HZ)
    speech = frames_at(measures.speech_end - measures.speech_start, rate_hz, ASSEMBLY_RATE_HZ)
    exact = frames_at(end - start, rate_hz, ASSEMBLY_RATE_HZ)
    frames = -(-exact // FRAMES_PER_MS) * FRAMES_PER_MS
    return Cut(
        start=start,
        end=end,
        before=before,
        after=max(0, frames - before - speech),
        frames=frames,
        gain_db=gain_db(measures, audio),
    )


def gain_db(measures: ClipMeasures, audio: AudioSettings) -> float:
    """The gain that brings a take's speech to its level, within `MAX_GAIN_DB` and under `CEILING_DBFS`."""
    if measures.speech_dbfs <= SILENCE_DBFS:
        return 0.0
    wanted = min(audio.level_dbfs - measures.speech_dbfs, MAX_GAIN_DB, CEILING_DBFS - measures.peak_dbfs)
    return max(wanted, -MAX_GAIN_DB)


def _clip(part: Part, cut: Cut, audio: AudioSettings) -> AudioSegment:
    """The take, cut, at the assembly's rate, at its level, faded at both ends; exactly `cut.frames` long."""
    if not cut.frames:
        return segment(b"", ASSEMBLY_RATE_HZ)
    clip = open_clip(part.read())
    if (int(clip.frame_rate), frames_of(clip)) != (part.measures.rate_hz, part.measures.frames):
        raise StoreError(
            f"The audio of {part.name} is not what was measured when it came: {frames_of(clip)} frames at "
            f"{clip.frame_rate} Hz, expected {part.measures.frames} at {part.measures.rate_hz}."
        )
    clip = at_rate(clip.get_sample_slice(cut.start, cut.end), ASSEMBLY_RATE_HZ)
    # Filled up to a whole millisecond: pydub counts in those, and drops or invents what is over.
    clip = segment(clip.raw_data.ljust(cut.frames * SAMPLE_BYTES, b"\0"), ASSEMBLY_RATE_HZ)
    fade_ms = min(audio.fade_ms, len(clip) // 2)
    clip = clip.apply_gain(cut.gain_db)
    return clip.fade_in(fade_ms).fade_out(fade_ms) if fade_ms else clip


def _over_tone(clip: AudioSegment, tone: RoomTone, position: int) -> bytes:
    """The samples of a clip with the room tone of its position under it."""
    frames = frames_of(clip)
    return bytes(clip.overlay(tone.under(position, frames)).raw_data) if frames else b""


@lru_cache(maxsize=1)
def _room_tone() -> RoomTone:
    return RoomTone(ASSEMBLY_RATE_HZ)
