"""Clues to the speaker: what the narration right beside a quotation says of who speaks it.

Invariant: a clue is read from the narration of one paragraph, or from the end of the paragraph before; it names a
person of the cast, or says what kind of person it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from narration.script import english, verbs
from narration.script.people import Mention
from narration.script.reading import Reading

_VERB: Final = re.compile(verbs.ENGLISH)
_PHRASE_SECONDS: Final = {
    "went": {"on"}, "goes": {"on"}, "put": {"in"}, "puts": {"in"}, "cut": {"in"}, "broke": {"in", "out"},
    "burst": {"out", "forth"}, "struck": {"in"}, "chimed": {"in"}, "made": {"answer", "reply"},
    "gave": {"answer"}, "came": {"the", "from"}, "ran": {"on"},
}  # fmt: skip
_MORE_VERBS: Final = english.word_set(
    "answered rejoined ejaculated soliloquized soliloquised apologised apologized vociferated reflected returned "
    "expostulated proceeded ended finished concluded pursued resumed sneered smiled laughed nodded thought saying "
    "replying crying asking exclaiming answering adding say says reply replies ask asks cry cries answer answers "
    "inquired enquired remonstrated reiterated corrected volunteered submitted interrogated demurred drawled"
)
_OF_OTHERS: Final = english.word_set("heard hear hears saw made let watched felt")
"""What follows these is said by somebody else: `Mara heard him say`."""
_NP_WORDS: Final = 5
_SUBJECT_REACH: Final = 7


class Kind(StrEnum):
    """How a clue speaks of a person."""

    NAME = "name"
    PRONOUN = "pronoun"
    FIRST = "first"
    NOUN = "noun"
    PROPER = "proper"
    """A name that is not in the cast."""


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
class Reference:
    """How a person is referred to.

    Attributes:
        kind: by name, pronoun, …
        start, end: word indexes.
        who: the people that a name may mean.
        gender: `m`, `f`, `p` (they), `i`, or empty.
        head: the noun of a noun phrase, lower case.
        phrase: the noun phrase without its determiner, lower case.
        owners: whose kin or servant it is (`Mara's brother`), and so not who it is.
    """

    kind: Kind
    start: int
    end: int
    who: tuple[int, ...] = ()
    gender: str = ""
    head: str = ""
    phrase: str = ""
    owners: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Clue:
    """A reference and where it stands; `to` is who is spoken to."""

    place: Place
    reference: Reference
    to: tuple[int, ...] = ()


@lru_cache(maxsize=4096)
def is_saying(word: str) -> bool:
    """Whether a word is a verb of saying."""
    return word in _MORE_VERBS or bool(_VERB.fullmatch(word))


def _says(reading: Reading, index: int, end: int) -> int:
    """Word index after the verb of saying at `index`; 0 where there is none."""
    word = reading.words[index]
    lower = word.lower()
    if is_saying(lower):
        return index + 1
    second = _PHRASE_SECONDS.get(lower)
    if second and index + 1 < end and reading.words[index + 1].lower() in second:
        return index + 2
    return 0


def reference_at(reading: Reading, index: int, end: int, *, sentence_start: bool = False) -> Reference | None:
    """The person referred to by the words from `index`, or None."""
    if index >= end:
        return None
    mention = reading.mentions.get(index)
    if mention:
        return _owned(reading, mention, end) if mention.possessive else _named(mention)
    word = reading.words[index]
    lower = word.lower()
    if lower in english.PRONOUNS:
        gender = english.PRONOUNS[lower]
        if lower == "i" and word != "I":
            return None
        return Reference(Kind.FIRST if gender == "i" else Kind.PRONOUN, index, index + 1, gender=gender)
    if lower in english.DETERMINERS:
        if lower in {"his", "her", "my"} and index + 1 < end and reading.words[index + 1].lower() in english.PARTS:
            return _part(index, lower)
        return _noun_phrase(reading, index, end)
    if word[:1].isupper() and not sentence_start and lower not in english.STOPS and len(word) > 1:
        if word in english.QUALIFIERS or word in english.TITLES:
            inner = reading.mentions.get(index + 1)
            if inner and inner.start < end and not inner.possessive:
                return _named(inner)
        if word.lower() in english.MALE_NOUNS | english.FEMALE_NOUNS:
            return _noun(reading, index, index, index + 1)
        return Reference(Kind.PROPER, index, index + 1, gender=_title_letter(word))
    if lower in {"poor", "old", "young", "little", "dear", "good", "honest"}:
        inner = reading.mentions.get(index + 1)
        if inner and not inner.possessive:
            return _named(inner)
    return None


def _named(mention: Mention) -> Reference:
    return Reference(Kind.NAME, mention.start, mention.end, who=mention.who)


def _owned(reading: Reading, mention: Mention, end: int) -> Reference | None:
    """Mara, in `Mara's voice`."""
    step = mention.end + (mention.end < end and reading.words[mention.end] == "s")
    for place in range(step, min(end, step + 2)):
        if reading.words[place].lower() in english.PARTS:
            return Reference(Kind.NAME, mention.start, place + 1, who=mention.who)
    kin = _noun_phrase(reading, step - 1, end)
    return replace(kin, start=mention.start, owners=mention.who) if kin and kin.kind is Kind.NOUN else None


def _part(index: int, owner: str) -> Reference:
    """She, in `her voice`."""
    if owner == "my":
        return Reference(Kind.FIRST, index, index + 2, gender="i")
    return Reference(Kind.PRONOUN, index, index + 2, gender=english.GENDERED[owner])


def _title_letter(word: str) -> str:
    if word in english.MALE_TITLES or word in english.MALE_NAMES:
        return "m"
    return "f" if word in english.FEMALE_TITLES or word in english.FEMALE_NAMES else ""


def _noun_phrase(reading: Reading, index: int, end: int) -> Reference | None:
    """`the old gentleman`, `his wife`; a name inside it (`the excellent Mr. Collins`) wins."""
    head = index
    step = index + 1
    while step < end and step - index <= _NP_WORDS:
        if reading.gap(step - 1).strip(" \n-_'’") and step > index + 1:
            break
        mention = reading.mentions.get(step)
        if mention:
            if not mention.possessive:
                return _named(mention)
            step = mention.end
            continue
        word = reading.words[step].lower()
        if word in english.STOPS or word.endswith("ly") or (step > index + 1 and is_saying(word)):
            break
        if word != "s":
            head = step
        step += 1
        if word in english.MALE_NOUNS or word in english.FEMALE_NOUNS:
            follows = reading.words[step].lower() if step < end else ""
            if follows not in english.MALE_NOUNS and follows not in english.FEMALE_NOUNS and follows != "s":
                break
    return _noun(reading, index, head, step) if head > index else None


def _noun(reading: Reading, index: int, head: int, end: int) -> Reference:
    noun = reading.words[head].lower()
    gender = "m" if noun in english.MALE_NOUNS else "f" if noun in english.FEMALE_NOUNS else ""
    phrase = " ".join(word.lower() for word in reading.words[max(index + 1, head - 1) : head + 1]) or noun
    return Reference(Kind.NOUN, index, end, gender=gender, head=noun, phrase=phrase)


def clue_after(reading: Reading, start: int, end: int, *, comma: bool) -> Clue | None:
    """The clue in the narration that follows a quotation.

    Args:
        reading: of the whole text.
        start, end: the narration, as word indexes.
        comma: the quotation ends in a comma, or the narration goes on in its sentence.
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
            return Clue(Place.TAG, found, _spoken_to(reading, found.end, stop))
    found = reference_at(reading, start, stop, sentence_start=not comma)
    if found is None:
        return _later_clue(reading, start, stop, comma=comma)
    verb = _verb_after(reading, found.end, stop)
    if verb:
        return Clue(Place.TAG, found, _spoken_to(reading, verb, stop))
    return Clue(Place.COMMA if comma else Place.BEAT_AFTER, found)


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
        if word in _OF_OTHERS or word in english.PRONOUNS or (step > start and step in reading.mentions and not aside):
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
            return Clue(Place.TAG, found, _spoken_to(reading, verb, end))
        return Clue(Place.COMMA if comma else Place.BEAT_AFTER, found)
    return None


def clue_before(reading: Reading, start: int, end: int, *, leads: bool) -> Clue | None:
    """The clue in the narration that precedes a quotation.

    Args:
        reading: of the whole text.
        start, end: the last sentence before it, as word indexes.
        leads: it ends in a comma, a colon, a dash or nothing: it leads into the quotation.
    """
    subjects = _subjects(reading, start, end)
    verb = _last_verb(reading, start, end) if leads else -1
    if verb >= 0:
        relative = _before_who(reading, start, verb)
        if relative:
            return Clue(Place.TAG, relative, _spoken_to(reading, verb + 1, end))
        before = [found for found in subjects if found.end <= verb]
        if before:
            return Clue(Place.TAG, _subject_of(reading, before, verb), _spoken_to(reading, verb + 1, end))
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
            for first in range(step - 1, max(start, step - _NP_WORDS) - 1, -1):
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
