"""Voices that the service reviews: waited for with growing pauses, through kills; a rejected one is a finding."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
import pytest

from narration.design import voice_for
from narration.desk import Desk
from narration.errors import ServiceError, ServiceUnavailable, VoiceRejected
from narration.keep import recover
from narration.memory.store import Store
from narration.memory.usage import totals
from narration.planned import PlannedVoice
from narration.review import LONGEST_S, PATIENCE_S, await_review
from narration.sandbox.app import Service
from narration.sandbox.engine.tone import ToneEngine
from narration.sandbox.faults import NO_LIMITS, read_switches
from narration.services.protocol import OpenGate
from narration.speak import SpokenChapter, speak_chapter, verify_spoken
from narration.voice import Voice
from tests.stages.conftest import CAST, Wire, World, quiet
from tests.stages.test_kills import Killed, MortalStore, process


@dataclass
class Clock:
    """The vendor's time of day, which only our sleeping moves."""

    now_s: float = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Reviewed(World):
    """A world whose vendor is CosyVoice.

    Attributes:
        clock: of the vendor.
        waits: how long was slept, in order.
    """

    clock: Clock = None  # type: ignore[assignment]
    waits: list[float] = None  # type: ignore[assignment]

    def actions(self) -> list[str]:
        """What the vendor was asked, in order, refused calls too."""
        rows = self.service.house.state._db.execute("SELECT action FROM calls ORDER BY id")
        return [str(action) for (action,) in rows]

    async def voices_in_doubt(self) -> list[str]:
        """Designs of which the account may have a voice that nobody has."""
        return [key for key in await self.store.keys("voices/") if key.endswith("in_doubt.json")]

    async def make(self, desk: Desk) -> dict[str, Voice | str]:
        """Every voice of the plan, or why there is none; as a render does."""
        made: dict[str, Voice | str] = {}
        for planned in (await self.plan()).voices:
            if planned.refusal is not None:
                made[planned.character.name] = planned.refusal.message
                continue
            try:
                made[planned.character.name] = (await voice_for(desk, planned))[0]
            except VoiceRejected as error:
                made[planned.character.name] = desk.refused[planned.design.design_id] = error.what
        return made

    async def speak(self, desk: Desk) -> list[SpokenChapter]:
        """Voices, and every chapter."""
        made = await self.make(desk)
        voices = {name: voice for name, voice in made.items() if isinstance(voice, Voice)}
        return [await speak_chapter(desk, chapter, voices, quiet) for chapter in (await self.plan()).chapters]


@pytest.fixture
def world(tmp_path: Path, dead_pid: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reviewed]:
    monkeypatch.setattr("narration.services.breaker.FAILURES", 10**9)
    folder = tmp_path / "vendor"
    folder.mkdir()
    clock, waits = Clock(), list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.now_s += seconds
        await asyncio.sleep(0)

    service = Service(folder, ToneEngine(), read_switches(NO_LIMITS), rng=Random(1), clock=clock)  # noqa: S311
    found = Reviewed(
        folder=tmp_path,
        service=service,
        wire=Wire(service),
        dead_pid=dead_pid,
        profile="sandbox-cosyvoice",
        sleep=sleep,
        clock=clock,
        waits=waits,
    )
    found.write()
    yield found
    service.close()


async def test_a_voice_that_passes_at_once_is_asked_for_once(world: Reviewed) -> None:
    async with world.desk() as desk:
        chapters = await world.speak(desk)
    assert [chapter.error for chapter in chapters] == [None, None]
    assert (world.waits, world.actions().count("query")) == ([], 2)
    assert (await world.plan()).chunks_to_speak == 0


