"""What is asked of the ledger: what was paid, with whose voice, for which book; and how its files lie."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from narration.errors import InputError, StoreError
from narration.memory.store import AT_ONCE
from narration.memory.usage import GROUPS, NO_RUN, PENDING, ROWS, SCHEMA, Ledger, Totals, grouped, to_table, totals
from narration.row import Row
from tests.memory.worlds import Cabinet, Hooked, row


async def ledger_of(*rows: Row, gathered: bool = False) -> tuple[Cabinet, Ledger]:
    store = Cabinet()
    ledger = Ledger(store, "run")
    for each in rows:
        await ledger.note(each)
    if gathered:
        for run_id in await ledger.waiting_runs():
            await ledger.compact(run_id)
    return store, Ledger(store, "reader")


BOTH = pytest.mark.parametrize("gathered", [False, True], ids=["waiting", "gathered"])


@BOTH
async def test_what_was_paid_is_what_was_answered_well(gathered: bool) -> None:
    _, ledger = await ledger_of(
        row("a", at="2026-11-20T10:00:01+00:00", take_id="t1", request_id="r1"),
        row("b", at="2026-11-20T10:00:02+00:00", action="design", take_id="", request_id="r2", price_usd=0.2),
        row("refused", status=400),
        row("failed task", code="task_failed"),
        row("doubt", in_doubt=True),
        gathered=gathered,
    )
    assert await ledger.paid() == [("synthesize", "t1", "r1", 0.25), ("design", "", "r2", 0.2)]


@BOTH
async def test_a_voice_counts_as_spoken_by_what_was_spoken_with_it(gathered: bool) -> None:
    _, ledger = await ledger_of(
        row("a", voice="mara"),
        row("b", voice="mara"),
        row("c", voice="wen", status=500),
        row("d", voice="listed", action="list"),
        gathered=gathered,
    )
    assert await ledger.voices_spoken() == {"mara", "wen"}


@BOTH
async def test_the_last_time_of_a_voice_is_told_with_whether_it_ever_spoke_in_a_book(gathered: bool) -> None:
    _, ledger = await ledger_of(
        row("a", voice="mara", at="2026-11-20T10:00:00+00:00"),
        row("b", voice="mara", at="2026-11-22T10:00:00+00:00", production=""),
        row("c", voice="mara", at="2026-11-21T10:00:00+00:00", production=""),
        row("d", voice="kept alive", at="2026-11-21T10:00:00+00:00", production=""),
        row("e", voice="late", at="2026-11-19T10:00:00+00:00", production=""),
        row("f", voice="late", at="2026-11-23T10:00:00+00:00"),
        row("g", voice="mara", at="2026-11-29T10:00:00+00:00", status=400),
        row("h", voice="mara", at="2026-11-29T10:00:00+00:00", action="query"),
        row("i", voice="never", status=400),
        gathered=gathered,
    )
    assert await ledger.last_spoken() == {
        "mara": ("2026-11-22T10:00:00+00:00", True),
        "kept alive": ("2026-11-21T10:00:00+00:00", False),
        "late": ("2026-11-23T10:00:00+00:00", True),
    }


@BOTH
async def test_a_take_knows_the_books_that_asked_for_it(gathered: bool) -> None:
    _, ledger = await ledger_of(
        row("a", take_id="t1", production="one"),
        row("b", take_id="t1", production="two"),
        row("c", take_id="t1", production="two"),
        row("d", take_id="t2", production=""),
        row("e", take_id="", production="one"),
        gathered=gathered,
    )
    assert await ledger.productions_of_takes() == {"t1": {"one", "two"}, "t2": {""}}


async def test_runs_with_rows_that_wait_are_named_until_they_are_gathered() -> None:
    store, ledger = await ledger_of(row("a"), row("b", run_id="other"), row("c", run_id=""))
    assert set(await ledger.waiting_runs()) == {"run", "other", NO_RUN}
    assert set(store.objects) == {f"{PENDING}/run/a.json", f"{PENDING}/other/b.json", f"{PENDING}/{NO_RUN}/c.json"}
    assert await ledger.compact() == 0, "its own run has none"
    assert await ledger.compact("other") == 1
    assert set(await ledger.waiting_runs()) == {"run", NO_RUN}
    assert await ledger.compact(NO_RUN) == 1
    assert f"{ROWS}/month=2026-11/{NO_RUN}-0001.parquet" in store.objects


async def test_only_whole_rows_and_ledger_files_are_read() -> None:
    store, ledger = await ledger_of(row("a"), row("b", run_id="other"))
    await ledger.compact("other")
    store.objects[f"{PENDING}/run/a.json#half"] = b"{"
    store.objects[f"{ROWS}/month=2026-11/_SUCCESS"] = b""
    assert sorted((await ledger.table(["call_id"]))["call_id"].to_pylist()) == ["a", "b"]
    assert await ledger.spent_usd("book") == 0.5
    assert await ledger.compact("run") == 1
    assert f"{PENDING}/run/a.json#half" in store.objects, "what is no row is not taken away"


# Files.


async def gather(store: Cabinet, call_id: str, at: str = "2026-11-20T10:00:00+00:00") -> None:
    ledger = Ledger(store, "run")
    await ledger.note(row(call_id, at=at))
    assert await ledger.compact() == 1


async def test_each_file_has_the_next_number_of_its_run_and_month() -> None:
    store = Cabinet()
    for call_id in ("a", "b"):
        await gather(store, call_id)
    await gather(store, "c", at="2026-12-01T10:00:00+00:00")
    folder = f"{ROWS}/month=2026-11"
    store.objects[f"{folder}/run-0007.parquet"] = store.objects.pop(f"{folder}/run-0002.parquet")
    await gather(store, "d")
    assert set(store.objects) == {
        f"{folder}/run-0001.parquet",
        f"{folder}/run-0007.parquet",
        f"{folder}/run-0008.parquet",
        f"{ROWS}/month=2026-12/run-0001.parquet",
    }


async def test_a_run_whose_name_begins_like_anothers_does_not_count_its_files() -> None:
    store = Cabinet()
    ledger = Ledger(store, "run")
    await ledger.note(row("x", run_id="run-2"))
    assert await ledger.compact("run-2") == 1
    await gather(store, "a")
    assert f"{ROWS}/month=2026-11/run-0001.parquet" in store.objects
    assert not await ledger.noted(row("x"))
    assert await ledger.noted(row("x", run_id="run-2"))


async def test_the_rows_of_a_file_are_in_order_of_time_and_small() -> None:
    times = ["2026-11-20T10:00:02+00:00", "2026-11-20T10:00:01+00:00", "2026-11-20T10:00:02+00:00"]
    store, ledger = await ledger_of(*(row(name, at=at) for name, at in zip("bca", times, strict=True)))
    assert await ledger.compact("run") == 3
    (data,) = store.objects.values()
    file = pq.ParquetFile(io.BytesIO(data))
    assert file.read()["call_id"].to_pylist() == ["c", "a", "b"]
    assert file.schema_arrow.equals(SCHEMA)
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


async def test_rows_of_both_months_are_counted_and_a_row_that_is_there_is_not() -> None:
    store, ledger = await ledger_of(row("a"), row("b", at="2026-12-01T10:00:00+00:00"))
    assert await ledger.compact("run") == 2
    store.objects[f"{PENDING}/run/a.json"] = b'{"call_id": "a", "at": "2026-11-20T10:00:00+00:00", "run_id": "run"}'
    await Ledger(store, "run").note(row("c"))
    assert await ledger.compact("run") == 1
    assert f"{PENDING}/run/a.json" not in store.objects


async def test_another_that_makes_the_same_file_first_is_looked_at_again() -> None:
    store = Cabinet()
    for number in range(3):
        await Ledger(store, "run").note(row(f"call-{number}"))
    file = f"{ROWS}/month=2026-11/run-0001.parquet"

    async def theirs() -> None:
        assert await Ledger(store, "another").compact("run") == 3
        await Ledger(store, "run").note(row("late"))

    assert await Ledger(Hooked(store, ("before", "create", file), theirs), "run").compact() == 1
    found = (await Ledger(store, "reader").table(["call_id"]))["call_id"].to_pylist()
    assert sorted(found) == ["call-0", "call-1", "call-2", "late"]
    assert await store.keys(PENDING) == []


async def test_a_file_that_goes_while_it_is_looked_for_is_no_error() -> None:
    store, ledger = await ledger_of(row("a"), gathered=True)
    (key,) = store.objects

    async def gone() -> None:
        await store.delete(key)

    hooked = Ledger(Hooked(store, ("after", "keys", f"{ROWS}/"), gone), "reader")
    assert (await hooked.table()).num_rows == 0
    assert (await ledger.table()).schema.equals(SCHEMA)


async def test_a_pending_row_that_is_gathered_while_it_is_looked_for_is_no_error() -> None:
    store, ledger = await ledger_of(row("a"))
    hooked = Hooked(store, ("after", "keys", f"{PENDING}/run/"), lambda: ledger.compact("run"))
    assert await Ledger(hooked, "run").compact() == 0
    assert await ledger.spent_usd("book") == 0.25


async def test_a_file_that_is_none_of_ours_is_told_with_its_place_and_the_way_out() -> None:
    store, ledger = await ledger_of()
    store.objects[f"{ROWS}/month=2026-11/theirs.parquet"] = b"not Parquet at all"
    with pytest.raises(StoreError) as caught:
        await ledger.table()
    assert caught.value.what.startswith(f"cabinet/{ROWS}/month=2026-11/theirs.parquet is not a ledger file: ")
    assert caught.value.hint == "Move it away; the others are untouched."
    assert caught.value.__cause__ is not None


async def test_many_files_are_read_as_one_table_in_order_of_time() -> None:
    store = Cabinet()
    count = AT_ONCE + 5
    for number in range(count):
        ledger = Ledger(store, f"run-{number}")
        at = f"2026-11-20T10:{number // 60:02d}:{number % 60:02d}Z"
        await ledger.note(row(f"call-{number:03d}", run_id=f"run-{number}", at=at))
        await ledger.compact()
    table = await Ledger(store, "reader").table(["at", "call_id"])
    assert table["call_id"].to_pylist() == [f"call-{number:03d}" for number in range(count)]
    assert table.column_names == ["at", "call_id"]


# Times and money.


def test_times_of_any_zone_are_kept_as_utc() -> None:
    table = to_table([row("a", at="2026-12-01T01:00:00+02:00")])
    assert table["at"].to_pylist() == [datetime(2026, 11, 30, 23, tzinfo=UTC)]


async def test_money_of_a_book_is_summed_over_files_and_rows_and_runs_that_are_left_out() -> None:
    store, ledger = await ledger_of(
        row("a", run_id="one", price_usd=1.0),
        row("b", run_id="one", price_usd=2.0, production="other"),
        row("c", run_id="two", price_usd=4.0),
        gathered=True,
    )
    await ledger.note(row("d", run_id="one", price_usd=8.0))
    await ledger.note(row("e", run_id="three", price_usd=16.0, production="other"))
    await ledger.note(row("f", run_id="three", price_usd=32.0))
    await ledger.note(row("a", run_id="one", price_usd=1.0))  # noted again by whoever recovers it
    assert await ledger.spent_usd("book") == 45.0
    assert await ledger.spent_usd("other") == 18.0
    assert await ledger.spent_usd("book", frozenset({"one"})) == 36.0
    assert await ledger.spent_usd("book", frozenset({"two", "three"})) == 9.0
    store.calls.clear()
    await ledger.spent_usd("book", frozenset({"one", "two", "three"}))
    assert store.calls["get"] == 0, "what is left out is not read"


KINDS = [
    row("a", action="synthesize", characters=10, price_usd=1.0, audio_s=1.5, chapter=1),
    row("b", action="design", characters=0, price_usd=2.0, audio_s=0.0, chapter=2, run_id="r2"),
    row("c", action="ask", characters=20, price_usd=4.0, audio_s=0.0, input_tokens=30, output_tokens=7, chapter=2),
    row("d", action="synthesize", characters=40, price_usd=8.0, audio_s=0.5, status=400, character="Wen"),
    row("e", action="synthesize", characters=80, price_usd=16.0, audio_s=0.25, code="task_failed", model="m2"),
    row("f", action="synthesize", characters=160, price_usd=32.0, audio_s=0.0, in_doubt=True, region="r2"),
]


def test_each_kind_of_row_adds_to_its_own_sums() -> None:
    assert totals(to_table(KINDS)) == Totals(
        calls=5,
        synthesized=1,
        characters_billed=150,
        voices_created=1,
        cost_usd=31.0,
        characters_in_doubt=160,
        cost_in_doubt_usd=32.0,
        audio_s=2.25,
        questions=1,
        input_tokens=30,
        output_tokens=7,
    )


@pytest.mark.parametrize("by", GROUPS)
def test_groups_of_every_kind_add_up_to_all(by: str) -> None:
    groups = grouped(to_table(KINDS), by)
    everything = totals(to_table(KINDS))
    assert [name for name, _ in groups] == sorted(name for name, _ in groups)
    for field in ("calls", "cost_usd", "characters_in_doubt", "audio_s", "output_tokens"):
        assert sum(getattr(sums, field) for _, sums in groups) == getattr(everything, field)


def test_chapters_are_in_order_of_their_numbers() -> None:
    rows = [row(f"c{number}", chapter=number) for number in (10, 9, 2, 10)]
    assert [(name, sums.calls) for name, sums in grouped(to_table(rows), "chapter")] == [("2", 1), ("9", 1), ("10", 2)]


def test_a_group_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(InputError) as caught:
        grouped(to_table([]), "mood")
    (problem,) = caught.value.problems
    assert (problem.what, problem.where) == ("no group 'mood'", "--by")
    assert problem.expected == f"one of {', '.join(GROUPS)}"
