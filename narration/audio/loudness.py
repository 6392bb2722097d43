"""Loudness by ITU-R BS.1770-4: the weighting of the ear, and the two gates.

Invariant: powers come in tenths of a second, already weighted, channels summed; four neighbours make one gating block.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from narration.audio.levels import SILENCE_DBFS, Powers, Samples

Floats = npt.NDArray[np.float32]

OFFSET_DB = -0.691
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
TENTHS = 4
"""Tenths of a second in a gating block: 400 ms, three quarters of it shared with the next.

Source: ITU-R BS.1770-4, annex 1, for these and the two filters below.
"""


@lru_cache(maxsize=64)
def weights(rate_hz: int, length: int) -> Powers:
    """The power gain of the weighting at each bin of a real transform of `length` samples: a shelf, then a high pass.

    The filters are the standard's, drawn for any rate from their analogue form.
    """
    turn = np.exp(-2j * np.pi * np.arange(length // 2 + 1) / length)
    shelf = _biquad(turn, *_shelf(rate_hz))
    high_pass = _biquad(turn, *_high_pass(rate_hz))
    return np.asarray(np.abs(shelf * high_pass) ** 2, dtype=np.float64)


def weighted_powers(samples: Floats, rate_hz: int) -> Powers:
    """Mean square of each row after the weighting, from its spectrum; rows are stretches of one channel."""
    length = samples.shape[1]
    spectrum = np.fft.rfft(samples, axis=1)
    # Of a real signal all bins but the first (and, of an even length, the last) stand for two.
    both = np.full(length // 2 + 1, 2.0)
    both[0] = 1.0
    if length % 2 == 0:
        both[-1] = 1.0
    gains = (weights(rate_hz, length) * both / length**2).astype(np.float32)
    return np.asarray((spectrum.real**2 + spectrum.imag**2) @ gains, dtype=np.float64)


def weighted(samples: Samples, rate_hz: int) -> Powers:
    """A clip after the weighting, full scale being 32,768, as long as it was."""
    # What the filters ring on into the silence behind the clip must not come back at its beginning.
    length = smooth(len(samples) + rate_hz // 5)
    spectrum = np.fft.rfft(samples.astype(np.float64), n=length) * np.sqrt(weights(rate_hz, length))
    return np.asarray(np.fft.irfft(spectrum, n=length)[: len(samples)])


def smooth(number: int) -> int:
    """The next number without a prime factor above 5: lengths that transform fast."""
    while True:
        rest = number
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return number
        number += 1


def integrated_lufs(tenths: Powers) -> float:
    """Gated loudness of weighted powers, a tenth of a second each; `SILENCE_DBFS` when nothing passes the gates."""
    if len(tenths) < TENTHS:
        return SILENCE_DBFS if not len(tenths) else lufs_of(float(tenths.mean()))
    sums = np.concatenate([[0.0], np.cumsum(tenths)])
    blocks = (sums[TENTHS:] - sums[:-TENTHS]) / TENTHS
    heard = blocks[blocks > _power(ABSOLUTE_GATE_LUFS)]
    if not len(heard):
        return SILENCE_DBFS
    heard = heard[heard > float(heard.mean()) * 10 ** (RELATIVE_GATE_LU / 10)]
    return lufs_of(float(heard.mean())) if len(heard) else SILENCE_DBFS


def lufs_of(power: float) -> float:
    """Loudness of a weighted mean square."""
    return max(SILENCE_DBFS, OFFSET_DB + 10 * math.log10(power)) if power > 0 else SILENCE_DBFS


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET_DB) / 10))


_Coefficients = tuple[tuple[float, float, float], tuple[float, float, float]]


def _shelf(rate_hz: int) -> _Coefficients:
    """High shelf of 4 dB above 1.7 kHz: the head."""
    gain_db, quality, hz = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    turn = math.tan(math.pi * hz / rate_hz)
    high = 10 ** (gain_db / 20)
    middle = high**0.4996667741545416
    norm = 1 + turn / quality + turn * turn
    numerator = (
        (high + middle * turn / quality + turn * turn) / norm,
        2 * (turn * turn - high) / norm,
        (high - middle * turn / quality + turn * turn) / norm,
    )
    return numerator, (1.0, 2 * (turn * turn - 1) / norm, (1 - turn / quality + turn * turn) / norm)


def _high_pass(rate_hz: int) -> _Coefficients:
    """High pass at 38 Hz: what is felt rather than heard."""
    quality, hz = 0.5003270373238773, 38.13547087602444
    turn = math.tan(math.pi * hz / rate_hz)
    norm = 1 + turn / quality + turn * turn
    return (1.0, -2.0, 1.0), (1.0, 2 * (turn * turn - 1) / norm, (1 - turn / quality + turn * turn) / norm)


def _biquad(
    turn: npt.NDArray[np.complex128], numerator: tuple[float, float, float], denominator: tuple[float, float, float]
) -> npt.NDArray[np.complex128]:
    """Response of a second-order filter; `turn` is z to the minus one at each frequency."""
    (b0, b1, b2), (a0, a1, a2) = numerator, denominator
    return np.asarray((b0 + b1 * turn + b2 * turn**2) / (a0 + a1 * turn + a2 * turn**2))
