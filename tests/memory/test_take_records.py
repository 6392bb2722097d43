"""The take store over years: old records are read, what is damaged is set aside, removal leaves nothing half."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from narration.errors import StoreError, TakeDamaged
from narration.memory.store import AT_ONCE
from narration.memory.takes import Takes
from narration.take import ClipMeasures, ClipTraits, Take
from tests.memory.worlds import MEASURES, Cabinet, Killed, Mortal, ask

WAV = b"RIFF not really"
TRAITS = ClipTraits(
    gap_ms=120,
    head_edge_db=-31.5,
    tail_edge_db=-40.0,
    clipped_ppm=0,
    hiss_dbfs=-70.25,
    pitch_hz=181.5,
    pitch_spread=0.11,
    voiced=0.6,
    timbre_db=tuple(float(band) for band in range(20)),
    repeated_ms=0,
)


def take(text: str = "Nobody spoke.", audio: bytes = WAV, **facts: object) -> Take:
    plain: dict[str, object] = {
        "ask": ask(text),
        "sha256": hashlib.sha256(audio).hexdigest(),
        "measures": MEASURES,
        "request_id": "request",
        "billed_characters": 13,
        "price_usd": 0.25,
        "created_at": "2026-11-20T10:00:00.000+00:00",
        "run_id": "run",
    }
    return Take(**{**plain, **facts})  # type: ignore[arg-type]


def record_key(kept: Take) -> str:
    return f"takes/{kept.take_id[:2]}/{kept.take_id}/take.json"


def audio_key(kept: Take) -> str:
    return f"takes/{kept.take_id[:2]}/{kept.take_id}/{kept.sha256[:16]}.wav"


def way_out(kept: Take) -> str:
    folder = f"takes/{kept.take_id[:2]}/{kept.take_id}"
    return f"Restore it from a backup, or remove {folder} from the store to have it spoken again."


async def stored(*takes: Take, audio: bytes = WAV) -> tuple[Cabinet, Takes]:
    store = Cabinet()
    for each in takes:
        await Takes(store).put(each, audio)
    return store, Takes(store)


# Records.


async def test_a_take_lies_where_every_version_looks_for_it_as_plain_text() -> None:
    kept = take("“没人,” said é.", traits=TRAITS)
    store, _ = await stored(kept)
    assert set(store.objects) == {record_key(kept), audio_key(kept)}
    assert store.objects[audio_key(kept)] == WAV
    record = store.objects[record_key(kept)]
    assert "“没人,” said é.".encode() in record
    assert list(json.loads(record)) == sorted(json.loads(record))


async def test_what_a_take_sounds_like_reads_back_as_it_was() -> None:
    kept = take(traits=TRAITS)
    _, takes = await stored(kept)
    assert await takes.get(kept.take_id) == kept


async def test_a_record_of_the_first_version_is_read_without_what_it_lacks() -> None:
    kept = take(measures=replace(MEASURES, speech_lufs=None))
    store, takes = await stored(kept)
    record = json.loads(store.objects[record_key(kept)])
    del record["traits"], record["measures"]["speech_lufs"], record["ask"]["ordinal"]
    store.objects[record_key(kept)] = json.dumps(record).encode()
    with pytest.raises(StoreError, match=f"record of take {kept.take_id} (cannot be read|is of another take)"):
        await takes.get(kept.take_id)  # an ask is hashed as it stands: it is never completed
    record["ask"]["ordinal"] = 0
    store.objects[record_key(kept)] = json.dumps(record).encode()
    found = await takes.get(kept.take_id)
    assert found == kept
    assert found is not None
    assert isinstance(found.measures, ClipMeasures)
    assert found.traits is None


async def test_a_record_of_another_take_is_told_with_both_names() -> None:
    mine, other = take(), take("Another.")
    store, takes = await stored(other)
    store.objects[record_key(mine)] = store.objects[record_key(other)]
    with pytest.raises(StoreError) as caught:
        await takes.get(mine.take_id)
    assert caught.value.what == f"The record of take {mine.take_id} is of another take, {other.take_id}."
    assert caught.value.hint == way_out(mine)


@pytest.mark.parametrize("state", ["gone", "damaged"])
async def test_sound_that_cannot_be_had_is_told_with_its_words_and_the_way_out(state: str) -> None:
    kept = take("The old man went down to the sea, and he counted the stones.")
    store, takes = await stored(kept)
    if state == "gone":
        del store.objects[audio_key(kept)]
    else:
        store.objects[audio_key(kept)] = WAV + b"!"
    with pytest.raises(TakeDamaged) as caught:
        await takes.audio(kept)
    words = "'The old man went down to the sea, and he'"
    assert caught.value.what == f"The audio of take {kept.take_id} ({words}) is {state}."
    assert caught.value.hint == way_out(kept)


async def test_sound_that_is_not_what_the_record_says_is_told_with_the_name_of_the_take() -> None:
    store, takes = await stored()
    with pytest.raises(StoreError) as caught:
        await takes.put(take(), WAV + b"!")
    assert caught.value.what == f"The audio of take {take().take_id} is not what its record says."
    assert store.objects == {}


# Many.


async def test_all_takes_are_found_however_many_and_nothing_else() -> None:
    kept = {each.take_id: each for each in (take(f"line {number}") for number in range(2 * AT_ONCE + 3))}
    store, takes = await stored(*kept.values())
    store.objects["takes/ab/abcdef/0123456789abcdef.wav"] = WAV  # its writer died before there was a record
    store.objects["damaged/abcdef/take.json"] = b"{}"
    found = [each async for each in takes.all()]
    assert {each.take_id: each for each in found} == kept
    assert len(found) == len(kept)
    store.calls.clear()
    wanted = list(kept)[:5]
    assert await takes.find([*wanted, *wanted, "0" * 40]) == {take_id: kept[take_id] for take_id in wanted}
    assert store.calls["get"] == 6, "each is asked for once"


# Removed for good.


async def test_a_take_that_is_removed_is_not_there_any_more_and_another_is() -> None:
    kept, other = take(), take("Another.")
    store, takes = await stored(kept, other)
    await takes.remove(kept)
    assert await takes.get(kept.take_id) is None
    assert set(store.objects) == {record_key(other), audio_key(other)}


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_removal_killed_anywhere_leaves_a_whole_take_or_none(late: bool) -> None:
    for last in (1, 2):
        store, takes = await stored(take())
        with pytest.raises(Killed):
            await Takes(Mortal(store, last, late=late)).remove(take())
        found = await takes.get(take().take_id)
        assert found is None or await takes.audio(found) == WAV
        await takes.remove(take())
        assert store.objects == {}


# Set aside.


async def test_damaged_takes_are_set_aside_whole_ones_stay_and_nothing_is_thrown_away() -> None:
    torn, gone, whole = take("torn"), take("gone"), take("whole")
    store, takes = await stored(torn, gone, whole)
    records = {each: store.objects[record_key(each)] for each in (torn, gone)}
    store.objects[audio_key(torn)] = WAV[:-3]
    del store.objects[audio_key(gone)]

    assert await takes.set_aside_damaged([whole, torn, gone, torn]) == (torn, gone)
    assert store.objects == {
        record_key(whole): store.objects[record_key(whole)],
        audio_key(whole): WAV,
        f"damaged/{torn.take_id}/take.json": records[torn],
        f"damaged/{torn.take_id}/{torn.sha256[:16]}.wav": WAV[:-3],
        f"damaged/{gone.take_id}/take.json": records[gone],
    }
    assert await takes.set_aside_damaged([whole, torn, gone]) == ()


async def test_a_take_that_another_run_had_spoken_again_meanwhile_is_not_set_aside() -> None:
    old, new = take(), take(audio=b"RIFF another")
    store, takes = await stored(new, audio=b"RIFF another")
    before = dict(store.objects)
    assert await takes.set_aside_damaged([old]) == ()
    assert store.objects == before


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_setting_aside_killed_anywhere_and_repeated_leaves_it_all_aside(late: bool) -> None:
    for last in range(1, 12):
        store, takes = await stored(take())
        store.objects[audio_key(take())] = WAV[:-3]
        record = store.objects[record_key(take())]
        try:
            await Takes(Mortal(store, last, late=late)).set_aside_damaged([take()])
        except Killed:
            await takes.set_aside_damaged([take()])
            assert await takes.get(take().take_id) is None
            aside = f"damaged/{take().take_id}"
            assert store.objects[f"{aside}/take.json"] == record
            assert store.objects[f"{aside}/{take().sha256[:16]}.wav"] == WAV[:-3]
            await takes.put(take(), WAV)
            assert await takes.audio(take()) == WAV
        else:
            return
    pytest.fail("it does not take so many operations")
