"""Hours in milliseconds: a clock that stands while anybody works and jumps when everybody sleeps."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from narration.sandbox.faults import Switches, read_switches
from narration.sandbox.limits import Limiter
from narration.sandbox.wire import RefusedError
from narration.services import AttemptEnd, Ending
from narration.services.pace import Pacer

T = TypeVar("T")

EPOCH_S = 1_795_000_000.0


class VirtualTime:
    """A clock, and sleeps that end late by up to `late_s`."""

    def __init__(self, late_s: float = 0.0, seed: int = 1) -> None:
        self.at = 100.0
        self._late_s, self._chance = late_s, Random(seed)  # noqa: S311 — lateness
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def clock(self) -> float:
        return self.at

    def now(self) -> float:
        return EPOCH_S + self.at

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        until = self.at + seconds + self._late_s * self._chance.random()
        heapq.heappush(self._sleepers, (until, next(self._count), woken))
        await woken

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the work be done, however long it takes by this clock."""
        task = asyncio.create_task(work)
        loop: Any = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0)
            while loop._ready:  # noqa: ASYNC110 — somebody can still go on at this moment
                await asyncio.sleep(0)
            if task.done():
                return task.result()
            assert self._sleepers, "everybody waits for somebody"
            until, _, woken = heapq.heappop(self._sleepers)
            self.at = max(self.at, until)
            if not woken.done():
                woken.set_result(None)

    def pacer(self, per_minute: int = 180, per_second: float = 3.0, in_flight: int = 16, **more: Any) -> Pacer:  # noqa: ANN401
        return Pacer(
            per_minute=per_minute,
            per_second=per_second,
            in_flight=in_flight,
            clock=self.clock,
            now=self.now,
            sleep=self.sleep,
            **more,
        )


@dataclass
class Server:
    """The sandbox's own limits, and a network before them.

    Attributes:
        time: by which it counts.
        switches: `rpm`, `rps`, `concurrency`, `retry_after_s`.
        latency_s: of an answer.
        jitter_s: requests arrive late by up to this.
        away: what it fails with, or None.
        sent: when requests were sent, and how they ended.
    """

    time: VirtualTime
    switches: Switches
    latency_s: float = 0.5
    jitter_s: float = 0.0
    away: AttemptEnd | None = None
    sent: list[tuple[float, Ending]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limiter = Limiter(self.time.clock)
        self.chance = Random(1)  # noqa: S311 — jitter

    async def answer(self) -> AttemptEnd:
        at = self.time.at
        await self.time.sleep(self.jitter_s * self.chance.random())
        end = self.away or AttemptEnd(ending=Ending.ANSWERED, status=200)
        try:
            with self.limiter.admit("account", "model", self.switches):
                await self.time.sleep(self.latency_s)
        except RefusedError as error:
            wait_s = error.headers.get("retry-after")
            end = AttemptEnd(
                ending=Ending.THROTTLED,
                status=error.status,
                code=error.code,
                retry_after_s=None if wait_s is None else float(wait_s),
            )
        self.sent.append((at, end.ending))
        return end

    @property
    def starts(self) -> list[float]:
        return sorted(at for at, _ in self.sent)

    @property
    def refused(self) -> int:
        return sum(1 for _, ending in self.sent if ending is Ending.THROTTLED)


def server(time: VirtualTime, *, latency_s: float = 0.5, jitter_s: float = 0.0, **limits: object) -> Server:
    switches = read_switches({"rpm": None, "rps": None, **limits})
    return Server(time=time, switches=switches, latency_s=latency_s, jitter_s=jitter_s)


async def ask(pacer: Pacer, service: Server, requests: int, until: float = float("inf")) -> None:
    """Have so many requests answered, each repeated while it is refused; nothing is begun after `until`."""

    async def one() -> None:
        for attempt in itertools.count(1):
            permit = await pacer.enter(attempt)
            if service.time.at >= until:
                pacer.end(permit)
                return
            await pacer.go(permit)
            end = await service.answer()
            pacer.end(permit, end)
            if end.ending is not Ending.THROTTLED:
                return
            await service.time.sleep(1.0)

    await asyncio.gather(*(one() for _ in range(requests)))
