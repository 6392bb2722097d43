"""Requests to a remote store that are made again: those whose connection broke, which the library does not all repeat.

Invariant: what is done here may have been done once already; all that is asked of a store is as good twice as once, or
tells by what is there then whose it was (see `narration.memory.store`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

BROKEN = ("connection was not ready", "request or response body error", "error sending request")
"""How the library tells of a connection that was gone before a request went out, or broke with the answer or before."""
FIRST_S = 0.25


def again(work: Callable[[], T], broken: type[Exception], most_s: float) -> T:
    """Do something, and do it again while its connection breaks, with waits that double.

    Args:
        work: what to do, in this thread.
        broken: what it raises then.
        most_s: no further try begins so long after the first.

    Raises:
        Exception: what the work raised at last.
    """
    began, wait_s = time.monotonic(), FIRST_S
    while True:
        try:
            return work()
        except broken as error:
            late = time.monotonic() - began + wait_s > most_s
            if late or not any(sign in str(error) for sign in BROKEN):
                raise
        time.sleep(wait_s)
        wait_s *= 2
