"""What language models and recognisers answered, kept under the identity of what was asked.

A reply is one object, `<folder>/<first two digits>/<ask id>.json`, made once. Invariant: a reply that is there is to
the question whose id it is under, so that nobody need ask it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Generic, TypeVar

from narration.chat import ChatAnswer
from narration.errors import StoreError
from narration.hearing import Hearing
from narration.memory.store import at_once
from narration.typed import read_as

if TYPE_CHECKING:
    from narration.memory.store import Store

R = TypeVar("R", ChatAnswer, Hearing)


class Replies(Generic[R]):
    """The replies of one kind in a store.

    Args:
        store: where they are.
        kind: their class.
        folder: of the store.
        name: what a message calls one.
        other: what a message calls the question of another.
        again: what becomes of a question whose reply is removed, as half a sentence.
    """

    def __init__(self, store: Store, kind: type[R], *, folder: str, name: str, other: str, again: str) -> None:
        self._store = store
        self._kind: type[R] = kind
        self._folder = folder
        self._name = name
        self._other = other
        self._again = again

    async def get(self, ask_id: str) -> R | None:
        """The reply to a question, or None.

        Raises:
            StoreError: the store cannot be read, or the record is damaged.
        """
        data = await self._store.get(self._key(ask_id))
        return None if data is None else self._decode(ask_id, data)

    async def find(self, ask_ids: Iterable[str]) -> dict[str, R]:
        """Those of the questions that were answered.

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        wanted = list(dict.fromkeys(ask_ids))
        found = await at_once(self.get(ask_id) for ask_id in wanted)
        return {ask_id: reply for ask_id, reply in zip(wanted, found, strict=True) if reply is not None}

    async def put(self, reply: R) -> None:
        """Keep a reply; one that is there already stays.

        Raises:
            StoreError: the store cannot be written.
        """
        record = json.dumps(asdict(reply), sort_keys=True, ensure_ascii=False).encode()
        await self._store.create(self._key(reply.ask.ask_id), record)

    def _key(self, ask_id: str) -> str:
        return f"{self._folder}/{ask_id[:2]}/{ask_id}.json"

    def _decode(self, ask_id: str, data: bytes) -> R:
        hint = f"Restore it from a backup, or remove {self._key(ask_id)} from the store {self._again}."
        try:
            reply: R = read_as(self._kind, data)
        except ValueError as error:
            raise StoreError(f"The {self._name} {ask_id} cannot be read: {error}.", hint) from error
        if reply.ask.ask_id != ask_id:
            what = f"The record of the {self._name} {ask_id} is of another {self._other}, {reply.ask.ask_id}."
            raise StoreError(what, hint)
        return reply


def answers_in(store: Store) -> Replies[ChatAnswer]:
    """The answers of language models."""
    return Replies(store, ChatAnswer, folder="answers", name="answer", other="question", again="to ask again")


def hearings_in(store: Store) -> Replies[Hearing]:
    """What recognisers heard."""
    again = "to have the take heard again"
    return Replies(store, Hearing, folder="hearings", name="hearing", other="sound", again=again)
