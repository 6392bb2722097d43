"""pocketsphinx in its own process: what it can follow, what it cannot, and what becomes of a process that dies."""

from __future__ import annotations

import pytest

from narration.check.words import expected_words
from narration.errors import InputError
from narration.hearing import HearingAsk, Transcript
from narration.sandbox.audio import wav
from narration.sandbox.damage import Damage, damaged
from narration.sandbox.descriptions import design
from narration.sandbox.engine import EngineKind, load_engine
from narration.sandbox.languages import Language
from narration.services.protocol import OpenGate
from narration.services.transcribe_offline import OfflineRecogniser

pytest.importorskip("pocketsphinx", reason="the extra `narrate[speechcheck]` is not installed")
pytest.importorskip("espeakng_loader", reason="the extra `narrate[sandbox]` is not installed")

pytestmark = pytest.mark.slow

TEXT = "The old man sat down by the fire. He did not say a word all night. In the morning he was gone."
"""Of the voice below it is followed with noise and silence added, too: a sound that only just fits proves nothing."""


def sound(kind: Damage | None = None) -> bytes:
    engine, traits = load_engine(EngineKind.ESPEAK), design("a calm old man, low", 0)
    if kind is None:
        return wav(engine.render(traits, Language.ENGLISH, TEXT))
    return wav(damaged(engine, traits, Language.ENGLISH, TEXT, kind, 5))


def ask(text: str = TEXT, language: str = "en") -> HearingAsk:
    return HearingAsk(
        kind="offline", place="offline", model="", sha256="", language=language, expected=expected_words(text)
    )


async def heard(*sounds: bytes, text: str = TEXT, answer_s: float = 300.0) -> list[Transcript]:
    recogniser = OfflineRecogniser(processes=1, answer_s=answer_s)
    try:
        return [(await recogniser.transcribe(one, ask(text), OpenGate())).said for one in sounds]
    finally:
        await recogniser.aclose()


async def test_a_whole_take_is_followed_and_one_with_words_missing_is_not() -> None:
    whole, dropped, cut, twice, silent, torn = await heard(
        sound(), sound(Damage.DROPPED), sound(Damage.CUT_END), sound(Damage.REPEATED), sound(Damage.SILENT), b"no sound"
    )
    assert whole.followed
    assert [word.text for word in whole.words] == expected_words(TEXT).split()
    starts = [word.start_ms or 0 for word in whole.words]
    assert starts == sorted(starts)
    assert [one.followed for one in (dropped, cut, silent, torn)] == [False] * 4
    assert not twice.followed or any(word.text.startswith("[") for word in twice.words)


async def test_words_in_no_dictionary_are_passed_over_and_too_many_are_not_followed() -> None:
    unknown = TEXT.replace("gone", "xqzt")
    some, none = (await heard(sound(), text=unknown))[0], (await heard(sound(), text="xqzt vbrk wmpf pen"))[0]
    assert not some.followed or some.words[-1].start_ms is None
    assert not none.followed


async def test_a_process_that_dies_or_hangs_is_replaced_and_its_take_is_not_followed() -> None:
    assert [one.followed for one in await heard(sound(), answer_s=0.001)] == [False]
    recogniser = OfflineRecogniser(processes=1)
    try:
        await recogniser.transcribe(b"no sound", ask(), OpenGate())
        process = await recogniser._idle.get()
        assert process is not None
        process.kill()
        recogniser._idle.put_nowait(process)
        said = [(await recogniser.transcribe(b"no sound", ask(), OpenGate())).said.followed for _ in range(2)]
        assert said == [False, False]
    finally:
        await recogniser.aclose()


async def test_another_language_is_refused() -> None:
    with pytest.raises(InputError, match="English only"):
        await OfflineRecogniser().transcribe(b"", ask(language="zh"), OpenGate())
