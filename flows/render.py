"""`render_book`: the Prefect flow of one book, a task for each chapter, artifacts that tell how it goes.

Prefect starts, shows and schedules; it remembers nothing for us. What is finished is known by the store alone, so a
run can be repeated, moved or killed without a thought, and without a server the same work runs undecorated.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import httpx
from prefect import flow, task
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from pydantic import Field

from flows.artifacts import chapter_rows, key_of, progress_words, report_markdown
from flows.opening import Job, Request, open_job
from flows.rendering import Progress, render
from narration.desk import Halt
from narration.errors import NarrationError, ToolError
from narration.production import load_production
from narration.report.summary import ChapterSummary, Summary

log = logging.getLogger("narration.flow")

UPDATE_S = 1.0
"""Progress is shown at most this often, in seconds: an update costs the server about 0.1 s."""


def _run_name() -> str:
    parameters = flow_run.get_parameters()
    with contextlib.suppress(NarrationError):
        production = load_production(Path(parameters["production"]))
        profile = parameters.get("profile") or production.profile
        chapters = f", chapters {parameters['chapters']}" if parameters.get("chapters") else ""
        return f"{production.title}{chapters} ({Path(profile).stem})"
    return str(parameters["production"])


@flow(name="render-book", flow_run_name=_run_name, retries=0, persist_result=False, validate_parameters=True)
async def render_book(
    production: Annotated[str, Field(title="Production", description="Folder of the book, with book.yaml in it.")],
    profile: Annotated[
        str | None, Field(title="Profile", description="Name or path of a profile; empty takes the one in book.yaml.")
    ] = None,
    chapters: Annotated[
        str | None, Field(title="Chapters", description="Numbers, ranges or titles (1-3); empty is the whole book.")
    ] = None,
    out: Annotated[
        str | None, Field(title="Output", description="Folder of the audiobook; empty is out/ in the book's.")
    ] = None,
    store: Annotated[
        str | None, Field(title="Store", description="Folder or s3:// URL; empty is the default store.")
    ] = None,
    budget_usd: Annotated[
        float | None, Field(title="Budget", description="The most that this run may spend, in USD.", ge=0)
    ] = None,
) -> int:
    """Render one book: plan, voices, chapters side by side, delivery.

    Args:
        production: folder of the book.
        profile: instead of the book's own.
        chapters: which; all by default.
        out: folder of the audiobook.
        store: folder or URL of the store.
        budget_usd: the most that this run may spend.

    Returns:
        The exit code that the command line would have ended with; 0 or 3 (findings).

    Raises:
        NarrationError: what stopped the run; the flow run is marked as failed with its message.
    """
    request = Request(
        folder=Path(production),
        profile=profile,
        chapters=chapters,
        out=Path(out) if out else None,
        store=store,
        budget_usd=budget_usd,
    )
    watch = watching.get()
    environ = dict(os.environ)
    job = open_job(request, environ, needs_key=True)
    progress = watch.progress if watch else Progress(plan=await job.plan())
    summary = await _render_shown(job, environ, progress, watch.halt if watch else Halt())
    if watch:
        watch.summary = summary
    failure = summary.stopped or next((chapter.error for chapter in summary.chapters if chapter.error), None)
    if failure is not None:
        raise failure
    return int(summary.exit_code)


async def _render_shown(job: Job, environ: Mapping[str, str], progress: Progress, halt: Halt) -> Summary:
    async with _shown(progress):
        flow_run_id = str(flow_run.get_id() or "")
        summary = await render(
            job, progress.plan, environ, progress=progress, halt=halt, flow_run_id=flow_run_id, each=_as_task
        )
    with _server_may_be_away():
        await acreate_markdown_artifact(report_markdown(summary), key=key_of(progress.plan, "report"))
    return summary


@dataclass(slots=True, kw_only=True)
class Watch:
    """A caller in the same process who looks on, and may stop the run.

    Attributes:
        progress: of the plan that was shown.
        halt: stops buying.
        summary: what became of the run.
    """

    progress: Progress
    halt: Halt
    summary: Summary | None = None


watching: ContextVar[Watch | None] = ContextVar("watching", default=None)
"""Who looks on. Not a parameter of the flow: those are values that a form can hold."""


async def render_watched(job: Job, watch: Watch) -> Summary:
    """Run the flow for somebody who looks on.

    Raises:
        NarrationError: the run could not begin.
    """
    request = job.request
    token = watching.set(watch)
    try:
        await render_book(
            production=str(request.folder.absolute()),
            profile=request.profile,
            chapters=request.chapters,
            out=str(job.out),
            store=request.store,
            budget_usd=request.budget_usd,
        )
    except NarrationError:
        if watch.summary is None:
            raise
    finally:
        watching.reset(token)
    if watch.summary is None:
        raise ToolError("The flow ended without a summary.", "Look at the run in the Prefect UI.")
    return watch.summary


async def server_trouble() -> str:
    """Why the Prefect server cannot be used, or an empty string."""
    async with get_client() as client:
        trouble = await client.api_healthcheck()
    return "" if trouble is None else f"{type(trouble).__name__}: {trouble}"


async def _as_task(name: str, work: Callable[[], Awaitable[ChapterSummary]]) -> ChapterSummary:
    @task(name="chapter", task_run_name=name.replace("{", "(").replace("}", ")"), cache_policy=NO_CACHE, retries=0)
    async def chapter() -> ChapterSummary:
        return await work()

    return await chapter()


@asynccontextmanager
async def _shown(progress: Progress) -> AsyncIterator[None]:
    """Keep the progress artifact and the table of chapters up to date."""
    artifact: UUID | None = None
    with _server_may_be_away():
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
    shown, chapters = -1, -1
    while True:
        if progress.chunks_done != shown:
            shown = progress.chunks_done
            await _update(progress, artifact)
        if len(progress.chapters) != chapters:
            chapters = len(progress.chapters)
            await _table(progress)
        await asyncio.sleep(UPDATE_S)


async def _update(progress: Progress, artifact: UUID | None) -> None:
    if artifact is not None:
        with _server_may_be_away():
            await aupdate_progress_artifact(artifact, 100.0 * progress.fraction, description=progress_words(progress))


async def _table(progress: Progress) -> None:
    with _server_may_be_away():
        await acreate_table_artifact(chapter_rows(progress), key=key_of(progress.plan, "chapters"))


@contextlib.contextmanager
def _server_may_be_away() -> Iterator[None]:
    """What is shown may be missed; what is spoken may not. A server that is away is a warning."""
    try:
        yield
    except (httpx.HTTPError, PrefectException) as error:
        log.warning("the Prefect server did not take an update: %s", error)
