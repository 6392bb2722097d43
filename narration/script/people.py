"""The people of a cast and all the names that the text may call them by.

Invariant: a name that the cast sheet gives to somebody is never derived for somebody else; the order of the cast does
not matter.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from narration.cast import Cast, Character, Gender, Role
from narration.script import english

WORD: Final = re.compile(r"[^\W\d_]+")
_SURE: Final = 6.0
_TITLE_SURE: Final = 5.0
_NAME_SURE: Final = 2.5
_ARTICLES: Final = frozenset({"The", "A", "An", "the", "a", "an"})
_DESCRIBING: Final = english.word_set("unnamed unknown first second third another old young")
_PARTICLES: Final = english.word_set("of de la le du von van der the and d l")


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in the text.

    Attributes:
        start, end: word indexes.
        who: the people it may mean; several where the cast shares the name.
        possessive: it is the owner of something (`Mara's`).
    """

    start: int
    end: int
    who: tuple[int, ...]
    possessive: bool


@dataclass(frozen=True, slots=True)
class People:
    """A cast as attribution needs it. People are indexes into `names`.

    Attributes:
        names: as the cast sheet spells them.
        genders: log odds of female against male, before the text is read.
        speaking: who can speak: all but a narrator who is nobody in the story.
        first: who is the "I" of the narration, each with the chapters for which that holds; empty means all.
        by_word: of a first word, the names that begin with it: longest first, as (words, owners).
        surnames: last words of each one's names.
        titles: who has a title, by the noun that it makes (`captain`).
        title_words: titles that each is called by.
    """

    names: tuple[str, ...]
    genders: tuple[float, ...]
    speaking: tuple[int, ...]
    first: dict[int, frozenset[int]]
    by_word: dict[str, list[tuple[tuple[str, ...], tuple[int, ...]]]]
    titles: dict[str, tuple[int, ...]]
    title_words: tuple[frozenset[str], ...] = field(default=())
    surnames: tuple[frozenset[str], ...] = field(default=())


def shaped(word: str) -> str:
    """A word without shouting: MARA is Mara."""
    return word.capitalize() if len(word) > 1 and word.isupper() else word


def people_of(cast: Cast) -> People:
    """The people of a cast, sorted by name so that the order of the sheet plays no part."""
    characters = sorted(cast.characters, key=lambda character: character.name)
    given: dict[tuple[str, ...], set[int]] = defaultdict(set)
    derived: dict[tuple[str, ...], set[int]] = defaultdict(set)
    titles: dict[str, set[int]] = defaultdict(set)
    title_words: list[frozenset[str]] = []
    surnames: list[frozenset[str]] = []
    for index, character in enumerate(characters):
        spelled = [tuple(shaped(word) for word in WORD.findall(name)) for name in _names(character)]
        own = [words for words in spelled if words]
        found = frozenset(word for words in own for word in words if word in english.TITLES)
        for words in own:
            given[words].add(index)
            for short in _short_forms(words):
                derived[short].add(index)
            if noun := _noun_name(words):
                titles[noun].add(index)
                if words[0] in _ARTICLES:
                    derived["the", *(word.lower() for word in words[1:])].add(index)
        for word in found & english.RANKS.keys():
            titles[english.RANKS[word]].add(index)
        title_words.append(found)
        surnames.append(frozenset(words[-1] for words in own if len(words) > 1 and words[-1][:1].isupper()))
    for words, owners in derived.items():
        if words not in given:
            given[words] = owners
    for twin, main in _twins(characters).items():
        for owners in given.values():
            if twin in owners:
                owners.discard(twin)
                owners.add(main)
    return People(
        names=tuple(character.name for character in characters),
        genders=tuple(_gender(character) for character in characters),
        speaking=tuple(i for i, c in enumerate(characters) if c.role is not Role.NARRATOR or _is_first(c)),
        first={i: _chapters(c) for i, c in enumerate(characters) if _is_first(c)},
        by_word=_by_word(given),
        titles={noun: tuple(sorted(owners)) for noun, owners in titles.items()},
        title_words=tuple(title_words),
        surnames=tuple(surnames),
    )


def _noun_name(words: tuple[str, ...]) -> str:
    """`landlord`, of a character who is called The Landlord, Old Landlord or landlord; empty for other names."""
    noun = words[-1].lower()
    described = words[0].lower() in _DESCRIBING or words[0] in english.QUALIFIERS or words[0].islower()
    if noun not in english.MALE_NOUNS | english.FEMALE_NOUNS:
        return noun if words[0] in _ARTICLES and len(words) > 1 else ""
    return noun if described or len(words) == 1 else ""


