"""What is measured of a take's sound, held against sounds of which it is known."""

from __future__ import annotations

import numpy as np
import pytest

from narration.audio.clips import measure_take
from narration.sandbox.audio import wav
from narration.sandbox.damage import Damage, damaged
from narration.sandbox.descriptions import design
from narration.sandbox.engine import Samples
from narration.sandbox.engine.tone import ToneEngine
from narration.sandbox.languages import Language
from narration.take import ClipTraits

RATE_HZ = 24_000
TEXT = "The first is fine. The second is too. The third one, as it happens, is the last."


def voice(hz: float, seconds: float, *, loud: float = 6_000) -> Samples:
    """A buzz of ten partials with a syllable beat."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    sound = sum(np.sin(2 * np.pi * hz * partial * time) / partial for partial in range(1, 11))
    return np.asarray(loud * sound * (0.7 - 0.3 * np.cos(2 * np.pi * 4 * time)), dtype=np.int16)


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ), dtype=np.int16)


def traits(*parts: Samples) -> ClipTraits:
    found = measure_take(wav(np.concatenate(parts)))[1]
    assert found is not None
    return found


@pytest.mark.parametrize("hz", [85.0, 120.0, 210.0, 320.0])
def test_pitch_is_that_of_the_fundamental_and_not_an_octave_off(hz: float) -> None:
    assert traits(quiet(0.1), voice(hz, 2.0), quiet(0.1)).pitch_hz == pytest.approx(hz, rel=0.03)


def test_noise_has_no_pitch() -> None:
    noise = np.random.default_rng(1).normal(0, 4_000, RATE_HZ).astype(np.int16)
    found = traits(quiet(0.2), noise, quiet(0.2))
    assert found.voiced < 0.1
    assert found.hiss_dbfs > -40


def test_a_gap_is_the_longest_silence_inside() -> None:
    found = traits(quiet(1.0), voice(120, 1.0), quiet(0.6), voice(120, 1.0), quiet(0.2), voice(120, 1.0), quiet(2.0))
    assert found.gap_ms == pytest.approx(600, abs=30)


def test_an_edge_tells_a_take_that_ends_in_the_midst_of_a_sound() -> None:
    whole, cut = traits(quiet(0.2), voice(120, 1.0), quiet(0.2)), traits(quiet(0.2), voice(120, 1.0))
    assert whole.tail_edge_db < -80
    assert cut.tail_edge_db > -10
    assert cut.head_edge_db < -80


def test_flat_tops_are_counted_wherever_they_are_cut_off() -> None:
    sound = voice(120, 2.0)
    assert traits(sound).clipped_ppm == 0
    for top in (32_767, 6_000):
        assert traits(np.clip(sound.astype(np.int32) * 4, -top, top).astype(np.int16)).clipped_ppm > 10_000


def test_a_stretch_that_is_heard_twice_is_found_and_its_length_told() -> None:
    chance = np.random.default_rng(2)
    notes = [voice(float(hz), 0.256) for hz in chance.uniform(90, 400, 12)]
    once = np.concatenate(notes)
    assert traits(once).repeated_ms == 0
    assert traits(once, once[: RATE_HZ * 2]).repeated_ms >= 1_000


def test_a_stretch_that_is_said_again_a_little_otherwise_is_found_too() -> None:
    chance = np.random.default_rng(4)
    hertz = chance.uniform(90, 400, 8)
    first = np.concatenate([voice(float(hz), 0.24) for hz in hertz])
    again = np.concatenate([voice(float(hz), 0.25, loud=3_000) for hz in hertz])[100:]
    length_ms = len(first) * 1000 // RATE_HZ
    assert traits(first, quiet(0.2), again).repeated_ms == pytest.approx(length_ms + 200, rel=0.15)
    assert traits(first).repeated_ms == 0


def test_timbre_does_not_depend_on_the_level() -> None:
    loud, soft = traits(voice(120, 2.0)), traits(voice(120, 2.0, loud=1_500))
    assert np.allclose(loud.timbre_db, soft.timbre_db, atol=0.5)
    assert len(loud.timbre_db) == 20


def test_a_silent_clip_has_no_traits() -> None:
    measures, found = measure_take(wav(quiet(1.0)))
    assert found is None
    assert measures.speech_start == measures.speech_end


@pytest.mark.parametrize("kind", Damage)
def test_each_damage_changes_a_take_and_is_the_same_for_the_same_seed(kind: Damage) -> None:
    engine, somebody = ToneEngine(), design("a calm woman", 3)
    good = engine.render(somebody, Language.ENGLISH, TEXT)
    one = damaged(engine, somebody, Language.ENGLISH, TEXT, kind, 7)
    again = damaged(engine, somebody, Language.ENGLISH, TEXT, kind, 7)
    assert np.array_equal(one, again)
    assert len(one) != len(good) or not np.array_equal(one, good)


@pytest.mark.parametrize("kind", [Damage.CUT_END, Damage.CUT_START, Damage.DROPPED, Damage.DOUBLE_SPEED])
@pytest.mark.parametrize("seed", range(5))
def test_what_shortens_a_take_takes_at_least_a_fifth_of_it(kind: Damage, seed: int) -> None:
    engine, somebody = ToneEngine(), design("a calm woman", 3)
    good = engine.render(somebody, Language.ENGLISH, TEXT)
    assert len(damaged(engine, somebody, Language.ENGLISH, TEXT, kind, seed)) <= 0.81 * len(good)
