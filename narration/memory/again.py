"""Requests to a remote store that are made again: those of which the library says that they were never sent.

Invariant: what may have been done is not done again here, unless the caller says that twice is as good as once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

NEVER_SENT = ("connection was not ready",)
"""How the library tells of a connection that was gone before a request went out on it; it does not repeat that one."""
CUT_OFF = (*NEVER_SENT, "request or response body error")
"""The same of one that broke while the answer was read: what only reads may be asked again."""
PERHAPS_SENT = (*CUT_OFF, "error sending request")
"""The same of any that broke; requests that only read are then repeated by the library itself."""
FIRST_S = 0.25


def again(work: Callable[[], T], broken: type[Exception], most_s: float, signs: tuple[str, ...]) -> T:
    """Do something, and do it again while its connection breaks, with waits that double.

    Args:
        work: what to do, in this thread.
        broken: what it raises then.
        most_s: the longest wait.
        signs: one of these is in the error's words where it is to be done again.

    Raises:
        Exception: what the work raised at last.
    """
    wait_s = FIRST_S
    while True:
        try:
            return work()
        except broken as error:
            if wait_s > most_s or not any(sign in str(error) for sign in signs):
                raise
        time.sleep(wait_s)
        wait_s *= 2
