"""`render_book`: the Prefect flow of one book, a task for each chapter, artifacts that tell how it goes.

Prefect starts, shows and schedules; it remembers nothing for us. What is finished is known by the store alone, so a
run can be repeated, moved or killed without a thought, and without a server the same work runs undecorated.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import httpx
from prefect import flow, tags, task
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from pydantic import Field

from flows.artifacts import chapter_rows, key_of, progress_words, report_markdown
from flows.opening import Job, Request, open_job
from flows.rendering import Progress, render
from flows.states import book_ended, failed
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
    redesign_missing: Annotated[
        bool, Field(title="Redesign missing voices", description="Make those anew that the service lost.")
    ] = False,
) -> State[int]:
    """Render one book: plan, voices, chapters side by side, delivery.

    Args:
        production: folder of the book.
        profile: instead of the book's own.
        chapters: which; all by default.
        out: folder of the audiobook.
        store: folder or URL of the store.
        budget_usd: the most that this run may spend.
        redesign_missing: make voices anew that the service lost, and speak all of their lines again.

    Returns:
        A state with the exit code, its name and our message: what stopped the run, or what is to be looked at.
    """
    watch = watching.get()
    request = Request(
        folder=Path(production),
        profile=profile,
        chapters=chapters,
        out=Path(out) if out else None,
        store=store,
        budget_usd=budget_usd,
        redesign_missing=redesign_missing,
    )
    try:
        summary = await _render_shown(request, watch)
    except NarrationError as error:
        if watch:
            watch.failure = error
        return failed(error)
    if watch:
        watch.summary = summary
    return book_ended(summary)


async def _render_shown(request: Request, watch: Watch | None) -> Summary:
    environ = dict(os.environ)
    job = watch.job if watch else open_job(request, environ, needs_key=True)
    progress = watch.progress if watch else Progress(plan=await job.plan())
    halt = watch.halt if watch else Halt()
    async with _shown(progress):
        flow_run_id = str(flow_run.get_id() or "")
        summary = await render(
            job, progress.plan, environ, progress=progress, halt=halt, flow_run_id=flow_run_id, each=_as_task
        )
    with server_may_be_away():
        report = report_markdown(summary, sandbox=not job.seating.costs_money)
        await acreate_markdown_artifact(report, key=key_of(progress.plan, "report"))
    return summary


@dataclass(slots=True, kw_only=True)
class Watch:
    """A caller in the same process who looks on, and may stop the run.

    Attributes:
        job: the production, opened.
        progress: of the plan that was shown.
        halt: stops buying.
        summary: what became of the run.
        failure: why it could not begin.
    """

    job: Job
    progress: Progress
    halt: Halt
    summary: Summary | None = None
    failure: NarrationError | None = None


watching: ContextVar[Watch | None] = ContextVar("watching", default=None)
"""Who looks on. Not a parameter of the flow: those are values that a form can hold."""


async def render_watched(watch: Watch) -> Summary:
    """Run the flow for somebody who looks on.

    Raises:
        NarrationError: the run could not begin.
    """
    request, token = watch.job.request, watching.set(watch)
    try:
        with tags(f"book:{watch.job.production.name}", f"profile:{watch.job.settings.service.profile}"):
            state = await render_book(
                production=str(request.folder.absolute()),
                profile=request.profile,
                chapters=request.chapters,
                out=str(watch.job.out),
                store=request.store,
                budget_usd=request.budget_usd,
                redesign_missing=request.redesign_missing,
                return_state=True,
            )
    except (httpx.HTTPError, PrefectException) as error:
        # Away for good while we worked: the store has everything, and only the page on the server is not complete.
        if watch.summary is None and watch.failure is None:
            raise ToolError(f"The Prefect server went away: {error}.", "Run the same command again.") from error
        log.warning("the Prefect server did not take the end of the run: %s", error)
    else:
        if watch.summary is None and watch.failure is None:
            await state.aresult()
    finally:
        watching.reset(token)
    if watch.failure is not None:
        raise watch.failure
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
    while True:
        if progress_words(progress) != words:
            words = progress_words(progress)
            await _update(progress, artifact)
        if chapters < len(progress.chapters) < len(progress.plan.chapters):
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
