"""A service that always fails in the same way is tried once in a while."""

from __future__ import annotations

import asyncio
import itertools
import logging

import pytest

from narration.services import AttemptEnd, Ending
from narration.services.pace import Pacer
from tests.services.virtual_time import VirtualTime

GOOD = AttemptEnd(ending=Ending.ANSWERED, status=200)
BROKEN = AttemptEnd(ending=Ending.FAILED, status=500, code="InternalError.Algo")
UNREACHED = AttemptEnd(ending=Ending.NOT_SENT)
UNHEARD = AttemptEnd(ending=Ending.IN_DOUBT)


class Away:
    """A service with one answer for everybody."""

    def __init__(self, time: VirtualTime, pacer: Pacer) -> None:
        self.time, self.pacer = time, pacer
        self.says = BROKEN
        self.asked: list[float] = []
        self.under_way = self.most_under_way = 0

    async def ask(self, attempt: int = 1) -> None:
        permit = await self.pacer.enter(attempt)
        await self.pacer.go(permit)
        self.asked.append(self.time.at)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self.time.sleep(0.2)
        self.under_way -= 1
        self.pacer.end(permit, self.says)


@pytest.fixture
def away() -> Away:
    time = VirtualTime()
    return Away(time, time.pacer(0, 0.0, 4))


async def many(away: Away, requests: int) -> None:
    await asyncio.gather(*(away.ask() for _ in range(requests)))


async def outage(away: Away, requests: int = 0) -> None:
    """Eight failures, one after the other, and so many further requests."""
    for _ in range(8):
        await away.ask()
    await many(away, requests)


async def test_after_eight_equal_failures_one_request_at_a_time_is_tried_with_growing_pauses(
    away: Away, caplog: pytest.LogCaptureFixture
) -> None:
    await away.time.run(outage(away, 8))
    probes = away.asked[8:]
    pauses = [round(later - earlier - 0.2, 6) for earlier, later in itertools.pairwise(probes)]
    assert round(probes[0] - away.asked[7] - 0.2, 6) == 1.0
    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [
        "the service fails every time (InternalError.Algo): trying once every 1 s, then less often, at last every 30 s"
    ]


async def test_the_first_success_closes_it_for_everybody(away: Away, caplog: pytest.LogCaptureFixture) -> None:
    async def recovery() -> float:
        asking = asyncio.create_task(outage(away, 103))
        await away.time.sleep(8 * 0.2 + 1.1)  # the first probe is under way
        away.says = GOOD
        await asking
        return away.time.at

    # The probe ends after 2.8 s; 102 more, four at a time, 0.2 s each. Whoever waits looks every second.
    assert await away.time.run(recovery()) <= 100.0 + 2.8 + 1.0 + 26 * 0.2 + 0.01
    assert away.most_under_way == 4
    assert caplog.records[-1].getMessage() == "the service answers again"


@pytest.mark.parametrize(
    "answers",
    [
        [BROKEN] * 7 + [GOOD] + [BROKEN] * 7,
        [BROKEN, UNHEARD] * 12,
        [BROKEN] * 7 + [AttemptEnd(ending=Ending.REFUSED, status=400, code="DataInspectionFailed")] + [BROKEN] * 7,
        [AttemptEnd(ending=Ending.FAILED, status=500, code=f"Error{n}") for n in range(30)],
    ],
    ids=["a success between", "two kinds by turns", "a refusal between", "always another code"],
)
async def test_failures_that_are_no_outage_do_not_open_it(away: Away, answers: list[AttemptEnd]) -> None:
    async def one_by_one() -> None:
        for answer in answers:
            away.says = answer
            await away.ask()

    await away.time.run(one_by_one())
    assert away.time.at == pytest.approx(100.0 + 0.2 * len(answers))


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (UNREACHED, "no connection"),
        (UNHEARD, "no answer"),
        (AttemptEnd(ending=Ending.FAILED, status=502), "status 502"),
    ],
)
async def test_every_kind_of_failure_opens_it_and_is_named(
    away: Away, says: AttemptEnd, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    away.says = says
    await away.time.run(outage(away, 1))
    assert away.time.at == pytest.approx(100.0 + 9 * 0.2 + 1.0)
    assert f"every time ({words})" in caplog.text


async def test_a_probe_that_is_not_sent_hinders_nobody(away: Away) -> None:
    async def work() -> None:
        await outage(away)
        probe = await away.pacer.enter()
        cancelled = asyncio.create_task(away.pacer.enter())
        await away.time.sleep(0.1)
        cancelled.cancel()
        away.pacer.end(probe)
        away.says = GOOD
        await away.ask()

    await away.time.run(work())
    assert away.time.at == pytest.approx(100.0 + 8 * 0.2 + 1.0 + 0.1 + 0.2)


async def test_requests_that_were_sent_before_are_the_probes_in_turn(away: Away) -> None:
    order: list[int] = []

    async def one(attempt: int) -> None:
        await away.ask(attempt)
        order.append(attempt)

    async def work() -> None:
        await outage(away)
        await asyncio.gather(*(one(attempt) for attempt in (1, 3, 1, 2)))

    await away.time.run(work())
    assert order == [3, 2, 1, 1]


async def test_after_five_minutes_without_a_success_it_is_hopeless(away: Away) -> None:
    said: list[str] = []

    async def work() -> None:
        await outage(away)
        while away.time.at < 500.0:
            said.append(away.pacer.hopeless)
            await away.ask()
        away.says = GOOD
        await away.ask()
        said.append(away.pacer.hopeless)

    await away.time.run(work())
    assert said[0] == said[-1] == ""
    assert set(said[:12]) == {""}, "for 241 s"
    assert set(said[14:-1]) == {"InternalError.Algo"}


async def test_what_fails_because_the_run_is_stopped_opens_nothing(caplog: pytest.LogCaptureFixture) -> None:
    time = VirtualTime()
    away = Away(time, time.pacer(0, 0.0, 16, halted=lambda: True))
    away.says = UNHEARD
    await time.run(many(away, 16))
    assert not caplog.records


async def test_what_was_on_its_way_when_the_breaker_opened_makes_no_pause_longer(away: Away) -> None:
    async def work() -> None:
        late = [await away.pacer.enter() for _ in range(3)]
        for permit in late:
            await away.pacer.go(permit)
        await outage(away)
        for permit in late:
            away.pacer.end(permit, BROKEN)
        await away.ask()

    await away.time.run(work())
    assert away.asked[8] - away.asked[7] == pytest.approx(1.2)
