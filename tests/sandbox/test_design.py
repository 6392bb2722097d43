"""Voice design over the wire: bodies and errors as documented."""

import base64
import io
import re
import wave
from typing import Any

import pytest

Desk = Any
NAME = re.compile(r"qwen-tts-vd-[A-Za-z0-9_]{1,16}-voice-\d{17}-[0-9a-f]{4}")
TARGETS = ("qwen3-tts-vd-2026-01-26", "qwen3-tts-vd-realtime-2026-01-15", "qwen3-tts-vd-realtime-2025-12-16")


async def test_create_answers_the_documented_body(desk: Desk) -> None:
    answer = await desk.create(parameters={"sample_rate": 24000, "response_format": "wav"})
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"output", "usage", "request_id"}
    assert set(body["output"]) == {"voice", "target_model", "preview_audio"}
    assert NAME.fullmatch(body["output"]["voice"])
    assert "-granny_01-" in body["output"]["voice"]
    assert body["output"]["target_model"] == TARGETS[0]
    assert body["usage"] == {"count": 1}
    assert answer.headers["x-request-id"] == body["request_id"]
    preview = body["output"]["preview_audio"]
    assert (preview["sample_rate"], preview["response_format"]) == (24000, "wav")
    with wave.open(io.BytesIO(base64.b64decode(preview["data"], validate=True))) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24000, 1, 2)
        assert sound.getnframes() > 24000


@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
async def test_a_preview_comes_in_the_asked_rate(desk: Desk, rate_hz: int) -> None:
    preview = (await desk.create(parameters={"sample_rate": rate_hz})).json()["output"]["preview_audio"]
    with wave.open(io.BytesIO(base64.b64decode(preview["data"]))) as sound:
        assert sound.getframerate() == rate_hz == preview["sample_rate"]
        assert sound.getnframes() / rate_hz == pytest.approx(52 / 9, abs=0.01)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000, 48000])
@pytest.mark.parametrize(("form", "magic"), [("mp3", b"ID3"), ("opus", b"OggS")])
async def test_a_preview_comes_in_the_asked_format(desk: Desk, form: str, magic: bytes, rate_hz: int) -> None:
    preview = (await desk.create(parameters={"response_format": form, "sample_rate": rate_hz})).json()["output"][
        "preview_audio"
    ]
    data = base64.b64decode(preview["data"])
    assert preview["response_format"] == form
    assert data.startswith(magic)
    assert len(data) > 10_000


async def test_language_is_chinese_unless_said(desk: Desk) -> None:
    voice = await desk.voice(language=None, preview_text="灯灭了。")
    assert (await desk.design("query", voice=voice)).json()["output"]["language"] == "zh"


async def test_a_name_is_made_up_when_none_is_preferred(desk: Desk) -> None:
    assert NAME.fullmatch(await desk.voice(preferred_name=None))
    await desk.switch(preferred_name_required=True)
    assert (await desk.create(preferred_name=None)).json()["message"] == "Field required: input.preferred_name"


async def test_two_creates_of_one_prompt_are_two_voices(desk: Desk) -> None:
    first, second = await desk.voice(), await desk.voice()
    assert first != second
    assert await desk.audio(first) != await desk.audio(second)


async def test_list_is_newest_first_and_counts_all_pages(desk: Desk) -> None:
    made = [await desk.voice(preferred_name=f"v{number}") for number in range(5)]
    answer = await desk.design("list", page_index=1, page_size=2)
    output = answer.json()["output"]
    assert set(output) == {"page_index", "page_size", "total_count", "voice_list"}
    assert (output["page_index"], output["page_size"], output["total_count"]) == (1, 2, 5)
    assert [item["voice"] for item in output["voice_list"]] == [made[2], made[1]]
    assert answer.json()["usage"] == {}
    default = (await desk.design("list")).json()["output"]
    assert (default["page_index"], default["page_size"], len(default["voice_list"])) == (0, 10, 5)


async def test_query_answers_one_item_of_the_list(desk: Desk) -> None:
    voice = await desk.voice()
    output = (await desk.design("query", voice=voice)).json()["output"]
    assert output == (await desk.design("list")).json()["output"]["voice_list"][0]
    assert output == {
        "voice": voice,
        "target_model": TARGETS[0],
        "language": "en",
        "voice_prompt": "Elderly woman, low and slightly hoarse voice, slow pace, warm.",
        "preview_text": "The lamp was out, but nobody in the house had slept.",
        "gmt_create": "2026-11-18 19:06:40",
        "gmt_modified": "2026-11-18 19:06:40",
    }


async def test_usage_of_free_actions_has_two_documented_styles(desk: Desk) -> None:
    voice = await desk.voice()
    await desk.switch(usage_style="count")
    for action in ("list", "query", "delete"):
        assert (await desk.design(action, voice=voice)).json()["usage"] == {"count": 0}


async def test_delete_answers_the_name_and_frees_the_quota(desk: Desk) -> None:
    await desk.switch(voice_quota=1)
    voice = await desk.voice()
    refused = await desk.create()
    assert (refused.status_code, refused.json()["code"]) == (400, "Throttling.AllocationQuota")
    assert refused.json()["message"] == "Maximum voice storage limit exceeded, please delete existing voices."
    answer = await desk.design("delete", voice=voice)
    assert (answer.json()["output"], answer.json()["usage"]) == ({"voice": voice}, {})
    assert (await desk.create()).status_code == 200
    assert (await desk.bill())["voices_created"] == 2


