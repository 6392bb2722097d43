"""Retakes: what is spoken again, what of it is heard, and what it costs."""

from __future__ import annotations

from narration.check.takes import Judge
from narration.desk import Desk
from narration.finding import Severity
from narration.memory.choices import Choices
from narration.mend import Mending, mend_chapter
from narration.plan import Plan
from narration.settings.checks import CheckSettings
from narration.speak import SpokenChapter, verify_spoken
from narration.take import Take
from tests.stages.conftest import World, speak_all

LINES = "".join(
    f"The old man counted {number} stones that day, {'and more ' * (number % 5)}by the sea.\n\n" for number in range(12)
)
POISON = "# One\n\nThe first is fine. The second has poison in it. The third is fine. The fourth too.\n\n" + LINES


def mending_of(desk: Desk, *takes: Take, retakes: int = 2) -> Mending:
    # A chord is no voice: its pitch is ambiguous, and each text has a partial of its own.
    judge = Judge(CheckSettings(pitch_octaves=5.0, timbre_sigmas=1000.0), takes)
    judge.settle()
    return Mending(judge=judge, choices=Choices(desk.store), most=retakes, language="en")


async def mended(
    world: World, *, retakes: int = 2, before: dict[str, object] | None = None
) -> tuple[SpokenChapter, Mending]:
    """The first chapter, spoken, then mended; `before` changes the vendor in between."""
    async with world.desk() as desk:
        spoken = (await speak_all(desk, await world.plan()))[0]
        world.switch(**(before or {}))
        mending = mending_of(desk, *(piece.take for piece in spoken.pieces if piece.take), retakes=retakes)
        await mending.look_up(())
        return await mend_chapter(desk, spoken, mending, lambda _take: None), mending


def heard(plan: Plan) -> list[tuple[str, int]]:
    chunks = [planned for chapter in plan.chapters for planned in chapter.chunks]
    return [(planned.chunk.text, planned.ask.ordinal) for planned in chunks]


async def test_what_fails_is_spoken_again_once_and_the_next_plan_hears_the_retake(world: World) -> None:
    world.write(f"# One\n\n{LINES}")
    world.switch(damage=1.0, damage_kinds=("silent",))
    chapter, mending = await mended(world, before={"damage": 0.0})
    takes = len(chapter.pieces)
    assert mending.retakes == takes
    assert {piece.take.ask.ordinal for piece in chapter.pieces if piece.take} == {1}
    plan = await world.plan()
    assert plan.chunks_to_speak == 0
    assert {ordinal for _, ordinal in heard(plan)} == {1}
    assert len(world.spoken()) == 2 * takes, "the first takes are paid, and stay in the store"
    async with world.desk() as desk:
        (again,) = await speak_all(desk, plan)
        later = mending_of(desk, *(piece.take for piece in again.pieces if piece.take))
        await later.look_up([piece.take for piece in again.pieces if piece.take])
        await mend_chapter(desk, again, later, lambda _take: None)
    assert later.retakes == 0
    assert len(world.spoken()) == 2 * takes


async def test_a_sentence_that_always_fails_is_isolated_and_named_and_the_rest_is_heard(world: World) -> None:
    world.write(POISON)
    world.switch(damage_words=("poison",), damage_kinds=("silent",))
    chapter, mending = await mended(world)
    mending.judge.settle()
    findings = [finding for piece in chapter.pieces for finding in mending.findings(piece)]
    assert [(finding.code, finding.text) for finding in findings] == [("take-001", "The second has poison in it.")]
    assert findings[0].severity is Severity.ERROR
    plan = await world.plan()
    verify_spoken(plan.chapters[0].cut, chapter)
    assert plan.chunks_to_speak == 0
    assert [text for text, _ in heard(plan)] == [piece.chunk.text for piece in chapter.pieces]
    asked = world.asked()
    async with world.desk() as desk:
        (again,) = await speak_all(desk, plan)
        takes = [piece.take for piece in again.pieces if piece.take]
        later = mending_of(desk, *takes)
        await later.look_up(takes)
        await mend_chapter(desk, again, later, lambda _take: None)
        assert [finding.text for piece in again.pieces for finding in later.findings(piece)] == [findings[0].text]
    assert world.asked() == asked


async def test_takes_that_are_all_alike_are_the_texts_doing_and_a_warning(world: World) -> None:
    world.write(f"# One\n\nHe spoke of poison and of other things that day.\n\n{LINES}")
    world.switch(damage_words=("poison",), damage_kinds=("soft",))
    chapter, mending = await mended(world, retakes=5)
    assert mending.retakes == 1, "the second take says it all"
    findings = [finding for piece in chapter.pieces for finding in mending.findings(piece)]
    assert [(finding.code, finding.severity) for finding in findings] == [("take-012", Severity.WARNING)]


async def test_no_retakes_are_bought_where_a_production_wants_none(world: World) -> None:
    world.write(f"# One\n\n{LINES}")
    world.switch(damage=1.0, damage_kinds=("silent",))
    chapter, mending = await mended(world, retakes=0)
    assert mending.retakes == 0
    findings = [finding for piece in chapter.pieces for finding in mending.findings(piece)]
    assert len(findings) == len(chapter.pieces)


async def test_where_the_budget_ends_retakes_end_and_what_is_spoken_is_kept(world: World) -> None:
    world.write(f"# One\n\n{LINES}")
    world.switch(damage=1.0, damage_kinds=("silent",))
    plan = await world.plan()
    async with world.desk(run_cap_usd=plan.cost_usd + 1e-6) as desk:
        (spoken,) = await speak_all(desk, plan)
        mending = mending_of(desk)
        chapter = await mend_chapter(desk, spoken, mending, lambda _take: None)
        assert desk.halt.reason is None
    assert mending.unpaid
    assert mending.retakes == 0
    assert all(piece.take for piece in chapter.pieces)
    assert mending.made == {}, "a later run with money may try again"


async def test_what_a_settled_run_bought_is_left_alone(world: World) -> None:
    world.write(f"# One\n\n{LINES}")
    world.switch(damage=1.0, damage_kinds=("silent",))
    async with world.desk() as desk:
        (spoken,) = await speak_all(desk, await world.plan())
        takes = [piece.take for piece in spoken.pieces if piece.take]
        mending = mending_of(desk)
        await mending.choices.settle(desk.run.run_id)
        await mending.look_up(takes)
        assert not any(mending.wanted(take) for take in takes)
        assert len([finding for piece in spoken.pieces for finding in mending.findings(piece)]) == len(takes)
