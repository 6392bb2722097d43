"""The take store: what is there is whole and verified, under an identity that never changes."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.errors import StoreError
from narration.memory.store import Store
from narration.memory.takes import Takes
from narration.take import SpeechAsk, Take
from tests.memory.worlds import MEASURES, Cabinet, Killed, Mortal, ask

WAV = b"RIFF not really"


def take(asked: SpeechAsk | None = None, audio: bytes = WAV, run_id: str = "run") -> Take:
    """A take of that ask."""
    return Take(
        ask=asked or ask(),
        sha256=hashlib.sha256(audio).hexdigest(),
        measures=MEASURES,
        request_id=f"request of {run_id}",
        billed_characters=13,
        price_usd=0.1 + 0.2,
        created_at="2026-11-20T10:00:00.000+00:00",
        run_id=run_id,
    )


@pytest.mark.parametrize(
    ("asked", "take_id"),
    [
        (
            SpeechAsk(
                service="qwen",
                region="international",
                model="qwen3-tts-vd-2026-01-26",
                voice="qwen-tts-vd-mara",
                text="“No,” said Old Wen. 没人说话。 é\u2028😀",
                language="en",
                options=(("instruct", "slow"),),
                ordinal=2,
            ),
            "3ec25a6f0c04ca3e775cf80be577e565042155bb",
        ),
        (
            SpeechAsk(service="qwen", region="china", model="m", voice="v", text="x", language="zh"),
            "a1a85eb62eb35f950fdb746a569cf1655f38150d",
        ),
    ],
)
def test_the_identity_of_a_take_is_what_it_always_was(asked: SpeechAsk, take_id: str) -> None:
    """It must never change: under another identity nobody finds what was paid for, and every book is bought again.

    A new field of `SpeechAsk` changes it too, even one with a default. Leave such a field out of the hash while it has
    its default, so that these two values stay.
    """
    assert asked.take_id == take_id


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 3))
def test_a_take_reads_back_as_it_was(text: str, ordinal: int) -> None:
    async def there_and_back() -> None:
        takes, kept = Takes(Cabinet()), take(ask(text, ordinal=ordinal, options=(("a", "b"), ("c", text))))
        await takes.put(kept, WAV)
        assert await takes.get(kept.take_id) == kept
        assert await takes.audio(kept) == WAV

    asyncio.run(there_and_back())


async def test_what_is_there_is_found_and_what_is_not_is_not(store: Store) -> None:
    takes = Takes(store)
    kept = [take(ask(f"line {number}")) for number in range(5)]
    for each in kept:
        await takes.put(each, WAV)
    ids = [each.take_id for each in kept]
    assert await takes.get("0" * 40) is None
    assert await takes.find([]) == {}
    assert await takes.find([*ids, "0" * 40, *ids]) == {each.take_id: each for each in kept}
    assert {each.take_id async for each in takes.all()} == set(ids)


async def test_sound_that_is_not_what_the_record_says_is_not_stored(store: Store) -> None:
    with pytest.raises(StoreError, match="is not what its record says"):
        await Takes(store).put(take(), WAV + b"!")
    assert await store.keys("takes/") == []


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_take_whose_writer_was_killed_is_whole_or_not_there(late: bool) -> None:
    for last in range(1, 10):
        store = Cabinet()
        try:
            await Takes(Mortal(store, last, late=late)).put(take(), WAV)
        except Killed:
            found = await Takes(store).get(take().take_id)
            assert found is None or await Takes(store).audio(found) == WAV
            await Takes(store).put(take(), WAV)
            assert await Takes(store).audio(take()) == WAV
        else:
            return
    pytest.fail("it does not take so many operations")


@given(st.integers(0, 2**32))
def test_two_runs_that_bring_the_same_take_at_once_leave_one_that_is_whole(seed: int) -> None:
    async def bring() -> None:
        store = Cabinet(Random(seed))  # noqa: S311 — chance of events
        first, second = take(audio=b"RIFF one", run_id="one"), take(audio=b"RIFF two", run_id="two")
        takes = Takes(store)
        await asyncio.gather(takes.put(first, b"RIFF one"), takes.put(second, b"RIFF two"))
        kept = await takes.get(first.take_id)
        assert kept in (first, second)
        for each in (first, second, kept):
            assert hashlib.sha256(await takes.audio(each)).hexdigest() == each.sha256

    asyncio.run(bring())


async def test_a_take_that_is_there_stays_what_it_is(store: Store) -> None:
    takes = Takes(store)
    await takes.put(take(), WAV)
    await takes.put(take(audio=b"RIFF another", run_id="late"), b"RIFF another")
    assert await takes.get(take().take_id) == take()
    assert await takes.audio(take()) == WAV


async def test_damaged_or_missing_sound_is_told_with_the_way_out(store: Store) -> None:
    takes = Takes(store)
    await takes.put(take(), WAV)
    audio = next(key for key in await store.keys("takes/") if key.endswith(".wav"))
    await store.put(audio, WAV[:-1])
    with pytest.raises(StoreError, match=r"“?'?Nobody spoke.*is damaged.*remove takes/.* to have it spoken again"):
        await takes.audio(take())
    await store.delete(audio)
    with pytest.raises(StoreError, match="is gone"):
        await takes.audio(take())


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b"7", b"{}", b'{"ask": 1}', b"\xff", b'{"ask": {"options": 1}}'])
async def test_a_damaged_record_is_told_with_the_way_out(store: Store, record: bytes) -> None:
    takes, take_id = Takes(store), take().take_id
    await takes.put(take(), WAV)
    await store.put(f"takes/{take_id[:2]}/{take_id}/take.json", record)
    with pytest.raises(StoreError, match=rf"record of take {take_id} cannot be read.*remove takes/"):
        await takes.get(take_id)
    with pytest.raises(StoreError):
        await takes.find([take_id])


async def test_a_record_of_another_take_is_refused(store: Store) -> None:
    takes, other = Takes(store), replace(take(), ask=ask("other"))
    await takes.put(other, WAV)
    key = f"takes/{other.take_id[:2]}/{other.take_id}/take.json"
    record = await store.get(key)
    assert record is not None
    mine = take().take_id
    await store.put(f"takes/{mine[:2]}/{mine}/take.json", record)
    with pytest.raises(StoreError, match="is of another take"):
        await takes.get(mine)
