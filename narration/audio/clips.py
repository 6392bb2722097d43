"""Clips: a take's WAV file as a pydub segment, checked before pydub sees it, and what is measured of it.

Invariant: a clip is 16-bit mono at the rate of its file, whole, and not empty.
"""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from narration.audio.levels import (
    BLOCK_MS,
    FULL_SCALE,
    Samples,
    Speech,
    block_powers,
    find_speech,
    floor_dbfs,
    peak_dbfs,
)
from narration.audio.loudness import lufs_of, smooth, weighted
from narration.audio.riff import Encoding, Wave, read_wave
from narration.audio.traits import measure_traits
from narration.errors import AudioRefused
from narration.take import ClipMeasures, ClipTraits

with warnings.catch_warnings():
    # pydub warns of what does not concern a user: a module of Python 3.11 that audioop-lts replaces, escapes in its
    # own source, and an ffmpeg on PATH that is never asked for: encoding is `narration.audio.encode`'s.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment as AudioSegment

SAMPLE_BYTES = 2
_TAPER = 0.96
"""Share of the band that a change of rate leaves untouched; the rest falls off smoothly, so that nothing rings."""


def open_clip(wav: bytes) -> AudioSegment:
    """Open a WAV file as a clip: 16-bit, mono (channels are averaged), at the file's own rate.

    Raises:
        AudioRefused: it is not a whole WAV file with sound in it; see `narration.audio.riff`.
    """
    wave = read_wave(wav)
    if wave.encoding is Encoding.PCM and wave.bits == 16 and wave.channels == 1:
        return segment(wav[wave.offset : wave.end], wave.rate_hz)
    values = _values(wav, wave)
    if wave.channels > 1:
        values = values.reshape(-1, wave.channels).mean(axis=1)
    return segment(_to_16_bit(values).tobytes(), wave.rate_hz)


def measure_clip(wav: bytes) -> ClipMeasures:
    """Measure a take's audio as received: where its speech is, how loud, its peak and its noise floor.

    Positions are frames at the file's own rate. A clip without speech has `speech_start == speech_end`, and digital
    silence is -120 dBFS.

    Raises:
        AudioRefused: it is not a whole WAV file with sound in it.
    """
    clip = open_clip(wav)
    samples, rate_hz = samples_of(clip), int(clip.frame_rate)
    return _measures(samples, rate_hz, find_speech(samples, rate_hz))


def measure_take(wav: bytes) -> tuple[ClipMeasures, ClipTraits | None]:
    """The same, and what the clip sounds like, which only the checks of takes ask; None where there is no speech.

    Raises:
        AudioRefused: it is not a whole WAV file with sound in it.
    """
    clip = open_clip(wav)
    samples, rate_hz = samples_of(clip), int(clip.frame_rate)
    speech = find_speech(samples, rate_hz)
    return _measures(samples, rate_hz, speech), measure_traits(samples, rate_hz, speech)


def _measures(samples: Samples, rate_hz: int, speech: Speech) -> ClipMeasures:
    return ClipMeasures(
        rate_hz=rate_hz,
        frames=len(samples),
        speech_start=speech.start,
        speech_end=speech.end,
        speech_dbfs=round(speech.dbfs, 3),
        peak_dbfs=round(peak_dbfs(samples), 3),
        floor_dbfs=round(floor_dbfs(samples, rate_hz), 3),
        speech_lufs=round(_speech_lufs(samples, rate_hz, speech), 3) if speech.blocks else None,
    )


def _speech_lufs(samples: Samples, rate_hz: int, speech: Speech) -> float:
    """Loudness of the blocks that hold speech."""
    block = rate_hz * BLOCK_MS // 1000
    return lufs_of(float(block_powers(weighted(samples, rate_hz), block)[list(speech.blocks)].mean()))


def segment(pcm: bytes, rate_hz: int) -> AudioSegment:
    """A clip of 16-bit mono samples."""
    return AudioSegment(data=pcm, sample_width=SAMPLE_BYTES, frame_rate=rate_hz, channels=1)


def samples_of(clip: AudioSegment) -> Samples:
    """The samples of a clip, one for each frame."""
    return np.frombuffer(clip.raw_data, dtype="<i2")


def frames_of(clip: AudioSegment) -> int:
    """The length of a clip in frames."""
    return len(clip.raw_data) // SAMPLE_BYTES


def frames_at(frames: int, from_hz: int, to_hz: int) -> int:
    """How many frames a stretch has at another rate: what `at_rate` returns for it."""
    return -(-frames * to_hz // from_hz)


def at_rate(clip: AudioSegment, rate_hz: int) -> AudioSegment:
    """The clip at another rate, by its spectrum: band-limited, without images, aligned to the frame.

    pydub's own change of rate interpolates linearly, and lets images through at -6 dB.
    """
    if clip.frame_rate == rate_hz:
        return clip
    ratio = Fraction(rate_hz, clip.frame_rate)
    samples = samples_of(clip)
    wanted = frames_at(len(samples), clip.frame_rate, rate_hz)
    # Zeros at the end make the length a whole number of periods of the ratio, and keep the end from wrapping around.
    periods = smooth(len(samples) // ratio.denominator + 1 + clip.frame_rate // (50 * ratio.denominator))
    spectrum = np.fft.rfft(samples.astype(np.float64), n=periods * ratio.denominator)
    bins = min(len(spectrum), periods * ratio.numerator // 2 + 1)
    edge = int(bins * _TAPER)
    window = np.ones(bins)
    window[edge:] = 0.5 * (1 + np.cos(np.pi * np.arange(1, bins - edge + 1) / (bins - edge)))
    resampled = np.fft.irfft(spectrum[:bins] * window, n=periods * ratio.numerator) * float(ratio)
    return segment(_to_16_bit(resampled[:wanted]).tobytes(), rate_hz)


def _to_16_bit(values: npt.NDArray[np.float64]) -> Samples:
    """Rounded and limited to 16 bits; `values` are in units of a 16-bit step."""
    return np.clip(np.rint(values), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")


def _values(wav: bytes, wave: Wave) -> npt.NDArray[np.float64]:
    """All samples of all channels, in units of a 16-bit step."""
    raw = memoryview(wav)[wave.offset : wave.end]
    match wave.encoding, wave.bits:
        case Encoding.PCM, 8:
            return (np.frombuffer(raw, dtype=np.uint8).astype(np.float64) - 128) * 256
        case Encoding.PCM, 24:
            parts = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 3).astype(np.int32)
            shifted = (parts[:, 0] << 8) | (parts[:, 1] << 16) | (parts[:, 2] << 24)
            return shifted.astype(np.float64) / 65_536
        case Encoding.PCM, bits:
            whole = np.frombuffer(raw, dtype=f"<i{bits // 8}").astype(np.float64)
            return whole / float(1 << (bits - 16))
        case Encoding.FLOAT, bits:
            with np.errstate(invalid="ignore"):  # of what is no number, which is refused below
                floats = np.frombuffer(raw, dtype=f"<f{bits // 8}").astype(np.float64)
            if not np.isfinite(floats).all():
                raise AudioRefused("The WAV file holds samples that are not numbers.")
            return floats * FULL_SCALE
