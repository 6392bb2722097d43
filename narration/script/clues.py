"""Clues to the speaker: what the narration right beside a quotation says of who speaks it.

Invariant: a clue is read from the narration of one paragraph, or from the end of the paragraph before; it names a
person of the cast, or says what kind of person it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from narration.script import english
from narration.script.reading import Reading
from narration.script.references import Kind, Reference, reference_at

_PHRASE_SECONDS: Final = {
    "went": {"on"}, "goes": {"on"}, "put": {"in"}, "puts": {"in"}, "cut": {"in"}, "broke": {"in", "out"},
    "burst": {"out", "forth"}, "struck": {"in"}, "chimed": {"in"}, "made": {"answer", "reply"},
    "gave": {"answer"}, "came": {"the", "from"}, "ran": {"on"},
}  # fmt: skip
_OF_OTHERS: Final = english.word_set("heard hear hears saw made let watched felt")
"""What follows these is said by somebody else: `Mara heard him say`."""
_RELATIVE_WORDS: Final = 5
_SUBJECT_REACH: Final = 7


class Place(StrEnum):
    """Where a clue stands."""

    TAG = "tag"
    """Beside a verb of saying."""
    COMMA = "comma"
    """The subject of what follows a quotation that ends in a comma."""
    LEAD = "lead"
    """In what leads into the quotation."""
    BEAT_AFTER = "beat-after"
    BEAT_BEFORE = "beat-before"


@dataclass(frozen=True, slots=True)
class Clue:
    """A reference and where it stands; `to` is who is spoken to, `to_kind` what the pronoun for them tells: m, f, i."""

    place: Place
    reference: Reference
    to: tuple[int, ...] = ()
    to_kind: str = ""


def _says(reading: Reading, index: int, end: int) -> int:
    """Word index after the verb of saying at `index`; 0 where there is none."""
    word = reading.words[index]
    lower = word.lower()
    if lower in reading.grammar.says:
        return index + 1
    second = _PHRASE_SECONDS.get(lower)
    if second and index + 1 < end and reading.words[index + 1].lower() in second:
        return index + 2
    return 0


def clue_after(reading: Reading, start: int, end: int, *, comma: bool) -> Clue | None:
    """The clue in the narration from word `start` to `end` that follows a quotation.

    With `comma` the quotation ends in a comma, or the narration goes on in its sentence.
    """
    if start >= end:
        return None
    stop = _clause_end(reading, start, end)
    inverted = _says(reading, start, stop)
    if inverted:
        step = inverted
        while step < stop and step < inverted + 2 and _is_adverb(reading.words[step].lower()):
            step += 1
        found = reference_at(reading, step, stop)
        if found:
            return _tag(reading, found, found.end, stop)
    found = reference_at(reading, start, stop, sentence_start=not comma)
    if found is None:
        return _later_clue(reading, start, stop, comma=comma)
    verb = _verb_after(reading, found.end, stop)
    if verb:
        return _tag(reading, found, verb, stop)
    return Clue(Place.COMMA if comma else Place.BEAT_AFTER, found)


def _tag(reading: Reading, found: Reference, start: int, end: int) -> Clue:
    """A tag, with who is spoken to where the words from `start` say so."""
    for step in range(start, min(end, start + 3)):
        kind = english.OBJECTS.get(reading.words[step].lower(), "")
        if kind and (step == start or reading.words[step - 1].lower() == "to"):
            return Clue(Place.TAG, found, to_kind=kind)
    return Clue(Place.TAG, found, _spoken_to(reading, start, end))


def _clause_end(reading: Reading, start: int, end: int) -> int:
    for index in range(start, end):
        if reading.ends_sentence(index):
            return index + 1
    return end


def _is_adverb(word: str) -> bool:
    return word in english.ADVERBS or word.endswith("ly")


def _verb_after(reading: Reading, start: int, end: int) -> int:
    """Word index after the verb of saying whose subject ends at `start`; 0 where there is none."""
    step, commas = start, 0
    aside = start > 0 and "," in reading.gap(start - 1)
    while step < end and step - start < (14 if aside else _SUBJECT_REACH):
        after = _says(reading, step, end)
        if after and (step == start or reading.words[step - 1].lower() not in {"to", "the", "a"}):
            return after
        word = reading.words[step].lower()
        if (
            word in _OF_OTHERS
            or word in reading.grammar.pronouns
            or (step > start and step in reading.mentions and not aside)
        ):
            return 0
        commas += "," in reading.gap(step)
        if not aside and commas > 1:
            return 0
        step += 1
    return 0


def _spoken_to(reading: Reading, start: int, end: int) -> tuple[int, ...]:
    """Who is spoken to: the name after `to`, or the object of a verb of saying."""
    for step in range(start, min(end, start + 5)):
        mention = reading.mentions.get(step)
        if mention and not mention.possessive:
            before = reading.words[step - 1].lower()
            return mention.who if before == "to" or step == start else ()
    return ()


def _later_clue(reading: Reading, start: int, end: int, *, comma: bool) -> Clue | None:
    """The first person of a sentence that does not begin with one."""
    for step in range(start, end):
        found = reference_at(reading, step, end, sentence_start=step == start)
        if found is None or found.kind is Kind.PROPER or (found.kind is Kind.NOUN and not found.gender):
            continue
        before = reading.words[step - 1].lower() if step > start else ""
        if _says(reading, step - 1, end) and step > start:
            return Clue(Place.TAG, found)
        if before in english.PREPOSITIONS and not comma:
            continue
        verb = _verb_after(reading, found.end, end)
        if verb:
            return _tag(reading, found, verb, end)
        return Clue(Place.COMMA if comma else Place.BEAT_AFTER, found)
    return None


def clue_before(reading: Reading, start: int, end: int, *, leads: bool) -> Clue | None:
    """The clue in the last sentence before a quotation, from word `start` to `end`.

    With `leads` it ends in a comma, a colon, a dash or nothing: it leads into the quotation.
    """
    subjects = _subjects(reading, start, end)
    verb = _last_verb(reading, start, end) if leads else -1
    if verb >= 0:
        relative = _before_who(reading, start, verb)
        if relative:
            return _tag(reading, relative, verb + 1, end)
        before = [found for found in subjects if found.end <= verb]
        if before:
            return _tag(reading, _subject_of(reading, before, verb), verb + 1, end)
        found = reference_at(reading, verb + 1, end)
        if found:
            return Clue(Place.TAG, found)
    if not subjects:
        return None
    return Clue(Place.LEAD if leads else Place.BEAT_BEFORE, subjects[0])


def _last_verb(reading: Reading, start: int, end: int) -> int:
    for step in range(end - 1, start - 1, -1):
        if _says(reading, step, end):
            return step
    return -1


def _before_who(reading: Reading, start: int, verb: int) -> Reference | None:
    """Tom, in `Mara looked at Tom, who said`."""
    for step in range(max(start + 1, verb - 3), verb):
        if reading.words[step] == "who":
            for first in range(step - 1, max(start, step - _RELATIVE_WORDS) - 1, -1):
                found = reference_at(reading, first, step)
                if found and found.end == step:
                    return found
    return None


def _subject_of(reading: Reading, before: list[Reference], verb: int) -> Reference:
    """The subject of a verb: the nearest, or the first of the sentence where `and` joins the verb to what was done."""
    words = [word.lower() for word in reading.words[max(0, verb - 2) : verb]]
    joined = "and" in words or "," in reading.gap(verb - 1)
    return before[0] if joined else before[-1]


def _subjects(reading: Reading, start: int, end: int) -> list[Reference]:
    """Those in a sentence who may be its subject, in order."""
    found: list[Reference] = []
    step = start
    while step < end:
        one = reference_at(reading, step, end, sentence_start=step == start)
        if one is None or one.kind is Kind.PROPER or (one.kind is Kind.NOUN and not one.gender):
            step += 1
            continue
        before = reading.words[one.start - 1].lower() if one.start > start else ""
        if before not in english.PREPOSITIONS:
            found.append(one)
        step = max(one.end, step + 1)
    return found


def subject(reading: Reading, start: int, end: int) -> Reference | None:
    """The likely subject of a sentence."""
    found = _subjects(reading, start, end)
    return found[0] if found else None
