"""Rules for what any reader may take wrong: numerals, `St.`, `No.`, old money, addresses, note marks, capitals.

Invariant: a rule that is not chosen does nothing; each change bears its rule's name and can be undone; where a rule is
in doubt it leaves the text alone. Numbers in digits are left to the service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from narration.lexicon.respelling import Change, Respelt, respelt
from narration.roman import ROMAN_LANGUAGES, roman_numerals, roman_value


class TextRule(StrEnum):
    """What `text_rules` in book.yaml may name."""

    ROMAN = "roman"
    """`Chapter IV`, `Henry VIII`."""
    SAINT = "saint"
    """`St. John`, `Baker St.`"""
    NUMBER = "number"
    """`No. 7`."""
    STERLING = "sterling"
    """`£5 6s. 3d.`"""
    AMPERSAND = "ampersand"
    """`Smith & Sons`, `&c.`"""
    PERCENT = "percent"
    """`5%`."""
    URL = "url"
    """`https://www.example.com`, `me@example.com`."""
    NOTES = "notes"
    """`word[12]`, `word†`."""
    CAPITALS = "capitals"
    """`THE OLD HOUSE`."""


_Found = tuple[int, int, str]
"""Start, end, and what is said instead."""

_Rule = Callable[[str, str], Iterator[_Found]]
"""From a text and its language to what the rule finds in it."""

_CAPITAL: Final = "A-ZÀ-ÖØ-ÞĀ-Ž"
_NEAR_CHARS: Final = 40


def _before(text: str, position: int) -> str:
    """What stands before a position, as far as a rule looks back."""
    return text[max(0, position - _NEAR_CHARS) : position]


_SAINTS: Final = re.compile(
    r"(?:Albans?|Andrews?|Anne|Anthony|Augustine|Bartholomew|Bernard|Catherine|Clair|Clement|David|Edmunds?|Francis|"
    r"George|Giles|Helena|Helens|Ives|James|John|Joseph|Lawrence|Louis|Luke|Mark|Martin|Mary|Matthew|Michael|Nicholas|"
    r"Pancras|Patrick|Paul|Peter|Petersburg|Stephen|Thomas|Vincent)(?:['’]?s)?\b"
)


def _saint(text: str, _: str) -> Iterator[_Found]:
    for found in re.finditer(rf"(?<![\w.])St\b(\.?)(?=\s+([{_CAPITAL}])|)", text):
        after_name = re.search(rf"(?:[{_CAPITAL}]\w+|\d(?:st|nd|rd|th))\s+$", _before(text, found.start()))
        next_word = text[found.end() :].lstrip()
        if not found[2]:
            if after_name and found[1]:
                closes = not next_word or next_word[0] in "”’\"'"
                yield found.start(), found.end(), "Street." if closes else "Street"
        elif not after_name or _SAINTS.match(next_word):
            yield found.start(), found.end(), "Saint"


_NUMBER_SIGNS: Final = {
    "en": ((r"Nos\.\s*", "numbers "), (r"(?:No\.|№)\s*", "number ")),
    "fr": ((r"[nN][°º]\s*", "numéro "),),
    "de": ((r"Nr\.\s*", "Nummer "),),
    "es": ((r"[nN]\.?[°º]\s*", "número "), (r"[nN]úm\.\s*", "número ")),
    "it": ((r"[nN][°º]\s*", "numero "),),
    "pt": ((r"[nN]\.?[°º]\s*", "número "),),
}


def _number(text: str, language: str) -> Iterator[_Found]:
    for sign, said in _NUMBER_SIGNS[language]:
        for found in re.finditer(rf"(?<!\w){sign}(?=\d)", text):
            # “No. 7 men would do.” may be an answer.
            is_answer = language == "en" and found[0].startswith("No.") and _begins_sentence(text, found.start())
            if not is_answer:
                yield found.start(), found.end(), said


def _begins_sentence(text: str, position: int) -> bool:
    before = _before(text, position).rstrip()
    return not before or before[-1] in ".!?…“”‘\"'—–"


_MONEY: Final = re.compile(
    r"(?<![\w.,])(?:£\s?(?P<pounds>[\d,]*\d)(?=\s\d)\s)?"
    r"(?:(?P<shillings>\d{1,2})s(?P<dot>\.?)(?!\w))?(?:(?<=[s.])\s)?"
    r"(?:(?P<pence>\d{1,2}(?:[½¼¾])?|[½¼¾])d(?P<stop>\.?)(?!\w))?"
)
_DECADE: Final = re.compile(r"(?:\b(?:the|early|late|mid|his|her|their|my|your|our)[\s-]+)$", re.IGNORECASE)
_ARTICLE: Final = re.compile(r"\b(?:a|the|one|this|that|every|each|my|his|her)\s+$", re.IGNORECASE)
_FRACTIONS: Final = MappingProxyType({"½": "halfpenny", "¼": "farthing", "¾": "three farthings"})


def _sterling(text: str, _: str) -> Iterator[_Found]:
    # A part of what was found is found once more, and left out with all that overlaps.
    for found in re.finditer(r"(?=[£\d½¼¾])", text):
        money = _MONEY.match(text, found.start())
        if money is None or not (money["shillings"] or money["pence"]):
            continue
        if money["shillings"] and not (money["pounds"] or money["pence"]):
            # `10s.` is ten shillings; `the 20s` are years.
            if not money["dot"] or _DECADE.search(_before(text, money.start())):
                continue
        elif money["pence"] and not (money["pounds"] or money["shillings"] or money["stop"]):
            continue
        said = " ".join(_coins(money["pounds"], money["shillings"], money["pence"]))
        if said in ("halfpenny", "farthing") and not _ARTICLE.search(_before(text, money.start())):
            said = f"a {said}"
        end = money.end() - len(money[0]) + len(money[0].rstrip())
        is_last = money[0].rstrip().endswith(".") and _ends_sentence(text[end:])
        yield money.start(), end, said + ("." if is_last else "")


def _ends_sentence(rest: str) -> bool:
    return bool(re.match(rf"\s*$|[”’\"')\]]*\s+[“‘\"']?[{_CAPITAL}]|[”’\"']", rest))


def _coins(pounds: str | None, shillings: str | None, pence: str | None) -> Iterator[str]:
    if pounds:
        yield f"{pounds} {'pound' if pounds == '1' else 'pounds'}"
    if shillings:
        yield f"{shillings} {'shilling' if shillings == '1' else 'shillings'}"
    if pence:
        coin = _FRACTIONS.get(pence) or f"{pence} {'penny' if pence == '1' else 'pence'}"
        article = "a " if coin in ("halfpenny", "farthing") else ""
        yield f"and {article}{coin}" if pounds or shillings else coin


_AND: Final = {"en": "and", "fr": "et", "de": "und", "es": "y", "it": "e", "pt": "e", "ru": "и", "zh": "和"}


def _ampersand(text: str, language: str) -> Iterator[_Found]:
    if language == "en":
        for found in re.finditer(r"(?<!\w)&c\b(\.?)", text):
            is_last = found[1] and _ends_sentence(text[found.end() :])
            yield found.start(), found.end(), "et cetera." if is_last else "et cetera"
    for found in re.finditer(r"(?<=\s)&(?=\s)", text):
        yield found.start(), found.end(), _AND[language]


_PERCENT: Final = {
    "en": "percent",
    "fr": "pour cent",
    "de": "Prozent",
    "es": "por ciento",
    "it": "per cento",
    "pt": "por cento",
}


def _percent(text: str, language: str) -> Iterator[_Found]:
    for found in re.finditer(r"(?<=\d)\s?%(?!\w)", text):
        yield found.start(), found.end(), f" {_PERCENT[language]}"


_DOT_AT: Final = {
    "en": ("dot", "at", "slash"),
    "fr": ("point", "arobase", "barre"),
    "de": ("Punkt", "ät", "Schrägstrich"),
    "es": ("punto", "arroba", "barra"),
    "it": ("punto", "chiocciola", "barra"),
    "pt": ("ponto", "arroba", "barra"),
}
_ADDRESS: Final = re.compile(
    r"(?<![\w@])(?:(?:https?://)?(?:www\.)(?P<www>[\w.-]*\w)|https?://(?P<host>[\w.-]*\w)|"
    r"(?P<name>[\w.+-]*\w)@(?P<mail>[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}))(?P<path>(?:[/?#][^\s<>”\"’)\]]*)?)",
    re.ASCII,
)


def _url(text: str, language: str) -> Iterator[_Found]:
    dot, at, slash = _DOT_AT[language]
    for found in _ADDRESS.finditer(text):
        path = found["path"].rstrip(".,;:!?'")
        end = found.start("path") + len(path)
        said = (found["www"] or found["host"] or found["mail"]).replace(".", f" {dot} ")
        if found["name"]:
            said = f"{found['name'].replace('.', f' {dot} ')} {at} {said}"
        steps = [step for step in path.split("/") if step]
        # A person would not read out a query.
        if all(re.fullmatch(r"[A-Za-z0-9-]{1,20}", step) for step in steps):
            said += "".join(f" {slash} {step}" for step in steps)
        yield found.start(), end, said


_NOTE: Final = re.compile(
    r"(?<=\S)\s?\[(?:\d{1,4}|[a-z*†‡])\]|"
    r"(?<=[^\W\d_]|[.,;:!?”’\"'…。，！？」』])(?:[⁰¹²³⁴-⁹]+|[⁽][⁰¹²³⁴-⁹]+[⁾]|[⑴-⒇]|[†‡]+)|"
    r"^[⑴-⒇]"
)
_UNIT: Final = re.compile(r"(?<!\w)(?:[kcdm]?m|ft|in|yd|mi|x|y|r)$")


def _notes(text: str, _: str) -> Iterator[_Found]:
    for found in _NOTE.finditer(text):
        if found[0][0] in "²³" and _UNIT.search(text[max(0, found.start() - 4) : found.start()]):
            continue
        yield found.start(), found.end(), ""
    for found in re.finditer(r"(?<=[\w.,;:!?”’\"])\*(?=[\s.,;:!?”’\"]|$)", text):
        # A second asterisk closes *emphasis*.
        if text.count("*", 0, found.start()) % 2 == 0:
            yield found.start(), found.end(), ""


_RUN: Final = re.compile(
    rf"(?<!\w)[{_CAPITAL}]+(?:['’][{_CAPITAL}]+)*(?:[\s,;:'’-]+[{_CAPITAL}]+(?:['’][{_CAPITAL}]+)*)+(?!\w)"
)
_VOWEL: Final = re.compile(r"[AEIOUYÀ-ÆÈ-ÏÒ-ÖØ-Ý]")
_SHORT_WORDS: Final = (
    "A AN AND ARE AS AT BE BUT BY DID DO FOR GO HAD HAS HE HER HIM HIS HOW IF IN IS IT ITS MAN ME MR MRS MY NEW NO NOR "
    "NOT NOW OF OFF OLD ON ONE OR OUR OUT SHE SIR SO THE TO TWO UP US WAS WE WHO WHY YOU "
    "DAS DER DIE EIN UND IM LA LE LES DES DU DE ET UN UNE EL LOS LAS DEL IL LO"
)
_SHORT: Final = frozenset(_SHORT_WORDS.split())


def _capitals(text: str, _: str) -> Iterator[_Found]:
    for run in _RUN.finditer(text):
        words = list(re.finditer(rf"[{_CAPITAL}]+(?:['’][{_CAPITAL}]+)*", run[0]))
        if not any(len(word[0]) >= 4 for word in words):
            continue
        for word in words:
            if _is_word(word[0]):
                yield run.start() + word.start(), run.start() + word.end(), word[0].capitalize()


def _is_word(capitals: str) -> bool:
    """Whether it is a word in capitals, neither an abbreviation nor a numeral."""
    if roman_value(capitals) or len(capitals) == 1:
        return False
    return capitals in _SHORT if len(capitals) < 4 else bool(_VOWEL.search(capitals))


_RULES: Final[dict[TextRule, tuple[_Rule, frozenset[str]]]] = {
    TextRule.URL: (_url, frozenset(_DOT_AT)),
    TextRule.STERLING: (_sterling, frozenset({"en"})),
    TextRule.ROMAN: (roman_numerals, ROMAN_LANGUAGES),
    TextRule.SAINT: (_saint, frozenset({"en"})),
    TextRule.NUMBER: (_number, frozenset(_NUMBER_SIGNS)),
    TextRule.AMPERSAND: (_ampersand, frozenset(_AND)),
    TextRule.PERCENT: (_percent, frozenset(_PERCENT)),
    TextRule.NOTES: (_notes, frozenset()),
    TextRule.CAPITALS: (_capitals, frozenset()),
}
"""Each rule, and the languages it knows (none named: all). Of two that find the same words, the earlier has them."""


def apply_rules(text: str, names: Iterable[TextRule | str], language: str, *, before: Respelt | None = None) -> Respelt:
    """A text as it is said after the rules that were chosen.

    Args:
        text: as written.
        names: of the rules, in any order; one that does not know the language does nothing.
        language: ISO 639-1.
        before: what the lexicon made of the same text; its changes stay, and no rule touches what they touch.

    Raises:
        ValueError: no rule has that name.
    """
    changes = list(before.changes) if before else []
    chosen = {TextRule(name) for name in names}
    for name, (rule, languages) in _RULES.items():
        if name not in chosen or (languages and language not in languages):
            continue
        for start, end, said in rule(text, language):
            if not any(start < other.end and other.start < end for other in changes):
                changes.append(Change(start=start, end=end, written=text[start:end], said=said, entry=name.value))
    return respelt(text, changes)
