"""What a flow run is called and tagged with, so that a person finds it: book, profile, how it ended.

Invariant: a tag may be missed, a take may not: a server that is away is a warning.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import Flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State

from flows.opening import Job
from flows.places import books_folder
from flows.showing import server_may_be_away
from flows.states import outcome_tags
from narration.errors import NarrationError
from narration.production import load_production


def book_tag(folder: Path) -> str:
    """Of every run for a book, also where its files cannot be read."""
    with contextlib.suppress(NarrationError):
        return f"book:{load_production(folder).name}"
    return f"book:{folder.absolute().name}"


def book_tags(job: Job) -> tuple[str, str]:
    """Of everything that is done for a book, once it is opened."""
    return f"book:{job.production.name}", f"profile:{job.settings.service.profile}"


def book_name(environ: Mapping[str, str], folder: str, profile: str | None, *, chapters: str | None = None) -> str:
    """What a run for a book is called: its title, chapters and profile.

    Args:
        environ: the process's environment, for where books are.
        folder: of the production; its name where it cannot be read.
        profile: instead of the book's own.
        chapters: a selection, instead of the book's own.
    """
    with contextlib.suppress(NarrationError):
        production = load_production(books_folder(environ) / folder)
        selection = chapters or production.chapters
        some = f", chapters {selection}" if selection else ""
        return f"{production.title}{some} ({Path(profile or production.profile).stem})"
    return Path(folder).name or folder


async def label(*tags: str) -> None:
    """Add tags to the flow run that is under way; what started it may have known nothing of its book."""
    run_id = runtime.flow_run.get_id()
    if run_id:
        await _add(UUID(run_id), tags)


async def tag_outcome(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """A hook for every way of ending: tags the run with it and with its exit code."""
    del flow
    name = "Cancelled" if state.is_cancelling() else state.name or ""
    await _add(flow_run.id, outcome_tags(name))


async def _add(run_id: UUID, tags: tuple[str, ...]) -> None:
    with server_may_be_away():
        async with get_client() as client:
            known = (await client.read_flow_run(run_id)).tags
            kept = [tag for tag in known if not tag.startswith(("outcome:", "exit:"))]
            await client.update_flow_run(run_id, tags=[*kept, *(tag for tag in tags if tag not in kept)])
