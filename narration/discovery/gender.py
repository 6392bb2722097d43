"""Whether a character is a woman or a man, how old, and what that guess rests on.

Invariant: every guess carries its evidence in words; without evidence it is unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from narration.cast import Gender
from narration.discovery import words
from narration.discovery.evidence import Evidence, subjects
from narration.discovery.passages import Passage

_RATIO: Final = 2
"""How much one side must outweigh the other."""
_OWN: Final = (
    r"(?!\s+(?:to|in|with|and|that|as|for|at|on|from|by|into|the|a|out|up|so|if|when|but|again|too)\b)(?=\s+\w)"
)
"""`her` is the subject's own (turning her head) where a noun may follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What the book says of whoever bears a name.

    Attributes:
        she, he: pronouns that follow the name in its own sentence, or begin the next.
        ages: `elderly`, `young`, `child`.
    """

    she: int = 0
    he: int = 0
    ages: tuple[tuple[str, int], ...] = ()

    def __add__(self, other: Signs) -> Signs:
        ages = Counter(dict(self.ages)) + Counter(dict(other.ages))
        return Signs(she=self.she + other.she, he=self.he + other.he, ages=tuple(sorted(ages.items())))


@dataclass(frozen=True, slots=True, kw_only=True)
class GenderGuess:
    """A gender, and why.

    Attributes:
        gender: unknown where the evidence is thin or divided.
        evidence: `7 × she, title Mrs.`; empty where there is none.
    """

    gender: Gender
    evidence: str


def signs(
    paragraphs: Sequence[Sequence[Passage]], forms: Iterable[str], evidence: Evidence, language: str
) -> Mapping[str, Signs]:
    """Pronouns and words of age beside each form of a name.

    Args:
        paragraphs: of the book.
        forms: names as written.
        evidence: of the same book.
        language: ISO 639-1; without pronouns of its own, only the ages are found.
    """
    ordered = sorted(set(forms), key=lambda form: (-len(form), form))
    if not ordered:
        return {}
    body = "|".join(r"\s+".join(re.escape(part) for part in form.split()) for form in ordered)
    bounded = rf"(?<![^\W_])(?:{body})(?![^\W_])(?!['’]s\b)"
    pattern = re.compile(body if language == "zh" else bounded)
    she, he = _pronouns(language, words.SHE), _pronouns(language, words.HE)
    counts: dict[str, Counter[str]] = {form: Counter() for form in ordered}
    for form, rest in subjects(paragraphs, pattern):
        here = counts[form]
        here["she"] += bool(she.search(rest))
        here["he"] += bool(he.search(rest))
    for (form, which), count in evidence.endings.items():
        if form in counts:
            counts[form][which] += count
    ages = _ages(paragraphs, body) if language == "en" else {}
    return {
        form: Signs(she=found["she"], he=found["he"], ages=tuple(sorted(ages.get(form, Counter()).items())))
        for form, found in counts.items()
    }


def _pronouns(language: str, table: Mapping[str, str]) -> re.Pattern[str]:
    """Pronouns that belong to the subject: its own things, itself, and what begins the next sentence."""
    code = language if language in table else "en"
    if code == "zh":
        return re.compile(table[code])
    if code != "en":
        return re.compile(rf"\b(?:{table[code]})\b", re.IGNORECASE)
    if table is words.SHE:
        return re.compile(rf"\bher{_OWN}|\bherself\b|(?m:^She$)")
    return re.compile(r"\bhis\b|\bhimself\b|(?m:^He$)")


def _ages(paragraphs: Sequence[Sequence[Passage]], body: str) -> dict[str, Counter[str]]:
    """`old Sally`, `Sally, an old woman`, `Mara was a girl`."""
    before = re.compile(rf"\b(?P<age>{'|'.join(words.AGES)})\s+(?P<form>{body})(?![^\W_])")
    nouns = {noun: age for age, names in words.AGE_NOUNS.items() for noun in names}
    after = re.compile(
        rf"(?<![^\W_])(?P<form>{body})(?:,\s+|\s+(?:was|is)\s+)(?:an?|the)\s+(?:[a-z\-]+\s+){{0,2}}?"
        rf"(?P<age>{'|'.join(sorted(nouns, key=len, reverse=True))})\b"
    )
    found: dict[str, Counter[str]] = {}
    for passages in paragraphs:
        for passage in passages:
            if passage.said:
                continue
            for match in before.finditer(passage.text):
                found.setdefault(" ".join(match["form"].split()), Counter())[words.AGES[match["age"]]] += 1
            for match in after.finditer(passage.text):
                found.setdefault(" ".join(match["form"].split()), Counter())[nouns[match["age"]]] += 2
    return found


def titles_of(forms: Iterable[str]) -> tuple[str, ...]:
    """The titles that forms of a name begin with, without their points, each once, in order."""
    found = dict.fromkeys(
        part.rstrip(".") for form in sorted(forms) for part in form.split()[:2] if part.rstrip(".") in words.TITLES
    )
    return tuple(found)


def title_gender(title: str) -> Gender:
    """The gender that a title says; unknown for a rank."""
    if title in words.FEMALE_TITLES:
        return Gender.FEMALE
    return Gender.MALE if title in words.MALE_TITLES else Gender.UNKNOWN


def guess_gender(forms: Iterable[str], seen: Signs, *, least: int = 1) -> GenderGuess:
    """A gender from titles and pronouns; titles that contradict each other count for nothing.

    Args:
        forms: all names of one character.
        seen: what the book says beside them.
        least: pronouns that it takes.
    """
    forms = tuple(forms)
    titles = titles_of(forms)
    told = {gender for gender in map(title_gender, titles) if gender}
    parts = [f"{seen.she} × she"] if seen.she else []
    parts += [f"{seen.he} × he"] if seen.he else []
    parts += [f"title {title}{'.' if title in words.SHORT_TITLES else ''}" for title in titles]
    evidence = ", ".join(parts)
    if len(told) == 1:
        return GenderGuess(gender=told.pop(), evidence=evidence)
    phrases = {_noun_gender(form) for form in forms} - {Gender.UNKNOWN}
    if len(phrases) == 1:
        return GenderGuess(gender=phrases.pop(), evidence=", ".join([*parts, "the word itself"]))
    ranks = sum(title in words.MALE_RANKS for title in titles)
    she, he = seen.she, seen.he + ranks
    if she >= max(least, _RATIO * he):
        return GenderGuess(gender=Gender.FEMALE, evidence=evidence)
    if he >= max(least, _RATIO * she):
        return GenderGuess(gender=Gender.MALE, evidence=evidence)
    named = {_given_gender(form) for form in forms} - {Gender.UNKNOWN}
    if len(named) == 1 and she + he < _RATIO * least:
        given = next(part for form in forms for part in form.split() if _given_gender(form) and part in _GIVEN)
        return GenderGuess(gender=named.pop(), evidence=", ".join([*parts, f"the first name {given}"]))
    return GenderGuess(gender=Gender.UNKNOWN, evidence=evidence)


_GIVEN: Final = words.FEMALE_NAMES | words.MALE_NAMES


def _given_gender(form: str) -> Gender:
    """What the first name says, where there is one."""
    given = next((part for part in form.split() if part.rstrip(".") not in words.TITLES), "")
    if given in words.FEMALE_NAMES:
        return Gender.FEMALE
    return Gender.MALE if given in words.MALE_NAMES else Gender.UNKNOWN


def _noun_gender(form: str) -> Gender:
    """What a Chinese name's last word says (祥林嫂), or an English phrase's noun (the old gentleman)."""
    last = form.lower().split()[-1] if form else ""
    if last in words.FEMALE_NOUNS or form.endswith(words.HAN_FEMALE):
        return Gender.FEMALE
    if last in words.MALE_NOUNS or form.endswith(words.HAN_MALE):
        return Gender.MALE
    return Gender.UNKNOWN


def guess_age(forms: Collection[str], seen: Signs) -> tuple[str, str]:
    """`(age, evidence)`: child, young, middle-aged, elderly, or two empty texts."""
    ages = Counter(dict(seen.ages))
    titles = titles_of(forms)
    for form in forms:
        if form.split()[0] == "Old" or (form.startswith("老") and len(form) > 1):
            return "elderly", f"the name {form}"
        if form.endswith(("爷", "婆", "奶奶", "爷爷")):
            return "elderly", f"the name {form}"
    if ages:
        (age, count), *others = sorted(ages.items(), key=lambda item: (-item[1], item[0]))
        if count > 1 and (not others or count >= _RATIO * others[0][1]):
            return age, f"called {age} {count} ×"
    adult = [title for title in titles if title in words.MALE_RANKS or title in words.MARRIED]
    return ("middle-aged", f"title {adult[0]}") if adult else ("", "")
