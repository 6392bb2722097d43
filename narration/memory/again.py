"""How long and how often a remote store is asked: by the library, and here where it does not repeat what it could.

Invariant: what is done here may have been done once already; all that is asked of a store is as good twice as once, or
tells by what is there then whose it was (see `narration.memory.store`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from obstore.store import RetryConfig

T = TypeVar("T")

RETRY_S = 30.0
"""How long a request to a remote store is repeated: a run whose store is away for longer stops, and is resumed."""
RETRIES = 1 << 20
"""The time alone decides: by itself the library gives up after ten tries, which may be two seconds."""
PAUSES_S = (0.1, 2.0)
"""Between the library's tries: the first, and the longest."""
FIRST_S = 0.25
"""Between our first two; it doubles."""
BROKEN = ("connection was not ready", "request or response body error", "error sending request")
"""How the library tells of a connection that was gone before a request went out, or broke with the answer or before."""


def retrying() -> RetryConfig:
    """How the library repeats its requests."""
    first_s, longest_s = (timedelta(seconds=pause_s) for pause_s in PAUSES_S)
    return {
        "retry_timeout": timedelta(seconds=RETRY_S),
        "max_retries": RETRIES,
        "backoff": {"init_backoff": first_s, "max_backoff": longest_s, "base": 2},
    }


def again(work: Callable[[], T], broken: type[Exception]) -> T:
    """Do something, and do it again while its connection breaks; no further try begins `RETRY_S` after the first.

    Args:
        work: what to do, in this thread.
        broken: what it raises then.

    Raises:
        Exception: what the work raised at last.
    """
    began, wait_s = time.monotonic(), FIRST_S
    while True:
        try:
            return work()
        except broken as error:
            late = time.monotonic() - began + wait_s > RETRY_S
            if late or not any(sign in str(error) for sign in BROKEN):
                raise
        time.sleep(wait_s)
        wait_s *= 2
