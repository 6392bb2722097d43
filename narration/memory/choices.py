"""The chosen take of words that were spoken more than once: of several takes of one ask, the one that is heard.

A choice is one object, `choices/<first two digits>/<take id>.json`, under the take id that the ask has with ordinal 0;
it names the ordinal that is heard. Invariant: without a choice the take of ordinal 0 is heard; a choice holds wherever
those very words are asked for in that voice, and is forgotten by itself when they are asked for otherwise.

What a person decides for one line of one book is in that production (`narration.pickups`), and comes first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from narration.errors import StoreError
from narration.memory.store import at_once
from narration.typed import read_as

if TYPE_CHECKING:
    from narration.memory.store import Store
    from narration.take import SpeechAsk


_SETTLED = "settled/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which take is heard.

    Attributes:
        take_id: of the ask with ordinal 0.
        ordinal: of the take that is heard.
        why: in a few words, for people (`take-003, best of 3`).
        at: ISO 8601, UTC.
        cut: whether the words are heard as two takes instead, as no take of the whole was right.
        alike: whether several takes had the same flaw in the same measure, so that it is the text's and not the takes'.
    """

    take_id: str
    ordinal: int
    why: str = ""
    at: str = ""
    cut: bool = False
    alike: bool = False


def first_id(ask: SpeechAsk) -> str:
    """The take id that an ask has with ordinal 0: what choices of its takes are kept under."""
    return (ask if ask.ordinal == 0 else replace(ask, ordinal=0)).take_id


def as_chosen(ask: SpeechAsk, choices: Mapping[str, Choice]) -> SpeechAsk:
    """The ask with the ordinal that was chosen; one whose ordinal is somebody's decision already stays.

    Args:
        ask: without a voice there is nothing to choose from.
        choices: by the take id of ordinal 0.
    """
    choice = choices.get(ask.take_id) if ask.voice and ask.ordinal == 0 else None
    return ask if choice is None else replace(ask, ordinal=choice.ordinal)


class Choices:
    """The choices of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, take_ids: Iterable[str]) -> dict[str, Choice]:
        """Those that were made for such ids (of ordinal 0).

        Raises:
            StoreError: the store cannot be read, or a record is damaged.
        """
        there = set(await self._store.keys("choices/"))  # they are few; takes are many
        wanted = [take_id for take_id in dict.fromkeys(take_ids) if _key(take_id) in there]
        found = await at_once(self._get(take_id) for take_id in wanted)
        return {choice.take_id: choice for choice in found if choice is not None}

    async def choose(self, choice: Choice) -> None:
        """Have that take heard from now on, instead of what was chosen before.

        Raises:
            StoreError: the store cannot be written.
        """
        record = json.dumps(asdict(choice), sort_keys=True, ensure_ascii=False).encode()
        await self._store.put(_key(choice.take_id), record)

    async def settle(self, run_id: str) -> None:
        """Remember that a run has had everything spoken again that was to be: nobody does so later, unasked.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.put(f"{_SETTLED}{run_id}.json", b"{}")

    async def settled(self) -> frozenset[str]:
        """Ids of the runs that have.

        Raises:
            StoreError: the store cannot be read.
        """
        return frozenset(key.removeprefix(_SETTLED).removesuffix(".json") for key in await self._store.keys(_SETTLED))

    async def _get(self, take_id: str) -> Choice | None:
        data = await self._store.get(_key(take_id))
        if data is None:
            return None
        try:
            choice = read_as(Choice, data)
        except ValueError as error:
            hint = f"Remove {_key(take_id)} from the store to have the first take heard."
            raise StoreError(f"The choice of take {take_id} cannot be read: {error}.", hint) from error
        return choice if choice.take_id == take_id else None


def _key(take_id: str) -> str:
    return f"choices/{take_id[:2]}/{take_id}.json"
