"""References: the words by which narration means a person.

Invariant: a reference says who is meant or what kind of person, never whether that person speaks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from narration.script import english
from narration.script.people import Mention
from narration.script.reading import Reading

_NP_WORDS: Final = 5
_NAMED_NOUNS: Final = english.MALE_NOUNS | english.FEMALE_NOUNS
_OWNED: Final = {"his": "m", "her": "f", "my": "i", "our": "i"}
_FONDLY: Final = english.word_set("poor old young little dear good honest")


class Kind(StrEnum):
    """How a clue speaks of a person."""

    NAME = "name"
    PRONOUN = "pronoun"
    FIRST = "first"
    NOUN = "noun"
    PROPER = "proper"
    """A name that is not in the cast."""


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
        owned: the gender of a pronoun that says the same (`his brother`): `m`, `f`, `i`.
    """

    kind: Kind
    start: int
    end: int
    who: tuple[int, ...] = ()
    gender: str = ""
    head: str = ""
    phrase: str = ""
    owners: tuple[int, ...] = ()
    owned: str = ""


def reference_at(reading: Reading, index: int, end: int, *, sentence_start: bool = False) -> Reference | None:
    """The person referred to by the words from `index`, or None."""
    if index >= end:
        return None
    mention = reading.mentions.get(index)
    if mention:
        return _owned(reading, mention, end) if mention.possessive else _named(mention)
    word = reading.words[index]
    lower = word.lower()
    if lower in reading.grammar.pronouns:
        return _pronoun(index, word, reading.grammar.pronouns[lower])
    if lower in english.DETERMINERS:
        if lower in {"his", "her", "my"} and index + 1 < end and reading.words[index + 1].lower() in english.PARTS:
            return _part(index, lower)
        return _noun_phrase(reading, index, end)
    if lower in _FONDLY or word in english.QUALIFIERS or word in english.TITLES:
        inner = reading.mentions.get(index + 1)
        if inner and inner.start < end and not inner.possessive:
            return _named(inner)
    if word[:1].isupper() and not sentence_start and lower not in english.STOPS and len(word) > 1:
        if lower in _NAMED_NOUNS:
            return _noun(reading, index, index, index + 1)
        return Reference(Kind.PROPER, index, index + 1, gender=_title_letter(word))
    return None


def _pronoun(index: int, word: str, gender: str) -> Reference | None:
    if word == "i":
        return None
    return Reference(Kind.FIRST if gender == "i" else Kind.PRONOUN, index, index + 1, gender=gender)


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
        if _ends_phrase(word) or (step > index + 1 and word in reading.grammar.says):
            break
        head = step if word != "s" else head
        step += 1
        follows = reading.words[step].lower() if step < end else ""
        if word in _NAMED_NOUNS and follows not in _NAMED_NOUNS and follows != "s":
            break
    return _noun(reading, index, head, step) if head > index else None


def _ends_phrase(word: str) -> bool:
    return word in english.STOPS or word.endswith("ly")


def _noun(reading: Reading, index: int, head: int, end: int) -> Reference:
    noun = reading.words[head].lower()
    gender = "m" if noun in english.MALE_NOUNS else "f" if noun in english.FEMALE_NOUNS else ""
    phrase = " ".join(word.lower() for word in reading.words[max(index + 1, head - 1) : head + 1]) or noun
    owned = _OWNED.get(reading.words[index].lower(), "")
    return Reference(Kind.NOUN, index, end, gender=gender, head=noun, phrase=phrase, owned=owned)
