"""The usage ledger: one row for every call to a service, as Parquet. This is pyarrow's only room.

A row is first an object of its own (`ledger/pending/<run>/<call>.json`), there the moment the call is answered;
`compact` gathers a run's rows into one Parquet file below `ledger/rows/month=…/`, which any reader opens. Each run
compacts its own rows, and those of runs that died, so several writers never meet.

Invariant: the ledger holds exactly one row for each `call_id`.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from narration.errors import InputError, Problem, StoreError
from narration.row import Row, decode_row, encode_row

if TYPE_CHECKING:
    from narration.store import Store

ROWS = "ledger/rows"
PENDING = "ledger/pending"


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


class Ledger:
    """The ledger of a store, as one run sees it."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id

    async def note(self, row: Row) -> None:
        """Write a row down at once; noting the same call twice is the same as once.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.put(f"{PENDING}/{row.run_id}/{row.call_id}.json", encode_row(row))

    async def compact(self, run_id: str | None = None) -> int:
        """Gather the pending rows of a run (this one by default) into one Parquet file for each month.

        Returns:
            How many rows were gathered. Killed anywhere, it can be repeated: no row is lost or doubled.

        Raises:
            StoreError: the store cannot be read or written.
        """
        run_id = run_id or self._run_id
        keys = await self._store.keys(f"{PENDING}/{run_id}/")
        if not keys:
            return 0
        rows = [row for row in await asyncio.gather(*(self._pending(key) for key in keys)) if row is not None]
        written = await self._call_ids(run_id)
        fresh = sorted((row for row in rows if row.call_id not in written), key=lambda row: (row.at, row.call_id))
        for month in sorted({row.at[:7] for row in fresh}):
            part = [row for row in fresh if row.at[:7] == month]
            name = hashlib.sha256("\n".join(row.call_id for row in part).encode()).hexdigest()[:12]
            sink = io.BytesIO()
            pq.write_table(to_table(part), sink, compression="zstd")
            await self._store.put(f"{ROWS}/month={month}/{run_id}-{name}.parquet", sink.getvalue())
        for key in keys:
            await self._store.delete(key)
        return len(fresh)

    async def waiting_runs(self) -> tuple[str, ...]:
        """Runs that have rows not yet gathered."""
        keys = await self._store.keys(f"{PENDING}/")
        return tuple(sorted({key.split("/")[2] for key in keys}))

    async def table(self, columns: Iterable[str] | None = None) -> pa.Table:
        """Every row, gathered or pending.

        Args:
            columns: names to read; all by default.

        Returns:
            A table with the columns of `SCHEMA`, in order of time where `at` is among them.

        Raises:
            StoreError: the store cannot be read, or a file in it is not a ledger file.
        """
        wanted = list(columns) if columns is not None else SCHEMA.names
        names = [*wanted, *(["call_id"] if "call_id" not in wanted else [])]
        parts = [SCHEMA.empty_table().select(names)]
        pending = await self._store.keys(f"{PENDING}/")
        parts += [
            part.select(names)
            for part in await asyncio.gather(*(self._part(key, names) for key in await self._files()))
        ]
        gathered = pa.concat_tables(parts)
        rows = [row for row in await asyncio.gather(*(self._pending(key) for key in pending)) if row is not None]
        if rows:
            # A compaction between the two looks moves rows from one side to the other; each call counts once.
            known = pc.is_in(pa.array([row.call_id for row in rows]), value_set=gathered["call_id"].combine_chunks())
            fresh = [row for row, seen in zip(rows, known.to_pylist(), strict=True) if not seen]
            gathered = pa.concat_tables([gathered, to_table(fresh).select(names)])
        table = gathered.select(wanted)
        return table.sort_by("at") if "at" in wanted else table

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

    async def spent_usd(self, production: str, left_out: frozenset[str] = frozenset()) -> float:
        """What a production has cost, calls in doubt included.

        Args:
            production: as the rows name it.
            left_out: run ids whose rows do not count.

        Raises:
            StoreError: the store cannot be read.
        """
        table = await self.table(["production", "run_id", "price_usd"])
        mine = pc.equal(table["production"], production)
        if left_out:
            mine = pc.and_not(mine, pc.is_in(table["run_id"], value_set=pa.array(sorted(left_out))))
        return float(pc.sum(table.filter(mine)["price_usd"]).as_py() or 0.0)

    async def _files(self) -> list[str]:
        return [key for key in await self._store.keys(f"{ROWS}/") if key.endswith(".parquet")]

    async def _part(self, key: str, names: list[str]) -> pa.Table:
        data = await self._store.get(key)
        if data is None:
            return SCHEMA.empty_table().select(names)
        try:
            return (
                pq.ParquetFile(pa.BufferReader(data))
                .read(columns=names)
                .cast(pa.schema([SCHEMA.field(name) for name in names]))
            )
        except (pa.ArrowException, ValueError) as error:
            raise StoreError(
                f"{self._store.url}/{key} is not a ledger file: {error}.", "Move it away; the others are untouched."
            ) from error

    async def _pending(self, key: str) -> Row | None:
        data = await self._store.get(key)
        return None if data is None else decode_row(data)

    async def _call_ids(self, run_id: str) -> set[str]:
        mine = [key for key in await self._files() if key.rpartition("/")[2].startswith(f"{run_id}-")]
        parts = await asyncio.gather(*(self._part(key, ["call_id"]) for key in mine))
        return {call_id for part in parts for call_id in part["call_id"].to_pylist()}


def to_table(rows: Iterable[Row]) -> pa.Table:
    """Rows as an Arrow table of `SCHEMA`."""
    records = [{**asdict(row), "at": datetime.fromisoformat(row.at).astimezone(UTC)} for row in rows]
    return pa.Table.from_pylist(records, schema=SCHEMA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over a table of the ledger.

    Attributes:
        calls: rows with an answer.
        synthesized: syntheses that succeeded.
        characters_billed: of answered calls.
        voices_created: designs that succeeded.
        cost_usd: of answered calls.
        characters_in_doubt, cost_in_doubt_usd: of calls whose answer was never read.
        audio_s: length of the sound that was bought.
    """

    calls: int
    synthesized: int
    characters_billed: int
    voices_created: int
    cost_usd: float
    characters_in_doubt: int
    cost_in_doubt_usd: float
    audio_s: float


