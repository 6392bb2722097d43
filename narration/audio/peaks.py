"""Peaks: the true one, between the samples, and the flat ones that clipping leaves.

Invariant: blocks may be of any length; what lies across their borders is seen as well.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from narration.audio.levels import decibels

Floats = npt.NDArray[np.float32]

OVERSAMPLED = 4
"""Points between two samples at which the peak is looked for. Source: ITU-R BS.1770-4, annex 2."""
TAPS = 32
NEAR = 0.5
"""Samples below this share of the highest peak so far cannot hide a higher one beside them."""

BINS_PER_DB = 10
TOP_DB = 12
"""Levels are counted in tenths of a decibel up to this one; decoders go above full scale."""
_BINS = BINS_PER_DB * 60
FLAT_DB = 0.5
"""Half the width of the pile that clipping leaves after lossy encoding."""
FLAT_TIMES = 1.5
"""A pile is flat when it is that many times as high as what lies one to two decibels below it.

In speech it is half as high, limited or not; a steady tone, which nobody delivers, is flat by this measure too.
"""
FLAT_LEAST = 100
"""Fewer samples than this are an accident."""


@lru_cache(maxsize=1)
def _between() -> Floats:
    """Windowed sinc for the points between two samples, one column for each."""
    offsets = np.arange(TAPS) - (TAPS // 2 - 1)
    points = np.arange(1, OVERSAMPLED) / OVERSAMPLED
    distance = points[None, :] - offsets[:, None]
    window = np.i0(9.0 * np.sqrt(np.maximum(0.0, 1 - (distance / (TAPS / 2)) ** 2))) / np.i0(9.0)
    kernel = np.sinc(distance) * window
    return np.asarray(kernel / kernel.sum(axis=0), dtype=np.float32)


class PeakMeter:
    """The peaks of one channel."""

    def __init__(self) -> None:
        self._sample = 0.0
        self._true = 0.0
        self._levels = np.zeros(_BINS, dtype=np.int64)
        self._before = np.zeros(TAPS, dtype=np.float32)

    def add(self, samples: Floats) -> None:
        """Take in the next stretch of samples, full scale being 1."""
        joined = np.concatenate([self._before, samples])
        self._look(joined)
        self._before = joined[-TAPS:].copy()

    def end(self) -> None:
        """The sound is over."""
        self._look(np.concatenate([self._before, np.zeros(TAPS, dtype=np.float32)]))

    def _look(self, samples: Floats) -> None:
        """Look at all samples that have half a kernel on either side."""
        half = TAPS // 2
        inside = np.abs(samples[half : len(samples) - half])
        if not len(inside):
            return
        highest = float(inside.max())
        self._sample = max(self._sample, highest)
        self._true = max(self._true, highest)
        loud = np.flatnonzero(inside > self._true * NEAR)
        if not len(loud) or highest == 0.0:
            return
        levels = 20 * np.log10(inside[loud]) - TOP_DB
        bins = np.clip((-levels * BINS_PER_DB).astype(np.int64), 0, _BINS - 1)
        self._levels += np.bincount(bins, minlength=_BINS)
        # A peak between samples stands beside a sample that is higher than its neighbours.
        at = loud + half
        magnitudes = np.abs(samples)
        crest = (magnitudes[at] >= magnitudes[at - 1]) & (magnitudes[at] >= magnitudes[at + 1])
        at = at[crest]
        windows = np.lib.stride_tricks.sliding_window_view(samples, TAPS)
        for start in range(0, len(at), 4096):
            some = at[start : start + 4096]
            for side in (half - 1, half):
                values = windows[np.clip(some - side, 0, len(windows) - 1)] @ _between()
                self._true = max(self._true, float(np.abs(values).max(initial=0.0)))

    @property
    def sample(self) -> float:
        """The highest sample, full scale being 1."""
        return self._sample

    @property
    def true_peak(self) -> float:
        """The highest point of the curve through the samples, full scale being 1."""
        return self._true

    @property
    def levels(self) -> npt.NDArray[np.int64]:
        """How many samples were how loud, the loudest first, in tenths of a decibel."""
        return self._levels


def clipped_dbfs(levels: npt.NDArray[np.int64]) -> float | None:
    """The level at which peaks were cut off, or None: where samples pile up although fewer are a little softer.

    Speech has the fewer samples at a level the higher it is; only a cut piles them up.
    """
    half = round(FLAT_DB * BINS_PER_DB)
    sums = np.concatenate([[0], np.cumsum(levels)])
    best: tuple[float, int] | None = None
    for at in range(half, len(levels) - 4 * half):
        pile = int(sums[at + half] - sums[at - half])
        below = int(sums[at + 4 * half] - sums[at + 2 * half])
        above = int(sums[at - half])
        if pile >= FLAT_LEAST and pile >= FLAT_TIMES * max(1, below) and above * 4 <= pile:
            ratio = pile / max(1, below)
            if best is None or ratio > best[0]:
                best = (ratio, at)
    return None if best is None else TOP_DB - best[1] / BINS_PER_DB


def decibels_of(peak: float) -> float:
    """A peak in decibels of full scale."""
    return decibels(peak * peak) if math.isfinite(peak) else 0.0
