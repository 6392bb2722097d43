"""Speeches that the manuscript's own markup gives to somebody: plays and screenplays as lines.

Invariant: the parts of a speech are all of it but white space, in order; a name that the cast does not know makes a
doubt, never a loss.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from narration.book import ChapterScript, Paragraph
from narration.cast import Cast

_JOINT: Final = re.compile(r"\s+\+\s+")
_TOGETHER: Final = re.compile(
    r"\s*(?:,\s*(?:and\s+)?|\s&\s|\s/\s|\s\+\s|\sand\s|\set\s|\sund\s|\sy\s|\se\s|、|和)\s*", re.IGNORECASE
)
_ARTICLE: Final = re.compile(r"^(?:the|der|die|das|le|la|les|el|il|lo|o|a)\s+(?=\S)")
_BRACKETS: Final = str.maketrans("", "", "()[]（）［］")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of a speech.

    Attributes:
        start, end: span in the paragraph.
        is_direction: it is a stage direction.
        direction: how the words are to be said: the stage directions right before them.
        is_unspoken: a direction that stands before words of the speech; it is said of them, and not read aloud.
    """

    start: int
    end: int
    is_direction: bool = False
    direction: str = ""
    is_unspoken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Speakers:
    """Whom a speech belongs to.

    Attributes:
        characters: of the cast, in the order of the manuscript, none twice.
        strangers: names that the cast does not know, as the manuscript has them.
    """

    characters: tuple[str, ...]
    strangers: tuple[str, ...] = ()


def parts_of(paragraph: Paragraph) -> tuple[Part, ...]:
    """A speech as words and stage directions.

    A direction before words says how they are said. One that no words follow is something that happens: it is read, as
    is all of a paragraph without a speaker.
    """
    pieces = list(_pieces(paragraph))
    parts: list[Part] = []
    waiting: list[str] = []
    last = max(
        (index for index, (start, end, said) in enumerate(pieces) if said and _has_word(paragraph, start, end)),
        default=-1,
    )
    for index, (start, end, said) in enumerate(pieces):
        if not said:
            is_before = index < last
            waiting += [_bare(paragraph.text[start:end])] if is_before else []
            parts.append(Part(start=start, end=end, is_direction=True, is_unspoken=is_before))
        elif _has_word(paragraph, start, end):
            parts.append(Part(start=start, end=end, direction="; ".join(filter(None, waiting))))
            waiting = []
        else:
            # A lone sign between two directions goes with them.
            is_before = index < last
            parts.append(Part(start=start, end=end, is_direction=is_before, is_unspoken=is_before))
    return tuple(parts)


def _pieces(paragraph: Paragraph) -> Iterator[tuple[int, int, bool]]:
    """`(start, end, said)` of each stretch, white space at its ends left out."""
    position = 0
    for start, end in sorted(paragraph.directions):
        yield from _trimmed(paragraph.text, position, start, said=True)
        yield from _trimmed(paragraph.text, max(start, position), end, said=False)
        position = max(position, end)
    yield from _trimmed(paragraph.text, position, len(paragraph.text), said=True)


def _trimmed(text: str, start: int, end: int, *, said: bool) -> Iterator[tuple[int, int, bool]]:
    piece = text[start:end]
    if piece.strip():
        begin = start + len(piece) - len(piece.lstrip())
        yield begin, begin + len(piece.strip()), said


def _has_word(paragraph: Paragraph, start: int, end: int) -> bool:
    return any(char.isalnum() for char in paragraph.text[start:end])


def _bare(text: str) -> str:
    """A direction as it stands after a name: without brackets, on one line, without its full stop."""
    words = " ".join(text.translate(_BRACKETS).split())
    return words.removesuffix(".") if words.count(".") == 1 else words


def speakers_in(paragraph: Paragraph, cast: Cast) -> Speakers:
    """Who of the cast speaks a paragraph, by name or alias in whatever case; several where the manuscript says so."""
    owners = _owners(cast)
    found: dict[str, None] = {}
    strangers: dict[str, None] = {}
    for name in filter(None, map(str.strip, _JOINT.split(paragraph.speaker))):
        owner = _owner(name, owners)
        parts = [part for part in _TOGETHER.split(name) if part]
        together = [_owner(part, owners) for part in parts] if owner is None and len(parts) > 1 else []
        if owner is not None:
            found.setdefault(owner)
        elif together and all(together):
            found.update(dict.fromkeys(part for part in together if part))
        else:
            strangers.setdefault(" ".join(name.split()))
    return Speakers(characters=tuple(found), strangers=tuple(strangers))


def _owner(name: str, owners: dict[str, str]) -> str | None:
    folded = _folded(name)
    return owners.get(folded) or owners.get(_ARTICLE.sub("", folded))


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace("’", "'").split()).strip(" .,:;")


@lru_cache(maxsize=16)
def _owners(cast: Cast) -> dict[str, str]:
    owners = {_folded(one.name): one.name for one in cast.characters}
    for one in cast.characters:
        for alias in one.aliases:
            owners.setdefault(_folded(alias), one.name)
    for name, owner in list(owners.items()):
        owners.setdefault(_ARTICLE.sub("", name), owner)
    return owners


def strangers_in(scripts: Iterable[ChapterScript], cast: Cast) -> tuple[tuple[str, int], ...]:
    """`(name, lines)` of the speakers that the manuscript names, the cast does not know and nobody has decided on.

    Args:
        scripts: of the chapters.
        cast: who may speak.
    """
    counts: Counter[str] = Counter()
    for script in scripts:
        seen: set[int] = set()
        for line in script.lines:
            paragraph = script.chapter.paragraphs[line.paragraph]
            if line.doubtful and paragraph.speaker and line.paragraph not in seen:
                seen.add(line.paragraph)
                counts.update(speakers_in(paragraph, cast).strangers)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
