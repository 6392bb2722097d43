"""What tells who speaks, per language: verbs of saying and pronouns.

Invariant: only data; a language that is not here is read as English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from narration.script import english, verbs


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """The words of a language. All are in lower case.

    Attributes:
        says: verbs of saying.
        pronouns: of the subject, and whom they mean: `m`, `f`, `p` (they), `i`.
        gendered: all pronouns that tell `m` or `f`.
    """

    says: frozenset[str]
    pronouns: Mapping[str, str]
    gendered: Mapping[str, str]


def grammar_of(language: str) -> Grammar:
    """The words of a language, ISO 639-1."""
    return _GRAMMARS.get(language, ENGLISH)


ENGLISH: Final = Grammar(
    says=verbs.ENGLISH_WORDS, pronouns=MappingProxyType(english.PRONOUNS), gendered=MappingProxyType(english.GENDERED)
)

_PRONOUNS: Final = {
    "de": "er m sie f ich i wir i",
    "fr": "il m elle f je i j i nous i ils p elles p",
    "es": "él m ella f yo i ellos p ellas p",
    "it": "lui m egli m lei f ella f io i loro p",
    "pt": "ele m ela f eu i eles p elas p",
    "ru": "он m она f я i мы i они p",
}


def _grammar(language: str) -> Grammar:
    words = _PRONOUNS[language].split()
    pronouns = dict(zip(words[::2], words[1::2], strict=True))
    return Grammar(
        says=verbs.OTHERS[language],
        pronouns=MappingProxyType(pronouns),
        gendered=MappingProxyType({word: kind for word, kind in pronouns.items() if kind in {"m", "f"}}),
    )


_GRAMMARS: Final = {language: _grammar(language) for language in _PRONOUNS}
