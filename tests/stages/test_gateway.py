"""A book through the task gateway: a task is polled by whoever comes next, and paid for once."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from pathlib import Path

import pytest

from narration.design import voice_for
from narration.errors import BudgetReached, LinkExpired, ServiceUnavailable, TextRefused, VoiceMissing
from narration.keep import recover
from narration.memory.usage import totals
from narration.services.http import Timing
from narration.settings.settings import Settings, load_settings
from tests.services.fakes import FakeTime
from tests.stages.conftest import BASE_URL, World, speak_all
from tests.stages.test_kills import Killed, MortalStore, process

SHORT_S = 30.0
"""Of patience with a task: a few looks."""

TEXT = "# One\n\nThe door was shut.\n\n“I have the key,” said Mara.\n"


class Gateway(World):
    """The same world behind the gateway, in whose doors only sleeping takes time."""

    patience_s: float = 600.0

    def timing(self) -> Timing:
        time = FakeTime()
        return Timing(clock=lambda: time.at, sleep=time.sleep)

    @property
    def settings(self) -> Settings:
        found = load_settings(self.profile, environ={})
        limits = dataclasses.replace(found.limits, attempts=12, total_s=self.patience_s)
        service = dataclasses.replace(found.service, base_url=BASE_URL.replace("/api/v1", "/v1"))
        return dataclasses.replace(found, service=service, limits=limits)

    def at(self, folder: Path) -> Gateway:
        """Another production and store before the same vendor."""
        folder.mkdir()
        found = Gateway(
            folder=folder, service=self.service, wire=self.wire, dead_pid=self.dead_pid, profile=self.profile
        )
        found.write(TEXT)
        return found

    def made(self) -> int:
        """How many tasks were asked for."""
        return sum(1 for request in self.wire.requests if request.url.path == "/v1/audios/generations")


@pytest.fixture
def gateway(world: World) -> Gateway:
    found = Gateway(
        folder=world.folder,
        service=world.service,
        wire=world.wire,
        dead_pid=world.dead_pid,
        profile="sandbox-gateway",
    )
    found.write(TEXT)
    return found


async def ledger_is_the_bill(world: Gateway) -> None:
    async with world.desk() as desk:
        sums = totals(await desk.ledger.table())
    bill = world.bill()
    assert sums.cost_usd == pytest.approx(bill["credits"] * 0.025, abs=1e-9)
    assert (sums.characters_billed, sums.voices_created) == (bill["characters"], bill["voices_created"])
    assert not await world.store.keys("open/")


async def test_a_book_is_bought_once_and_its_ledger_is_the_bill_in_credits(gateway: Gateway) -> None:
    plan = await gateway.plan()
    async with gateway.desk() as desk:
        spoken = await speak_all(desk, plan)
        assert desk.budget.committed_usd == pytest.approx(plan.cost_usd)
    assert [chapter.error for chapter in spoken] == [None]
    await ledger_is_the_bill(gateway)
    assert gateway.bill()["credits"] * 0.025 == pytest.approx(plan.cost_usd)
    again = await gateway.plan()
    assert (again.chunks_to_speak, again.voices_to_create()) == (0, ())
    assert gateway.made() == plan.chunks_to_speak + 2


async def test_a_task_that_is_pending_when_a_run_ends_is_polled_by_the_next_and_not_paid_twice(
    gateway: Gateway,
) -> None:
    plan = await gateway.plan()
    async with gateway.desk() as desk:
        for planned in plan.voices:
            await voice_for(desk, planned)
    gateway.switch(task_stuck=1.0)
    gateway.patience_s = SHORT_S
    async with gateway.desk() as desk:
        with pytest.raises(ServiceUnavailable, match="not ended"):
            await speak_all(desk, await gateway.plan())
    made = gateway.made()
    assert await gateway.store.keys("open/"), "the tasks are in the journal"
    async with gateway.desk() as desk:
        assert (await recover(desk)).waiting == plan.chunks_to_speak
        with pytest.raises(ServiceUnavailable, match="paid for"):
            await speak_all(desk, await gateway.plan())
    assert gateway.made() == made, "no task is made in place of an open one"
    gateway.switch(task_stuck=0.0)
    async with gateway.desk() as desk:
        assert (await recover(desk)).kept == plan.chunks_to_speak
        await speak_all(desk, await gateway.plan())
    assert gateway.made() == made
    await ledger_is_the_bill(gateway)


async def test_a_voice_that_is_pending_when_a_run_ends_is_not_made_again(gateway: Gateway) -> None:
    gateway.switch(task_stuck=1.0)
    gateway.patience_s = SHORT_S
    plan = await gateway.plan()
    async with gateway.desk() as desk:
        with pytest.raises(ServiceUnavailable, match="not ended"):
            await voice_for(desk, plan.voices[0])
    async with gateway.desk() as desk:
        with pytest.raises(ServiceUnavailable, match="paid for"):
            await voice_for(desk, plan.voices[0])
    gateway.switch(task_stuck=0.0)
    async with gateway.desk() as desk:
        voice, created = await voice_for(desk, plan.voices[0])
    assert (gateway.made(), created) == (1, False)
    assert voice.voice.startswith("qwen-tts-vd-")
    assert (await gateway.store.get(f"voices/{voice.design.design_id}/preview.wav") or b"RIFF")[:4] == b"RIFF"
    await ledger_is_the_bill(gateway)


async def test_tasks_that_fail_for_a_passing_reason_are_made_anew_and_cost_nothing(gateway: Gateway) -> None:
    gateway.switch(task_fail=0.4)
    async with gateway.desk() as desk:
        spoken = await speak_all(desk, await gateway.plan())
    assert [chapter.error for chapter in spoken] == [None]
    assert gateway.made() > len(gateway.spoken()) + 2
    await ledger_is_the_bill(gateway)


async def test_a_task_that_always_fails_ends_the_run_with_nothing_billed(gateway: Gateway) -> None:
    gateway.switch(task_fail=1.0)
    plan = await gateway.plan()
    async with gateway.desk() as desk:
        with pytest.raises(ServiceUnavailable, match="service_error"):
            await voice_for(desk, plan.voices[0])
        assert desk.budget.committed_usd == pytest.approx(0.0)
    assert gateway.made() == 12
    await ledger_is_the_bill(gateway)


async def test_what_the_model_refuses_in_a_task_is_a_finding_and_not_billed(gateway: Gateway) -> None:
    gateway.write("# One\n\nThe first is fine. The second has poison in it. The third is fine.\n")
    gateway.switch(poison_words=("poison",))
    async with gateway.desk() as desk:
        (chapter,) = await speak_all(desk, await gateway.plan())
    assert [finding.text for finding in chapter.findings] == ["The second has poison in it."]
    await ledger_is_the_bill(gateway)
    assert (await gateway.plan()).chunks_to_speak == 0


async def test_a_refused_description_is_the_producers_to_reword(gateway: Gateway) -> None:
    gateway.switch(poison_words=("calm",))
    plan = await gateway.plan()
    async with gateway.desk() as desk:
        with pytest.raises(TextRefused, match="content_policy_violation"):
            await voice_for(desk, plan.voices[0])
    await ledger_is_the_bill(gateway)


async def test_a_voice_that_the_gateway_has_lost_stops_its_character_only(gateway: Gateway) -> None:
    plan = await gateway.plan()
    async with gateway.desk() as desk:
        for planned in plan.voices:
            await voice_for(desk, planned)
    gateway.service.house.state._db.execute("DELETE FROM voices WHERE voice LIKE '%mara%'")
    async with gateway.desk() as desk:
        (chapter,) = await speak_all(desk, await gateway.plan())
    assert isinstance(chapter.error, VoiceMissing)
    assert any(piece.take for piece in chapter.pieces)
    await ledger_is_the_bill(gateway)


async def test_a_dead_link_is_a_loss_that_the_ledger_shows(gateway: Gateway) -> None:
    async with gateway.desk() as desk:
        for planned in (await gateway.plan()).voices:
            await voice_for(desk, planned)
    gateway.switch(expired_url=1.0)
    async with gateway.desk() as desk:
        with pytest.raises(LinkExpired):
            await speak_all(desk, await gateway.plan())
    gateway.switch(expired_url=0.0)
    async with gateway.desk() as desk:
        assert (await speak_all(desk, await gateway.plan()))[0].error is None
    await ledger_is_the_bill(gateway)


async def test_a_task_whose_file_cannot_be_fetched_is_in_the_ledger_and_in_the_journal(gateway: Gateway) -> None:
    async with gateway.desk() as desk:
        for planned in (await gateway.plan()).voices:
            await voice_for(desk, planned)
    gateway.switch(download_500=1.0)
    async with gateway.desk() as desk:
        with pytest.raises(ServiceUnavailable, match="could not be fetched"):
            await speak_all(desk, await gateway.plan())
        sums = totals(await desk.ledger.table())
    assert sums.characters_billed == gateway.bill()["characters"]
    made = gateway.made()
    gateway.switch(download_500=0.0)
    async with gateway.desk() as desk:
        await recover(desk)
        await speak_all(desk, await gateway.plan())
    assert len(gateway.spoken()) == len(set(gateway.spoken()))
    assert gateway.made() <= made + 1
    await ledger_is_the_bill(gateway)


async def test_open_tasks_of_a_run_that_ended_count_against_the_books_cap(gateway: Gateway) -> None:
    plan = await gateway.plan()
    cap_usd = plan.cost_usd + 1e-6
    async with gateway.desk(book_cap_usd=cap_usd) as desk:
        for planned in plan.voices:
            await voice_for(desk, planned)
    gateway.switch(task_stuck=1.0)
    gateway.patience_s = SHORT_S
    async with gateway.desk(book_cap_usd=cap_usd) as desk:
        with contextlib.suppress(ServiceUnavailable):
            await speak_all(desk, await gateway.plan())
    gateway.write(TEXT.replace("I have the key", "I never had a key"))
    async with gateway.desk(book_cap_usd=cap_usd) as desk:
        open_usd = gateway.bill()["credits"] * 0.025 - 2 * 0.05
        assert open_usd > 0
        assert await desk.budget.left_usd() == pytest.approx(cap_usd - 0.1 - open_usd, abs=1e-9)
        with pytest.raises(BudgetReached):
            await speak_all(desk, await gateway.plan())


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_run_killed_at_any_write_polls_on_and_pays_nothing_twice(gateway: Gateway, after: bool) -> None:
    async def everything(world: Gateway, store: MortalStore | None = None) -> None:
        async with world.desk(store) as desk:
            await recover(desk)
            chapters = await speak_all(desk, await world.plan())
            assert [chapter.error for chapter in chapters] == [None] * len(chapters)

    counting = MortalStore(gateway.store, 10**6, after=False)
    await everything(gateway, counting)
    writes = 10**6 - counting.left
    assert writes > 30
    for last in range(1, writes + 1, 2):
        here = gateway.at(gateway.folder / f"{last}-{after}")
        before = here.bill()
        with contextlib.suppress(Killed):
            async with process():
                await everything(here, MortalStore(here.store, last, after=after))
        await everything(here)
        where = f"killed {'after' if after else 'before'} write {last}"
        async with here.desk() as desk:
            rows = (await desk.ledger.table()).to_pylist()
            sums = totals(await desk.ledger.table())
        credits_usd = (here.bill()["credits"] - before["credits"]) * 0.025
        assert sums.cost_usd - 1e-9 <= credits_usd <= sums.cost_usd + sums.cost_in_doubt_usd + 1e-9, where
        characters = here.bill()["characters"] - before["characters"]
        assert sums.characters_billed <= characters <= sums.characters_billed + sums.characters_in_doubt, where
        assert len({row["call_id"] for row in rows}) == len(rows), where
        assert not await here.store.keys("open/"), where
        assert (await here.plan()).chunks_to_speak == 0, where


async def test_a_task_of_a_dead_run_that_failed_costs_nothing_and_is_made_anew(gateway: Gateway) -> None:
    async with gateway.desk() as desk:
        for planned in (await gateway.plan()).voices:
            await voice_for(desk, planned)
    gateway.switch(task_stuck=1.0, task_fail=1.0)
    gateway.patience_s = SHORT_S
    async with gateway.desk() as desk:
        with pytest.raises(ServiceUnavailable, match="not ended"):
            await speak_all(desk, await gateway.plan())
    gateway.switch(task_stuck=0.0, task_fail=0.0)
    async with gateway.desk() as desk:
        outcome = await recover(desk)
        assert (outcome.kept, outcome.lost, outcome.waiting) == (0, 0, 0)
        failed = [row for row in (await desk.ledger.table()).to_pylist() if row["code"] == "service_error"]
        assert failed
        assert sum(row["price_usd"] for row in failed) == 0.0
        assert (await speak_all(desk, await gateway.plan()))[0].error is None
    await ledger_is_the_bill(gateway)


async def test_a_voice_whose_task_the_gateway_has_forgotten_is_money_lost_and_says_so(gateway: Gateway) -> None:
    gateway.switch(task_stuck=1.0)
    gateway.patience_s = SHORT_S
    planned = (await gateway.plan()).voices[0]
    async with gateway.desk() as desk:
        with pytest.raises(ServiceUnavailable, match="not ended"):
            await voice_for(desk, planned)
    for key in await gateway.store.keys("open/"):
        entry = await gateway.store.get(key)
        if entry is not None and "/answer-" in key:
            await gateway.store.put(
                key, re.sub(rb'"task_id": "[^"]+"', b'"task_id": "task-unified-1700000000-0"', entry)
            )
    gateway.switch(task_stuck=0.0)
    async with gateway.desk() as desk:
        outcome = await recover(desk)
        assert (outcome.kept, outcome.lost) == (0, 1)
        assert outcome.lost_usd == pytest.approx(0.05)
        assert totals(await desk.ledger.table()).cost_usd == pytest.approx(0.05)
    assert not await gateway.store.keys("open/")
