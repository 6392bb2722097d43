"""The Qwen door at the wire: what is sent, what is understood, what is sent again, and what the gate is told."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from email.utils import formatdate

import httpx
import pytest

from narration.errors import (
    AnswerUnclear,
    BudgetReached,
    KeyRefused,
    ModelGone,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
    TextRefused,
    VoiceMissing,
)
from narration.services import AttemptEnd, Ending, OpenGate, SpeechService, open_service
from narration.services.http import Timing
from narration.settings import load_settings
from narration.take import SpeechAsk
from narration.voice import VoiceDesign, VoiceStatus

KEY = "sk-a-key-that-nobody-may-see"
BASE = "http://127.0.0.1:9/api/v1"
MODEL = "qwen3-tts-vd-2026-01-26"
VOICE = "qwen-tts-vd-mara-voice-20261120093012345-9f3c"
LINK = "http://bucket.oss-cn-beijing.aliyuncs.com/a.wav?Expires=1&Signature=a%2Bb%3D"


def ask(text: str = "Nobody spoke. 没人说话。", language: str = "en", *options: tuple[str, str]) -> SpeechAsk:
    return SpeechAsk(
        service="qwen", region="r", model=MODEL, voice=VOICE, text=text, language=language, options=options
    )


ASK = ask()
DESIGN = VoiceDesign(
    service="qwen",
    base_url=BASE,
    account="a" * 12,
    design_model="qwen-voice-design",
    target_model=MODEL,
    language="en",
    voice_prompt="A calm woman, low pitch.",
    preview_text="The lamp was out.",
)

Answer = httpx.Response | Exception


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = 0.0
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds

    def timing(self, chance: float = 0.5) -> Timing:
        return Timing(
            clock=lambda: self.at, now=lambda: 1_795_000_000 + self.at, sleep=self.sleep, random=lambda: chance
        )


class Listening:
    """A gate that writes down what it hears."""

    def __init__(self, refuse_from: int = 99) -> None:
        self.asked: list[int] = []
        self.ends: list[AttemptEnd] = []
        self._refuse_from = refuse_from

    async def before(self, attempt: int) -> None:
        if attempt >= self._refuse_from:
            raise BudgetReached(1.0, 1.0, 0.1, "--budget")
        self.asked.append(attempt)

    async def after(self, attempt: int, end: AttemptEnd) -> None:
        assert attempt == self.asked[-1]
        self.ends.append(end)

    @property
    def endings(self) -> list[Ending]:
        return [end.ending for end in self.ends]


class Wire:
    """Answers requests in turn and keeps them."""

    def __init__(self, *answers: Answer) -> None:
        self.seen: list[httpx.Request] = []
        self._answers: Iterator[Answer] = iter(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sent(self, index: int = -1) -> dict[str, object]:
        content = json.loads(self.seen[index].content)
        assert isinstance(content, dict)
        return content


def opened(wire: Callable[[httpx.Request], httpx.Response], time: FakeTime | None = None) -> SpeechService:
    settings = load_settings(
        "international",
        environ={},
        overrides={"service": {"base_url": BASE}, "limits": {"attempts": 4, "total_s": 120.0}},
    )
    return open_service(
        settings, KEY, timing=(time or FakeTime()).timing(), transport=httpx.MockTransport(wire), resolve=None
    )


def spoken(**more: object) -> httpx.Response:
    output = {"finish_reason": "stop", "audio": {"data": "", "url": LINK, "expires_at": 1_795_255_812}}
    return httpx.Response(200, json={"request_id": "r-1", "output": output, "usage": {"characters": 30}} | more)


def refusal(status: int, code: str, message: str = "", **headers: str) -> httpx.Response:
    body = {"code": code, "message": message, "request_id": "r-9"}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


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


async def test_the_same_bytes_are_sent_again_until_an_answer_comes_and_every_attempt_passes_the_gate() -> None:
    time, gate = FakeTime(), Listening()
    wire = Wire(
        refusal(429, "Throttling.RateQuota"),
        refusal(500, "InternalError"),
        httpx.ReadTimeout("late"),
        spoken(),
    )
    answer = await opened(wire, time).speak(ASK, gate)
    assert gate.asked == [1, 2, 3, 4]
    assert gate.endings == [Ending.THROTTLED, Ending.FAILED, Ending.IN_DOUBT, Ending.ANSWERED]
    assert [end.status for end in gate.ends] == [429, 500, 0, 200]
    assert (answer.call.attempts, answer.call.in_doubt, answer.call.status, answer.call.code) == (4, 1, 200, "")
    assert len({request.content for request in wire.seen}) == 1
    assert time.waits == [1.0 + 0.5 * 1, 0.5 * 2, 0.5 * 4]
    assert answer.call.latency_ms == round(sum(time.waits) * 1000)


async def test_attempts_are_capped() -> None:
    wire = Wire(*[refusal(503, "ServiceUnavailable", "try later") for _ in range(9)])
    with pytest.raises(
        ServiceUnavailable, match=r"4 attempts.*503 ServiceUnavailable “try later”, request id r-9"
    ) as caught:
        await opened(wire).speak(ASK, OpenGate())
    assert len(wire.seen) == 4
    assert caught.value.call is not None
    assert (caught.value.call.attempts, caught.value.call.in_doubt) == (4, 0)


async def test_seconds_are_capped_and_no_attempt_begins_that_could_not_be_finished() -> None:
    time = FakeTime()
    wire = Wire(*[refusal(429, "Throttling", retry_after="50") for _ in range(9)])
    with pytest.raises(ServiceUnavailable):
        await opened(wire, time).speak(ASK, OpenGate())
    assert len(wire.seen) == 3
    assert sum(time.waits) < 120.0 - 10.0


@pytest.mark.parametrize(
    ("headers", "least_s"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after_ms": "2500"}, 2.5),
        ({"retry_after_ms": "2500", "retry_after": "9"}, 2.5),
        ({"retry_after": formatdate(1_795_000_030, usegmt=True)}, 30.0),
        ({"retry_after": "86400"}, 60.0),
        ({"retry_after": "-5"}, 0.0),
        ({"retry_after": "soon"}, 1.0),
        ({"retry_after": "nan"}, 1.0),
        ({}, 1.0),
    ],
)
async def test_retry_after_is_honoured_up_to_a_cap(headers: dict[str, str], least_s: float) -> None:
    time, gate = FakeTime(), Listening()
    await opened(Wire(refusal(429, "Throttling", **headers), spoken()), time).speak(ASK, gate)
    assert time.waits == [least_s + 0.5]
    if headers.get("retry_after") == "7":
        assert gate.ends[0].retry_after_s == 7.0


async def test_waiting_at_the_gate_does_not_count_against_the_seconds_of_a_call() -> None:
    time = FakeTime()

    class Slow(Listening):
        async def before(self, attempt: int) -> None:
            await super().before(attempt)
            time.at += 100.0

    gate = Slow()
    answer = await opened(Wire(refusal(500, ""), refusal(500, ""), spoken()), time).speak(ASK, gate)
    assert answer.call.attempts == 3


async def test_money_that_is_not_there_stops_the_retries() -> None:
    wire = Wire(httpx.ReadTimeout("late"), spoken())
    gate = Listening(refuse_from=2)
    with pytest.raises(BudgetReached):
        await opened(wire).speak(ASK, gate)
    assert len(wire.seen) == 1
    assert gate.endings == [Ending.IN_DOUBT]


@pytest.mark.parametrize(
    "ending",
    [
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("gone"),
        httpx.ReadError("gone"),
        refusal(504, "GatewayTimeout"),
        refusal(502, ""),
        refusal(408, "RequestTimeOut"),
        refusal(500, "InternalError.Timeout"),
        httpx.Response(200, text="<html>hello</html>"),
        httpx.Response(200, text='{"output": {"voi'),
        httpx.Response(200, json={"output": {}}),
    ],
)
async def test_a_design_in_doubt_is_never_sent_again(ending: Answer) -> None:
    wire, gate = Wire(ending), Listening()
    with pytest.raises((ServiceUnavailable, AnswerUnclear), match="billed, nevertheless") as caught:
        await opened(wire).design(DESIGN, "mara", gate)
    assert len(wire.seen) == 1
    assert gate.endings == [Ending.IN_DOUBT]
    assert caught.value.call is not None
    assert caught.value.call.in_doubt == 1


@pytest.mark.parametrize(
    ("ending", "heard"),
    [
        (httpx.ConnectError("refused"), Ending.NOT_SENT),
        (httpx.ConnectTimeout("late"), Ending.NOT_SENT),
        (httpx.PoolTimeout("full"), Ending.NOT_SENT),
        (refusal(429, "Throttling.RateQuota"), Ending.THROTTLED),
        (refusal(500, "InternalError"), Ending.FAILED),
    ],
)
async def test_a_design_that_certainly_was_not_made_is_sent_again(ending: Answer, heard: Ending) -> None:
    gate = Listening()
    wire = Wire(ending, httpx.Response(200, json={"output": {"voice": VOICE}, "request_id": "r"}))
    designed = await opened(wire).design(DESIGN, "mara", gate)
    assert gate.endings == [heard, Ending.ANSWERED]
    assert (designed.call.attempts, designed.call.in_doubt) == (2, 0)


async def test_a_call_that_costs_nothing_is_never_in_doubt() -> None:
    wire = Wire(httpx.ReadTimeout("late"), httpx.Response(200, text='{"output": {'), page(0, 1, 1))
    listed = await opened(wire).voices()
    assert (listed.call.attempts, listed.call.in_doubt) == (3, 0)


async def test_a_torn_answer_to_a_synthesis_is_asked_for_again_and_counted_in_doubt() -> None:
    answer = await opened(Wire(httpx.Response(200, text='{"output": {"aud'), spoken())).speak(ASK, OpenGate())
    assert (answer.call.attempts, answer.call.in_doubt) == (2, 1)


async def test_a_page_of_html_is_not_paid_for_twice() -> None:
    wire = Wire(httpx.Response(200, text="<html><body>Log in to the hotel's network</body></html>"))
    with pytest.raises(AnswerUnclear, match=r"starts “<html><body>Log in"):
        await opened(wire).speak(ASK, OpenGate())
    assert len(wire.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_since_the_key_belongs_to_one_host(status: int) -> None:
    wire, gate = Wire(httpx.Response(status, headers={"Location": "https://evil.example/api/v1"})), Listening()
    with pytest.raises(AnswerUnclear, match="redirect"):
        await opened(wire).speak(ASK, gate)
    assert [request.url.host for request in wire.seen] == ["127.0.0.1"]
    assert gate.endings == [Ending.REFUSED]


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


async def test_an_answer_of_endless_length_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("narration.services.api.ANSWER_MOST_BYTES", 1000)

    async def endless() -> object:
        while True:
            yield b"x" * 600

    with pytest.raises(AnswerUnclear, match="longer than 1000 bytes"):
        await opened(Wire(httpx.Response(200, content=endless()))).speak(ASK, OpenGate())  # type: ignore[arg-type]
    with pytest.raises(AnswerUnclear, match="longer than 1000 bytes"):
        await opened(Wire(httpx.Response(200, content=b"y" * 1001))).speak(ASK, OpenGate())


async def test_a_cancelled_attempt_is_reported_to_the_gate_as_in_doubt() -> None:
    gate, reached = Listening(), asyncio.Event()

    async def hang(_: httpx.Request) -> httpx.Response:
        reached.set()
        await asyncio.sleep(60)
        raise AssertionError

    settings = load_settings("international", environ={}, overrides={"service": {"base_url": BASE}})
    service = open_service(settings, KEY, transport=httpx.MockTransport(hang))
    task = asyncio.create_task(service.speak(ASK, gate))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gate.endings == [Ending.IN_DOUBT]


async def test_an_answer_that_drips_in_ends_with_the_time_of_an_attempt() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    limits = {"connect_s": 0.05, "read_s": 0.05, "attempts": 1}
    settings = load_settings("international", environ={}, overrides={"service": {"base_url": BASE}, "limits": limits})
    service = open_service(settings, KEY, transport=httpx.MockTransport(hang))
    with pytest.raises(ServiceUnavailable, match="no whole answer") as caught:
        await service.speak(ASK, OpenGate())
    assert caught.value.call is not None
    assert caught.value.call.in_doubt == 1


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
