"""The usage ledger: one row for every call to a service, as Parquet. This is pyarrow's only room.

A row is first an object of its own (`ledger/pending/<run>/<call>.json`), there the moment the call is answered;
`compact` gathers a run's rows into one Parquet file below `ledger/rows/month=…/`, which any reader opens. A run
compacts its own rows, and those of runs that died; of several that gather the same run's rows, one makes the file of
the next number, and the others look again. Files are made once and never changed.

Invariant: the ledger holds exactly one row for each `call_id`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from narration.errors import StoreError
from narration.memory.store import at_once
from narration.memory.totals import GROUPS, Totals, check_group, grouped, needed, totals
from narration.row import Row, decode_row, encode_row

if TYPE_CHECKING:
    from narration.memory.store import Store

__all__ = [
    "GROUPS",
    "ROWS",
    "SCHEMA",
    "Ledger",
    "Totals",
    "check_group",
    "grouped",
    "needed",
    "to_table",
    "totals",
]

ROWS = "ledger/rows"
PENDING = "ledger/pending"

THREADS = False
"""Arrow's own threads gain nothing on a ledger's size, and a process that ends beside them is aborted now and then."""

NO_RUN = "none"
"""Under which rows lie that no run made."""

_ARROW = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
SCHEMA = pa.schema(
    [
        pa.field(
            item.name, pa.timestamp("us", tz="UTC") if item.name == "at" else _ARROW[str(item.type)], nullable=False
        )
        for item in fields(Row)
    ]
)
"""Columns of the Parquet files."""

_DEFAULTS = {
    item.name: item.default
    for item in fields(Row)
    if item.name in ("input_tokens", "output_tokens", "session_id", "first_audio_ms")
}
"""Columns that files of earlier versions do not have, and what their rows hold there."""


class Ledger:
    """The ledger of a store, as one run sees it."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._spent: dict[str, tuple[tuple[str, str, float], ...]] = {}
        """Of each file that was read: production, run and what they cost together."""

    async def note(self, row: Row) -> None:
        """Write a row down at once. Of two rows of the same call the first stays: it is never changed.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.create(_pending_key(row), encode_row(row))

    async def noted(self, row: Row) -> bool:
        """Whether there is a row of that call.

        Raises:
            StoreError: the store cannot be read, or a file in it is not a ledger file.
        """
        if await self._store.exists(_pending_key(row)):
            return True
        return row.call_id in await self._call_ids(await self._files(row.run_id))

    async def compact(self, run_id: str | None = None) -> int:
        """Gather the pending rows of a run (this one by default) into one Parquet file for each month.

        Returns:
            How many rows were gathered. Killed anywhere, it can be repeated: no row is lost or doubled.

        Raises:
            StoreError: the store cannot be read or written.
        """
        run_id, count = run_id or self._run_id, 0
        while keys := await self._waiting(run_id):
            rows = await self._read(keys)
            # After the rows: what another process gathered and removed while we read is in a file by now.
            files = await self._files(run_id)
            written = await self._call_ids(files)
            fresh = sorted((row for row in rows if row.call_id not in written), key=lambda row: (row.at, row.call_id))
            made = True
            for month in sorted({row.at[:7] for row in fresh}):
                part = [row for row in fresh if row.at[:7] == month]
                made = await self._store.create(_next_file(run_id, month, files), _parquet(part))
                if not made:
                    break
                count += len(part)
            if made:
                await self._store.delete_all(keys)
                break
        return count

    async def waiting_runs(self) -> tuple[str, ...]:
        """Runs that have rows not yet gathered.

        Raises:
            StoreError: the store cannot be read.
        """
        return tuple(await self._store.folders(PENDING))

    async def table(self, columns: Iterable[str] | None = None) -> pa.Table:
        """Every row, gathered or pending.

        Args:
            columns: names to read; all by default.

        Returns:
            A table with the columns of `SCHEMA`, in order of time where `at` is among them.

        Raises:
            StoreError: the store cannot be read, or a file in it is not a ledger file.
        """
        names = list(columns) if columns is not None else SCHEMA.names
        # Rows before files: a compaction meanwhile moves rows from here to there; each call counts once.
        rows = await self._read(await self._store.keys(f"{PENDING}/"))
        files = await self._files()
        parts = await at_once(self._part(key, names) for key in files)
        if rows:
            runs = {row.run_id or NO_RUN for row in rows}
            known = await self._call_ids(key for key in files if _run_of(key) in runs)
            parts.append(to_table(row for row in rows if row.call_id not in known).select(names))
        table = pa.concat_tables([SCHEMA.empty_table().select(names), *parts])
        return table.take(pc.sort_indices(table["at"])) if "at" in names else table

    async def paid(self) -> list[tuple[str, str, str, float]]:
        """What was paid for and answered: action, take id, request id and price in USD of each call.

        Raises:
            StoreError: the store cannot be read.
        """
        table = await self.table(["action", "take_id", "request_id", "price_usd", "status", "code", "in_doubt"])
        good = pc.and_(pc.equal(table["status"], 200), pc.equal(table["code"], ""))
        answered = table.filter(pc.and_not(good, table["in_doubt"]))
        columns = [answered[name].to_pylist() for name in ("action", "take_id", "request_id", "price_usd")]
        return list(zip(*columns, strict=True))

    async def voices_spoken(self) -> frozenset[str]:
        """Names of the voices that something was ever spoken with.

        Raises:
            StoreError: the store cannot be read.
        """
        table = await self.table(["voice", "action"])
        return frozenset(table.filter(pc.equal(table["action"], "synthesize"))["voice"].to_pylist())

    async def last_spoken(self) -> dict[str, tuple[str, bool]]:
        """When each voice was spoken with last (ISO 8601, UTC), and whether ever for a production.

        Raises:
            StoreError: the store cannot be read.
        """
        table = await self.table(["voice", "action", "at", "status", "production"])
        good = pc.and_(pc.equal(table["action"], "synthesize"), pc.equal(table["status"], 200))
        spoken = table.filter(good)
        found: dict[str, tuple[str, bool]] = {}
        columns = (spoken[name].to_pylist() for name in ("voice", "at", "production"))
        for voice, at, production in zip(*columns, strict=True):  # in order of time
            found[voice] = (at.isoformat(), bool(production) or found.get(voice, ("", False))[1])
        return found

    async def productions_of_takes(self) -> dict[str, frozenset[str]]:
        """For which productions each take was asked, by take id; the empty name is of calls for no production.

        Raises:
            StoreError: the store cannot be read.
        """
        table = await self.table(["take_id", "production"])
        found: dict[str, set[str]] = {}
        for take_id, production in zip(table["take_id"].to_pylist(), table["production"].to_pylist(), strict=True):
            if take_id:
                found.setdefault(take_id, set()).add(production)
        return {take_id: frozenset(names) for take_id, names in found.items()}

    async def spent_usd(self, production: str, left_out: frozenset[str] = frozenset()) -> float:
        """What a production has cost, calls in doubt included.

        Args:
            production: as the rows name it.
            left_out: run ids whose rows do not count.

        Raises:
            StoreError: the store cannot be read.
        """
        rows = [row for run in await self.waiting_runs() if run not in left_out for row in await self._pending_of(run)]
        files = [key for key in await self._files() if _run_of(key) not in left_out]
        sums = await at_once(self._sums(key) for key in files)
        spent = sum(usd for part in sums for book, run, usd in part if book == production and run not in left_out)
        runs = {row.run_id or NO_RUN for row in rows}
        known = await self._call_ids(key for key in files if _run_of(key) in runs)
        return spent + sum(row.price_usd for row in rows if row.production == production and row.call_id not in known)

    async def _sums(self, key: str) -> tuple[tuple[str, str, float], ...]:
        if key not in self._spent:
            part = await self._part(key, ["production", "run_id", "price_usd"])
            summed = part.group_by(["production", "run_id"], use_threads=THREADS).aggregate([("price_usd", "sum")])
            columns = [summed[name].to_pylist() for name in ("production", "run_id", "price_usd_sum")]
            self._spent[key] = tuple(zip(*columns, strict=True))
        return self._spent[key]

    async def _files(self, run_id: str | None = None) -> list[str]:
        keys = [key for key in await self._store.keys(f"{ROWS}/") if key.endswith(".parquet")]
        return keys if run_id is None else [key for key in keys if _run_of(key) == (run_id or NO_RUN)]

    async def _part(self, key: str, names: list[str]) -> pa.Table:
        data = await self._store.get(key)
        if data is None:
            return SCHEMA.empty_table().select(names)
        try:
            return _completed(pq.ParquetFile(pa.BufferReader(data)).read(columns=names, use_threads=THREADS), names)
        except (pa.ArrowException, OSError, ValueError) as error:  # a thrift header that is damaged is an OSError
            raise StoreError(
                f"{self._store.url}/{key} is not a ledger file: {error}.", "Move it away; the others are untouched."
            ) from error

    async def _waiting(self, run_id: str) -> list[str]:
        return [key for key in await self._store.keys(f"{PENDING}/{run_id}/") if key.endswith(".json")]

    async def _pending_of(self, run_id: str) -> list[Row]:
        return await self._read(await self._waiting(run_id))

    async def _read(self, keys: Iterable[str]) -> list[Row]:
        async def row(key: str) -> Row | None:
            data = await self._store.get(key)
            return None if data is None else decode_row(data, f"{self._store.url}/{key}")

        found = await at_once(row(key) for key in keys if key.endswith(".json"))
        return [row for row in found if row is not None]

    async def _call_ids(self, files: Iterable[str]) -> set[str]:
        parts = await at_once(self._part(key, ["call_id"]) for key in files)
        return {call_id for part in parts for call_id in part["call_id"].to_pylist()}


def _completed(part: pa.Table, names: list[str]) -> pa.Table:
    """A part with all the columns that are asked for: one that was written before a column existed has its default."""
    for name in [name for name in names if name in _DEFAULTS and name not in part.column_names]:
        field = SCHEMA.field(name)
        part = part.append_column(field, pa.array([_DEFAULTS[name]] * part.num_rows, field.type))
    known = [name for name in names if name in part.column_names]
    return part.select(known).cast(pa.schema([SCHEMA.field(name) for name in names]))


def _pending_key(row: Row) -> str:
    return f"{PENDING}/{row.run_id or NO_RUN}/{row.call_id}.json"


def _run_of(file: str) -> str:
    """Whose rows a file holds: `ledger/rows/month=2026-11/<run id>-0001.parquet`."""
    return file.rpartition("/")[2].rpartition("-")[0]


def _next_file(run_id: str, month: str, files: Iterable[str]) -> str:
    folder = f"{ROWS}/month={month}/"
    ends = [file.removesuffix(".parquet").rpartition("-")[2] for file in files if file.startswith(folder)]
    number = 1 + max((int(end) for end in ends if end.isdecimal()), default=0)
    return f"{folder}{run_id}-{number:04d}.parquet"


def _parquet(rows: Iterable[Row]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(to_table(rows), sink, compression="zstd")
    return sink.getvalue()


def to_table(rows: Iterable[Row]) -> pa.Table:
    """Rows as an Arrow table of `SCHEMA`."""
    records = [{**asdict(row), "at": datetime.fromisoformat(row.at).astimezone(UTC)} for row in rows]
    return pa.Table.from_pylist(records, schema=SCHEMA)
