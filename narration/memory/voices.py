"""The voice bible: every voice that was designed, under the identity of its design, with its preview.

A voice is two objects below `voices/<design id>/`: the preview, then `voice.json`, which makes it one. What a person
chose lies below `roles/`, and is all that changes here. It calls no service; `narration.design` does. Invariant: a
voice that is there is never replaced; another version is another design. A choice that is locked holds until a person
unlocks it or chooses another.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from narration.errors import StoreError
from narration.memory.store import at_once
from narration.typed import made, object_of, read_as
from narration.voice import Choice, Role, Voice, VoiceDesign

if TYPE_CHECKING:
    from narration.memory.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """The voice that a role has, or is to have.

    Attributes:
        design: what it is, or will be, made from.
        voice: the one that is kept, or None: it is to be created.
        locked: a person locked it.
        changed: it is locked, and the cast sheet describes another by now.
    """

    design: VoiceDesign
    voice: Voice | None
    locked: bool = False
    changed: bool = False


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
        await self._store.create(f"{folder}/voice.json", _json(asdict(voice)))

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

    async def given_up(self, design_id: str) -> bool:
        """Whether somebody has given the voice up.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.exists(f"voices/{design_id}/given_up.json")

    async def sitting(self, role: Role, described: VoiceDesign) -> Sitting:
        """The voice of a role: the chosen one where that holds, else the newest version of its description.

        Args:
            role: of the character.
            described: what the cast sheet asks for; without an account, a voice of any one account counts.

        Raises:
            StoreError: the store cannot be read, or the record of a locked voice is gone.
        """
        choice = await self.choice(role)
        if choice is not None:
            voice = await self.get(choice.design_id)
            account = described.account or choice.role.account
            same = voice is not None and voice.design.family == replace(described, account=account, version=1)
            if choice.locked:
                if voice is None:
                    raise StoreError(
                        f"The voice that is locked for {role.character} is not in the store.", _hint(choice.design_id)
                    )
                return Sitting(design=voice.design, voice=voice, locked=True, changed=not same)
            if voice is not None and same and not await self.given_up(choice.design_id):
                return Sitting(design=voice.design, voice=voice)
        design = await self.current(described)
        found = await self.get(design.design_id) if role.account else await self.whatever_account(design)
        return Sitting(design=design, voice=found)

    async def choice(self, role: Role) -> Choice | None:
        """What was chosen for a role; without an account, in the one account that has a choice.

        Raises:
            StoreError: the store cannot be read, or the record is damaged.
        """
        if role.account:
            return await self._choice(_choice_key(role))
        keys = [key for key in await self._store.keys(f"roles/{role.role_id}/") if "/choice-" in key]
        return await self._choice(keys[0]) if len(keys) == 1 else None

    async def choices(self) -> tuple[Choice, ...]:
        """Every choice, oldest first.

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        keys = [key for key in await self._store.keys("roles/") if "/choice-" in key]
        found = await at_once(self._choice(key) for key in keys)
        return tuple(sorted((one for one in found if one is not None), key=lambda one: (one.at, one.role.character)))

    async def choose(self, choice: Choice) -> None:
        """Have a role speak with a voice from now on; what was chosen before is only not chosen any more.

        Raises:
            StoreError: the store cannot be written, or there is no such voice.
        """
        if await self.get(choice.design_id) is None:
            raise StoreError(f"There is no voice {choice.design_id} to be chosen.")
        await self._store.put(_choice_key(choice.role), _json(asdict(choice)))

    async def forget_choice(self, role: Role) -> None:
        """Have the cast sheet alone decide again.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.delete(_choice_key(role))

    async def note_audition(self, role: Role, design_ids: tuple[str, ...]) -> None:
        """Remember the candidates of a role, in the order in which they are numbered.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.put(_audition_key(role), _json({"designs": list(design_ids)}))

    async def audition(self, role: Role) -> tuple[Voice, ...]:
        """The candidates of a role by number; nobody where there was no audition.

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        data = await self._store.get(_audition_key(role))
        if data is None:
            return ()
        try:
            ids = made(tuple[str, ...], object_of(data).get("designs"))
        except ValueError as error:
            raise StoreError(f"The audition of {role.character} cannot be read: {error}.", "Hold it again.") from error
        found = await at_once(self.get(design_id) for design_id in ids)
        return tuple(voice for voice in found if voice is not None)

    async def _choice(self, key: str) -> Choice | None:
        data = await self._store.get(key)
        if data is None:
            return None
        try:
            return read_as(Choice, data)
        except ValueError as error:
            raise StoreError(
                f"The record of a chosen voice, {key}, cannot be read: {error}.",
                "Remove it, and choose the voice again.",
            ) from error

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

    async def preview(self, voice: Voice) -> bytes:
        """The sound that came with a voice; empty where none did.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.get(self.preview_key(voice)) or b""

    def preview_key(self, voice: Voice) -> str:
        """Where the preview lies in the store."""
        return f"voices/{voice.design.design_id}/preview.{voice.preview_format}"


def _choice_key(role: Role) -> str:
    return f"roles/{role.role_id}/choice-{role.account}.json"


def _audition_key(role: Role) -> str:
    return f"roles/{role.role_id}/audition-{role.account}.json"


def _json(record: dict[str, object]) -> bytes:
    return json.dumps(record, sort_keys=True, ensure_ascii=False).encode()


def _doubt_key(design_id: str) -> str:
    return f"voices/{design_id}/in_doubt.json"


def _hint(design_id: str) -> str:
    return f"Restore voices/{design_id} in the store from a backup, or remove it to have another voice made."


def _decode(design_id: str, data: bytes) -> Voice:
    try:
        voice = read_as(Voice, data)
    except ValueError as error:
        raise StoreError(f"The record of voice {design_id} cannot be read: {error}.", _hint(design_id)) from error
    if voice.design.design_id != design_id:
        raise StoreError(
            f"The record of voice {design_id} is of another design, {voice.design.design_id}.", _hint(design_id)
        )
    return voice
