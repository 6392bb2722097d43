"""A flow run that is told to end, from the UI or with its worker: what is in flight is finished before it does.

Prefect ends a process with SIGTERM, half a minute before it is killed, and its engine would drop every open request at
once: such an answer is paid for and never read.

Invariant: the signal is kept until the work is at rest. Then a run that somebody cancelled is `Cancelled`; for any
other the signal is handed on to Prefect, which calls it `Crashed`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import FrameType
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled

from flows.showing import server_may_be_away
from narration.errors import Interrupted, NarrationError

_Told = Callable[[int, FrameType | None], None]
_outside: ContextVar[_Told | None] = ContextVar("told_outside", default=None)
"""What the flow around this one does with the signal: a night is over when its book is told to end."""


@dataclass(slots=True, kw_only=True)
class LastWord:
    """Whether a run was told to end, and what is made of it.

    Attributes:
        alone: whether nobody looks on who ends the run in a way of their own: a command, or the flow around this one.
        told: the signals that came.
    """

    alone: bool
    told: list[int] = field(default_factory=list)

    @contextlib.contextmanager
    def waits(self, halt: Callable[[NarrationError], None]) -> Iterator[None]:
        """Stop buying, instead of ending at once, when the process is told to end.

        Args:
            halt: told why nothing more is to be begun.
        """
        if threading.current_thread() is not threading.main_thread():  # no signal comes there
            yield
            return
        loop, outside = asyncio.get_running_loop(), _outside.get()

        def told(number: int, frame: FrameType | None) -> None:
            self.told.append(number)
            loop.call_soon_threadsafe(halt, Interrupted("The run was told to end.", "What was in flight is stored."))
            if outside is not None:
                outside(number, frame)

        kept = (signal.SIGTERM, signal.SIGINT) if self.alone else (signal.SIGTERM,)
        before = [(number, signal.signal(number, told)) for number in kept]
        token = _outside.set(told)
        try:
            yield
        finally:
            _outside.reset(token)
            for number, handler in before:
                signal.signal(number, handler)

    async def state(self) -> State[int] | None:
        """The state of a run that somebody cancelled; None where nobody told it to end, or somebody looks on.

        Raises:
            BaseException: Prefect's own, for a signal that is no cancellation.
        """
        if not (self.told and self.alone):
            return None
        if await was_cancelled():
            return Cancelled(message="Cancelled. What was in flight is stored; the next run goes on from there.")
        signal.raise_signal(self.told[0])
        return None


async def was_cancelled() -> bool:
    """Whether somebody cancelled this flow run, as far as the server says."""
    found: State | None = None
    with server_may_be_away():
        async with get_client() as client:
            found = (await client.read_flow_run(UUID(str(flow_run.get_id())))).state
    return found is not None and (found.is_cancelling() or found.is_cancelled())
