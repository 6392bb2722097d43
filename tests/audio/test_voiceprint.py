"""Voiceprints and likeness: pitch is found, level does not matter, swapped takes are told, a voice's own are not."""

from __future__ import annotations

import io
import itertools
import math
import random
from dataclasses import replace

import av
import numpy as np
import pytest

from narration.audio.levels import Samples
from narration.audio.likeness import Likeness
from narration.audio.voiceprint import CEPSTRA, VoicePrint, print_of, print_of_samples
from narration.errors import AudioRefused
from narration.sandbox import audio
from narration.sandbox.descriptions import design
from narration.sandbox.engine.espeak import EspeakEngine
from narration.sandbox.languages import Language

RATE_HZ = 24_000
PROMPTS = {
    "Narrator": "A calm middle-aged woman, low pitch, steady pace.",
    "Ann": "A young woman, high pitch, fast pace, bright and clear.",
    "Ben": "An elderly man, low pitch, slow pace, hoarse.",
    "Pip": "A boy of about ten, high pitch.",
}
WORDS = (
    "The kettle had been on the hob since six.",
    "Nobody had come for it, and nobody would.",
    "It wants to be taken off, you know.",
    "Is there any sugar left in the cupboard?",
    "There was, yesterday.",
    "We counted the lamps twice and found one short.",
    "Then take it off, will you, before it boils dry.",
    "Good evening to you all.",
)

STILL = VoicePrint(
    speech_s=1.0, pitch_hz=200.0, pitch_spread_st=2.0, pace_per_s=4.0, level_dbfs=-20.0, timbre=(0.0,) * CEPSTRA
)


def _buzz(pitch_hz: float, seconds: float = 1.5, rate_hz: int = RATE_HZ) -> Samples:
    """A tone with many harmonics, in syllables."""
    at = np.arange(int(seconds * rate_hz)) / rate_hz
    harmonics = [np.sin(2 * np.pi * pitch_hz * number * at) / number for number in range(1, int(7_600 / pitch_hz))]
    envelope = 0.25 + 0.75 * np.abs(np.sin(2 * np.pi * 2 * at))
    return np.asarray(4000 * envelope * np.sum(harmonics, axis=0)).astype(np.int16)


@pytest.mark.parametrize("pitch_hz", [75.0, 110.0, 180.0, 260.0, 400.0])
@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 48_000])
def test_the_pitch_of_a_voiced_sound_is_found_within_two_percent(pitch_hz: float, rate_hz: int) -> None:
    heard = print_of_samples(_buzz(pitch_hz, rate_hz=rate_hz), rate_hz)
    assert heard is not None
    assert heard.pitch_hz == pytest.approx(pitch_hz, rel=0.02)
    assert heard.pitch_spread_st < 0.5


