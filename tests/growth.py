"""How much longer something takes with more of it: a ratio of processor times, which no other process changes.

Invariant: a machine that is slow throughout, or busy with others, makes no difference; seconds are for benchmarks.
"""

from __future__ import annotations

import time
from collections.abc import Callable

TRIALS = 3
TRIAL_S = 0.1
"""How long a trial lasts at least: so long that a collection of garbage, or a tick of the clock, is a small part."""


def processor_s(*works: Callable[[], object]) -> tuple[float, ...]:
    """The seconds of processor time that each of several things takes once in this process, in the best of its trials.

    They take turns, so that a while in which the processor is slower is a while for all of them.
    """
    trials = [[_once_s(work) for work in works] for _ in range(TRIALS)]
    return tuple(min(seconds) for seconds in zip(*trials, strict=True))


def is_about(more_s: float, less_s: float, times: int) -> bool:
    """Whether one takes no more than so many times as long as the other, or twice that, for noise.

    The square of more than twice is never that: four times as much may take eight times as long, and not sixteen.
    """
    return more_s < 2 * times * less_s


def _once_s(work: Callable[[], object]) -> float:
    """What it takes once, in a trial in which it is done until the trial has lasted long enough."""
    began, done = time.process_time(), 0
    while (spent_s := time.process_time() - began) < TRIAL_S or not done:
        work()
        done += 1
    return spent_s / done
