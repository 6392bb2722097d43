"""The speech engine: the same voice says the same text in the same bytes, and it is heard who speaks."""

import hashlib
import itertools
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from narration.sandbox.descriptions import _TIMBRES, design
from narration.sandbox.engine import EngineError, EngineKind, EngineMissingError, Traits, load_engine
from narration.sandbox.engine.espeak import EspeakEngine
from narration.sandbox.languages import Language

pytestmark = pytest.mark.slow

SENTENCE = "The lamp was out, but nobody in the house had slept."
SENTENCES = {
    Language.ENGLISH: SENTENCE,
    Language.CHINESE: "灯灭了，但是屋里没有人睡觉。",
    Language.GERMAN: "Die Lampe war aus, aber niemand schlief.",
    Language.ITALIAN: "La lampada era spenta, ma nessuno dormiva.",
    Language.PORTUGUESE: "A lâmpada estava apagada, mas ninguém dormia.",
    Language.SPANISH: "La lámpara estaba apagada, pero nadie dormía.",
    Language.JAPANESE: "ランプはきえていましたが、だれもねむっていませんでした。",
    Language.KOREAN: "등불은 꺼졌지만 아무도 자지 않았다.",
    Language.FRENCH: "La lampe était éteinte, mais personne ne dormait.",
    Language.RUSSIAN: "Лампа погасла, но никто не спал.",
}
Sound = np.ndarray[Any, np.dtype[np.int16]]


@pytest.fixture(scope="module")
def engine() -> EspeakEngine:
    return EspeakEngine()


def digest(sound: Sound) -> str:
    return hashlib.sha256(sound.tobytes()).hexdigest()


def pitch_hz(sound: Sound, rate_hz: int = 24_000, window: int = 1_200) -> float:
    """Return the median fundamental frequency of the voiced windows, by autocorrelation."""
    found = []
    for at in range(0, len(sound) - window, window // 2):
        part = sound[at : at + window].astype(float)
        part -= part.mean()
        if np.sqrt((part**2).mean()) < 800:
            continue
        similarity = np.correlate(part, part, "full")[window - 1 :]
        low, high = rate_hz // 500, rate_hz // 60
        lag = low + int(similarity[low:high].argmax())
        if similarity[lag] > 0.4 * similarity[0]:
            found.append(rate_hz / lag)
    return float(np.median(found))


@pytest.mark.parametrize(("language", "text"), SENTENCES.items())
def test_every_language_is_spoken_and_repeats_byte_for_byte(
    engine: EspeakEngine, language: Language, text: str
) -> None:
    traits = design("A calm woman.", 5)
    first = engine.render(traits, language, text)
    assert 1.5 < len(first) / 24_000 < 12
    assert 500 < np.sqrt((first.astype(float) ** 2).mean()) < 12_000
    engine.render(design("An old man.", 6), Language.ENGLISH, "Something in between, to disturb.")
    assert digest(engine.render(traits, language, text)) == digest(first)


def test_another_process_speaks_the_same_bytes(engine: EspeakEngine) -> None:
    traits = design("A young man.", 11)
    program = (
        "import sys, json, hashlib\n"
        "from narration.sandbox.engine import Traits\n"
        "from narration.sandbox.engine.espeak import EspeakEngine\n"
        "from narration.sandbox.languages import Language\n"
        "sound = EspeakEngine().render(Traits(**json.loads(sys.argv[1])), Language.ENGLISH, sys.argv[2])\n"
        "sys.stdout.write(hashlib.sha256(sound.tobytes()).hexdigest())\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", program, json.dumps(traits.as_dict()), SENTENCE],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert other.stdout == digest(engine.render(traits, Language.ENGLISH, SENTENCE))


def test_a_refused_voice_leaves_nothing_behind(engine: EspeakEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    traits = design("A calm woman.", 5)
    before = digest(engine.render(traits, Language.ENGLISH, SENTENCE))
    with monkeypatch.context() as patch:
        patch.setattr("narration.sandbox.engine.espeak._VOICES", {Language.ENGLISH: "en-gb"})
        with pytest.raises(EngineError, match="en-gb"):
            engine.render(traits, Language.ENGLISH, SENTENCE)
    assert digest(engine.render(traits, Language.ENGLISH, SENTENCE)) == before


def test_threads_do_not_disturb_each_other(engine: EspeakEngine) -> None:
    traits = design("A calm woman.", 5)
    before = digest(engine.render(traits, Language.ENGLISH, SENTENCE))
    heard: list[str] = []

    def speak() -> None:
        mine = EspeakEngine()
        heard.extend(digest(mine.render(traits, Language.ENGLISH, SENTENCE)) for _ in range(10))

    threads = [threading.Thread(target=speak) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [before] * 40


def test_every_timbre_speaks_english_and_chinese_without_clipping(engine: EspeakEngine) -> None:
    variants = sorted(set(itertools.chain.from_iterable(_TIMBRES.values())))
    heard = set()
    for variant in variants:
        traits = Traits(variant=variant, pitch=50, pitch_range=50, rate_wpm=160, tract=1.0, seed=1)
        for language in (Language.ENGLISH, Language.CHINESE):
            sound = engine.render(traits, language, SENTENCES[language]).astype(int)
            assert np.sqrt((sound**2).mean()) > 500, variant
            assert (np.abs(sound) >= 32_767).mean() < 1e-4, variant
            heard.add(sound.tobytes())
    # The library takes the plain voice, without a word, for a variant that it does not have.
    assert len(heard) == 2 * len(variants)


def test_men_women_and_children_differ_in_pitch(engine: EspeakEngine) -> None:
    def median_hz(description: str) -> float:
        sounds = [engine.render(design(description, seed), Language.ENGLISH, SENTENCE) for seed in range(5)]
        return float(np.median([pitch_hz(sound) for sound in sounds]))

    man, woman, child = (median_hz(f"A {who}.") for who in ("man", "woman", "little girl"))
    assert 75 < man < 140
    assert woman > 1.4 * man
    assert child > 1.15 * woman


def test_two_voices_of_one_description_sound_different(engine: EspeakEngine) -> None:
    sounds = [engine.render(design("A calm woman.", seed), Language.ENGLISH, SENTENCE) for seed in range(8)]
    assert len({digest(sound) for sound in sounds}) == 8
    assert len({len(sound) for sound in sounds}) >= 7


def test_a_slow_voice_takes_longer(engine: EspeakEngine) -> None:
    slow, fast = (
        sum(len(engine.render(design(f"A woman, {pace} pace.", seed), Language.ENGLISH, SENTENCE)) for seed in range(3))
        for pace in ("very slow", "very fast")
    )
    assert slow > 1.2 * fast


@pytest.mark.parametrize("text", ["a\0b c", "<speak>5 & 6</speak> [[h@l'oU]]", "\ud800 stray", "x" * 600, "1"])
def test_odd_text_is_spoken_too(engine: EspeakEngine, text: str) -> None:
    assert len(engine.render(design("A man.", 1), Language.ENGLISH, text)) > 2_000


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(EngineMissingError, match=r"narrate\[sandbox\]"):
        load_engine(EngineKind.ESPEAK)
