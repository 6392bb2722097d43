"""A service that fails, drops, cuts and throttles: the book is finished, every chunk right, little asked in vain."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.prove.harness import DEMO, Studio, vendor


def prove_storm(*, chapters: str, rpm: int = 180) -> str:
    """Render with 10 % of answers 500, 5 % of connections dropped, 10 % of downloads cut, 429 above the rate.

    Returns:
        The figures, in one sentence.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with vendor(folder, rate_500=0.1, drop_before=0.05, cut=0.1, rpm=rpm, rps=max(1, rpm // 60)) as service:
            studio = Studio(
                home=folder / "home",
                out=folder / "out",
                profile=service.profile(per_minute=rpm, per_second=rpm / 60, in_flight=16),
            )
            started = time.monotonic()
            code, summary, err = studio.render("--chapters", chapters)
            took_s = time.monotonic() - started
            assert code == 0, err
            bill, usage = service.bill(), studio.usage()
            assert usage["characters_billed"] <= bill["characters"]
            assert bill["characters"] <= usage["characters_billed"] + usage["characters_in_doubt"]
            refused = sum(count for codename, count in bill["refused_by_code"].items() if "Throttling" in codename)
            sent = bill["calls"]
            assert refused <= 0.02 * sent, f"{refused} of {sent} requests were throttled"
            ideal_s = sent / (rpm / 60)
            assert took_s <= 1.1 * ideal_s + 10, f"{took_s:.0f} s for {sent} requests at {rpm} a minute"
            calm = Studio(home=folder / "home", out=folder / "calm", profile=studio.profile)
            service.switch(rate_500=0, drop_before=0, cut=0)
            code, again, err = calm.render("--chapters", chapters)
            assert code == 0, err
            assert again["chunks_spoken"] == 0
            assert calm.files() == studio.files()
    return (
        f"{summary['chunks_spoken']} takes of {DEMO.name} in {took_s:.0f} s for {sent} requests ({ideal_s:.0f} s at "
        f"{rpm / 60:g} a second), {refused} throttled ({refused / sent:.1%}), every chapter right"
    )
