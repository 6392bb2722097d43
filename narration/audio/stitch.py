"""Stitching: takes become one chapter, as a stream of samples.

Invariant: linear time and flat memory. One clip is alive at a time (of parts in unison, those), nothing is accumulated
but the positions, and the frames written are exactly the frames that the positions count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import assert_never

from narration.audio.clips import SAMPLE_BYTES, AudioSegment, at_rate, frames_at, frames_of, open_clip, segment
from narration.audio.levels import SILENCE_DBFS
from narration.audio.tone import RoomTone
from narration.audio.unison import Voiced, mixed
from narration.book import Gap
from narration.errors import StoreError
from narration.settings.audio import AudioSettings
from narration.settings.presets import LoudnessUnit
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

PAUSES_DB = 2.0
"""How far the RMS of a whole file lies below that of its speech: pauses, and what is soft in the words."""
AAC_FRAME = 1024
"""Samples of one AAC packet. Source: ISO/IEC 14496-3, AAC-LC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One take in its place.

    Attributes:
        name: what messages call it.
        gap: what lies before it.
        measures: of its audio, as received.
        read: gets its audio, a WAV file, when it is its turn. An error that it raises ends the stitching.
        pause_ms: silence before it, instead of what the gap says; None is the gap's.
        voice: who speaks.
        mid_sentence: its words stop in the middle of a sentence.
        unison: parts that follow each other and have the same one here are heard from one start, each voice its own
            parts one after another; None is alone.
    """

    name: str
    gap: Gap
    measures: ClipMeasures
    read: Callable[[], bytes]
    pause_ms: int | None = None
    voice: str = ""
    mid_sentence: bool = False
    unison: tuple[int, int] | None = None


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
    tone = _room_tone(audio.room_tone_dbfs)
    position = 0
    kept = 0
    last: Part | None = None
    spans: list[Span] = []

    def pause(frames: int) -> int:
        """Room tone for what of the pause the takes' own edges leave over; returns the position behind it."""
        frames = max(0, frames) // FRAMES_PER_MS * FRAMES_PER_MS
        if frames:
            write(tone.under(position, frames).raw_data)
        return position + frames

    for group in _groups(parts):
        first = group[0]
        usual_ms = pause_ms(first.gap, audio, before=last, voice=first.voice) if last else audio.head_ms
        wanted = usual_ms if first.pause_ms is None else first.pause_ms
        clip = _single(first, audio) if len(group) == 1 else _mix(group, audio)
        position = pause(wanted * FRAMES_PER_MS - kept - clip.before)
        write(_over_tone(clip.sound, tone, position))
        spans += [Span(start_frame=position + start, end_frame=position + end) for start, end in clip.spans]
        position += clip.frames
        kept, last = clip.after, group[-1]
    position = pause((audio.tail_ms if spans else audio.head_ms + audio.tail_ms) * FRAMES_PER_MS - kept)
    frames = whole_frames(position, audio.rate_hz)
    write(tone.under(position, frames - position).raw_data)
    return Stitched(rate_hz=ASSEMBLY_RATE_HZ, frames=frames, spans=tuple(spans))


def _groups(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Parts as they are heard: one alone, or all that are in unison."""
    for unison, run in groupby(parts, key=lambda part: part.unison):
        if unison is None:
            yield from ([part] for part in run)
        else:
            yield list(run)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sound:
    """What is heard between two pauses.

    Attributes:
        sound: the samples.
        frames: its length.
        before, after: silence kept at its ends.
        spans: where each part's speech is in it.
    """

    sound: AudioSegment
    frames: int
    before: int
    after: int
    spans: tuple[tuple[int, int], ...]


def _single(part: Part, audio: AudioSettings) -> _Sound:
    cut = cut_of(part.measures, audio)
    return _Sound(
        sound=_clip(part, cut, audio),
        frames=cut.frames,
        before=cut.before,
        after=cut.after,
        spans=((cut.before, cut.frames - cut.after),),
    )


def _mix(group: list[Part], audio: AudioSettings) -> _Sound:
    """Parts in unison: their speech begins together."""
    cuts = [cut_of(part.measures, audio) for part in group]
    voiced = [
        Voiced(
            voice=part.voice,
            sound=_clip(part, cut, audio),
            before=cut.before,
            after=cut.after,
            peak_dbfs=part.measures.peak_dbfs + cut.gain_db,
        )
        for part, cut in zip(group, cuts, strict=True)
    ]
    sound, spans = mixed(
        voiced, within=audio.within_ms * FRAMES_PER_MS, rate_hz=ASSEMBLY_RATE_HZ, ceiling_dbfs=CEILING_DBFS
    )
    return _Sound(
        sound=sound,
        frames=frames_of(sound),
        before=min(start for start, _ in spans),
        after=frames_of(sound) - max(end for _, end in spans),
        spans=spans,
    )


def pause_ms(gap: Gap, audio: AudioSettings, *, before: Part | None = None, voice: str = "") -> int:
    """How long the pause before a chunk is: by what lies before it, how the words before end, and who goes on."""
    mid_sentence = before is not None and before.mid_sentence
    match gap:
        case Gap.START:
            return audio.head_ms
        case Gap.WITHIN:
            return audio.clause_ms if mid_sentence else audio.within_ms
        case Gap.LINE if mid_sentence:
            return audio.clause_ms
        case Gap.LINE:
            return audio.speaker_ms if before is not None and before.voice != voice else audio.line_ms
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
    """The gain that brings a take's speech to the book's level, within `MAX_GAIN_DB` and under `CEILING_DBFS`."""
    if measures.speech_dbfs <= SILENCE_DBFS:
        return 0.0
    match audio.loudness_unit:
        case LoudnessUnit.RMS:
            missing_db = audio.loudness_db + PAUSES_DB - measures.speech_dbfs
        case LoudnessUnit.LUFS:
            # A take that was measured without its loudness counts by its level, which is within a few decibels.
            known = measures.speech_dbfs if measures.speech_lufs is None else measures.speech_lufs
            missing_db = audio.loudness_db - known
        case LoudnessUnit.NONE:
            return 0.0
        case _:
            assert_never(audio.loudness_unit)
    wanted = min(missing_db, MAX_GAIN_DB, CEILING_DBFS - measures.peak_dbfs)
    return max(wanted, -MAX_GAIN_DB)


def whole_frames(frames: int, rate_hz: int) -> int:
    """The least length, at the assembly's rate, from `frames` on that fills whole AAC frames at a delivered rate.

    An encoder fills up what is left of its last frame with digital silence; so nothing, or one sample, is left.
    """
    packets = -(-frames * rate_hz // (ASSEMBLY_RATE_HZ * AAC_FRAME))
    return packets * AAC_FRAME * ASSEMBLY_RATE_HZ // rate_hz


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
def _room_tone(dbfs: float) -> RoomTone:
    return RoomTone(ASSEMBLY_RATE_HZ, dbfs)
