"""What a take sounds like, beyond its level: pauses, edges, clipping, hiss, pitch, timbre, repetition.

Invariant: arithmetic on one clip's samples, the same for the same clip; what a number means for a voice is decided
elsewhere, by what is usual of that voice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from narration.audio.levels import (
    BLOCK_MS,
    FULL_SCALE,
    SPEECH_BELOW_LOUD_DB,
    Samples,
    Speech,
    block_powers,
    decibels,
)
from narration.audio.repeats import repeated_ms
from narration.take import ClipTraits

Floats = npt.NDArray[np.float64]

FRAME_MS, HOP_MS = 32, 16
"""Length and distance of the stretches whose spectra are looked at: two periods of the lowest voice."""
BAND_EDGES_HZ = (
    *(80, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480),
    *(1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7700),
)
"""Critical bands of hearing. Source: Zwicker, Subdivision of the audible frequency range, JASA 33 (1961)."""
BANDS_REACH_DB = 45.0
BEAT_HZ = (300, 2_500)
"""Where vowels are loud and most consonants are not."""
BEAT_DB, BEATS_REACH_DB = 5.0, 35.0
"""A beat rises and falls by so much, and what is so far below the loudest one is none."""
BEAT_SHAPE = np.array([0.25, 0.5, 0.25])
HISS_FROM_HZ, HISS_TO_HZ = 5_000, 10_000
"""Where speech is silent whenever it is not a sibilant, and noise is not."""
PITCH_LOW_HZ, PITCH_HIGH_HZ = 60, 500
VOICED = 0.5
"""Share of a frame's energy that comes back after one period, where it is voiced."""
VOICED_BELOW_LOUD_DB = 20.0
FLAT_RUN = 3
"""So many samples of the same height in a row, near the peak, are a top that was cut off."""
NEAR_PEAK = 0.98


