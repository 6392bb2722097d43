"""The doors to recognisers at the wire: what is sent where, what is understood, and what nobody may see."""

from __future__ import annotations

import base64
import dataclasses
import email.parser
import email.policy
import json
import logging

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from narration.errors import (
    AccountBlocked,
    AnswerUnclear,
    FormRefused,
    InputError,
    KeyRefused,
    ModelGone,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
    TextTooLong,
)
from narration.hearing import HeardWord, HearingAsk
from narration.sandbox.hearing import form_fields
from narration.services import Ending, OpenGate
from narration.services.pricing import seconds_usd
from narration.services.recogniser import Recogniser
from narration.services.transcribe import (
    check_recogniser,
    most_seconds,
    open_recogniser,
    recogniser_price,
    recogniser_url,
)
from narration.services.transcribe_dashscope import MOST_BYTES
from narration.services.transcribe_openai import form_of
from narration.settings.settings import Settings, load_settings
from tests.services.fakes import Answer, FakeTime, Listening, Wire

KEY = "sk-a-key-that-nobody-may-see"
SOUND = b"RIFF$\x00\x00\x00WAVEfmt \r\n--\x00\xff"
ASK = HearingAsk(
    kind="dashscope", place="ap-southeast-1", model="qwen3-asr-flash", sha256="0" * 64, language="en", expected="no"
)
THEIRS = dataclasses.replace(ASK, kind="openai", place="api.openai.com", model="whisper-1")


def settings(kind: str = "dashscope", profile: str = "international", **own: object) -> Settings:
    overrides: dict[str, dict[str, object]] = {
        "check": {"recogniser": kind},
        "recogniser": {"base_url": "https://api.openai.com/v1", **own} if kind == "openai" else own,
        "limits": {"attempts": 4, "total_s": 120.0},
        "service": {"workspace": "llm-1"} if profile == "international" else {},
    }
    return load_settings(profile, environ={}, overrides=overrides)


def opened(*answers: Answer, kind: str = "dashscope", time: FakeTime | None = None) -> tuple[Recogniser, Wire]:
    wire = Wire(*answers)
    timing = (time or FakeTime()).timing()
    return open_recogniser(settings(kind), KEY, timing=timing, transport=httpx.MockTransport(wire)), wire


def vendor_said(content: object, **usage: object) -> httpx.Response:
    message = {"annotations": [{"language": "en", "type": "audio_info"}], "content": content, "role": "assistant"}
    output = {"choices": [{"finish_reason": "stop", "message": message}]}
    return httpx.Response(200, json={"request_id": "r-1", "output": output, "usage": usage})


def refused(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"request_id": "r-9", "code": code, "message": message})


def their_refusal(status: int, code: str | None, message: str) -> httpx.Response:
    body = {"error": {"code": code, "message": message, "type": "invalid_request_error", "param": None}}
    return httpx.Response(status, json=body)


NO_TIMES = their_refusal(
    400, "unsupported_value", "response_format 'verbose_json' is not compatible with model 'gpt-4o-transcribe'."
)


async def test_the_vendor_is_sent_the_sound_as_documented_and_never_the_words() -> None:
    service, wire = opened(vendor_said([{"text": "Nobody spoke."}], seconds=2))
    told = await service.transcribe(SOUND, ASK, OpenGate())
    request = wire.seen[0]
    assert request.method == "POST"
    assert (
        str(request.url) == "https://dashscope-intl.aliyuncs.com/api/v1/services/aigc/multimodal-generation/generation"
    )
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-dashscope-workspace"] == "llm-1"
    audio = "data:audio/wav;base64," + base64.b64encode(SOUND).decode()
    assert wire.sent() == {
        "model": "qwen3-asr-flash",
        "input": {
            "messages": [
                {"role": "system", "content": [{"text": ""}]},
                {"role": "user", "content": [{"audio": audio}]},
            ]
        },
        "parameters": {"asr_options": {"enable_itn": False, "language": "en"}},
    }
    assert told.said.words == (HeardWord(text="Nobody"), HeardWord(text="spoke."))
    assert (told.said.request_id, told.said.billed_s, told.said.followed) == ("r-1", 2.0, True)
    assert told.call is not None
    assert (told.call.action, told.call.model, told.call.status) == ("transcribe", "qwen3-asr-flash", 200)


@pytest.mark.parametrize("content", [[], [{"text": ""}], "", [{"emotion": "neutral"}]])
async def test_a_sound_in_which_nothing_is_said_is_heard_as_nothing(content: object) -> None:
    service, _ = opened(vendor_said(content))
    said = (await service.transcribe(SOUND, ASK, OpenGate())).said
    assert (said.words, said.billed_s) == ((), None)


