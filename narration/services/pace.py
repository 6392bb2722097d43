"""How fast one run asks one model of one account.

Invariant: in any 60 s no more than `per_minute` requests are started, in any 1 s no more than `per_second`, both
divided by the number of runs that share the account; each run has no more than `in_flight` open, and all together no
more than the account was seen to bear.

A request first enters, then goes. Between the two it is made ready (money, claim), and its turn to go is awaited where
it is sent, so that it reaches the service when it was meant to. Starts are evenly spaced, never faster than the lower
of both limits; so a run that follows at once upon a dead one cannot exceed what the service still counts of that.
Runs that share an account take turns on a time grid that all of them reckon from the time of day.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from narration.learnt import Learnt
from narration.services.breaker import Breaker
from narration.services.protocol import AttemptEnd, Ending
from narration.services.tempo import Breadth, Tempo

log = logging.getLogger(__name__)

GUARD: Final = 1.02
"""Windows are taken so much longer than they are: requests are on the way for different times, and the service counts
arrivals. A fiftieth of a second in one second; the rate is a fiftieth lower for it."""

GRID_GUARD: Final = 1.03
"""Turns on a shared grid are so much longer still: none sees when the others' requests really went."""

IDLE_S: Final = 30.0
"""After so long without a request the start is slow again."""

ASKED_MOST_S: Final = 60.0
"""A service's `Retry-After` is honoured up to this."""

POLL_S: Final = 1.0
"""Whoever waits looks so often whether things have changed."""

LATE_S: Final = 0.03
"""A run that comes later than this to its turn on a shared grid waits for its next one."""

NUDGE: Final = 0.1
"""A refusal moves a run's turns on the grid later by this part of the time between two turns. Of turns that are not
even, because clocks differ, the one before the widest gap is refused: so they become even."""

LEAD_MOST_S: Final = 2.0
"""Requests are made ready at most so long before their turn."""


@dataclass(slots=True)
class _Window:
    """At most `most` starts in any `length_s`."""

    most: int
    length_s: float
    starts: deque[float] = field(default_factory=deque)

    def open_at(self, runs: int) -> float:
        """The earliest time of the next start, when so many runs share the window."""
        return self.starts[0] + runs * self.length_s if len(self.starts) >= self.most else -math.inf

    def start(self, at: float) -> None:
        self.starts.append(at)
        if len(self.starts) > self.most:
            self.starts.popleft()


@dataclass(slots=True, eq=False)
class Permit:
    """The right to send one request.

    Attributes:
        entered_at: when it was given, by the pacer's clock.
        probe: it tries whether a failing service is back.
        sent_at: when the request was sent; None before.
        there: how many were open then, this one included.
    """

    entered_at: float
    probe: bool
    sent_at: float | None = None
    there: int = 0


