"""Pickups: which lines of a production were recorded again, how each was asked for, and which take is heard.

They are in `pickups.json` in the production: what a person decided about a book belongs to the book. A pickup is of
one place: the same words elsewhere, said by the same voice, keep the take that they have. Invariant: a pickup counts as
long as its words are asked for as they were; when the line is edited it lapses, and nothing else is changed by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from narration.book import Chunk, Respelling
from narration.errors import InputError, Problem, StoreError
from narration.folder import write_whole
from narration.typed import made, object_of

FILE: Final = "pickups.json"
VERSION: Final = 1

Key = tuple[int, str, int]
"""Number of the chapter, take id of the ask with ordinal 0, and which of the chapter's chunks with that id, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One take of a place: how it was asked for.

    Attributes:
        ordinal: of the take; 0 is the one that was spoken first.
        say: words that are said instead of what the script says; empty is as there.
        direction: instead of the script's; empty is as there.
        note: why it was asked for.
        at: when, ISO 8601, UTC.
    """

    ordinal: int
    say: str = ""
    direction: str = ""
    note: str = ""
    at: str = ""

    def said(self, chunk: Chunk) -> Chunk:
        """The chunk with the words of this take."""
        if not self.say:
            return chunk
        return replace(chunk, respellings=(Respelling(start=chunk.start, end=chunk.end, say=self.say),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickup:
    """A place that was recorded again.

    Attributes:
        chapter: its number.
        take_id: of the ask with ordinal 0.
        nth: which of the chapter's chunks with that id, from 0.
        place: as it was named then, for people (`3:17`).
        text: its words, for people.
        readings: takes beyond the first, in order of their ordinals.
        chosen: ordinal of the one that is heard.
    """

    chapter: int
    take_id: str
    nth: int
    place: str
    text: str
    readings: tuple[Reading, ...] = ()
    chosen: int = 0

    @property
    def key(self) -> Key:
        """Where it counts."""
        return (self.chapter, self.take_id, self.nth)

    def reading(self, ordinal: int) -> Reading | None:
        """The reading of an ordinal; ordinal 0 is the first take. None where there is none."""
        first = Reading(ordinal=0)
        return next((one for one in (first, *self.readings) if one.ordinal == ordinal), None)

    def with_reading(self, reading: Reading) -> Pickup:
        """The same with one more take, which is heard."""
        return replace(self, readings=(*self.readings, reading), chosen=reading.ordinal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickups:
    """The pickups of a production, by where they count."""

    by_key: Mapping[Key, Pickup] = field(default_factory=dict)

    def heard(self, key: Key) -> Reading | None:
        """The reading that a person chose there; None where nobody chose."""
        pickup = self.by_key.get(key)
        return None if pickup is None else pickup.reading(pickup.chosen)

    def changed(self, pickups: Iterable[Pickup]) -> Pickups:
        """With these in the place of those with the same keys."""
        return Pickups(by_key=dict(self.by_key) | {pickup.key: pickup for pickup in pickups})


def load_pickups(production: Path) -> Pickups:
    """The pickups of a production; none without a file.

    Raises:
        InputError: the file is not one of ours.
    """
    path = production / FILE
    try:
        found = _decoded(object_of(path.read_bytes()))
    except FileNotFoundError:
        return Pickups()
    except (OSError, ValueError) as error:
        hint = "Restore it from a backup; without the file the first take of every line is heard."
        problem = Problem(what=f"cannot be read: {error}", where=str(path), expected=f"version {VERSION}", hint=hint)
        raise InputError(problem) from error
    return Pickups().changed(found)


def save_pickups(production: Path, pickups: Pickups) -> Path:
    """Write them, whole or not at all.

    Raises:
        StoreError: the folder cannot be written.
    """
    path = production / FILE
    records = [asdict(pickup) for _, pickup in sorted(pickups.by_key.items())]
    text = json.dumps({"version": VERSION, "pickups": records}, ensure_ascii=False, indent=1) + "\n"
    try:
        write_whole(path, text.encode(), create=False)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def _decoded(data: dict[str, Any]) -> tuple[Pickup, ...]:
    if data.get("version") != VERSION:
        raise ValueError(f"version {data.get('version')!a}")
    return made(tuple[Pickup, ...], data.get("pickups"))
