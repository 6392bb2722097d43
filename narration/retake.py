"""Which takes a retake asks for, and which one of a line is heard: from places to pickups.

Invariant: a retake asks for a take that nobody has, in the voice that the line has; the takes that are there stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from narration.book import ChapterChunks
from narration.booth import options_by_name
from narration.chunks import is_speakable, measure
from narration.errors import InputError, Problem
from narration.memory.takes import Takes
from narration.pickups import Key, Pickup, Pickups, Reading
from narration.place import Place
from narration.plan import ChapterPlan, Plan, PlannedChunk, read_as
from narration.services.options import carries
from narration.take import SpeechAsk, Take

_MOST_TAKES = 100
"""More takes of one ask than anybody listens to; a search for the next ordinal ends there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A chunk of a plan with its place.

    Attributes:
        place: with its part, where the line has several.
        planned: the chunk.
    """

    place: Place
    planned: PlannedChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants to hear again.

    Attributes:
        place: the line, or a part of it.
        say: other words; empty is as the script has it.
        direction: another direction; empty is the script's.
        note: why.
    """

    place: Place
    say: str = ""
    direction: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTake:
    """A take of a place.

    Attributes:
        reading: how it was asked for.
        ask: the request.
        take: None where it is not spoken.
        heard: whether it is the one that is heard.
    """

    reading: Reading
    ask: SpeechAsk
    take: Take | None
    heard: bool


def placed(plan: Plan) -> tuple[Placed, ...]:
    """Every chunk of a plan with its place; the pieces of one that was cut share theirs."""
    return tuple(one for chapter in plan.chapters for one in _of_chapter(chapter))


def _of_chapter(chapter: ChapterPlan) -> Iterable[Placed]:
    parts = parts_of(chapter.cut)
    for planned in chapter.chunks:
        spans = parts[planned.chunk.line]
        at = next(index for index, (start, end) in enumerate(spans) if start <= planned.chunk.start < end)
        part = at + 1 if len(spans) > 1 else 0
        place = Place(chapter=planned.chunk.chapter, line=planned.chunk.line + 1, part=part)
        yield Placed(place=place, planned=planned)


def parts_of(cut: ChapterChunks) -> Mapping[int, tuple[tuple[int, int], ...]]:
    """The spans that each line of a chapter is spoken in, by the line's index; what several say together is one."""
    found: dict[int, dict[tuple[int, int], None]] = {}
    for chunk in cut.chunks:
        found.setdefault(chunk.line, {})[(chunk.start, chunk.end)] = None
    return {line: tuple(spans) for line, spans in found.items()}


def chunks_at(plan: Plan, places: Sequence[Place]) -> dict[Place, tuple[Placed, ...]]:
    """The chunks of places.

    Raises:
        InputError: with every place where nothing is spoken.
    """
    every = placed(plan)
    found = {place: tuple(one for one in every if place.holds(one.place)) for place in places}
    problems = [_nothing_there(place, every) for place, chunks in found.items() if not chunks]
    if problems:
        raise InputError(*problems)
    return found


def _nothing_there(place: Place, every: Sequence[Placed]) -> Problem:
    lines = [one.place.line for one in every if one.place.chapter == place.chapter]
    what = (
        f"chapter {place.chapter} has no line {place.line} that is spoken" if lines else f"no chapter {place.chapter}"
    )
    if place.part and any(replace(place, part=0).holds(one.place) for one in every):
        what = f"line {place.chapter}:{place.line} has no part {place.part}"
    expected = f"lines up to {place.chapter}:{max(lines)}" if lines else ""
    hint = "`narrate script` writes the lines of each chapter" if lines else "`narrate chapters` lists the chapters"
    return Problem(what=what, where=str(place), expected=expected, hint=f"{hint}; out/proof.html has their numbers.")


async def asked_again(plan: Plan, wishes: Sequence[Wish], pickups: Pickups, takes: Takes, at: str) -> Pickups:
    """The pickups with one more take of each place, which is the one to be heard.

    Args:
        plan: of the book as it is.
        wishes: what is to be spoken again.
        pickups: as they are.
        takes: of the store.
        at: now, ISO 8601.

    Raises:
        InputError: with every wish that cannot be had: no such line, not spoken yet, other words for a line of several
            parts, a direction for a model that takes none, words that are too long.
        StoreError: the store cannot be read.
    """
    found = chunks_at(plan, [wish.place for wish in wishes])
    problems = [problem for wish in wishes for problem in _problems(plan, wish, found[wish.place])]
    if problems:
        raise InputError(*problems)
    taken: dict[str, int] = {}
    made: dict[Key, Pickup] = {}
    for wish in wishes:
        for one in found[wish.place]:
            plain, key = one.planned.plain, one.planned.key
            if plain is None or key is None or key in made:
                continue
            before = pickups.by_key.get(key) or _first(one, key, plan)
            last = max([0, *(reading.ordinal for reading in before.readings), taken.get(plain.take_id, 0)])
            ordinal = await _free(plain, last + 1, takes)
            taken[plain.take_id] = ordinal
            reading = Reading(ordinal=ordinal, say=wish.say, direction=wish.direction, note=wish.note, at=at)
            made[key] = replace(before, place=str(one.place)).with_reading(reading)
    return pickups.changed(made.values())