def totals(table: pa.Table) -> Totals:
    """Sum up a table with the columns of `SCHEMA`."""
    known = table.filter(pc.invert(table["in_doubt"]))
    doubtful = table.filter(table["in_doubt"])
    good = known.filter(pc.and_(pc.equal(known["status"], 200), pc.equal(known["code"], "")))

    def count(action: str) -> int:
        return int(pc.sum(pc.equal(good["action"], action)).as_py() or 0)

    return Totals(
        calls=known.num_rows,
        synthesized=count("synthesize"),
        characters_billed=_sum(known, "characters"),
        voices_created=count("design"),
        cost_usd=float(pc.sum(known["price_usd"]).as_py() or 0.0),
        characters_in_doubt=_sum(doubtful, "characters"),
        cost_in_doubt_usd=float(pc.sum(doubtful["price_usd"]).as_py() or 0.0),
        audio_s=float(pc.sum(known["audio_s"]).as_py() or 0.0),
    )


def _sum(table: pa.Table, column: str) -> int:
    return int(pc.sum(table[column]).as_py() or 0)


GROUPS = (
    "production",
    "chapter",
    "character",
    "service",
    "region",
    "model",
    "action",
    "voice",
    "run_id",
    "month",
    "day",
)
"""What `narrate usage --by` takes."""


def grouped(table: pa.Table, by: str) -> tuple[tuple[str, Totals], ...]:
    """Totals for each value of a column, in order of the value.

    Raises:
        InputError: there is no such group.
    """
    if by not in GROUPS:
        raise InputError(Problem(what=f"no group {by!r}", where="--by", expected=f"one of {', '.join(GROUPS)}"))
    if by in ("month", "day"):
        keys = pc.strftime(table["at"], format="%Y-%m" if by == "month" else "%Y-%m-%d")
    else:
        keys = table[by]
    values = sorted(set(keys.to_pylist()))
    return tuple((str(value), totals(table.filter(pc.equal(keys, value)))) for value in values)
