"""Where a text may be cut: after sentences, then inside an over-long one, never inside a word when that can be avoided.

Invariant: every function returns offsets into the text that it was given; none changes a character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

import sentencex

_ABBREVIATIONS: Final = (
    "Mr Mrs Ms Dr Prof Rev Hon St Ste Sr Jr Messrs Mme Mlle Mons Capt Col Gen Lt Lieut Maj Sgt Cpl Adm Gov Pres "
    "Sen Rep Esq Bros No Nos Vol Vols Ch Fig pp p vs viz cf etc al ca e.g i.e Co Inc Ltd Bart Mt Ft Ave Jan Feb "
    "Mar Apr Jun Jul Aug Sept Sep Oct Nov Dec Hr Fr Frl Nr bzw Sra Dra Srta Sig Dott"
)
_ABBREVIATION: Final = "|".join(re.escape(word) for word in _ABBREVIATIONS.split())
_AFTER_ABBREVIATION: Final = re.compile(
    rf"(?:(?<![\w.])(?:{_ABBREVIATION})|(?<![\w’'])[A-Z]|\b[A-Z](?:\.[A-Z])+)\.\s*$"
)
_LIST_NUMBER: Final = re.compile(r"(?:^|\s)\d{1,3}\.\s*$")
_WORD: Final = re.compile(r"[^\W_]")
_GOES_ON: Final = re.compile(r"[\s\"'’”)\]—–-]*[a-zà-öø-ÿ]")
_MASK: Final = str.maketrans(dict.fromkeys('“”"„«»「」『』‘', " "))
"""sentencex keeps quoted text whole, however long; an apostrophe stays, or words would fall apart."""

_LONG_LINE_CHARS: Final = 20_000
"""sentencex takes quadratic time over many quotation marks: a longer line is masked at once."""

_RANKS: Final = (
    re.compile(r"[.!?…][”’\"')\]]*(?=\s)|[。！？…]+[”’」』）]*"),
    re.compile(r"[;:][”’\"')\]]*(?=\s)|[；：]|[—–―]+(?=\s?\S)|--+"),
    re.compile(r",[”’\"']*(?=\s)|[，、]"),
    re.compile(r"\s+"),
)
"""What an over-long sentence is cut after, best first. The first is for what stands in quotation marks inside it."""

_SPACE_RANK: Final = len(_RANKS) - 1
_NUMBER_GAP: Final = re.compile(r"\d\s+\Z")
_NOT_AT_THE_EDGE: Final = 0.1
_ZWJ: Final = "\u200d"


def sentence_spans(text: str, language: str, *, longest: int) -> list[tuple[int, int]]:
    """`(start, end)` of the sentences of one line; together they are the whole text.

    Args:
        text: of one line, without outer quotation marks.
        language: ISO 639-1.
        longest: a sentence over this many code points is looked at again as if it had no quotation marks inside.
    """
    spans: list[tuple[int, int]] = []
    if len(text) > _LONG_LINE_CHARS:
        text = text.translate(_MASK)
    for start, end in _joined(text, _boundaries(text, language)):
        if end - start > longest:
            masked = text[start:end].translate(_MASK)
            spans += [(start + low, start + high) for low, high in _joined(masked, _boundaries(masked, language))]
        else:
            spans.append((start, end))
    return spans


def _boundaries(text: str, language: str) -> list[int]:
    """Ends of the pieces that sentencex finds."""
    ends: list[int] = [int(boundary["end_index"]) for boundary in sentencex.get_sentence_boundaries(language, text)]
    return [end for end in ends if 0 < end < len(text)] + [len(text)]


def _joined(text: str, ends: list[int]) -> Iterator[tuple[int, int]]:
    """The pieces, without the ends that are none: after an abbreviation, before a small letter, beside mere symbols."""
    start = 0
    for end in ends:
        if end < len(text) and not _is_end(text, start, end):
            continue
        if end > start:
            yield start, end
            start = end


def _is_end(text: str, start: int, end: int) -> bool:
    piece = text[start:end]
    if not _WORD.search(piece) or not _WORD.search(text, end):
        return False
    tail = text[max(start, end - 24) : end]
    if _AFTER_ABBREVIATION.search(tail) or _LIST_NUMBER.search(piece[-8:]):
        return False
    return not _GOES_ON.match(text, end)


def split_long(text: str, fits: Callable[[str], bool]) -> list[tuple[int, int]]:
    """`(start, end)` of the parts of a text that is too long: cut nearest the middle, again and again until all fit.

    Cuts stand after `; : —`, else after a comma, else at a space that parts neither a number nor a title from its name,
    else at any space, else between characters as people see them; between code points only when one such character is
    itself too long.

    Args:
        text: what is too long, or not.
        fits: whether a part is short enough; it must hold for a single code point.
    """
    parts: list[tuple[int, int]] = []
    waiting = [(0, len(text))]
    while waiting:
        start, end = waiting.pop()
        piece = text[start:end]
        if len(piece) <= 1 or fits(piece.strip()):
            parts.append((start, end))
            continue
        cut = start + _cut(piece)
        waiting += [(cut, end), (start, cut)]
    return parts


def _cut(text: str) -> int:
    """The best place to cut a text in two, both parts not empty."""
    edge = int(len(text) * _NOT_AT_THE_EDGE)
    for rank, pattern in enumerate(_RANKS):
        low, high = (max(edge, 1), len(text) - max(edge, 1)) if rank < _SPACE_RANK else (1, len(text) - 1)
        places = [match.end() for match in pattern.finditer(text) if low <= match.end() <= high]
        places.sort(key=lambda place: abs(place - len(text) / 2))
        best = next((place for place in places if _keeps_together(text, place)), None)
        if best is not None:
            return best
        if places and rank == _SPACE_RANK:
            return places[0]
    return _cut_anywhere(text)


def _keeps_together(text: str, place: int) -> bool:
    head = text[max(0, place - 24) : place]
    if _AFTER_ABBREVIATION.search(head):
        return False
    return not (_NUMBER_GAP.search(head) and text[place : place + 1].isdigit())


def _cut_anywhere(text: str) -> int:
    middle = len(text) // 2
    for distance in range(len(text)):
        for place in (middle - distance, middle + distance):
            if 0 < place < len(text) and not _is_inside_character(text, place):
                return place
    return middle


def _is_inside_character(text: str, place: int) -> bool:
    """Whether a cut would part what is seen as one character (a letter and its accent, a joined emoji).

    Source: the usual cases of Unicode UAX 29, extended grapheme clusters; not all of them.
    """
    before, after = text[place - 1], text[place]
    if (
        after == _ZWJ
        or before == _ZWJ
        or unicodedata.category(after).startswith("M")
        or "\U0001f3fb" <= after <= "\U0001f3ff"
    ):
        return True
    if _is_flag_letter(before) and _is_flag_letter(after):
        run = 0
        while run < place and _is_flag_letter(text[place - 1 - run]):
            run += 1
        return run % 2 == 1
    return "\u1100" <= before <= "\u11ff" and "\u1160" <= after <= "\u11ff"


def _is_flag_letter(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"
