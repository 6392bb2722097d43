"""Finding many words in a text at once, as a lexicon means them.

Invariant: of the words that stand at a position the longest is found, a found word never lies inside another, and where
its script puts spaces between words it is a whole word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
)
"""Thai, Lao, Burmese, Khmer, kana, ideographs: no space tells where their words end."""

_HANGUL: Final = "\uac00-\ud7af"
_MARKS: Final = "\u0300-\u036f"
_LETTER: Final = rf"[^\W_{_UNSPACED}{_HANGUL}]|[{_MARKS}]"
_LETTER_AT_END: Final = re.compile(rf"(?:{_LETTER})\Z")
_LETTER_AT_START: Final = re.compile(_LETTER)
_HANGUL_AT_START: Final = re.compile(f"[{_HANGUL}]")

_AFTER_LETTER: Final = re.compile(rf"(?<=[^\W_{_UNSPACED}{_HANGUL}])")
_AFTER_HANGUL: Final = re.compile(f"(?<=[{_HANGUL}])")
# A possessive `’s` may follow, and `’ll`; but `don` is no word in `don’t`.
_BEFORE_LETTER: Final = re.compile(rf"{_LETTER}|['’][tT](?!{_LETTER})")

# One key of a keyboard, several signs in print.
_ALIKE: Final = dict.fromkeys("'’ʼ", "['’ʼ]") | dict.fromkeys("-‐‑", "[-‐‑]")
_SPACE: Final = r"(?:[^\S\n]+|\n)"
_START_CHARS: Final = 2

_Tree = dict[str, "_Tree"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A word to be found.

    Attributes:
        word: as a person wrote it; not empty, no space at its ends.
        ci: whether its case does not count.
        context: found only inside this longer text; empty for anywhere.
    """

    word: str
    ci: bool = False
    context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A word that was found: which one of the wanted, and its span in code points."""

    index: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _WholeWord:
    """A text in all its spellings, and what may not stand on either side of it.

    Attributes:
        spelt: the text itself.
        before, after: must not match at its start and at its end; None where anything may stand.
    """

    spelt: re.Pattern[str]
    before: re.Pattern[str] | None
    after: re.Pattern[str] | None

    def end(self, text: str, start: int) -> int:
        """Where the word ends that begins at `start`; -1 if it does not stand there."""
        match = self.spelt.match(text, start)
        if match is None or (self.before and self.before.match(text, start)):
            return -1
        return -1 if self.after and self.after.match(text, match.end()) else match.end()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A wanted word, compiled."""

    index: int
    word: _WholeWord
    context: _WholeWord | None
    context_chars: int

    def end(self, text: str, start: int) -> int:
        """Where the word ends that begins at `start`; -1 if it is another word, or elsewhere than in its context."""
        end = self.word.end(text, start)
        if end < 0 or self.context is None:
            return end
        # Spaces in print may be longer than those in the lexicon.
        begins = range(max(0, start - 2 * self.context_chars), start + 1)
        return end if any(self.context.end(text, begin) >= end for begin in begins) else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class WordFinder:
    """Words compiled into one expression.

    Attributes:
        wanted: the words; where several may stand at one position and are as long, the first in this order is found.
    """

    wanted: tuple[Wanted, ...]
    _scan: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _known: dict[str, list[_Known]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tree: _Tree = {}
        known: dict[str, list[_Known]] = {}
        for index, wanted in enumerate(self.wanted):
            one = _compiled(index, wanted)
            for spelling in _spellings(wanted.word):
                _plant(tree, [_atom(char, ci=wanted.ci) for char in spelling])
                for start in _starts(spelling, ci=wanted.ci):
                    known.setdefault(start, []).append(one)
        object.__setattr__(self, "_scan", re.compile(_expression(tree)) if tree else None)
        object.__setattr__(self, "_known", known)

    def find(self, text: str, is_wanted: Callable[[int], bool] = lambda _: True) -> Iterator[Found]:
        """The words in a text, in order; their spans do not overlap.

        Args:
            text: to be searched; time is linear in it.
            is_wanted: whether the word of that index counts here; one that does not is as if it were not in the list.
        """
        if self._scan is None:
            return
        position = 0
        while candidate := self._scan.search(text, position):
            found = self._longest(text, candidate.start(), is_wanted)
            if found:
                yield found
            position = found.end if found else candidate.start() + 1

    def _longest(self, text: str, start: int, is_wanted: Callable[[int], bool]) -> Found | None:
        best: Found | None = None
        for length in range(1, _START_CHARS + 1):
            for one in self._known.get(text[start : start + length], ()):
                end = one.end(text, start) if is_wanted(one.index) else -1
                if end < 0:
                    continue
                if best is None or (-end, one.index) < (-best.end, best.index):
                    best = Found(index=one.index, start=start, end=end)
        return best


def _compiled(index: int, wanted: Wanted) -> _Known:
    return _Known(
        index=index,
        word=_whole_word(wanted.word, ci=wanted.ci),
        context=_whole_word(wanted.context, ci=wanted.ci) if wanted.context else None,
        context_chars=max(map(len, _spellings(wanted.context)), default=0),
    )


def _spellings(text: str) -> tuple[str, ...]:
    """Accents composed and not: a manuscript may have either."""
    return tuple(dict.fromkeys(unicodedata.normalize(form, " ".join(text.split())) for form in ("NFC", "NFD")))


def _whole_word(text: str, *, ci: bool) -> _WholeWord:
    spellings = ("".join(_atom(char, ci=ci) for char in spelling) for spelling in _spellings(text))
    before = None
    if _HANGUL_AT_START.match(text):
        # A particle follows a Korean word without a space: only its beginning can be told.
        before = _AFTER_HANGUL
    elif _LETTER_AT_START.match(text):
        before = _AFTER_LETTER
    after = _BEFORE_LETTER if _LETTER_AT_END.search(text) else None
    return _WholeWord(spelt=re.compile("|".join(spellings)), before=before, after=after)


def _cases(char: str) -> list[str]:
    """The same letter in each case, as far as it is one letter there."""
    cases = dict.fromkeys((char, char.lower(), char.upper(), char.title(), char.casefold()))
    return [case for case in cases if len(case) == 1]


def _atom(char: str, *, ci: bool) -> str:
    if char == " ":
        return _SPACE
    if char in _ALIKE:
        return _ALIKE[char]
    cases = _cases(char) if ci else [char]
    return re.escape(char) if len(cases) == 1 else f"[{''.join(cases)}]"


def _starts(spelling: str, *, ci: bool) -> Iterator[str]:
    """What a text may begin with where the word stands: two characters, or one before a space."""
    starts = [""]
    for char in spelling[:_START_CHARS]:
        if char == " ":
            break
        signs = _ALIKE[char].strip("[]") if char in _ALIKE else _cases(char) if ci else char
        starts = [start + sign for start in starts for sign in signs]
    yield from dict.fromkeys(starts)


def _plant(tree: _Tree, atoms: Sequence[str]) -> None:
    for atom in atoms:
        tree = tree.setdefault(atom, {})
    tree[""] = {}


def _expression(tree: _Tree) -> str:
    """Matches wherever one of the words may begin; the shortest suffices."""
    if "" in tree:
        return ""
    branches = [atom + _expression(below) for atom, below in tree.items()]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
