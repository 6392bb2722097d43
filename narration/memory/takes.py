"""The take store: recorded audio under the identity of what was asked for.

A take is two objects below `takes/<first two digits>/<take id>/`: the audio as received, named by its hash, then
`take.json`, which makes it a take and is made once. Invariant: a take that is there is whole and verified, and stays
what it is, even if two runs should bring it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from narration.errors import StoreError, TakeDamaged
from narration.memory.store import AT_ONCE, at_once
from narration.take import Take, canonical_hash
from narration.typed import made, object_of

if TYPE_CHECKING:
    from narration.memory.store import Store


class Takes:
    """The takes of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, take_id: str) -> Take | None:
        """The take of that id, or None.

        Raises:
            StoreError: the store cannot be read, or the record is damaged.
        """
        data = await self._store.get(f"{_folder(take_id)}/take.json")
        return None if data is None else _decode(take_id, data)

    async def find(self, take_ids: Iterable[str]) -> dict[str, Take]:
        """Those of the ids that are there.

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        wanted = list(dict.fromkeys(take_ids))
        found = await at_once(self.get(take_id) for take_id in wanted)
        return {take_id: take for take_id, take in zip(wanted, found, strict=True) if take is not None}

    async def all(self) -> AsyncIterator[Take]:
        """Every take of the store.

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        ids = [key.split("/")[2] for key in await self._store.keys("takes/") if key.endswith("/take.json")]
        for start in range(0, len(ids), AT_ONCE):
            for take in (await self.find(ids[start : start + AT_ONCE])).values():
                yield take

    async def put(self, take: Take, audio: bytes) -> None:
        """Store a take: the audio first, then the record that makes it one. A take that is there already stays.

        Raises:
            StoreError: the store cannot be written, or `audio` is not what the record says.
        """
        if hashlib.sha256(audio).hexdigest() != take.sha256:
            raise StoreError(f"The audio of take {take.take_id} is not what its record says.")
        await self._store.put(_audio_key(take), audio)
        record = json.dumps(asdict(take), sort_keys=True, ensure_ascii=False).encode()
        await self._store.create(f"{_folder(take.take_id)}/take.json", record)

    async def audio(self, take: Take) -> bytes:
        """The audio as received, checked against its hash.

        Raises:
            TakeDamaged: it is gone or damaged.
            StoreError: the store cannot be read.
        """
        data = await self._store.get(_audio_key(take))
        if data is None or hashlib.sha256(data).hexdigest() != take.sha256:
            state = "gone" if data is None else "damaged"
            raise TakeDamaged(
                f"The audio of take {take.take_id} ({take.ask.text[:40]!r}) is {state}.",
                _hint(take.take_id),
            )
        return data

    async def remove(self, take: Take) -> None:
        """Remove a take for good; whoever wants it again pays for it again.

        Raises:
            StoreError: the store cannot be written.
        """
        # The record first: without it there is no take, and never one without its sound.
        await self._store.delete(f"{_folder(take.take_id)}/take.json")
        await self._store.delete(_audio_key(take))

    async def set_aside_damaged(self, takes: Iterable[Take]) -> tuple[Take, ...]:
        """Put those of the takes whose audio is gone or damaged below `damaged/`, so that they are spoken again.

        Nothing is thrown away: what is left of them can be looked at there.

        Returns:
            Those that were set aside.

        Raises:
            StoreError: the store cannot be read or written.
        """
        different = {take.take_id: take for take in takes}.values()
        found = await at_once(self._set_aside(take) for take in different)
        return tuple(take for take, aside in zip(different, found, strict=True) if aside)

    async def _set_aside(self, take: Take) -> bool:
        record_key, audio_key = f"{_folder(take.take_id)}/take.json", _audio_key(take)
        record, audio = await self._store.get(record_key), await self._store.get(audio_key)
        if audio is not None and hashlib.sha256(audio).hexdigest() == take.sha256:
            return False
        if record is None or _decode(take.take_id, record).sha256 != take.sha256:
            return False  # somebody else has it spoken again already
        aside = f"damaged/{take.take_id}"
        if audio is not None:
            await self._store.put(f"{aside}/{take.sha256[:16]}.wav", audio)
        await self._store.put(f"{aside}/take.json", record)
        # The record is what makes it a take: once that is gone, the rest is.
        await self._store.delete(record_key)
        await self._store.delete(audio_key)
        return True


def _folder(take_id: str) -> str:
    return f"takes/{take_id[:2]}/{take_id}"


def _hint(take_id: str) -> str:
    return f"Restore it from a backup, or remove {_folder(take_id)} from the store to have it spoken again."


def _audio_key(take: Take) -> str:
    return f"{_folder(take.take_id)}/{take.sha256[:16]}.wav"


def _decode(take_id: str, data: bytes) -> Take:
    try:
        record = object_of(data)
        take = made(Take, record)
    except ValueError as error:
        raise StoreError(f"The record of take {take_id} cannot be read: {error}.", _hint(take_id)) from error
    if canonical_hash(record["ask"]) != take_id:  # of the record, which is quicker than of the ask made from it
        raise StoreError(f"The record of take {take_id} is of another take, {take.take_id}.", _hint(take_id))
    return take
