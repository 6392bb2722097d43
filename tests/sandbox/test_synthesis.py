"""Synthesis over the wire: bodies, events and errors as documented."""

import base64
import hashlib
import io
import json
import wave
from typing import Any

import pytest

Desk = Any
SPEECH = "/api/v1/services/aigc/multimodal-generation/generation"
MODEL = "qwen3-tts-vd-2026-01-26"
TOO_LONG = "<400> InternalError.Algo.InvalidParameter: Range of input length should be [0, 600]"


async def test_an_answer_is_the_documented_body(desk: Desk) -> None:
    answer = await desk.speak(
        await desk.voice(), "Nobody spoke until the kettle began to sing.", language_type="English"
    )
    body = answer.json()
    request_id = body["request_id"]
    assert answer.headers["x-request-id"] == request_id
    url = body["output"]["audio"].pop("url")
    assert body == {
        "request_id": request_id,
        "output": {
            "text": None,
            "choices": None,
            "finish_reason": "stop",
            "audio": {"data": "", "id": f"audio_{request_id}", "expires_at": 1_795_086_400},
        },
        "usage": {"input_tokens": 0, "output_tokens": 0, "characters": 44},
    }
    assert url.startswith("http://127.0.0.1:8765/oss/")
    assert "Expires=1795086400&OSSAccessKeyId=LTAI" in url


async def test_the_file_is_24_khz_mono_16_bit_wav(desk: Desk) -> None:
    answer = await desk.speak(await desk.voice(), "x" * 90)
    found = await desk.client.get(answer.json()["output"]["audio"]["url"])
    assert found.headers["content-type"] == "audio/x-wav"
    assert int(found.headers["content-length"]) == len(found.content)
    with wave.open(io.BytesIO(found.content)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24000, 1, 2)
        assert sound.getnframes() == 240_000


async def test_a_streaming_header_claims_the_largest_size(desk: Desk) -> None:
    voice = await desk.voice()
    exact = await desk.audio(voice)
    await desk.switch(wav_header="streaming")
    streaming = await desk.audio(voice)
    assert streaming[44:] == exact[44:]
    assert (streaming[4:8], streaming[40:44]) == (
        (0x7FFFFFFF).to_bytes(4, "little"),
        (0x7FFFFFFF - 36).to_bytes(4, "little"),
    )


async def test_a_wave_is_a_function_of_voice_text_and_language(desk: Desk) -> None:
    voice = await desk.voice()
    first = await desk.audio(voice, "One.", language_type="English")
    assert await desk.audio(voice, "One.", language_type="English") == first
    assert await desk.audio(voice, "Two.", language_type="English") != first
    assert await desk.audio(voice, "One.", language_type="German") != first


async def test_han_is_billed_twice(desk: Desk) -> None:
    voice = await desk.voice()
    assert (await desk.speak(voice, "灯灭了，OK。")).json()["usage"]["characters"] == 3 * 2 + 4
    assert (await desk.speak(voice, "カナ漢字 한글")).json()["usage"]["characters"] == 2 + 2 * 2 + 3


async def test_fields_are_also_read_from_parameters(desk: Desk) -> None:
    voice = await desk.voice()
    body = {"model": MODEL, "input": {"text": "One.", "voice": voice}, "parameters": {"language_type": "English"}}
    answer = await desk.post(SPEECH, body)
    direct = await desk.audio(voice, "One.", language_type="English")
    assert (await desk.client.get(answer.json()["output"]["audio"]["url"])).content == direct


@pytest.mark.parametrize(
    ("unit", "fits", "too_long"),
    [
        ("weighted", "灯" * 300, "灯" * 300 + "."),
        ("codepoints", "灯" * 600, "灯" * 601),
        ("bytes", "灯" * 200, "灯" * 201),
    ],
)
async def test_the_limit_of_600_counts_in_its_unit(desk: Desk, unit: str, fits: str, too_long: str) -> None:
    voice = await desk.voice()
    await desk.switch(length_unit=unit)
    assert (await desk.speak(voice, fits)).status_code == 200
    answer = await desk.speak(voice, too_long)
    assert answer.status_code == 400
    assert {name: answer.json()[name] for name in ("code", "message")} == {
        "code": "InvalidParameter",
        "message": TOO_LONG,
    }


async def test_a_text_too_long_is_refused_before_its_voice_is_looked_at(desk: Desk) -> None:
    assert (await desk.speak("nobody", "x" * 601)).json()["message"] == TOO_LONG


@pytest.mark.parametrize("text", ["...", "—", "😀", " \n"])
async def test_a_text_without_words_is_refused(desk: Desk, text: str) -> None:
    answer = await desk.speak(await desk.voice(), text)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert answer.json()["message"] == "Please ensure input text is valid."


async def test_a_voice_of_another_model_is_418(desk: Desk) -> None:
    voice = await desk.voice(target_model="qwen3-tts-vd-realtime-2026-01-15")
    for name in (voice, "qwen-tts-vd-nobody-voice-20261120093012345-9f3c"):
        answer = await desk.speak(name)
        assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
        assert answer.json()["message"] == "[tts:]Engine return error code: 418"


