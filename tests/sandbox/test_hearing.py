"""What the sandbox hears in its own takes, whole and damaged, on both interfaces."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import numpy as np
import pytest

from narration.sandbox.audio import wav
from narration.sandbox.damage import KINDS, Damage, damaged, text_said
from narration.sandbox.descriptions import design
from narration.sandbox.engine import EngineKind, load_engine
from narration.sandbox.engine.tone import ToneEngine
from narration.sandbox.hearing import heard_in
from narration.sandbox.languages import Language
from tests.sandbox.conftest import SPEECH, Desk

TEXT = "The door was shut. Nobody had opened it for a whole year. The wind came in."
PATH = "/v1/audio/transcriptions"


async def take_of(desk: Desk, text: str = TEXT) -> bytes:
    return await desk.audio(await desk.voice(), text)


def vendor_body(sound: bytes, **options: object) -> dict[str, Any]:
    url = "data:audio/wav;base64," + base64.b64encode(sound).decode()
    messages = [{"role": "system", "content": [{"text": ""}]}, {"role": "user", "content": [{"audio": url}]}]
    return {
        "model": "qwen3-asr-flash",
        "input": {"messages": messages},
        "parameters": {"asr_options": {"enable_itn": False, **options}},
    }


async def transcribe(desk: Desk, sound: bytes | None, key: str = "sk-test", **fields: str) -> httpx.Response:
    files = {"file": ("take.wav", sound, "audio/wav")} if sound is not None else {"x": ("", b"")}
    data = {"model": "whisper-1", **fields}
    return await desk.client.post(PATH, data=data, files=files, headers={"authorization": f"Bearer {key}"})


async def test_the_vendors_recogniser_hears_a_take_and_bills_its_seconds(desk: Desk) -> None:
    sound = await take_of(desk)
    answer = (await desk.post(SPEECH, vendor_body(sound, language="en"))).json()
    message = answer["output"]["choices"][0]["message"]
    assert message["content"] == [{"text": TEXT.replace(".", "")}]
    assert message["annotations"][0]["language"] == "en"
    seconds = -(-(len(sound) - 44) // 48_000)
    assert answer["usage"]["seconds"] == seconds
    bill = await desk.bill()
    assert (bill["transcribed"], bill["seconds_heard"], bill["synthesized"]) == (1, seconds, 1)


async def test_an_openai_client_gets_words_with_their_times(desk: Desk) -> None:
    sound = await take_of(desk)
    fields = {"response_format": "verbose_json", "timestamp_granularities[]": "word", "language": "en"}
    answer = (await transcribe(desk, sound, **fields)).json()
    assert answer["text"] == TEXT.replace(".", "")
    assert [one["word"] for one in answer["words"]] == TEXT.replace(".", "").split()
    starts = [one["start"] for one in answer["words"]]
    assert starts == sorted(starts)
    assert answer["words"][-1]["end"] <= answer["duration"] + 0.01
    plain = (await transcribe(desk, sound)).json()
    assert set(plain) == {"text", "usage"}


async def test_a_sound_of_somebody_elses_is_heard_as_nothing(desk: Desk) -> None:
    sound = await take_of(desk)
    other = sound[:-2] + b"\x01\x01"
    assert (await transcribe(desk, other)).json()["text"] == ""
    assert (await desk.post(SPEECH, vendor_body(other))).json()["output"]["choices"][0]["message"]["content"] == []


@pytest.mark.parametrize(
    ("fields", "sound", "status", "words"),
    [
        ({}, None, 400, "'file'"),
        ({}, b"no sound at all", 400, "could not be decoded"),
        ({"response_format": "srt"}, b"x", 400, "response_format"),
        ({"model": "gpt-4o-transcribe", "response_format": "verbose_json"}, b"x", 400, "not compatible"),
        ({"timestamp_granularities[]": "word"}, b"x", 400, "verbose_json"),
        ({"language": "xx"}, b"x", 400, "ISO-639-1"),
        ({"model": "whisper-9"}, b"x", 404, "does not exist"),
        ({"model": "qwen3-asr-flash"}, b"x", 400, "url error"),
    ],
)
async def test_what_is_wrong_with_a_form_is_said(
    desk: Desk, fields: dict[str, str], sound: bytes | None, status: int, words: str
) -> None:
    answer = await transcribe(desk, sound, **fields)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]
    assert (await desk.bill())["transcribed"] == 0


async def test_a_wrong_key_too_many_requests_and_a_torn_form_are_refused(desk: Desk) -> None:
    sound = await take_of(desk)
    answer = await transcribe(desk, sound, key="nope")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    kind = "multipart/form-data; boundary=b"
    headers = {"content-type": kind, "authorization": "Bearer sk-test"}
    half = b'--b\r\nContent-Disposition: form-data; name="model"'
    torn = await desk.client.post(PATH, content=half, headers=headers)
    assert torn.status_code == 400
    await desk.switch(rpm=1)
    statuses = [(await transcribe(desk, sound)).status_code for _ in range(3)]
    assert statuses[-1] == 429
    assert (await desk.post(SPEECH, {**vendor_body(sound), "model": "qwen3-asr-flash"})).status_code in {200, 429}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input": {"messages": []}}, "audio"),
        ({"input": {"messages": [{"role": "user", "content": [{"audio": "https://x/y.wav"}]}]}}, "data: URLs"),
        ({"input": {"messages": [{"role": "user", "content": [{"audio": "data:audio/wav;base64,!"}]}]}}, "base64"),
        ({"parameters": {"asr_options": {"language": "tlh"}}}, "Unsupported language"),
    ],
)
async def test_what_is_wrong_with_a_request_to_the_vendor_is_said(
    desk: Desk, change: dict[str, Any], words: str
) -> None:
    answer = await desk.post(SPEECH, {**vendor_body(await take_of(desk)), **change})
    assert answer.status_code == 400
    assert words in answer.json()["message"]


async def test_words_are_misheard_on_request_and_the_same_ones_every_time(desk: Desk) -> None:
    sound = await take_of(desk)
    await desk.switch(mishear=0.4)
    first, again = (await transcribe(desk, sound)).json()["text"], (await transcribe(desk, sound)).json()["text"]
    assert first == again != TEXT.replace(".", "")


def recipe(engine: str, text: str, kind: Damage | None, seed: int, language: str = "en") -> str:
    flaws = [f"{kind} {seed}"] if kind else []
    return json.dumps([engine, design("a calm man", 3).as_dict(), language, text, flaws])


def test_what_remains_of_a_damaged_take_is_heard_and_no_more() -> None:
    engine, said = ToneEngine(), TEXT.replace(".", "").split()
    found = {kind: [one.word for one in heard_in(engine, recipe("tone", TEXT, kind, 5))] for kind in KINDS}
    assert found[Damage.SILENT] == []
    for kind in (Damage.NOISE, Damage.CLIPPED, Damage.OTHER_VOICE, Damage.DOUBLE_SPEED, Damage.SOFT):
        assert found[kind] == said
    assert found[Damage.DROPPED] == ["The", "door", "was", "shut", "The", "wind", "came", "in"]
    assert found[Damage.REPEATED] == [*said, "The", "wind", "came", "in"]
    end, start = found[Damage.CUT_END], found[Damage.CUT_START]
    assert end == said[: len(end)]
    assert start == said[-len(start) :]
    assert 0.4 * len(said) < len(end) < 0.9 * len(said)
    assert 0.4 * len(said) < len(start) < 0.9 * len(said)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "text"), [("en", TEXT), ("zh", "门是关着的。一年来没有人开过它。风吹了进来。")])
def test_real_speech_is_heard_where_it_is(language: str, text: str) -> None:
    pytest.importorskip("espeakng_loader")
    engine, traits = load_engine(EngineKind.ESPEAK), design("a calm man", 3)
    whole = heard_in(engine, recipe("e", text, None, 0, language))
    assert "".join(one.word for one in whole) == "".join(char for char in text if char.isalnum())
    for kind in KINDS:
        heard = heard_in(engine, recipe("e", text, kind, 5, language))
        length_s = len(damaged(engine, traits, Language(language), text, kind, 5)) / 24_000
        assert all(0 <= one.start_s < one.end_s <= length_s + 0.1 for one in heard), kind
        said = text_said(text, traits, kind, 5)[0]
        assert len(heard) <= len([char for char in said if char.isalnum()])
    starts = [one.start_s for one in whole]
    assert starts == sorted(starts)
    assert wav(engine.render(traits, Language(language), text)) == wav(
        engine.score(traits, Language(language), text)[0]
    )


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("application/json", b"{}", "multipart/form-data"),
        ("multipart/form-data", b"", "boundary"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", "broken or cut off"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx', "cut off"),
    ],
)
async def test_what_is_no_whole_form_is_refused(desk: Desk, kind: str, content: bytes, words: str) -> None:
    headers = {"content-type": kind, "authorization": "Bearer sk-test"}
    answer = await desk.client.post(PATH, content=content, headers=headers)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


async def test_sounds_over_the_documented_lengths_are_refused_and_not_billed(desk: Desk) -> None:
    lasting, large = wav(np.zeros(8_000 * 301, dtype=np.int16), 8_000), wav(np.zeros(24_000 * 160, dtype=np.int16))
    for sound, words in ((b"RIFF", "audio is invalid"), (lasting, "300 seconds"), (large, "10 MB")):
        answer = await desk.post(SPEECH, vendor_body(sound))
        assert (answer.status_code, words in answer.json()["message"]) == (400, True)
    answer = await transcribe(desk, b"RIFF" + bytes(25_000_000))
    assert (answer.status_code, "25000000" in answer.json()["error"]["message"]) == (400, True)
    assert (await desk.bill())["transcribed"] == 0


async def test_an_openai_client_that_asks_for_no_times_gets_none(desk: Desk) -> None:
    answer = (await transcribe(desk, await take_of(desk), response_format="verbose_json")).json()
    assert (answer["language"], "words" in answer) == ("english", False)


def test_silence_is_heard_as_nothing_whoever_was_to_speak() -> None:
    made = json.loads(recipe("tone", TEXT, None, 0))
    made[4] = ["silent_wav"]
    assert heard_in(ToneEngine(), json.dumps(made)) == ()
