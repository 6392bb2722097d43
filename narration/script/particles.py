"""Speakers in Japanese and Korean: a name with the particle of the subject, and a verb of saying.

Invariant: a guess names somebody whose name stands in the same paragraph; the rest is left open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from narration.script.chinese import Guess
from narration.script.labels import NamePatterns, plain
from narration.script.reading import Passage

_BEFORE_P: Final = 0.9
_AFTER_P: Final = 0.92
_SAME_P: Final = 0.8
_NEAR_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class _Particles:
    """Patterns of a language.

    Attributes:
        subject: what follows the name of the subject, an honorific before it included.
        says: a verb of saying.
        said: what follows a quotation that somebody says.
        stops: what ends a sentence.
    """

    subject: re.Pattern[str]
    says: re.Pattern[str]
    said: re.Pattern[str]
    stops: re.Pattern[str]


_LANGUAGES: Final = {
    "ja": _Particles(
        re.compile("(?:さん|さま|様|君|くん|ちゃん|先生)?(?:は|が|も)"),
        re.compile(
            "(?:言|云|答|聞|訊|尋|問|叫|呼|呟|囁|笑|怒鳴|話|語|返|続け|頼|述べ|命じ|いっ|いう|いい|たずね|こたえ|さけ|つぶや|ささや)"
        ),
        re.compile(r"\s*(?:と|って)"),
        re.compile("[。！？「」『』]"),
    ),
    "ko": _Particles(
        re.compile("(?:씨|님|군|양)?(?:이|가|은|는|도)"),
        re.compile(
            "(?:말했|말하|말한|물었|물으|묻|대답|외쳤|외치|소리|속삭|중얼|했다|하였다|되물|덧붙|불렀|웃었|투덜)"
        ),
        re.compile(r"\s*(?:이?라고|라며|하고|고)"),
        re.compile('[.!?。“”"「」]'),
    ),
}
LANGUAGES: Final = frozenset(_LANGUAGES)


def guesses(text: str, passages: Sequence[Passage], names: NamePatterns, language: str) -> dict[tuple[int, int], Guess]:
    """The speakers found, by the spans of their quotations."""
    words = _LANGUAGES[language]
    found: dict[tuple[int, int], Guess] = {}
    for passage in passages:
        edges = [passage.start, *(edge for span in passage.spans for edge in span), passage.end]
        for index, span in enumerate(passage.spans):
            before = text[max(edges[2 * index], span[0] - _NEAR_CHARS) : span[0]]
            after = text[span[1] : min(edges[2 * index + 3], span[1] + _NEAR_CHARS)]
            guess = _guess(before, after, names, words)
            if guess:
                found[span] = guess
        for one, other in pairwise(passage.spans):
            if one in found and other not in found and len(set(_named(text[one[1] : other[0]], names))) <= 1:
                found[other] = Guess(found[one].character, _SAME_P, "same paragraph")
    return found


def _named(text: str, names: NamePatterns) -> list[str]:
    return [names.owners[plain(match["name"])] for match in names.any_name.finditer(text)]


def _guess(before: str, after: str, names: NamePatterns, words: _Particles) -> Guess | None:
    clause = words.stops.split(after, maxsplit=1)[0]
    name = _subject(clause, names, words)
    if name and words.says.search(clause):
        return Guess(names.owners[name], _AFTER_P, f"tag: {clause.strip()}")
    sentence = words.stops.split(before)[-1]
    name = _subject(sentence, names, words)
    leads = sentence.rstrip().endswith((":", "：")) or words.says.search(sentence)
    if name and (leads or (words.said.match(after) and words.says.search(clause))):
        return Guess(names.owners[name], _BEFORE_P, f"tag: {sentence.strip()}")
    return None


def _subject(clause: str, names: NamePatterns, words: _Particles) -> str | None:
    """The first name that the particle of the subject follows."""
    for match in names.any_name.finditer(clause):
        if words.subject.match(clause, match.end()):
            return plain(match["name"])
    return None
