"""Levels: RMS, peak and noise floor in dBFS, and where in a clip the speech is. Arithmetic on samples, nothing else.

Invariant: 0 dBFS is a full-scale square wave (RMS) or sample (peak), and silence is `SILENCE_DBFS`, never -inf.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
Powers = npt.NDArray[np.float64]

FULL_SCALE = 32_768
SILENCE_DBFS = -120.0

BLOCK_MS = 10
"""The grain in which speech is found: shorter than a stop consonant's burst."""
SPEECH_BELOW_LOUD_DB = 42.0
"""Speech reaches this far below its loud blocks: the weakest fricatives lie about 35 dB under stressed vowels."""
SPEECH_ABOVE_FLOOR_DB = 5.0
"""Clear of steady noise, whose blocks stay within 2 dB of their mean."""
STEADY_BLOCKS, STEADY_DB = 10, 6.0
"""Noise is what stays this level this long; speech that dies away does not, however soft it is."""
SHORT_WORD_DB = 8.0
"""Where loud blocks are few, the loudest counts for this much less."""
SPEECH_MIN_DBFS = -65.0
NOISE_BELOW_LOUD_DB = 25.0
"""What is nearer than this to the loud blocks is speech, however steady: a vowel held long."""
LEVEL_GATE_DB = 10.0
"""Blocks further below the mean than this are pauses and breaths, and do not count for the level.

Source: the relative gate of ITU-R BS.1770-4.
"""
FLOOR_MS = 50
"""Length of the quietest stretch of a clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Where the speech of a clip is, and how loud.

    Attributes:
        start, end: first and one-past-last frame; both 0 when there is none.
        dbfs: RMS of the blocks that hold speech.
        blocks: the numbers of those blocks, `BLOCK_MS` each.
    """

    start: int
    end: int
    dbfs: float
    blocks: tuple[int, ...] = ()


def decibels(power: float) -> float:
    """Mean square (1.0 is full scale) in dBFS, not below `SILENCE_DBFS`."""
    return max(SILENCE_DBFS, 10 * math.log10(power)) if power > 0 else SILENCE_DBFS


def block_powers(samples: Samples | Powers, block: int) -> Powers:
    """Mean square (1.0 is full scale) of each stretch of `block` frames of 16 bits; the last may be shorter."""
    if not len(samples):
        return np.zeros(0)
    starts = np.arange(0, len(samples), block)
    squares = np.square(samples.astype(np.float64) / FULL_SCALE)
    lengths = np.diff(np.append(starts, len(samples)))
    return np.asarray(np.add.reduceat(squares, starts) / lengths, dtype=np.float64)


def peak_dbfs(samples: Samples) -> float:
    """The highest sample in dBFS."""
    highest = max(int(samples.max(initial=0)), -int(samples.min(initial=0)))
    return decibels((highest / FULL_SCALE) ** 2)


def floor_dbfs(samples: Samples, rate_hz: int) -> float:
    """RMS of the quietest `FLOOR_MS`."""
    powers = block_powers(samples, rate_hz * FLOOR_MS // 1000)
    whole = powers[:-1] if len(powers) > 1 else powers
    return decibels(float(whole.min(initial=1.0)))


def _steady_floor(levels: Powers, below_dbfs: float) -> float:
    """The level of the quietest steady noise in a clip, or `SILENCE_DBFS` where there is none below `below_dbfs`."""
    if len(levels) < STEADY_BLOCKS:
        return SILENCE_DBFS
    windows = np.lib.stride_tricks.sliding_window_view(levels, STEADY_BLOCKS)
    means = windows.mean(axis=1)
    steady = means[(np.ptp(windows, axis=1) < STEADY_DB) & (means < below_dbfs)]
    return float(steady.min()) if len(steady) else SILENCE_DBFS


def find_speech(samples: Samples, rate_hz: int) -> Speech:
    """Find the speech of a clip and its level.

    A block is speech when it is near enough to the loud ones and clear of the noise floor; the span goes from the
    first such block to the last, so whatever is soft between them stays.
    """
    block = rate_hz * BLOCK_MS // 1000
    powers = block_powers(samples, block)
    levels = 10 * np.log10(np.maximum(powers, 10 ** (SILENCE_DBFS / 10)))
    loud = float(np.percentile(levels, 95))
    # The loudest block counts too: one short word in a long silence is under the 95th percentile.
    loud = max(loud, float(levels.max()) - SHORT_WORD_DB)
    floor = _steady_floor(levels, below_dbfs=loud - NOISE_BELOW_LOUD_DB)
    threshold = max(loud - SPEECH_BELOW_LOUD_DB, floor + SPEECH_ABOVE_FLOOR_DB, SPEECH_MIN_DBFS)
    is_speech = levels >= (threshold if loud > SPEECH_MIN_DBFS else math.inf)
    found = np.flatnonzero(is_speech)
    if not len(found):
        return Speech(start=0, end=0, dbfs=SILENCE_DBFS)
    spoken = powers[is_speech]
    loud_enough = spoken >= float(spoken.mean()) * 10 ** (-LEVEL_GATE_DB / 10)
    counted = spoken[loud_enough]
    return Speech(
        start=int(found[0]) * block,
        end=min((int(found[-1]) + 1) * block, len(samples)),
        dbfs=decibels(float(counted.mean())),
        blocks=tuple(found[loud_enough].tolist()),
    )
