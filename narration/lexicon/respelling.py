"""What is said instead of what is written: a text, and the list of every change that was made to it.

Invariant: a change names its span in the text as written, changes do not overlap, and undone they give that text back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One stretch of a text that is said otherwise than it is written.

    Attributes:
        start, end: its span in the text as written, code points; never empty.
        written: the text at that span.
        said: what is sent in its place; may be empty.
        entry: who asked for it: a place in the lexicon (`lexicon.yaml:7`), or the name of a text rule (`roman`).
    """

    start: int
    end: int
    written: str
    said: str
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Respelt:
    """A text as it is sent to a speech service.

    Attributes:
        text: as sent.
        changes: in order; empty when the text is sent as it is written.
    """

    text: str
    changes: tuple[Change, ...] = ()


def respelt(text: str, changes: Iterable[Change]) -> Respelt:
    """A text with its changes made.

    Args:
        text: as written.
        changes: in any order; one that says what is written is no change, and left out.

    Raises:
        ValueError: two of them overlap, or one is not of this text.
    """
    made = tuple(sorted((change for change in changes if change.said != change.written), key=lambda one: one.start))
    parts, position = [], 0
    for change in made:
        if change.start < position or change.start >= change.end:
            raise ValueError(f"{change} overlaps the change before it, or is empty")
        if text[change.start : change.end] != change.written:
            raise ValueError(f"{change} is not of this text")
        parts += [text[position : change.start], change.said]
        position = change.end
    return Respelt(text="".join([*parts, text[position:]]), changes=made)


def as_written(spoken: Respelt) -> str:
    """The text before its changes were made."""
    parts, position, shift = [], 0, 0
    for change in spoken.changes:
        start = change.start + shift
        parts += [spoken.text[position:start], change.written]
        position = start + len(change.said)
        shift += len(change.said) - len(change.written)
    return "".join([*parts, spoken.text[position:]])
