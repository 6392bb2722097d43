"""The Qwen door at the wire: what is sent, what is understood, and what nobody may see."""

from __future__ import annotations

import base64
import json
import logging
import pickle

import httpx
import pytest

from narration.errors import (
    AnswerUnclear,
    KeyRefused,
    ModelGone,
    ServiceError,
    ServiceRefused,
    TextRefused,
    VoiceMissing,
)
from narration.services import OpenGate, open_service
from narration.settings.settings import load_settings
from narration.voice import VoiceStatus
from tests.services.fakes import (
    ASK,
    BASE,
    DESIGN,
    KEY,
    LINK,
    MODEL,
    VOICE,
    Answer,
    Wire,
    ask,
    opened,
    refusal,
    spoken,
)


async def test_a_synthesis_says_everything_that_the_documents_ask_for() -> None:
    wire = Wire(spoken())
    answer = await opened(wire).speak(ASK, OpenGate())
    request = wire.seen[0]
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/services/aigc/multimodal-generation/generation")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert "x-dashscope-async" not in request.headers
    assert wire.sent() == {
        "model": MODEL,
        "input": {"text": ASK.text, "voice": VOICE, "language_type": "English"},
    }
    assert (answer.receipt.request_id, answer.receipt.url) == ("r-1", LINK)
    assert (answer.receipt.billed_characters, answer.receipt.expires_at) == (30, 1_795_255_812)
    assert (answer.call.action, answer.call.status, answer.call.code, answer.call.attempts) == (
        "synthesize",
        200,
        "",
        1,
    )


async def test_a_design_always_names_its_language_and_its_name() -> None:
    preview = base64.b64encode(b"RIFF....WAVE").decode()
    output = {
        "voice": VOICE,
        "target_model": MODEL,
        "preview_audio": {"data": preview, "sample_rate": 24000, "response_format": "wav"},
    }
    wire = Wire(httpx.Response(200, json={"output": output, "usage": {"count": 1}, "request_id": "r-2"}))
    designed = await opened(wire).design(DESIGN, "mara_123", OpenGate())
    assert str(wire.seen[0].url) == f"{BASE}/services/audio/tts/customization"
    assert wire.sent() == {
        "model": "qwen-voice-design",
        "input": {
            "action": "create",
            "target_model": MODEL,
            "voice_prompt": DESIGN.voice_prompt,
            "preview_text": DESIGN.preview_text,
            "preferred_name": "mara_123",
            "language": "en",
        },
        "parameters": {"sample_rate": 24000, "response_format": "wav"},
    }
    answer = designed.answer
    assert (answer.voice, answer.status, answer.billed_voices) == (VOICE, VoiceStatus.READY, 1)
    assert (answer.preview_audio, answer.preview_format) == (b"RIFF....WAVE", "wav")


async def test_a_bought_voice_is_kept_even_when_its_preview_is_broken() -> None:
    output = {"voice": VOICE, "preview_audio": {"data": "not base64!"}}
    designed = await opened(Wire(httpx.Response(200, json={"output": output, "usage": "?"}))).design(
        DESIGN, "mara", OpenGate()
    )
    assert (designed.answer.voice, designed.answer.preview_audio, designed.answer.billed_voices) == (VOICE, b"", 1)


async def test_a_voice_for_another_model_than_asked_is_not_taken() -> None:
    output = {"voice": VOICE, "target_model": "another"}
    with pytest.raises(AnswerUnclear, match="for another, not for") as caught:
        await opened(Wire(httpx.Response(200, json={"output": output}))).design(DESIGN, "mara", OpenGate())
    assert caught.value.call is not None
    assert caught.value.call.in_doubt == 1


@pytest.mark.parametrize("language", ["nl", "", "english"])
async def test_a_language_that_the_service_does_not_speak_is_refused_before_any_request(language: str) -> None:
    wire = Wire()
    with pytest.raises(TextRefused, match="does not speak"):
        await opened(wire).speak(ask("a", language), OpenGate())
    assert wire.seen == []


