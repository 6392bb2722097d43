"""A stretch of speech that is heard twice, one after the other: the second saying need not be the copy of the first.

The bands of each moment are held against those of every later one, and the best run of moments that are alike is
followed, at up to twice or half the pace. Invariant: arithmetic on the bands of one clip; level does not matter.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

THIN = 3
"""Of so many frames one is looked at, smoothed over twice as many: where in a sound a frame falls does not matter."""
UP_TO_S = 40.0
"""Beyond it a clip's frames are thinned to half, so that comparing each with each stays cheap."""
LONGEST_S = 12.0
"""Nothing longer is looked for: a take that says so much twice is too long by any measure."""
LOUD_DB = 25.0
ALIKE = 0.6
"""Two moments whose distance is below this share of the usual distance of two moments of the clip are alike."""
PAUSE_COST = 0.05
WARP_COST = 0.1
"""A step at another pace costs as much as a moment that is a tenth of the usual distance less alike."""
SHORTEST_S = 0.25
APART_S = 0.6
"""The second saying begins so soon after the first ends; what comes later is the author's."""
LEAST_S = 0.08
"""Sum over a run of how much more alike its moments are than `ALIKE`, times their length: below this it is chance."""
LEAST_MEAN = 0.1
"""The same on the average: two phrases that are somewhat alike for long are no repetition."""


def repeated_ms(bands: Floats, levels: Floats, hop_ms: int) -> int:
    """How long the stretch is that is heard twice, from its beginning to where it begins anew; 0 where none is.

    Args:
        bands: level of each band of each frame, in dB.
        levels: of the frames, in dB.
        hop_ms: from frame to frame.
    """
    step = THIN if len(bands) * hop_ms / 1000 <= UP_TO_S else 2 * THIN
    unit_s = step * hop_ms / 1000
    alike = _alike(bands, levels, step)
    if len(alike) * unit_s < 2 * SHORTEST_S:
        return 0
    score, moments, lag = _best_run(alike, round(SHORTEST_S / unit_s), round(APART_S / unit_s), unit_s)
    if score * unit_s < LEAST_S or score < LEAST_MEAN * moments:
        return 0
    return round(1000 * lag * unit_s)


def _alike(bands: Floats, levels: Floats, step: int) -> Floats:
    """How much more alike each two moments are than `ALIKE`; what is no speech is neither alike nor different."""
    width = 2 * step
    starts = np.arange(0, len(bands) - width + 1, step)
    if not len(starts):
        return np.zeros((0, 0))
    sums = np.concatenate([np.zeros((1, bands.shape[1])), np.cumsum(bands, axis=0)])
    shapes = (sums[starts + width] - sums[starts]) / width
    shapes -= shapes.mean(axis=1, keepdims=True)
    loud = np.lib.stride_tricks.sliding_window_view(levels, width)[starts].max(axis=1) >= levels.max() - LOUD_DB
    squares = np.square(shapes).sum(axis=1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares - 2 * shapes @ shapes.T, 0.0))
    usual = float(np.median(apart[loud][:, loud])) if loud.any() else 0.0
    found = np.where(loud[:, None] & loud, ALIKE - apart / max(usual, 1e-9), -PAUSE_COST)
    found[np.ix_(~loud, ~loud)] = 0.0
    return np.asarray(found)


def _best_run(alike: Floats, shortest: int, gap: int, unit_s: float) -> tuple[float, int, int]:
    """Score, length and lag of the best run that is followed at once by its like, in moments."""
    size = len(alike)
    lags = np.arange(shortest, min(size, round(LONGEST_S / unit_s)))
    # A row for each earlier moment and a column for each lag, so that all lags of a moment are one step; two rows and
    # a column at each side are there for what came before, and stay empty.
    gains = np.pad(alike, ((0, 0), (0, len(lags) + shortest)), constant_values=-1.0)
    scores, moments = np.zeros((size + 2, len(lags) + 2)), np.zeros((size + 2, len(lags) + 2))
    for row in range(2, size - shortest + 2):
        # The same pace from the moment before; or two moments of the first saying, or of the second, for one.
        score, length = scores[row - 1, 1:-1], moments[row - 1, 1:-1] + 1
        ways = ((scores[row - 2, 2:], moments[row - 2, 2:] + 2), (scores[row - 1, :-2], moments[row - 1, :-2] + 1))
        for other, other_length in ways:
            higher = other - WARP_COST > score
            score, length = np.where(higher, other - WARP_COST, score), np.where(higher, other_length, length)
        gain = gains[row - 2, row - 2 + shortest : row - 2 + shortest + len(lags)]
        scores[row, 1:-1] = np.maximum(score + gain, 0.0)
        moments[row, 1:-1] = np.where(score > 0, length, 1.0)
    scores, moments = scores[:, 1:-1], moments[:, 1:-1]
    place = np.unravel_index(np.argmax(np.where(moments + gap >= lags, scores, 0.0)), scores.shape)
    return float(scores[place]), max(1, int(moments[place])), int(lags[place[1]])
