"""What a first reading tells of the people: what else they are called, how they sound, and who talks to whom.

Invariant: nothing that a turn itself says of its speaker counts for that turn again.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from narration.script import english
from narration.script.people import People
from narration.script.reading import Reading
from narration.script.references import Kind
from narration.script.scene import BREAK_GAP, Scene
from narration.script.turns import Turn

_SURE: Final = 0.85
_SMOOTH: Final = 300.0
_TOP: Final = 4.0
_FAR_GAP: Final = 3
_LEAST: Final = 0.05
_ROUND_TURNS: Final = 8
_ROUND_FADE: Final = 0.85


@dataclass(frozen=True, slots=True)
class Habits:
    """What is learnt. A turn is meant by its index.

    Attributes:
        epithets: of a turn with a noun phrase, how often each person was called so elsewhere.
        idiolects: of a turn, how much more its words are like each candidate's than like anybody's.
        partners: of a turn, how much each candidate talks to those around it.
        rounds: of a turn, how likely each candidate speaks two, four, … turns away, and three, five, …; both ways; and
            how much in the rest of the conversation.
        chapters: of a turn, the share of each candidate in its chapter, as a logarithm.
        kin: of a turn with a word for kin, how likely each candidate is of one family with the speaker before.
    """

    epithets: Mapping[int, Mapping[int, float]]
    idiolects: Mapping[int, Mapping[int, float]]
    partners: Mapping[int, Mapping[int, float]]
    rounds: Sequence[Mapping[int, tuple[float, float, float]]]
    chapters: Sequence[Mapping[int, float]]
    kin: Mapping[int, Mapping[int, float]]


def habits_of(
    cast: People,
    reading: Reading,
    turns: Sequence[Turn],
    scenes: Sequence[Scene],
    people: Sequence[Sequence[int]],
    posteriors: Sequence[Sequence[float]],
) -> Habits:
    """What posteriors of every turn tell of the people."""
    sure = [_sure(people[t], posteriors[t]) for t in range(len(turns))]
    return Habits(
        epithets=_epithets(turns, people, posteriors),
        idiolects=_idiolects(reading, turns, people, sure),
        partners=_partners(scenes, people, posteriors, sure),
        rounds=_rounds(scenes, people, posteriors),
        chapters=_chapters(scenes, people, posteriors),
        kin=_kin(cast, turns, scenes, people, posteriors),
    )


def _sure(people: Sequence[int], posterior: Sequence[float]) -> int | None:
    best = max(range(len(posterior)), key=posterior.__getitem__)
    return people[best] if posterior[best] >= _SURE and people[best] >= 0 else None


def _epithets(
    turns: Sequence[Turn], people: Sequence[Sequence[int]], posteriors: Sequence[Sequence[float]]
) -> dict[int, dict[int, float]]:
    counts: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    phrases: list[str] = []
    for t, turn in enumerate(turns):
        phrase = next((clue.reference.phrase for clue in turn.clues if clue.reference.kind is Kind.NOUN), "")
        phrases.append(phrase)
        if phrase:
            for who, share in zip(people[t], posteriors[t], strict=True):
                counts[phrase][who] += share
    found = {}
    for t, phrase in enumerate(phrases):
        if phrase:
            known = counts[phrase]
            own = dict(zip(people[t], posteriors[t], strict=True))
            found[t] = {who: known.get(who, 0.0) - own.get(who, 0.0) for who in people[t]}
    return found


def _idiolects(
    reading: Reading, turns: Sequence[Turn], people: Sequence[Sequence[int]], sure: Sequence[int | None]
) -> dict[int, dict[int, float]]:
    """By naive Bayes, scaled by the square root of the length, since the words of a turn are not independent."""
    bags = [_bag(reading, turn) for turn in turns]
    every: Counter[str] = Counter()
    own: dict[int, Counter[str]] = defaultdict(Counter)
    for bag, who in zip(bags, sure, strict=True):
        every.update(bag)
        if who is not None:
            own[who].update(bag)
    total = sum(every.values()) or 1
    sizes = {who: sum(words.values()) for who, words in own.items()}
    # Words that somebody never says all count the same, so only the others are added up.
    never = math.log(_SMOOTH)
    gains = {
        who: {word: math.log(heard * total / every[word] + _SMOOTH) - never for word, heard in words.items()}
        for who, words in own.items()
    }
    found: dict[int, dict[int, float]] = {}
    for t, bag in enumerate(bags):
        found[t] = {}
        for who in people[t]:
            words = own.get(who)
            if words is None or not bag:
                continue
            said = sum(bag.values())
            size = sizes[who] - (said if sure[t] == who else 0) + _SMOOTH
            score = said * (never - math.log(size))
            if sure[t] == who:
                for word, count in bag.items():
                    heard = (words[word] - count) * total / every[word]
                    score += count * (math.log(heard + _SMOOTH) - never)
            else:
                gain = gains[who]
                score += sum(count * gain[word] for word, count in bag.items() if word in gain)
            found[t][who] = max(-_TOP, min(_TOP, score / math.sqrt(said)))
    return found


def _bag(reading: Reading, turn: Turn) -> Counter[str]:
    bag: Counter[str] = Counter()
    for start, end in turn.spans:
        first, last = reading.between(start, end)
        bag.update(reading.words[first:last])
    return bag


def _kin(
    cast: People,
    turns: Sequence[Turn],
    scenes: Sequence[Scene],
    people: Sequence[Sequence[int]],
    posteriors: Sequence[Sequence[float]],
) -> dict[int, dict[int, float]]:
    """`Her mother` has the surname of the one who spoke before; so has who answers to `Mamma`."""
    found: dict[int, dict[int, float]] = {}
    for t in range(1, len(turns)):
        kin = any(
            clue.reference.kind is Kind.NOUN and clue.reference.head in english.KIN and not clue.reference.owners
            for clue in turns[t].clues
        )
        if scenes[t].gap > _FAR_GAP or not (kin or turns[t - 1].to_kin):
            continue
        before = [(who, share) for who, share in zip(people[t - 1], posteriors[t - 1], strict=True) if who >= 0]
        found[t] = {
            who: sum(share for other, share in before if other != who and cast.surnames[other] & cast.surnames[who])
            for who in people[t]
            if who >= 0
        }
    return found


def _rounds(
    scenes: Sequence[Scene], people: Sequence[Sequence[int]], posteriors: Sequence[Sequence[float]]
) -> list[dict[int, tuple[float, float, float]]]:
    wholes = _sums(scenes, people, posteriors, _FAR_GAP)
    found = []
    for t in range(len(people)):
        sums: dict[int, list[float]] = {who: [0.0, 0.0] for who in people[t]}
        near: dict[int, float] = defaultdict(float)
        for way in (-1, 1):
            step = t
            for distance in range(1, _ROUND_TURNS + 1):
                edge = step if way < 0 else step + 1
                step += way
                if not 0 <= step < len(people) or scenes[edge].gap > _FAR_GAP:
                    break
                weight = _ROUND_FADE**distance
                for who, share in zip(people[step], posteriors[step], strict=True):
                    if share > _LEAST and who in sums:
                        near[who] += share if distance == 1 else 0.0
                        sums[who][distance % 2] += weight * share * (distance > 1)
        own = dict(zip(people[t], posteriors[t], strict=True))
        found.append(
            {
                who: (even, odd, math.log1p(max(0.0, wholes[t].get(who, 0.0) - own[who] - near[who])))
                for who, (even, odd) in sums.items()
            }
        )
    return found


def _sums(
    scenes: Sequence[Scene], people: Sequence[Sequence[int]], posteriors: Sequence[Sequence[float]], most_gap: int
) -> list[dict[int, float]]:
    """Of each turn, how many turns each person has in the stretch around it that no larger gap parts."""
    found: list[dict[int, float]] = []
    current: dict[int, float] = {}
    for t, scene in enumerate(scenes):
        if scene.gap > most_gap:
            current = {}
        for who, share in zip(people[t], posteriors[t], strict=True):
            current[who] = current.get(who, 0.0) + share
        found.append(current)
    return found


def _chapters(
    scenes: Sequence[Scene], people: Sequence[Sequence[int]], posteriors: Sequence[Sequence[float]]
) -> list[dict[int, float]]:
    """The share of each candidate in the turns of the chapter."""
    wholes = _sums(scenes, people, posteriors, BREAK_GAP - 1)
    totals: dict[int, float] = {}
    found = []
    for t in range(len(people)):
        whole = wholes[t]
        total = totals.setdefault(id(whole), sum(whole.values()))
        found.append(
            {
                who: math.log((max(0.0, whole[who] - own) + 0.3) / (total + 3.0))
                for who, own in zip(people[t], posteriors[t], strict=True)
            }
        )
    return found


def _partners(
    scenes: Sequence[Scene],
    people: Sequence[Sequence[int]],
    posteriors: Sequence[Sequence[float]],
    sure: Sequence[int | None],
) -> dict[int, dict[int, float]]:
    pairs: Counter[tuple[int, int]] = Counter()
    spoken: Counter[int] = Counter()
    for t in range(1, len(sure)):
        one, other = sure[t - 1], sure[t]
        if one is not None and other is not None and one != other and scenes[t].gap <= _FAR_GAP:
            pairs[one, other] += 1
            pairs[other, one] += 1
            spoken.update((one, other))
    found: dict[int, dict[int, float]] = {}
    for t in range(len(sure)):
        near = [step for step in (t - 1, t + 1) if 0 <= step < len(sure) and scenes[max(step, t)].gap <= _FAR_GAP]
        found[t] = {}
        for who in people[t]:
            value = 0.0
            for step in near:
                for other, share in zip(people[step], posteriors[step], strict=True):
                    if share > _LEAST and other != who and other >= 0 and who >= 0:
                        value += share * math.log((pairs[who, other] + 0.5) / (spoken[other] + 3.0) * 6.0)
            found[t][who] = value
    return found
