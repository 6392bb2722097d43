"""What a heading looks like where nothing marks it: chapters, parts, bare numbers, titles that stand alone.

Invariant: a heading is told by its words and the space around it, and a line of prose that only begins like one
(`Part of the wall fell.`) is none.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from narration.manuscript.letters import is_scene_break, width


class HeadingSort(StrEnum):
    """What a heading of a plain text is."""

    PART = "part"
    CHAPTER = "chapter"
    MATTER = "matter"
    """Preface, prologue, epilogue and the like: of the chapters' rank."""
    NUMBER = "number"
    """A number alone on its line, or with a title."""
    TITLE = "title"
    """A short line set apart by space, capitals or its place in the middle."""
    SUBTITLE = "subtitle"
    """The line below a heading that is a label or a number only."""


_CARDINALS: Final = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty"
)
_ORDINALS: Final = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth last final"
)
_CARDINAL: Final = rf"(?:{_CARDINALS.replace(' ', '|')})(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?"
_WORD_NUMBER: Final = rf"(?:{_CARDINAL}|{_ORDINALS.replace(' ', '|')})"
_NUMBER: Final = rf"(?:\d{{1,3}}|[ivxlc]+|{_WORD_NUMBER})"
_CHAPTER_WORDS: Final = (
    "chapter|chap\\.|letter|adventure|stave|canto|scene|episode|story|tale|night|section"
    "|chapitre|kapitel|cap[ií]tulo|capitolo|глава"
)
_PART_WORDS: Final = "part|book|volume|vol\\.|act|phase"

_CHAPTER: Final = re.compile(rf"(?:the )?(?:{_CHAPTER_WORDS}) (?:the )?{_NUMBER}(?P<rest>(?![\w’']).*)", re.IGNORECASE)
_PART: Final = re.compile(rf"(?:the )?(?:{_PART_WORDS}) (?:the )?{_NUMBER}(?P<rest>(?![\w’']).*)", re.IGNORECASE)
_ORDINAL: Final = re.compile(
    rf"(?:the )?{_WORD_NUMBER} (?P<word>{_PART_WORDS}|chapter|letter|scene)(?P<rest>(?![\w’']).*)", re.IGNORECASE
)
_MATTER: Final = re.compile(
    r"(?:prologue|epilogue|preface|foreword|introduction|afterword|interlude|conclusion|postscript|dedication|contents"
    r"|author['’]s (?:note|preface|introduction))[.:]?",
    re.IGNORECASE,
)
_HAN_NUMBER: Final = "[0-9０-９〇○零一二三四五六七八九十百千两]{1,7}"
_HAN_CHAPTER: Final = re.compile(rf"(?:正文 ?)?第 ?{_HAN_NUMBER} ?(?P<word>[章回节節话話幕篇集])(?P<rest>.*)")
_HAN_PART: Final = re.compile(rf"第 ?{_HAN_NUMBER} ?(?P<word>[部卷編编册])(?P<rest>.*)|卷{_HAN_NUMBER}(?P<other>.*)")
_HAN_MATTER: Final = re.compile(
    r"(?:序章?|自序|前言|引子|楔子|序言|序幕|尾声|尾聲|后记|後記|终章|終章|番外.{0,20}|プロローグ|エピローグ)"
)
_ROMAN_NUMBER: Final = "(?=[IVXLC])(?:C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_LONE_NUMBER: Final = re.compile(
    rf"(?:(?P<roman>{_ROMAN_NUMBER})|(?P<digits>\d{{1,3}})|(?P<word>(?i:{_CARDINAL})))(?P<rest>[.:]?(?: .*)?)"
    r"|(?P<han>[一二三四五六七八九十]{1,3})(?P<han_rest>[、.．]?.*)"
)

_LETTER: Final = re.compile(r"[^\W\d_]")
_LONGEST_HEADING: Final = 110
_LONGEST_HAN_REST: Final = 30
_LONGEST_TITLE: Final = 60
_CENTRED_COLUMNS: Final = 8
_TITLE_STOPS: Final = tuple('.。,，;；:：!！?？”"’」』…、—-')
_SENTENCE_STOPS: Final = tuple(".。,，;；:：!！?？…")
_STOPS: Final = (".", ",", ";", "!", "?", "”")
_HAN_STOPS: Final = tuple("。，；：！？”」』…、")
_TWENTY: Final = 19
"""Its place among the cardinals."""

_ROMAN: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_HAN_DIGITS: Final = {digit: value for value, digit in enumerate("一二三四五六七八九", start=1)}


def is_part_heading(text: str) -> bool:
    """Whether a heading names a part of a book, which holds chapters."""
    return sort_of_words(text) is HeadingSort.PART


def is_chapter_heading(text: str) -> bool:
    """Whether a heading names a chapter by its number, or is a preface or the like."""
    return sort_of_words(text) in {HeadingSort.CHAPTER, HeadingSort.MATTER}


def is_bare_label(text: str) -> bool:
    """Whether a heading is a label and number only (`CHAPTER XII.`), so that a title may follow."""
    for pattern in (_CHAPTER, _PART, _ORDINAL, _HAN_CHAPTER, _HAN_PART):
        match = pattern.fullmatch(text)
        if match:
            return not (match.groupdict().get("rest") or match.groupdict().get("other") or "").strip(" .:—–-]")
    return False


