"""How fast the usage ledger is summed up, and what others spent is known, with a million rows in it.

    python benchmarks/ledger.py                 # a million rows of 200 runs
    python benchmarks/ledger.py --rows 100000

The rows are compacted files, as after 200 renders; 500 more wait to be gathered. Every figure is wall-clock seconds,
the best of three.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from narration.row import Row
from narration.store import open_store
from narration.usage import GROUPS, NEEDED, ROWS, SCHEMA, Ledger, grouped, to_table, totals

RUNS = 200
WAITING = 500


def one_row(number: int, run: int) -> Row:
    """A row like others."""
    return Row(
        call_id=f"{run:03d}-{number:028d}",
        at=f"2026-{run * 12 // (RUNS + 1) + 1:02d}-{number % 28 + 1:02d}T10:00:{number % 60:02d}.000+00:00",
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
        month = folder / ROWS / f"month=2026-{run * 12 // (RUNS + 1) + 1:02d}"
        month.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, month / f"20261121T000000-{run:08d}-0001.parquet", compression="zstd")
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


async def best(work: Callable[[], Awaitable[object]], times: int = 3) -> float:
    """Seconds of the fastest of several goes."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - start)
    return min(taken)


async def main(rows: int) -> None:
    """Write the files, and measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write_files(folder, rows)
        store = open_store(folder)
        waiting = Ledger(store, "waiting")
        for number in range(WAITING):
            await waiting.note(one_row(10**9 + number, RUNS))
        ledger = Ledger(store, "reader")
        start = time.perf_counter()
        table = await ledger.table()
        read_s = time.perf_counter() - start
        print(f"{table.num_rows:,} rows in {RUNS} files, {size / 1e6:.0f} MB; {WAITING} of them waiting")

        async def usage() -> None:
            totals(await ledger.table(NEEDED))

        async def fresh_spent() -> None:
            await Ledger(store, "reader").spent_usd("book 1")

        async def spent() -> None:
            await ledger.spent_usd("book 1", frozenset({f"20261121T000000-{RUNS:08d}"}))

        async def compact() -> None:
            await waiting.compact(f"20261121T000000-{RUNS:08d}")

        print(f"read every column:           {read_s:6.2f} s")
        print(f"read and sum all:            {await best(usage):6.2f} s")
        for by in GROUPS:
            start = time.perf_counter()
            found = grouped(table, by)
            print(f"by {by:<12} {len(found):>5} groups: {time.perf_counter() - start:6.2f} s")
        print(f"what a book has cost, first: {await best(fresh_spent):6.2f} s")
        print(f"and then:                    {await best(spent):6.3f} s")
        print(f"gather {WAITING} rows:             {await best(compact, 1):6.2f} s")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory:                 {peak:6.0f} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asyncio.run(main(parser.parse_args().rows))
