"""Two texts compared word by word, whatever white space is in them: for messages, and to follow a changed text.

Invariant: the words of a text are all of it but its white space, in order.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile("(?!\\s)[\u2e80-\U0010ffff]|[^\\W\u2e80-\U0010ffff]+|[^\\w\\s]")
"""A Han or kana letter is a word, and so is every sign."""
_STOPS: Final = frozenset(".!?。！？…")
_CLOSERS: Final = frozenset("”’\"')]»」』）")
_MOST_PAIRS: Final = 4_000_000
"""A stretch that has more pairs of words than this is compared by its sentences only: time is their product."""
_SHOWN_CHARS: Final = 150
_SHOWN_BEFORE: Final = 50
_MOST_ROWS: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text as words.

    Attributes:
        text: the text.
        spans: of each word.
        sentences: index of each sentence's first word, and of the word after the last.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    sentences: tuple[int, ...]

    def __getitem__(self, index: int) -> str:
        return self.text[slice(*self.spans[index])]

    def __len__(self) -> int:
        return len(self.spans)

    def keys(self) -> list[str]:
        """Each sentence without its white space."""
        return [
            "".join(self[index] for index in range(low, high))
            for low, high in zip(self.sentences, self.sentences[1:], strict=False)
        ]

    def sentence(self, index: int) -> tuple[int, int]:
        """Where a sentence is in the text."""
        return self.spans[self.sentences[index]][0], self.spans[self.sentences[index + 1] - 1][1]


def words_of(text: str) -> Words:
    """The words of a text."""
    spans = tuple(match.span() for match in _WORD.finditer(text))
    starts, ended = [0], False
    for index, (start, end) in enumerate(spans):
        word = text[start:end]
        if ended and word not in _STOPS and word not in _CLOSERS:
            starts.append(index)
            ended = False
        ended = ended or word in _STOPS
    return Words(text=text, spans=spans, sentences=tuple(starts) + ((len(spans),) if spans else ()))


def aligned(old: Words, new: Words) -> list[int]:
    """For each word of the new text the word of the old one that it is, or -1: sentence by sentence, then by word."""
    found = [-1] * len(new)
    for tag, low, high, start, end in _compare(old.keys(), new.keys()):
        old_words = range(old.sentences[low], old.sentences[high])
        new_words = range(new.sentences[start], new.sentences[end])
        if tag == "equal":
            for index, other in zip(new_words, old_words, strict=True):
                found[index] = other
        elif tag == "replace" and len(old_words) * len(new_words) <= _MOST_PAIRS:
            pairs = _compare([old[index] for index in old_words], [new[index] for index in new_words])
            for inner, first, last, begin, _ in pairs:
                if inner == "equal":
                    for step in range(last - first):
                        found[new_words[begin + step]] = old_words[first + step]
    return found


def _compare(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """The changes from one list to the other; what is equal at both ends is taken off before anything is searched."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    inner = difflib.SequenceMatcher(
        None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False
    ).get_opcodes()
    found: list[tuple[str, int, int, int, int]] = [("equal", 0, head, 0, head)] if head else []
    found += [(tag, low + head, high + head, start + head, end + head) for tag, low, high, start, end in inner]
    return [*found, ("equal", len(old) - tail, len(old), len(new) - tail, len(new))] if tail else found


def unified(old: str, new: str, *, names: tuple[str, str]) -> tuple[str, int]:
    """A unified difference of two texts by sentence, shortened, and where in the new text it begins.

    Args:
        old: the one text.
        new: the other.
        names: what the two are called.
    """
    olds, news = words_of(old), words_of(new)
    rows = [f"--- {names[0]}", f"+++ {names[1]}"]
    place: int | None = None
    for tag, low, high, start, end in _compare(olds.keys(), news.keys()):
        if tag == "equal":
            continue
        if place is None:
            place = _first_other(olds, news, olds.sentences[low] if low < high else None, start)
        before = _shown(olds, range(low - 1, low)) if low else []
        rows += ["@@"] + [f" {text}" for text in before]
        minus, plus = _shown(olds, range(low, high)), _shown(news, range(start, end))
        if len(minus) == len(plus):
            pairs = [_around(one, other) for one, other in zip(minus, plus, strict=True)]
            minus, plus = [one for one, _ in pairs], [other for _, other in pairs]
        rows += [f"-{_short(text)}" for text in minus] + [f"+{_short(text)}" for text in plus]
    more = len(rows) - _MOST_ROWS
    return "\n".join(rows[:_MOST_ROWS] + ([f"… and {more} rows more"] if more > 0 else [])), place or 0


def _first_other(olds: Words, news: Words, word: int | None, sentence: int) -> int:
    """Where the first word of the new text is that the old one does not have there."""
    if sentence >= len(news.sentences) - 1:
        return len(news.text)
    index = news.sentences[sentence]
    while word is not None and index < len(news) - 1 and word < len(olds) and olds[word] == news[index]:
        word, index = word + 1, index + 1
    return news.spans[index][0]


def _shown(words: Words, sentences: range) -> list[str]:
    return [" ".join(words.text[slice(*words.sentence(index))].split()) for index in sentences]


def _around(one: str, other: str) -> tuple[str, str]:
    """Both from a little before the place where they begin to differ."""
    same = next((index for index, (a, b) in enumerate(_pairs(one, other)) if a != b), min(len(one), len(other)))
    if max(len(one), len(other)) <= _SHOWN_CHARS or same <= _SHOWN_BEFORE:
        return one, other
    return "…" + one[same - _SHOWN_BEFORE :], "…" + other[same - _SHOWN_BEFORE :]


def _pairs(one: str, other: str) -> Iterator[tuple[str, str]]:
    return zip(one, other, strict=False)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