async def test_an_endpoint_is_sent_a_form_and_tells_words_with_their_times() -> None:
    answer = {
        "text": "Nobody spoke.",
        "duration": 1.4,
        "words": [
            {"word": "Nobody", "start": 0.1, "end": 0.55},
            {"word": " spoke ", "start": 0.6, "end": 1.1, "probability": 0.9},
            {"word": 7},
            "x",
        ],
    }
    service, wire = opened(httpx.Response(200, json=answer, headers={"x-request-id": "r-2"}), kind="openai")
    told = await service.transcribe(SOUND, THEIRS, OpenGate())
    request = wire.seen[0]
    assert str(request.url) == "https://api.openai.com/v1/audio/transcriptions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "x-dashscope-workspace" not in request.headers
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.content)
    parts = [(one.get_param("name", header="content-disposition"), one) for one in parsed.iter_parts()]
    assert [name for name, _ in parts] == [
        "model",
        "language",
        "response_format",
        "timestamp_granularities[]",
        "file",
    ]
    assert [one.get_content().strip() for name, one in parts if name != "file"] == [
        "whisper-1",
        "en",
        "verbose_json",
        "word",
    ]
    assert form_fields(request.headers["content-type"], request.content)["file"] == SOUND
    assert dict(parts)["file"].get_filename() == "take.wav"
    assert told.said.words == (
        HeardWord(text="Nobody", start_ms=100, end_ms=550),
        HeardWord(text="spoke", start_ms=600, end_ms=1100, confidence=0.9),
    )
    assert (told.said.request_id, told.said.billed_s) == ("r-2", 2.0)


@given(
    sound=st.binary(max_size=300), value=st.text(st.characters(codec="ascii", exclude_characters="\r\n"), min_size=1)
)
def test_a_form_holds_what_was_put_into_it(sound: bytes, value: str) -> None:
    form = form_of([("model", value)], sound)
    assert form_fields(form.kind, form.content) == {"model": value, "file": sound}
    assert form == form_of([("model", value)], sound)


async def test_a_model_without_times_is_asked_without_them_and_not_told_twice() -> None:
    plain = httpx.Response(200, json={"text": "Nobody spoke.", "usage": {"type": "duration", "seconds": 2}})
    service, wire = opened(NO_TIMES, plain, plain, kind="openai")
    gate = Listening()
    first = await service.transcribe(SOUND, THEIRS, gate)
    await service.transcribe(SOUND, THEIRS, OpenGate())
    forms = [form_fields(one.headers["content-type"], one.content)["response_format"] for one in wire.seen]
    assert forms == ["verbose_json", "json", "json"]
    assert "timestamp_granularities[]" not in form_fields(wire.seen[1].headers["content-type"], wire.seen[1].content)
    assert gate.endings == [Ending.REFUSED, Ending.ANSWERED]
    assert [word.text for word in first.said.words] == ["Nobody", "spoke."]
    assert first.call is not None
    assert first.call.attempts == 2
    service, wire = opened(plain, kind="openai")
    await service.transcribe(SOUND, dataclasses.replace(THEIRS, language=""), OpenGate())
    assert "language" not in form_fields(wire.seen[0].headers["content-type"], wire.seen[0].content)
    service, _ = opened(NO_TIMES, NO_TIMES, kind="openai")
    with pytest.raises(FormRefused, match="recogniser"):
        await service.transcribe(SOUND, THEIRS, OpenGate())


@pytest.mark.parametrize(
    ("kind", "answer", "error"),
    [
        ("dashscope", refused(401, "InvalidApiKey", "Invalid API-key provided."), KeyRefused),
        ("dashscope", refused(404, "ModelNotFound", "Model can not be found."), ModelGone),
        ("dashscope", refused(400, "Arrearage", "Access denied."), AccountBlocked),
        ("dashscope", refused(400, "InvalidParameter", "The audio is too long"), TextTooLong),
        ("dashscope", refused(400, "InvalidParameter", "Unsupported audio file"), ServiceRefused),
        ("dashscope", httpx.Response(200, json={"output": {"choices": []}}), AnswerUnclear),
        ("dashscope", httpx.Response(200, text="<html>"), AnswerUnclear),
        ("openai", their_refusal(401, "invalid_api_key", "Incorrect API key provided."), KeyRefused),
        ("openai", their_refusal(404, "model_not_found", "The model does not exist."), ModelGone),
        ("openai", their_refusal(413, None, "Maximum content size limit (26214400) exceeded"), TextTooLong),
        ("openai", their_refusal(400, None, "The audio file could not be decoded"), ServiceRefused),
        ("openai", httpx.Response(200, json={"words": []}), AnswerUnclear),
    ],
)
async def test_an_error_answer_has_its_class_and_its_next_step(
    kind: str, answer: httpx.Response, error: type[ServiceError]
) -> None:
    service, wire = opened(answer, kind=kind)
    with pytest.raises(ServiceError) as caught:
        await service.transcribe(SOUND, ASK if kind == "dashscope" else THEIRS, OpenGate())
    assert type(caught.value) is error
    assert caught.value.hint
    assert len(wire.seen) == 1


