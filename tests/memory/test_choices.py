"""Choices: of several takes of one ask, the one that is heard, as the store remembers it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from narration.errors import StoreError
from narration.memory.choices import Choice, Choices, as_chosen, first_id
from narration.memory.store import open_store
from narration.take import SpeechAsk

ASK = SpeechAsk(service="qwen", region="r", model="m", voice="v", text="Yes.", language="en")


async def test_a_choice_is_found_under_the_first_take_and_the_last_one_counts(tmp_path: Path) -> None:
    choices = Choices(open_store(tmp_path))
    assert await choices.find([ASK.take_id]) == {}
    await choices.choose(Choice(take_id=first_id(replace(ASK, ordinal=2)), ordinal=2, why="best of 3"))
    await choices.choose(Choice(take_id=ASK.take_id, ordinal=1))
    found = await choices.find([ASK.take_id, replace(ASK, text="No.").take_id])
    assert found == {ASK.take_id: Choice(take_id=ASK.take_id, ordinal=1)}
    assert as_chosen(ASK, found).ordinal == 1


def test_what_is_asked_otherwise_or_decided_already_is_not_touched() -> None:
    found = {ASK.take_id: Choice(take_id=ASK.take_id, ordinal=3)}
    for ask in (replace(ASK, ordinal=1), replace(ASK, text="No."), replace(ASK, voice="")):
        assert as_chosen(ask, found) == ask


async def test_a_damaged_choice_is_told_with_its_place(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    key = f"choices/{ASK.take_id[:2]}/{ASK.take_id}.json"
    await store.put(key, b'{"take_id": 1, "oops"')
    with pytest.raises(StoreError, match=r"cannot be read.*Remove choices/"):
        await Choices(store).find([ASK.take_id])