class Pacer:
    """Gives permits to send requests: repeated ones first, else in the order in which they are asked for.

    Args:
        per_minute: 0 is no limit.
        per_second: 0 is no limit; below 1 it is one request in `1 / per_second` seconds.
        in_flight: of this run, at least 1.
        learnt: what earlier runs learnt of the account.
        halted: whether the run is to stop: nobody need wait then, as nothing will be sent.
        clock: seconds that never run backwards.
        now: Unix seconds.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        *,
        per_minute: int,
        per_second: float,
        in_flight: int,
        learnt: Learnt | None = None,
        halted: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._halted, self._clock, self._now, self._sleep = halted, clock, now, sleep
        self._windows = [_Window(per_minute, GUARD * 60.0)] if per_minute > 0 else []
        if per_second > 0:
            self._windows.append(_Window(max(int(per_second), 1), GUARD * max(1.0, 1.0 / per_second)))
        self._ceiling_hz = min((window.most / window.length_s for window in self._windows), default=math.inf)
        known = learnt or Learnt()
        self._tempo = Tempo(ceiling_hz=self._ceiling_hz, content_hz=known.rate_hz, ramp_s=known.ramp_s)
        self._breadth = Breadth(ceiling=max(in_flight, 1), content=known.in_flight)
        self._breaker = Breaker()
        self._turn_s = GRID_GUARD / self._ceiling_hz
        self._runs, self._rank, self._grid_at, self._nudged_s = 1, 0, 0.0, 0.0
        self._held_until = self._due = self._last = -math.inf
        self._open = self._preparing = 0
        self._ready_s = 0.0
        self._queue: list[tuple[bool, int, asyncio.Future[Permit]]] = []
        self._arrivals = itertools.count()
        self._doorman: asyncio.Task[None] | None = None
        self._exit = asyncio.Lock()

    @property
    def learnt(self) -> Learnt:
        """What this and earlier runs learnt of the account."""
        tempo = self._tempo
        return Learnt(rate_hz=tempo.learnt_hz, in_flight=self._breadth.learnt, ramp_s=tempo.learnt_ramp_s)

    @property
    def hopeless(self) -> str:
        """What the service has failed with every time for minutes; empty when it has not."""
        return self._breaker.hopeless(self._clock())

    def share(self, runs: int, rank: int) -> None:
        """Take one part of the limits.

        Args:
            runs: how many runs ask the same account, this one included.
            rank: this one's place among them, 0-based, the same in the eyes of all.
        """
        if runs != self._runs:
            log.info("%d runs ask this account; each takes its part of the rate", runs)
        self._runs, self._rank, self._tempo.runs, self._breadth.runs = runs, rank, runs, runs
        if runs == 1:
            self._nudged_s = 0.0
        self._grid_at = self._clock() - self._now() + rank * self._turn_s + self._nudged_s
        self._wake()

    def make_room(self, seconds: float) -> None:
        """Begin only after so many seconds, so that others can take smaller parts; nothing where no rate is shared."""
        if self._windows:
            self._hold(seconds)

    def _hold(self, seconds: float) -> None:
        self._held_until = max(self._held_until, self._clock() + seconds)

    async def enter(self, attempt: int = 1) -> Permit:
        """Wait until a request may be made ready; `end` gives the permit back.

        Args:
            attempt: how often it will have been sent (1-based). What was begun goes before what was not.
        """
        if not self._queue and self._wait_s() <= 0:
            return self._admit()
        turn: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (attempt == 1, next(self._arrivals), turn))
        self._wake()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.end(turn.result())
            raise

    async def go(self, permit: Permit) -> None:
        """Wait for the moment at which the request is to be sent."""
        self._ready_s = max(self._clock() - permit.entered_at, 0.9 * self._ready_s)
        async with self._exit:
            while (wait_s := self._open_at(self._clock()) - self._clock()) > 0 and not self._halted():
                await self._sleep(min(wait_s, POLL_S))
            self._start(permit, self._clock())
        self._preparing -= 1
        self._wake()

    def end(self, permit: Permit, end: AttemptEnd | None = None) -> None:
        """Give a permit back.

        Args:
            permit: its request is over, or will not be sent.
            end: how the request ended; None when that tells nothing.
        """
        self._open -= 1
        if permit.sent_at is None:
            self._preparing -= 1
        if permit.sent_at is not None and end is not None and not self._halted():
            self._learn(permit, permit.sent_at, end)
        elif permit.probe:
            self._breaker.given_up(self._clock())
        self._wake()

    def _admit(self) -> Permit:
        self._open += 1
        self._preparing += 1
        return Permit(entered_at=self._clock(), probe=self._breaker.probe())

    def _start(self, permit: Permit, now: float) -> None:
        permit.sent_at, permit.there = now, self._runs * (self._open - self._preparing + 1)
        if now - self._last > IDLE_S:
            self._tempo.rested(now)
        self._last = now
        for window in self._windows:
            window.start(now)
        gap_s = self._runs / self._tempo.rate_hz(now)
        # Late by half a gap is caught up, so that slow wake-ups cost no rate; more would be a burst.
        self._due = max(self._due, now - gap_s / 2) + gap_s

    def _wait_s(self) -> float:
        """Seconds until the next request may enter; infinite while that depends on one that is here."""
        if self._halted():
            return 0.0
        now = self._clock()
        if self._open >= self._breadth.part(self._rank):
            return math.inf
        lead_s = min(LEAD_MOST_S, 1.5 * self._ready_s + 0.01)
        if self._preparing and self._preparing > lead_s * self._tempo.rate_hz(now) / self._runs:
            return math.inf
        wait_s = self._open_at(now) - lead_s - now
        return max(wait_s, self._held_until - now, self._breaker.wait_s(now))

    def _open_at(self, now: float) -> float:
        """The earliest time of the next start: every window is open, and it is our turn."""
        at = max([self._due, self._held_until, *(window.open_at(self._runs) for window in self._windows)])
        if self._runs == 1 or not self._windows:
            return at
        period_s = self._runs * self._turn_s
        turns = math.ceil((max(at, now) - LATE_S - self._grid_at) / period_s)
        return self._grid_at + turns * period_s

    def _wake(self) -> None:
        if self._queue and (self._doorman is None or self._doorman.done()):
            self._doorman = asyncio.create_task(self._let_in())

    async def _let_in(self) -> None:
        """Give permits as long as somebody waits for one that only time keeps back."""
        while self._queue:
            if self._queue[0][2].done():  # cancelled
                heapq.heappop(self._queue)
                continue
            wait_s = self._wait_s()
            if math.isinf(wait_s):
                return
            if wait_s > 0:
                await self._sleep(min(wait_s, POLL_S))
                continue
            heapq.heappop(self._queue)[2].set_result(self._admit())

    def _learn(self, permit: Permit, sent_at: float, end: AttemptEnd) -> None:
        now = self._clock()
        if end.retry_after_s is not None:
            self._hold(min(end.retry_after_s, ASKED_MOST_S))
        match end.ending:
            case Ending.THROTTLED:
                self._throttled(permit, sent_at, now, end.code)
            case Ending.ANSWERED | Ending.REFUSED:
                self._breaker.succeeded()
            case Ending.FAILED | Ending.NOT_SENT | Ending.IN_DOUBT:
                self._breaker.failed(_kind(end), now, probe=permit.probe)
        if end.status and end.ending is not Ending.THROTTLED:
            self._tempo.admitted(now, sent_at)
            self._breadth.admitted()

    def _throttled(self, permit: Permit, sent_at: float, now: float, code: str) -> None:
        if permit.probe:
            self._breaker.given_up(now)
        if "concurrency" in code.casefold():
            if self._breadth.crowded(now, sent_at, permit.there):
                log.info("too many at once (%s): %d in flight from now on", code, self._breadth.most)
        elif self._tempo.throttled(now, sent_at, burst="burstrate" in code.casefold()):
            self._nudged_s += NUDGE * self._turn_s
            self._grid_at += NUDGE * self._turn_s
            log.info("too fast (%s): %.0f a minute from now on", code, 60 * self._tempo.rate_hz(now))


def _kind(end: AttemptEnd) -> str:
    """What tells one sort of failure from another, in the service's words or ours."""
    if end.status:
        return end.code or f"status {end.status}"
    return "no connection" if end.ending is Ending.NOT_SENT else "no answer"