async def test_a_regional_language_is_sent_as_its_language() -> None:
    wire = Wire(spoken())
    await opened(wire).speak(ask("a", "zh-Hans"), OpenGate())
    assert wire.sent()["input"] == {"text": "a", "voice": VOICE, "language_type": "Chinese"}


async def test_half_a_character_is_refused_before_any_request() -> None:
    wire = Wire()
    with pytest.raises(TextRefused, match=r"U\+D800"):
        await opened(wire).speak(ask("a\ud800"), OpenGate())
    assert wire.seen == []


async def test_an_unknown_option_is_refused_before_any_request() -> None:
    wire = Wire()
    with pytest.raises(ServiceRefused, match="no option pitch"):
        await opened(wire).speak(ask("a", "en", ("pitch", "2")), OpenGate())
    assert wire.seen == []


def page(index: int, count: int, total: int | None) -> httpx.Response:
    listed = [
        {"voice": f"v{index}-{n}", "target_model": MODEL, "gmt_create": "2026-11-20 09:30:12"} for n in range(count)
    ]
    output: dict[str, object] = {"page_index": index, "voice_list": listed}
    if total is not None:
        output["total_count"] = total
    return httpx.Response(200, json={"output": output, "usage": {"count": 0}, "request_id": f"r-{index}"})


async def test_all_pages_of_voices_are_listed() -> None:
    wire = Wire(page(0, 100, 230), page(1, 100, 230), page(2, 30, 230))
    listed = await opened(wire).voices()
    assert (len(listed.voices), listed.total, listed.call.attempts) == (230, 230, 3)
    asked = [json.loads(request.content)["input"] for request in wire.seen]
    assert asked == [{"action": "list", "page_index": index, "page_size": 100} for index in range(3)]


async def test_a_list_ends_without_a_total_and_with_a_wrong_one() -> None:
    assert len((await opened(Wire(page(0, 100, None), page(1, 7, None))).voices()).voices) == 107
    lying = await opened(Wire(page(0, 5, 50), page(1, 0, 50))).voices()
    assert (len(lying.voices), lying.total) == (5, 50)
    assert (await opened(Wire(page(0, 0, 0))).voices()).voices == ()


@pytest.mark.parametrize("code", ["VoiceNotFound", "BadRequest.VoiceNotFound", "BadRequest.ResourceNotExist"])
@pytest.mark.parametrize("status", [200, 400])
async def test_a_voice_that_is_not_there_is_no_error_to_ask_for_or_to_delete(code: str, status: int) -> None:
    wire = Wire(refusal(status, code), refusal(status, code))
    service = opened(wire)
    remote, call = await service.query(VOICE)
    assert (remote, call.code, call.action) == (None, code, "query")
    assert (await service.delete(VOICE)).action == "delete"


async def test_query_and_delete_of_a_voice_that_is_there() -> None:
    known = {"voice": VOICE, "target_model": MODEL, "language": "en"}
    wire = Wire(
        httpx.Response(200, json={"output": known, "usage": {}, "request_id": "q"}),
        httpx.Response(200, json={"output": {"voice": VOICE}, "usage": {}, "request_id": "d"}),
    )
    service = opened(wire)
    remote, _ = await service.query(VOICE)
    assert remote is not None
    assert (remote.voice, remote.target_model, remote.voice_prompt) == (VOICE, MODEL, "")
    assert (await service.delete(VOICE)).request_id == "d"
    assert wire.sent()["input"] == {"action": "delete", "voice": VOICE}


async def test_an_error_code_in_a_good_answer_counts_before_its_output() -> None:
    with pytest.raises(KeyRefused):
        await opened(Wire(spoken(code="InvalidApiKey", message="no"))).speak(ASK, OpenGate())


@pytest.mark.parametrize("code", ["", None, 0, 200])
async def test_codes_that_mean_success_are_understood(code: object) -> None:
    assert (await opened(Wire(spoken(code=code))).speak(ASK, OpenGate())).receipt.url == LINK


