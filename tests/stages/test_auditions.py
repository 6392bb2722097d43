"""Auditions: candidates are paid for once, a choice holds, a locked voice never changes by itself."""

from __future__ import annotations

import dataclasses

import pytest

from narration.audition import choose, hold, plan_audition, price_usd, speak_lines, stale_of
from narration.design import give_up_missing
from narration.errors import BudgetReached, InputError
from narration.memory.takes import Takes
from narration.memory.voices import Voices
from narration.plan import Plan
from narration.sandbox.models import Family
from narration.take import Take
from narration.upkeep import adopt, delete_voice, kept_voices
from narration.voice import Choice
from tests.stages.conftest import CAST, TEXT, World, speak_all

AT = "2026-11-21T08:00:00.000+00:00"


async def _held(world: World, candidates: int = 3, *names: str) -> Plan:
    plan = await world.plan()
    tryouts = await plan_audition(plan, Voices(world.store), characters=names, candidates=candidates)
    async with world.desk() as desk:
        await hold(desk, tryouts)
    return plan


async def _chosen(world: World, plan: Plan, name: str, number: int) -> str:
    (tryout,) = await plan_audition(plan, Voices(world.store), characters=[name], candidates=1)
    return (await choose(Voices(world.store), tryout.role, number, AT)).voice


def _takes(plan: Plan, name: str) -> list[Take | None]:
    return [chunk.take for chapter in plan.chapters for chunk in chapter.chunks if chunk.chunk.character == name]


async def test_candidates_are_made_once_and_are_on_the_bill(world: World) -> None:
    plan = await world.plan()
    tryouts = await plan_audition(plan, Voices(world.store), candidates=3)
    assert price_usd(plan, tryouts) == pytest.approx(6 * 0.2)
    assert world.asked() == 0
    for _ in range(2):
        await _held(world, 3)
    assert world.bill()["voices_created"] == 6
    again = await plan_audition(await world.plan(), Voices(world.store), candidates=3)
    assert price_usd(plan, again) == 0
    candidates = await Voices(world.store).audition(again[0].role)
    assert len({voice.voice for voice in candidates}) == 3


async def test_an_audition_stops_at_the_cap_and_keeps_what_it_made(world: World) -> None:
    tryouts = await plan_audition(await world.plan(), Voices(world.store), characters=["mara"], candidates=4)
    with pytest.raises(BudgetReached):
        async with world.desk(run_cap_usd=0.5) as desk:
            await hold(desk, tryouts)
    assert world.bill()["voices_created"] == 2
    assert len(await Voices(world.store).audition(tryouts[0].role)) == 2


async def test_a_choice_makes_stale_the_lines_of_its_character_and_no_others(world: World) -> None:
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
    await _held(world, 3, "Mara")
    before = await world.plan()
    assert not before.missing(), "an audition by itself changes nothing"
    name = await _chosen(world, before, "Mara", 3)
    after = await world.plan()
    assert {voice.voice.voice for voice in after.voices if voice.voice and voice.locked} == {name}
    assert _takes(after, "Mara") == [None] * len(_takes(before, "Mara"))
    assert _takes(after, "Narrator") == _takes(before, "Narrator")
    assert stale_of(before, "Mara").chunks == len({take.take_id for take in _takes(before, "Mara") if take})


async def test_a_locked_voice_whose_description_changed_is_told_and_stays(world: World) -> None:
    name = await _chosen(world, await _held(world, 2), "Mara", 2)
    world.write(cast=CAST.replace("high pitch, lively", "low pitch, weary"))
    mara = next(voice for voice in (await world.plan()).voices if voice.character.name == "Mara")
    assert (mara.locked, mara.changed) == (True, True)
    assert mara.voice is not None
    assert mara.voice.voice == name
    assert (await world.plan()).voices_to_create() == ()


async def test_an_unlocked_choice_gives_way_to_a_new_description_and_comes_back_with_the_old_one(world: World) -> None:
    plan = await _held(world, 2)
    name = await _chosen(world, plan, "Mara", 2)
    voices = Voices(world.store)
    (choice,) = await voices.choices()
    await voices.choose(dataclasses.replace(choice, locked=False))
    world.write(cast=CAST.replace("high pitch, lively", "low pitch, weary"))
    assert [voice.character.name for voice in (await world.plan()).voices_to_create()] == ["Mara"]
    world.write()
    mara = next(voice for voice in (await world.plan()).voices if voice.character.name == "Mara")
    assert mara.voice is not None
    assert mara.voice.voice == name


