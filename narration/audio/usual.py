"""What is usual of a voice: its pace, level, hiss, pitch and timbre, learnt from its takes, the spoilt ones among them.

Invariant: robust and without order: the same takes in any order give the same numbers, and a tenth of them may be
anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from narration.audio.levels import SILENCE_DBFS
from narration.audio.pacing import (
    LEAST_PACE_SIGMA,
    LEAST_S,
    MAD_TO_SIGMA,
    PACE_SIGMA,
    WELL_KNOWN,
    Said,
    easing_of,
    pace_of,
    said_of,
    sigma_of,
)
from narration.take import ClipTraits

Floats = npt.NDArray[np.float64]

EDGE_PERCENTILE = 90
BAND_SIGMAS = 5.0
"""No single band counts for more."""
LEAST_LEVEL_DB, LEAST_OCTAVES, LEAST_BAND_DB, LEAST_APART = 0.5, 0.02, 1.0, 0.25
FEW = 5.0
"""Limits are wider by this share of themselves, divided by the number of takes that tell them."""
PREVIEW_WEIGHT = 3
"""So many takes does the approved preview count for where the middle of a voice's pitch and timbre is sought."""
PREVIEW_TAKES = 40.0
"""So many takes weighs what is usual of voices against the few of one, in how far its takes differ from each other."""
PREVIEW_FEW = 1.2
"""How much wider the limits of a voice are that its preview tells."""
USUAL_OCTAVES, USUAL_BAND_DB, USUAL_APART, USUAL_APART_SIGMA = 0.045, 2.0, 0.9, 0.35
"""How far the takes of one voice differ in pitch, in each band, and in all bands together. Source: the sandbox's
voices, those with more than `WELL_KNOWN` takes, in 24 casts of the demos."""
SHORT_S = 4.0
"""A take of this much speech is 1.4 times as free in pitch and timbre as a long one; one of a second, 2.2 times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One take, as far as it tells what is usual.

    Attributes:
        weights: what of its text takes time, as `narration.check.pace` counts it.
        speech_s: from the first word to the end of the last.
        level_dbfs: of the speech.
        traits: what it sounds like.
    """

    weights: tuple[float, ...]
    speech_s: float
    level_dbfs: float
    traits: ClipTraits


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual of a voice; deviations in the units of their values.

    Attributes:
        takes: from how many it was learnt.
        rates_s: seconds for each of the weights of a text.
        pace_sigma: deviation of the logarithm of a length, of takes of a middling length.
        pace_eases: the power of the length with which that deviation falls; 0 is the same for all, 0.5 as chance does.
        middling_s: that length.
        lengths_s: nine takes of ten are between these lengths; the pace of others is less sure.
        said: how much its takes say, by length and beats together; None where few tell.
        level_dbfs, level_sigma_db: of the speech.
        hiss_db: noise where speech is silent, against the level.
        pitch_hz, pitch_sigma_octaves: of voiced speech; 0 Hz where nothing is.
        head_edge_db, tail_edge_db: nine takes of ten begin and end softer than this, against their speech.
        timbre_db, timbre_sigma_db: of each band.
        timbre_apart, timbre_apart_sigma: mean distance of its takes from that, in sigmas of the bands.
        by_preview: whether pitch and timbre are known by the approved preview as well, as the takes are few.
    """

    takes: int
    rates_s: tuple[float, ...]
    pace_sigma: float
    pace_eases: float = 0.0
    middling_s: float = 1.0
    lengths_s: tuple[float, float] = (0.0, 0.0)
    said: Said | None = None
    level_dbfs: float = 0.0
    level_sigma_db: float = LEAST_LEVEL_DB
    hiss_db: float = 0.0
    pitch_hz: float = 0.0
    pitch_sigma_octaves: float = LEAST_OCTAVES
    head_edge_db: float = SILENCE_DBFS
    tail_edge_db: float = SILENCE_DBFS
    timbre_db: tuple[float, ...] = ()
    timbre_sigma_db: tuple[float, ...] = ()
    timbre_apart: float = 0.0
    timbre_apart_sigma: float = 1.0
    by_preview: bool = False

    @property
    def few(self) -> float:
        """How much wider limits are while few takes tell them."""
        return 1 + FEW / max(1, self.takes)

    @property
    def voice_few(self) -> float:
        """The same of pitch and timbre."""
        return PREVIEW_FEW if self.by_preview else self.few

    @property
    def voice_known(self) -> bool:
        """Whether pitch and timbre are known: a handful of short takes spread far less than the voice does."""
        return self.by_preview or self.takes >= WELL_KNOWN

    def expected_s(self, weights: Sequence[float]) -> float:
        """How long a text is, spoken."""
        return max(LEAST_S, sum(rate * weight for rate, weight in zip(self.rates_s, weights, strict=True)))

    def pace_sigma_at(self, expected_s: float, least: float = 0.0) -> float:
        """Deviation of the logarithm of a length where so many seconds are expected, and no less than `least`."""
        return max(
            least or LEAST_PACE_SIGMA, self.pace_sigma * float((self.middling_s / expected_s) ** self.pace_eases)
        )

    def timbre_sigmas(self, heard: Heard) -> float:
        """How far a take's timbre is from the voice's own; 0 is as its takes are on the average."""
        if not self.timbre_db:
            return 0.0
        apart = _apart(np.array(heard.traits.timbre_db), np.array(self.timbre_db), np.array(self.timbre_sigma_db))
        return (float(apart) * looseness(heard.speech_s) ** -1 - self.timbre_apart) / self.timbre_apart_sigma


def looseness(speech_s: float) -> float:
    """How much freer a take of this length is than a long one."""
    return float(np.sqrt(1 + SHORT_S / max(speech_s, 0.1)))


def learn(
    heard: Sequence[Heard],
    prior_s: tuple[float, ...],
    prior_beats: tuple[float, ...],
    preview: ClipTraits | None = None,
) -> Usual:
    """What is usual, from the takes of a voice.

    Args:
        heard: its takes; none at all gives what is usual of speech.
        prior_s: seconds for each of the weights of a text, as people speak.
        prior_beats: beats of loudness for the same.
        preview: what the approved preview of the voice sounds like; it counts while takes are few.
    """
    if not heard:
        return Usual(takes=0, rates_s=prior_s, pace_sigma=PACE_SIGMA)
    weights = np.array([one.weights for one in heard])
    lengths = np.array([one.speech_s for one in heard])
    rates, sigma = pace_of(weights, lengths, np.array(prior_s))
    expected = np.maximum(weights @ rates, LEAST_S)
    apart_s = np.log(lengths / expected)
    eases, middling, sigma = easing_of(apart_s, expected, sigma)
    told = np.array([one.traits.beats is not None for one in heard])
    beats = np.array([float(one.traits.beats or 0) for one in heard])
    levels = np.array([one.level_dbfs for one in heard])
    level, level_sigma = _middle(levels)
    by_preview = preview is not None and len(heard) < WELL_KNOWN
    pitch_hz, pitch_sigma = _pitch(heard, preview if by_preview else None)
    middle, spread, away, away_sigma = _timbre(heard, preview if by_preview else None)
    return Usual(
        takes=len(heard),
        rates_s=tuple(float(rate) for rate in rates),
        pace_sigma=sigma,
        pace_eases=eases,
        middling_s=middling,
        lengths_s=(float(np.percentile(lengths, 5)), float(np.percentile(lengths, 95))),
        said=said_of(weights[told], apart_s[told], expected[told], beats[told], prior_beats),
        level_dbfs=level,
        level_sigma_db=max(LEAST_LEVEL_DB, level_sigma),
        hiss_db=float(np.median(np.array([one.traits.hiss_dbfs for one in heard]) - levels)),
        pitch_hz=pitch_hz,
        pitch_sigma_octaves=max(LEAST_OCTAVES, pitch_sigma),
        head_edge_db=float(np.percentile([one.traits.head_edge_db for one in heard], EDGE_PERCENTILE)),
        tail_edge_db=float(np.percentile([one.traits.tail_edge_db for one in heard], EDGE_PERCENTILE)),
        timbre_db=tuple(float(value) for value in middle),
        timbre_sigma_db=tuple(float(value) for value in spread),
        timbre_apart=away,
        timbre_apart_sigma=max(LEAST_APART, away_sigma),
        by_preview=by_preview,
    )


def _pitch(heard: Sequence[Heard], preview: ClipTraits | None) -> tuple[float, float]:
    """Pitch of a voice in Hz, 0 where nothing is voiced, and its deviation in octaves."""
    voiced = [one for one in heard if one.traits.pitch_hz > 0]
    octaves = np.log2([one.traits.pitch_hz for one in voiced])
    approved = [np.log2(preview.pitch_hz)] * PREVIEW_WEIGHT if preview is not None and preview.pitch_hz > 0 else []
    if not voiced and not approved:
        return 0.0, 0.0
    pitch = float(np.median([*octaves, *approved]))
    loose = np.array([looseness(one.speech_s) for one in voiced])
    own = sigma_of((octaves - pitch) / loose) if voiced else 0.0
    return 2.0**pitch, own if preview is None else _blend(own, USUAL_OCTAVES, len(voiced))


def _timbre(heard: Sequence[Heard], preview: ClipTraits | None) -> tuple[Floats, Floats, float, float]:
    """Timbre of a voice, its deviation in each band, and the distance of its takes from it with its deviation."""
    loose = np.array([looseness(one.speech_s) for one in heard])
    bands = np.array([one.traits.timbre_db for one in heard])
    approved = np.array([preview.timbre_db] * PREVIEW_WEIGHT if preview is not None else []).reshape(-1, bands.shape[1])
    middle = np.median(np.vstack([bands, approved]), axis=0)
    spread = MAD_TO_SIGMA * np.median(np.abs(bands - middle) / loose[:, None], axis=0)
    if preview is None:
        spread = np.maximum(LEAST_BAND_DB, spread)
        return middle, spread, *_middle(_apart(bands, middle, spread) / loose)
    spread = np.array([max(LEAST_BAND_DB, _blend(float(own), USUAL_BAND_DB, len(heard))) for own in spread])
    apart, apart_sigma = _middle(_apart(bands, middle, spread) / loose)
    share = _own_share(len(heard))
    return middle, spread, share * apart + (1 - share) * USUAL_APART, _blend(apart_sigma, USUAL_APART_SIGMA, len(heard))


def _own_share(takes: int) -> float:
    """How much what few takes tell of their spread counts; two have a middle, and no spread."""
    own = max(0, takes - 2)
    return own / (own + PREVIEW_TAKES)


def _blend(own: float, usual: float, takes: int) -> float:
    """A deviation of few takes with that of voices as they are."""
    share = _own_share(takes)
    return float(np.sqrt(share * own**2 + (1 - share) * usual**2))


def _apart(bands: Floats, middle: Floats, spread: Floats) -> Floats:
    # A stranger differs in many bands; one that is far off is a sound of the text.
    sigmas = np.clip((bands - middle) / spread, -BAND_SIGMAS, BAND_SIGMAS)
    return np.asarray(np.sqrt(np.square(sigmas).mean(axis=-1)))


def _middle(values: Floats) -> tuple[float, float]:
    """Median and deviation."""
    middle = float(np.median(values))
    return middle, sigma_of(values - middle)