async def test_a_review_is_waited_for_with_growing_pauses(world: Reviewed) -> None:
    world.switch(deploying_s=100)
    async with world.desk() as desk:
        made = await world.make(desk)
    assert all(isinstance(voice, Voice) for voice in made.values())
    first = world.waits[: len(world.waits) // 2]
    assert first == sorted(first)
    assert (first[0], max(first) <= LONGEST_S, 100 <= sum(first) < 130) == (1.0, True, True)
    assert world.actions().count("query") == len(world.waits) + 2
    assert world.bill()["voices_created"] == 2


async def test_a_review_that_takes_too_long_ends_the_run_and_the_next_one_waits_on(world: Reviewed) -> None:
    world.switch(deploying_s=PATIENCE_S + 200)
    (planned, _) = (await world.plan()).voices
    async with world.desk() as desk:
        with pytest.raises(ServiceUnavailable, match="still under review"):
            await voice_for(desk, planned)
    assert world.bill()["voices_created"] == 1
    async with world.desk() as desk:
        voice, _ = await voice_for(desk, planned)
        sums = totals(await desk.ledger.table())
    assert (world.bill()["voices_created"], sums.voices_created) == (1, 1)
    assert voice.voice.startswith("cosyvoice-v3.5-flash-vd-")
    assert not await world.store.keys("open/")


async def test_recovery_looks_once_and_does_not_hold_the_run_up(world: Reviewed) -> None:
    world.switch(deploying_s=PATIENCE_S + 200)
    (planned, _) = (await world.plan()).voices
    async with world.desk() as desk:
        with pytest.raises(ServiceUnavailable):
            await voice_for(desk, planned)
    waited, asked = len(world.waits), world.asked()
    async with world.desk() as desk:
        recovered = await recover(desk)
    assert (recovered.waiting, recovered.kept, len(world.waits), world.asked()) == (1, 0, waited, asked + 1)
    world.clock.now_s += 300
    async with world.desk() as desk:
        recovered = await recover(desk)
    assert (recovered.waiting, recovered.kept) == (0, 1)


async def test_a_rejected_voice_is_a_finding_for_its_lines_and_the_book_goes_on(world: Reviewed) -> None:
    world.switch(deploying_s=3, undeployed_words=("lively",))
    async with world.desk() as desk:
        chapters = await world.speak(desk)
        sums = totals(await desk.ledger.table())
    plan = await world.plan()
    findings = [finding for chapter in chapters for finding in chapter.findings]
    assert {(finding.code, finding.character) for finding in findings} == {("design-001", "Mara")}
    assert [finding.text for finding in findings] == ["I have the key,", "I have the wrong key,"]
    assert "review refused it" in findings[0].message
    assert "Reword the description of Mara" in findings[0].hint
    for planned, chapter in zip(plan.chapters, chapters, strict=True):
        assert chapter.error is None
        verify_spoken(planned.cut, chapter)
    assert (plan.chunks_to_speak, plan.voices_to_create(), plan.cost_usd) == (0, (), 0.0)
    assert (sums.voices_created, world.bill()["voices_created"]) == (2, 2)


async def test_a_rejected_design_is_not_made_again_until_it_is_reworded(world: Reviewed) -> None:
    world.switch(undeployed_words=("lively",))
    async with world.desk() as desk:
        first = await world.speak(desk)
    asked = world.asked()
    async with world.desk() as desk:
        again = await world.speak(desk)
    assert world.asked() == asked
    assert [chapter.findings for chapter in again] == [chapter.findings for chapter in first]
    world.write(cast=CAST.replace("lively", "quick"))
    async with world.desk() as desk:
        reworded = await world.speak(desk)
    assert [chapter.findings for chapter in reworded] == [(), ()]
    assert world.bill()["voices_created"] == 3


async def test_another_run_waits_for_the_review_and_makes_no_second_voice(world: Reviewed) -> None:
    world.switch(deploying_s=20)
    async with world.desk(alive=True) as one, world.desk(alive=True) as other:
        first, second = await asyncio.gather(world.make(one), world.make(other))
    assert first == second
    assert world.bill()["voices_created"] == 2


async def test_a_service_that_does_not_say_keeps_the_journal(world: Reviewed) -> None:
    world.switch(deploying_s=50)
    (planned, _) = (await world.plan()).voices
    async with world.desk() as desk:
        original = desk.sleep

        async def sleep(seconds: float) -> None:
            await original(seconds)
            world.wire.answer = httpx.Response(200, json={"output": {"voice_id": "another"}})

        object.__setattr__(desk, "sleep", sleep)
        with pytest.raises(ServiceError, match="about the voice another"):
            await voice_for(desk, planned)
    async with world.desk() as desk:
        assert (await recover(desk)).waiting == 1
    world.wire.answer = None
    async with world.desk() as desk:
        await voice_for(desk, planned)
    assert world.bill()["voices_created"] == 1


async def test_a_creation_without_an_answer_is_found_in_the_account_and_its_review_awaited(world: Reviewed) -> None:
    world.switch(deploying_s=10, drop_after=1.0, fault_actions=("create",))
    (planned, _) = (await world.plan()).voices
    async with world.desk() as desk:
        voice, created = await voice_for(desk, planned)
        world.switch(drop_after=0.0)
    assert (world.bill()["voices_created"], created) == (1, False)
    assert voice.voice.startswith("cosyvoice-v3.5-flash-vd-nar")
    assert sum(world.waits) >= 10


class Deaf(Store):
    """A store whose process is killed before it can write an answer down."""

    async def put(self, key: str, data: bytes) -> None:
        if "/answer-" in key:
            raise Killed
        await super().put(key, data)


async def test_a_creation_that_was_answered_to_nobody_is_found_by_the_next_run_even_after_it_has_recovered(
    world: Reviewed,
) -> None:
    (planned, _) = (await world.plan()).voices
    deaf = Deaf(world.store._objects, world.store.url, world.store.folder)
    with contextlib.suppress(Killed):
        async with process(), world.desk(deaf) as desk:
            await voice_for(desk, planned)
    assert world.bill()["voices_created"] == 1
    async with world.desk() as desk:
        assert (await recover(desk)).in_doubt == 1
        _, created = await voice_for(desk, planned)
    assert (world.bill()["voices_created"], created) == (1, False)
    assert not await world.voices_in_doubt()


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_run_killed_at_any_write_during_a_review_loses_nothing_and_repeats_only_what_is_in_doubt(
    world: Reviewed, after: bool
) -> None:
    world.write("# One\n\nThe door was shut.\n\n“I have the key,” said Mara.\n")
    world.switch(deploying_s=15)
    counting = MortalStore(world.store, 10**6, after=False)
    async with world.desk(counting) as desk:
        await world.speak(desk)
    writes = 10**6 - counting.left
    assert writes > 30
    for last in range(1, writes + 1, 3):
        here = Reviewed(
            folder=world.folder / f"{last}-{after}",
            service=world.service,
            wire=world.wire,
            dead_pid=world.dead_pid,
            profile=world.profile,
            sleep=world.sleep,
            clock=world.clock,
            waits=world.waits,
        )
        here.folder.mkdir()
        here.write("# One\n\nThe door was shut.\n\n“I have the key,” said Mara.\n")
        before = world.bill()
        with contextlib.suppress(Killed):
            async with process(), here.desk(MortalStore(here.store, last, after=after)) as desk:
                await recover(desk)
                await here.speak(desk)
        async with here.desk() as desk:
            await recover(desk)
            chapters = await here.speak(desk)
            assert [chapter.error for chapter in chapters] == [None]
        async with here.desk() as desk:
            rows = (await desk.ledger.table()).to_pylist()
            sums = totals(await desk.ledger.table())
        where = f"killed {'after' if after else 'before'} write {last}"
        doubtful = sum(1 for row in rows if row["in_doubt"] and row["action"] == "design")
        made = world.bill()["voices_created"] - before["voices_created"]
        assert sums.voices_created <= made <= sums.voices_created + doubtful, where
        billed = world.bill()["characters"] - before["characters"]
        assert sums.characters_billed <= billed <= sums.characters_billed + sums.characters_in_doubt, where
        assert made <= 2, where
        assert not await here.store.keys("open/"), where


async def test_a_design_that_the_review_refused_is_not_sent_again_whoever_asks(world: Reviewed) -> None:
    world.switch(undeployed_words=("lively",))
    planned = next(one for one in (await world.plan()).voices if one.character.name == "Mara")
    async with world.desk() as desk:
        with pytest.raises(VoiceRejected):
            await voice_for(desk, planned)
    async with world.desk() as desk:
        with pytest.raises(VoiceRejected, match="review refused it") as told:
            await voice_for(desk, planned)
    assert "Reword the description" in str(told.value)
    assert world.bill()["voices_created"] == 1


async def test_a_voice_of_the_same_name_that_was_made_from_other_words_is_not_taken_for_the_lost_one(
    world: Reviewed,
) -> None:
    (planned, _) = (await world.plan()).voices
    reworded = dataclasses.replace(planned, design=dataclasses.replace(planned.design, voice_prompt="An old man."))
    async with world.desk() as desk:
        service = desk.booths[planned.booth].service
        await service.design(reworded.design, service.preferred_name(planned.character.name), OpenGate())
        await desk.voices.doubt(planned.design.design_id)
        voice, created = await voice_for(desk, planned)
        made = (await service.voices()).voices
    assert created
    assert voice.voice in {remote.voice for remote in made}
    assert world.bill()["voices_created"] == 2
    assert not await world.voices_in_doubt()


async def test_a_run_that_is_told_to_stop_does_not_wait_for_a_review(world: Reviewed) -> None:
    world.switch(deploying_s=PATIENCE_S)
    (planned, _) = (await world.plan()).voices
    async with world.desk() as desk:
        desk.halt.stop(ServiceUnavailable("The run was told to stop."))
        with pytest.raises(ServiceUnavailable, match="told to stop"):
            await await_review(desk, desk.booths[planned.booth], await made(world, desk, planned), "Mara")
    assert world.waits == []


async def made(world: Reviewed, desk: Desk, planned: PlannedVoice) -> str:
    """A voice in the account, by a call that no run holds back."""
    service = desk.booths[planned.booth].service
    await service.design(planned.design, service.preferred_name(planned.character.name), OpenGate())
    assert world.bill()["voices_created"] == 1
    return (await service.voices()).voices[0].voice
