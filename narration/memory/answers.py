"""The answers of language models, kept under the identity of what was asked.

An answer is one object, `answers/<first two digits>/<ask id>.json`, made once. Invariant: an answer that is there is of
the question whose id it is under, so that nobody need ask it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from narration.chat import ChatAnswer
from narration.errors import StoreError
from narration.memory.store import at_once
from narration.typed import read_as

if TYPE_CHECKING:
    from narration.memory.store import Store


class Answers:
    """The answers of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, ask_id: str) -> ChatAnswer | None:
        """The answer to a question, or None.

        Raises:
            StoreError: the store cannot be read, or the record is damaged.
        """
        data = await self._store.get(_key(ask_id))
        return None if data is None else _decode(ask_id, data)

    async def find(self, ask_ids: Iterable[str]) -> dict[str, ChatAnswer]:
        """Those of the questions that were answered.

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        wanted = list(dict.fromkeys(ask_ids))
        found = await at_once(self.get(ask_id) for ask_id in wanted)
        return {ask_id: answer for ask_id, answer in zip(wanted, found, strict=True) if answer is not None}

    async def put(self, answer: ChatAnswer) -> None:
        """Keep an answer; one that is there already stays.

        Raises:
            StoreError: the store cannot be written.
        """
        record = json.dumps(asdict(answer), sort_keys=True, ensure_ascii=False).encode()
        await self._store.create(_key(answer.ask.ask_id), record)


def _key(ask_id: str) -> str:
    return f"answers/{ask_id[:2]}/{ask_id}.json"


def _decode(ask_id: str, data: bytes) -> ChatAnswer:
    hint = f"Restore it from a backup, or remove {_key(ask_id)} from the store to ask again."
    try:
        answer = read_as(ChatAnswer, data)
    except ValueError as error:
        raise StoreError(f"The answer {ask_id} cannot be read: {error}.", hint) from error
    if answer.ask.ask_id != ask_id:
        raise StoreError(f"The record of the answer {ask_id} is of another question, {answer.ask.ask_id}.", hint)
    return answer