async def test_a_missing_voice_is_400_voice_not_found(desk: Desk) -> None:
    name = "qwen-tts-vd-nobody-voice-20261120093012345-9f3c"
    for action in ("query", "delete"):
        answer = await desk.design(action, voice=name)
        body = answer.json()
        assert answer.status_code == 400
        assert (body["code"], body["message"]) == ("VoiceNotFound", f"Voice not found: {name}")
        assert set(body) == {"code", "message", "request_id"}


async def test_a_missing_voice_may_be_a_code_in_a_200(desk: Desk) -> None:
    await desk.switch(not_found_status=200, missing_delete_code="BadRequest.VoiceNotFound")
    query, delete = await desk.design("query", voice="gone"), await desk.design("delete", voice="gone")
    assert (query.status_code, query.json()["code"]) == (200, "VoiceNotFound")
    assert (delete.status_code, delete.json()["code"]) == (200, "BadRequest.VoiceNotFound")
    assert delete.json()["message"] == "Voice 'gone' not found."


async def test_a_voice_belongs_to_its_account(desk: Desk) -> None:
    voice = await desk.voice()
    desk.key = "sk-somebody-else"
    assert (await desk.design("list")).json()["output"]["total_count"] == 0
    assert (await desk.design("query", voice=voice)).json()["code"] == "VoiceNotFound"
    assert (await desk.speak(voice)).json()["message"] == "[tts:]Engine return error code: 418"


@pytest.mark.parametrize("target", TARGETS)
async def test_the_documented_target_models_are_taken(desk: Desk, target: str) -> None:
    assert (await desk.create(target_model=target)).json()["output"]["target_model"] == target


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"target_model": None}, "Field required: input.target_model"),
        ({"voice_prompt": None}, "Field required: input.voice_prompt"),
        ({"voice_prompt": ""}, "Field required: input.voice_prompt"),
        ({"preview_text": None}, "Field required: input.preview_text"),
        ({"preview_text": 7}, "valid string: input.preview_text"),
        ({"target_model": "qwen3-tts-flash"}, "target_model"),
        ({"voice_prompt": "a" * 2049}, "voice_prompt"),
        ({"preview_text": "a" * 1025}, "preview_text"),
        ({"preview_text": "...!"}, "valid"),
        ({"preferred_name": "with space"}, "preferred_name"),
        ({"preferred_name": "阿Q"}, "preferred_name"),
        ({"preferred_name": "a" * 17}, "preferred_name"),
        ({"language": "nl"}, "language"),
        ({"voice_prompt": "Спокойный женский голос"}, "Chinese or English"),
        ({"voice_prompt": "優しいおばあさんの声"}, "Chinese or English"),
        ({"parameters": {"sample_rate": 44100}}, "sample_rate"),
        ({"parameters": {"sample_rate": "24000"}}, "sample_rate"),
        ({"parameters": {"response_format": "flac"}}, "response_format"),
    ],
)
async def test_a_bad_field_of_create_is_400_and_free(desk: Desk, changes: dict[str, Any], word: str) -> None:
    answer = await desk.create(**changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert word in answer.json()["message"]
    assert (await desk.bill())["voices_created"] == 0


async def test_the_longest_prompt_and_preview_are_taken(desk: Desk) -> None:
    assert (await desk.create(voice_prompt="a" * 2048, preview_text="灯" * 1024)).status_code == 200


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"action": "rename"}, "Unsupported action: rename"),
        ({"voice": "x"}, "Field required: input.action"),
        ({"action": "list", "page_index": -1}, "page_index should be in [0, 200]"),
        ({"action": "list", "page_index": 201}, "page_index should be in [0, 200]"),
        ({"action": "list", "page_size": "10"}, "Input should be a valid integer: page_size"),
        ({"action": "query"}, "Field required: input.voice"),
        ({"action": "delete", "voice": ""}, "Field required: input.voice"),
    ],
)
async def test_a_bad_action_is_400(desk: Desk, fields: dict[str, Any], message: str) -> None:
    answer = await desk.post(
        "/api/v1/services/audio/tts/customization", {"model": "qwen-voice-design", "input": fields}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert answer.json()["message"] == message


async def test_a_poison_word_in_prompt_or_preview_is_refused_and_free(desk: Desk) -> None:
    await desk.switch(poison_words=["Dagger"])
    for changes in ({"voice_prompt": "A voice like a dagger."}, {"preview_text": "Is this a dagger?"}):
        answer = await desk.create(**changes)
        assert (answer.status_code, answer.json()["code"]) == (400, "DataInspectionFailed")
    assert (await desk.bill())["voices_created"] == 0


@pytest.mark.parametrize("rate_hz", [8000, 48000])
async def test_a_pcm_preview_is_samples_and_nothing_else(desk: Desk, rate_hz: int) -> None:
    preview = (await desk.create(parameters={"response_format": "pcm", "sample_rate": rate_hz})).json()["output"]
    data = base64.b64decode(preview["preview_audio"]["data"])
    assert len(data) / 2 / rate_hz == pytest.approx(52 / 9, abs=0.01)
    assert not data.startswith(b"RIFF")
