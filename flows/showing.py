"""What a render shows on a Prefect server while it works: a progress bar, tables of chapters and voices, a report.

Invariant: what is shown may be missed, what is spoken may not: a server that is away is a warning.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException
from prefect.logging.handlers import APILogHandler

from flows.artifacts import chapter_rows, key_of, progress_words, report_markdown, voice_rows
from flows.progress import Progress
from narration.report.summary import Summary

log = logging.getLogger("narration.flow")

UPDATE_S = 4.0
"""Progress is shown at most this often, in seconds: an update costs the server about 15 ms of CPU."""

TABLE_LOOKS = 5
"""The table of chapters, which is written whole each time, is shown at most every so many of these."""


class _ToServer(APILogHandler):
    """Sends to the server what is said inside of a run; Prefect's own warns of everything else."""

    def filter(self, record: logging.LogRecord) -> bool:
        return FlowRunContext.get() is not None and bool(super().filter(record))


@contextlib.contextmanager
def steps_told() -> Iterator[None]:
    """Have the program's own steps told in the log of the flow run, until the block ends.

    No setting of a worker's is needed for it. A flow inside of another finds it done.
    """
    own = logging.getLogger("narration")
    if any(isinstance(handler, APILogHandler) for handler in own.handlers):
        yield
        return
    handler, level = _ToServer(level=logging.INFO), own.level
    own.addHandler(handler)
    own.setLevel(min(own.getEffectiveLevel(), logging.INFO))
    try:
        yield
    finally:
        own.removeHandler(handler)
        own.setLevel(level)


async def show_end(progress: Progress, summary: Summary, *, sandbox: bool, left_usd: float | None) -> None:
    """Show the voices and the report of a render that is over.

    Args:
        progress: of the render.
        summary: of it.
        sandbox: whether the cost is only what the vendor would ask.
        left_usd: of the run's budget, or None.
    """
    with server_may_be_away():
        await acreate_table_artifact(voice_rows(progress), key=key_of(progress.plan, "voices"))
        report = report_markdown(summary, sandbox=sandbox, left_usd=left_usd)
        await acreate_markdown_artifact(report, key=key_of(progress.plan, "report"))


@asynccontextmanager
async def shown(progress: Progress) -> AsyncIterator[None]:
    """Keep the progress artifact and the table of chapters up to date."""
    artifact: UUID | None = None
    with server_may_be_away():
        artifact = await acreate_progress_artifact(
            0.0, key=key_of(progress.plan, "progress"), description=progress_words(progress)
        )
    follower = asyncio.create_task(_follow(progress, artifact))
    try:
        yield
    finally:
        follower.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await follower
        await _update(progress, artifact)
        await _table(progress)


async def _follow(progress: Progress, artifact: UUID | None) -> None:
    words, chapters = "", 0
    for look in itertools.count():
        if progress_words(progress) != words:
            words = progress_words(progress)
            await _update(progress, artifact)
        if look % TABLE_LOOKS == 0 and chapters < len(progress.chapters) < len(progress.plan.chapters):
            chapters = len(progress.chapters)
            await _table(progress)
        await asyncio.sleep(UPDATE_S)


async def _update(progress: Progress, artifact: UUID | None) -> None:
    if artifact is not None:
        with server_may_be_away():
            await aupdate_progress_artifact(artifact, 100.0 * progress.fraction, description=progress_words(progress))


async def _table(progress: Progress) -> None:
    with server_may_be_away():
        await acreate_table_artifact(chapter_rows(progress), key=key_of(progress.plan, "chapters"))


@contextlib.contextmanager
def server_may_be_away() -> Iterator[None]:
    """What is shown may be missed; what is spoken may not. A server that is away is a warning."""
    try:
        yield
    except (httpx.HTTPError, PrefectException) as error:
        log.warning("the Prefect server did not take an update: %s", error)
