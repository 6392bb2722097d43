"""An event loop whose time is made to leap: waits that are bounded by long deadlines are over at once, whoever is slow.

A test with a real socket cannot have a clock that only sleeping moves. It has deadlines that no machine is slow enough
to reach, and leaps over them when everybody who is to wait does so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

CONNECT_S, READ_S = 5.0, 10.0
LATE_S = CONNECT_S + READ_S + 1.0
"""Longer than an attempt may take."""
TURNS = 100
"""Of the loop, until whoever can go on without the other side has done so; nobody in these tests needs so many."""


class _Time:
    """A loop's time, and how far it has leapt."""

    def __init__(self, real: Callable[[], float]) -> None:
        self._real = real
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return self._real() + self.ahead_s


async def leap(seconds: float) -> None:
    """Let everybody go on as far as they can, and then so many seconds pass for the running loop's timers."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    if not isinstance(loop.time, _Time):
        loop.time = _Time(loop.time)  # type: ignore[method-assign]
    assert isinstance(loop.time, _Time)
    loop.time.ahead_s += seconds
