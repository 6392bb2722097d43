"""pocketsphinx in its own process: what it can follow, what it cannot, and what becomes of a process that dies."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from narration.audio.dictation import BEYOND, serve
from narration.check.words import expected_words
from narration.errors import InputError, ToolError
from narration.hearing import HearingAsk, Transcript
from narration.sandbox.audio import wav
from narration.sandbox.damage import Damage, damaged
from narration.sandbox.descriptions import design
from narration.sandbox.engine import EngineKind, load_engine
from narration.sandbox.languages import Language
from narration.services.protocol import OpenGate
from narration.services.transcribe_offline import MODULE, OfflineRecogniser

pytest.importorskip("pocketsphinx", reason="the extra `narrate[speechcheck]` is not installed")
pytest.importorskip("espeakng_loader", reason="the extra `narrate[sandbox]` is not installed")

pytestmark = pytest.mark.slow

TEXT = "The old man sat down by the fire. He did not say a word all night. In the morning he was gone."
"""Of the voice below it is followed with noise and silence added, too: a sound that only just fits proves nothing."""


def sound(kind: Damage | None = None, *, text: str = TEXT) -> bytes:
    engine, traits = load_engine(EngineKind.ESPEAK), design("a calm old man, low", 0)
    if kind is None:
        return wav(engine.render(traits, Language.ENGLISH, text))
    return wav(damaged(engine, traits, Language.ENGLISH, text, kind, 5))


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
    assert [one.followed for one in await heard(sound(), answer_s=0.0)] == [False]  # over before it has all the sound
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


def laid(*asked: tuple[bytes, str]) -> list[dict[str, list[list[str | int | None]]]]:
    """What is answered when texts are laid along sounds, one after the other."""
    sent = [json.dumps({"bytes": len(wav_), "words": text.split()}).encode() + b"\n" + wav_ for wav_, text in asked]
    answers = io.BytesIO()
    serve(io.BytesIO(b"".join(sent)), answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_every_sound_is_answered_with_one_line_and_what_cannot_be_followed_says_so() -> None:
    whole, text = sound(), expected_words(TEXT)
    unknown = text.replace("night", "xqzt")
    longer, first = "He did not say a word all night. In the morning he was gone.", "he did not say a word all night"
    said, with_unknown, with_more, *others = laid(
        (whole, text),
        (whole, unknown),
        (sound(text=longer), first),
        (whole, "xqzt vbrk wmpf pen"),
        (b"no sound", text),
        (sound(Damage.SILENT), text),
        (whole, text + " and then she came back to him and they lived by the sea"),
    )
    assert [word for word, _, _ in said["words"]] == text.split()
    ends = [(start, end) for _, start, end in said["words"]]
    assert all(isinstance(start, int) and isinstance(end, int) and start < end for start, end in ends)
    assert ["xqzt", None, None] in with_unknown["words"]
    assert BEYOND in [word for word, _, _ in with_more["words"]]
    assert [word for word, _, _ in with_more["words"] if word != BEYOND] == first.split()
    assert others == [{"followed": False, "words": []}] * 4


def test_the_process_answers_until_its_input_ends_and_ends_then() -> None:
    asked = json.dumps({"bytes": 3, "words": ["pen"]}).encode() + b"\nabc"
    ended = subprocess.run([sys.executable, "-m", MODULE], input=asked, capture_output=True, timeout=600, check=True)
    assert json.loads(ended.stdout) == {"followed": False, "words": []}


def test_without_its_extra_the_recogniser_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "pocketsphinx", raising=False)
        patch.setattr(sys, "path", [])
        with pytest.raises(ToolError, match="not installed") as refused:
            OfflineRecogniser()
    assert "narrate[speechcheck]" in str(refused.value)


async def test_another_language_is_refused() -> None:
    with pytest.raises(InputError, match="English only"):
        await OfflineRecogniser().transcribe(b"", ask(language="zh"), OpenGate())
