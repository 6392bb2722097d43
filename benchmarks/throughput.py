"""How much of the rate a render uses: against what latency and the service's limits allow, to the request.

At a limit of 180 a minute the service takes no more than three in a second, so that the last of n requests can come no
sooner than n / 3 - 1 seconds after the first. Without one, so many are open at a time as the profile allows, and the bound
is the time in which as many hands would be through, each taking the next text as it has the answer to its last. Counted
by the service: when each request came. On a busy machine this says more of the machine; the pacing alone is therefore
also measured against the service's own limiter by a clock that stands while anybody works.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.frame import Figure, at_least, at_most, told
from benchmarks.service import USUAL, Latency, slow_vendor, write_monologue
from tests.prove.harness import Studio
from tests.services.virtual_time import VirtualTime, ask, server

LEAST = 97.0
"""Per cent of the bound."""
PER_MINUTE = 180
IN_FLIGHT = 8
LATE_S = JITTER_S = 0.005
"""How much later than asked a sleep ends, and how long a request is on its way, at the most, where time is not real."""
LIMITED, FREE = 540, 200
"""Chunks: long enough that a slow beginning does not decide."""


def measure(*, tiny: bool) -> Iterator[Figure]:
    """Render a book at the limit, and one without a limit."""
    yield from paced(60 if tiny else LIMITED)
    yield from _limited(12 if tiny else LIMITED, 720 if tiny else PER_MINUTE)
    yield from _free(12 if tiny else FREE, Latency(fixed_ms=100.0) if tiny else USUAL)


def paced(requests: int) -> Iterator[Figure]:
    """The pacer alone, against the sandbox's own limiter, by a clock that stands while anybody works."""
    clock = VirtualTime(LATE_S)
    service = server(clock, rpm=PER_MINUTE, rps=PER_MINUTE // 60, latency_s=1.7, jitter_s=JITTER_S)
    asyncio.run(clock.run(ask(clock.pacer(PER_MINUTE, PER_MINUTE / 60, IN_FLIGHT), service, requests)))
    least_s, span_s = _least_s(requests, PER_MINUTE), service.starts[-1] - service.starts[0]
    seen = f"{requests} requests in {span_s:.1f} s, {least_s} s at the limit; {service.refused} refused"
    yield at_least("of the rate, pacing alone", 100 * least_s / span_s, LEAST, "%", seen=seen, digits=1)


def _least_s(requests: int, rpm: int) -> int:
    """The shortest time from the first of so many requests to the last, where a second holds a sixtieth of a minute's."""
    return math.ceil(requests / (rpm // 60)) - 1


def _limited(lines: int, rpm: int) -> Iterator[Figure]:
    latency = USUAL if rpm == PER_MINUTE else Latency(fixed_ms=50.0)
    with tempfile.TemporaryDirectory() as name, slow_vendor(Path(name), latency, rpm=rpm) as service:
        profile = service.profile(per_minute=rpm, per_second=rpm / 60, in_flight=16)
        took_s = _render(Path(name), profile, lines)
        came = sorted(_came_at(row) for row in service.rows())
        bill = service.bill()
    least_s, span_s = _least_s(len(came), rpm), came[-1] - came[0]
    seen = f"{len(came)} requests in {span_s:.1f} s, {least_s} s at the limit; the whole command {took_s:.1f} s"
    yield at_least(f"of the rate, at {rpm} a minute", 100 * least_s / span_s, LEAST, "%", seen=seen, digits=1)
    throttled = sum(count for code, count in bill["refused_by_code"].items() if "Throttling" in code)
    yield at_most("of these refused as too many", 100 * throttled / len(came), 1.0, "%", digits=1, seen=f"{throttled}")


def _free(lines: int, latency: Latency) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name, slow_vendor(Path(name), latency) as service:
        took_s = _render(Path(name), service.profile(in_flight=IN_FLIGHT), lines)
        came = [(_came_at(row), latency.of(row["characters"])) for row in service.rows()]
    answered_s = max(at + wait_s for at, wait_s in came) - min(at for at, _ in came)
    bound_s = _by_hands(wait_s for _, wait_s in sorted(came))
    seen = f"{len(came)} requests, {IN_FLIGHT} open at a time, in {answered_s:.1f} s, {bound_s:.1f} s by latency alone"
    share = 100 * bound_s / answered_s
    yield at_least("of what latency allows, without a limit", share, LEAST, "%", seen=seen, digits=1)
    yield told("the whole command, against that bound", took_s / bound_s, seen=f"{took_s:.1f} s")


def _came_at(row: dict[str, Any]) -> float:
    return datetime.fromisoformat(row["at"]).timestamp()


def _by_hands(latencies_s: Iterable[float]) -> float:
    """Seconds until the last answer, where so many hands take one text after the other and lose no time between."""
    hands = [0.0] * IN_FLIGHT
    for wait_s in latencies_s:
        heapq.heapreplace(hands, hands[0] + wait_s)
    return max(hands)


def _render(folder: Path, profile: Path, lines: int) -> float:
    """Render a book of so many lines, in a voice that is made in the same run; seconds of the whole command."""
    write_monologue(folder / "book", lines, chapters=max(1, lines // 60))
    studio = Studio(home=folder / "home", out=folder / "out", profile=profile)
    started = time.monotonic()
    code, _summary, err = studio.render(book=folder / "book")
    if code:
        raise RuntimeError(f"exit code {code}: {err[-2000:]}")
    return time.monotonic() - started
