"""Speech engines: what a voice is made of, and the one thing an engine does.

Invariant: what an engine renders is a function of traits, language and text alone, in any process and on any day.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from narration.sandbox.languages import Language

SAMPLE_RATE_HZ = 24_000

Samples = NDArray[np.int16]


class EngineKind(StrEnum):
    """The engines that can be asked for."""

    ESPEAK = "espeak"
    TONE = "tone"


class EngineError(RuntimeError):
    """The engine cannot speak."""


class EngineMissingError(EngineError):
    """The engine's library is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What makes one designed voice sound like itself.

    Attributes:
        variant: the engine's timbre, e.g. `f2`.
        pitch: 0 to 100, 50 is the timbre's own.
        pitch_range: 0 (monotone) to 100 (lively).
        rate_wpm: words per minute.
        tract: size of the vocal tract, 1.0 an adult's; larger is a smaller speaker, with higher formants and pitch.
        seed: the chance of this voice, 0 to 2^31 - 1.
    """

    variant: str
    pitch: int
    pitch_range: int
    rate_wpm: int
    tract: float
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """Return the traits as plain values, for storing."""
        return asdict(self)


class Engine(Protocol):
    """Something that speaks."""

    @property
    def name(self) -> str:
        """Name and version of what renders; audio of another name is rendered afresh."""

    @property
    def cheap(self) -> bool:
        """Whether a rendering is so short that it may run on the event loop."""

    def render(self, traits: Traits, language: Language, text: str) -> Samples:
        """Return the spoken text, 24 kHz mono, 16 bit.

        Raises:
            EngineError: it cannot be spoken.
        """

    def score(self, traits: Traits, language: Language, text: str) -> tuple[Samples, Mapping[int, int]]:
        """Return the same with the sample at which each word begins, by the place of one of its characters.

        Raises:
            EngineError: it cannot be spoken.
        """


def load_engine(kind: EngineKind) -> Engine:
    """Return an engine, importing only what it needs.

    Raises:
        EngineMissingError: its library is not installed.
    """
    if kind is EngineKind.TONE:
        from narration.sandbox.engine.tone import ToneEngine

        return ToneEngine()
    from narration.sandbox.engine.espeak import EspeakEngine

    return EspeakEngine()
