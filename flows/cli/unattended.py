"""What commands share that may run for hours: Ctrl-C that loses nothing, and a Prefect server that may be away.

Invariant: without PREFECT_API_URL nothing of Prefect is started, and a server that does not answer stops no work.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from rich.markup import escape

from flows.cli import console
from narration.errors import Interrupted, NarrationError

PREFECT = {
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
}
"""Prefect as these commands want it, unless the user said otherwise: our steps on its pages, none of its own here."""


def server_is_named() -> bool:
    """Whether there is a Prefect server to be told."""
    return bool(os.environ.get("PREFECT_API_URL", "").strip())


def make_ready() -> None:
    """Set Prefect up for this process; to be called before anything of it is imported."""
    for name, value in PREFECT.items():
        os.environ.setdefault(name, value)


async def server_trouble() -> str:
    """Why the Prefect server does not answer, or an empty string."""
    make_ready()
    from flows import render

    return await render.server_trouble()


async def server_answers() -> bool:
    """Whether the Prefect server is there; a warning where it is not, as work goes on without it."""
    trouble = await server_trouble()
    if trouble:
        console.tell(f"[yellow]warning:[/] rendering without Prefect: no server at PREFECT_API_URL ({escape(trouble)})")
    return not trouble


@contextlib.contextmanager
def interruptible(halt: Callable[[NarrationError], None]) -> Iterator[None]:
    """The first Ctrl-C finishes what is in flight; a second one stops at once.

    Args:
        halt: told why nothing more is to be begun.
    """
    import asyncio
    import signal

    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    asked = False

    def stop() -> None:
        nonlocal asked
        if not asked:
            asked = True
            halt(Interrupted("Stopped by you. What was in flight is finished and stored.", console.GOES_ON))
            console.tell("Finishing what is in flight; Ctrl-C again stops at once.")
        elif task is not None:
            task.cancel()

    installed = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not on Windows, not outside the main thread
            loop.add_signal_handler(number, stop)
            installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)
