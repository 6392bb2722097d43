"""The tone engine: cheap tones in place of speech, for tests of throughput.

Invariant: the base frequency tells the voice, the length tells the billed characters of the text.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from narration.sandbox.billing import billed_chars
from narration.sandbox.engine import SAMPLE_RATE_HZ, Samples, Traits
from narration.sandbox.languages import Language

# About as fast as the service speaks: 9 billed characters a second.
CHARS_PER_S = 9.0
SHORTEST_S, LONGEST_S = 0.3, 90.0

_BLOCK_S = 0.2
_STEP_HZ = 5  # whole periods in a block, so that blocks join without a click
_EDGE = 480  # samples of fade at both ends: 20 ms


class ToneEngine:
    """A steady chord of three partials with a syllable beat, at about -20 dBFS."""

    name = "tone-2"
    cheap = True

    def render(self, traits: Traits, language: Language, text: str) -> Samples:
        """Return a tone as long as the text, 24 kHz mono, 16 bit."""
        asked = f"{language}\n{text}".encode("utf-8", "replace")
        chance = int.from_bytes(hashlib.blake2b(asked, digest_size=4).digest())
        base = base_hz(traits)
        # Multiples of the base, as in a voice, so that the chord has one pitch.
        block = (
            _partial(base, 5_000)
            + _partial(_multiple(base, 500 + _STEP_HZ * (traits.seed // 61 % 201)), 1_500)
            + _partial(_multiple(base, 1_600 + _STEP_HZ * (chance % 201)), 800)
        )
        count = round(SAMPLE_RATE_HZ * min(LONGEST_S, max(SHORTEST_S, billed_chars(text) / CHARS_PER_S)))
        samples = np.tile(block.astype(np.int16), count // len(block) + 1)[:count]
        ramp = np.arange(_EDGE) / _EDGE
        samples[:_EDGE] = (samples[:_EDGE] * ramp).astype(np.int16)
        samples[-_EDGE:] = (samples[-_EDGE:] * ramp[::-1]).astype(np.int16)
        return samples

    def score(self, traits: Traits, language: Language, text: str) -> tuple[Samples, Mapping[int, int]]:
        """Return the same with the sample at which each word begins: its characters take equal times."""
        samples = self.render(traits, language, text)
        return samples, {place: place * len(samples) // max(1, len(text)) for place in range(len(text))}


def base_hz(traits: Traits) -> int:
    """Return the base frequency of a voice: 100 to 400 Hz in steps of 5."""
    return 100 + _STEP_HZ * (traits.seed % 61)


def _multiple(base: int, frequency_hz: int) -> int:
    """The multiple of the base next to a frequency; never the base itself."""
    return base * max(2, round(frequency_hz / base))


@lru_cache(maxsize=512)
def _partial(frequency_hz: int, level: int) -> NDArray[np.float32]:
    """Return 0.2 s of one partial that repeats without a seam, under the syllable beat."""
    seconds = np.arange(round(_BLOCK_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    beat = 0.7 - 0.3 * np.cos(2 * np.pi * seconds / _BLOCK_S)
    return np.asarray(level * beat * np.sin(2 * np.pi * frequency_hz * seconds), dtype=np.float32)
