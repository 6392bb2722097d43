"""Questions bought for real: once, within the budget, through faults and kills, and the ledger is the bill."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import httpx
import pytest

from flows.asking import AskJob, label, open_ask_job
from narration.ask import Asked, ask_all, make_asking
from narration.errors import BudgetReached, KeyRefused, ServiceUnavailable, StoreError
from narration.keep import recover
from narration.manuscript import read_manuscript
from narration.memory.replies import answers_in
from narration.memory.store import Store
from narration.memory.usage import totals
from narration.production import load
from narration.services.chat import open_chat
from narration.services.http import Timing
from narration.services.pricing import price_of, tokens_usd
from tests.stages.conftest import KEY, World
from tests.stages.test_kills import Killed, MortalStore, process

PEOPLE = """\
characters:
  - {name: Narrator, role: narrator, voice: "A calm woman, low pitch.", preview: "It was a dark night."}
  - {name: Mara, gender: female, voice: "A young woman, high pitch.", preview: "I saw him go."}
  - {name: Tom, gender: male, voice: "A young man, lively.", preview: "I saw him go."}
  - {name: Pip, gender: male, voice: "A boy, high pitch.", preview: "I saw him go."}
"""
CHAPTER = """\
# {title}

Mara met Tom and Pip at the gate.

“Who is there?”

“I do not believe it.”

“Believe what you like.”

They all looked at the {title} gate. “Go away,” somebody said.

