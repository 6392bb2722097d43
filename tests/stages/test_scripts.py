"""The script files in a production: written, corrected, followed, spoken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.opening import Request, open_job
from narration.book import ChapterChunks
from narration.deliver.chapter import DeliveredChapter, deliver_chapter
from narration.deliver.slot import chapter_slot
from narration.errors import InputError
from narration.manuscript import read_manuscript
from narration.memory.takes import Takes
from narration.plan import Plan
from narration.production import load
from narration.speak import SpokenChapter, verify_spoken
from narration.take import Take
from narration.write_script import Written, write_scripts
from tests.stages.conftest import CAST, TEXT, World, speak_all

TOM = '  - {name: Tom, gender: male, voice: "An old man, low pitch, slow.", preview: "Well, well."}\n'


def script(world: World, *, chapters: frozenset[int] | None = None, explain: bool = False) -> Written:
    """What `narrate script` does."""
    production, cast = load(world.folder / "book")
    book = read_manuscript(production.manuscript, language=production.language)
    return write_scripts(production, cast, book, chapters=chapters, explain=explain)


def path(world: World, name: str = "01.txt") -> Path:
    return world.folder / "book" / "script" / name


def edit(world: World, old: str, new: str, name: str = "01.txt") -> None:
    text = path(world, name).read_text(encoding="utf-8")
    assert old in text
    path(world, name).write_text(text.replace(old, new), encoding="utf-8")


async def speak(world: World) -> tuple[Plan, list[SpokenChapter]]:
    plan = await world.plan()
    async with world.desk() as desk:
        spoken = await speak_all(desk, plan)
    for chapter, said in zip(plan.chapters, spoken, strict=True):
        assert said.error is None
        verify_spoken(chapter.cut, said)
    return plan, spoken


async def test_writing_the_script_changes_nothing_of_what_is_spoken(world: World) -> None:
    await speak(world)
    assert [one.state for one in script(world).chapters] == ["new", "new"]
    assert (await world.plan()).chunks_to_speak == 0
    assert [one.state for one in script(world).chapters] == ["unchanged", "unchanged"]


async def test_a_name_changed_in_one_line_speaks_one_line_again_and_touches_nothing_else(world: World) -> None:
    world.write(cast=CAST + TOM)
    await speak(world)
    script(world)
    edit(world, "Mara: “I have the key,”", "Tom: “I have the key,”")
    there = path(world).read_bytes(), path(world, "02.txt").read_bytes()
    assert [one.state for one in script(world).chapters] == ["unchanged", "unchanged"]
    assert (path(world).read_bytes(), path(world, "02.txt").read_bytes()) == there
    plan = await world.plan()
    assert [(planned.chunk.character, planned.chunk.text) for planned in plan.missing()] == [("Tom", "I have the key,")]
    before = len(world.spoken())
    await speak(world)
    assert len(world.spoken()) == before + 1
    assert (await world.plan()).chunks_to_speak == 0


async def test_a_paragraph_inserted_into_the_manuscript_keeps_every_accepted_line(world: World) -> None:
    world.write(cast=CAST + TOM)
    script(world)
    edit(world, "Mara: “I have the key,”", "; as the author wants it\nTom (slowly): “I have the {key|kee},”")
    await speak(world)
    world.write(TEXT.replace("“I have the key,”", "It rained.\n\n“I have the key,”"), cast=CAST + TOM)
    with pytest.raises(InputError, match=r"\+|narrate script DIR"):
        await world.plan()
    first, second = script(world).chapters
    assert (first.state, first.kept, first.added, first.removed) == ("changed", 4, 1, ())
    assert second.state == "unchanged"
    assert "; as the author wants it\nTom (slowly): “I have the {key|kee},”" in path(world).read_text(encoding="utf-8")
    assert [planned.ask.text for planned in (await world.plan()).missing()] == ["It rained."]


async def test_an_inserted_chapter_moves_the_scripts_along(world: World) -> None:
    world.write(cast=CAST + TOM)
    script(world)
    edit(world, "Mara: “I have the wrong key,”", "Tom: “I have the wrong key,”", "02.txt")
    await speak(world)
    world.write("# Zero\n\nA new beginning.\n\n" + TEXT, cast=CAST + TOM)
    with pytest.raises(InputError, match="all chapters"):
        script(world, chapters=frozenset({1}))
    assert [one.state for one in script(world).chapters] == ["new", "moved", "moved"]
    assert "Tom: “I have the wrong key,”" in path(world, "03.txt").read_text(encoding="utf-8")
    assert [planned.ask.text for planned in (await world.plan()).missing()] == ["Zero", "A new beginning."]


async def test_the_script_of_a_removed_chapter_is_set_aside(world: World) -> None:
    script(world)
    edit(world, "Mara: “I have", "; a note\nMara: “I have")
    world.write("# Two" + TEXT.partition("# Two")[2])
    written = script(world)
    assert ([one.state for one in written.chapters], written.set_aside) == (["moved"], ("script/01.removed",))
    assert "; a note\nMara: “I have the key,”" in path(world, "01.removed").read_text(encoding="utf-8")
    assert sorted(found.name for found in path(world).parent.iterdir()) == ["01.removed", "01.txt"]


async def test_only_the_selected_chapters_are_written(world: World) -> None:
    written = script(world, chapters=frozenset({2}))
    assert [one.file for one in written.chapters] == ["script/02.txt"]
    assert not path(world).exists()


async def test_evidence_is_written_and_taken_away_again(world: World) -> None:
    script(world)
    plain = path(world).read_bytes()
    script(world, explain=True)
    text = path(world).read_text(encoding="utf-8")
    assert re.search(r"; evidence: tag: said Mara.* \(Mara, \d+%\)\nMara: “I have the key,”", text)
    assert (await world.plan()).chunks_to_speak > 0
    script(world)
    assert path(world).read_bytes() == plain


def test_the_evidence_names_the_speaker_of_its_line(world: World) -> None:
    script(world, explain=True)
    text = path(world).read_text(encoding="utf-8")
    pairs = re.findall(r"^; evidence: .* \((.+), \d+%\)\n(.+?)\??:", text, re.MULTILINE)
    assert pairs
    assert all(found == speaker for found, speaker in pairs)


def test_a_speaker_set_by_hand_is_told_from_the_one_that_was_found(world: World) -> None:
    script(world)
    edit(world, "Mara: “I have the key,”", "Narrator: “I have the key,”")
    script(world, explain=True)
    text = path(world).read_text(encoding="utf-8")
    assert re.search(r"; evidence: set by hand; attribution: tag: said Mara.* \(Mara, \d+%\)\nNarrator: “I", text)


async def test_a_direction_is_neither_spoken_nor_part_of_what_is_paid_for(world: World) -> None:
    script(world)
    await speak(world)
    edit(world, "Mara: “I have the key,”", "Mara (in a whisper): “I have the key,”")
    plan = await world.plan()
    assert (plan.chunks_to_speak, plan.directions) == (0, (0, 1))


async def test_a_respelling_is_what_is_sent_and_makes_that_line_stale(world: World) -> None:
    script(world)
    await speak(world)
    edit(world, "“I have the key,”", "“I have the {key|kee},”")
    plan = await world.plan()
    assert [(planned.chunk.text, planned.ask.text) for planned in plan.missing()] == [
        ("I have the key,", "I have the kee,")
    ]


async def test_a_skipped_line_is_not_bought_and_is_listed(world: World) -> None:
    script(world)
    edit(world, "said Mara.", "~ said Mara.")
    edit(world, "# One", "#! One")
    plan, _ = await speak(world)
    assert plan.removed("skipped-by-script") == 2
    assert [removal.text for removal in plan.chapters[0].cut.removals if removal.rule == "skipped-by-script"] == [
        "One",
        "said Mara.",
    ]


async def deliver(world: World, cut: ChapterChunks, plan: Plan, spoken: SpokenChapter) -> DeliveredChapter:
    store = Takes(world.store)
    takes = [piece.take for piece in spoken.pieces if piece.take is not None]
    audio = {take.take_id: await store.audio(take) for take in takes}

    def read(take: Take) -> bytes:
        return audio[take.take_id]

    return deliver_chapter(
        cut,
        takes,
        read,
        production=plan.production,
        settings=plan.settings,
        slot=chapter_slot(cut.chapter, track=cut.chapter.number, total=2),
        folder=world.folder / "out",
    )


async def test_a_joint_line_is_billed_to_both_and_heard_from_one_start(world: World) -> None:
    world.write(cast=CAST + TOM)
    script(world)
    edit(world, "Mara: “I have the key,”", "[pause 2]\nMara + Tom: “I have the key,”")
    plan, (spoken, _) = await speak(world)
    assert sum(planned.ask.text == "I have the key," for planned in plan.missing()) == 2
    assert world.bill()["characters"] == plan.characters_billed
    delivered = await deliver(world, plan.chapters[0].cut, plan, spoken)
    mara, tom = [cue for cue in delivered.timeline.cues if cue.text == "I have the key,"]
    assert (mara.character, tom.character) == ("Mara", "Tom")
    assert mara.start_frame == tom.start_frame
    before = delivered.timeline.cues[mara.chunk - 1]
    assert abs((mara.start_frame - before.end_frame) / delivered.timeline.rate_hz - 2.0) < 0.002
    assert (await deliver(world, plan.chapters[0].cut, plan, spoken)).reused


async def test_a_joint_line_whose_one_voice_is_refused_is_a_finding_and_the_other_is_heard(world: World) -> None:
    world.write("# One\n\n“This is poison,” said Mara.\n\nNobody spoke.\n", cast=CAST + TOM)
    script(world)
    edit(world, "Mara: “This", "Mara + Tom: “This")
    world.switch(poison_words=("poison",))
    plan = await world.plan()
    async with world.desk() as desk:
        (spoken,) = await speak_all(desk, plan)
    assert [finding.character for finding in spoken.findings] == ["Mara", "Tom"]
    verify_spoken(plan.chapters[0].cut, spoken)


async def test_a_script_that_does_not_fit_is_refused_before_anything_is_spent(world: World) -> None:
    script(world)
    edit(world, "Nobody had opened it", "Nobody opened it")
    with pytest.raises(InputError, match=r"-Nobody had opened it for a year\.\n\+Nobody opened it for a year\."):
        open_job(Request(folder=world.folder / "book", store=str(world.folder / "store")), {}, needs_key=False)
