"""A budget of half the cost, with failures all around: the bill never exceeds it."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from tests.prove.harness import UNLUCKY, Studio, vendor

PRICE_USD = 0.115 / 10_000
"""Of one billed character, as `prices.toml` assumes it."""


def prove_budget(runs: int, *, chapters: str = "1") -> str:
    """Render `runs` times under a cap of half the plan's cost, 16 in flight, 20 % of calls failing.

    Returns:
        The figures, in one sentence.
    """
    closest = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with vendor(folder, rate_500=0.1, drop_before=0.05, drop_after=0.05, fault_actions=("synthesize",)) as service:
            profile = service.profile(in_flight=16, attempts=UNLUCKY)
            first = Studio(home=folder / "first", out=folder / "first-out", profile=profile)
            code, _summary, err = first.render("--chapters", chapters, "--budget", "100")
            assert code in (0, 6), err
            for number in range(runs):
                studio = Studio(home=folder / f"home{number}", out=folder / f"out{number}", profile=profile)
                shutil.copytree(first.home / "store" / "voices", studio.home / "store" / "voices")
                _code, plan, err = studio.run(
                    "plan", str(_demo()), "--profile", str(profile), "--chapters", chapters, "--json"
                )
                cap = json.loads(plan)["cost_usd"] / 2
                before = service.bill()["characters"]
                code, _summary, err = studio.render("--chapters", chapters, "--budget", f"{cap:.9f}")
                spent = (service.bill()["characters"] - before) * PRICE_USD
                assert spent <= cap + 1e-9, f"run {number}: the bill is {spent:.6f}, the cap {cap:.6f}"
                assert code == 4, f"run {number}: exit code {code}: {err}"
                closest = max(closest, spent / cap)
                shutil.rmtree(studio.home)
    return f"{runs} renders under half their cost, 20 % failures, 16 in flight: at most {closest:.1%} of the cap billed"


def _demo() -> Path:
    from tests.prove.harness import DEMO

    return DEMO
