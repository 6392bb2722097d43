"""Which keys are of one account: what the store was told, so that a new key finds the voices of the old one.

An account goes by the fingerprint of the first key that it had in this store. `accounts/<fingerprint of a key>.json`
says whose another key is: that account's, or, where a person said so, an account of its own.

Invariant: no key is kept, and none can be found from what is kept; what is not known of a key is never guessed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from narration.errors import StoreError
from narration.voice import RemoteVoice, Voice, VoiceDesign

if TYPE_CHECKING:
    from narration.memory.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """What the store was told of a key.

    Attributes:
        account: that it is of; the key's own fingerprint where it is of one of its own.
        at: when, ISO 8601, UTC.
        because: how it is known: so many voices in common, or a person's word.
    """

    account: str
    at: str
    because: str


class Accounts:
    """The accounts of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def belonging(self, fingerprint: str) -> Belonging | None:
        """What is known of a key, by its fingerprint; read at once, without waiting for others.

        Raises:
            StoreError: the store cannot be read, or the record is damaged.
        """
        key = _key(fingerprint)
        data = self._store.read_now(key)
        if data is None:
            return None
        try:
            return Belonging(**json.loads(data))
        except (ValueError, TypeError) as error:
            raise StoreError(
                f"{self._store.url}/{key} does not say whose a key is: {error}.",
                "Remove it, and run `narrate voices rekey`.",
            ) from error

    def account_of(self, fingerprint: str) -> str:
        """The account of a key: what was said of it, else its own fingerprint.

        Raises:
            StoreError: as `belonging` raises.
        """
        known = self.belonging(fingerprint)
        return fingerprint if known is None else known.account

    async def belongs(self, fingerprint: str, belonging: Belonging) -> None:
        """Remember whose a key is, whatever was said of it before.

        Raises:
            StoreError: the store cannot be written.
        """
        record = {"account": belonging.account, "at": belonging.at, "because": belonging.because}
        await self._store.put(_key(fingerprint), json.dumps(record, sort_keys=True).encode())


def in_common(kept: Iterable[Voice], remote: Iterable[RemoteVoice]) -> Counter[str]:
    """How many voices of each account that the store knows are in a listing: a name is in one account only.

    Source: alibabacloud.com model-studio, qwen-tts-voice-design: a voice belongs to the account that made it.
    """
    names = {one.voice for one in remote}
    return Counter(voice.design.account for voice in kept if voice.voice in names)


def twins(designs: Collection[VoiceDesign], kept: Iterable[Voice]) -> tuple[Voice, ...]:
    """Voices of another account that were made from the same designs at the same service."""
    wanted = {replace(design, account="", version=1) for design in designs}
    accounts = {design.account for design in designs}
    return tuple(
        voice
        for voice in kept
        if replace(voice.design, account="", version=1) in wanted and voice.design.account not in accounts
    )


def _key(fingerprint: str) -> str:
    return f"accounts/{fingerprint}.json"
