"""Likeness: how near two voiceprints are, and whether a take is the voice it should be, or another of the book.

A print becomes a vector of pitch, pace and timbre; distances are counted in what one voice's own takes differ by,
which is learnt from the takes at hand and from a prior where they are few. Invariant: nothing here depends on the order
of the takes, and a voice's own centre is a median, so that a few strays do not move it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from narration.audio.voiceprint import CEPSTRA, VoicePrint

Floats = npt.NDArray[np.float64]

PRIOR_SPREAD = (2.0, 1.3, *(1.1 for _ in range(CEPSTRA)))
"""What one voice's takes differ by in semitones, in beats per second, and in each cepstral coefficient, before any were
heard. Measured on the sandbox's voices: `python -m benchmarks.voices`."""
PRIOR_TAKES = 20
"""How many takes the prior is worth."""
PREVIEW_WEIGHT = 3
"""The approved preview counts for so many takes."""
SHORT_S = 1.5
"""In speech of this length the words weigh as much as the voice: variances are doubled, and halve with length."""
BLEND = 2.0
"""Voices nearer to each other than this, in spreads of one voice along the line between them, are told as alike."""
STRAY_LLR = 2.0
"""So much likelier (in natural logarithms) another voice of the book must be for a take to be told."""
STRAY_FAR = 7.0
"""So far from its own voice, in spreads, a take is told whoever else may be near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A take that does not sound like its voice.

    Attributes:
        index: which of the takes.
        voice: whose it should be.
        nearest: the voice of the book that it is nearest to.
        distance: from its own voice, in spreads.
    """

    index: int
    voice: str
    nearest: str
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two voices, and how far apart they are, in spreads of one voice along the line between them."""

    one: str
    other: str
    distance: float


class Likeness:
    """The voices of one book, as they are heard in their previews and takes.

    Args:
        previews: the approved reference of each voice; voices without one are heard from their takes.
        takes: `(voice, print)` of every take.
    """

    def __init__(self, previews: Mapping[str, VoicePrint], takes: Sequence[tuple[str, VoicePrint]]) -> None:
        self._vectors = [(voice, _vector(heard), _shortness(heard)) for voice, heard in takes]
        self._previews = {voice: _vector(heard) for voice, heard in previews.items()}
        self._centres = {voice: self._centre(voice) for voice in sorted({*previews, *(voice for voice, _ in takes)})}
        self._inverse, self._spread = self._learn()

    @property
    def voices(self) -> tuple[str, ...]:
        """Names of all voices."""
        return tuple(self._centres)

    def pairs(self) -> tuple[Pair, ...]:
        """Every two voices, the nearest first."""
        names = self.voices
        found = [
            Pair(one=one, other=other, distance=round(self._apart(self._centres[one], self._centres[other]), 3))
            for place, one in enumerate(names)
            for other in names[place + 1 :]
        ]
        return tuple(sorted(found, key=lambda pair: (pair.distance, pair.one, pair.other)))

    def alike(self) -> tuple[Pair, ...]:
        """Voices that would blend."""
        return tuple(pair for pair in self.pairs() if pair.distance < BLEND)

    def drifted(self) -> tuple[tuple[str, float], ...]:
        """Voices whose takes, all together, are far from the approved preview, and how far.

        They may be as far as one take of their length: where all of them say the same few short words, the words are
        in their median as they are in each.
        """
        found = []
        for voice, preview in self._previews.items():
            own = [(vector, shortness) for name, vector, shortness in self._vectors if name == voice]
            if len(own) >= PREVIEW_WEIGHT:
                distance = self._apart(np.median(np.array([vector for vector, _ in own]), axis=0), preview)
                if distance >= STRAY_FAR * math.sqrt(float(np.median([shortness for _, shortness in own]))):
                    found.append((voice, round(distance, 3)))
        return tuple(found)

    def strays(self) -> tuple[Stray, ...]:
        """Takes that another voice of the book explains better, or that are far from their own."""
        found = []
        for index, (voice, vector, shortness) in enumerate(self._vectors):
            distances = {name: self._apart(vector, centre) for name, centre in self._centres.items()}
            own = distances[voice]
            nearest = min(sorted(distances), key=distances.__getitem__)
            # Halves of squared distances are logarithms of likelihoods, of a variance that grows with shortness.
            likelier = (own**2 - distances[nearest] ** 2) / (2 * shortness)
            if likelier >= STRAY_LLR or own >= STRAY_FAR * math.sqrt(shortness):
                found.append(Stray(index=index, voice=voice, nearest=nearest, distance=round(own, 3)))
        return tuple(found)

    def _centre(self, voice: str) -> Floats:
        heard = [vector for name, vector, _ in self._vectors if name == voice]
        if voice in self._previews:
            heard += [self._previews[voice]] * PREVIEW_WEIGHT
        return np.asarray(np.median(np.array(heard), axis=0))

    def _own(self, voice: str) -> Floats:
        """About what the takes of a voice lie: a voice that left its preview is no wider for it."""
        heard = [vector for name, vector, _ in self._vectors if name == voice]
        return self._centres[voice] if len(heard) < PREVIEW_WEIGHT else np.asarray(np.median(np.array(heard), axis=0))

    def _learn(self) -> tuple[Floats, Floats]:
        """The inverse of the covariance of one voice's takes about their middle, strays left out; and its scale."""
        prior = np.diag(np.square(PRIOR_SPREAD))
        own = {voice: self._own(voice) for voice in self._centres}
        rests = np.array([(vector - own[voice]) / math.sqrt(short) for voice, vector, short in self._vectors])
        if not len(rests):
            return np.asarray(np.linalg.inv(prior)), np.sqrt(np.diag(prior))
        lengths = np.einsum("ij,jk,ik->i", rests, np.linalg.inv(prior), rests)
        kept = rests[lengths <= np.percentile(lengths, 97)]
        pooled = (kept.T @ kept + PRIOR_TAKES * prior) / (len(kept) + PRIOR_TAKES)
        return np.asarray(np.linalg.inv(pooled)), np.sqrt(np.diag(pooled))

    def _apart(self, one: Floats, other: Floats) -> float:
        gap = one - other
        return float(math.sqrt(max(0.0, float(gap @ self._inverse @ gap))))


def _vector(heard: VoicePrint) -> Floats:
    semitones = 12 * math.log2(heard.pitch_hz / 100) if heard.pitch_hz > 0 else 0.0
    return np.array([semitones, heard.pace_per_s, *heard.timbre])


def _shortness(heard: VoicePrint) -> float:
    """By how much the variance of a short take is larger than that of a long one."""
    return 1 + SHORT_S / max(heard.speech_s, 0.1)