async def test_an_error_of_the_compatible_kind_is_understood() -> None:
    body = {"error": {"code": "model_not_found", "message": "The model does not exist", "type": "x"}}
    with pytest.raises(ModelGone):
        await opened(Wire(httpx.Response(404, json=body))).speak(ASK, OpenGate())


async def test_a_gateway_that_wraps_the_audio_in_choices_is_understood() -> None:
    output = {"choices": [{"message": {"content": [{"audio": {"url": LINK}}]}}]}
    answer = await opened(Wire(httpx.Response(200, json={"output": output}, headers={"x-request-id": "h"}))).speak(
        ASK, OpenGate()
    )
    assert (answer.receipt.url, answer.receipt.request_id) == (LINK, "h")
    assert (answer.receipt.billed_characters, answer.receipt.expires_at) == (None, 0)


@pytest.mark.parametrize(
    "usage", [None, [], {"characters": -1}, {"characters": "44"}, {"characters": True}, {"characters": 1e99}]
)
async def test_an_odd_bill_does_not_lose_what_was_bought(usage: object) -> None:
    answer = await opened(Wire(spoken(usage=usage))).speak(ASK, OpenGate())
    assert (answer.receipt.url, answer.receipt.billed_characters) == (LINK, None)


async def test_no_error_no_record_and_no_repr_shows_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"Incorrect key provided: {KEY}. {KEY}"
    answers: list[Answer] = [
        refusal(401, "InvalidApiKey", echo),
        refusal(500, f"Internal{KEY}", echo, x_request_id=KEY),
        httpx.Response(200, text=echo),
        httpx.Response(200, json={"output": {"audio": {"url": 5, KEY: 1}}, "request_id": KEY}),
        httpx.ConnectError(f"cannot reach with {KEY}"),
        httpx.LocalProtocolError(f"Illegal header value b'Bearer {KEY}'"),
    ]
    for answer in answers:
        wire = Wire(*[answer] * 4)
        service = opened(wire)
        with pytest.raises(ServiceError) as caught:
            await service.speak(ASK, OpenGate())
        error: BaseException | None = caught.value
        assert wire.seen[0].headers["authorization"] == f"Bearer {KEY}"
        while error is not None:
            assert KEY not in f"{error} {error!r} {error.args}" or isinstance(error, httpx.HTTPError)
            assert not isinstance(error, httpx.HTTPError), "the library's exception holds the request"
            error = error.__cause__ or error.__context__
        again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
        assert str(again) == str(caught.value)
        assert KEY not in repr(service)
    assert caplog.records
    assert not [record for record in caplog.records if KEY in record.getMessage()]


async def test_a_server_cannot_write_control_characters_to_the_terminal() -> None:
    with pytest.raises(ServiceRefused) as caught:
        await opened(Wire(refusal(400, "InvalidParameter", "a\x1b[2J\r\nb" + "x" * 5000))).speak(ASK, OpenGate())
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 900


async def test_a_missing_voice_of_a_synthesis_says_what_418_means() -> None:
    with pytest.raises(VoiceMissing, match=r"designed for another model \(engine code 418\)") as caught:
        await opened(Wire(refusal(400, "InvalidParameter", "[tts:]Engine return error code: 418"))).speak(
            ASK, OpenGate()
        )
    assert "narrate voices list" in str(caught.value)


async def test_cookies_of_the_service_are_not_kept() -> None:
    wire = Wire(httpx.Response(200, headers={"Set-Cookie": "a=b"}, json={"output": {"voice": "v"}}), spoken())
    service = opened(wire)
    await service.query("v")
    await service.speak(ASK, OpenGate())
    assert "cookie" not in wire.seen[1].headers


async def test_a_workspace_travels_as_a_header() -> None:
    wire = Wire(spoken())
    settings = load_settings("international", environ={}, overrides={"service": {"workspace": "ws-1"}})
    await open_service(settings, KEY, transport=httpx.MockTransport(wire)).speak(ASK, OpenGate())
    assert wire.seen[0].headers["x-dashscope-workspace"] == "ws-1"
    assert wire.seen[0].url.host == "dashscope-intl.aliyuncs.com"
