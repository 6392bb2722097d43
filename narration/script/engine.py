"""From passages to speakers: two readings of the whole text, the second with what the first has learnt.

Invariant: every quotation of every passage gets exactly one decision, in order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from narration.script.clues import Clue, Place
from narration.script.conversation import Beliefs, Node, believe
from narration.script.features import UNKNOWN, Book, Features, features, learnt
from narration.script.habits import habits_of
from narration.script.languages import grammar_of
from narration.script.people import People
from narration.script.reading import Passage, Reading, read, spread_genders
from narration.script.references import Kind
from narration.script.scene import Scene, narration_of, scenes_of, tagged
from narration.script.turns import Turn, turns_of

SECOND_READINGS: Final = 2
_NOBODY_ABOVE: Final = 0.5
"""A quotation is nobody's when that is likelier than not; else the likeliest person is the better guess to review."""
_EVIDENCE_CHARS: Final = 60
_NEW_SCENE_GAP: Final = 20


@dataclass(frozen=True, slots=True)
class Decision:
    """Who speaks a turn.

    Attributes:
        turn: what is spoken.
        character: a name of the cast, or None.
        probability: 0 to 1.
        evidence: what it rests on.
    """

    turn: Turn
    character: str | None
    probability: float
    evidence: str


@dataclass(frozen=True, slots=True)
class Table:
    """The chain of a text before weights: what speaks for each candidate of each turn.

    Attributes:
        turns: of the text.
        people: candidates of each turn.
        features: of each candidate of each turn.
        moves: names of the two features between a turn and those before it.
    """

    turns: Sequence[Turn]
    scenes: Sequence[Scene]
    people: list[tuple[int, ...]]
    features: list[list[Features]]
    moves: list[tuple[str, str]]
    cast: People


def table_of(
    text: str, passages: Sequence[Passage], people: People, *, language: str = "en"
) -> tuple[Table, Book, Reading]:
    """The first reading of a text."""
    reading = read(text, people, grammar_of(language))
    turns = turns_of(reading, passages)
    narration = [reading.between(*span) for passage in passages for span in narration_of(passage)]
    genders = spread_genders(reading, people, narration)
    scenes = scenes_of(reading, people, genders, passages, turns)
    counts = Counter(who for t, turn in enumerate(turns) for who in tagged(turn, scenes[t]))
    frequency = [math.log1p(counts[who]) / math.log1p(max(counts.values(), default=1)) for who in range(len(genders))]
    book = Book(people, genders, frequency)
    return _first(book, turns, scenes), book, reading


def _first(book: Book, turns: Sequence[Turn], scenes: Sequence[Scene]) -> Table:
    candidates = [(*scene.candidates, UNKNOWN) for scene in scenes]
    return Table(
        turns=turns,
        scenes=scenes,
        people=candidates,
        features=[[features(book, turns, scenes, t, who) for who in candidates[t]] for t in range(len(turns))],
        moves=[_moves(turns, scenes, t) for t in range(len(turns))],
        cast=book.people,
    )


def read_again(table: Table, reading: Reading, beliefs: Beliefs) -> Table:
    """The table of a first reading, and what the beliefs of a reading tell of the people."""
    habits = habits_of(table.cast, reading, table.turns, table.scenes, table.people, beliefs.posteriors)
    return replace(
        table,
        features=[
            [
                [*row, *learnt(habits, table.turns[t], t, who)]
                for who, row in zip(table.people[t], table.features[t], strict=True)
            ]
            for t in range(len(table.turns))
        ],
    )


