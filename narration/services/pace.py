"""How fast one process asks one model of one account.

Invariant: in any 60 s no more than `per_minute` requests are started, in any 1 s no more than `per_second`, and no more
than `in_flight` are open at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

SLOW_START: Final = 0.25
"""Fraction of the rate at which asking begins; the vendor refuses rates that rise too quickly."""

RAMP_S: Final = 8.0
"""Seconds of asking until the whole rate is reached."""

IDLE_S: Final = 30.0
"""After so long without a request the start is slow again."""


@dataclass(slots=True)
class _Window:
    """At most `most` starts in any `length_s`."""

    most: int
    length_s: float
    starts: deque[float] = field(default_factory=deque)

    def open_at(self) -> float:
        """The earliest time of the next start."""
        return self.starts[0] + self.length_s if len(self.starts) >= self.most else float("-inf")

    def start(self, at: float) -> None:
        self.starts.append(at)
        if len(self.starts) > self.most:
            self.starts.popleft()


class Pacer:
    """Gives permits to start requests, in the order in which they are asked for.

    Args:
        per_minute: 0 is no limit.
        per_second: 0 is no limit; below 1 it is one request in `1 / per_second` seconds.
        in_flight: at least 1.
        clock: seconds that never run backwards.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        *,
        per_minute: int,
        per_second: float,
        in_flight: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._windows = [_Window(per_minute, 60.0)] if per_minute > 0 else []
        if per_second > 0:
            self._windows.append(_Window(max(int(per_second), 1), max(1.0, 1.0 / per_second)))
        rates = [window.most / window.length_s for window in self._windows]
        self._rate_hz = min(rates) if rates else 0.0
        self._open = asyncio.Semaphore(max(in_flight, 1))
        self._turn = asyncio.Lock()
        self._clock, self._sleep = clock, sleep
        self._ramp_from = self._last = self._due = float("-inf")

    async def start(self) -> None:
        """Wait for a permit; `end` gives it back."""
        await self._open.acquire()
        try:
            async with self._turn:
                while (wait_s := self._open_at() - self._clock()) > 0:
                    await self._sleep(wait_s)
                self._take(self._clock())
        except BaseException:
            self._open.release()
            raise

    def end(self) -> None:
        """Give a permit back: the request is over."""
        self._open.release()

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[None]:
        """A permit for the time of a `with` block."""
        await self.start()
        try:
            yield
        finally:
            self.end()

    def _open_at(self) -> float:
        """The earliest time of the next start: every window is open, and the bucket has a token."""
        return max([self._due, *(window.open_at() for window in self._windows)])

    def _take(self, now: float) -> None:
        if now - self._last > IDLE_S:
            self._ramp_from = now
        self._last = now
        for window in self._windows:
            window.start(now)
        if self._rate_hz:
            ramped = min(1.0, SLOW_START + (1.0 - SLOW_START) * (now - self._ramp_from) / RAMP_S)
            # Late by up to a second is caught up, so that slow wake-ups cost no rate; more would be a burst.
            self._due = max(self._due, now - 1.0 if ramped == 1.0 else now) + 1.0 / (self._rate_hz * ramped)
