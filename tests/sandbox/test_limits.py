"""Rate limits: per minute, per second and at once, for each account and model."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.sandbox.faults import read_switches
from narration.sandbox.limits import Limiter
from narration.sandbox.wire import RefusedError

Desk = Any


def admitted(limiter: Limiter, switches: Any, account: str = "a", model: str = "m") -> bool:  # noqa: ANN401
    try:
        with limiter.admit(account, model, switches):
            return True
    except RefusedError as error:
        return error.code != "Throttling.RateQuota"


async def test_the_fourth_request_of_a_second_is_429(desk: Desk) -> None:
    await desk.switch(rps=3)
    answers = [await desk.design("list") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    body = answers[-1].json()
    assert (body["code"], body["message"]) == (
        "Throttling.RateQuota",
        "Requests rate limit exceeded, please try again later.",
    )
    assert "retry-after" not in answers[-1].headers
    desk.clock.now_s += 1
    assert (await desk.design("list")).status_code == 200


async def test_the_limit_of_a_minute_slides(desk: Desk) -> None:
    await desk.switch(rpm=2)
    assert (await desk.design("list")).status_code == 200
    desk.clock.now_s += 40
    assert [(await desk.design("list")).status_code for _ in range(2)] == [200, 429]
    desk.clock.now_s += 20
    assert [(await desk.design("list")).status_code for _ in range(2)] == [200, 429]


async def test_accounts_and_models_are_counted_apart(desk: Desk) -> None:
    voice = await desk.voice()
    await desk.switch(rps=1)
    desk.clock.now_s += 1
    assert [(await desk.speak(voice)).status_code for _ in range(2)] == [200, 429]
    assert (await desk.design("list")).status_code == 200
    desk.key = "sk-other"
    assert (await desk.design("list")).status_code == 200


async def test_retry_after_is_sent_when_asked_for(desk: Desk) -> None:
    await desk.switch(rps=0, retry_after_s=1.5)
    assert (await desk.design("list")).headers["retry-after"] == "1.5"


async def test_requests_at_once_are_limited(desk: Desk) -> None:
    voice = await desk.voice()
    await desk.switch(concurrency=2, latency_ms=50)
    answers = await asyncio.gather(*(desk.speak(voice) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "Throttling.Concurrency"
    assert (await desk.bill())["synthesized"] == 2


async def test_a_request_is_limited_before_its_fields_are_read(desk: Desk) -> None:
    await desk.switch(rps=0)
    assert (await desk.design("query")).status_code == 429


@given(gaps=st.lists(st.integers(0, 2048), max_size=60), rps=st.integers(1, 4))
def test_no_second_holds_more_than_its_limit(gaps: list[int], rps: int) -> None:
    now = [0.0]
    limiter = Limiter(lambda: now[0])
    switches = read_switches({"rps": rps, "rpm": None})
    times = []
    for gap in gaps:
        now[0] += gap / 1024  # parts of a second that add up without rounding
        if admitted(limiter, switches):
            times.append(now[0])
    for at in times:
        assert sum(at - 1 < other <= at for other in times) <= rps


def test_a_pace_below_the_limit_is_never_refused() -> None:
    now = [0.0]
    limiter = Limiter(lambda: now[0])
    switches = read_switches({"rps": 3, "rpm": 180})
    for _ in range(600):
        now[0] += 0.335
        assert admitted(limiter, switches)


@pytest.mark.parametrize("name", ["rpm", "rps", "concurrency"])
def test_a_limit_of_none_is_no_limit(name: str) -> None:
    limiter = Limiter(lambda: 0.0)
    switches = read_switches({"rpm": None, "rps": None, "concurrency": None, name: "none"})
    assert all(admitted(limiter, switches) for _ in range(500))
