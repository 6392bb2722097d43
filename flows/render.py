"""`render_book`: the Prefect flow of one book, a task for each chapter, artifacts that tell how it goes.

Prefect starts, shows and schedules; it remembers nothing for us. What is finished is known by the store alone, so a
run can be repeated, moved or killed without a thought, and without a server the same work runs undecorated.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID

import httpx
from prefect import flow, tags, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectException
from prefect.runtime import deployment, flow_run

from flows.approval import approved
from flows.artifacts import finding_codes
from flows.forms import entry
from flows.labels import book_name, book_tag, book_tags, label, tag_outcome
from flows.opening import Job, Request, open_job
from flows.places import books_folder
from flows.progress import Progress
from flows.rendering import render
from flows.showing import show_end, shown, steps_told
from flows.spreading import spread
from flows.states import book_ended, failed
from flows.stopping import LastWord
from narration.desk import Halt
from narration.errors import NarrationError, ToolError
from narration.formats import Format
from narration.report.summary import ChapterSummary, Summary

log = logging.getLogger("narration.flow")

BOOK_SAYS: Final = "as book.yaml says"
PresetName = Literal["as book.yaml says", "acx", "audiobookshelf", "none", "podcast"]
"""For a list in the form; a test compares it with the presets that there are."""


def _run_name() -> str:
    given = flow_run.get_parameters()
    return book_name(os.environ, str(given["production"]), given.get("profile"), chapters=given.get("chapters"))


@flow(
    name="render-book",
    flow_run_name=_run_name,
    retries=0,
    persist_result=False,
    validate_parameters=True,
    on_completion=[tag_outcome],
    on_failure=[tag_outcome],
    on_cancellation=[tag_outcome],
    on_crashed=[tag_outcome],
)
async def render_book(
    production: Annotated[str, entry("Production", "Folder of the book, with book.yaml in it.")],
    profile: Annotated[
        str,
        entry("Profile", "Name or path of a profile; empty takes the one in book.yaml."),
    ] = "",
    chapters: Annotated[
        str,
        entry("Chapters", "Numbers, ranges or titles (1-3); empty is the whole book."),
    ] = "",
    out: Annotated[str, entry("Output", "Folder of the audiobook; empty is out/ in the book's.")] = "",
    store: Annotated[str, entry("Store", "Folder or s3:// URL; empty is the default store.")] = "",
    budget_usd: Annotated[float | None, entry("Budget", "The most that this run may spend, in USD.", ge=0)] = None,
    preset: Annotated[PresetName, entry("Mastering", "Preset of loudness and rules.")] = BOOK_SAYS,
    formats: Annotated[tuple[Format, ...], entry("Formats", "What is delivered; none takes those in book.yaml.")] = (),
    redesign_missing: Annotated[
        bool, entry("Redesign missing voices", "Make those anew that the service lost.")
    ] = False,
    approve_above_usd: Annotated[
        float | None,
        entry("Ask above", "A plan that costs more waits for a person's approval, in USD.", ge=0),
    ] = None,
    parts: Annotated[
        int,
        entry("Parts", "Runs that share the chapters, on whatever worker is free.", ge=1, le=100),
    ] = 1,
    speak_only: Annotated[bool, entry("Speak only", "Fill the store, and leave the files to another run.")] = False,
) -> State[int]:
    """Render one book: plan, voices, chapters side by side, delivery.

    Args:
        production: folder of the book.
        profile: instead of the book's own.
        chapters: which; all by default.
        out: folder of the audiobook.
        store: folder or URL of the store.
        budget_usd: the most that this run may spend.
        preset: of mastering, instead of the book's own.
        formats: to deliver, instead of the book's own.
        redesign_missing: make voices anew that the service lost, and speak all of their lines again.
        approve_above_usd: a plan that costs more pauses the run until somebody approves.
        parts: runs that share the chapters; needs a deployment.
        speak_only: fill the store and deliver nothing.

    Returns:
        A state with the exit code, its name and our message: what stopped the run, or what is to be looked at.
    """
    watch = watching.get()
    request = Request(
        folder=books_folder(os.environ) / production,
        profile=profile or None,
        chapters=chapters or None,
        out=books_folder(os.environ) / out if out else None,
        store=store or None,
        budget_usd=budget_usd,
        redesign_missing=redesign_missing,
        preset=None if preset == BOOK_SAYS else preset,
        formats=formats or None,
        speak_only=speak_only,
    )
    above = math.inf if approve_above_usd is None else approve_above_usd
    last_word = LastWord(alone=watch is None)
    with steps_told():
        try:
            summary = await _render_shown(request, watch, last_word, parts=parts, approve_above_usd=above)
        except NarrationError as error:
            if watch:
                watch.failure = error
            return await last_word.state() or failed(error)
        if watch:
            watch.summary = summary
        return await last_word.state() or book_ended(summary)


async def _render_shown(
    request: Request, watch: Watch | None, last_word: LastWord, *, parts: int, approve_above_usd: float
) -> Summary:
    environ = dict(os.environ)
    await label(book_tag(request.folder))
    job = watch.job if watch else open_job(request, environ, needs_key=True)
    plan = watch.progress.plan if watch else await job.plan()
    await label(*book_tags(job))
    log.info(
        "%s: %d of %d chunks to speak, %d voices to create, up to %.4f USD",
        *(plan.production.title, plan.chunks_to_speak, plan.chunks_total, len(plan.voices_to_create()), plan.cost_usd),
    )
    if plan.cost_usd > approve_above_usd:
        job = await approved(job, plan)
    progress = watch.progress if watch else Progress(plan=plan)
    halt = watch.halt if watch else Halt()
    with tags(*book_tags(job)), last_word.waits(halt.stop):
        async with shown(progress):
            summary = await _dealt(job, progress, environ, halt=halt, parts=parts)
        budget_usd = job.request.budget_usd
        left_usd = None if budget_usd is None else max(0.0, budget_usd - progress.committed_usd)
        await show_end(progress, summary, sandbox=not job.seating.costs_money, left_usd=left_usd)
    _tell_end(summary)
    return summary


def _tell_end(summary: Summary) -> None:
    for chapter in summary.chapters:
        if chapter.findings:
            log.warning("chapter %d, %s: %s", chapter.number, chapter.title, finding_codes(chapter))
    finished = sum(chapter.error is None for chapter in summary.chapters)
    log.info("%d of %d chapters finished, %.4f USD spent", finished, len(summary.chapters), summary.cost_usd)


async def _dealt(job: Job, progress: Progress, environ: Mapping[str, str], *, halt: Halt, parts: int) -> Summary:
    """Render, together with other runs of the same deployment where the book is dealt into parts."""
    own = deployment.get_id()
    if parts > 1 and own:
        return await spread(job, progress, environ, halt=halt, parts=parts, deployment_id=UUID(own), each=_as_task)
    flow_run_id = str(flow_run.get_id() or "")
    return await render(
        job, progress.plan, environ, progress=progress, halt=halt, flow_run_id=flow_run_id, each=_as_task
    )


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
        state = await render_book(
            production=str(request.folder.absolute()),
            profile=request.profile or "",
            chapters=request.chapters or "",
            out=str(watch.job.out),
            store=request.store or "",
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


async def what_is_offered() -> dict[str, str]:
    """The deployments on the server by name, with the pool whose workers run them; empty where none does."""
    async with get_client() as client:
        return {
            found.name: found.work_pool_name or ""
            for found in await client.read_deployments()
            if "narrate" in (found.tags or ())
        }


async def workers_online(pool: str) -> int:
    """How many workers of a pool have told the server that they are there."""
    async with get_client() as client:
        return sum(one.status == "ONLINE" for one in await client.read_workers_for_work_pool(pool))


async def _as_task(name: str, work: Callable[[], Awaitable[ChapterSummary]]) -> ChapterSummary:
    @task(name="chapter", task_run_name=name.replace("{", "(").replace("}", ")"), cache_policy=NO_CACHE, retries=0)
    async def chapter() -> ChapterSummary:
        return await work()

    return await chapter()
