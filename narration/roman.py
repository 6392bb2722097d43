"""Roman numerals: their values, and where prose counts with them.

Invariant: only a numeral in its one right spelling has a value (`IV`, not `IIII`), and only behind a chapter word or
the name of a ruler is it one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_DIGITS: Final = (("C", 100), ("XC", 90), ("L", 50), ("XL", 40), ("X", 10), ("IX", 9), ("V", 5), ("IV", 4), ("I", 1))
_HIGHEST: Final = 399
"""Beyond stand D and M, and words that they spell (`MIX`, `DIM`)."""

_PARTS: Final = {
    "en": "chapter|book|act|part|scene|volume|vol\\.|canto|stave|section|appendix|psalm|world war",
    "fr": "chapitre|livre|acte|partie|scène|tome|volume|chant",
    "de": "kapitel|buch|akt|teil|szene|band|gesang",
    "es": "capítulo|libro|acto|parte|escena|tomo|volumen|canto",
    "it": "capitolo|libro|atto|parte|scena|tomo|volume|canto",
    "pt": "capítulo|livro|ato|acto|parte|cena|tomo|volume|canto",
}
ROMAN_LANGUAGES: Final = frozenset(_PARTS)

_RULERS: Final = {
    "en": "Alexander|Alfonso|Baldwin|Benedict|Boniface|Catherine|Charles|Christian|Clement|Conrad|Constantine|Cyrus|"
    "Darius|David|Edmund|Edward|Elizabeth|Eric|Ferdinand|Francis|Frederick|George|Gregory|Gustav|Haakon|Harald|Henry|"
    "Innocent|Isabella|Ivan|James|John|Joseph|Julius|Kenneth|Leo|Leopold|Louis|Malcolm|Mary|Maximilian|Mehmed|"
    "Napoleon|Nicholas|Olaf|Otto|Paul|Pedro|Peter|Philip|Pius|Ptolemy|Rameses|Ramses|Richard|Robert|Rudolf|Sixtus|"
    "Stephen|Urban|Victor|Wilhelm|William|Xerxes",
    "fr": "Alexandre|Catherine|Charles|Clément|François|Frédéric|Georges|Grégoire|Guillaume|Henri|Innocent|Jacques|"
    "Jean|Louis|Napoléon|Nicolas|Othon|Paul|Philippe|Pie|Pierre|Robert",
    "es": "Alejandro|Alfonso|Carlos|Catalina|Enrique|Federico|Felipe|Fernando|Isabel|Jaime|Juan|Luis|Napoleón|Pablo|"
    "Pedro|Pío|Sancho",
}
_ORDINALS: Final = {
    "en": "First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth Eleventh Twelfth Thirteenth Fourteenth "
    "Fifteenth Sixteenth Seventeenth Eighteenth Nineteenth Twentieth Twenty-first Twenty-second Twenty-third",
    "fr": "premier",
    "es": "primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo",
}
"""How rulers are counted. Source: usage; French counts only the first so, Spanish the first ten, then in numbers."""

_PRONOUN_FREE: Final = r"(?=\s*(?:$|\n)|[.,;:!?)\]—–”\"])"
"""Behind a lone `I` that can be no pronoun."""

_INITIAL_FREE: Final = r"(?=\s*(?:$|\n)|[,;:!?)\]—–”\"]|['’]s\b|\.(?!\s+[A-Z])|\s+of\b)"
"""Behind a lone letter that is neither a pronoun nor an initial (`Henry V. Smith`)."""

_END: Final = r"(?=[\s.,;:!?)\]—–”’\"'-]|$)"
_NUMERAL: Final = rf"[IVXLC]{{2,}}|[VXLC](?!\.\s+[A-Z])|I{_PRONOUN_FREE}|[ivxlc]{{2,}}|[ivx](?=[.,;:)\]]|$)"


def roman_value(numeral: str) -> int:
    """The value of a numeral, in capitals or small letters, from 1 to 399; 0 for anything else."""
    rest, value = numeral.upper(), 0
    for digit, worth in _DIGITS:
        while rest.startswith(digit):
            rest, value = rest.removeprefix(digit), value + worth
    return value if not rest and value <= _HIGHEST and _spelt(value) == numeral.upper() else 0


def _spelt(value: int) -> str:
    numeral = ""
    for digit, worth in _DIGITS:
        times, value = divmod(value, worth)
        numeral += digit * times
    return numeral


def roman_numerals(text: str, language: str) -> Iterator[tuple[int, int, str]]:
    """Numerals that are read as numbers: `(start, end, said)`, `said` in digits or as a ruler's ordinal.

    Args:
        text: to be searched.
        language: one of `ROMAN_LANGUAGES`.
    """
    for found in re.finditer(rf"(?<!\w)((?i:{_PARTS[language]}))\s+({_NUMERAL}){_END}", text):
        value = roman_value(found[2])
        # `part i` in small letters is two words of a sentence.
        if value and (len(found[2]) > 1 or found[1][0].isupper()):
            yield found.start(2), found.end(2), str(value)
    if language in _RULERS:
        yield from _regnal(text, language)


def _regnal(text: str, language: str) -> Iterator[tuple[int, int, str]]:
    first = "I(?:er|re)|" if language == "fr" else ""
    numeral = rf"{first}[IVX]{{2,}}|[IV]{_INITIAL_FREE}"
    for found in re.finditer(rf"(?<!\w)(?:{_RULERS[language]})\s+({numeral}){_END}", text):
        value = 1 if found[1] in ("Ier", "Ire") else roman_value(found[1])
        said = "première" if found[1] == "Ire" else _ordinal(value, language)
        if said:
            yield found.start(1), found.end(1), said


def _ordinal(value: int, language: str) -> str:
    words = _ORDINALS[language].split()
    if not value:
        return ""
    if language == "en":
        return f"the {words[value - 1]}" if value <= len(words) else ""
    return words[value - 1] if value <= len(words) else str(value)
