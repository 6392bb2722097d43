"""Who is there: for each turn, who was named of late, who spoke near by, and so who can be its speaker.

Invariant: a scene is made from the narration and the name tags around a turn; it looks no further than a window, so
the time is linear in the text.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from narration.script.clues import subject
from narration.script.people import SPOUSES, People, spouses
from narration.script.reading import Passage, Reading
from narration.script.references import Kind
from narration.script.turns import Turn

_BACK_PASSAGES: Final = 24
_AHEAD_PASSAGES: Final = 8
_NEAR_TURNS: Final = 10
BREAK_GAP: Final = 99
"""The gap of a turn that begins a scene or chapter."""
_FADE: Final = 0.85
_COMMON: Final = 4
MOST_CANDIDATES: Final = 20


@dataclass(slots=True)
class Scene:
    """The surroundings of a turn. All numbers are per person.

    Attributes:
        gap: paragraphs between this turn and the one before; large after a break.
        narrators: who is "I" here.
        ages: paragraphs since somebody was last named; 0 is before the quotation in its own paragraph.
        ranks: order by how lately somebody was named, among those of a fitting gender.
        subject: who is the subject of the last sentence of the narration paragraph right before the turn.
        subject_gender: the same, where it is a pronoun: `m` or `f`.
        before: who is named in that paragraph.
        leaders: order by how lately somebody was the subject of a sentence, among those of a fitting gender.
        led: paragraphs since then.
        next_subject: who is the subject of the first sentence of the narration paragraph right behind the turn.
        present: how often somebody was named of late, fading.
        ahead: the same for the paragraphs that follow.
        tagged_before, tagged_after: turns to the nearest tag with somebody's name.
        candidates: who may be the speaker.
    """

    gap: int
    narrators: frozenset[int]
    ages: dict[int, int] = field(default_factory=dict)
    ranks: dict[int, int] = field(default_factory=dict)
    subject: int | None = None
    subject_gender: str = ""
    before: frozenset[int] = frozenset()
    leaders: dict[int, int] = field(default_factory=dict)
    led: dict[int, int] = field(default_factory=dict)
    next_subject: int | None = None
    present: dict[int, float] = field(default_factory=dict)
    ahead: dict[int, float] = field(default_factory=dict)
    tagged_before: dict[int, int] = field(default_factory=dict)
    tagged_after: dict[int, int] = field(default_factory=dict)
    candidates: tuple[int, ...] = ()


@dataclass(slots=True)
class _Track:
    """Who is named where."""

    named: list[list[tuple[int, int]]]
    """Of each passage: (word index, person), in order, in its narration."""
    weights: list[dict[int, float]]
    subjects: list[int | str | None]
    """Of each passage without quotations: the subject of its last sentence, or the gender of the pronoun that is."""
    openings: list[int | str | None]
    """The same of its first sentence."""
    leaders: list[list[tuple[int, int]]]
    """Of each passage: (word index, person) of the subjects of its sentences."""


def scenes_of(
    reading: Reading, people: People, genders: Sequence[float], passages: Sequence[Passage], turns: Sequence[Turn]
) -> list[Scene]:
    """The scene of every turn."""
    track = _track(reading, people, passages)
    scenes: list[Scene] = []
    breaks = _break_counts(passages)
    for t, turn in enumerate(turns):
        at = turn.passage
        previous = turns[t - 1].passage if t else -99
        gap = BREAK_GAP if t == 0 or breaks[at] != breaks[previous] else min(BREAK_GAP - 1, max(0, at - previous - 1))
        scene = Scene(gap=gap, narrators=_narrators(people, passages[at].chapter))
        _look_back(scene, reading, track, turn, at)
        _look_ahead(scene, track, at, len(passages))
        scenes.append(scene)
    _tags(turns, scenes)
    for turn, scene in zip(turns, scenes, strict=True):
        _rank(scene, genders, turn)
    common = _common(turns, scenes)
    for t, (turn, scene) in enumerate(zip(turns, scenes, strict=True)):
        near = turns[max(0, t - 2) : t + 3]
        scene.candidates = _candidates(scene, people, turn, near, common)
    return scenes


def narration_of(passage: Passage) -> list[tuple[int, int]]:
    """What of a passage is not quoted, as offsets."""
    edges = [passage.start, *(edge for span in passage.spans for edge in span), passage.end]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]


def _narrators(people: People, chapter: int) -> frozenset[int]:
    return frozenset(who for who, chapters in people.first.items() if not chapters or chapter in chapters)


def _break_counts(passages: Sequence[Passage]) -> list[int]:
    counts, number = [], 0
    for passage in passages:
        number += passage.breaks
        counts.append(number)
    return counts


def _track(reading: Reading, people: People, passages: Sequence[Passage]) -> _Track:
    named: list[list[tuple[int, int]]] = []
    weights: list[dict[int, float]] = []
    subjects: list[int | str | None] = []
    openings: list[int | str | None] = []
    leaders: list[list[tuple[int, int]]] = []
    for passage in passages:
        leading: list[tuple[int, int]] = []
        leaders.append(leading)
        here: list[tuple[int, int]] = []
        weight: dict[int, float] = defaultdict(float)
        narrators = _narrators(people, passage.chapter)
        tail: tuple[int, int] | None = None
        for start, end in narration_of(passage):
            first, last = reading.between(start, end)
            if first < last:
                tail = (first, last)
                for sentence in reading.sentences(first, last):
                    told = _subject(reading, sentence, narrators)
                    if isinstance(told, int):
                        leading.append((sentence[0], told))
            for index in range(first, last):
                mention = reading.mentions.get(index)
                if mention:
                    here += [(index, who) for who in mention.who]
                    for who in mention.who:
                        weight[who] += 1.0 / len(mention.who)
                elif narrators and reading.words[index] in {"I", "me", "my"}:
                    here += [(index, who) for who in narrators]
                    for who in narrators:
                        weight[who] += 0.5
        sentences = reading.sentences(*tail) if tail and not passage.spans else []
        subjects.append(_subject(reading, sentences[-1], narrators) if sentences else None)
        openings.append(_subject(reading, sentences[0], narrators) if sentences else None)
        named.append(here)
        weights.append(dict(weight))
    return _Track(named, weights, subjects, openings, leaders)


def _subject(reading: Reading, sentence: tuple[int, int], narrators: frozenset[int]) -> int | str | None:
    found = subject(reading, *sentence)
    if found is None:
        return None
    match found.kind:
        case Kind.NAME if len(found.who) == 1:
            return found.who[0]
        case Kind.FIRST if len(narrators) == 1:
            return next(iter(narrators))
        case Kind.PRONOUN if found.gender != "p":
            return found.gender
    return None


def _look_back(scene: Scene, reading: Reading, track: _Track, turn: Turn, at: int) -> None:
    first = reading.between(turn.spans[0][0], turn.spans[0][0])[0]
    fade = 1.0
    order: dict[int, None] = {}
    for back in range(_BACK_PASSAGES + 1):
        step = at - back
        if step < 0:
            break
        for index, who in reversed(track.named[step]):
            if back == 0 and index >= first:
                continue
            scene.ages.setdefault(who, back)
            order.setdefault(who)
        for index, who in reversed(track.leaders[step]):
            if back or index < first:
                scene.led.setdefault(who, back)
        if back:
            fade *= _FADE
            for who, weight in track.weights[step].items():
                scene.present[who] = scene.present.get(who, 0.0) + weight * fade
    scene.ranks = {who: place for place, who in enumerate(order)}
    told = track.subjects[at - 1] if at else None
    if isinstance(told, int):
        scene.subject = told
    elif told:
        scene.subject_gender = told
    if told is not None:
        scene.before = frozenset(who for _, who in track.named[at - 1])


def _look_ahead(scene: Scene, track: _Track, at: int, count: int) -> None:
    told = track.openings[at + 1] if at + 1 < count else None
    scene.next_subject = told if isinstance(told, int) else None
    for step in range(at + 1, min(count, at + 1 + _AHEAD_PASSAGES)):
        for who, weight in track.weights[step].items():
            scene.ahead[who] = scene.ahead.get(who, 0.0) + weight * _FADE ** (step - at)


def _tags(turns: Sequence[Turn], scenes: Sequence[Scene]) -> None:
    """How far the nearest tags with names are, both ways, within the scene."""
    for names, order in (("before", range(len(turns))), ("after", range(len(turns) - 1, -1, -1))):
        recent: deque[tuple[int, tuple[int, ...]]] = deque(maxlen=_NEAR_TURNS)
        for t in order:
            edge = t if names == "before" else t + 1
            if edge < len(turns) and scenes[edge].gap > 20:
                recent.clear()
            near = scenes[t].tagged_before if names == "before" else scenes[t].tagged_after
            for at, people in reversed(recent):
                for who in people:
                    if abs(t - at) <= _NEAR_TURNS:
                        near.setdefault(who, abs(t - at))
            who_tagged = tagged(turns[t], scenes[t])
            if who_tagged:
                recent.append((t, who_tagged))


def tagged(turn: Turn, scene: Scene) -> tuple[int, ...]:
    """Who a turn's tag names, by name or as the narrator."""
    tag = turn.tag
    if tag is None:
        return ()
    if tag.reference.kind is Kind.FIRST:
        return tuple(sorted(scene.narrators))
    return tag.reference.who if tag.reference.kind is Kind.NAME else ()


