"""How fast the takes of a long book are looked up, and how fast claims are made and released, on a local folder."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from unittest import mock

from benchmarks.frame import Figure, at_most, cpu, told
from flows.cli.main import GARBAGE_FROM
from narration.memory.claims import Claim, Claims, this_run
from narration.memory.store import Store, at_once, open_store
from narration.memory.takes import Takes
from narration.take import ClipMeasures, SpeechAsk, Take

FEW, MANY = 2_000, 20_000
MOST = 12.0
"""Ten times as many take little more than ten times as long."""
AUDIO = b"RIFF" + bytes(1000)
MEASURES = ClipMeasures(
    rate_hz=24_000, frames=48_000, speech_start=0, speech_end=9, speech_dbfs=-20.0, peak_dbfs=-3.0, floor_dbfs=-70.0
)


def take(number: int) -> Take:
    """The take of a line."""
    ask = SpeechAsk(service="qwen", region="r", model="m", voice="v", text=f"The line {number}.", language="en")
    return Take(
        ask=ask,
        sha256=hashlib.sha256(AUDIO).hexdigest(),
        measures=MEASURES,
        request_id=str(number),
        billed_characters=9,
        price_usd=0.001,
        created_at="2026-11-21T10:00:00.000+00:00",
        run_id="run",
    )


def measure(*, tiny: bool) -> Iterator[Figure]:
    """Write takes, look them up, and look for some that are not there; then claim and release."""
    gc.set_threshold(GARBAGE_FROM)  # as the command does
    few, many = (50, 200) if tiny else (FEW, MANY)
    small, large = _lookups(few), _lookups(many)
    yield at_most(f"finding {many:,} takes against {few:,}", large[0] / small[0], MOST, seen=_each(large[0], many))
    yield at_most("missing as many", large[1] / small[1], MOST, seen=_each(large[1], many))
    with tempfile.TemporaryDirectory() as name:
        count, taken = (20 if tiny else 500), list[float]()
        with cpu(taken):
            asyncio.run(_claimed(open_store(name), count))
        yield told("claiming and releasing one", 1000 * taken[0] / count, "ms CPU", digits=1)


def _each(seconds: float, count: int) -> str:
    return f"{1e6 * seconds / count:.0f} µs CPU each"


def _lookups(count: int) -> tuple[float, float]:
    """Processor seconds of finding so many takes, and of missing as many: the quickest of three times each."""
    best: list[float] = []
    with tempfile.TemporaryDirectory() as name, mock.patch("os.fsync"):  # this store need not survive a power cut
        all_of_them = [take(number) for number in range(count)]
        asyncio.run(_put(Takes(open_store(name)), all_of_them))
        for ids in ([one.take_id for one in all_of_them], [f"{number:040x}" for number in range(count)]):
            taken: list[float] = []
            for _ in range(3):
                with cpu(taken):
                    asyncio.run(_found(Takes(open_store(name)), ids))
            best.append(min(taken))
    return best[0], best[1]


async def _put(takes: Takes, all_of_them: Iterable[Take]) -> None:
    await at_once(takes.put(one, AUDIO) for one in all_of_them)


async def _found(takes: Takes, ids: Iterable[str]) -> None:
    await takes.find(ids)


async def _claimed(store: Store, count: int) -> None:
    claims = Claims(store, this_run())
    for number in range(count):
        got = await claims.acquire(f"{number:040x}", None)
        assert isinstance(got, Claim)
        await claims.release(got)
