"""Housekeeping of an account: what is nearly full, gone, soon cleaned away; one word is spoken, nothing is deleted."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from flows.keeping import tend
from narration.design import voice_for
from narration.desk import Desk
from narration.plan import PlannedVoice
from narration.sandbox.models import Family
from narration.sandbox.state import CallRow
from narration.upkeep import look
from narration.voice import Choice, Voice, role_of
from tests.stages.conftest import World, speak_all


async def _made(world: World, desk: Desk) -> tuple[PlannedVoice, Voice]:
    planned = (await world.plan()).voices[0]
    voice, _ = await voice_for(desk, planned)
    return planned, voice


def _fill(world: World, like: str, count: int) -> None:
    state = world.service.house.state
    account = str(state._db.execute("SELECT account FROM voices LIMIT 1").fetchone()[0])
    first = state.voice(account, Family.QWEN_DESIGN, like)
    assert first is not None
    row = CallRow(at_s=0.0, account=account, model="qwen-voice-design", action="create", request_id="r")
    for number in range(count):
        state.add_voice(dataclasses.replace(first, voice=f"{like}-{number}"), row, 1000)


def _days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")


async def _keep(desk: Desk, voice: Voice, name: str, *, days: float, chosen: bool) -> Voice:
    """Put a voice into the bible as if it had been made some days ago."""
    design = dataclasses.replace(voice.design, voice_prompt=f"{voice.design.voice_prompt} {name}")
    kept = dataclasses.replace(voice, design=design, voice=name, character=name, created_at=_days_ago(days))
    await desk.voices.put(kept, b"")
    if chosen:
        role = role_of("book old", name, design)
        await desk.voices.choose(Choice(role=role, design_id=design.design_id, locked=True, at=_days_ago(days)))
    return kept


async def test_990_voices_three_vanished_and_one_eleven_months_old(world: World) -> None:
    async with world.desk() as desk:
        _, voice = await _made(world, desk)
        _fill(world, voice.voice, 989)
        old = await _keep(desk, voice, f"{voice.voice}-7", days=335, chosen=True)
        for number in range(3):
            await _keep(desk, voice, f"gone-{number}", days=60, chosen=number == 0)
        done = await tend(desk, desk.main, speak=True)
        assert done.kept_alive == (old.voice,)
        assert [kept.voice.voice for kept in done.state.vanished] == ["gone-0", "gone-1", "gone-2"]
        assert "gone-0, of gone-0 in book (locked)" in done.warnings[0]
        assert "990 of 1,000 voices (99 %)" in done.warnings[3]
        assert len(done.warnings) == 4
        again = await tend(desk, desk.main, speak=True)
        assert again.kept_alive == ()
    assert [voice for voice, _ in world.spoken()] == [old.voice]
    assert world.bill()["voices_kept"] == 990
    assert "delete" not in world.bill()["calls_by_action"]


async def test_without_leave_to_speak_what_is_due_is_told(world: World) -> None:
    async with world.desk() as desk:
        _, voice = await _made(world, desk)
        _fill(world, voice.voice, 1)
        due = await _keep(desk, voice, f"{voice.voice}-0", days=340, chosen=True)
        done = await tend(desk, desk.main, speak=False)
    assert done.waiting == ((due.voice, "not asked"),)
    assert "soon cleaned away" in done.warnings[0]
    assert world.spoken() == []


@pytest.mark.parametrize(("days", "proposed"), [(29, 0), (31, 1)])
async def test_only_what_nobody_needs_and_is_not_young_is_proposed(world: World, days: float, proposed: int) -> None:
    async with world.desk() as desk:
        _, voice = await _made(world, desk)
        _fill(world, voice.voice, 2)
        await _keep(desk, voice, f"{voice.voice}-0", days=days, chosen=False)
        await _keep(desk, voice, f"{voice.voice}-1", days=days, chosen=True)
        assert len((await look(desk, desk.main)).prunable) == proposed


async def test_a_voice_that_a_production_was_spoken_with_is_never_proposed(world: World) -> None:
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
        later = dataclasses.replace(desk, clock=lambda: datetime.now(UTC).timestamp() + 100 * 86_400)
        state = await look(later, desk.main)
    assert (state.prunable, state.due, len(state.strangers)) == ((), (), 0)
