"""Takes gone wrong in the ten ways in which synthetic speech goes wrong, each of a stated size.

Invariant: the same text, voice, kind and seed give the same damaged sound, and no damage is too small to be heard.
"""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import numpy as np

from narration.sandbox.descriptions import design
from narration.sandbox.engine import SAMPLE_RATE_HZ, Engine, Samples, Traits
from narration.sandbox.languages import Language

CUT_SHARE = (0.2, 0.5)
"""Share of the speech that a cut take lacks."""
NOISE_BELOW_SPEECH_DB = (10.0, 20.0)
CLIPPED_DB = (9.0, 15.0)
"""How far peaks would stand above where they are cut off."""
SOFT_DB = 12.0
FAST = 2
_BLOCK = SAMPLE_RATE_HZ * 40 // 1000
_SILENT = 50
"""Samples below this height are the silence around the speech."""
_FADE = 60
_SENTENCES = re.compile(r"[^.!?。！？…]+[.!?。！？…]*[”’」\"']*\s*")
_CLAUSES = re.compile(r"[^,;:，；：、—]+[,;:，；：、—]*\s*")


class Damage(StrEnum):
    """What can be the matter with a take."""

    CUT_END = "cut_end"
    CUT_START = "cut_start"
    DROPPED = "dropped"
    REPEATED = "repeated"
    SILENT = "silent"
    NOISE = "noise"
    CLIPPED = "clipped"
    OTHER_VOICE = "other_voice"
    DOUBLE_SPEED = "double_speed"
    SOFT = "soft"


KINDS: tuple[Damage, ...] = tuple(Damage)


def damaged(engine: Engine, traits: Traits, language: Language, text: str, kind: Damage, seed: int) -> Samples:
    """Speak a text with one thing the matter.

    Args:
        engine: speaks it.
        traits: of the voice.
        language: of the text.
        text: what is asked for.
        kind: what is the matter.
        seed: of the chance that says how much, and where.

    Raises:
        EngineError: it cannot be spoken.
    """
    chance = random.Random(seed)  # noqa: S311 - damage, not a secret
    match kind:
        case Damage.DROPPED:
            return engine.render(traits, language, _without_middle(text))
        case Damage.REPEATED:
            return engine.render(traits, language, _with_end_twice(text))
        case Damage.OTHER_VOICE:
            return engine.render(_stranger(traits, chance), language, text)
        case _:
            return _SPOILT[kind](engine.render(traits, language, text), chance)


def text_said(text: str, traits: Traits, kind: Damage | None, seed: int) -> tuple[str, Traits]:
    """Return what is really said, and by whom, where something is the matter.

    Args:
        text: what was asked for.
        traits: of the voice that was asked for.
        kind: what is the matter; None where nothing is.
        seed: as for `damaged`.
    """
    chance = random.Random(seed)  # noqa: S311 - damage, not a secret
    match kind:
        case Damage.DROPPED:
            return _without_middle(text), traits
        case Damage.REPEATED:
            return _with_end_twice(text), traits
        case Damage.OTHER_VOICE:
            return text, _stranger(traits, chance)
        case _:
            return text, traits


def remains(samples: Samples, kind: Damage | None, seed: int) -> tuple[int, int, int]:
    """Return which samples of what is said remain, first and one-past-last, and how many times faster they are."""
    chance = random.Random(seed)  # noqa: S311 - damage, not a secret
    start, end = _span(samples)
    match kind:
        case Damage.CUT_END:
            return 0, end - int((end - start) * chance.uniform(*CUT_SHARE)), 1
        case Damage.CUT_START:
            return start + int((end - start) * chance.uniform(*CUT_SHARE)), len(samples), 1
        case Damage.DOUBLE_SPEED:
            return 0, len(samples), FAST
        case _:
            return 0, len(samples), 1


