"""What a reader leaves out, counted.

Invariant: text is either read or in the tally; nothing is dropped beside it.
"""

from __future__ import annotations

import difflib
from typing import Final

from narration.book import LeftOut, LeftOutKind
from narration.errors import InputError, Problem
from narration.manuscript.letters import clean

_EXAMPLE_CHARS: Final = 80


class Leavings:
    """Collects what one reading leaves out.

    Args:
        keep: kinds that are to be read all the same.
    """

    def __init__(self, keep: frozenset[str] = frozenset()) -> None:
        self._keep = keep
        self._found: dict[LeftOutKind, list[tuple[int, str]]] = {}

    def keeps(self, kind: LeftOutKind) -> bool:
        """Whether this kind is to be read."""
        return kind in self._keep

    def leave(self, kind: LeftOutKind, text: str) -> bool:
        """Counts a piece and says True; says False, and counts nothing, when its kind is to be read."""
        if kind in self._keep:
            return False
        words = clean(text.replace("\n", " "))
        self._found.setdefault(kind, []).append((len(words), words[:_EXAMPLE_CHARS]))
        return True

    def apart(self) -> Leavings:
        """An empty one for the same kinds: for a reading that may be given up."""
        return Leavings(self._keep)

    def join(self, other: Leavings) -> None:
        """Counts what another has counted."""
        for kind, found in other._found.items():
            self._found.setdefault(kind, []).extend(found)

    def tally(self) -> tuple[LeftOut, ...]:
        """What was left out, by kind, in the order of the kinds."""
        return tuple(
            LeftOut(
                kind=kind,
                count=len(self._found[kind]),
                characters=sum(length for length, _ in self._found[kind]),
                example=next((words for _, words in self._found[kind] if words), ""),
            )
            for kind in LeftOutKind
            if kind in self._found
        )


def check_kinds(keep: frozenset[str]) -> None:
    """Refuses a name that is no kind of what is left out.

    Raises:
        InputError: with the nearest valid name of each.
    """
    names = [kind.value for kind in LeftOutKind]
    problems = []
    for name in sorted(keep.difference(names)):
        near = difflib.get_close_matches(name, names, n=1)
        expected = f"`{near[0]}`" if near else ", ".join(names)
        problems.append(Problem(what=f"`{name}` is nothing that a reader leaves out", where="keep", expected=expected))
    if problems:
        raise InputError(*problems)
