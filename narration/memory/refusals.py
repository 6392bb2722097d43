"""What a service refused to speak, and what it taught us about its length limit: remembered, so as not to ask again.

Invariant: a refusal is under the identity of the request that was refused, so that a reworded line is a new request.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from narration.errors import StoreError
from narration.settings.settings import LengthUnit
from narration.typed import made, object_of, read_as

if TYPE_CHECKING:
    from narration.memory.store import Store

_LOOKUPS_AT_ONCE = 64


class RefusalKind(StrEnum):
    """Why something was refused."""

    LENGTH = "length"
    TEXT = "text"
    """Content inspection, or nothing in it that the service can speak."""
    VOICE = "voice"
    """Not a text: the design of a voice, under its design id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One text, or one design of a voice, that a service refused.

    Attributes:
        take_id: the request; of a design, its design id.
        kind: why.
        message: the service's words.
        at: ISO 8601, UTC.
    """

    take_id: str
    kind: RefusalKind
    message: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthLesson:
    """What is known of a model's length limit, in one unit.

    Attributes:
        accepted_max: the longest text that was accepted; 0 when none was.
        refused_min: the shortest text that was refused as too long; 0 when none was.
    """

    accepted_max: int = 0
    refused_min: int = 0

    @property
    def consistent(self) -> bool:
        """Whether the limit can be counted in this unit: no refused text is shorter than an accepted one."""
        return self.refused_min > self.accepted_max


class Refusals:
    """Refusals and lessons of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, refusal: Refusal) -> None:
        """Remember a refusal.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.put(_key(refusal.take_id), json.dumps(asdict(refusal), ensure_ascii=False).encode())

    async def find(self, take_ids: Iterable[str]) -> dict[str, Refusal]:
        """Those of the requests (takes, designs) that were refused.

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        wanted = tuple(dict.fromkeys(take_ids))
        if not wanted or not await self._store.keys("refusals/"):
            return {}
        slots = asyncio.Semaphore(_LOOKUPS_AT_ONCE)

        async def look(take_id: str) -> Refusal | None:
            async with slots:
                data = await self._store.get(_key(take_id))
            refusal = None if data is None else _decode(take_id, data)
            return refusal if refusal is not None and refusal.take_id == take_id else None

        found = await asyncio.gather(*(look(take_id) for take_id in wanted))
        return {refusal.take_id: refusal for refusal in found if refusal is not None}

    async def lessons(self, account: str, model: str) -> dict[LengthUnit, LengthLesson]:
        """What is known of a model's length limit; empty when no text was ever too long for it.

        Raises:
            StoreError: the store cannot be read, or the record is damaged.
        """
        data = await self._store.get(_lesson_key(account, model))
        if data is None:
            return {}
        try:
            record = object_of(data)
            return {made(LengthUnit, unit): made(LengthLesson, lesson) for unit, lesson in record.items()}
        except ValueError as error:
            key = _lesson_key(account, model)
            what = f"What was learnt of {model}'s limit ({self._store.url}/{key}) cannot be read: {error}."
            raise StoreError(what, "Remove it: it is learnt anew.") from error

    async def learn(
        self, account: str, model: str, *, accepted: dict[LengthUnit, int], refused: dict[LengthUnit, int]
    ) -> None:
        """Remember the longest accepted and the shortest refused length, in every unit.

        Raises:
            StoreError: the store cannot be read or written.
        """
        known = await self.lessons(account, model)
        lessons = {}
        for unit in LengthUnit:
            old = known.get(unit, LengthLesson())
            mins = [length for length in (old.refused_min, refused.get(unit, 0)) if length]
            lessons[unit.value] = asdict(
                LengthLesson(
                    accepted_max=max(old.accepted_max, accepted.get(unit, 0)), refused_min=min(mins, default=0)
                )
            )
        await self._store.put(_lesson_key(account, model), json.dumps(lessons, sort_keys=True).encode())


def too_long(lengths: Mapping[LengthUnit, int], lessons: Mapping[LengthUnit, LengthLesson]) -> bool:
    """Whether a text of these lengths is sure to be refused: so says every unit in which the limit may be counted."""
    verdicts = [
        lengths[unit] >= lesson.refused_min
        for unit, lesson in lessons.items()
        if lesson.refused_min and lesson.consistent
    ]
    return bool(verdicts) and all(verdicts)


def _key(take_id: str) -> str:
    return f"refusals/{take_id[:2]}/{take_id}.json"


def _lesson_key(account: str, model: str) -> str:
    return f"limits/{hashlib.sha256(f'{account} {model}'.encode()).hexdigest()[:16]}/length.json"


def _decode(take_id: str, data: bytes) -> Refusal:
    try:
        return read_as(Refusal, data)
    except ValueError as error:
        hint = f"Remove {_key(take_id)} from the store: the service is asked again."
        raise StoreError(f"The record of the refusal {take_id} cannot be read: {error}.", hint) from error
