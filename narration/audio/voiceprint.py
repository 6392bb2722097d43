"""Voiceprints: pitch, pace, level and timbre of a voice, measured from one piece of its speech.

Invariant: a print is a function of the samples alone; what is not speech does not count, and nothing here knows a name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from narration.audio.levels import FULL_SCALE, Samples, find_speech
from narration.audio.previews import preview_samples

Floats = npt.NDArray[np.float64]

FRAME_MS, HOP_MS = 40, 15
"""Long enough for two periods of the lowest voice, and a step in which speech hardly changes."""
PITCH_HZ = (60.0, 500.0)
"""From a very low man to a small child."""
VOICED = 0.55
"""A frame is voiced where its autocorrelation, one period on, is at least this share of its power."""
OCTAVE = 0.88
"""The shortest period whose peak reaches this share of the highest is the pitch; the others are its multiples."""
AUDIBLE_DB = 32.0
"""Frames further below the loud ones do not count."""
BANDS, CEPSTRA = 26, 12
BAND_HZ = (80.0, 7_600.0)
"""Mel bands, and the cepstral coefficients kept of them (the first, which is level, is left out).

Source: the usual front end of speech recognisers, ETSI ES 201 108: 23 bands, 12 coefficients.
"""
SOFTEST = 1e-5
"""Bands this far below the mean of all are as good as silent, so that loudness and rounding are no part of a timbre."""
PACE_SMOOTH_MS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicePrint:
    """What was measured of a voice.

    Attributes:
        speech_s: how much speech it was measured from.
        pitch_hz: median of the voiced frames; 0 where none is voiced.
        pitch_spread_st: how far the pitch moves, in semitones (half of the distance from the 16th to the 84th percent).
        pace_per_s: beats of loudness in a second of speech, about one for a syllable.
        level_dbfs: RMS of the speech.
        timbre: mean mel cepstrum of the voiced frames, `CEPSTRA` numbers.
    """

    speech_s: float
    pitch_hz: float
    pitch_spread_st: float
    pace_per_s: float
    level_dbfs: float
    timbre: tuple[float, ...]


def print_of(data: bytes, form: str = "wav") -> VoicePrint | None:
    """Measure a sound file.

    Args:
        data: the file.
        form: `wav`, `mp3`, `opus`, …

    Returns:
        None where there is no speech in it.

    Raises:
        AudioRefused: it is not a sound that can be decoded.
    """
    return print_of_samples(*preview_samples(data, form))


def print_of_samples(samples: Samples, rate_hz: int) -> VoicePrint | None:
    """Measure 16-bit mono samples; None where there is no speech in them."""
    speech = find_speech(samples, rate_hz)
    spoken = samples[speech.start : speech.end].astype(np.float64) / FULL_SCALE
    size, hop = rate_hz * FRAME_MS // 1000, rate_hz * HOP_MS // 1000
    if len(spoken) < 2 * size:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(spoken, size)[::hop]
    powers = np.mean(frames**2, axis=1)
    levels = 10 * np.log10(np.maximum(powers, 1e-12))
    audible = levels > float(np.percentile(levels, 95)) - AUDIBLE_DB
    pitches, clarity = _pitches(frames, rate_hz)
    voiced = audible & (clarity >= VOICED)
    if voiced.sum() < 3:
        voiced = audible
    heard = pitches[voiced & (pitches > 0)]
    low, mid, high = np.percentile(heard, (16, 50, 84)) if len(heard) else (0.0, 0.0, 0.0)
    return VoicePrint(
        speech_s=round(len(spoken) / rate_hz, 3),
        pitch_hz=round(float(mid), 2),
        pitch_spread_st=round(6 * math.log2(high / low), 3) if low > 0 else 0.0,
        pace_per_s=round(_pace(levels, len(spoken) / rate_hz), 3),
        level_dbfs=round(speech.dbfs, 2),
        timbre=tuple(round(float(value), 4) for value in _cepstra(frames[voiced], rate_hz).mean(axis=0)),
    )


def _pitches(frames: Floats, rate_hz: int) -> tuple[Floats, Floats]:
    """Pitch of each frame in Hz, and how clear it is (0 to 1), by autocorrelation."""
    size = frames.shape[1]
    centred = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred * np.hanning(size), n=_power_of_two(2 * size))
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), n=_power_of_two(2 * size))) ** 2)
    correlated = np.fft.irfft(np.abs(spectrum) ** 2)
    first, last = int(rate_hz / PITCH_HZ[1]), min(int(rate_hz / PITCH_HZ[0]), size - 2)
    # Divided by the window's own, so that a long period is not held against a short one.
    shape = correlated[:, : last + 2] / np.maximum(window[: last + 2] / window[0], 0.05)
    shape = shape / np.maximum(shape[:, :1], 1e-12)
    inner = shape[:, first : last + 1]
    peaks = (inner >= shape[:, first - 1 : last]) & (inner >= shape[:, first + 1 : last + 2])
    heights = np.where(peaks, inner, 0.0)
    clarity = heights.max(axis=1)
    lag = first + np.argmax(heights >= OCTAVE * clarity[:, None], axis=1)
    rows = np.arange(len(lag))
    before, at, after = shape[rows, lag - 1], shape[rows, lag], shape[rows, lag + 1]
    bend = before - 2 * at + after
    shift = np.where(np.abs(bend) > 1e-9, 0.5 * (before - after) / np.where(bend == 0, 1, bend), 0.0)
    found = np.where(clarity > 0, rate_hz / (lag + np.clip(shift, -0.5, 0.5)), 0.0)
    return np.asarray(found), np.clip(clarity, 0.0, 1.0)


def _cepstra(frames: Floats, rate_hz: int) -> Floats:
    """Mel cepstrum of each frame, without its first coefficient."""
    size = frames.shape[1]
    length = _power_of_two(size)
    emphasised = np.diff(frames, axis=1, prepend=frames[:, :1])
    power = np.abs(np.fft.rfft(emphasised * np.hamming(size), n=length)) ** 2
    bands = power @ _mel_bands(length, rate_hz).T
    bands = np.log(bands / max(float(bands.mean()), 1e-20) + SOFTEST)
    steps = np.arange(1, CEPSTRA + 1)[:, None] * (np.arange(BANDS) + 0.5)[None, :]
    cosines = np.cos(np.pi * steps / BANDS) * math.sqrt(2 / BANDS)
    return np.asarray(bands @ cosines.T)


def _mel_bands(length: int, rate_hz: int) -> Floats:
    edges_mel = np.linspace(_mel(BAND_HZ[0]), _mel(min(BAND_HZ[1], rate_hz / 2)), BANDS + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    hz = np.fft.rfftfreq(length, 1 / rate_hz)
    rise = (hz[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hz[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    return np.asarray(np.maximum(0.0, np.minimum(rise, fall)))


def _mel(hz: float) -> float:
    return 2595 * math.log10(1 + hz / 700)


def _pace(levels: Floats, speech_s: float) -> float:
    """Peaks of the smoothed level, those that stand out by 2 dB, in a second."""
    width = max(1, PACE_SMOOTH_MS // HOP_MS)
    smooth = np.convolve(levels, np.ones(width) / width, mode="same")
    beats, lowest, highest, rising = 0, smooth[0], smooth[0], True
    for level in smooth:
        if rising:
            highest = max(highest, level)
            if level < highest - 2:
                beats, rising, lowest = beats + 1, False, level
        else:
            lowest = min(lowest, level)
            if level > lowest + 2:
                rising, highest = True, level
    return beats / speech_s


def _power_of_two(length: int) -> int:
    return 1 << (length - 1).bit_length()
