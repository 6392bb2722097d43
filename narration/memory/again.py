"""How long and how often a remote store is asked: by the library, and by us for what the library gives up at once.

Invariant: a request that is made again may have been done the first time. So all of them are such that twice is as good
as once; of a creation, the bytes that are there then tell whose it is (see `narration.memory.store`).
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
"""The pause after our first try; each next one is twice as long, up to the longest of the library's."""
CONFLICT = "somebody else was making it, and did not"
"""A creation that was refused though nothing is there: S3 asks for another try.

Source: docs.aws.amazon.com, S3 conditional writes: 409 ConditionalRequestConflict, "retry the upload".
"""
PASSING = ("connection was not ready", "request or response body error", "error sending request", CONFLICT)
"""What the errors of requests say that are made again: the connection was gone, or broke with the answer or before."""


def retrying() -> RetryConfig:
    """How the library repeats its requests."""
    first_s, longest_s = (timedelta(seconds=pause_s) for pause_s in PAUSES_S)
    return {
        "retry_timeout": timedelta(seconds=RETRY_S),
        "max_retries": RETRIES,
        "backoff": {"init_backoff": first_s, "max_backoff": longest_s, "base": 2},
    }


def again(work: Callable[[], T], broken: type[Exception]) -> T:
    """Do something, and do it again while that may help; no further try begins `RETRY_S` after the first.

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
            if late or not any(sign in str(error) for sign in PASSING):
                raise
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, PAUSES_S[1])
