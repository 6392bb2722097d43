"""How fast the takes of a long book are looked up, and how fast claims are made and released.

    python benchmarks/takes.py                 # 20,000 takes
    python benchmarks/takes.py --takes 2000

On a local folder. The writes flush to the disk, which is most of their time.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import tempfile
import time

from narration.claims import Claim, Claims, this_run
from narration.store import at_once, open_store
from narration.take import ClipMeasures, SpeechAsk, Take
from narration.takes import Takes

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


async def main(count: int) -> None:
    """Write the takes, and measure."""
    with tempfile.TemporaryDirectory() as name:
        store = open_store(name)
        takes, all_of_them = Takes(store), [take(number) for number in range(count)]
        start = time.perf_counter()
        await at_once(takes.put(one, AUDIO) for one in all_of_them)
        print(f"put {count:,} takes:        {time.perf_counter() - start:6.2f} s")
        ids = [one.take_id for one in all_of_them]
        start = time.perf_counter()
        found = await takes.find(ids)
        print(f"find {len(found):,} takes:       {time.perf_counter() - start:6.2f} s")
        start = time.perf_counter()
        missing = await takes.find(f"{number:040x}" for number in range(count))
        print(f"miss {count - len(missing):,} takes:       {time.perf_counter() - start:6.2f} s")
        claims = Claims(store, this_run())
        start = time.perf_counter()
        for number in range(500):
            got = await claims.acquire(f"{number:040x}", None)
            assert isinstance(got, Claim)
            await claims.release(got)
        print(f"claim and release:         {(time.perf_counter() - start) * 2:6.2f} ms each")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=20_000)
    asyncio.run(main(parser.parse_args().takes))