def _moves(turns: Sequence[Turn], scenes: Sequence[Scene], t: int) -> tuple[str, str]:
    turn, gap = turns[t], scenes[t].gap
    way = turn.manner
    group = way if way in {"bare", "beat", "pro"} else "tag"
    if turn.joined:
        return "same:joined", "back:joined"
    if turn.continued:
        return "same:continued", "back:continued"
    step = "0" if gap == 0 else "1" if gap == 1 else "3" if gap <= 3 else "9" if gap <= _NEW_SCENE_GAP else "new"
    if step in {"9", "new"}:
        return f"same:{step}", f"back:{step}"
    before = turns[t - 1].manner if t else "bare"
    former = "bare" if before in {"bare", "beat"} else "tag"
    asked = ":asked" if turns[t - 1].asks and gap == 0 else ""
    return f"same:{step}:{group}:{former}{asked}", f"back:{step}:{group}{asked}"


def nodes_of(table: Table, weights: Mapping[str, float]) -> list[Node]:
    """The chain of a text under some weights."""
    get = weights.get
    return [
        Node(
            people=table.people[t],
            scores=[sum(get(name, 0.0) * value for name, value in row) for row in table.features[t]],
            same=get(table.moves[t][0], 0.0),
            back=get(table.moves[t][1], 0.0),
        )
        for t in range(len(table.turns))
    ]


def decide(
    text: str, passages: Sequence[Passage], people: People, weights: Mapping[str, float], *, language: str = "en"
) -> list[Decision]:
    """Who speaks each turn of a text."""
    first, _, reading = table_of(text, passages, people, language=language)
    table, beliefs = last_reading(first, reading, weights)
    return [_decision(table, beliefs, reading, t) for t in range(len(table.turns))]


def last_reading(first: Table, reading: Reading, weights: Mapping[str, float]) -> tuple[Table, Beliefs]:
    """The table and the beliefs after all readings."""
    table = first
    beliefs = believe(nodes_of(table, weights))
    for _ in range(SECOND_READINGS):
        table = read_again(first, reading, beliefs)
        beliefs = believe(nodes_of(table, weights))
    return table, beliefs


def _decision(table: Table, beliefs: Beliefs, reading: Reading, t: int) -> Decision:
    posterior = beliefs.posteriors[t]
    best = max(range(len(posterior)), key=lambda place: (posterior[place], -place))
    who = table.people[t][best]
    if who == UNKNOWN and posterior[best] < _NOBODY_ABOVE and len(posterior) > 1:
        best = max(range(len(posterior) - 1), key=lambda place: (posterior[place], -place))
        who = table.people[t][best]
    if who == UNKNOWN:
        return Decision(table.turns[t], None, 0.0, "")
    return Decision(table.turns[t], table.cast.names[who], min(1.0, posterior[best]), _evidence(table, reading, t, who))


def _evidence(table: Table, reading: Reading, t: int, who: int) -> str:
    turn, scene = table.turns[t], table.scenes[t]
    tag = turn.tag
    if tag:
        return f"{_KINDS[tag.reference.kind]}: {_phrase(reading, tag)}"
    if turn.continued:
        return "one speech over paragraphs"
    if turn.clues:
        return f"beside it: {_phrase(reading, turn.clues[0])}"
    if t and who in table.turns[t - 1].addressed:
        return "called by name before"
    if scene.tagged_before.get(who) == 2 or scene.tagged_after.get(who) == 2:
        return "turns alternate"
    return "conversation"


_KINDS: Final = {
    Kind.NAME: "tag", Kind.PRONOUN: "pronoun", Kind.FIRST: "first person", Kind.NOUN: "noun", Kind.PROPER: "other name"
}  # fmt: skip


def _phrase(reading: Reading, clue: Clue) -> str:
    first, last = clue.reference.start, clue.reference.end
    if clue.place is Place.TAG:
        inverted = first > 0 and reading.words[first - 1].lower() in reading.grammar.says
        first, last = (first - 1, last) if inverted else (first, min(last + 1, len(reading.words)))
    start = reading.starts[first]
    end = reading.starts[last - 1] + len(reading.words[last - 1])
    return " ".join(reading.text[start:end].split())[:_EVIDENCE_CHARS]
