"""The sandbox as a process of its own: started for a render, stopped with it.

Invariant: the process never outlives whoever started it; it ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from narration.errors import ToolError
from narration.sandbox.launch import command

log = logging.getLogger("narration.sandbox")

START_S = 180.0
"""How long a sandbox may take to start on a busy machine, in seconds."""

STOP_S = 5.0
"""How long it may take to stop before it is killed, in seconds."""


@asynccontextmanager
async def sandbox(state: Path, *, limits: bool = False) -> AsyncIterator[str]:
    """Run a sandbox for as long as the block lasts.

    Args:
        state: its folder of voices, files and bill.
        limits: whether it holds the documented rate limits.

    Yields:
        Its base URL, ending in `/api/v1`.

    Raises:
        ToolError: it does not start.
    """
    process = await asyncio.create_subprocess_exec(
        *command(state=state, limits=limits, exit_with_stdin=True),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: what is in flight is to be answered
    )
    try:
        yield await _ready(process)
    finally:
        await _stop(process)


async def _ready(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None or process.stderr is None:
        raise ToolError("The sandbox has no output to be read.")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
    except TimeoutError as error:
        raise ToolError(
            f"The sandbox did not start within {START_S:.0f} s.", "Try again on a calmer machine."
        ) from error
    if not line:
        said = (await process.stderr.read()).decode(errors="replace").strip()
        raise ToolError(f"The sandbox did not start: {said or 'it said nothing'}")
    base_url = str(json.loads(line)["base_url"])
    log.debug("sandbox at %s", base_url)
    return base_url


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
