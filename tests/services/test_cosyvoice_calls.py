"""The CosyVoice door at the wire: what is sent, what is understood, and what is refused before anything is sent."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from narration.errors import AnswerUnclear, InputError, ServiceRefused, TextRefused, VoiceMissing
from narration.services import OpenGate, open_service
from narration.settings.settings import load_settings
from narration.take import Receipt
from narration.voice import VoiceStatus
from tests.services.cosy import (
    ASK,
    DESIGN,
    MODEL,
    OTHER_VOICE,
    VOICE,
    answered,
    ask,
    item,
    opened,
    retake,
    spoken,
)
from tests.services.fakes import BASE, KEY, LINK, Wire, refusal


async def test_a_synthesis_says_everything_that_the_documents_ask_for() -> None:
    wire = Wire(spoken())
    answer = await opened(wire).speak(ASK, OpenGate())
    request = wire.seen[0]
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/services/audio/tts/SpeechSynthesizer")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "x-dashscope-sse" not in request.headers
    assert wire.sent() == {
        "model": MODEL,
        "input": {
            "text": ASK.text,
            "voice": VOICE,
            "format": "wav",
            "sample_rate": 24000,
            "language_hints": ["en"],
        },
    }
    assert (answer.receipt.request_id, answer.receipt.url, answer.receipt.billed_characters) == ("r-1", LINK, 30)
    assert (answer.call.action, answer.call.model, answer.call.status) == ("synthesize", MODEL, 200)


async def test_options_go_along_as_the_numbers_they_are() -> None:
    options = (
        ("instruction", "你说话的情感是sad。"),
        ("pitch", "0.9"),
        ("rate", "1.1"),
        ("sample_rate", "48000"),
        ("seed", "7"),
        ("volume", "60"),
    )
    wire = Wire(spoken())
    await opened(wire).speak(ask("没人说话。", "zh-CN", *options), OpenGate())
    given = wire.sent()["input"]
    assert isinstance(given, dict)
    assert {name: given[name] for name, _ in options} == {
        "instruction": "你说话的情感是sad。",
        "pitch": 0.9,
        "rate": 1.1,
        "sample_rate": 48000,
        "seed": 7,
        "volume": 60,
    }
    assert given["language_hints"] == ["zh"]


async def test_a_retake_counts_its_seed_up_so_that_it_is_another_sound() -> None:
    wire = Wire(spoken(), spoken())
    door = opened(wire)
    await door.speak(retake(ask("No.", "en", ("seed", "7")), 2), OpenGate())
    await door.speak(retake(ask("No.", "en", ("seed", "65535")), 1), OpenGate())
    assert [json.loads(request.content)["input"]["seed"] for request in wire.seen] == [9, 0]


@pytest.mark.parametrize(
    "option",
    [
        ("rate", "2.1"),
        ("rate", "nan"),
        ("rate", "fast"),
        ("pitch", "0.4"),
        ("volume", "101"),
        ("volume", "1.5"),
        ("seed", "65536"),
        ("seed", "-1"),
        ("sample_rate", "32000"),
        ("instruction", "x" * 101),
        ("word_timestamp_enabled", "true"),
        ("enable_ssml", "true"),
    ],
)
async def test_an_option_that_cannot_be_is_refused_before_anything_is_sent(option: tuple[str, str]) -> None:
    wire = Wire()
    with pytest.raises(ServiceRefused, match="nothing was sent") as caught:
        await opened(wire).speak(ask("No.", "en", option), OpenGate())
    assert caught.value.call is None
    assert wire.seen == []


async def test_a_model_before_35_takes_no_instruction_with_a_designed_voice() -> None:
    from dataclasses import replace

    asked = replace(ask("No.", "en", ("instruction", "softly")), model="cosyvoice-v3-flash")
    with pytest.raises(ServiceRefused, match="takes no instruction"):
        await opened(Wire()).speak(asked, OpenGate())


async def test_a_design_says_everything_and_is_under_review_until_told_otherwise() -> None:
    preview = base64.b64encode(b"RIFF....WAVE").decode()
    output = {
        "voice_id": VOICE,
        "target_model": MODEL,
        "preview_audio": {"data": preview, "sample_rate": 24000, "response_format": "wav"},
    }
    wire = Wire(answered(output))
    designed = await opened(wire).design(DESIGN, "mar1234567", OpenGate())
    assert str(wire.seen[0].url) == f"{BASE}/services/audio/tts/customization"
    assert wire.sent() == {
        "model": "voice-enrollment",
        "input": {
            "action": "create_voice",
            "target_model": MODEL,
            "voice_prompt": DESIGN.voice_prompt,
            "preview_text": DESIGN.preview_text,
            "prefix": "mar1234567",
            "language_hints": ["en"],
        },
        "parameters": {"sample_rate": 24000, "response_format": "wav"},
    }
    answer = designed.answer
    assert (answer.voice, answer.status, answer.billed_voices) == (VOICE, VoiceStatus.PENDING, 1)
    assert (answer.preview_audio, answer.preview_format, answer.request_id) == (b"RIFF....WAVE", "wav", "r-1")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"language": "de"}, "no designed voices for the language 'de'"),
        ({"voice_prompt": "a" * 501}, "description of the voice has 501 characters, and cosyvoice takes 500"),
        ({"preview_text": "a" * 201}, "preview of the voice has 201 characters, and cosyvoice takes 200"),
    ],
)
async def test_a_design_that_the_service_does_not_take_is_not_sent(changes: dict[str, str], words: str) -> None:
    from dataclasses import replace

    wire = Wire()
    with pytest.raises(TextRefused, match=words):
        await opened(wire).design(replace(DESIGN, **changes), "mar", OpenGate())  # type: ignore[arg-type]
    assert wire.seen == []


async def test_a_voice_for_another_model_than_asked_is_not_taken() -> None:
    with pytest.raises(AnswerUnclear, match="for another, not for") as caught:
        await opened(Wire(answered({"voice_id": VOICE, "target_model": "another"}))).design(DESIGN, "mar", OpenGate())
    assert caught.value.call is not None
    assert caught.value.call.in_doubt == 1


async def test_a_creation_in_doubt_is_not_sent_again() -> None:
    wire = Wire(httpx.ReadTimeout("late"))
    with pytest.raises(Exception, match="no answer came in time") as caught:
        await opened(wire).design(DESIGN, "mar", OpenGate())
    assert len(wire.seen) == 1
    assert caught.value.call.in_doubt == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("OK", VoiceStatus.READY),
        ("DEPLOYING", VoiceStatus.PENDING),
        ("UNDEPLOYED", VoiceStatus.REJECTED),
        ("deploying", VoiceStatus.PENDING),
        ("SOMETHING_NEW", VoiceStatus.PENDING),
        (None, VoiceStatus.PENDING),
    ],
)
async def test_the_status_of_a_voice_is_understood(told: object, status: VoiceStatus) -> None:
    wire = Wire(answered(item(target_model=MODEL, voice_prompt="p", preview_text="t") | {"status": told}))
    remote, call = await opened(wire).query(VOICE)
    assert remote is not None
    assert (remote.voice, remote.status, remote.target_model, remote.voice_prompt) == (VOICE, status, MODEL, "p")
    assert wire.sent() == {"model": "voice-enrollment", "input": {"action": "query_voice", "voice_id": VOICE}}
    assert call.action == "query"


async def test_an_answer_about_another_voice_is_not_taken_for_this_one() -> None:
    with pytest.raises(AnswerUnclear, match="about the voice"):
        await opened(Wire(answered(item(OTHER_VOICE)))).query(VOICE)


async def test_a_query_without_the_voices_name_is_about_the_one_asked_for() -> None:
    remote, _ = await opened(Wire(answered({"status": "OK"}))).query(VOICE)
    assert remote is not None
    assert (remote.voice, remote.status) == (VOICE, VoiceStatus.READY)


@pytest.mark.parametrize("status", [400, 200])
async def test_a_voice_that_the_account_has_not_is_none(status: int) -> None:
    wire = Wire(*[refusal(status, "BadRequest.ResourceNotExist", "The resource does not exist.")] * 2)
    door = opened(wire)
    assert (await door.query(VOICE))[0] is None
    assert (await door.delete(VOICE)).action == "delete"


async def test_the_list_is_paged_until_a_page_is_not_full() -> None:
    names = [VOICE.replace("mar1234567", f"v{number:03d}") for number in range(250)]
    pages = [answered({"voice_list": [item(name) for name in names[at : at + 100]]}) for at in (0, 100, 200)]
    wire = Wire(*pages)
    listed = await opened(wire).voices()
    assert [voice.voice for voice in listed.voices] == names
    assert (listed.total, listed.call.attempts, listed.call.action) == (250, 3, "list")
    assert [json.loads(request.content)["input"] for request in wire.seen] == [
        {"action": "list_voice", "page_index": index, "page_size": 100} for index in range(3)
    ]


async def test_a_list_of_exactly_one_page_asks_once_more_and_ends() -> None:
    names = [VOICE.replace("mar1234567", f"v{number:03d}") for number in range(100)]
    wire = Wire(answered({"voice_list": [item(name) for name in names]}), answered({"voice_list": []}))
    assert (await opened(wire).voices()).total == 100


async def test_a_service_that_repeats_its_first_page_for_ever_ends_the_list() -> None:
    names = [VOICE.replace("mar1234567", f"v{number:03d}") for number in range(100)]
    page = {"voice_list": [item(name) for name in names]}
    wire = Wire(*[answered(page)] * 5)
    assert (await opened(wire).voices()).total == 100
    assert len(wire.seen) == 2


async def test_a_voice_of_another_model_is_missing_and_says_why() -> None:
    wire = Wire(refusal(400, "InvalidParameter", "[tts:]Engine return error code: 418"))
    with pytest.raises(VoiceMissing, match="made for another model"):
        await opened(wire).speak(ASK, OpenGate())


async def test_a_sound_that_came_with_the_answer_needs_no_download() -> None:
    wire = Wire()
    assert await opened(wire).collect(Receipt(request_id="r", audio=b"RIFF")) == b"RIFF"
    assert wire.seen == []


@pytest.mark.parametrize("profile", ["international", "china"])
def test_it_is_offered_in_beijing_only(profile: str) -> None:
    overrides = {"service": {"kind": "cosyvoice", "design_model": "voice-enrollment", "speech_model": MODEL}}
    settings = load_settings(profile, environ={}, overrides=overrides)
    if profile == "china":
        assert open_service(settings, KEY).kind == "cosyvoice"
        return
    with pytest.raises(InputError, match="designs voices in cn-beijing only, not in ap-southeast-1"):
        open_service(settings, KEY)
