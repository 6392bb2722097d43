"""The voices of a spoken book by measure: which blend, which drifted, which take strays; no sound, no verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from narration.audio.voiceprint import CEPSTRA, VoicePrint, print_of
from narration.check.voices import Checked, check_plan
from narration.finding import Code, Finding
from narration.memory import takes as shelf
from narration.memory.takes import Takes
from narration.memory.voices import Voices
from narration.plan import Plan
from narration.take import Take
from tests.stages.conftest import World, speak_all

LINES = "\n\n".join(
    f"The door was {'very ' * number}old.\n\n“I have a {'very ' * number}long key,” said Mara." for number in (1, 2, 3)
)
"""Of several lengths: the sandbox's tones have the same sound for words of one length."""
LOW = VoicePrint(
    speech_s=2.0, pitch_hz=100.0, pitch_spread_st=2.0, pace_per_s=4.0, level_dbfs=-20.0, timbre=(0.0,) * CEPSTRA
)
HIGH = replace(LOW, pitch_hz=220.0, timbre=(2.0,) * CEPSTRA)


class Ear:
    """Hears the voices that the test says, whatever the sandbox's chance made of them; else what is there."""

    def __init__(self, plan: Plan, world: World) -> None:
        self._plan = plan
        self._world = world
        self._heard: dict[bytes, VoicePrint] = {}

    def __call__(self, data: bytes, form: str = "wav") -> VoicePrint | None:
        return self._heard.get(data) or print_of(data, form)

    async def hear(self, prints: dict[str, VoicePrint]) -> None:
        """Previews and takes of each character sound so."""
        for planned in self._plan.voices:
            assert planned.voice is not None
            self._heard[await Voices(self._world.store).preview(planned.voice)] = prints[planned.character.name]
        for take, character in self.takes():
            await self.hear_take(take, prints[character])

    async def hear_take(self, take: Take, heard: VoicePrint) -> None:
        self._heard[await Takes(self._world.store).audio(take)] = heard

    def takes(self, character: str = "") -> list[tuple[Take, str]]:
        chunks = [planned for chapter in self._plan.chapters for planned in chapter.chunks]
        return [
            (planned.take, planned.chunk.character)
            for planned in chunks
            if planned.take is not None and character in ("", planned.chunk.character)
        ]


async def spoken(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[Plan, Ear]:
    """A book whose two voices are far apart."""
    world.write(f"# One\n\n{LINES}\n")
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
    plan = await world.plan()
    ear = Ear(plan, world)
    await ear.hear({"Narrator": LOW, "Mara": HIGH})
    monkeypatch.setattr("narration.check.voices.print_of", ear)
    return plan, ear


async def findings(plan: Plan, world: World, code: Code) -> list[Finding]:
    return [finding for finding in (await check_plan(plan, world.store)).findings if finding.code == code]


async def test_before_anything_is_spoken_there_is_nothing_to_measure(world: World) -> None:
    checked = await check_plan(await world.plan(), world.store)
    assert checked == Checked(takes=0, voices=0, pairs=(), findings=())


async def test_voices_that_are_far_apart_raise_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, ear = await spoken(world, monkeypatch)
    checked = await check_plan(plan, world.store)
    assert (checked.voices, checked.takes) == (2, len(ear.takes()))
    assert [(pair.one, pair.other) for pair in checked.pairs] == [("Mara", "Narrator")]
    assert checked.findings == ()


async def test_voices_that_are_heard_as_one_are_told_by_their_names(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, ear = await spoken(world, monkeypatch)
    await ear.hear({"Narrator": LOW, "Mara": replace(LOW, pitch_hz=101.0)})
    (finding,) = await findings(plan, world, Code.VOICES_ALIKE)
    assert finding.message == f"Mara and Narrator sound alike ({finding.value} apart)"


async def test_a_take_in_another_voice_strays_and_names_whose_it_is_like(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, ear = await spoken(world, monkeypatch)
    swapped = ear.takes("Mara")[1][0]
    await ear.hear_take(swapped, LOW)
    (finding,) = (await check_plan(plan, world.store)).findings
    assert finding.code == Code.TAKE_STRAYS
    assert (finding.chapter, finding.character, finding.text) == (1, "Mara", swapped.ask.text)
    assert finding.message.startswith("chapter 1: a take of Mara is not like the others, and more like Narrator: “")


async def test_a_take_that_is_like_nobody_strays_without_another_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, ear = await spoken(world, monkeypatch)
    await ear.hear_take(ear.takes("Mara")[1][0], replace(HIGH, pitch_hz=900.0, timbre=(20.0,) * CEPSTRA))
    (finding,) = await findings(plan, world, Code.TAKE_STRAYS)
    assert finding.message.startswith("chapter 1: a take of Mara is not like the others: “")


async def test_a_voice_whose_takes_are_far_from_its_preview_has_drifted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, ear = await spoken(world, monkeypatch)
    for take, _ in ear.takes("Mara"):
        await ear.hear_take(take, replace(HIGH, timbre=(9.0,) * CEPSTRA))
    (finding,) = await findings(plan, world, Code.VOICE_DRIFTED)
    assert (finding.character, finding.message) == ("Mara", "Mara does not sound like the approved preview")


async def test_a_preview_and_a_take_that_cannot_be_read_are_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, ear = await spoken(world, monkeypatch)
    mara = next(planned.voice for planned in plan.voices if planned.character.name == "Mara")
    assert mara is not None
    await world.store.put(Voices(world.store).preview_key(mara), b"no sound")
    await world.store.put(shelf._audio_key(ear.takes()[0][0]), b"no sound")
    checked = await check_plan(plan, world.store)
    assert (checked.takes, checked.voices) == (len(ear.takes()) - 1, 2)
