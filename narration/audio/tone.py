"""Room tone: the faint noise that lies under a whole chapter, so that no pause falls into digital silence.

Invariant: the tone at a position depends on the position alone, and its loop has no seam: what is laid under two
neighbouring stretches continues from one into the other.
"""

from __future__ import annotations

import random

import numpy as np

from narration.audio.clips import AudioSegment, segment
from narration.audio.levels import FULL_SCALE

ROOM_TONE_DBFS = -72.0
"""Well under the -60 dBFS that stores allow as a noise floor, and above what an encoder drops."""
PERIOD_S = 10
CUTOFF_HZ = 500
"""From here up the tone falls by 12 dB an octave, as a quiet room does."""
HIGHEST_HZ = 4_000
_SEED = 1


class RoomTone:
    """An endless, repeatable stretch of room tone.

    Args:
        rate_hz: its sample rate.
        dbfs: its RMS.
    """

    def __init__(self, rate_hz: int, dbfs: float = ROOM_TONE_DBFS) -> None:
        self._period = rate_hz * PERIOD_S
        # `random`, because its sequence is promised to stay the same; made in the spectrum, so that it is periodic.
        chance = random.Random(_SEED)  # noqa: S311 - noise to be heard, nothing to be kept secret
        bins = HIGHEST_HZ * PERIOD_S
        angles = np.array([chance.random() for _ in range(bins)]) * 2 * np.pi
        hz = np.arange(1, bins + 1) / PERIOD_S
        spectrum = np.zeros(self._period // 2 + 1, dtype=np.complex128)
        spectrum[1 : bins + 1] = np.exp(1j * angles) / (1 + (hz / CUTOFF_HZ) ** 2)
        noise = np.fft.irfft(spectrum, n=self._period)
        noise *= FULL_SCALE * 10 ** (dbfs / 20) / np.sqrt(np.mean(noise**2))
        self._loop = segment(np.rint(noise).astype("<i2").tobytes(), rate_hz)

    def under(self, position: int, frames: int) -> AudioSegment:
        """The tone that lies under `frames` frames from `position` on."""
        start = position % self._period
        turns = -(-(start + frames) // self._period)
        return (self._loop * max(1, turns)).get_sample_slice(start, start + frames)