def measure_traits(samples: Samples, rate_hz: int, speech: Speech) -> ClipTraits | None:
    """What a clip sounds like; None where there is no speech in it.

    Args:
        samples: of the clip, mono.
        rate_hz: their rate.
        speech: where in it the speech is.
    """
    if speech.end <= speech.start:
        return None
    frames = _frames(samples[speech.start : speech.end].astype(np.float64) / FULL_SCALE, rate_hz)
    length = frames.shape[1]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(length), n=2 * length)) ** 2
    hz = np.fft.rfftfreq(2 * length, 1 / rate_hz)
    scale = 2.0 / (length * float(np.square(np.hanning(length)).sum()))
    powers = np.square(frames).mean(axis=1)
    levels = 10 * np.log10(np.maximum(powers, 1e-12))
    loud = levels >= levels.max() - VOICED_BELOW_LOUD_DB
    bands = _bands(spectra, hz.astype(np.float64))
    high = (hz >= HISS_FROM_HZ) & (hz < min(HISS_TO_HZ, rate_hz / 2 * 0.92))
    hiss = np.percentile(spectra[:, high].sum(axis=1) * scale / 2, 10) if high.any() else 0.0
    pitch_hz, pitch_spread, voiced = _pitch(spectra, rate_hz, loud)
    shape = bands[loud].mean(axis=0)
    return ClipTraits(
        gap_ms=_gap_ms(samples, rate_hz, speech),
        head_edge_db=round(_edge_db(samples[: rate_hz * BLOCK_MS // 1000], speech), 2),
        tail_edge_db=round(_edge_db(samples[-(rate_hz * BLOCK_MS // 1000) :], speech), 2),
        clipped_ppm=_clipped_ppm(samples),
        hiss_dbfs=round(decibels(float(hiss)), 2),
        pitch_hz=round(pitch_hz, 2),
        pitch_spread=round(pitch_spread, 3),
        voiced=round(voiced, 3),
        timbre_db=tuple(round(float(value), 2) for value in shape - shape.mean()),
        repeated_ms=repeated_ms(bands, levels, HOP_MS),
        beats=_beats(spectra, hz.astype(np.float64)),
    )


def _frames(signal: Floats, rate_hz: int) -> Floats:
    length, hop = rate_hz * FRAME_MS // 1000, rate_hz * HOP_MS // 1000
    if len(signal) < length:
        signal = np.pad(signal, (0, length - len(signal)))
    return np.lib.stride_tricks.sliding_window_view(signal, length)[::hop]


def _bands(spectra: Floats, hz: Floats) -> Floats:
    """Level of each critical band of each frame, in dB."""
    places = np.searchsorted(hz, BAND_EDGES_HZ)
    sums = np.add.reduceat(spectra, places, axis=1)[:, : len(BAND_EDGES_HZ) - 1]
    levels = 10 * np.log10(np.maximum(sums, 1e-9))
    # Below lies the noise of 16 bits, whose distance tells how loud a take is and not what it sounds like.
    return np.asarray(np.maximum(levels, levels.max(axis=1, keepdims=True) - BANDS_REACH_DB))


def _beats(spectra: Floats, hz: Floats) -> int:
    """How often the loudness of vowels rises and falls."""
    powers = spectra[:, (hz >= BEAT_HZ[0]) & (hz < BEAT_HZ[1])].sum(axis=1)
    levels = 10 * np.log10(np.maximum(np.convolve(powers, BEAT_SHAPE, mode="same"), 1e-9))
    beats, rising = 0, True
    turn = floor = float(levels.max()) - BEATS_REACH_DB
    for level in np.maximum(levels, floor).tolist():
        turn = max(turn, level) if rising else min(turn, level)
        if abs(level - turn) > BEAT_DB:
            beats, rising, turn = beats + rising, not rising, level
    return beats


def _edge_db(edge: Samples, speech: Speech) -> float:
    """Level of the outermost block, against that of the speech."""
    power = float(block_powers(edge, max(1, len(edge)))[0]) if len(edge) else 0.0
    return decibels(power) - speech.dbfs


def _gap_ms(samples: Samples, rate_hz: int, speech: Speech) -> int:
    """The longest silence between two stretches of speech."""
    block = rate_hz * BLOCK_MS // 1000
    powers = block_powers(samples[speech.start : speech.end], block)
    sounding = np.flatnonzero(powers > 10 ** ((speech.dbfs - SPEECH_BELOW_LOUD_DB) / 10))
    return int((np.diff(sounding).max(initial=1) - 1) * BLOCK_MS)


def _clipped_ppm(samples: Samples) -> int:
    """Samples in flat tops, per million."""
    heights = np.abs(samples.astype(np.int32))
    top = int(heights.max(initial=0))
    if top < 1_000:
        return 0
    flat = (np.diff(samples) == 0) & (heights[1:] >= NEAR_PEAK * top)
    runs = np.convolve(flat, np.ones(FLAT_RUN - 1), mode="valid") >= FLAT_RUN - 1
    return round(1_000_000 * int(runs.sum()) / len(samples))


def _pitch(spectra: Floats, rate_hz: int, loud: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Median pitch in Hz of the voiced frames, its spread in octaves, and their share of the loud ones."""
    lags = np.fft.irfft(spectra[loud])
    low, high = rate_hz // PITCH_HIGH_HZ, rate_hz // PITCH_LOW_HZ
    length = (lags.shape[1]) // 2
    # The window makes later lags smaller; dividing by its own lags makes periods comparable.
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(length), n=2 * length)) ** 2)[: high + 1]
    heights = lags[:, low : high + 1] / np.maximum(lags[:, :1], 1e-15) / (window[low:] / window[0])
    best = heights.max(axis=1)
    # The shortest period that is nearly as good: twice the period fits as well, and is an octave too low.
    place = np.argmax(heights >= 0.9 * best[:, None], axis=1)
    for _ in range(int(rate_hz * 0.0005)):  # from the rim of that peak to its top, half a millisecond at the most
        after = np.minimum(place + 1, heights.shape[1] - 1)
        rising = heights[np.arange(len(place)), after] > heights[np.arange(len(place)), place]
        if not rising.any():
            break
        place = np.where(rising, after, place)
    voiced = best >= VOICED
    if not voiced.any():
        return 0.0, 0.0, 0.0
    octaves = np.log2(rate_hz / (place[voiced] + low))
    median = float(np.median(octaves))
    return 2.0**median, float(np.median(np.abs(octaves - median))), float(voiced.mean())
