"""The tone engine: the base frequency tells the voice, the length the text."""

import numpy as np
import pytest

from narration.sandbox.descriptions import design
from narration.sandbox.engine.tone import ToneEngine, base_hz
from narration.sandbox.languages import Language


@pytest.mark.parametrize("seed", [0, 7, 60, 12_345])
def test_the_loudest_frequency_is_the_voices(seed: int) -> None:
    traits = design("A woman.", seed)
    sound = ToneEngine().render(traits, Language.ENGLISH, "x" * 45)
    spectrum = np.abs(np.fft.rfft(sound.astype(float)))
    assert np.fft.rfftfreq(len(sound), 1 / 24_000)[spectrum.argmax()] == pytest.approx(base_hz(traits), abs=1)


@pytest.mark.parametrize(("text", "seconds"), [("x" * 90, 10), ("灯" * 45, 10), ("x", 0.3), ("x" * 600, 66.67)])
def test_the_length_is_nine_billed_characters_a_second(text: str, seconds: float) -> None:
    sound = ToneEngine().render(design("A woman.", 1), Language.ENGLISH, text)
    assert len(sound) / 24_000 == pytest.approx(seconds, abs=0.01)


def test_it_is_level_and_never_silent_in_between() -> None:
    sound = ToneEngine().render(design("A woman.", 1), Language.ENGLISH, "x" * 90).astype(float)
    windows = sound[: len(sound) // 2_400 * 2_400].reshape(-1, 2_400)
    level_dbfs = 20 * np.log10(np.sqrt((windows**2).mean(axis=1)) / 32_768)
    assert level_dbfs.min() > -30
    assert np.abs(sound).max() < 16_000