def test_loudness_is_measured_and_is_no_part_of_the_timbre() -> None:
    loud, soft = print_of_samples(_buzz(150), RATE_HZ), print_of_samples(_buzz(150) // 4, RATE_HZ)
    assert loud is not None
    assert soft is not None
    assert loud.level_dbfs - soft.level_dbfs == pytest.approx(20 * math.log10(4), abs=0.2)
    assert np.allclose(loud.timbre, soft.timbre, atol=0.6)


def test_beats_are_counted() -> None:
    heard = print_of_samples(_buzz(150, seconds=3), RATE_HZ)
    assert heard is not None
    assert heard.pace_per_s == pytest.approx(4, abs=0.7)


def test_silence_has_no_print_and_noise_of_bytes_is_refused() -> None:
    assert print_of_samples(np.zeros(RATE_HZ, dtype=np.int16), RATE_HZ) is None
    with pytest.raises(AudioRefused, match="cannot be decoded"):
        print_of(b"not a sound", "mp3")


@pytest.mark.parametrize("form", ["mp3", "opus"])
def test_a_compressed_preview_is_measured_as_the_same_voice(form: str) -> None:
    heard = print_of(audio.preview(_buzz(150), RATE_HZ, form), form)
    assert heard is not None
    assert heard.pitch_hz == pytest.approx(150, rel=0.02)


@pytest.fixture(scope="module")
def spoken() -> dict[tuple[str, str], VoicePrint]:
    """Every line in every voice of the sandbox's engine."""
    engine = EspeakEngine()
    found = {}
    for seed, (name, prompt) in enumerate(PROMPTS.items(), start=7):
        traits = design(prompt, seed=seed)
        for text in WORDS:
            heard = print_of_samples(engine.render(traits, Language.ENGLISH, text), RATE_HZ)
            assert heard is not None
            found[name, text] = heard
    return found


def test_swapped_takes_are_told_and_a_voices_own_are_not(spoken: dict[tuple[str, str], VoicePrint]) -> None:
    chance = random.Random(3)  # noqa: S311 — which takes are swapped
    pairs = list(itertools.product(PROMPTS, WORDS))
    swapped = {pairs.index(pair) for pair in chance.sample(pairs, 3)}
    takes = []
    for index, (name, text) in enumerate(pairs):
        voice = chance.choice([other for other in PROMPTS if other != name]) if index in swapped else name
        takes.append((name, spoken[voice, text]))
    told = {stray.index for stray in Likeness({}, takes).strays()}
    assert swapped <= told
    assert len(told - swapped) <= 1


def test_the_order_of_the_takes_does_not_matter(spoken: dict[tuple[str, str], VoicePrint]) -> None:
    takes = [(name, heard) for (name, _), heard in spoken.items()]
    there, back = Likeness({}, takes), Likeness({}, takes[::-1])
    assert there.pairs() == back.pairs()
    assert len(there.strays()) == len(back.strays())


def test_two_characters_with_one_voice_are_told_as_alike(spoken: dict[tuple[str, str], VoicePrint]) -> None:
    takes = [(name, heard) for (name, _), heard in spoken.items()]
    takes += [("Twin", heard) for (name, _), heard in spoken.items() if name == "Ann"]
    alike = Likeness({}, takes).alike()
    assert {frozenset((pair.one, pair.other)) for pair in alike} == {frozenset(("Ann", "Twin"))}


def test_a_voice_that_left_its_preview_is_told(spoken: dict[tuple[str, str], VoicePrint]) -> None:
    takes = [(name, heard) for (name, _), heard in spoken.items()]
    previews = {name: spoken[name, WORDS[0]] for name in PROMPTS}
    assert Likeness(previews, takes).drifted() == ()
    previews["Ben"] = spoken["Pip", WORDS[0]]
    assert [voice for voice, _ in Likeness(previews, takes).drifted()] == ["Ben"]


@pytest.mark.parametrize(("speech_s", "told"), [(1.0, []), (20.0, ["Ann"])])
def test_the_same_few_words_over_and_over_are_no_voice_that_left_its_preview(speech_s: float, told: list[str]) -> None:
    preview = replace(STILL, speech_s=3.0)
    takes = [("Ann", replace(STILL, speech_s=speech_s, timbre=(2.5,) * CEPSTRA))] * 4
    assert [voice for voice, _ in Likeness({"Ann": preview}, takes).drifted()] == told


def test_a_whisper_has_a_print_too_though_nothing_in_it_is_voiced() -> None:
    heard = print_of_samples(np.random.default_rng(7).normal(0, 1800, 36_000).astype(np.int16), RATE_HZ)
    assert heard is not None
    assert heard.level_dbfs == pytest.approx(-25, abs=1)


def test_a_preview_without_a_sample_is_refused() -> None:
    empty = io.BytesIO()
    with av.open(empty, "w", format="ogg") as container:
        container.add_stream("libopus", rate=48_000)
    with pytest.raises(AudioRefused):
        print_of(empty.getvalue(), "opus")
