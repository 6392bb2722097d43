"""The table `audio`: how takes become a chapter, and which values cannot go together.

Invariant: settings that come through `audio_problems` can be made by every encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from narration.errors import Problem
from narration.settings.presets import LoudnessUnit

MPEG_1_FROM_HZ, MPEG_2_MOST_KBPS = 32_000, 160
"""Below this sample rate an MP3 file is MPEG-2 Layer III, whose highest bit rate this is.

Source: ISO/IEC 13818-3, 2.4.2.3.
"""
LEAST_CREST_DB = 9.0
"""Peaks of speech stand 12 to 18 dB above its RMS; a limiter that takes away more than a third of that is heard."""

_Pause = Annotated[int, Field(ge=0, le=60_000)]
_Decibels = Annotated[float, Field(ge=-60, le=0, allow_inf_nan=False)]
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSettings:
    """How takes become a chapter.

    Attributes:
        rate_hz: sample rate of the delivered files (Opus has its own, 48 kHz).
        bitrate_kbps: of the MP3 files, constant.
        aac_kbps, opus_kbps: of the AAC parts and of the Opus files.
        loudness_unit: what `loudness_db` is measured in; none leaves takes as loud as they came.
        loudness_db: what the delivered files are brought to.
        peak_dbtp: no delivered true peak is to exceed it.
        head_ms, tail_ms: silence at the ends of a chapter.
        within_ms, line_ms, paragraph_ms, scene_ms, heading_ms: pauses before a chunk, by `narration.book.Gap`.
        clause_ms: instead of the first two, where the words before stop in the middle of a sentence.
        speaker_ms: instead of the second, where another voice goes on.
        fade_ms: at both ends of every take.
        keep_ms: silence kept around speech when a take's edges are trimmed.
        room_tone_dbfs: RMS of the noise that lies under a whole chapter; -120 is digital silence.
    """

    rate_hz: Literal[22050, 24000, 32000, 44100, 48000]
    bitrate_kbps: Literal[64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    aac_kbps: Annotated[int, Field(ge=32, le=192)]
    opus_kbps: Annotated[int, Field(ge=16, le=192)]
    loudness_unit: LoudnessUnit
    loudness_db: _Decibels
    peak_dbtp: _Decibels
    head_ms: _Pause
    tail_ms: _Pause
    within_ms: _Pause
    clause_ms: _Pause
    speaker_ms: _Pause
    line_ms: _Pause
    paragraph_ms: _Pause
    scene_ms: _Pause
    heading_ms: _Pause
    fade_ms: Annotated[int, Field(ge=0, le=200)]
    keep_ms: Annotated[int, Field(ge=0, le=2000)]
    room_tone_dbfs: Annotated[float, Field(ge=-120, le=-50, allow_inf_nan=False)] = -72.0


def audio_problems(values: Mapping[_Key, Any], places: Mapping[_Key, str]) -> list[Problem]:
    """What contradicts itself, by table and key, or cannot be made."""
    problems = []
    peak_dbtp, loudness_db = values["audio", "peak_dbtp"], values["audio", "loudness_db"]
    if peak_dbtp <= loudness_db + LEAST_CREST_DB:
        where = f"{places['audio', 'peak_dbtp']} and {places['audio', 'loudness_db']}"
        what = f"a peak of {peak_dbtp:g} dBTP is too near to the loudness for speech"
        problems.append(Problem(what=what, where=where, expected=f"more than {loudness_db + LEAST_CREST_DB:g}"))
    rate_hz, bitrate_kbps = values["audio", "rate_hz"], values["audio", "bitrate_kbps"]
    if rate_hz < MPEG_1_FROM_HZ and bitrate_kbps > MPEG_2_MOST_KBPS:
        where = f"{places['audio', 'rate_hz']} and {places['audio', 'bitrate_kbps']}"
        what = f"an MP3 file of {bitrate_kbps} kbit/s cannot have a sample rate of {rate_hz} Hz"
        expected = f"at most {MPEG_2_MOST_KBPS} kbit/s, or 32000 Hz or more"
        problems.append(Problem(what=what, where=where, expected=expected))
    return problems