“We shall see.”
"""
TEXT = "\n".join(CHAPTER.format(title=title) for title in ("One", "Two", "Three"))
PRICE = price_of("qwen3.5-flash", "sandbox")


@pytest.fixture
def asks(world: World) -> World:
    """A book of three chapters, each with lines in doubt."""
    world.write(TEXT, PEOPLE)
    return world


def opened(world: World) -> AskJob:
    production, cast = load(world.folder / "book")
    book = read_manuscript(production.manuscript, language=production.language)
    return open_ask_job(
        production, cast, book, {}, chapters=None, profile=None, store=str(world.folder / "store"), budget_usd=None
    )


async def no_sleep(_seconds: float) -> None:
    """Do not wait."""


async def ask_everything(
    world: World, store: Store | None = None, *, run_cap_usd: float | None = None, alive: bool = False
) -> Asked:
    job = opened(world)
    chat = open_chat(world.settings, KEY, timing=Timing(sleep=no_sleep), transport=world.wire)
    try:
        async with world.desk(store, run_cap_usd=run_cap_usd, alive=alive) as desk:
            await recover(desk)
            asking = await make_asking(store or world.store, job.questions, job.price)
            return await ask_all(desk, chat, world.settings, asking)
    finally:
        await chat.aclose()


def chats(world: World) -> int:
    return sum(1 for request in world.wire.requests if request.url.path.endswith("/chat/completions"))


async def ledger(world: World) -> list[dict[str, Any]]:
    async with world.desk() as desk:
        rows: list[dict[str, Any]] = (await desk.ledger.table()).to_pylist()
        return rows


def bill_usd(world: World) -> float:
    bill = world.bill()
    return tokens_usd(PRICE, int(bill["input_tokens"]), int(bill["output_tokens"]))


async def test_every_question_is_asked_once_and_then_never_again(asks: World) -> None:
    job = opened(asks)
    first = await ask_everything(asks)
    assert (len(job.questions), first.bought, first.error) == (3, 3, None)
    assert (chats(asks), asks.bill()["chats"]) == (3, 3)
    again = await ask_everything(asks)
    assert (again.bought, again.cost_usd, again.answers) == (0, 0.0, first.answers)
    assert chats(asks) == 3
    labelled = label(job, again)
    assert labelled.named == job.open_lines > 3
    assert labelled.accepted == 0, "the sandbox reads nothing"


async def test_the_ledger_is_the_bill_to_the_token(asks: World) -> None:
    most_usd = (await make_asking(asks.store, opened(asks).questions, PRICE)).most_usd
    asked = await ask_everything(asks)
    rows, bill = await ledger(asks), asks.bill()
    assert {(row["service"], row["action"], row["model"], row["region"]) for row in rows} == {
        ("chat", "ask", "qwen3.5-flash", "sandbox")
    }
    assert {row["take_id"] for row in rows} == set(asked.answers)
    assert sorted(row["chapter"] for row in rows) == [1, 2, 3]
    assert sum(row["input_tokens"] for row in rows) == bill["input_tokens"]
    assert sum(row["output_tokens"] for row in rows) == bill["output_tokens"]
    assert sum(row["price_usd"] for row in rows) == pytest.approx(asked.cost_usd) == pytest.approx(bill_usd(asks))
    assert 0 < asked.cost_usd < most_usd


@pytest.mark.parametrize("lost", ["drop_after", "drop_before"])
async def test_an_answer_that_is_lost_is_in_doubt_and_asked_for_again(asks: World, lost: str) -> None:
    asks.switch(**{lost: 0.5}, fault_actions=("chat",))
    asked = await ask_everything(asks)
    assert (asked.bought, asked.error) == (3, None)
    rows = await ledger(asks)
    known = [row for row in rows if not row["in_doubt"]]
    doubt = [row for row in rows if row["in_doubt"]]
    assert len(known) == 3
    assert doubt
    bill = asks.bill()
    for column in ("input_tokens", "output_tokens"):
        least = sum(row[column] for row in known)
        assert least <= bill[column] <= least + sum(row[column] for row in doubt)
    least_usd = sum(row["price_usd"] for row in known)
    assert least_usd - 1e-12 <= bill_usd(asks) <= least_usd + sum(row["price_usd"] for row in doubt) + 1e-12


async def test_a_budget_for_one_question_at_a_time_is_enough_for_all_where_answers_are_cheap(asks: World) -> None:
    most_usd = (await make_asking(asks.store, opened(asks).questions, PRICE)).most_usd
    asked = await ask_everything(asks, run_cap_usd=most_usd * 0.6)
    assert (asked.bought, asked.error) == (3, None)
    assert bill_usd(asks) <= most_usd * 0.6


async def test_the_budget_stops_what_does_not_fit_and_the_rest_is_for_the_next_run(asks: World) -> None:
    most_usd = (await make_asking(asks.store, opened(asks).questions, PRICE)).most_usd
    none = await ask_everything(asks, run_cap_usd=0.0)
    assert isinstance(none.error, BudgetReached)
    assert (none.bought, chats(asks)) == (0, 0)
    stopped = await ask_everything(asks, run_cap_usd=most_usd / 3 + 1e-6)
    assert isinstance(stopped.error, BudgetReached)
    assert stopped.bought == chats(asks) == 1
    assert bill_usd(asks) == pytest.approx(stopped.cost_usd)
    rest = await ask_everything(asks)
    assert (rest.bought, rest.error) == (2, None)


@pytest.mark.parametrize("fault", ["chat_prose", "chat_stranger", "chat_missing", "chat_broken", "chat_tool"])
async def test_an_answer_that_is_no_label_is_paid_for_kept_and_changes_nothing(
    asks: World, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asks.switch(**{fault: 1.0})
    job = opened(asks)
    asked = await ask_everything(asks)
    assert (asked.bought, asked.error) == (3, None)
    labelled = label(job, asked)
    whole = fault not in {"chat_stranger", "chat_missing"}
    assert labelled.rejected == (3 if whole else 0)
    assert labelled.named == (job.open_lines - 3 if fault == "chat_missing" else 0)
    asks.switch(**{fault: 0.0})
    assert (await ask_everything(asks)).bought == 0, "the same question is not bought twice"
    assert KEY not in caplog.text


async def test_a_question_that_was_refused_is_not_asked_again(asks: World) -> None:
    asks.switch(poison_words=("the Two gate",))
    asked = await ask_everything(asks)
    assert (asked.bought, asked.refused, asked.error) == (2, 1, None)
    sent = chats(asks)
    again = await ask_everything(asks)
    assert (again.bought, again.refused, chats(asks)) == (0, 1, sent)
    refused = [row for row in await ledger(asks) if row["status"] == 400]
    assert [(row["code"], row["price_usd"], row["input_tokens"], row["in_doubt"]) for row in refused] == [
        ("data_inspection_failed", 0.0, 0, False)
    ]


async def test_a_refused_key_stops_the_run_at_once(asks: World) -> None:
    answer = {"error": {"code": "invalid_api_key", "message": f"Incorrect API key provided: {KEY}", "type": "t"}}

    class Closed(httpx.AsyncBaseTransport):
        requests = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.requests += 1
            return httpx.Response(401, json=answer, request=request)

    closed = Closed()
    asks.wire = closed  # type: ignore[assignment]
    asked = await ask_everything(asks)
    assert isinstance(asked.error, KeyRefused)
    assert KEY not in f"{asked.error} {await ledger(asks)}"
    assert (asked.bought, asked.cost_usd) == (0, 0.0)


async def test_a_service_that_is_away_is_an_error_and_costs_nothing(asks: World) -> None:
    asks.switch(rate_500=1.0, fault_actions=("chat",))
    asked = await ask_everything(asks)
    assert isinstance(asked.error, ServiceUnavailable)
    assert {(row["status"], row["price_usd"]) for row in await ledger(asks)} == {(500, 0.0)}


async def test_two_runs_at_once_buy_every_question_once(asks: World) -> None:
    asks.switch(latency_ms=30)
    both = await asyncio.gather(ask_everything(asks, alive=True), ask_everything(asks, alive=True))
    assert [one.error for one in both] == [None, None]
    assert both[0].bought + both[1].bought == asks.bill()["chats"] == 3
    assert both[0].answers == both[1].answers


async def test_an_answer_of_another_question_is_named(asks: World) -> None:
    asked = await ask_everything(asks)
    one, other, _ = asked.answers
    store = asks.store
    data = await store.get(f"answers/{one[:2]}/{one}.json")
    assert data is not None
    await store.put(f"answers/{other[:2]}/{other}.json", data)
    with pytest.raises(StoreError, match="of another question"):
        await answers_in(store).get(other)
    await store.put(f"answers/{other[:2]}/{other}.json", b"{}")
    with pytest.raises(StoreError, match="to ask again"):
        await answers_in(store).get(other)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("lost", [0.0, 0.3], ids=["calm", "answers lost"])
@pytest.mark.slow
async def test_a_run_killed_at_any_write_loses_nothing_and_asks_nothing_twice(
    asks: World, after: bool, lost: float
) -> None:
    asks.switch(drop_after=lost, fault_actions=("chat",))

    def new_world(name: str) -> World:
        here = World(folder=asks.folder / name, service=asks.service, wire=asks.wire, dead_pid=asks.dead_pid)
        here.folder.mkdir()
        here.write("\n".join(CHAPTER.format(title=title) for title in ("One", "Two")), PEOPLE)
        return here

    calm = new_world("calm")
    counting = MortalStore(calm.store, 10**6, after=False)
    await ask_everything(calm, counting)
    writes = 10**6 - counting.left
    assert writes > 10
    for last in range(1, writes + 1):
        here = new_world(f"{last}")
        before = asks.bill()
        with contextlib.suppress(Killed):  # with answers lost by chance, a run may be done before its end comes
            async with process():
                await ask_everything(here, MortalStore(here.store, last, after=after))
        asked = await ask_everything(here)
        where = f"killed {'after' if after else 'before'} write {last}"
        assert (len(asked.answers), asked.error) == (2, None), where
        async with here.desk() as desk:
            table = await desk.ledger.table()
        rows, sums = table.to_pylist(), totals(table)
        bill = asks.bill()
        doubt = [row for row in rows if row["in_doubt"]]
        for column, known in (("input_tokens", sums.input_tokens), ("output_tokens", sums.output_tokens)):
            billed = bill[column] - before[column]
            assert known <= billed <= known + sum(row[column] for row in doubt), where
        assert sums.questions <= bill["chats"] - before["chats"] <= sums.questions + len(doubt), where
        assert sums.questions == 2, where
        assert len({row["call_id"] for row in rows}) == len(rows), where
        for folder in ("open/", "ledger/pending/", "runs/", "budget/"):
            assert not await here.store.keys(folder), where
