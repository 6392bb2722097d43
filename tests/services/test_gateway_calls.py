"""The gateway's door at the wire: tasks made, looked at, and brought home."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import itertools
import logging

import httpx
import pytest

from narration.errors import (
    AccountBlocked,
    AnswerUnclear,
    AudioRefused,
    InputError,
    KeyRefused,
    LinkExpired,
    ModelGone,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
    TextRefused,
    TextTooLong,
    VoiceMissing,
)
from narration.services import Ending, OpenGate, open_service
from narration.services.http import Timing
from narration.services.protocol import DesignsByTask, TaskFailed
from narration.settings.settings import load_settings
from narration.voice import VoiceStatus
from tests.services.fakes import VOICE, Answer, FakeTime, Listening, Wire
from tests.services.gateway_fakes import (
    BASE,
    GATEWAY_ASK,
    GATEWAY_DESIGN,
    KEY,
    LINK,
    RECEIPT,
    TASK,
    failed,
    gateway,
    public,
    refused,
    task,
    wav,
)
from tests.services.virtual_time import VirtualTime

DONE = {"results": [LINK]}


async def test_a_synthesis_is_a_task_whose_id_is_the_receipt() -> None:
    wire = Wire(task())
    spoken = await gateway(wire).speak(GATEWAY_ASK, OpenGate())
    request = wire.seen[0]
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/audios/generations")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert wire.sent() == {
        "model": "qwen3-tts-vd",
        "prompt": GATEWAY_ASK.text,
        "voice": VOICE,
        "language_type": "English",
    }
    assert spoken.receipt == RECEIPT
    assert (spoken.call.request_id, spoken.call.action) == (TASK, "synthesize")
    assert spoken.price_usd == pytest.approx(0.32 * 0.025)


async def test_a_design_is_a_task_too_and_names_everything_at_the_top() -> None:
    wire = Wire(task(model="qwen-voice-design", usage={"credits_reserved": 2}))
    designed = await gateway(wire).design(GATEWAY_DESIGN, "mara_123", OpenGate())
    assert wire.sent() == {
        "model": "qwen-voice-design",
        "voice_prompt": GATEWAY_DESIGN.voice_prompt,
        "preview_text": GATEWAY_DESIGN.preview_text,
        "preferred_name": "mara_123",
        "language": "en",
        "sample_rate": 24000,
        "response_format": "wav",
        "target_model": "qwen3-tts-vd-2026-01-26",
    }
    assert (designed.answer.task_id, designed.answer.voice) == (TASK, "")
    assert designed.answer.status is VoiceStatus.PENDING
    assert designed.price_usd == pytest.approx(0.05)


async def test_a_callback_travels_with_both() -> None:
    wire = Wire(task(), task())
    service = gateway(wire, callback_url="https://hooks.narrate.dev/done")
    await service.speak(GATEWAY_ASK, OpenGate())
    await service.design(GATEWAY_DESIGN, "mara", OpenGate())
    assert [wire.sent(n)["callback_url"] for n in (0, 1)] == ["https://hooks.narrate.dev/done"] * 2


async def test_a_task_is_looked_at_with_growing_waits_until_it_is_completed() -> None:
    time = FakeTime()
    looks = [task(), task("queued"), *[task("processing")] * 5]
    wire = Wire(*looks, task("completed", **DONE), httpx.Response(200, content=wav()))
    assert await gateway(wire, time).collect(RECEIPT) == wav()
    assert {str(request.url) for request in wire.seen[:-1]} == {f"{BASE}/tasks/{TASK}"}
    assert time.waits[0] == 0.5
    assert max(time.waits) == 5.0
    assert all("authorization" in request.headers for request in wire.seen[:-1])
    download = wire.seen[-1]
    assert (download.url.host, download.extensions["target"]) == ("files.evolink.ai", b"/a/b.wav?sig=a%2Bb")
    assert "authorization" not in download.headers


async def test_looks_at_many_tasks_are_spread() -> None:
    time, looks = VirtualTime(), list[float]()

    def wire(request: httpx.Request) -> httpx.Response:
        if "/tasks/" in request.url.path:
            looks.append(time.at)
            return task("completed" if len(looks) > 40 else "processing", **DONE)
        return httpx.Response(200, content=wav())

    settings = load_settings("gateway", environ={}, overrides={"service": {"base_url": BASE}})
    timing = Timing(clock=time.clock, now=time.now, sleep=time.sleep, random=lambda: 0.0)
    service = open_service(settings, KEY, timing=timing, transport=httpx.MockTransport(wire), resolve=public)

    async def all_of_them() -> list[bytes]:
        return list(await asyncio.gather(*(service.collect(RECEIPT) for _ in range(30))))

    assert await time.run(all_of_them()) == [wav()] * 30
    assert len(looks) >= 70
    assert min(later - earlier for earlier, later in itertools.pairwise(looks)) >= 0.25 - 1e-9


async def test_a_task_that_does_not_end_stays_open() -> None:
    time = FakeTime()

    def wire(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        return task("processing")

    with pytest.raises(ServiceUnavailable, match=r"not ended within 120 s \(processing, 50 %\).*not paid for twice"):
        await gateway(wire, time).collect(RECEIPT)
    assert 120 <= time.at < 135


async def test_the_age_of_another_runs_task_counts_and_the_gateways_clock_does_not() -> None:
    def wire(request: httpx.Request) -> httpx.Response:
        del request
        return task("processing")

    time = FakeTime()
    time.at = 7200.0  # two hours after the task was made, or our clock is two hours before the gateway's
    service = gateway(wire, time)
    with pytest.raises(ServiceUnavailable, match="not ended"):
        await service.collect(RECEIPT)
    assert time.at == 7200.0, "one look"
    receipt = (await service.speak(GATEWAY_ASK, OpenGate())).receipt
    with pytest.raises(ServiceUnavailable, match="not ended"):
        await service.collect(receipt)
    assert 7320 <= time.at < 7335


FAILURES: list[tuple[str, str, type[ServiceError], bool]] = [
    ("content_policy_violation", "Blocked.", TextRefused, False),
    ("generation_failed_no_content", "", TextRefused, False),
    ("invalid_parameters", "Range of input length should be [0, 600]", TextTooLong, False),
    ("invalid_parameters", "[tts:]Engine return error code: 418", VoiceMissing, False),
    ("invalid_parameters", "language_type", ServiceRefused, False),
    ("service_error", "", ServiceUnavailable, True),
    ("service_unavailable", "", ServiceUnavailable, True),
    ("generation_timeout", "", ServiceUnavailable, True),
    ("resource_exhausted", "", ServiceUnavailable, True),
    ("quota_exceeded", "", ServiceUnavailable, True),
    ("unknown_error", "", ServiceUnavailable, True),
    ("request_cancelled", "", ServiceUnavailable, True),
    ("something_new", "", ServiceRefused, False),
]


@pytest.mark.parametrize(("code", "message", "kind", "again"), FAILURES)
async def test_a_failed_task_is_the_right_error_and_not_billed(
    code: str, message: str, kind: type[ServiceError], again: bool
) -> None:
    with pytest.raises(TaskFailed) as caught:
        await gateway(Wire(failed(code, message))).collect(RECEIPT)
    found = caught.value
    assert (type(found.error), found.again, found.billed) == (kind, again, False)
    assert code in found.error.what
    assert found.error.call is not None
    assert (found.error.call.code, found.error.call.request_id) == (code, TASK)


async def test_a_cancelled_task_is_not_made_anew_and_may_be_on_the_bill() -> None:
    with pytest.raises(TaskFailed) as caught:
        await gateway(Wire(task("cancelled"))).collect(RECEIPT)
    assert (caught.value.again, caught.value.billed) == (False, True)


REFUSALS: list[tuple[httpx.Response, type[ServiceError]]] = [
    (refused(401, "invalid_api_key"), KeyRefused),
    (refused(401, ""), KeyRefused),
    (refused(402, "insufficient_quota_error"), AccountBlocked),
    (refused(402, ""), AccountBlocked),
    (refused(403, "permission_error"), KeyRefused),
    (refused(404, "model_not_found"), ModelGone),
    (refused(400, "content_policy_violation"), TextRefused),
    (refused(400, "invalid_parameters"), ServiceRefused),
    (refused(413, "request_too_large_error"), ServiceRefused),
    (refused(503, "service_unavailable_error"), ServiceUnavailable),
    (refused(429, "rate_limit_error"), ServiceUnavailable),
    (task("failed", error={"code": "content_policy_violation", "message": "No."}), TextRefused),
    (task(id="../../etc"), AnswerUnclear),
    (task(id=""), AnswerUnclear),
    (task(status=None), AnswerUnclear),
    (httpx.Response(200, text="<html>"), AnswerUnclear),
]


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
async def test_a_refused_task_is_a_typed_error(answer: httpx.Response, kind: type[ServiceError]) -> None:
    with pytest.raises(ServiceError) as caught:
        await gateway(Wire(*[answer] * 4)).speak(GATEWAY_ASK, OpenGate())
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)


async def test_an_unanswered_synthesis_is_sent_again_in_doubt_and_a_design_is_not() -> None:
    gate = Listening()
    wire = Wire(httpx.ReadTimeout("late"), task())
    assert (await gateway(wire).speak(GATEWAY_ASK, gate)).call.in_doubt == 1
    assert gate.endings == [Ending.IN_DOUBT, Ending.ANSWERED]
    gate = Listening()
    with pytest.raises(ServiceUnavailable) as caught:
        await gateway(Wire(httpx.ReadTimeout("late"))).design(GATEWAY_DESIGN, "mara", gate)
    assert caught.value.call is not None
    assert (caught.value.call.in_doubt, gate.endings) == (1, [Ending.IN_DOUBT])


@pytest.mark.parametrize("answer", [refused(400, "invalid_task_id"), refused(404, "resource_not_found")])
async def test_a_task_that_is_not_known_waits_for_its_day_and_is_lost_after_it(answer: httpx.Response) -> None:
    young = FakeTime()
    with pytest.raises(ServiceUnavailable, match="another key"):
        await gateway(Wire(answer), young).collect(RECEIPT)
    old = FakeTime()
    old.at = 86_401.0
    with pytest.raises(LinkExpired):
        await gateway(Wire(answer), old).collect(RECEIPT)
    service = gateway(Wire(answer), old)
    assert isinstance(service, DesignsByTask)
    with pytest.raises(LinkExpired):
        await service.designed(TASK, TASK)


@pytest.mark.parametrize("answer", [refused(401, "invalid_api_key"), refused(402, "insufficient_credits")])
async def test_a_look_that_is_refused_says_nothing_of_the_task(answer: httpx.Response) -> None:
    with pytest.raises((KeyRefused, AccountBlocked)):
        await gateway(Wire(answer)).collect(RECEIPT)


async def test_looks_are_repeated_through_passing_failures_and_nothing_is_in_doubt() -> None:
    wire = Wire(
        httpx.ReadTimeout("late"), refused(500, ""), task("completed", **DONE), httpx.Response(200, content=wav())
    )
    assert await gateway(wire).collect(RECEIPT) == wav()


async def test_a_voice_comes_with_its_preview_by_link_inline_or_not_at_all() -> None:
    result = {"voice": VOICE, "target_model": "qwen3-tts-vd-2026-01-26"}
    inline = {**result, "preview_audio": {"data": base64.b64encode(wav(4)).decode()}}
    uri = f"data:audio/wav;base64,{base64.b64encode(wav(6)).decode()}"
    cases: list[tuple[list[Answer], bytes]] = [
        ([task("completed", result_data=result, results=[LINK]), httpx.Response(200, content=wav())], wav()),
        ([task("completed", result_data=inline)], wav(4)),
        ([task("completed", result_data=result, results=[uri])], wav(6)),
        ([task("completed", result_data=result, results=["data:nonsense"])], b""),
        ([task("completed", result_data=result, results=["http://10.0.0.1/a.wav"])], b""),
        ([task("completed", result_data=result)], b""),
    ]
    for answers, preview in cases:
        service = gateway(Wire(*answers))
        assert isinstance(service, DesignsByTask)
        made = await service.designed(TASK, TASK)
        assert (made.voice, made.status, made.preview_audio) == (VOICE, VoiceStatus.READY, preview)


@pytest.mark.parametrize("result", [None, {}, {"voice": 5}, {"voice": "a b"}, [], "v"])
async def test_a_completed_task_without_a_voice_is_unclear(result: object) -> None:
    service = gateway(Wire(task("completed", result_data=result)))
    assert isinstance(service, DesignsByTask)
    with pytest.raises(AnswerUnclear, match="names no voice"):
        await service.designed(TASK, TASK)


@pytest.mark.parametrize(
    ("results", "why"),
    [
        ([], "no result"),
        (None, "no result"),
        ([5], "no result"),
        (["https://evil.dev/a.wav"], "not one of the profile's"),
        (["http://127.0.0.1/a.wav"], "not one of the profile's"),
        (["data:audio/wav;base64,!!!"], "not the audio promised"),
        (["data:audio/wav;base64,UklGRg=="], "not the audio promised"),
        (["file:///etc/passwd"], "scheme is file"),
    ],
)
async def test_a_result_that_is_no_audio_or_lies_elsewhere_is_refused(results: object, why: str) -> None:
    with pytest.raises(AudioRefused, match=why):
        await gateway(Wire(task("completed", results=results))).collect(RECEIPT)


async def test_the_answer_for_another_task_is_not_taken() -> None:
    other = task("completed", id="task-unified-1795000000-zzzzzzzz", **DONE)
    with pytest.raises(AnswerUnclear, match="zzzzzzzz, not of"):
        await gateway(Wire(*[other] * 4)).collect(RECEIPT)


async def test_a_dead_link_is_lost() -> None:
    gone = httpx.Response(403, text="<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>")
    with pytest.raises(LinkExpired):
        await gateway(Wire(task("completed", **DONE), gone)).collect(RECEIPT)


async def test_realtime_voices_are_refused_before_anything_is_sent() -> None:
    model = "qwen3-tts-vd-realtime-2026-01-15"
    settings = load_settings("gateway", environ={}, overrides={"service": {"speech_model": model}})
    with pytest.raises(InputError, match=f"can make voices for {model}, but it cannot speak"):
        open_service(settings, KEY)
    wire = Wire()
    with pytest.raises(ServiceRefused, match="nothing was sent"):
        await gateway(wire).speak(dataclasses.replace(GATEWAY_ASK, model=model), OpenGate())
    with pytest.raises(ServiceRefused, match="no option rate"):
        await gateway(wire).speak(dataclasses.replace(GATEWAY_ASK, options=(("rate", "2"),)), OpenGate())
    with pytest.raises(TextRefused, match="does not speak"):
        await gateway(wire).speak(dataclasses.replace(GATEWAY_ASK, language="nl"), OpenGate())
    assert wire.seen == []


async def test_a_voice_for_a_realtime_model_can_be_made() -> None:
    wire = Wire(task())
    design = dataclasses.replace(GATEWAY_DESIGN, target_model="qwen3-tts-vd-realtime-2026-01-15")
    await gateway(wire).design(design, "mara", OpenGate())
    assert wire.sent()["target_model"] == "qwen3-tts-vd-realtime-2026-01-15"


async def test_the_account_is_asked_for_its_credits_since_voices_cannot_be_listed() -> None:
    wire = Wire(httpx.Response(200, json={"data": {"user": {"remaining_credits": 1.5}}, "success": True}))
    listed = await gateway(wire).voices()
    assert (listed.voices, listed.total, listed.call.action) == ((), 0, "list")
    assert (wire.seen[0].method, str(wire.seen[0].url)) == ("GET", f"{BASE}/credits")
    with pytest.raises(KeyRefused):
        await gateway(Wire(refused(401, "invalid_api_key"))).voices()


async def test_what_the_gateway_does_not_offer_is_refused_without_a_request() -> None:
    service = gateway(Wire())
    with pytest.raises(ServiceRefused):
        await service.query(VOICE)
    with pytest.raises(ServiceRefused):
        await service.delete(VOICE)


async def test_the_vendors_variables_do_not_move_the_gateway() -> None:
    environ = {"DASHSCOPE_BASE_URL": "https://dashscope.aliyuncs.com/api/v1", "DASHSCOPE_WORKSPACE": "ws-1"}
    service = load_settings("gateway", environ=environ).service
    assert (service.base_url, service.workspace, service.websocket_url) == ("https://api.evolink.ai/v1", "", "")


async def test_a_failed_task_cannot_show_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(TaskFailed) as caught:
        await gateway(Wire(failed(f"code{KEY}", f"{KEY}\x1b[2J"))).collect(RECEIPT)
    assert KEY not in f"{caught.value!r} {caught.value.error} {caught.value.error.call}"
    assert str(caught.value.error).isprintable()
    assert not [record for record in caplog.records if KEY in record.getMessage()]
