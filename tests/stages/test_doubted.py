"""Second opinions: a take that passes its checks and is far from usual is spoken once more, and no finding is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from narration.check.doubts import Apart
from narration.check.takes import Judge
from narration.desk import Desk
from narration.memory.choices import Choices
from narration.mend import Mending, mend_chapter
from narration.settings.checks import CheckSettings
from narration.speak import SpokenChapter
from narration.take import Take
from tests.stages.conftest import World, speak_all
from tests.stages.test_mend import LINES, heard

if TYPE_CHECKING:
    from narration.listen import Listening

ODD = "He spoke of an odd thing that day."
BOOK = f"# One\n\n{ODD}\n\n{LINES}"
SHORT, USUAL = Apart(said=-1.5), Apart(said=-0.1)


class Court(Judge):
    """Finds each take of the odd line as far from usual as it is told, by ordinal."""

    def __init__(self, *odd: Apart) -> None:
        # A chord is no voice: its pitch is ambiguous, and each text has a partial of its own.
        super().__init__(CheckSettings(pitch_octaves=5.0, timbre_sigmas=1000.0))
        self._odd = odd

    def apart(self, take: Take) -> Apart:
        return self._odd[take.ask.ordinal] if take.ask.text == ODD else Apart()


def mending_of(desk: Desk, *odd: Apart, retakes: int = 2, share: float = 0.015) -> Mending:
    return Mending(judge=Court(*odd), choices=Choices(desk.store), most=retakes, language="en", doubt_share=share)


async def opinions(desk: Desk, world: World, mending: Mending) -> SpokenChapter:
    """The first chapter, spoken, with what is doubted spoken once more."""
    (spoken,) = await speak_all(desk, await world.plan())
    takes = [piece.take for piece in spoken.pieces if piece.take]
    await mending.look_up(takes)
    for take in takes:
        mending.judge.learn(take)
    mending.settle(takes)
    return await mend_chapter(desk, spoken, mending, lambda _take: None)


def ordinals(chapter: SpokenChapter) -> dict[str, int]:
    return {piece.chunk.text: piece.take.ask.ordinal for piece in chapter.pieces if piece.take}


def nothing_found(chapter: SpokenChapter, mending: Mending) -> bool:
    return not any(mending.findings(piece) for piece in chapter.pieces)


async def test_where_two_takes_differ_the_one_nearer_to_usual_is_heard_silently(world: World) -> None:
    world.write(BOOK)
    async with world.desk() as desk:
        mending = mending_of(desk, SHORT, USUAL)
        chapter = await opinions(desk, world, mending)
    assert (mending.retakes, mending.second_opinions) == (1, 1)
    assert {text: ordinal for text, ordinal in ordinals(chapter).items() if ordinal} == {ODD: 1}
    assert nothing_found(chapter, mending)
    plan = await world.plan()
    assert (ODD, 1) in heard(plan)
    assert plan.chunks_to_speak == 0


async def test_where_the_second_take_is_worse_the_first_is_heard(world: World) -> None:
    world.write(BOOK)
    async with world.desk() as desk:
        mending = mending_of(desk, SHORT, Apart(said=2.5))
        chapter = await opinions(desk, world, mending)
    assert mending.retakes == 1
    assert set(ordinals(chapter).values()) == {0}
    assert nothing_found(chapter, mending)


async def test_where_two_takes_are_alike_the_first_is_kept_and_never_doubted_again(world: World) -> None:
    world.write(BOOK)
    async with world.desk() as desk:
        mending = mending_of(desk, SHORT, Apart(said=-1.3))
        chapter = await opinions(desk, world, mending)
        assert mending.retakes == 1
        assert set(ordinals(chapter).values()) == {0}
        assert nothing_found(chapter, mending)
        asked = world.asked()
        later = mending_of(desk, SHORT, Apart(said=-1.3))
        again = await opinions(desk, world, later)
    assert later.doubted == frozenset(), "though the first run was not settled, the choice is remembered"
    assert (later.retakes, world.asked()) == (0, asked)
    assert ordinals(again) == ordinals(chapter)


async def test_a_second_take_that_fails_is_no_opinion_and_one_more_is_asked_for(world: World) -> None:
    world.write(BOOK)
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
        world.switch(damage=1.0, damage_kinds=("silent",))
        mending = mending_of(desk, SHORT, USUAL, USUAL)
        chapter = await opinions(desk, world, mending)
    assert mending.retakes == 2
    assert set(ordinals(chapter).values()) == {0}, "all that is known for sure is that the others are worse"
    assert nothing_found(chapter, mending)


async def test_a_retake_that_is_doubtful_itself_has_its_second_opinion_too(world: World) -> None:
    world.write(BOOK)
    world.switch(damage_words=("odd thing",), damage_kinds=("silent",))
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
        world.switch(damage_words=())
        mending = mending_of(desk, Apart(), SHORT, USUAL)
        chapter = await opinions(desk, world, mending)
    assert mending.retakes == 2
    assert ordinals(chapter)[ODD] == 2
    assert nothing_found(chapter, mending)


async def test_what_a_run_chose_before_all_was_known_may_be_spoken_again_by_it_and_by_no_later_one(
    world: World,
) -> None:
    world.write(BOOK)
    world.switch(damage_words=("odd thing",), damage_kinds=("silent",))
    async with world.desk() as desk:
        (spoken,) = await speak_all(desk, await world.plan())
        world.switch(damage_words=())
        mending = mending_of(desk, Apart(), Apart(), USUAL)
        first = await mend_chapter(desk, spoken, mending, lambda _take: None)
        assert ordinals(first)[ODD] == 1
        mending.judge = Court(Apart(), SHORT, USUAL)
        second = await opinions(desk, world, mending)
        assert ordinals(second)[ODD] == 2
        asked = world.asked()
        later = mending_of(desk, Apart(), SHORT, SHORT)
        await opinions(desk, world, later)
    assert world.asked() == asked


async def test_where_the_budget_ends_before_a_second_opinion_the_first_take_is_heard_without_a_word(
    world: World,
) -> None:
    world.write(BOOK)
    plan = await world.plan()
    async with world.desk(run_cap_usd=plan.cost_usd + 1e-6) as desk:
        mending = mending_of(desk, SHORT, USUAL)
        chapter = await opinions(desk, world, mending)
        assert desk.halt.reason is None
    assert (mending.unpaid, mending.retakes, mending.made) == (True, 0, {})
    assert set(ordinals(chapter).values()) == {0}
    assert nothing_found(chapter, mending)


async def test_nothing_is_doubted_where_a_production_wants_no_retakes_or_no_doubts(world: World) -> None:
    world.write(BOOK)
    async with world.desk() as desk:
        for mending in (mending_of(desk, SHORT, retakes=0), mending_of(desk, SHORT, share=0.0)):
            await opinions(desk, world, mending)
            assert (mending.retakes, mending.doubted) == (0, frozenset())


async def test_what_a_settled_run_bought_is_not_doubted(world: World) -> None:
    world.write(BOOK)
    async with world.desk() as desk:
        await Choices(desk.store).settle(desk.run.run_id)
        mending = mending_of(desk, SHORT)
        await opinions(desk, world, mending)
    assert mending.retakes == 0


@dataclass
class Ear:
    """A recogniser that heard exactly the words of every take."""

    wrong: tuple[()] = ()
    heard: list[str] = field(default_factory=list)

    def flaws(self, _take: Take) -> tuple[()]:
        return self.wrong

    def every_word(self, take: Take) -> bool:
        self.heard.append(take.ask.text)
        return True


async def test_where_every_word_was_heard_a_length_is_settled_and_a_voice_is_not(world: World) -> None:
    world.write(BOOK)
    async with world.desk() as desk:
        for odd, retakes in ((SHORT, 0), (Apart(said=-1.5, pitch=1.2), 1)):
            mending = mending_of(desk, odd, USUAL)
            mending.listening = cast("Listening", Ear())
            await opinions(desk, world, mending)
            assert mending.retakes == retakes
