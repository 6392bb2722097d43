"""How much longer something takes with more of it: a ratio of processor times, which no other process changes.

Invariant: a machine that is slow throughout, or busy with others, makes no difference; seconds are for benchmarks.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FREE_S = 0.5
"""What begins anew with each measurement: a collection of garbage, a cache that is cold."""


def processor_s(work: Callable[[], object]) -> float:
    """The seconds of processor time that something takes in this process, in the better of two trials."""
    trials = []
    for _ in range(2):
        began = time.process_time()
        work()
        trials.append(time.process_time() - began)
    return min(trials)


def is_about(more_s: float, less_s: float, times: int) -> bool:
    """Whether one takes no more than so many times as long as the other, or twice that, for noise; never the square."""
    return more_s < 2 * times * less_s + FREE_S
