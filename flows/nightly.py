"""`nightly`: the Prefect flow of a shelf of books, a run of `render-book` for each that has something to be spoken.

Prefect starts it by its schedule, and shows it; what is done and what is left is known by the store alone.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import httpx
from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run

from flows.artifacts import key_from, night_markdown, night_rows
from flows.endings import NightSummary
from flows.forms import entry
from flows.labels import label, tag_outcome
from flows.night import Night, NightRequest
from flows.opening import Job
from flows.places import books_folder
from flows.progress import Progress
from flows.render import Watch, render_watched
from flows.showing import server_may_be_away, steps_told
from flows.states import ended, failed
from flows.stopping import LastWord
from narration.desk import Halt
from narration.errors import NarrationError, ToolError
from narration.report.summary import Summary
from narration.window import read_window

watching: ContextVar[Night | None] = ContextVar("watching_night", default=None)
"""The night of a caller in the same process. Not a parameter of the flow: those are values that a form can hold."""


def _run_name() -> str:
    parameters = flow_run.get_parameters()
    window = f", {parameters['window']}" if parameters.get("window") else ""
    profile = f" ({Path(str(parameters['profile'])).stem})" if parameters.get("profile") else ""
    return f"{Path(str(parameters['shelf'])).name}{window}{profile}"


@flow(
    name="nightly",
    flow_run_name=_run_name,
    retries=0,
    persist_result=False,
    validate_parameters=True,
    on_completion=[tag_outcome],
    on_failure=[tag_outcome],
    on_cancellation=[tag_outcome],
    on_crashed=[tag_outcome],
)
async def nightly(
    shelf: Annotated[
        str,
        entry("Shelf", "Folder of productions, each in a folder of its own with a book.yaml."),
    ],
    window: Annotated[
        str,
        entry("Window", "When buying is allowed: 22:00-06:00; empty is always.", max_length=20),
    ] = "",
    zone: Annotated[
        str,
        entry("Time zone", "Whose clock the window goes by: Europe/Vienna; empty is the worker's."),
    ] = "",
    budget_usd: Annotated[
        float | None,
        entry("Budget", "The most that all books may cost this night, in USD.", ge=0),
    ] = None,
    profile: Annotated[
        str,
        entry("Profile", "Name or path of a profile; empty takes that of each book."),
    ] = "",
    out: Annotated[
        str,
        entry("Output", "Folder of the audiobooks; empty is out/ in each production."),
    ] = "",
    store: Annotated[str, entry("Store", "Folder or s3:// URL; empty is the worker's default store.")] = "",
) -> State[int]:
    """Render what is new or changed on a shelf, the highest priority first, and stop when the window closes.

    Args:
        shelf: folder of productions.
        window: when buying is allowed.
        zone: of the window.
        budget_usd: the most that the night may cost.
        profile: instead of each book's own.
        out: folder of the audiobooks.
        store: folder or URL of the store.

    Returns:
        A state with the gravest of the books' exit codes.
    """
    await label(f"shelf:{Path(shelf).name}")
    watched = watching.get()
    last_word = LastWord(alone=watched is None)
    try:
        night = watched or Night(
            request=NightRequest(
                shelf=books_folder(os.environ) / shelf,
                window=read_window(window, zone) if window else None,
                budget_usd=budget_usd,
                profile=profile or None,
                store=store or None,
                out=books_folder(os.environ) / out if out else None,
            ),
            environ=dict(os.environ),
        )
        with steps_told(), last_word.waits(night.stop):
            summary = await _worked(night, key_from(Path(shelf).name, "night"))
    except NarrationError as error:
        return failed(error)
    if (state := await last_word.state()) is not None:
        return state
    grave = next((book for book in summary.books if book.exit_code is summary.exit_code and book.error), None)
    stopped = str(summary.stopped) if summary.stopped else ""
    return ended(summary.exit_code, f"{grave.folder}: {grave.error}" if grave and not stopped else stopped)


async def _worked(night: Night, key: str) -> NightSummary:
    """The night's work, with its table after each book and its report at the end."""

    async def show_table() -> None:
        with server_may_be_away():
            await acreate_table_artifact(night_rows(night), key=f"{key}-books")

    summary = await night.work(_as_flow, after=show_table)
    with server_may_be_away():
        await acreate_markdown_artifact(night_markdown(summary), key=f"{key}-report")
    return summary


async def _as_flow(job: Job, progress: Progress, halt: Halt) -> Summary:
    return await render_watched(Watch(job=job, progress=progress, halt=halt))


async def nightly_watched(night: Night) -> NightSummary:
    """Run the flow for somebody who looks on.

    Raises:
        NarrationError: the night could not begin.
    """
    request, token = night.request, watching.set(night)
    window = request.window
    try:
        state = await nightly(
            shelf=str(request.shelf.absolute()),
            window=f"{window.opens:%H:%M}-{window.closes:%H:%M}" if window else "",
            zone=window.zone.key if window and window.zone else "",
            budget_usd=request.budget_usd,
            profile=request.profile or "",
            out=str(request.out) if request.out else "",
            store=request.store or "",
            return_state=True,
        )
    except (httpx.HTTPError, PrefectException) as error:
        if night.summary is None:
            raise ToolError(f"The Prefect server went away: {error}.", "Run the same command again.") from error
    else:
        if night.summary is None:
            raise ToolError(state.message or "The flow ended without a summary.")
    finally:
        watching.reset(token)
    return night.summary
