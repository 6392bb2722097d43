"""The ledger: one row for each call, whoever compacts, whoever is killed, and whoever reads."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import cast

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.errors import InputError, StoreError
from narration.memory.store import Store, open_store
from narration.memory.usage import GROUPS, ROWS, SCHEMA, Ledger, Totals, grouped, needed, to_table, totals
from narration.row import Row, decode_row, encode_row
from tests.memory.worlds import Cabinet, Hooked, Killed, Mortal, row

COLUMNS = [
    "at",
    "run_id",
    "flow_run_id",
    "production",
    "chapter",
    "character",
    "service",
    "region",
    "model",
    "action",
    "voice",
    "take_id",
    "request_id",
    "characters",
    "price_usd",
    "status",
    "code",
    "attempts",
    "latency_ms",
    "audio_s",
]
"""As issue 2 names them, for whoever reads the files."""

LATER_COLUMNS = ["input_tokens", "output_tokens", "session_id", "first_audio_ms"]
"""That files of older versions lack."""

NOVEMBER = "2026-11-30T23:59:59.999+00:00"
DECEMBER = "2026-12-01T00:00:00.000+00:00"


def outside(store: Store) -> list[str]:
    """The call ids that another program reads, from the path that `narrate usage --path` prints."""
    if not Path(store.url, ROWS).exists():
        return []
    found: list[str] = ds.dataset(f"{store.url}/{ROWS}", partitioning="hive").to_table()["call_id"].to_pylist()
    return found


async def call_ids(store: Store) -> list[str]:
    """The call ids that we read, gathered or not."""
    found: list[str] = (await Ledger(store, "reader").table(["call_id"]))["call_id"].to_pylist()
    return found


async def files(store: Store) -> list[str]:
    return await store.keys(ROWS)


# Rows.


def test_the_columns_are_those_that_were_promised() -> None:
    assert sorted(SCHEMA.names) == sorted([*COLUMNS, *LATER_COLUMNS, "call_id", "in_doubt"])
    assert SCHEMA.field("at").type == pa.timestamp("us", tz="UTC")


async def test_files_that_lack_the_later_columns_are_read_beside_new_ones(store: Store) -> None:
    old = to_table([row(call_id="old", price_usd=0.25)]).drop_columns(LATER_COLUMNS)
    sink = io.BytesIO()
    pq.write_table(old, sink)
    await store.put(f"{ROWS}/month=2026-11/an-old-run-0001.parquet", sink.getvalue())
    ledger = Ledger(store, "run-1")
    await ledger.note(row(call_id="new", session_id="sess_1", first_audio_ms=212))
    for _ in range(2):
        table = await ledger.table()
        assert table.schema == SCHEMA
        found = {record["call_id"]: record for record in table.to_pylist()}
        assert (found["old"]["session_id"], found["old"]["first_audio_ms"]) == ("", 0)
        assert (found["new"]["session_id"], found["new"]["first_audio_ms"]) == ("sess_1", 212)
        assert found["old"]["price_usd"] == 0.25
        await ledger.compact("run-1")


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TIMES = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.timezones())  # noqa: DTZ001 — zones are drawn
"""A year of each end is left out, so that every time is one in UTC, too."""
ROWS_OF_ALL_KINDS = st.builds(
    Row,
    call_id=TEXT,
    at=TIMES.map(lambda moment: moment.isoformat()),
    run_id=TEXT,
    character=TEXT,
    chapter=st.integers(0, 10_000),
    action=st.sampled_from(["design", "synthesize", "list", "ask"]),
    characters=st.integers(0, 10**6),
    price_usd=st.floats(0, 1000),
    status=st.sampled_from([0, 200, 400, 500]),
    code=st.sampled_from(["", "Throttling"]),
    audio_s=st.floats(0, 1e5),
    in_doubt=st.booleans(),
    input_tokens=st.integers(0, 10**6),
    output_tokens=st.integers(0, 10**6),
)


@given(ROWS_OF_ALL_KINDS)
def test_a_row_reads_back_as_it_was(made: Row) -> None:
    assert decode_row(encode_row(made)) == made


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"call_id": "a", "run_id": "r", "at": "yesterday"}',
        b'{"call_id": "a", "run_id": "r", "at": "2026-11-20T10:00:00+00:00", "chapter": "one"}',
        b'{"call_id": "a", "run_id": "r", "at": "2026-11-20T10:00:00+00:00", "mood": "good"}',
    ],
)
async def test_a_pending_row_that_is_damaged_is_named(store: Store, data: bytes) -> None:
    await store.put("ledger/pending/run/a.json", data)
    ledger = Ledger(store, "run")
    for work in (ledger.table(), ledger.compact(), ledger.spent_usd("book")):
        with pytest.raises(StoreError, match=r"ledger/pending/run/a\.json is not a row of the ledger"):
            await work


# Counting once.


async def test_a_row_counts_once_whether_it_waits_or_was_gathered(store: Store) -> None:
    ledger = Ledger(store, "run")
    for number in range(5):
        await ledger.note(row(f"call-{number}"))
        await ledger.note(row(f"call-{number}"))
    assert sorted(await call_ids(store)) == [f"call-{number}" for number in range(5)]
    assert await ledger.compact() == 5
    assert await ledger.compact() == 0
    assert sorted(await call_ids(store)) == [f"call-{number}" for number in range(5)]
    await ledger.note(row("call-2"))
    await ledger.note(row("call-9"))
    assert len(await call_ids(store)) == 6
    assert await ledger.compact() == 1
    assert sorted(await call_ids(store)) == [*(f"call-{number}" for number in range(5)), "call-9"]
    assert await store.keys("ledger/pending/") == []


async def test_a_call_is_known_as_noted_before_and_after_it_was_gathered(store: Store) -> None:
    ledger = Ledger(store, "run")
    assert not await ledger.noted(row("call"))
    await ledger.note(row("call"))
    assert await ledger.noted(row("call"))
    await ledger.compact()
    assert await Ledger(store, "another").noted(row("call"))
    assert not await ledger.noted(row("call-doubt1"))


async def test_months_lie_in_folders_of_their_own_and_columns_are_typed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    ledger = Ledger(store, "run")
    await ledger.note(row("a", at=NOVEMBER))
    await ledger.note(row("b", at=DECEMBER, price_usd=0.1))
    assert await ledger.compact() == 2
    assert await files(store) == [
        "ledger/rows/month=2026-11/run-0001.parquet",
        "ledger/rows/month=2026-12/run-0001.parquet",
    ]
    read = ds.dataset(f"{store.url}/{ROWS}", partitioning="hive").to_table()
    assert set(read.column_names) == {*COLUMNS, *LATER_COLUMNS, "call_id", "in_doubt", "month"}
    by_call = {record["call_id"]: record for record in read.to_pylist()}
    assert by_call["a"]["month"] == "2026-11"
    assert by_call["b"]["at"].isoformat() == DECEMBER.replace(".000", "")
    assert by_call["b"]["price_usd"] == 0.1
    assert by_call["b"]["chapter"] == 1


async def test_a_row_of_no_run_is_kept_like_any_other(store: Store) -> None:
    ledger = Ledger(store, "run")
    await ledger.note(row("audit", run_id=""))
    assert await call_ids(store) == ["audit"]
    assert await ledger.spent_usd("book") == 0.25
    for run_id in await ledger.waiting_runs():
        await ledger.compact(run_id)
    assert await call_ids(store) == ["audit"]
    await ledger.note(row("audit", run_id=""))
    assert await ledger.noted(row("audit", run_id=""))
    assert await ledger.spent_usd("book") == 0.25


async def test_a_file_of_an_earlier_version_is_read_with_the_tokens_that_it_has_not(store: Store) -> None:
    old = to_table([row("old")]).drop_columns(LATER_COLUMNS)
    sink = io.BytesIO()
    pq.write_table(old, sink)
    await store.create(f"{ROWS}/month=2026-11/earlier-0001.parquet", sink.getvalue())
    ledger = Ledger(store, "now")
    await ledger.note(replace(row("new"), action="ask", status=200, code="", input_tokens=30, output_tokens=7))
    table = await ledger.table()
    assert table.schema.equals(SCHEMA)
    assert sorted(table["input_tokens"].to_pylist()) == [0, 30]
    sums = totals(table)
    assert (sums.calls, sums.questions, sums.input_tokens, sums.output_tokens) == (2, 1, 30, 7)
    await ledger.compact()
    assert totals(await Ledger(store, "later").table()) == sums


async def test_the_table_is_in_order_of_time(store: Store) -> None:
    ledger = Ledger(store, "run")
    await ledger.note(row("late", at=DECEMBER))
    await ledger.compact()
    await ledger.note(row("early", at=NOVEMBER))
    assert (await ledger.table())["call_id"].to_pylist() == ["early", "late"]
    assert (await ledger.table(["price_usd"])).column_names == ["price_usd"]


# Kills and crowds.


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_compaction_killed_at_any_operation_and_repeated_has_each_row_once(tmp_path: Path, late: bool) -> None:
    for last in range(1, 60):
        store = open_store(tmp_path / f"{last}")
        ledger = Ledger(store, "run")
        everything = []
        for number, at in enumerate([NOVEMBER, NOVEMBER, DECEMBER]):
            everything.append(f"call-{number}")
            await ledger.note(row(f"call-{number}", at=at))
        try:
            await Ledger(Mortal(store, last, late=late), "run").compact()
        except Killed:
            assert max(Counter(outside(store)).values(), default=1) == 1
            assert sorted(await call_ids(store)) == everything
            await ledger.note(row("later", at=DECEMBER))
            await Ledger(store, "another").compact("run")
            assert sorted(outside(store)) == sorted(await call_ids(store)) == [*everything, "later"]
            assert await store.keys("ledger/pending/") == []
        else:
            return
    pytest.fail("a compaction does not take so many operations")


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    deaths=st.lists(st.none() | st.integers(1, 25), min_size=2, max_size=4),
    before=st.integers(0, 6),
    meanwhile=st.integers(0, 6),
)
def test_whoever_gathers_a_dead_runs_rows_at_once_each_row_is_there_once(
    seed: int, deaths: list[int | None], before: int, meanwhile: int
) -> None:
    """Several runs recover the same dead run: each notes what it finds out and compacts; some of them are killed."""
    store = Cabinet(Random(seed))  # noqa: S311 — chance of events
    first = [f"before-{number}" for number in range(before)]

    noted = set(first)

    async def recoverer(who: int, death: int | None) -> None:
        ledger = Ledger(Mortal(store, death or 10**9), "another")
        try:
            for number in range(meanwhile):
                call_id = f"found-{who * number % 5}"
                await ledger.note(row(call_id, at=NOVEMBER if number % 2 else DECEMBER))
                noted.add(call_id)
                if (who + number) % 2:
                    await ledger.compact("run")
            await ledger.compact("run")
        except Killed:
            pass

    async def reader() -> None:
        for _ in range(4):
            seen = Counter(await call_ids(store))
            assert set(first) <= set(seen), "a row that was there is not seen"
            assert max(seen.values(), default=1) == 1, "a row is seen twice"

    async def day() -> None:
        for call_id in first:
            await Ledger(store, "run").note(row(call_id))
        await asyncio.gather(*(recoverer(who, death) for who, death in enumerate(deaths)), reader())
        await Ledger(store, "another").compact("run")
        found = Counter[str]()
        for key in await files(store):
            found.update(pq.read_table(io.BytesIO(store.objects[key]))["call_id"].to_pylist())
        assert max(found.values(), default=1) == 1
        assert noted <= set(found)
        assert await store.keys("ledger/pending/") == []
        assert sorted(await call_ids(store)) == sorted(found)

    asyncio.run(day())


async def test_many_writers_and_compactions_at_once_lose_and_double_nothing(store: Store) -> None:
    async def run(name: str) -> None:
        ledger = Ledger(store, name)
        for part in range(3):
            for number in range(4):
                await ledger.note(row(f"{name}-{part}-{number}", run_id=name))
            await ledger.compact()

    await asyncio.gather(*(run(f"run-{number}") for number in range(4)))
    expected = sorted(f"run-{run}-{part}-{number}" for run in range(4) for part in range(3) for number in range(4))
    assert sorted(await call_ids(store)) == expected
    if store.folder is not None:
        assert sorted(outside(store)) == expected


@pytest.mark.parametrize("moment", [("keys", "ledger/pending/"), ("keys", "ledger/rows/")])
async def test_rows_that_are_gathered_while_they_are_read_are_neither_missed_nor_doubled(
    moment: tuple[str, str],
) -> None:
    store = Cabinet()
    ledger = Ledger(store, "run")
    await ledger.note(row("a"))
    await ledger.note(row("b"))
    hooked = Hooked(store, ("after", *moment), ledger.compact)
    assert sorted(await call_ids(hooked)) == ["a", "b"]
    assert await store.keys("ledger/pending/") == []


async def test_money_that_is_gathered_while_it_is_summed_is_neither_missed_nor_doubled() -> None:
    for moment in ("ledger/pending", "ledger/pending/run/", "ledger/rows/"):
        store = Cabinet()
        ledger = Ledger(store, "run")
        await ledger.note(row("a"))
        name = "folders" if moment == "ledger/pending" else "keys"
        hooked = Hooked(store, ("after", name, moment), ledger.compact)
        assert await Ledger(hooked, "another").spent_usd("book") == 0.25, moment
        assert await store.keys("ledger/pending/") == []


# Money.


async def test_what_was_spent_counts_doubts_and_leaves_out_whom_it_is_told_to(store: Store) -> None:
    ledger = Ledger(store, "run")
    await ledger.note(row("a"))
    await ledger.note(row("b", in_doubt=True, price_usd=0.5))
    await ledger.note(row("c", production="another book"))
    await ledger.note(row("d", run_id="other", price_usd=2.0))
    for _ in range(2):
        assert await ledger.spent_usd("book") == 2.75
        assert await ledger.spent_usd("book", frozenset({"other"})) == 0.75
        assert await ledger.spent_usd("book", frozenset({"run"})) == 2.0
        assert await ledger.spent_usd("book", frozenset({"run", "other"})) == 0.0
        assert await ledger.spent_usd("no book") == 0.0
        await ledger.compact()
        await ledger.compact("other")
        await ledger.note(row("a"))
    await ledger.note(row("e", price_usd=4.0))
    assert await ledger.spent_usd("book") == 6.75


async def test_our_own_rows_are_not_read_to_know_what_others_spent() -> None:
    store = Cabinet()
    for number in range(200):
        await Ledger(store, "run").note(row(f"call-{number}"))
    await Ledger(store, "old").note(row("old", run_id="old"))
    await Ledger(store, "old").compact()
    ledger = Ledger(store, "run")
    store.calls.clear()
    assert await ledger.spent_usd("book", frozenset({"run"})) == 0.25
    assert store.calls["get"] == 1
    assert await ledger.spent_usd("book", frozenset({"run"})) == 0.25
    assert store.calls["get"] == 1, "a file is read once"


def about(value: float) -> float:
    """Equal to whatever differs only by the order of the sum."""
    return cast(float, pytest.approx(value))


def plain_totals(rows: list[Row]) -> Totals:
    """The same sums, row by row."""
    known = [one for one in rows if not one.in_doubt]
    doubtful = [one for one in rows if one.in_doubt]
    good = [one for one in known if one.status == 200 and not one.code]
    return Totals(
        calls=len(known),
        synthesized=sum(one.action == "synthesize" for one in good),
        characters_billed=sum(one.characters for one in known),
        voices_created=sum(one.action == "design" for one in good),
        cost_usd=about(sum(one.price_usd for one in known)),
        characters_in_doubt=sum(one.characters for one in doubtful),
        cost_in_doubt_usd=about(sum(one.price_usd for one in doubtful)),
        audio_s=about(sum(one.audio_s for one in known)),
        questions=sum(one.action == "ask" for one in good),
        input_tokens=sum(one.input_tokens for one in known),
        output_tokens=sum(one.output_tokens for one in known),
    )


@given(st.lists(ROWS_OF_ALL_KINDS, max_size=20))
def test_totals_are_the_sums_of_the_rows(rows: list[Row]) -> None:
    assert totals(to_table(rows)) == plain_totals(rows)


@given(st.lists(ROWS_OF_ALL_KINDS, max_size=20), st.sampled_from(["chapter", "character", "action", "code"]))
def test_groups_are_the_totals_of_their_rows_in_order(rows: list[Row], by: str) -> None:
    if by not in GROUPS:
        with pytest.raises(InputError, match="no group 'code'"):
            grouped(to_table(rows), by)
        return
    values = sorted({getattr(one, by) for one in rows})
    expected = [(str(value), plain_totals([one for one in rows if getattr(one, by) == value])) for value in values]
    assert list(grouped(to_table(rows), by)) == expected


def test_days_and_months_are_those_of_utc() -> None:
    table = to_table([row("a", at=NOVEMBER), row("b", at=DECEMBER), row("c", at="2026-12-01T01:00:00+02:00")])
    assert [(value, sums.calls) for value, sums in grouped(table, "month")] == [("2026-11", 2), ("2026-12", 1)]
    assert [value for value, _ in grouped(table, "day")] == ["2026-11-30", "2026-12-01"]


async def test_totals_need_no_more_columns_than_they_say(store: Store) -> None:
    ledger = Ledger(store, "run")
    rows = [row("a"), row("b", in_doubt=True), row("c", action="design", chapter=2)]
    for one in rows:
        await ledger.note(one)
    assert totals(await ledger.table(needed())) == plain_totals(rows)
    whole = await ledger.table()
    for by in GROUPS:
        assert grouped(await ledger.table(needed(by)), by) == grouped(whole, by)


async def test_an_empty_ledger_adds_up_to_nothing(store: Store) -> None:
    table = await Ledger(store, "run").table()
    assert totals(table) == plain_totals([])
    assert all(grouped(table, by) == () for by in GROUPS)
    assert await Ledger(store, "run").compact() == 0


# Damage.


async def one_file(store: Store) -> tuple[str, bytes]:
    await Ledger(store, "run").note(row("a"))
    await Ledger(store, "run").note(row("b", at=NOVEMBER))
    await Ledger(store, "run").compact()
    key = (await files(store))[0]
    data = await store.get(key)
    assert data is not None
    return key, data


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_ledger_file_that_is_damaged_anywhere_is_read_or_named(data: st.DataObject) -> None:
    async def damage() -> None:
        store = Cabinet()
        key, whole = await one_file(store)
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:at] if data.draw(st.booleans()) else whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        store.objects[key] = damaged
        try:
            await Ledger(store, "run").table()
        except StoreError as error:
            assert "is not a ledger file" in error.what  # noqa: PT017 — it may be read, too
            assert key in error.what  # noqa: PT017
            assert "Move it away" in error.hint  # noqa: PT017

    asyncio.run(damage())


async def test_a_ledger_file_of_another_program_is_named(store: Store) -> None:
    for data in (b"", b"not Parquet", b"PAR1 and not much more PAR1"):
        await store.put(f"{ROWS}/month=2026-11/theirs.parquet", data)
        for work in (Ledger(store, "r").table(), Ledger(store, "r").spent_usd("book")):
            with pytest.raises(StoreError, match=r"month=2026-11/theirs\.parquet is not a ledger file"):
                await work
    sink = io.BytesIO()
    pq.write_table(pa.table({"call_id": ["a"]}), sink)
    await store.put(f"{ROWS}/month=2026-11/theirs.parquet", sink.getvalue())
    with pytest.raises(StoreError, match="is not a ledger file"):
        await Ledger(store, "r").table()


async def test_a_file_that_was_moved_away_does_not_stand_in_the_way_of_the_next(store: Store) -> None:
    key, _ = await one_file(store)
    ledger = Ledger(store, "run")
    for number in range(2):
        await ledger.note(row(f"more-{number}", at=DECEMBER))
        await ledger.compact()
    december = [name for name in await files(store) if "12" in name]
    await store.delete(december[0])
    await ledger.note(row("again", at=DECEMBER))
    assert await ledger.compact() == 1
    assert key in await files(store)
    assert len(set(await call_ids(store))) == len(await call_ids(store)) == 4
