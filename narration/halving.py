"""A chunk that a service refuses, in two: at a sentence if there is one, elsewhere only when its length is the reason.

Invariant: the two halves are the whole, in order; between them is white space.
"""

from __future__ import annotations

from dataclasses import replace

from narration.book import Chunk, Gap
from narration.chunks import is_speakable, measure
from narration.sentences import sentence_spans, split_long
from narration.settings.settings import LengthUnit


def halves(chunk: Chunk, language: str, *, within_sentences: bool) -> tuple[Chunk, Chunk] | None:
    """Cut a chunk at the boundary nearest to its middle.

    Args:
        chunk: what was refused.
        language: ISO 639-1, for the rules of sentences.
        within_sentences: whether a single sentence may be cut.

    Returns:
        Two chunks that hold something to speak each, or None where there is no place to cut.
    """
    text = chunk.text
    places = [end for _, end in sentence_spans(text, language, longest=len(text))[:-1]]
    if not places and within_sentences:
        longest = max(1, len(text) - 1)
        places = [end for _, end in split_long(text, lambda part: len(part) <= longest)[:-1]]
    middle = len(text) / 2
    for place in sorted(places, key=lambda place: abs(place - middle)):
        if any(one.start < chunk.start + place < one.end for one in chunk.respellings):
            continue
        first, second = _part(chunk, 0, place, chunk.gap), _part(chunk, place, len(text), Gap.WITHIN)
        if is_speakable(first.spoken) and is_speakable(second.spoken):
            return first, second
    return None


def _part(chunk: Chunk, start: int, end: int, gap: Gap) -> Chunk:
    piece = chunk.text[start:end]
    begin = chunk.start + start + len(piece) - len(piece.lstrip())
    kept = piece.strip()
    return replace(
        chunk,
        start=begin,
        end=begin + len(kept),
        text=kept,
        gap=gap,
        pause_ms=chunk.pause_ms if gap is chunk.gap and not start else None,
        respellings=tuple(one for one in chunk.respellings if begin <= one.start and one.end <= begin + len(kept)),
    )


def lengths(text: str) -> dict[LengthUnit, int]:
    """How long a text is, in every unit."""
    return {unit: measure(text, unit) for unit in LengthUnit}
