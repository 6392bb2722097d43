"""Hearings bought for real: once, within the budget, through faults and kills; and what they make of a chapter."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import Any

import httpx
import pytest

from narration.check.takes import Judge, fails
from narration.desk import Desk
from narration.errors import BudgetReached, KeyRefused, ServiceUnavailable, StoreError, TextTooLong
from narration.finding import Code
from narration.hearing import RecogniserKind
from narration.keep import recover
from narration.listen import Ears, Listening, Spoken, ears_of, listen, most_usd
from narration.memory.choices import Choices
from narration.memory.replies import hearings_in
from narration.memory.store import Store
from narration.memory.takes import Takes
from narration.memory.usage import totals
from narration.mend import Mending, mend_chapter
from narration.report.coverage import coverage_of
from narration.services.http import Timing
from narration.services.pricing import seconds_usd
from narration.services.transcribe import open_recogniser, recogniser_price
from narration.settings.checks import CheckSettings
from narration.settings.settings import Settings
from narration.speak import SpokenChapter
from tests.stages.conftest import KEY, World, speak_all
from tests.stages.test_kills import Killed, MortalStore, process

SENTENCES = (
    "The old man counted his stones that day by the sea. He did not look up when the boat came in. Then it rained.",
    "Nobody had told him about the keys under the mat. He looked for them all night. In the end he slept outside.",
    "The lamp went out at four. She lit it again with the last of the matches. After that they sat in the dark.",
)
TEXT = "# One\n\n" + "\n\n".join(SENTENCES) + "\n"


def settings_of(world: World, kind: RecogniserKind = RecogniserKind.DASHSCOPE, **changes: object) -> Settings:
    check = CheckSettings(recogniser=kind, pitch_octaves=5.0, timbre_sigmas=1000.0, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(world.settings, check=check)


async def no_sleep(_seconds: float) -> None:
    """Do not wait."""


@contextlib.asynccontextmanager
async def ears(world: World, settings: Settings, desk: Desk | None) -> Any:  # noqa: ANN401 — an iterator of ears
    recogniser = open_recogniser(settings, KEY, timing=Timing(sleep=no_sleep), transport=world.wire)
    try:
        yield ears_of(
            recogniser, recogniser_price(settings), settings, lambda: desk is not None and desk.halt.reason is not None
        )
    finally:
        await recogniser.aclose()


def spoken_of(chapter: SpokenChapter) -> list[Spoken]:
    return [
        Spoken(take=piece.take, text=piece.chunk.text, chapter=1, character=piece.chunk.character)
        for piece in chapter.pieces
        if piece.take is not None
    ]


async def hear_everything(
    world: World,
    store: Store | None = None,
    *,
    kind: RecogniserKind = RecogniserKind.DASHSCOPE,
    run_cap_usd: float | None = None,
    alive: bool = False,
) -> tuple[Listening, list[Spoken]]:
    """Speak what is missing, then hear it with a run of its own."""
    settings = settings_of(world, kind)
    async with world.desk() as desk:
        (chapter,) = await speak_all(desk, await world.plan())
    spoken = spoken_of(chapter)
    async with world.desk(store, run_cap_usd=run_cap_usd, alive=alive) as desk, ears(world, settings, desk) as heard_by:
        await recover(desk)
        listening = Listening(settings=settings, store=desk.store)
        await listening.look_up(one.take for one in spoken)
        await listen(desk, heard_by, listening, spoken, Takes(desk.store))
    return listening, spoken


async def rows(world: World) -> list[dict[str, Any]]:
    async with world.desk() as desk:
        found: list[dict[str, Any]] = (await desk.ledger.table()).to_pylist()
    return [row for row in found if row["action"] == "transcribe"]


@pytest.fixture
def said(world: World) -> World:
    """A chapter of three chunks."""
    world.write(TEXT)
    return world


@pytest.mark.parametrize("kind", [RecogniserKind.DASHSCOPE, RecogniserKind.OPENAI])
async def test_every_take_is_heard_once_and_the_ledger_is_the_bill(said: World, kind: RecogniserKind) -> None:
    listening, spoken = await hear_everything(said, kind=kind)
    assert (listening.heard, listening.bought, listening.error) == (len(spoken), len(spoken), None)
    assert all(listening.is_heard(one.take) and not listening.flaws(one.take) for one in spoken)
    bill, found = said.bill(), await rows(said)
    assert bill["transcribed"] == len(found) == len(spoken)
    assert {(row["service"], row["region"]) for row in found} == {("recogniser", "sandbox")}
    assert {row["take_id"] for row in found} == {one.take.take_id for one in spoken}
    price = recogniser_price(settings_of(said, kind))
    assert sum(row["price_usd"] for row in found) == pytest.approx(listening.cost_usd)
    assert listening.cost_usd == pytest.approx(seconds_usd(price, bill["seconds_heard"]))
    async with said.desk() as desk:
        sums = totals(await desk.ledger.table())
    assert sums.audio_s == pytest.approx(sum(one.take.measures.audio_s for one in spoken)), "heard is not spoken"
    again, _ = await hear_everything(said, kind=kind)
    assert (again.heard, again.cost_usd) == (0, 0.0)
    assert said.bill()["transcribed"] == len(spoken)


async def test_the_plan_says_what_hearing_costs_at_the_most(said: World) -> None:
    settings = settings_of(said)
    listening, spoken = await hear_everything(said, run_cap_usd=0.0)
    assert isinstance(listening.error, BudgetReached)
    assert said.bill()["transcribed"] == 0
    takes = [one.take for one in spoken]
    most = most_usd(listening, takes, recogniser_price(settings))
    heard, _ = await hear_everything(said, run_cap_usd=most + 1e-9)
    assert heard.error is None
    assert heard.cost_usd <= most + 1e-9
    assert most_usd(heard, takes, recogniser_price(settings)) == 0.0


async def test_where_the_money_ends_hearing_ends_and_the_rest_is_for_the_next_run(said: World) -> None:
    listening, spoken = await hear_everything(said, run_cap_usd=0.0007)
    assert isinstance(listening.error, BudgetReached)
    assert 0 < listening.heard < len(spoken)
    rest, _ = await hear_everything(said)
    assert (rest.heard, rest.error) == (len(spoken) - listening.heard, None)


@pytest.mark.parametrize("lost", ["drop_after", "drop_before"])
async def test_an_answer_that_is_lost_is_in_doubt_and_asked_for_again(said: World, lost: str) -> None:
    said.switch(**{lost: 0.5}, fault_actions=("transcribe",))
    listening, spoken = await hear_everything(said)
    assert (listening.heard, listening.error) == (len(spoken), None)
    found = await rows(said)
    known = [row for row in found if not row["in_doubt"]]
    assert len(known) == len(spoken)
    assert len(known) <= said.bill()["transcribed"] <= len(found)


async def test_two_runs_at_once_have_every_take_heard_once(said: World) -> None:
    async with said.desk() as desk:
        await speak_all(desk, await said.plan())
    said.switch(latency_ms=30)
    both = await asyncio.gather(hear_everything(said, alive=True), hear_everything(said, alive=True))
    assert [one.error for one, _ in both] == [None, None]
    assert both[0][0].bought + both[1][0].bought == said.bill()["transcribed"] == len(both[0][1])


async def test_a_service_that_is_away_or_refuses_the_key_stops_the_hearing_and_nothing_else(said: World) -> None:
    said.switch(rate_500=1.0, fault_actions=("transcribe",))
    listening, _ = await hear_everything(said)
    assert isinstance(listening.error, ServiceUnavailable)
    assert {row["price_usd"] for row in await rows(said)} == {0.0}
    said.switch(rate_500=0.0)
    said.wire.answer = httpx.Response(401, json={"code": "InvalidApiKey", "message": f"no: {KEY}"})
    refused, _ = await hear_everything(said)
    assert isinstance(refused.error, KeyRefused)
    assert KEY not in str(refused.error)


async def test_a_take_that_the_recogniser_refuses_is_left_and_the_others_are_heard(said: World) -> None:
    said.wire.answer = None
    settings = settings_of(said)
    async with said.desk() as desk, ears(said, settings, desk) as heard_by:
        (chapter,) = await speak_all(desk, await said.plan())
        spoken = spoken_of(chapter)
        listening = Listening(settings=settings, store=desk.store)

        class Deaf:
            account = ""

            async def transcribe(self, *_args: object) -> object:
                raise TextTooLong("too long")

            async def aclose(self) -> None:
                """Nothing is open."""

        deaf = Ears(recogniser=Deaf(), pacer=heard_by.pacer, price=heard_by.price)  # type: ignore[arg-type]
        await listen(desk, deaf, listening, spoken[:1], Takes(desk.store))
        await listen(desk, heard_by, listening, spoken, Takes(desk.store))
    assert set(listening.refused) == {spoken[0].take.take_id}
    assert (listening.heard, listening.error) == (len(spoken) - 1, None)


async def test_a_record_of_another_sound_is_named(said: World) -> None:
    listening, _ = await hear_everything(said)
    one, other, *_ = listening.known
    data = await said.store.get(f"hearings/{one[:2]}/{one}.json")
    assert data is not None
    await said.store.put(f"hearings/{other[:2]}/{other}.json", data)
    with pytest.raises(StoreError, match="of another sound"):
        await hearings_in(said.store).get(other)
    await said.store.put(f"hearings/{other[:2]}/{other}.json", b"{}")
    with pytest.raises(StoreError, match="heard again"):
        await hearings_in(said.store).get(other)


async def test_a_sentence_that_was_dropped_is_heard_to_be_missing_and_spoken_again(said: World) -> None:
    said.switch(damage=1.0, damage_kinds=("dropped",))
    settings = settings_of(said)
    async with said.desk() as desk, ears(said, settings, desk) as heard_by:
        (chapter,) = await speak_all(desk, await said.plan())
        said.switch(damage=0.0)
        listening = Listening(settings=settings, store=desk.store)
        takes = Takes(desk.store)

        async def hear(spoken: Any) -> None:  # noqa: ANN401 — whatever is iterable
            await listen(desk, heard_by, listening, spoken, takes)

        judge = Judge(settings.check)
        mending = Mending(
            judge=judge, choices=Choices(desk.store), most=2, language="en", listening=listening, hear=hear
        )
        before = [piece.take for piece in chapter.pieces if piece.take is not None and len(piece.chunk.text) > 10]
        mended = await mend_chapter(desk, chapter, mending, lambda _take: None)
    wrong = [listening.flaws(take) for take in before]
    assert [flaws[0].code for flaws in wrong if flaws] == [Code.TAKE_LACKS_WORDS] * len(wrong)
    assert all(fails(flaws) for flaws in wrong)
    assert "He did not look up when the boat came in" in wrong[0][0].value
    assert mending.retakes >= len(before)
    assert not any(mending.findings(piece) for piece in mended.pieces)
    proofs = coverage_of(((piece.chunk, piece.take) for piece in mended.pieces), listening.is_heard).lines
    assert {proof.by for proof in proofs} == {"text, sound and voice, word by word"}
    assert sum(proof.retaken for proof in proofs) >= len(before)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_run_killed_at_any_write_loses_nothing_and_has_nothing_heard_twice(said: World, after: bool) -> None:
    said.write("# One\n\n" + SENTENCES[0] + "\n")

    def new_world(name: str) -> World:
        here = World(folder=said.folder / name, service=said.service, wire=said.wire, dead_pid=said.dead_pid)
        here.folder.mkdir()
        here.write("# One\n\n" + SENTENCES[0] + "\n")
        return here

    calm = new_world("calm")
    await hear_everything(calm)
    counting = MortalStore(calm.store, 10**6, after=False)
    fresh = new_world("fresh")
    counting = MortalStore(fresh.store, 10**6, after=False)
    await hear_everything(fresh, counting)
    writes = 10**6 - counting.left
    assert writes > 5
    for last in range(1 + after, writes + 1, 2):
        here = new_world(f"{last}")
        before = said.bill()["transcribed"]
        with contextlib.suppress(Killed):
            async with process():
                await hear_everything(here, MortalStore(here.store, last, after=after))
        listening, spoken = await hear_everything(here)
        where = f"killed {'after' if after else 'before'} write {last}"
        assert all(listening.is_heard(one.take) for one in spoken), where
        found = await rows(here)
        known = [row for row in found if not row["in_doubt"]]
        assert len(known) <= said.bill()["transcribed"] - before <= len(found), where
        assert len(known) == len(spoken) == len({row["call_id"] for row in known}), where
        for folder in ("open/", "ledger/pending/", "runs/", "budget/"):
            assert not await here.store.keys(folder), where
