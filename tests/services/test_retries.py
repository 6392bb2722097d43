"""Calls that fail: what is sent again, how long, what the gate is told, and what is in doubt."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import httpx
import pytest

from narration.errors import (
    AnswerUnclear,
    BudgetReached,
    ServiceUnavailable,
)
from narration.services import Ending, OpenGate, open_service
from narration.settings.settings import load_settings
from tests.services.fakes import (
    ASK,
    BASE,
    DESIGN,
    KEY,
    VOICE,
    Answer,
    FakeTime,
    Listening,
    Wire,
    opened,
    refusal,
    spoken,
)


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
            time.at += 200.0

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
    wire = Wire(
        httpx.ReadTimeout("late"),
        httpx.Response(200, text='{"output": {'),
        httpx.Response(200, json={"output": {"voice_list": [{"voice": "v"}]}}),
    )
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
