"""What speaks for and against each candidate of a turn, as named numbers.

Invariant: a feature depends on the text and the candidate only, never on the order of the cast; all weights stand in
`weights.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from narration.script.clues import Clue, Place
from narration.script.habits import Habits
from narration.script.people import SPOUSES, People, spouses
from narration.script.references import Kind, Reference
from narration.script.scene import Scene
from narration.script.turns import Turn

UNKNOWN: Final = -1
Features = list[tuple[str, float]]

_LONG_WORDS: Final = 25
_AGES: Final = (0, 1, 2, 4, 8, 15)
_LED: Final = (0, 1, 2, 4, 8)
_SPANS: Final = (1, 2, 3, 4, 6, 10)


@dataclass(frozen=True, slots=True)
class Book:
    """What is known of the whole text.

    Attributes:
        people: the cast.
        genders: log odds of female, per person.
        frequency: logarithm of one plus how often each is named beside a word of saying.
    """

    people: People
    genders: Sequence[float]
    frequency: Sequence[float]


def agreement(log_odds: float, gender: str) -> float:
    """Logarithm of how likely somebody is of this gender; at least -5."""
    sign = 1.0 if gender == "f" else -1.0
    return max(-5.0, -math.log1p(math.exp(-sign * log_odds)))


def features(book: Book, turns: Sequence[Turn], scenes: Sequence[Scene], t: int, who: int) -> Features:
    """The features of one candidate of a turn, without what is learnt from a reading."""
    turn, scene = turns[t], scenes[t]
    way = turn.manner
    if who == UNKNOWN:
        return [(f"unknown:{way}", 1.0), *_unknown(turn)]
    found: Features = []
    for clue in _best(turn):
        found += _clue(book, scene, turn, clue, who)
    found += _heard(book, turns, scenes, t, who)
    found += _scene(scene, who, way, book.genders)
    found.append(("frequency:" + way, book.frequency[who]))
    if who in scene.narrators:
        found.append(("narrator:" + way, 1.0))
    return found


def learnt(habits: Habits, turn: Turn, t: int, who: int) -> Iterator[tuple[str, float]]:
    """What a reading has learnt of one candidate of a turn."""
    if turn.manner == "name" or who == UNKNOWN:
        return
    size = "long" if turn.words > _LONG_WORDS else "short"
    yield f"idiolect:{size}", habits.idiolects[t].get(who, 0.0)
    yield "partner", habits.partners[t].get(who, 0.0)
    even, odd, whole = habits.rounds[t].get(who, (0.0, 0.0, 0.0))
    yield "round:even", even
    yield "round:odd", odd
    yield "round:whole", whole
    yield "chapter", habits.chapters[t].get(who, 0.0)
    if t in habits.kin:
        yield "kin", habits.kin[t].get(who, 0.0)
    known = habits.epithets.get(t)
    if known:
        total = sum(known.values())
        yield "epithet", math.log((known.get(who, 0.0) + 0.1) / (total + 1.0)) + 2.3


def _unknown(turn: Turn) -> Iterator[tuple[str, float]]:
    tag = turn.tag
    if tag and tag.reference.kind is Kind.NAME and len(tag.reference.who) > 1:
        yield "unknown:shared", 1.0


def _best(turn: Turn) -> list[Clue]:
    """At most one clue of each place."""
    seen: set[Place] = set()
    kept = []
    for clue in turn.clues:
        if clue.place not in seen:
            seen.add(clue.place)
            kept.append(clue)
    return kept


def _clue(book: Book, scene: Scene, turn: Turn, clue: Clue, who: int) -> Iterator[tuple[str, float]]:
    place, way = clue.place.value, turn.manner
    if place.startswith("beat") and way not in {"bare", "beat"}:
        place += ":tagged"
    reference = clue.reference
    if who in reference.owners:
        yield "owner", 1.0
    if who in clue.to or (clue.to_kind == "i" and who in scene.narrators):
        yield f"{place}:spoken-to", 1.0
    gender = agreement(book.genders[who], reference.gender) if reference.gender in {"m", "f"} else 0.0
    match reference.kind:
        case Kind.NAME:
            yield from _name(reference, place, who)
        case Kind.FIRST:
            yield (f"{place}:i" if who in scene.narrators else f"{place}:not-i"), 1.0
        case Kind.PRONOUN:
            yield f"{place}:gender", gender
            if gender and who in scene.narrators:
                yield f"{place}:i-is-he", 1.0
        case Kind.NOUN:
            yield f"{place}:noun:gender", gender
            yield from _noun(book, scene, turn, reference, place, who)
        case Kind.PROPER:
            yield f"{place}:proper", 1.0
            yield f"{place}:proper:gender", gender


def _name(reference: Reference, place: str, who: int) -> Iterator[tuple[str, float]]:
    if who not in reference.who:
        yield f"{place}:other", 1.0
        return
    yield f"{place}:name", 1.0
    if len(reference.who) > 1:
        yield f"{place}:name:shared", 1.0


def _noun(
    book: Book, scene: Scene, turn: Turn, reference: Reference, place: str, who: int
) -> Iterator[tuple[str, float]]:
    titled = book.people.titles.get(reference.head, ())
    if titled and not reference.owned:
        yield (f"{place}:noun:title" if who in titled else "noun:title:other"), 1.0
        if who in titled and len(titled) > 1:
            yield "noun:title:shared", 1.0
    if reference.head in SPOUSES and who in spouses(book.people, scene.ages.keys() | turn.addressed, reference.gender):
        yield f"{place}:noun:spouse", 1.0
    if reference.owned == "i" and who in scene.narrators:
        yield "noun:mine", 1.0
    elif reference.owned and who == _owner(book, scene, reference.owned):
        yield "noun:owner", 1.0


def _owner(book: Book, scene: Scene, gender: str) -> int | None:
    """Who `his` or `her` likely is: the last who was named and fits."""
    sign = 1.0 if gender == "f" else -1.0
    return next((who for who in scene.ages if sign * book.genders[who] > 0), None)


def _heard(book: Book, turns: Sequence[Turn], scenes: Sequence[Scene], t: int, who: int) -> Iterator[tuple[str, float]]:
    """What is said: whom the turn and its neighbours call by name."""
    turn = turns[t]
    if who in turn.addressed:
        yield "addressed", 1.0
    if who in turn.told:
        yield "told", 1.0
    if who in turn.own:
        yield "own", 1.0
    if who in turn.beside:
        yield ("beside:tagged" if turn.tag else "beside"), 1.0
    if scenes[t].next_subject is not None:
        yield ("next-subject" if scenes[t].next_subject == who else "next-subject:other"), 1.0
    for step, name in ((t - 1, "before"), (t + 1, "after")):
        if not 0 <= step < len(turns) or scenes[max(step, t)].gap > 3:
            continue
        near = "next" if scenes[max(step, t)].gap == 0 else "near"
        yield from _near(book, turns[step], name, f"{_group(turn.manner)}:{near}", who)
        tag = turns[step].tag
        if tag and tag.to_kind == "i" and who in scenes[step].narrators:
            yield f"spoken-to:{name}:i", 1.0


def _group(way: str) -> str:
    """Manners that are alike, for what counts the same with all of them."""
    return way if way in {"pro", "noun"} else "bare" if way in {"bare", "beat"} else "tag"


def _near(book: Book, near: Turn, name: str, group: str, who: int) -> Iterator[tuple[str, float]]:
    """What the turn before or after says of whom it is spoken to."""
    if near.addressed:
        yield (f"addressed:{name}:{group}" if who in near.addressed else f"addressed:{name}:{group}:other"), 1.0
    if who in near.told:
        yield f"told:{name}", 1.0
    tag = near.tag
    if tag and who in tag.to:
        yield f"spoken-to:{name}", 1.0
    if tag and tag.to_kind in {"m", "f"}:
        yield f"spoken-to:{name}:gender", agreement(book.genders[who], tag.to_kind)
    if near.address:
        yield f"address:{name}", agreement(book.genders[who], near.address[-1])


def _scene(scene: Scene, who: int, way: str, genders: Sequence[float]) -> Iterator[tuple[str, float]]:
    """How present somebody is."""
    if way in {"name", "first"}:
        return
    way = way if way == "pro" else "bare" if way in {"bare", "beat"} else "noun"
    age = scene.ages.get(who)
    yield f"age:{way}:{_bucket(age, _AGES)}", 1.0
    if who in scene.ranks:
        yield f"rank:{way}:{min(scene.ranks[who], 4)}", 1.0
    if scene.subject is not None:
        yield f"subject:{way}:{'this' if who == scene.subject else 'other'}", 1.0
    if scene.subject_gender:
        yield f"subject-gender:{way}", agreement(genders[who], scene.subject_gender)
    if who in scene.before:
        yield f"before:{way}", 1.0
    if way == "pro" and scene.leaders:
        yield f"leader:{way}:{min(scene.leaders.get(who, 4), 4)}", 1.0
        yield f"led:{way}:{_bucket(scene.led.get(who), _LED)}", 1.0
    yield f"present:{way}", math.log1p(scene.present.get(who, 0.0))
    yield f"ahead:{way}", math.log1p(scene.ahead.get(who, 0.0))
    yield f"tagged-before:{way}:{_bucket(scene.tagged_before.get(who), _SPANS)}", 1.0
    yield f"tagged-after:{way}:{_bucket(scene.tagged_after.get(who), _SPANS)}", 1.0


def _bucket(value: int | None, edges: Sequence[int]) -> str:
    if value is None:
        return "never"
    return next((str(edge) for edge in edges if value <= edge), "far")