def _parts(text: str) -> list[str]:
    """Sentences; of two or fewer, clauses; of those, thirds of the words, or of the characters where none are apart."""
    for pattern in (_SENTENCES, _CLAUSES):
        found = [part for part in pattern.findall(text) if any(char.isalnum() for char in part)]
        if len(found) >= 3:
            return found
    pieces = text.split(" ")
    words = [f"{word} " for word in pieces] if len(pieces) >= 3 else list(text)
    third = max(1, len(words) // 3)
    return ["".join(words[:third]), "".join(words[third : len(words) - third]), "".join(words[len(words) - third :])]


def _without_middle(text: str) -> str:
    parts = _parts(text)
    middle = len(parts) // 2
    left = "".join(parts[:middle] + parts[middle + 1 :])
    return left if any(char.isalnum() for char in left) else text[:1]


def _with_end_twice(text: str) -> str:
    return f"{text} {_parts(text)[-1]}"


def _stranger(traits: Traits, chance: random.Random) -> Traits:
    """Somebody else, who speaks about as fast."""
    while True:
        other = design("", chance.randrange(2**31))
        if other.variant != traits.variant:
            return replace(other, rate_wpm=traits.rate_wpm)


def _span(samples: Samples) -> tuple[int, int]:
    """First and one-past-last sample that is heard."""
    heard = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SILENT)
    return (int(heard[0]), int(heard[-1]) + 1) if len(heard) else (0, len(samples))


def _cut_end(samples: Samples, chance: random.Random) -> Samples:
    start, end = _span(samples)
    kept = samples[: end - int((end - start) * chance.uniform(*CUT_SHARE))].copy()
    fade = min(_FADE, len(kept))
    kept[len(kept) - fade :] = (kept[len(kept) - fade :] * np.linspace(1, 0, fade)).astype(np.int16)
    return kept


def _cut_start(samples: Samples, chance: random.Random) -> Samples:
    return _cut_end(samples[::-1], chance)[::-1]


def _noisy(samples: Samples, chance: random.Random) -> Samples:
    start, end = _span(samples)
    rms = float(np.sqrt(np.square(samples[start:end].astype(np.float64)).mean())) if end > start else 0.0
    amount = rms * 10 ** (-chance.uniform(*NOISE_BELOW_SPEECH_DB) / 20)
    noise = np.random.default_rng(chance.randrange(2**31)).normal(0, amount, len(samples))
    return np.asarray(np.clip(samples + noise, -32_768, 32_767), dtype=np.int16)


def _clipped(samples: Samples, chance: random.Random) -> Samples:
    peak = int(np.abs(samples.astype(np.int32)).max(initial=1))
    top = peak * 10 ** (-chance.uniform(*CLIPPED_DB) / 20)
    return np.asarray(np.clip(samples, -top, top) * min(peak, 30_000) / top, dtype=np.int16)


def _fast(samples: Samples, _chance: random.Random) -> Samples:
    """Twice as fast at the same pitch: of each two blocks one, run into the next."""
    whole = samples[: len(samples) // (_BLOCK * FAST) * _BLOCK * FAST].astype(np.float64)
    if not len(whole):
        return samples[::FAST]
    pairs = whole.reshape(-1, FAST, _BLOCK)
    ramp = np.linspace(1, 0, _BLOCK)
    return np.asarray(pairs[:, 0] * ramp + pairs[:, 1] * (1 - ramp), dtype=np.int16).reshape(-1)


_SPOILT: dict[Damage, Callable[[Samples, random.Random], Samples]] = {
    Damage.CUT_END: _cut_end,
    Damage.CUT_START: _cut_start,
    Damage.SILENT: lambda samples, _chance: np.zeros_like(samples),
    Damage.NOISE: _noisy,
    Damage.CLIPPED: _clipped,
    Damage.DOUBLE_SPEED: _fast,
    Damage.SOFT: lambda samples, _chance: (samples * 10 ** (-SOFT_DB / 20)).astype(np.int16),
}
