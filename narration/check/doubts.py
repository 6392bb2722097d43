"""Doubts: how far a take is from what is usual of its voice, short of a flaw, and whether another take bears it out.

Invariant: a doubt is no finding. It asks for one more take of the same words: where that is about the same, the words
are the reason; where it is not, the one that is nearer to what is usual is heard.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from narration.audio.usual import Heard, Usual, looseness

SHORT_S = 0.05
"""Lengths are known to this at best: what is soft at the ends of a word may be heard or not."""
REPEAT_SHARE = (0.5, 1.8)
"""What is heard twice makes a take longer by its length, within these factors: pauses, and how it is said."""
LEAST_VOICE_S = 0.6
"""A single syllable tells nothing of a voice: in a tonal language its pitch is the word's, and no pause is in it."""
LEAST_SIGMA = 0.02
"""No text is expected to be spoken more evenly than this: the logarithm of its length."""
SHORT_SIGMAS, LONG_SIGMAS, TWICE_SIGMAS = 2.8, 2.1, 1.2
"""A take that is shorter than expected by so many sigmas is doubted, or longer, or longer with words heard twice.

Source: 900 sound lines of the sandbox, of which two in a hundred are beyond one of these limits, and 3,600 damaged
ones, of whose 208 without a flaw seven in ten are; those that are farthest beyond come first.
"""
PITCH_SIGMAS, TIMBRE_SIGMAS, LEVEL_SIGMAS = 4.0, 4.2, 6.0
"""The same of pitch, timbre and level, and of all three taken together. Source: the same takes."""
SAME = 0.4
"""Two takes are about the same where they differ by less than this share of what makes a doubt: one sigma of length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """How far a take is from what is usual; 1 is where it begins to be doubted, and signs tell the side.

    Attributes:
        said: how much is said, against its text: by length, and by beats of loudness where these are known.
        twice: the same, with words heard twice; 0 where none are.
        pitch, timbre, level: of the voice; timbre has no side but away.
    """

    said: float = 0.0
    twice: float = 0.0
    pitch: float = 0.0
    timbre: float = 0.0
    level: float = 0.0

    @property
    def weight(self) -> float:
        """How doubtful it is: from 1 on it is worth a second opinion."""
        return max(abs(self.said), self.twice, math.hypot(self.pitch, self.timbre, self.level))

    @property
    def why(self) -> str:
        """What is doubted most, for people."""
        of_length = max(abs(self.said), self.twice)
        if of_length >= math.hypot(self.pitch, self.timbre, self.level):
            return "length" if self.twice <= abs(self.said) else "words heard twice"
        return "voice"

    @property
    def of_the_voice(self) -> Apart:
        """The same with everything said: every word was heard."""
        return replace(self, said=0.0, twice=0.0)

    def same(self, other: Apart) -> bool:
        """Whether another take of the same words is about the same."""
        pairs = (
            (self.said, other.said),
            (self.pitch, other.pitch),
            (self.timbre, other.timbre),
            (self.level, other.level),
        )
        return all(abs(one - another) <= SAME for one, another in pairs)


def apart_of(heard: Heard, usual: Usual, *, known: bool) -> Apart:
    """How far a take is from what is usual of its voice.

    Args:
        heard: the take.
        usual: of its voice.
        known: whether pace and level are; pitch and timbre are where `usual` says so.
    """
    apart = Apart()
    if known:
        expected_s = usual.expected_s(heard.weights)
        sigmas = _said_sigmas(heard, usual, expected_s)
        twice = sigmas / TWICE_SIGMAS if heard_twice_s(heard, expected_s) else 0.0
        level = (heard.level_dbfs - usual.level_dbfs) / (LEVEL_SIGMAS * usual.level_sigma_db * usual.few)
        apart = Apart(said=sigmas / (LONG_SIGMAS if sigmas > 0 else SHORT_SIGMAS), twice=twice, level=level)
    if not usual.voice_known or heard.speech_s < LEAST_VOICE_S:
        return replace(apart, level=0.0)
    pitch = octaves_apart(heard, usual) / (PITCH_SIGMAS * usual.pitch_sigma_octaves * looseness(heard.speech_s))
    timbre = max(0.0, usual.timbre_sigmas(heard)) / TIMBRE_SIGMAS
    return replace(apart, pitch=pitch / usual.voice_few, timbre=timbre / usual.voice_few)


def _said_sigmas(heard: Heard, usual: Usual, expected_s: float) -> float:
    """How much more or less was said than the text is long: by length, and by beats where these are known."""
    length, beats = math.log(heard.speech_s / expected_s), heard.traits.beats
    if usual.said is None or beats is None:
        return length / length_sigma(usual, expected_s, LEAST_SIGMA)
    apart = usual.said.apart(length, heard.weights, beats)
    return apart / (math.hypot(usual.said.sigma_at(expected_s), SHORT_S / expected_s) * usual.few)


def length_sigma(usual: Usual, expected_s: float, least: float = 0.0) -> float:
    """Deviation of the logarithm of a length, wider while few takes tell it."""
    return math.hypot(usual.pace_sigma_at(expected_s, least), SHORT_S / expected_s) * usual.few


def heard_twice_s(heard: Heard, expected_s: float) -> float:
    """How long what is heard twice is, where a take is longer by about that much; else 0.

    Words that the author has twice make no take longer than its text.
    """
    repeated_s, longer_s = heard.traits.repeated_ms / 1000, heard.speech_s - expected_s
    least, most = REPEAT_SHARE
    return repeated_s if repeated_s * least < longer_s < repeated_s * most else 0.0


def octaves_apart(heard: Heard, usual: Usual) -> float:
    """How far the pitch of a take is from the voice's own, up or down; 0 where one of them has none."""
    found_hz, own_hz = heard.traits.pitch_hz, usual.pitch_hz
    return math.log2(found_hz / own_hz) if found_hz and own_hz else 0.0


def most_doubtful(weights: Mapping[str, float], share: float) -> frozenset[str]:
    """Of takes that passed, those that are worth a second opinion: the most doubtful ones, up to a share of all.

    Args:
        weights: how doubtful each is, by take id.
        share: of them; of a few takes still one, unless it is 0.
    """
    most = max(1, int(share * len(weights))) if share > 0 else 0
    doubted = [take_id for take_id, weight in weights.items() if weight >= 1]
    return frozenset(sorted(doubted, key=lambda take_id: (-weights[take_id], take_id))[:most])
