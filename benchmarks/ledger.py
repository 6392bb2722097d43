"""How fast the usage ledger is summed up, and what others spent is known, with a million rows in it.

The rows are compacted files, as after 200 renders; 500 more wait to be gathered. The figures are processor time of one
core, which is what a quiet machine takes by the clock.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.frame import Figure, at_most, cpu, middle, told
from narration.memory.store import Store, open_store
from narration.memory.usage import ROWS, SCHEMA, Ledger, grouped, needed, to_table, totals
from narration.row import Row

RUNS = 200
ROWS_OF_A_RUN = 5_000
WAITING = 500
MOST_S = 1.0
"""Nobody should wait longer for a sum."""


def one_row(number: int, run: int) -> Row:
    """A row like others."""
    return Row(
        call_id=f"{run:03d}-{number:028d}",
        at=f"2026-01-{number % 28 + 1:02d}T10:00:{number % 60:02d}.000+00:00",
        run_id=f"20261121T000000-{run:08d}",
        production=f"book {run % 10}",
        chapter=number % 60,
        character=f"character {number % 40}",
        service="qwen",
        region="international",
        model="qwen3-tts-vd-2026-01-26",
        action="synthesize" if number % 500 else "design",
        voice=f"qwen-tts-vd-voice-{number % 40}",
        take_id=f"{number:040d}",
        request_id=f"{number:032d}",
        characters=number % 300,
        price_usd=number % 300 * 1e-5,
        status=200,
        latency_ms=900,
        audio_s=number % 20 * 1.0,
        in_doubt=number % 1000 == 0,
    )


def write_files(folder: Path, rows: int) -> int:
    """The compacted files of `RUNS` runs; their size in bytes."""
    base = to_table(one_row(number, 0) for number in range(rows // RUNS))
    for run in range(RUNS):
        again = {"run_id": f"20261121T000000-{run:08d}", "production": f"book {run % 10}"}
        table = base
        for name, value in again.items():
            column = pa.array([value] * table.num_rows)
            table = table.set_column(table.schema.get_field_index(name), SCHEMA.field(name), column)
        ids = pa.array([f"{run:03d}-{number:028d}" for number in range(table.num_rows)])
        table = table.set_column(0, SCHEMA.field("call_id"), ids)
        month = folder / ROWS / "month=2026-01"
        month.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, month / f"20261121T000000-{run:08d}-0001.parquet", compression="zstd")
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


def measure(*, tiny: bool) -> Iterator[Figure]:
    """Write the files, and ask what `narrate usage` and a render ask."""
    with tempfile.TemporaryDirectory() as name:
        rows = RUNS * (10 if tiny else ROWS_OF_A_RUN)
        size = write_files(Path(name), rows)
        store = open_store(name)
        asyncio.run(_wait_for_gathering(store, 5 if tiny else WAITING))
        yield told("size of the files", size / rows, "bytes a row", seen=f"{rows:,} rows in {RUNS} files")
        for by in ("", "production", "character", "run_id", "day"):
            yield _asked(f"sums by {by}" if by else "sums of all", partial(_summed, store, by))
        ledger = Ledger(store, "reader")
        yield _asked("what a book has cost", lambda: asyncio.run(ledger.spent_usd("book 1")))
        yield _asked("what it has cost, asked again", lambda: asyncio.run(ledger.spent_usd("book 1")))
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        yield told("memory of all this", peak_mib, "MiB", digits=0)


def _asked(name: str, question: Callable[[], object]) -> Figure:
    """The processor time of a question, the median of three."""
    taken: list[float] = []
    for _ in range(3):
        with cpu(taken):
            question()
    return at_most(name, middle(taken), MOST_S, "s")


def _summed(store: Store, by: str) -> None:
    asyncio.run(_sums(store, by))


async def _sums(store: Store, by: str) -> None:
    table = await Ledger(store, "reader").table(needed(by))
    totals(table)
    if by:
        grouped(table, by)


async def _wait_for_gathering(store: Store, rows: int) -> None:
    """Rows of a run that is not over."""
    waiting = Ledger(store, "waiting")
    for number in range(rows):
        await waiting.note(one_row(10**9 + number, RUNS))
