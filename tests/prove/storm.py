"""A service that fails, drops, cuts and throttles: the book is finished, every chunk right, little asked in vain."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.prove.harness import DEMO, UNLUCKY, Studio, Vendor, bought_twice, vendor

IN_FLIGHT = 16
MOST_THROTTLED = 0.02
DESIGNS_PER_S = 1.0
"""As `limits.toml` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rush:
    """What was asked, by the service's own count.

    Attributes:
        sent, throttled: requests, and how many of them were refused as too many.
        ideal_s: seconds that they take at the rates of both models.
        rate: of syntheses, while there were any, as a fraction of the rate.
    """

    sent: int
    throttled: int
    ideal_s: float
    rate: float

    def __str__(self) -> str:
        return (
            f"{self.sent} requests ({self.ideal_s:.0f} s at the limit), {self.throttled} throttled "
            f"({self.throttled / self.sent:.1%}), {self.rate:.1%} of the rate while speaking"
        )


def _rush(service: Vendor, rpm: int, *, timed: bool = True) -> _Rush:
    bill = service.bill()
    calls = bill["calls_by_action"]
    spoken_at = sorted(datetime.fromisoformat(row["at"]).timestamp() for row in service.rows())
    found = _Rush(
        sent=bill["calls"],
        throttled=sum(count for code, count in bill["refused_by_code"].items() if "Throttling" in code),
        ideal_s=calls["synthesize"] / (rpm / 60) + calls["create"] / DESIGNS_PER_S,
        rate=calls["synthesize"] / max(spoken_at[-1] - spoken_at[0], 0.001) / (rpm / 60),
    )
    assert not timed or found.throttled <= MOST_THROTTLED * found.sent, str(found)
    return found


@contextlib.contextmanager
def _limited(rpm: int, **faults: object) -> Iterator[tuple[Vendor, Path, Path]]:
    """A service with limits per minute and second; a folder, and a profile with the same limits."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with vendor(folder, rpm=rpm, rps=max(1, rpm // 60)) as service:
            service.switch(**faults)
            yield (
                service,
                folder,
                service.profile(per_minute=rpm, per_second=rpm / 60, in_flight=IN_FLIGHT, attempts=UNLUCKY),
            )


def prove_storm(*, chapters: str, rpm: int = 180, timed: bool = True) -> str:
    """Render with 10 % of answers 500, 5 % of connections dropped, 10 % of downloads cut, 429 above the rate.

    Args:
        chapters: of the demo.
        rpm: requests per minute, of the service and of the profile.
        timed: whether seconds, and requests that come too soon, are held to their bounds as well: on a machine that
            does nothing else. (On a busy one requests that left in time come together; `tests/services` proves the
            pace by a clock of its own.)

    Returns:
        The figures, in one sentence.
    """
    # A creation whose connection breaks is in doubt and stops the run, which is another proof's business.
    faults = {"rate_500": 0.1, "drop_before": 0.05, "cut": 0.1, "fault_actions": ["list", "query", "synthesize"]}
    with _limited(rpm, **faults) as (service, folder, profile):
        studio = Studio(home=folder / "home", out=folder / "out", profile=profile)
        started = time.monotonic()
        code, summary, err = studio.render("--chapters", chapters)
        took_s = time.monotonic() - started
        assert code == 0, err
        rush, bill, usage = _rush(service, rpm, timed=timed), service.bill(), studio.usage()
        assert usage["characters_billed"] <= bill["characters"]
        assert bill["characters"] <= usage["characters_billed"] + usage["characters_in_doubt"]
        assert not timed or took_s <= 1.1 * rush.ideal_s + 10, f"{took_s:.0f} s for {rush}"
        calm = Studio(home=folder / "home", out=folder / "calm", profile=profile)
        service.switch(rate_500=0, drop_before=0, cut=0)
        code, again, err = calm.render("--chapters", chapters)
        assert code == 0, err
        assert again["chunks_spoken"] == 0
        assert calm.files() == studio.files()
    return f"{summary['chunks_spoken']} takes of {DEMO.name} in {took_s:.0f} s: {rush}, every chapter right"


def prove_shared_rate(*, chapters: str, rpm: int = 180, apart_s: float = 0.0) -> str:
    """Render the same book twice at once, without a Prefect server, on one store and one account.

    Returns:
        The figures, in one sentence.
    """
    with _limited(rpm) as (service, folder, profile):
        studios = [Studio(home=folder / "home", out=folder / f"out{n}", profile=profile) for n in range(2)]
        processes = [studios[0].start("--chapters", chapters)]
        time.sleep(apart_s)
        processes.append(studios[1].start("--chapters", chapters))
        parts = []
        for process in processes:
            out, err = process.communicate(timeout=600)
            assert process.returncode == 0, err
            parts.append(json.loads(out)["chunks_spoken"])
        assert bought_twice(service.rows()) == 0
        assert studios[0].files() == studios[1].files()
        return f"two renders, {apart_s:g} s apart, {parts[0]} + {parts[1]} takes: {_rush(service, rpm)}"


def prove_resumed_rate(*, chapters: str, rpm: int = 180, after_s: float = 20.0) -> str:
    """Kill a render in the middle of its first minute and start it again at once.

    Returns:
        The figures, in one sentence.
    """
    with _limited(rpm) as (service, folder, profile):
        studio = Studio(home=folder / "home", out=folder / "out", profile=profile)
        assert studio.render_killed(after_s, "--chapters", chapters), "it was finished before it was killed"
        before = service.bill()["calls"]
        code, _summary, err = studio.render("--chapters", chapters)
        assert code == 0, err
        return f"killed after {before} requests and resumed at once: {_rush(service, rpm)}"
