"""The pace of a voice: how long it takes for a text, and how many beats of loudness it has, learnt from its takes.

Invariant: robust and without order: the same takes in any order give the same numbers, and a tenth of them may be
anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAD_TO_SIGMA = 1.4826
"""A normal distribution's standard deviation, from the median of the deviations."""
PACE_SIGMA = 0.2
"""Deviation of the logarithm of a length while a voice is not known."""
LEAST_PACE_SIGMA = 0.04
"""However evenly a voice speaks, some texts are longer or shorter than their letters say: whole and sound lines of the
demo by 12 to 14 %, in two of eight casts of the sandbox."""
PRIOR_TAKES = 2.0
"""How many takes the usual pace of speech weighs against the voice's own."""
TIE = 0.05
"""How firmly each single rate is held to the usual one, as a share of a take's weight."""
WELL_KNOWN = 30
"""From so many takes on, the deviation is the voice's own."""
BIWEIGHT = 4.685
"""Tukey's constant: beyond so many sigmas a take has no say."""
LEAST_S = 0.05
ROUNDS = 12
LEAST_SAID_SIGMA = 0.02
"""Length and beats together are not known better than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a voice's takes tell of how much was said, by length and beats together: neither deviates as the other does.

    Attributes:
        rates: beats for each of the weights of a text.
        share: how much the beats count, of both.
        sigma, eases, middling_s: deviation of the logarithm of both, as of a length.
    """

    rates: tuple[float, ...]
    share: float
    sigma: float
    eases: float
    middling_s: float

    def apart(self, length: float, weights: Sequence[float], beats: int) -> float:
        """How much more was said than expected, as a logarithm.

        Args:
            length: the same, by length alone.
            weights: of the text.
            beats: that were heard.
        """
        expected = max(1.0, sum(rate * weight for rate, weight in zip(self.rates, weights, strict=True)))
        return float((1 - self.share) * length + self.share * np.log(max(beats, 0.5) / expected))

    def sigma_at(self, expected_s: float) -> float:
        """Deviation of that where so many seconds are expected."""
        return max(LEAST_SAID_SIGMA, self.sigma * float((self.middling_s / expected_s) ** self.eases))


def said_of(weights: Floats, apart: Floats, expected_s: Floats, beats: Floats, prior: tuple[float, ...]) -> Said | None:
    """What takes tell of how much was said; None where they are few.

    Args:
        weights: of the texts, a row for each take.
        apart: logarithms of the lengths against the expected ones.
        expected_s: those.
        beats: of each take.
        prior: beats for each weight, as people speak.
    """
    if len(apart) < WELL_KNOWN:
        return None
    rates, _ = pace_of(weights, np.maximum(beats, 0.5), np.array(prior))
    others = np.log(np.maximum(beats, 0.5) / np.maximum(weights @ rates, 1.0))
    own, other = (max(LEAST_SAID_SIGMA, sigma_of(one)) for one in (apart, others))
    share = own**2 / (own**2 + other**2)
    both = (1 - share) * apart + share * others
    eases, middling, sigma = easing_of(both, expected_s, sigma_of(both), LEAST_SAID_SIGMA, 0.8)
    return Said(rates=tuple(float(rate) for rate in rates), share=share, sigma=sigma, eases=eases, middling_s=middling)


def sigma_of(apart: Floats) -> float:
    """A deviation, from the median of what is apart from the middle."""
    return float(MAD_TO_SIGMA * np.median(np.abs(apart)))


def pace_of(weights: Floats, lengths: Floats, prior: Floats) -> tuple[Floats, float]:
    """Seconds for each weight, and the deviation of the logarithm: least squares of shares, outliers set aside."""
    # First as fast as the median says, so that the first round knows what an outlier is.
    rates = prior * float(np.median(lengths / (weights @ prior)))
    start, sigma = rates, PACE_SIGMA
    tie = np.diag(PRIOR_TAKES * TIE / np.maximum(start, 1e-6) ** 2)
    known = len(lengths)
    for _ in range(ROUNDS):
        expected = np.maximum(weights @ rates, LEAST_S)
        near = np.clip(np.log(lengths / expected) / (BIWEIGHT * sigma), -1, 1)
        trusted = weights * (np.square(1 - np.square(near)) / np.square(expected))[:, None]
        rates = np.maximum(np.linalg.solve(trusted.T @ weights + tie, trusted.T @ lengths + tie @ start), 0.0)
        own = sigma_of(np.log(lengths / np.maximum(weights @ rates, LEAST_S)))
        blend = (PRIOR_TAKES * PACE_SIGMA**2 + known * own**2) / (PRIOR_TAKES + known)
        sigma = max(LEAST_PACE_SIGMA, float(np.sqrt(blend)) if known < WELL_KNOWN else own)
    return rates, sigma


def easing_of(
    apart: Floats, expected: Floats, sigma: float, least: float = LEAST_PACE_SIGMA, most: float = 0.5
) -> tuple[float, float, float]:
    """With which power of the length deviations fall, the length at which they are the last number, and that."""
    middling = float(np.median(expected))
    long = expected > middling
    if len(apart) < WELL_KNOWN or not long.any():
        return 0.0, middling, sigma
    ratio = float(np.median(expected[long]) / np.median(expected[~long]))
    falls = sigma_of(apart[~long]) / max(least, sigma_of(apart[long]))
    eases = float(np.clip(np.log(max(falls, 1e-6)) / np.log(max(ratio, 1.1)), 0.0, most))
    return eases, middling, max(least, sigma_of(apart * (expected / middling) ** eases))
