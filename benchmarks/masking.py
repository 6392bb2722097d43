"""Novels with some of their tags taken away: what turn taking and pronouns are learnt from.

Where a novel says `said Mara`, the speaker is known. Taking the tag away, or writing `she` for the name, makes a
quotation that has to be found out, with its answer; some minor people are taken off the cast list as well, so that
"nobody of these" is learnt, too.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from litbank import Novel

from narration.cast import Cast
from narration.script import engine
from narration.script.clues import Clue, Place
from narration.script.conversation import believe
from narration.script.features import UNKNOWN
from narration.script.passages import paragraphs_of, passages_of
from narration.script.people import people_of
from narration.script.reading import Passage, Reading
from narration.script.references import Kind

KEPT_SHARE = 0.35
PRONOUN_SHARE = 0.2
DROPPED_SHARE = 0.12
MINOR_SHARE = 0.04
LONGEST_TAG_CHARS = 70
SURE_GENDER = 2.0

NOBODY = ""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a novel's chain of turns, with the speakers that are known.

    Attributes:
        key: of the novel.
        people, features, moves: as in `engine.Table`.
        gold: person of each turn that is known, by its index.
    """

    key: str
    people: list[tuple[int, ...]]
    features: list[list[list[tuple[str, float]]]]
    moves: list[tuple[str, str]]
    gold: dict[int, int]


def masked(novel: Novel, rng: random.Random) -> tuple[str, Cast, dict[int, str]]:
    """The novel with tags taken away, its cast list, and the speakers by the offsets of their quotations."""
    people = people_of(novel.cast)
    passages = passages_of(paragraphs_of(novel.text))
    table, book, reading = engine.table_of(novel.text, passages, people)
    known = {t: who for t in range(len(table.turns)) if (who := _known(table, t)) is not None}
    tags: dict[int, int] = {}
    for who in known.values():
        tags[who] = tags.get(who, 0) + 1
    total = sum(tags.values())
    gone = {
        who
        for who in sorted(tags)
        if tags[who] < MINOR_SHARE * total and rng.random() < DROPPED_SHARE and who not in people.first
    }
    edits: list[tuple[int, int, str]] = []
    labels: dict[int, str] = {}
    for t, who in sorted(known.items()):
        turn = table.turns[t]
        edit = turn.tag and _edit(reading, passages[turn.passage], turn.tag, book.genders[who], rng)
        if edit and (not edits or edit[0] >= edits[-1][1]):
            edits.append(edit)
            labels[turn.spans[0][0]] = NOBODY if who in gone else people.names[who]
    text, moved = _apply(novel.text, edits)
    left = tuple(one for one in novel.cast.characters if one.name not in {people.names[who] for who in gone})
    return text, Cast(characters=left), {moved(start): name for start, name in labels.items()}


def _known(table: engine.Table, t: int) -> int | None:
    tag = table.turns[t].tag
    if tag is None or tag.place is not Place.TAG:
        return None
    who = tag.reference.who
    if tag.reference.kind is Kind.FIRST:
        who = tuple(table.scenes[t].narrators)
    return who[0] if len(who) == 1 and who[0] in table.cast.speaking else None


def _edit(
    reading: Reading, passage: Passage, tag: Clue, gender: float, rng: random.Random
) -> tuple[int, int, str] | None:
    """What to write instead of which stretch; None to leave it."""
    chance = rng.random()
    if chance < KEPT_SHARE:
        return None
    at = reading.starts[tag.reference.start]
    if chance < KEPT_SHARE + PRONOUN_SHARE and abs(gender) > SURE_GENDER and tag.reference.kind is Kind.NAME:
        last = tag.reference.end - 1
        return at, reading.starts[last] + len(reading.words[last]), "she" if gender > 0 else "he"
    edges = [passage.start, *(edge for span in passage.spans for edge in span), passage.end]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if start <= at < end and end - start < LONGEST_TAG_CHARS:
            return start, end, " " if passage.start < start and end < passage.end else ""
    return None


def _apply(text: str, edits: list[tuple[int, int, str]]) -> tuple[str, Callable[[int], int]]:
    parts: list[str] = []
    ends: list[int] = []
    position, shifts = 0, [0]
    for start, end, put in edits:
        parts += [text[position:start], put]
        position = end
        ends.append(end)
        shifts.append(shifts[-1] + len(put) - (end - start))
    parts.append(text[position:])
    return "".join(parts), lambda offset: offset + shifts[bisect_right(ends, offset)]


def gold_labels(novel: Novel) -> dict[int, str]:
    """The annotated speakers of a novel, by the offsets of its quotations."""
    return {
        start: gold.speaker
        for passage in passages_of(paragraphs_of(novel.text))
        for start, end in passage.spans
        for gold in novel.gold
        if 2 * (min(end, gold.end) - max(start, gold.start)) > end - start
    }


_NUMBERS: dict[tuple[str, float], tuple[str, float]] = {}


def _compact(row: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """The row with equal features shared between all rows, which saves most of the memory."""
    return [_NUMBERS.setdefault((name, round(value, 2)), (name, round(value, 2))) for name, value in row if value]


def windows(
    key: str, text: str, cast: Cast, labels: dict[int, str], weights: dict[str, float], starts: list[int], size: int
) -> list[Window]:
    """Stretches of the chain of a text, from these turns on, as its second reading sees it."""
    people = people_of(cast)
    passages = passages_of(paragraphs_of(text))
    table, book, reading = engine.table_of(text, passages, people)
    if not table.turns:
        return []
    beliefs = believe(engine.nodes_of(table, weights))
    for _ in range(engine.SECOND_READINGS):
        table = engine.fill(engine.learn(table, book, reading, beliefs), table.turns, table.scenes)
        beliefs = believe(engine.nodes_of(table, weights))
    index = {name: who for who, name in enumerate(people.names)}
    gold: dict[int, int] = {}
    for t, turn in enumerate(table.turns):
        name = next((labels[start] for start, _ in turn.spans if start in labels), None)
        if name is not None:
            gold[t] = index.get(name, UNKNOWN)
    found = []
    for start in starts:
        end = min(len(table.turns), start + size)
        known = {t - start: gold[t] for t in range(start, end) if t in gold and gold[t] in table.people[t]}
        if known:
            rows = [[_compact(row) for row in turn] for turn in table.features[start:end]]
            found.append(Window(key, table.people[start:end], rows, table.moves[start:end], known))
    return found
