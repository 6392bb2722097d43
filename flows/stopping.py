"""A flow run that is told to end, from the UI or with its worker: what is in flight is finished before it does.

Prefect ends a process with SIGTERM, half a minute before it is killed, and its engine would drop every open request at
once: such an answer is paid for and never read.

Invariant: the signal is kept until the work is at rest, and then handed on to Prefect, whose state says `Cancelled` or
`Crashed`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import FrameType

from narration.errors import Interrupted, NarrationError

_Told = Callable[[int, FrameType | None], None]
_outside: ContextVar[_Told | None] = ContextVar("told_outside", default=None)
"""What the flow around this one does with the signal: a night is over when its book is told to end."""


@contextlib.contextmanager
def at_rest_first(halt: Callable[[NarrationError], None], *, hand_on: bool) -> Iterator[None]:
    """Stop buying when the process is told to end, and tell Prefect once the block has ended.

    Args:
        halt: told why nothing more is to be begun.
        hand_on: whether Prefect is told. Not where somebody looks on: a command ends the run in its own way, a night
            has its own word with Prefect.
    """
    if threading.current_thread() is not threading.main_thread():  # no signal comes there
        yield
        return
    loop, outside = asyncio.get_running_loop(), _outside.get()
    asked: list[int] = []

    def told(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        loop.call_soon_threadsafe(halt, Interrupted("The run was told to end.", "What was in flight is stored."))
        if outside is not None:
            outside(number, frame)

    kept = (signal.SIGTERM, signal.SIGINT) if hand_on else (signal.SIGTERM,)
    before = [(number, signal.signal(number, told)) for number in kept]
    token = _outside.set(told)
    try:
        yield
    finally:
        _outside.reset(token)
        for number, handler in before:
            signal.signal(number, handler)
        if asked and hand_on:
            signal.raise_signal(asked[0])