async def _free(plain: SpeechAsk, ordinal: int, takes: Takes) -> int:
    """The first ordinal from there on of which there is no take."""
    while ordinal < _MOST_TAKES and await takes.get(replace(plain, ordinal=ordinal).take_id) is not None:
        ordinal += 1
    return ordinal


def _first(one: Placed, key: Key, plan: Plan) -> Pickup:
    chapter, take_id, nth = key
    chunk = one.planned.chunk
    cut = next(each.cut for each in plan.chapters if each.cut.chapter.number == chapter)
    whole = next((each for each in cut.chunks if each.start <= chunk.start and chunk.end <= each.end), chunk)
    return Pickup(chapter=chapter, take_id=take_id, nth=nth, place=str(one.place), text=whole.text)


def _problems(plan: Plan, wish: Wish, chunks: Sequence[Placed]) -> list[Problem]:
    where = str(wish.place)
    if any(one.planned.take is None for one in chunks):
        return [Problem(what="is not spoken yet", where=where, hint="`narrate render` speaks it.")]
    found = []
    if wish.say:
        spans = {one.place for one in chunks}
        booth = plan.seating.booths[chunks[0].planned.booth].settings.chunks
        if len(spans) > 1:
            parts = ", ".join(map(str, sorted(spans)))
            hint = "Name the part whose words change."
            what = f"is spoken in {len(spans)} parts, and --say is about one"
            found.append(Problem(what=what, where=where, expected=f"one of {parts}", hint=hint))
        if not is_speakable(wish.say) or measure(wish.say, booth.unit) > booth.max_length:
            expected = f"1 to {booth.max_length} {booth.unit}, with a letter or a digit"
            found.append(Problem(what=f"--say has {len(wish.say)} characters", where=where, expected=expected))
    if wish.direction:
        deaf = {
            service.speech_model
            for one in chunks
            if not carries(service := plan.seating.booths[one.planned.booth].settings.service, wish.direction)
        }
        if deaf:
            what = f"{', '.join(sorted(deaf))} takes no direction (or none of that length)"
            hint = "Leave --direction out: another take may do; or let a model with instructions speak."
            found.append(Problem(what=what, where=where, hint=hint))
    return found


async def takes_at(plan: Plan, place: Place, pickups: Pickups, takes: Takes) -> dict[Place, tuple[KnownTake, ...]]:
    """Every take of a place, by part.

    Raises:
        InputError: nothing is spoken there.
        StoreError: the store cannot be read.
    """
    found: dict[Place, tuple[KnownTake, ...]] = {}
    for one in chunks_at(plan, [place])[place]:
        plain, key = one.planned.plain, one.planned.key
        if plain is None or key is None or one.place in found:
            continue
        pickup = pickups.by_key.get(key)
        readings = {0: Reading(ordinal=0)} | {each.ordinal: each for each in (pickup.readings if pickup else ())}
        heard = pickup.chosen if pickup else one.planned.ask.ordinal
        readings.setdefault(heard, Reading(ordinal=heard))
        asks = {number: _ask(plan, one, reading) for number, reading in sorted(readings.items())}
        there = await takes.find(ask.take_id for ask in asks.values())
        found[one.place] = tuple(
            KnownTake(reading=readings[number], ask=ask, take=there.get(ask.take_id), heard=number == heard)
            for number, ask in asks.items()
        )
    return found


def _ask(plan: Plan, one: Placed, reading: Reading) -> SpeechAsk:
    """What a reading asks for."""
    if reading.ordinal == one.planned.ask.ordinal:
        return one.planned.ask
    cut = next(each.cut for each in plan.chapters if each.cut.chapter.number == one.planned.chunk.chapter)
    options = options_by_name(plan.cast, plan.production.language, plan.seating)
    return read_as(one.planned, cut, reading, plan.seating, options).ask


async def used(plan: Plan, place: Place, ordinal: int, pickups: Pickups, takes: Takes, at: str) -> Pickups:
    """The pickups with that take of a place heard from now on.

    Raises:
        InputError: nothing is spoken there, or there is no such take.
        StoreError: the store cannot be read.
    """
    known = await takes_at(plan, place, pickups, takes)
    made = []
    for one in chunks_at(plan, [place])[place]:
        key = one.planned.key
        there = [each.reading.ordinal for each in known.get(one.place, ()) if each.take is not None]
        if key is None or ordinal not in there:
            expected = f"one of {', '.join(map(str, there))}" if there else ""
            hint = f"`narrate retake DIR {one.place}` makes another."
            raise InputError(
                Problem(what=f"there is no take {ordinal}", where=str(one.place), expected=expected, hint=hint)
            )
        before = pickups.by_key.get(key) or _first(one, key, plan)
        if before.reading(ordinal) is None:
            before = before.with_reading(Reading(ordinal=ordinal, at=at))
        made.append(replace(before, chosen=ordinal, place=str(one.place)))
    return pickups.changed(made)
