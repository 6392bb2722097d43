"""Which names are one person's: Elizabeth, Miss Elizabeth, Lizzy and Elizabeth Bennet.

Invariant: names are put together only where one answer is possible; what may belong to several is reported as a doubt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from narration.cast import Gender
from narration.discovery import words
from narration.discovery.gender import title_gender

_PLAIN_TITLES: Final = frozenset({"Miss", "Master", "Mr", "Mrs"})
"""With these a first name may follow as well as a surname."""
_LOOSE: Final = words.SOFT_TITLES | words.KIN
"""Titles that do not keep names apart: Uncle Pumblechook is Mr. Pumblechook."""
_OUTWEIGHS: Final = 10
"""Where one person is named so many times as often as all others together, a name that fits several is that one's."""
_BOTH_SPEAK: Final = 3
"""Two forms of a first name that speak so often each are more likely two people than one."""


class Kind(StrEnum):
    """How a name is made."""

    FULL = "first name and surname"
    SURNAME = "title and surname"
    GIVEN = "title and first name"
    BARE = "one word"
    TITLE = "a title alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A name as written, in its parts.

    Attributes:
        text: all of it.
        title: its first title, without the point; empty without one.
        given, surname: empty where it has none. A bare name has both alike.
        kind: how it is made.
    """

    text: str
    title: str
    given: str
    surname: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A name that may belong to more than one character.

    Attributes:
        name: as written.
        options: characters, by the name that they are proposed under.
        reason: why it was left alone.
    """

    name: str
    options: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How much a name is used.

    Attributes:
        tags: how often it speaks, by its tags and labels.
        mentions: how often it stands anywhere.
        gender: what its pronouns say.
    """

    tags: int = 0
    mentions: int = 0
    gender: Gender = Gender.UNKNOWN


@dataclass(slots=True, kw_only=True)
class _Person:
    forms: list[Form] = field(default_factory=list)
    fixed: str = ""

    def texts(self) -> tuple[str, ...]:
        return tuple(form.text for form in self.forms)

    def titles(self) -> set[str]:
        return {form.title for form in self.forms if form.title and form.title not in _LOOSE}

    def gender(self, standings: Mapping[str, Standing]) -> Gender:
        told = {title_gender(title) for title in self.titles()} - {Gender.UNKNOWN}
        if told:
            return min(told) if len(told) == 1 else Gender.UNKNOWN
        seen = {standings[text].gender for text in self.texts() if text in standings} - {Gender.UNKNOWN}
        if not seen:
            # Lydia Bennet is hardly ever called so; Lydia is.
            seen = {standings[given].gender for given in self.givens() if given in standings} - {Gender.UNKNOWN}
        return seen.pop() if len(seen) == 1 else Gender.UNKNOWN

    def givens(self) -> set[str]:
        return {form.given for form in self.forms if form.given}

    def surnames(self) -> set[str]:
        return {form.surname for form in self.forms if form.surname and form.kind is not Kind.BARE}


def parse(text: str, givens: frozenset[str] = frozenset()) -> Form:
    """A name in its parts.

    Args:
        text: as written, single spaces.
        givens: words known as first names, so that Miss Eliza is not taken for a Miss of that surname.
    """
    parts = text.split()
    title = ""
    while len(parts) > 1 and (parts[0].rstrip(".") in words.TITLES or parts[0] in words.SOFT_TITLES):
        head = parts.pop(0).rstrip(".")
        title = title or head
    if len(parts) == 1:
        if not title and parts[0].rstrip(".") in words.TITLES:
            return Form(text=text, title=parts[0].rstrip("."), given="", surname="", kind=Kind.TITLE)
        if not title:
            return Form(text=text, title="", given=parts[0], surname=parts[0], kind=Kind.BARE)
        if title in words.SOFT_TITLES:
            return Form(text=text, title=title, given=parts[0], surname=parts[0], kind=Kind.BARE)
        if title in words.GIVEN_TITLES or (title in _PLAIN_TITLES and parts[0] in givens):
            return Form(text=text, title=title, given=parts[0], surname="", kind=Kind.GIVEN)
        return Form(text=text, title=title, given="", surname=parts[0], kind=Kind.SURNAME)
    if parts[0] in words.PARTICLES:
        return Form(text=text, title=title, given="", surname=" ".join(parts), kind=Kind.SURNAME)
    start = next((index for index, part in enumerate(parts[1:], start=1) if part in words.PARTICLES), len(parts) - 1)
    return Form(text=text, title=title, given=parts[0], surname=" ".join(parts[start:]), kind=Kind.FULL)


def merge(
    standings: Mapping[str, Standing], known: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[tuple[tuple[str, ...], ...], tuple[Doubt, ...]]:
    """The names of each person, and the names that could be several people's.

    Args:
        standings: every name, speaking or only mentioned, with its use.
        known: names of characters that a person has settled, each with its aliases; those stay together.

    Returns:
        Groups of names, the first of each the one to call it by; and doubts. The same for any order of the arguments.
    """
    people = _Merging(standings, known or {})
    people.run()
    groups = tuple(sorted((people.named(person) for person in people.people), key=lambda group: group[0]))
    return groups, tuple(sorted(people.doubts(), key=lambda doubt: doubt.name))


class _Merging:
    """One pass from the fullest names to the barest."""

    def __init__(self, standings: Mapping[str, Standing], known: Mapping[str, tuple[str, ...]]) -> None:
        self.standings = standings
        self.people: list[_Person] = []
        self.pending: list[tuple[str, tuple[_Person, ...], str]] = []
        fulls = [form for form in map(parse, standings) if form.kind is Kind.FULL]
        surnames = {form.surname for form in fulls}
        givens = frozenset(form.given for form in fulls) - surnames
        for name, aliases in sorted(known.items()):
            forms = [parse(text, givens) for text in (name, *aliases)]
            self.people.append(_Person(forms=forms, fixed=name))
        taken = {form.text for person in self.people for form in person.forms}
        self.forms = sorted(
            (parse(text, givens) for text in standings if text not in taken),
            key=lambda form: (-standings[form.text].mentions, form.text),
        )

        self.told: dict[str, set[Gender]] = defaultdict(set)
        for form in self.forms:
            if form.kind is Kind.SURNAME and title_gender(form.title):
                self.told[form.surname].add(title_gender(form.title))

    def run(self) -> None:
        for kind, place in (
            (Kind.FULL, self._full),
            (Kind.SURNAME, self._titled),
            (Kind.GIVEN, self._titled),
            (Kind.BARE, self._bare),
            (Kind.TITLE, self._title),
        ):
            for form in self.forms:
                if form.kind is kind:
                    place(form)
            if kind is Kind.GIVEN:
                self._absorb()

    def named(self, person: _Person) -> tuple[str, ...]:
        """The names of a person, the one to call them by first."""

        def rank(text: str) -> tuple[bool, bool, int, int, int, str]:
            standing = self.standings.get(text, Standing())
            is_title = parse(text).kind is Kind.TITLE
            return (text != person.fixed, is_title, -standing.tags, -standing.mentions, len(text), text)

        return tuple(sorted(set(person.texts()), key=rank))

    def _full(self, form: Form) -> None:
        same = [
            person
            for person in self.people
            if form.surname in person.surnames()
            and any(_one_given(form.given, given) for given in person.givens())
            and self._fits(form, person)
        ]
        self._place(form, same)

    def _absorb(self) -> None:
        """Hale in the sheet is the Mr. Hale of the book, as he would be if the book had both."""
        for person in [one for one in self.people if one.fixed and all(form.kind is Kind.BARE for form in one.forms)]:
            others = [one for one in self.people if not one.fixed]
            words_of = {form.given for form in person.forms}
            options = [
                one
                for one in others
                if words_of & (one.givens() | one.surnames()) and self._agrees(person.forms[0], one)
            ]
            men = [one for one in options if one.gender(self.standings) is Gender.MALE]
            same = (
                men
                if len(men) == 1 and not words_of & {given for one in options for given in one.givens()}
                else options
            )
            if len(same) == 1:
                person.forms += same[0].forms
                self.people.remove(same[0])

    def _titled(self, form: Form) -> None:
        """Miss Bennet, Sir William: to the one full name that fits, unless another title claims that, too."""
        if form.kind is Kind.SURNAME:
            same = [person for person in self.people if form.surname in person.surnames() and self._fits(form, person)]
        else:
            same = [
                person
                for person in self.people
                if self._fits(form, person)
                and (
                    any(_one_given(form.given, given) for given in person.givens())
                    or (form.title in words.KIN and form.given in person.surnames())
                )
            ]
        alike = [person for person in same if form.title in person.titles()]
        self._place(form, alike if len(alike) == 1 else same)

    def _bare(self, form: Form) -> None:
        by_given = [person for person in self.people if form.given in person.givens() and self._agrees(form, person)]
        by_surname = [
            person for person in self.people if form.surname in person.surnames() and self._agrees(form, person)
        ]
        men = [person for person in by_surname if person.gender(self.standings) is Gender.MALE]
        men = men or [person for person in by_surname if person.gender(self.standings) is Gender.UNKNOWN]
        if not by_given and len(men) == 1 and self.standings[form.text].gender is not Gender.FEMALE:
            # A surname alone is a man's in English prose, also where his sister and his wife are in the book.
            by_surname = men
        peers = [person for person in by_given if person.titles() & words.PEERS]
        if peers:
            self._doubt(form, by_given, "is also a first name with a title")
            self.people.append(_Person(forms=[form]))
            return
        options = by_given + [person for person in by_surname if person not in by_given]
        if not options:
            options = [
                person
                for person in self.people
                if any(_is_pet_name(form.given, given) for given in person.givens()) and self._agrees(form, person)
            ]
            if options and self._both_speak(form, options[0]):
                self._doubt(form, options, "both speak often")
                options = []
        mixed = bool(by_given) and any(person not in by_given for person in by_surname)
        self._place(form, options, may_outweigh=not mixed)

    def _title(self, form: Form) -> None:
        """The Captain: the only one in the book."""
        self._place(form, [person for person in self.people if form.title in person.titles()])

    def _both_speak(self, form: Form, person: _Person) -> bool:
        other = sum(self.standings[text].tags for text in person.texts() if text in self.standings)
        return min(self.standings[form.text].tags, other) >= _BOTH_SPEAK

    def _place(self, form: Form, options: list[_Person], *, may_outweigh: bool = True) -> None:
        if len(options) == 1:
            options[0].forms.append(form)
            return
        if len(options) > 1:
            first, *others = sorted((self._weight(person) for person in options), reverse=True)
            if may_outweigh and first >= _OUTWEIGHS * sum(others):
                next(person for person in options if self._weight(person) == first).forms.append(form)
                return
            self._doubt(form, options, "fits more than one")
        self.people.append(_Person(forms=[form]))

    def _weight(self, person: _Person) -> int:
        return sum(self.standings[text].mentions for text in person.texts() if text in self.standings)

    def _doubt(self, form: Form, options: Iterable[_Person], reason: str) -> None:
        self.pending.append((form.text, tuple(options), reason))

    def doubts(self) -> Iterator[Doubt]:
        """The names that were left alone, their options by the names that those have in the end."""
        for name, options, reason in self.pending:
            yield Doubt(name=name, options=tuple(sorted({self.named(person)[0] for person in options})), reason=reason)

    def _fits(self, form: Form, person: _Person) -> bool:
        """Whether a name can be the person's, by title and gender."""
        titles = person.titles()
        if form.title and form.title not in _LOOSE and titles and form.title not in titles:
            married = {form.title, *titles} & words.MARRIED
            given_alike = form.given and form.given in person.givens()
            if not given_alike or married:
                return False
        if form.title in words.MARRIED and form.kind is Kind.SURNAME and not titles & words.MARRIED:
            # Jane Bennet is a daughter of Mrs. Bennet's; only Mrs. Jane Bennet would be her.
            return False
        told = title_gender(form.title)
        if form.kind is Kind.SURNAME and told and person.gender(self.standings) is Gender.UNKNOWN and not titles:
            # Caroline Bingley may be Miss Bingley or Mr. Bingley, as far as anybody can tell.
            rivals = self.told[form.surname] - {told}
            if rivals:
                return False
        return self._agrees(form, person)

    def _agrees(self, form: Form, person: _Person) -> bool:
        mine = title_gender(form.title) or self.standings.get(form.text, Standing()).gender
        theirs = person.gender(self.standings)
        return Gender.UNKNOWN in (mine, theirs) or mine is theirs


def _one_given(one: str, other: str) -> bool:
    return one == other or _is_pet_name(one, other)


def _is_pet_name(one: str, other: str) -> bool:
    return one != other and any(one in names and other in names for names in words.PET_NAMES)


def related(form: str, speakers: frozenset[str]) -> bool:
    """Whether a name shares a word with a speaker's, or is a pet name of one.

    Args:
        form: as written.
        speakers: words of the names of those who speak, titles left out.
    """
    own = name_words(form)
    return bool(own & speakers) or any(own & names and speakers & names for names in words.PET_NAMES)


def name_words(form: str) -> frozenset[str]:
    """The words of a name without titles and particles."""
    return frozenset(
        part
        for part in form.split()
        if part.rstrip(".") not in words.TITLES and part not in words.SOFT_TITLES and part not in words.PARTICLES
    )