async def test_a_system_voice_is_411(desk: Desk) -> None:
    answer = await desk.speak("Cherry")
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert answer.json()["message"] == "[qwen-tts:]Engine return error code: 411"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"voice": "v"}, "Field required: input.text"),
        ({"text": "", "voice": "v"}, "Field required: input.text"),
        ({"text": ["x"], "voice": "v"}, "Input should be a valid string: input.text"),
        ({"text": "x"}, "Field required: input.voice"),
        ({"text": "x", "voice": "v", "language_type": "Dutch"}, "Unsupported language_type: Dutch"),
    ],
)
async def test_a_bad_field_is_400(desk: Desk, fields: dict[str, Any], message: str) -> None:
    answer = await desk.post(SPEECH, {"model": MODEL, "input": fields})
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert answer.json()["message"] == message


async def test_a_failure_on_the_services_side_is_a_500_and_not_billed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    voice = await desk.voice()

    async def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("narration.sandbox.speaker.Speaker.speak", full)
    answer = await desk.speak(voice)
    assert (answer.status_code, answer.json()["code"]) == (500, "InternalError")
    assert (await desk.bill())["synthesized"] == 0
    assert "No space left" in caplog.text


async def test_refusals_are_on_the_record_and_not_on_the_bill(desk: Desk) -> None:
    voice = await desk.voice()
    await desk.switch(poison_words=["murder"])
    refused = [await desk.speak(voice, "x" * 601), await desk.speak("Cherry"), await desk.speak(voice, "Murder!")]
    assert refused[-1].json()["code"] == "DataInspectionFailed"
    bill = await desk.bill()
    assert (bill["synthesized"], bill["characters"]) == (0, 0)
    assert bill["calls_by_action"] == {"create": 1, "synthesize": 3}
    assert bill["refused_by_code"] == {"DataInspectionFailed": 1, "InvalidParameter": 2}


async def test_the_bill_tells_what_was_bought(desk: Desk) -> None:
    voice = await desk.voice()
    answers = [(await desk.speak(voice, text)).json() for text in ("One.", "Two!", "One.")]
    bill = await desk.bill()
    assert (bill["calls"], bill["synthesized"], bill["voices_created"], bill["characters"]) == (4, 3, 1, 12)
    rows = (await desk.client.get("/sandbox/bill/rows")).json()["rows"]
    assert [row["request_id"] for row in rows] == [answer["request_id"] for answer in answers]
    assert [row["text_sha256"] for row in rows] == [
        hashlib.sha256(text.encode()).hexdigest() for text in ("One.", "Two!", "One.")
    ]
    assert {(row["voice"], row["characters"], row["answered"], row["at"]) for row in rows} == {
        (voice, 4, True, "2026-11-18T11:06:40+00:00")
    }
    later = (await desk.client.get("/sandbox/bill/rows", params={"after": rows[1]["id"]})).json()["rows"]
    assert later == rows[2:]
    everything = (await desk.client.get("/sandbox/bill/rows", params={"action": "all"})).json()["rows"]
    assert [row["action"] for row in everything] == ["create", "synthesize", "synthesize", "synthesize"]


async def test_a_stream_carries_the_same_sound_and_then_the_link(desk: Desk) -> None:
    voice = await desk.voice()
    body = {"model": MODEL, "input": {"text": "Nobody spoke.", "voice": voice}}
    answer = await desk.post(SPEECH, body, x_dashscope_sse="enable")
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = answer.text.removesuffix("\n\n").split("\n\n")
    lines = [block.split("\n") for block in blocks]
    assert [block[:3] for block in lines] == [
        [f"id:{number}", "event:result", ":HTTP_STATUS/200"] for number in range(1, len(lines) + 1)
    ]
    events = [json.loads(block[3].removeprefix("data:")) for block in lines]
    assert {event["output"]["finish_reason"] for event in events[:-1]} == {"null"}
    assert {event["request_id"] for event in events} == {answer.headers["x-request-id"]}
    assert all(event["usage"]["characters"] == 13 for event in events)
    pcm = b"".join(base64.b64decode(event["output"]["audio"]["data"]) for event in events)
    last = events[-1]["output"]
    assert (last["finish_reason"], last["audio"]["data"]) == ("stop", "")
    assert (await desk.client.get(last["audio"]["url"])).content[44:] == pcm == (await desk.audio(voice))[44:]
    assert (await desk.bill())["synthesized"] == 2


async def test_streaming_can_be_switched_off(desk: Desk) -> None:
    voice = await desk.voice()
    await desk.switch(sse=False)
    body = {"model": MODEL, "input": {"text": "Nobody spoke.", "voice": voice}}
    answer = await desk.post(SPEECH, body, x_dashscope_sse="enable")
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert (await desk.bill())["synthesized"] == 0
