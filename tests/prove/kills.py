"""Runs killed at random moments, each resumed: nothing lost, nothing bought twice, the ledger is the bill."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from pathlib import Path

from tests.prove.harness import Studio, bought_twice, vendor


def prove_kills(runs: int, *, seed: int = 1, chapters: str = "1") -> str:
    """Kill `runs` renders with SIGKILL at random moments and resume each.

    Returns:
        The figures, in one sentence.
    """
    chance = random.Random(seed)  # noqa: S311 — moments, not secrets
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with vendor(folder, latency_ms=60) as service:
            profile = service.profile(in_flight=4)
            calm = Studio(home=folder / "calm", out=folder / "calm-out", profile=profile)
            started = time.monotonic()
            code, summary, err = calm.render("--chapters", chapters)
            assert code == 0, err
            whole_s = time.monotonic() - started
            killed = twice = doubts = 0
            for number in range(runs):
                studio = Studio(home=folder / f"home{number}", out=folder / f"out{number}", profile=profile)
                # The same voices, so that the audio can be compared; every take is still to be bought.
                shutil.copytree(calm.home / "store" / "voices", studio.home / "store" / "voices")
                before = service.bill()
                rows_before = len(service.rows())
                for _ in range(chance.choice((1, 1, 2))):
                    killed += studio.render_killed(chance.uniform(0.2, whole_s), "--chapters", chapters)
                code, _summary, err = studio.render("--chapters", chapters)
                assert code == 0, err
                again = service.bill()
                bill = again["characters"] - before["characters"]
                usage = studio.usage()
                known, doubt = usage["characters_billed"], usage["characters_in_doubt"]
                assert known <= bill <= known + doubt, f"run {number}: {known} ≤ {bill} ≤ {known} + {doubt}"
                assert studio.files() == calm.files(), f"run {number}: other audio"
                assert not studio.leftovers(), studio.leftovers()
                repeated = bought_twice(service.rows()[rows_before:])
                in_doubt = _rows_in_doubt(studio)
                assert repeated <= in_doubt, f"run {number}: {repeated} bought twice, {in_doubt} in doubt"
                twice += repeated
                doubts += in_doubt
                code, _summary, err = studio.render("--chapters", chapters)
                assert code == 0, err
                assert service.bill()["calls"] == again["calls"], "a finished book asked for something"
    chunks = summary["chunks_spoken"]
    return (
        f"{runs} renders of {chunks} takes, {killed} kills: identical audio, {twice} takes paid twice "
        f"(all of {doubts} calls killed between sending and answer), no leftovers, known ≤ bill ≤ known + in doubt"
    )


def _rows_in_doubt(studio: Studio) -> int:
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    table = ds.dataset(str(studio.home / "store" / "ledger" / "rows"), partitioning="hive").to_table(["in_doubt"])
    return int(pc.sum(table["in_doubt"]).as_py() or 0)
