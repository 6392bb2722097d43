"""What recognisers heard, kept under the identity of what was asked.

A hearing is one object, `hearings/<first two digits>/<ask id>.json`, made once. Invariant: a hearing that is there is
of the sound and the recogniser whose id it is under, so that nobody need have it heard again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from narration.errors import StoreError
from narration.hearing import Hearing
from narration.memory.store import at_once
from narration.typed import read_as

if TYPE_CHECKING:
    from narration.memory.store import Store


class Hearings:
    """The hearings of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, ask_id: str) -> Hearing | None:
        """What was heard, or None.

        Raises:
            StoreError: the store cannot be read, or the record is damaged.
        """
        data = await self._store.get(_key(ask_id))
        return None if data is None else _decode(ask_id, data)

    async def find(self, ask_ids: Iterable[str]) -> dict[str, Hearing]:
        """Those of the hearings that are there.

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        wanted = list(dict.fromkeys(ask_ids))
        found = await at_once(self.get(ask_id) for ask_id in wanted)
        return {ask_id: one for ask_id, one in zip(wanted, found, strict=True) if one is not None}

    async def put(self, hearing: Hearing) -> None:
        """Keep a hearing; one that is there already stays.

        Raises:
            StoreError: the store cannot be written.
        """
        record = json.dumps(asdict(hearing), sort_keys=True, ensure_ascii=False).encode()
        await self._store.create(_key(hearing.ask.ask_id), record)


def _key(ask_id: str) -> str:
    return f"hearings/{ask_id[:2]}/{ask_id}.json"


def _decode(ask_id: str, data: bytes) -> Hearing:
    hint = f"Restore it from a backup, or remove {_key(ask_id)} from the store to have the take heard again."
    try:
        hearing = read_as(Hearing, data)
    except ValueError as error:
        raise StoreError(f"The hearing {ask_id} cannot be read: {error}.", hint) from error
    if hearing.ask.ask_id != ask_id:
        raise StoreError(f"The record of the hearing {ask_id} is of another sound, {hearing.ask.ask_id}.", hint)
    return hearing
