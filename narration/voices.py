"""The voice bible: every voice that was designed, under the identity of its design, with its preview.

A voice is two objects below `voices/<design id>/`: the preview, then `voice.json`, which makes it one. It calls no
service; `narration.design` does. Invariant: a voice that is there is never replaced; another version is another design.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from narration.errors import StoreError
from narration.store import at_once
from narration.voice import Voice, VoiceDesign

if TYPE_CHECKING:
    from narration.store import Store


class Voices:
    """The voices of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, design_id: str) -> Voice | None:
        """The voice of that design, or None.

        Raises:
            StoreError: the store cannot be read, or the record is damaged.
        """
        data = await self._store.get(f"voices/{design_id}/voice.json")
        return None if data is None else _decode(design_id, data)

    async def put(self, voice: Voice, preview: bytes) -> None:
        """Keep a voice; the one that is already there under its design stays.

        Raises:
            StoreError: the store cannot be written.
        """
        folder = f"voices/{voice.design.design_id}"
        if await self._store.exists(f"{folder}/voice.json"):
            return
        if preview:
            await self._store.put(f"{folder}/preview.{voice.preview_format}", preview)
        await self._store.create(
            f"{folder}/voice.json", json.dumps(asdict(voice), sort_keys=True, ensure_ascii=False).encode()
        )

    async def all(self) -> tuple[Voice, ...]:
        """Every voice, oldest first.

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        keys = await self._store.keys("voices/")
        found = await at_once(self.get(key.split("/")[1]) for key in keys if key.endswith("/voice.json"))
        return tuple(sorted((voice for voice in found if voice), key=lambda voice: (voice.created_at, voice.voice)))

    async def current(self, design: VoiceDesign) -> VoiceDesign:
        """The newest version of a design: the one that nobody has given up.

        Raises:
            StoreError: the store cannot be read.
        """
        while await self._store.exists(f"voices/{design.design_id}/given_up.json"):
            design = replace(design, version=design.version + 1)
        return design

    async def give_up(self, voice: Voice, why: str, at: str) -> None:
        """Say that a voice is to be made anew: its record stays, the next version of its design takes its place.

        Raises:
            StoreError: the store cannot be written.
        """
        record = json.dumps({"voice": voice.voice, "why": why, "at": at}, ensure_ascii=False).encode()
        await self._store.create(f"voices/{voice.design.design_id}/given_up.json", record)

    async def whatever_account(self, design: VoiceDesign) -> Voice | None:
        """The voice of that design in the one account that has it, for a plan made without a key.

        Returns:
            None where no account has it, or more than one.
        """
        found = []
        for voice in await self.all():
            current = await self.current(replace(voice.design, version=1))
            if voice.design == current and replace(current, account=design.account, version=1) == replace(
                design, version=1
            ):
                found.append(voice)
        return found[0] if len(found) == 1 else None

    async def doubt(self, design_id: str) -> None:
        """Remember that a creation was sent and not answered: the account may have the voice.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.put(_doubt_key(design_id), b"{}")

    async def doubted(self, design_id: str) -> bool:
        """Whether the account may have a voice of that design.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.exists(_doubt_key(design_id))

    async def settle(self, design_id: str) -> None:
        """Forget the doubt: the account was looked at.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.delete(_doubt_key(design_id))

    def preview_key(self, voice: Voice) -> str:
        """Where the preview lies in the store."""
        return f"voices/{voice.design.design_id}/preview.{voice.preview_format}"


def _doubt_key(design_id: str) -> str:
    return f"voices/{design_id}/in_doubt.json"


def _hint(design_id: str) -> str:
    return f"Restore voices/{design_id} in the store from a backup, or remove it to have another voice made."


def _decode(design_id: str, data: bytes) -> Voice:
    try:
        record = json.loads(data)
        voice = Voice(**{**record, "design": VoiceDesign(**record["design"])})
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"The record of voice {design_id} cannot be read: {error}.", _hint(design_id)) from error
    if voice.design.design_id != design_id:
        raise StoreError(
            f"The record of voice {design_id} is of another design, {voice.design.design_id}.", _hint(design_id)
        )
    return voice