async def test_what_may_pass_is_tried_again_and_an_answer_lost_is_counted() -> None:
    gate = Listening()
    service, wire = opened(
        refused(429, "Throttling.RateQuota", "Requests rate limit exceeded"),
        httpx.ReadError("gone"),
        refused(500, "InternalError", "An internal error has occurred"),
        vendor_said([{"text": "yes"}]),
    )
    told = await service.transcribe(SOUND, ASK, gate)
    assert gate.endings == [Ending.THROTTLED, Ending.IN_DOUBT, Ending.FAILED, Ending.ANSWERED]
    assert told.call is not None
    assert (told.call.attempts, told.call.in_doubt) == (4, 1)
    assert len({request.content for request in wire.seen}) == 1
    service, _ = opened(*[refused(503, "ServiceUnavailable", "busy")] * 4)
    with pytest.raises(ServiceUnavailable):
        await service.transcribe(SOUND, ASK, OpenGate())


async def test_a_sound_that_is_too_large_is_not_sent() -> None:
    service, wire = opened()
    with pytest.raises(TextTooLong, match="10 MB"):
        await service.transcribe(b"\0" * MOST_BYTES, ASK, OpenGate())
    assert wire.seen == []


async def test_the_key_is_in_no_error_no_log_and_no_transcript(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service, _ = opened(refused(401, "InvalidApiKey", f"Invalid: {KEY}"), vendor_said([{"text": f"it is {KEY}"}]))
    with pytest.raises(KeyRefused) as caught:
        await service.transcribe(SOUND, ASK, OpenGate())
    told = await service.transcribe(SOUND, ASK, OpenGate())
    assert KEY not in f"{caught.value} {caplog.text} {told} {service!r}"


KEYS = st.sampled_from(("output", "choices", "message", "content", "text", "words", "word", "start", "usage"))
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings_of(max_examples=40)
@given(answer=ANSWERS)
@pytest.mark.parametrize("kind", ["dashscope", "openai"])
async def test_whatever_is_answered_is_a_transcript_or_a_typed_error(kind: str, answer: object) -> None:
    service, _ = opened(httpx.Response(200, content=json.dumps(answer)), kind=kind)
    try:
        told = await service.transcribe(SOUND, ASK, OpenGate())
    except ServiceError:
        return
    finally:
        await service.aclose()
    assert all(word.text for word in told.said.words)


def test_seconds_have_their_prices() -> None:
    vendors = recogniser_price(settings())
    assert (vendors.usd, vendors.per_seconds, vendors.assumed) == (0.000035, 1, False)
    assert seconds_usd(vendors, 3600) == pytest.approx(0.126)
    theirs = recogniser_price(settings("openai"))
    assert seconds_usd(theirs, 90) == pytest.approx(0.009)
    own = recogniser_price(settings("openai", model="house", usd_per_minute=0.0))
    assert seconds_usd(own, 3600) == 0.0
    assert recogniser_price(settings("offline")).usd == 0.0
    with pytest.raises(InputError, match="usd_per_minute"):
        recogniser_price(settings("openai", model="house"))
    assert [most_seconds(length_s) for length_s in (0.0, 0.4, 1.0, 1.01)] == [1, 1, 1, 2]


def test_settings_that_cannot_be_used_are_named() -> None:
    with pytest.raises(InputError, match="has no address"):
        settings("openai", base_url="")
    with pytest.raises(InputError, match="beside a sandbox"):
        settings("openai", profile="sandbox")
    with pytest.raises(InputError, match="/api/v1"):
        settings("dashscope", base_url="https://elsewhere.example/v2")
    with pytest.raises(InputError, match="English only"):
        check_recogniser(settings("offline"), "zh")
    with pytest.raises(InputError, match="no host of the vendor"):
        recogniser_url(settings("dashscope", profile="gateway"))
    check_recogniser(settings("offline"), "en-GB")
    with pytest.raises(InputError, match="no recogniser"):
        open_recogniser(settings("none"), KEY)


async def test_a_sound_that_is_too_large_for_theirs_is_not_sent_either() -> None:
    service, wire = opened(kind="openai")
    with pytest.raises(TextTooLong, match="25 MB"):
        await service.transcribe(b"\0" * 25_000_001, THEIRS, OpenGate())
    assert wire.seen == []


@pytest.mark.parametrize(("told", "seconds"), [("2.5", 2.5), ("two", None), (3, 3.0), (None, None)])
async def test_seconds_are_read_as_numbers_or_as_text_and_anything_else_is_not_told(
    told: object, seconds: float | None
) -> None:
    service, wire = opened(vendor_said([{"text": "Nobody spoke."}], seconds=told))
    heard = await service.transcribe(SOUND, dataclasses.replace(ASK, language=""), OpenGate())
    assert heard.said.billed_s == seconds
    assert wire.sent()["parameters"] == {"asr_options": {"enable_itn": False}}, "no language is claimed"