def _twins(characters: Sequence[Character]) -> dict[int, int]:
    """Entries that are somebody again: a bare `Bounderby` beside the only Bounderby of that gender in the cast."""
    plain = [tuple(word for word in WORD.findall(character.name)) for character in characters]
    twins: dict[int, int] = {}
    for index, character in enumerate(characters):
        words = plain[index]
        if len(words) != 1 or words[0] in english.TITLES or _is_first(character):
            continue
        gender = _gender(character)
        family = [
            other
            for other, names in enumerate(plain)
            if len(names) > 1
            and names[0] not in english.TITLES | english.QUALIFIERS
            and words[0] in {names[0], names[-1]}
            and gender * _gender(characters[other]) >= 0
        ]
        if len(family) == 1:
            twins[index] = family[0]
    return twins


def _is_first(character: Character) -> bool:
    return bool(character.first_person)


def _chapters(character: Character) -> frozenset[int]:
    return frozenset() if isinstance(character.first_person, bool) else frozenset(character.first_person)


def _names(character: Character) -> Iterator[str]:
    if character.role is not Role.NARRATOR or _is_first(character):
        yield character.name
    yield from character.aliases


def _by_word(names: dict[tuple[str, ...], set[int]]) -> dict[str, list[tuple[tuple[str, ...], tuple[int, ...]]]]:
    table: dict[str, list[tuple[tuple[str, ...], tuple[int, ...]]]] = defaultdict(list)
    for words, owners in names.items():
        entry = tuple(sorted(owners))
        table[words[0]].append((words, entry))
        other = words[0].lower() if words[0] in english.QUALIFIERS else words[0].capitalize()
        if other != words[0] and len(words) > 1:
            table[other].append(((other, *words[1:]), entry))
    for entries in table.values():
        entries.sort(key=lambda entry: (-len(entry[0]), entry))
    return dict(table)


def _short_forms(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Other ways to call somebody of this name: first name, surname, title and surname."""
    title = words[0] if words[0] in english.TITLES else ""
    rest = list(words)
    while rest and (rest[0] in english.TITLES or rest[0] in english.QUALIFIERS):
        rest.pop(0)
    if not rest or not all(word[:1].isupper() or word.lower() in _PARTICLES for word in rest):
        return
    if title or len(rest) < len(words):
        yield tuple(rest)
    if any(word.lower() in _PARTICLES for word in rest) or len(rest) < 2:
        return
    first, last = rest[0], rest[-1]
    if len(first) > 1:
        yield (first,)
    if len(last) > 1 and last not in {"Jr", "Sr", "Esq", "Senior", "Junior"}:
        yield (last,)
    yield (first, last)
    if title:
        yield (title, last)
        yield (title, first)


def _gender(character: Character) -> float:
    match character.gender:
        case Gender.FEMALE:
            return _SURE
        case Gender.MALE:
            return -_SURE
        case Gender.NEUTRAL:
            return 0.0
        case Gender.UNKNOWN:
            return max((_name_gender(name) for name in _names(character)), key=abs, default=0.0)


def _name_gender(name: str) -> float:
    words = [shaped(word) for word in WORD.findall(name)]
    for word in words[:1]:
        if word in english.FEMALE_TITLES:
            return _TITLE_SURE
        if word in english.MALE_TITLES:
            return -_TITLE_SURE
    if words and words[-1].lower() in english.FEMALE_NOUNS:
        return _TITLE_SURE
    if words and words[-1].lower() in english.MALE_NOUNS:
        return -_TITLE_SURE
    for word in words[:2]:
        if word in english.FEMALE_NAMES:
            return _NAME_SURE
        if word in english.MALE_NAMES:
            return -_NAME_SURE
    return 0.0


def title_gender(word: str) -> float:
    """Log odds of female that a title tells."""
    return _TITLE_SURE * ((word in english.FEMALE_TITLES) - (word in english.MALE_TITLES))


def agreeing(people: People, owners: Iterable[int], title: str) -> tuple[int, ...]:
    """Those of the owners of a name who can carry this title before it."""
    gender = title_gender(title)
    fits = []
    for who in owners:
        own = people.title_words[who]
        if gender * people.genders[who] < 0:
            continue
        if title in {"Mrs", "Miss"} and own & {"Mrs", "Miss"} and title not in own:
            continue
        fits.append(who)
    return tuple(fits)


SPOUSES: Final = frozenset({"wife", "husband", "lady", "spouse"})


def spouses(people: People, present: Iterable[int], gender: str) -> list[int]:
    """Who may be the wife or husband of those present: the same surname, and Mrs where a wife is looked for."""
    names = frozenset().union(*(people.surnames[who] for who in present)) if people.surnames else frozenset()
    return [
        who
        for who in people.speaking
        if people.surnames[who] & names
        and (gender != "f" or "Mrs" in people.title_words[who] or "Lady" in people.title_words[who])
        and (gender != "m" or people.genders[who] < 0)
    ]