def _rank(scene: Scene, genders: Sequence[float], turn: Turn) -> None:
    """Those of the wrong gender do not count in the order of recency."""
    tag = turn.tag
    gender = tag.reference.gender if tag else ""
    sign = {"f": 1.0, "m": -1.0}.get(gender, 0.0)
    fitting = [who for who in scene.ranks if sign * genders[who] > -1.0 and not (sign and who in scene.narrators)]
    scene.ranks = {who: place for place, who in enumerate(fitting)}
    leading = [who for who in scene.led if sign * genders[who] > -1.0 and not (sign and who in scene.narrators)]
    scene.leaders = {who: place for place, who in enumerate(leading)}


def _common(turns: Sequence[Turn], scenes: Sequence[Scene]) -> list[int]:
    """Those who speak most."""
    counts = Counter(who for turn, scene in zip(turns, scenes, strict=True) for who in tagged(turn, scene))
    return [who for who, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_COMMON]]


def _candidates(
    scene: Scene, people: People, turn: Turn, near_by: Sequence[Turn], common: Sequence[int]
) -> tuple[int, ...]:
    points: dict[int, float] = defaultdict(float)
    for place, who in enumerate(common):
        points[who] += 0.1 / (1 + place)
    for who in scene.narrators:
        points[who] += 2.0
    for who, value in _likely(scene, people, turn, near_by):
        points[who] += value
    speaking = set(people.speaking)
    best = sorted((who for who in points if who in speaking), key=lambda who: (-points[who], who))
    return tuple(best[:MOST_CANDIDATES])


def _likely(scene: Scene, people: People, turn: Turn, near_by: Sequence[Turn]) -> Iterator[tuple[int, float]]:
    """Roughly how much speaks for somebody: only who is kept and who is not depends on it."""
    for other in near_by:
        yield from ((who, 3.0) for who in other.addressed)
        yield from ((who, 0.3) for who in other.told)
    for clue in turn.clues:
        reference = clue.reference
        yield from ((who, 20.0) for who in reference.who)
        yield from ((who, 5.0) for who in people.titles.get(reference.head, ()))
        if reference.head in SPOUSES:
            yield from ((who, 4.0) for who in spouses(people, scene.ages.keys() | turn.addressed, reference.gender))
    yield from ((who, 3.0 / (1 + age)) for who, age in scene.ages.items())
    yield from ((who, 4.0 / distance) for who, distance in scene.tagged_before.items())
    yield from ((who, 3.0 / distance) for who, distance in scene.tagged_after.items())
    yield from ((who, 0.3 * weight) for who, weight in scene.present.items())
    yield from ((who, 0.5 * weight) for who, weight in scene.ahead.items())
