"""Novels with some of their tags taken away: what turn taking and pronouns are learnt from.

Where a novel says `said Mara`, the speaker is known. Taking the tag away, or writing `she` for the name, makes a
quotation that has to be found out, with its answer; some minor people are taken off the cast list as well, so that
"nobody of these" is learnt, too.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.chain import PEOPLE, TURNS, Stretch
from benchmarks.litbank import Novel
from narration.cast import Cast
from narration.script import engine
from narration.script.clues import Clue, Place
from narration.script.features import UNKNOWN
from narration.script.passages import paragraphs_of, passages_of
from narration.script.people import people_of
from narration.script.reading import Passage, Reading
from narration.script.references import Kind

PRONOUN_SHARE = 0.3
"""Of the tags that are not kept."""
DROPPED_SHARE = 0.12
MINOR_SHARE = 0.04
LONGEST_TAG_CHARS = 70
SURE_GENDER = 2.0

NOBODY = ""


def masked(novel: Novel, rng: random.Random, *, kept: float) -> tuple[str, Cast, dict[int, str]]:
    """The novel with tags taken away, its cast list, and the speakers by the offsets of their quotations.

    Args:
        novel: whole.
        rng: for what is taken away.
        kept: share of the tags that stay.
    """
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
        edit = turn.tag and _edit(reading, passages[turn.passage], turn.tag, book.genders[who], rng, kept)
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
    reading: Reading, passage: Passage, tag: Clue, gender: float, rng: random.Random, kept: float
) -> tuple[int, int, str] | None:
    """What to write instead of which stretch; None to leave it."""
    chance = rng.random()
    if chance < kept:
        return None
    at = reading.starts[tag.reference.start]
    if chance < kept + (1.0 - kept) * PRONOUN_SHARE and abs(gender) > SURE_GENDER and tag.reference.kind is Kind.NAME:
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


def stretches(
    novel_key: str,
    text: str,
    cast: Cast,
    labels: dict[int, str],
    weights: Mapping[str, float],
    names: dict[str, int],
    *,
    annotated: bool,
) -> list[Stretch]:
    """The chain of a text, as its last reading sees it, cut into stretches; those in which some speaker is known.

    Names of features that `names` does not have yet are given the next numbers.
    """
    people = people_of(cast)
    passages = passages_of(paragraphs_of(text))
    table, _, reading = engine.table_of(text, passages, people)
    if not table.turns:
        return []
    table, _ = engine.last_reading(table, reading, weights)
    index = {name: who for who, name in enumerate(people.names)}
    gold = [-1] * len(table.turns)
    for t, turn in enumerate(table.turns):
        name = next((labels[start] for start, _ in turn.spans if start in labels), None)
        who = UNKNOWN if name is None else index.get(name, UNKNOWN)
        if name is None and turn.continued and gold[t - 1] >= 0 and not turn.tag:
            who = table.people[t - 1][gold[t - 1]]
        elif name is None:
            continue
        if who in table.people[t]:
            gold[t] = table.people[t].index(who)
    cut = range(0, len(gold), TURNS)
    return [
        _stretch(novel_key, table, slice(start, start + TURNS), gold, names, annotated=annotated)
        for start in cut
        if max(gold[start : start + TURNS]) >= 0
    ]


def _stretch(
    key: str, table: engine.Table, cut: slice, gold: list[int], names: dict[str, int], *, annotated: bool
) -> Stretch:
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for t, turn in enumerate(table.features[cut]):
        for place, row in enumerate(turn):
            for name, value in row:
                if value:
                    rows.append(t * PEOPLE + place)
                    columns.append(names.setdefault(name, len(names)))
                    values.append(value)
    moves = table.moves[cut]
    return Stretch(
        key=key,
        annotated=annotated,
        rows=np.array(rows, dtype=np.int32),
        columns=np.array(columns, dtype=np.int32),
        values=np.array(values, dtype=np.float32),
        people=table.people[cut],
        same=[names.setdefault(same, len(names)) for same, _ in moves],
        back=[names.setdefault(back, len(names)) for _, back in moves],
        gold=gold[cut],
    )
