"""Which takes a retake asks for, which one is heard, and what is told where that cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from narration.errors import InputError
from narration.memory.takes import Takes
from narration.pickups import Pickups
from narration.place import Place
from narration.plan import Plan
from narration.retake import Wish, asked_again, chunks_at, parts_of, placed, takes_at, used
from tests.stages.conftest import World, speak_all

AT = "2026-01-01T00:00:00Z"
LONG = " ".join(f"Nobody had opened the door number {number} for a whole year." for number in range(1, 12))
TEXT = f"# One\n\n{LONG}\n\n“I have the key,” said Mara.\n\n“I have the key,” said Mara.\n"
HEADING, PROSE, SPEECH = Place(chapter=1, line=1), Place(chapter=1, line=2), Place(chapter=1, line=3)


async def spoken(world: World, text: str = TEXT) -> Plan:
    """The plan of a book that is spoken."""
    world.write(text)
    async with world.desk() as desk:
        await speak_all(desk, await world.plan())
    return await world.plan()


async def again(world: World, plan: Plan, *wishes: Wish, pickups: Pickups | None = None) -> Pickups:
    return await asked_again(plan, wishes, pickups or Pickups(), Takes(world.store), AT)


async def problems_of(world: World, plan: Plan, wish: Wish) -> list[str]:
    with pytest.raises(InputError) as caught:
        await again(world, plan, wish)
    return [f"{one.where}: {one.what}; {one.expected}" for one in caught.value.problems]


async def test_a_line_of_several_requests_has_parts_and_the_others_have_none(world: World) -> None:
    plan = await spoken(world)
    spans = parts_of(plan.chapters[0].cut)[PROSE.line - 1]
    assert len(spans) > 1
    found = [str(one.place) for one in placed(plan)]
    assert found[: len(spans) + 2] == ["1:1", *(f"1:2.{part}" for part in range(1, len(spans) + 1)), "1:3"]
    whole, first = chunks_at(plan, [PROSE])[PROSE], replace(PROSE, part=1)
    assert [one.place.part for one in whole] == list(range(1, len(spans) + 1))
    assert [one.place for one in chunks_at(plan, [first])[first]] == [first]


async def test_places_where_nothing_is_spoken_are_all_told_with_what_is_there(world: World) -> None:
    plan = await spoken(world)
    wrong = [Place(chapter=9, line=1), Place(chapter=1, line=99), replace(PROSE, part=50)]
    with pytest.raises(InputError) as caught:
        chunks_at(plan, [HEADING, *wrong])
    nowhere, beyond, part = caught.value.problems
    assert (nowhere.what, nowhere.expected) == ("no chapter 9", "")
    assert nowhere.hint.startswith("`narrate chapters` lists the chapters")
    assert beyond.what == "chapter 1 has no line 99 that is spoken"
    assert beyond.expected.startswith("lines up to 1:")
    assert part.what == "line 1:2 has no part 50"


async def test_a_retake_is_the_next_take_that_nobody_has_and_is_the_one_to_be_heard(world: World) -> None:
    plan = await spoken(world)
    pickups = await again(world, plan, Wish(place=HEADING, note="too fast"))
    (pickup,) = pickups.by_key.values()
    assert (pickup.place, pickup.text, pickup.chosen) == ("1:1", "One", 1)
    assert (pickup.readings[0].note, pickup.readings[0].at) == ("too fast", AT)
    (third,) = (await again(world, plan, Wish(place=HEADING), pickups=pickups)).by_key.values()
    assert [reading.ordinal for reading in third.readings] == [1, 2]

    world_plan = await world.plan(pickups=pickups)
    asked = world_plan.chapters[0].chunks[0]
    assert (asked.ask.ordinal, asked.take) == (1, None)
    async with world.desk() as desk:
        await speak_all(desk, world_plan)
    # The store has a take 1 of those words now: who forgot the pickup does not get it for new.
    (fresh,) = (await again(world, plan, Wish(place=HEADING))).by_key.values()
    assert fresh.chosen == 2


async def test_a_wish_for_a_whole_line_asks_for_each_of_its_parts_once(world: World) -> None:
    plan = await spoken(world)
    parts = [one.place for one in chunks_at(plan, [PROSE])[PROSE]]
    pickups = await again(world, plan, Wish(place=PROSE), Wish(place=parts[0]))
    assert [pickup.place for pickup in pickups.by_key.values()] == [str(part) for part in parts]
    assert {len(pickup.readings) for pickup in pickups.by_key.values()} == {1}


async def test_two_places_with_the_same_words_get_takes_of_their_own(world: World) -> None:
    plan = await spoken(world)
    speech = [one for one in placed(plan) if "key" in one.planned.chunk.text]
    assert len(speech) == 2
    pickups = await again(world, plan, *(Wish(place=one.place) for one in speech))
    assert [(pickup.nth, pickup.chosen) for pickup in pickups.by_key.values()] == [(0, 1), (1, 2)]
    assert len({pickup.take_id for pickup in pickups.by_key.values()}) == 1


async def test_other_words_are_for_one_part_and_within_what_a_request_holds(world: World) -> None:
    plan = await spoken(world)
    (several,) = await problems_of(world, plan, Wish(place=PROSE, say="Nobody came."))
    parts = [str(one.place) for one in chunks_at(plan, [PROSE])[PROSE]]
    assert several == f"1:2: is spoken in {len(parts)} parts, and --say is about one; one of {', '.join(parts)}"
    for words in ("...", "word " * 200):
        (refused,) = await problems_of(world, plan, Wish(place=HEADING, say=words))
        assert refused == f"1:1: --say has {len(words)} characters; 1 to 550 weighted, with a letter or a digit"
    (pickup,) = (await again(world, plan, Wish(place=HEADING, say="Chapter One"))).by_key.values()
    assert pickup.readings[0].say == "Chapter One"


async def test_a_direction_is_refused_where_the_model_takes_none(world: World) -> None:
    plan = await spoken(world)
    (deaf,) = await problems_of(world, plan, Wish(place=HEADING, direction="softly"))
    assert deaf == f"1:1: {world.settings.service.speech_model} takes no direction (or none of that length); "


async def test_what_is_not_spoken_cannot_be_taken_again(world: World) -> None:
    plan = await world.plan()
    assert await problems_of(world, plan, Wish(place=HEADING)) == ["1:1: is not spoken yet; "]


async def test_every_take_of_a_place_is_listed_with_its_words_and_the_one_that_is_heard(world: World) -> None:
    plan = await spoken(world)
    takes = Takes(world.store)
    (only,) = (await takes_at(plan, HEADING, Pickups(), takes))[HEADING]
    assert (only.reading.ordinal, only.heard, only.take is not None) == (0, True, True)

    pickups = await again(world, plan, Wish(place=HEADING, say="Chapter One"))
    plan = await world.plan(pickups=pickups)
    first, second = (await takes_at(plan, HEADING, pickups, takes))[HEADING]
    assert (first.ask.text, first.heard, first.take is not None) == ("One", False, True)
    assert (second.ask.text, second.heard, second.take is not None) == ("Chapter One", True, False)
    parts = await takes_at(plan, PROSE, pickups, takes)
    assert list(parts) == [one.place for one in chunks_at(plan, [PROSE])[PROSE]]
    assert {len(known) for known in parts.values()} == {1}


async def test_a_take_of_a_line_is_heard_from_now_on_and_one_that_is_not_there_is_refused(world: World) -> None:
    plan = await spoken(world)
    takes = Takes(world.store)
    pickups = await again(world, plan, Wish(place=HEADING))
    plan = await world.plan(pickups=pickups)
    with pytest.raises(InputError) as caught:
        await used(plan, HEADING, 1, pickups, takes, AT)
    (problem,) = caught.value.problems
    assert (problem.what, problem.expected) == ("there is no take 1", "one of 0")
    assert problem.hint == "`narrate retake DIR 1:1` makes another."

    async with world.desk() as desk:
        await speak_all(desk, plan)
    back = await used(plan, HEADING, 0, pickups, takes, AT)
    (pickup,) = back.by_key.values()
    assert (pickup.chosen, [reading.ordinal for reading in pickup.readings]) == (0, [1])
    forth = await used(await world.plan(pickups=back), HEADING, 1, back, takes, AT)
    assert forth.by_key[pickup.key].chosen == 1
    # The choice of a take that the pickups do not know of, which the plan speaks with, is written down.
    (noted,) = (await used(plan, HEADING, 1, Pickups(), takes, AT)).by_key.values()
    assert (noted.chosen, [reading.ordinal for reading in noted.readings]) == (1, [1])


async def test_where_nothing_is_spoken_no_take_can_be_used(world: World) -> None:
    plan = await world.plan()
    with pytest.raises(InputError) as caught:
        await used(plan, HEADING, 0, Pickups(), Takes(world.store), AT)
    assert [(one.what, one.expected) for one in caught.value.problems] == [("there is no take 0", "")]