async def test_a_changed_description_makes_stale_exactly_that_characters_lines(world: World) -> None:
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
    world.write(cast=CAST.replace("high pitch, lively", "low pitch, weary"))
    plan = await world.plan()
    assert {chunk.chunk.character for chunk in plan.missing()} == {"Mara"}
    assert len([take for take in _takes(plan, "Mara") if take is None]) == len(_takes(plan, "Mara"))


async def test_a_locked_voice_that_the_service_lost_is_not_made_anew(world: World) -> None:
    await _chosen(world, await _held(world, 1), "Mara", 1)
    for row in world.service.house.state.voices(*_account(world), 0, 100):
        world.service.house.state._db.execute("DELETE FROM voices WHERE voice = ?", (row.voice,))
    plan = await world.plan()
    async with world.desk() as desk:
        gone = await give_up_missing(desk, plan.voices)
    assert [planned.character.name for planned in gone] == ["Narrator"]


async def test_a_line_of_the_book_spoken_in_an_audition_is_a_take_of_the_book(world: World) -> None:
    plan = await world.plan()
    takes = Takes(world.store)
    tryouts = await plan_audition(plan, Voices(world.store), characters=["Mara"], candidates=2, takes=takes)
    assert tryouts[0].unspoken == 2
    async with world.desk() as desk:
        await hold(desk, tryouts)
        assert len(await speak_lines(desk, tryouts)) == 2
        assert await speak_lines(desk, tryouts) == ()
    await choose(Voices(world.store), tryouts[0].role, 2, AT)
    assert any(take is not None for take in _takes(await world.plan(), "Mara"))


async def test_a_preview_that_the_book_says_needs_no_line(world: World) -> None:
    world.write(text=TEXT.replace("I have the key", "I saw him go"))
    tryouts = await plan_audition(
        await world.plan(), Voices(world.store), characters=["Mara"], candidates=2, takes=Takes(world.store)
    )
    assert tryouts[0].line is None


async def test_a_number_that_is_not_there_is_refused_with_those_that_are(world: World) -> None:
    plan = await world.plan()
    with pytest.raises(InputError, match="an audition before a choice"):
        await _chosen(world, plan, "Mara", 1)
    await _held(world, 2, "Mara")
    with pytest.raises(InputError, match="from 1 to 2"):
        await _chosen(world, plan, "Mara", 3)
    with pytest.raises(InputError, match="is not cast here"):
        await plan_audition(plan, Voices(world.store), characters=["Nora"], candidates=1)


async def test_losers_are_deleted_only_when_told_and_the_chosen_one_never(world: World) -> None:
    plan = await _held(world, 3, "Mara")
    name = await _chosen(world, plan, "Mara", 2)
    assert world.bill()["voices_kept"] == 3
    async with world.desk() as desk:
        for kept in await kept_voices(desk.voices, desk.ledger):
            if kept.chosen:
                with pytest.raises(InputError, match="is locked"):
                    await delete_voice(desk, desk.main, kept, why="a test", also_spoken=True)
            else:
                await delete_voice(desk, desk.main, kept, why="a test")
    assert [voice.voice for voice in world.service.house.state.voices(*_account(world), 0, 9)] == [name]
    with pytest.raises(InputError, match="was deleted"):
        await _chosen(world, plan, "Mara", 1)


async def test_a_voice_of_the_account_is_adopted_for_nothing(world: World) -> None:
    plan = await _held(world, 1, "Mara")
    (remote,) = world.service.house.state.voices(*_account(world), 0, 9)
    for key in [*await world.store.keys("voices/"), *await world.store.keys("roles/")]:
        await world.store.delete(key)
    mara = next(voice for voice in plan.voices if voice.character.name == "Mara")
    async with world.desk() as desk:
        found, _ = await desk.main.service.query(remote.voice)
        assert found is not None
        voice = await adopt(desk, desk.main, found, "Mara", mara.design)
        assert await adopt(desk, desk.main, found, "Mara", mara.design) == voice
        foreign = dataclasses.replace(found, voice="qwen-tts-vd-other", target_model="qwen3-tts-vd-realtime")
        with pytest.raises(InputError, match="speaks with qwen3-tts-vd-realtime only"):
            await adopt(desk, desk.main, foreign, "Mara", mara.design)
    (tryout,) = await plan_audition(plan, Voices(world.store), characters=["Mara"], candidates=1)
    await Voices(world.store).choose(Choice(role=tryout.role, design_id=voice.design.design_id, locked=True, at=AT))
    again = next(one for one in (await world.plan()).voices if one.character.name == "Mara")
    assert (again.voice, again.changed) == (voice, False)
    assert world.bill()["voices_created"] == 1


def _account(world: World) -> tuple[str, Family]:
    row = world.service.house.state._db.execute("SELECT account, family FROM voices LIMIT 1").fetchone()

    return str(row[0]), Family(row[1])
