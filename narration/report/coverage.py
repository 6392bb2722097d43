"""Coverage: how much of a chapter's text is heard, what is not, and how each line was verified.

Invariant: 1.0 means that every letter and digit that is to be spoken is in a chunk that has a take; anything less names
the words that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from narration.book import Chunk
from narration.take import Take


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProof:
    """How one line was verified.

    Attributes:
        line: its index among the chapter's lines.
        takes: ids of the takes that are heard.
        by: `text, sound and voice`, with `, word by word` where a recogniser followed all of it; `level only` (a take
            that was stored without traits), or `nothing`: not spoken.
        retaken: whether a take other than the first is heard.
    """

    line: int
    takes: tuple[str, ...]
    by: str
    retaken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What of a chapter is heard.

    Attributes:
        share: of the letters and digits that are to be spoken; exactly 1.0 where all are.
        missing: the words that nobody speaks, in order.
        lines: of those that are to be spoken, in order.
    """

    share: float
    missing: tuple[str, ...]
    lines: tuple[LineProof, ...]

    def as_json(self) -> dict[str, object]:
        """For programs; a line is `[index, take ids, by, retaken]`."""
        lines = [[one.line, list(one.takes), one.by, one.retaken] for one in self.lines]
        return {"share": self.share, "missing": list(self.missing), "lines": lines}


def coverage_of(
    pieces: Iterable[tuple[Chunk, Take | None]], is_heard: Callable[[Take], bool] | None = None
) -> Coverage:
    """The coverage of a chapter.

    Args:
        pieces: every chunk that is to be spoken, in the order of the text, with the take that is heard.
        is_heard: whether a recogniser followed the words of a take; None where none was asked.
    """
    known = tuple(pieces)
    total = sum(_letters(chunk.text) for chunk, _ in known)
    missing = tuple(chunk.text for chunk, take in known if take is None)
    heard = total - sum(_letters(text) for text in missing)
    lines: dict[int, list[Take | None]] = {}
    for chunk, take in known:
        lines.setdefault(chunk.line, []).append(take)
    return Coverage(
        share=1.0 if not missing or not total else heard / total,
        missing=missing,
        lines=tuple(_proof(line, takes, is_heard) for line, takes in lines.items()),
    )


def _proof(line: int, takes: list[Take | None], is_heard: Callable[[Take], bool] | None) -> LineProof:
    heard = [take for take in takes if take is not None]
    by = "text, sound and voice" if all(take.traits is not None for take in heard) else "level only"
    if is_heard is not None and heard and all(map(is_heard, heard)):
        by += ", word by word"
    return LineProof(
        line=line,
        takes=tuple(take.take_id for take in heard),
        by=by if heard else "nothing",
        retaken=any(take.ask.ordinal for take in heard),
    )


def _letters(text: str) -> int:
    return sum(char.isalnum() for char in text)