def sort_of_words(text: str) -> HeadingSort | None:
    """What a line is by its words alone; None when they make no heading."""
    if width(text) > _LONGEST_HEADING:
        return None
    for pattern, sort in ((_CHAPTER, HeadingSort.CHAPTER), (_PART, HeadingSort.PART)):
        match = pattern.fullmatch(text)
        if match and _is_title_like(text, match["rest"]):
            return sort
    ordinal = _ORDINAL.fullmatch(text)
    if ordinal and _is_title_like(text, ordinal["rest"]):
        return HeadingSort.PART if re.fullmatch(_PART_WORDS, ordinal["word"], re.IGNORECASE) else HeadingSort.CHAPTER
    for pattern, sort in ((_HAN_CHAPTER, HeadingSort.CHAPTER), (_HAN_PART, HeadingSort.PART)):
        match = pattern.fullmatch(text)
        if match and _is_han_title(match["rest"] or match.groupdict().get("other") or ""):
            return sort
    return HeadingSort.MATTER if _MATTER.fullmatch(text) or _HAN_MATTER.fullmatch(text) else None


def _is_title_like(text: str, rest: str) -> bool:
    """Whether what follows `Chapter 1` is nothing, or a title: not a sentence that goes on."""
    if not text[0].isupper():
        return False
    title = rest.strip(" .:—–-]")
    if not title:
        return True
    if not (title[0].isupper() or title[0] in "“\"'‘([0123456789"):
        return False
    return rest[0] in ".:—–-]" or not title.endswith(_STOPS)


def _is_han_title(rest: str) -> bool:
    title = rest.strip(" :：、.·—")
    return (
        len(title) <= _LONGEST_HAN_REST
        and not title.endswith(_HAN_STOPS)
        and not rest.startswith(("的", "，", "。", "里", "中"))
    )


def leading_number(text: str) -> tuple[int, str] | None:
    """`(value, title)` of a line that is a number (`IV.`, `12`, `One`, `十二`); the title may be empty."""
    match = _LONE_NUMBER.fullmatch(text)
    if match is None or width(text) > _LONGEST_TITLE or text[0].islower():
        return None
    title = (match["rest"] or match["han_rest"] or "").strip(" .:、．")
    if match["han"]:
        is_heading = not title or match["han_rest"][0] in "、.． "
    else:
        is_heading = not title or (title[0].isupper() and not title.endswith(_STOPS))
    if not is_heading:
        return None
    if match["digits"]:
        return int(match["digits"]), title
    if match["word"]:
        return _word_value(match["word"]), title
    return (_han_value(match["han"]) if match["han"] else _roman_value(match["roman"])), title


def _word_value(words: str) -> int:
    order = _CARDINALS.split()
    places = [order.index(word) for word in words.lower().replace("-", " ").split()]
    return sum(place + 1 if place < _TWENTY else 10 * (place - _TWENTY + 2) for place in places)


def _han_value(digits: str) -> int:
    tens, has_ten, ones = digits.rpartition("十")
    return (_HAN_DIGITS.get(tens, 1) * 10 if has_ten else 0) + _HAN_DIGITS.get(ones, 0)


def _roman_value(digits: str) -> int:
    values = [_ROMAN[digit] for digit in digits]
    return sum(-low if low < high else low for low, high in zip(values, [*values[1:], 0], strict=True))


def is_subtitle(text: str) -> bool:
    """Whether the line below `CHAPTER I` is its title: short, begun like one, and not a sentence."""
    if width(text) > _LONGEST_HEADING or "\n" in text or not _LETTER.search(text):
        return False
    if text.startswith("[") and text.endswith("]"):
        return False  # a stage direction
    if text.isupper():
        return not text.endswith((",", ";"))
    first = text.lstrip("“\"‘'「《(")
    return bool(first) and not first[0].islower() and not text.rstrip("”\"’'」』").endswith(_SENTENCE_STOPS)


def is_title_line(text: str, *, blanks: int, indent: int, is_han: bool) -> bool:
    """Whether a line that stands alone is a title by the space around it and its letters.

    Args:
        text: the line, stripped.
        blanks: empty lines above it.
        indent: columns before it, beyond what paragraphs have.
        is_han: Chinese or Japanese, where there are no capitals and less space.
    """
    letters = [letter for letter in text if letter.isalpha()]
    if not letters or width(text) > _LONGEST_TITLE or is_scene_break(text):
        return False
    if is_han:
        return (
            not text.endswith(_TITLE_STOPS)
            and text[0] not in "“「『‘〔（(—□"
            and (blanks >= 2 or indent >= _CENTRED_COLUMNS)
        )
    is_capitals = len(letters) > 2 and all(letter.isupper() for letter in letters)
    if is_capitals and text[0] not in "“\"‘'([" and blanks >= 2:
        return not text.endswith((",", ";", "”", '"', "—", "-"))
    if text.endswith(_TITLE_STOPS) or not (text[0].isupper() or text[0].isdigit()):
        return False
    return blanks >= 3 or (blanks >= 2 and indent >= _CENTRED_COLUMNS)
