"""Settings of the checks of takes: what is still right, and how often a take that is not is spoken again.

Invariant: only numbers, and who hears the words; what they mean is in `narration.check.takes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from narration.hearing import RecogniserKind

_Sigmas = Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)]
_Decibels = Annotated[float, Field(ge=0, le=200, allow_inf_nan=False)]
_Milliseconds = Annotated[int, Field(ge=0, le=600_000)]


_Words = Annotated[int, Field(ge=1, le=10_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """What a take may be like. A sigma is the usual deviation of that voice's takes.

    Attributes:
        retakes: how often a take that fails is spoken again, at the most; 0 never.
        doubt_share: of this share of the takes that pass, at the most, a second one is spoken, as it is far from usual;
            of a few takes one, with 0 none. Without retakes there are none either.
        learn_from: so many takes of a voice tell what is usual of it; before, only wide limits hold.
        pace_sigmas: of the length, against what the voice takes for such a text.
        least_share: no length above this share of the expected one is too short, however regular the voice.
        runaway_times: a take so many times as long as expected runs away.
        repeat_sigmas: so much longer than expected may a take be in which words seem to be heard twice, if it is longer
            by about them.
        gap_ms: longest silence inside a take, beyond what the voice's pauses are.
        head_ms, tail_ms: longest silence before and after the speech.
        edge_db: a take whose outermost 10 ms are nearer than this to the speech, and louder than is usual of the voice,
            begins or ends in the midst of a sound.
        clipped_ppm: samples in flat tops, per million.
        voiced_share: where less of the speech than this has a pitch, it is whispered, or noise; 0 is no rule.
        level_db: distance of the level from the voice's own.
        level_sigmas: the same, in sigmas; both have to be exceeded.
        noise_db: noise nearer than this to the level of the speech, and above what is usual of the voice, is too much.
        pitch_octaves, pitch_sigmas: distance of the pitch from the voice's own; both have to be exceeded.
        timbre_sigmas: distance of the timbre from the voice's own.
        recogniser: who hears the words of every take.
        missing_words: so many words in a row that were not heard are missing; two Chinese characters count as a word.
        added_words: so many words in a row that are not in the text are added.
        changed_words: so many words in a row that were heard as others are changed.
        heard_share: where less of the words than this was heard, the recogniser did not understand the take.
    """

    retakes: Annotated[int, Field(ge=0, le=20)] = 2
    doubt_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.01
    learn_from: Annotated[int, Field(ge=3, le=10_000)] = 8
    pace_sigmas: _Sigmas = 3.8
    least_share: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.88
    runaway_times: Annotated[float, Field(ge=1.2, le=100, allow_inf_nan=False)] = 2.5
    repeat_sigmas: _Sigmas = 3.0
    gap_ms: _Milliseconds = 2500
    head_ms: _Milliseconds = 2000
    tail_ms: _Milliseconds = 3000
    edge_db: _Decibels = 7.0
    clipped_ppm: Annotated[int, Field(ge=0, le=1_000_000)] = 300
    voiced_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.05
    level_db: _Decibels = 6.0
    level_sigmas: _Sigmas = 6.0
    noise_db: _Decibels = 29.0
    pitch_octaves: Annotated[float, Field(gt=0, le=5, allow_inf_nan=False)] = 0.12
    pitch_sigmas: _Sigmas = 6.0
    timbre_sigmas: _Sigmas = 4.5
    recogniser: RecogniserKind = RecogniserKind.NONE
    missing_words: _Words = 2
    added_words: _Words = 2
    changed_words: _Words = 3
    heard_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.4
