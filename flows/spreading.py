"""One book on several workers: its chapters are dealt into parts, each a run of the same deployment.

What the workers share is the store: takes, claims, budget, the account's rate. A part fills the store and delivers
nothing; the run that dealt them takes a part itself, takes back what nobody has begun, and then renders the whole book,
which finds everything spoken and speaks what a dead worker left.

Invariant: nothing depends on a part: without any, the same book is made by the run that dealt them.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from prefect.states import Cancelled

from flows.opening import Job
from flows.progress import Progress
from flows.rendering import render
from narration.desk import Halt
from narration.plan import Plan

log = logging.getLogger("narration.flow")

LOOK_S = 2.0
"""The runs of the parts are looked at so often."""

_NOT_BEGUN = (StateType.SCHEDULED, StateType.PENDING)


def deal(plan: Plan, parts: int) -> tuple[tuple[int, ...], ...]:
    """Chapters in parts of about the same work, the largest first; those that are spoken already in none.

    Args:
        plan: of the book.
        parts: at most so many.
    """
    missing = {id(planned) for planned in plan.missing()}
    work = {
        chapter.cut.chapter.number: sum(id(planned) in missing for planned in chapter.chunks)
        for chapter in plan.chapters
    }
    return dealt({number: chunks for number, chunks in work.items() if chunks}, parts)


def dealt(work: Mapping[int, int], parts: int) -> tuple[tuple[int, ...], ...]:
    """Numbers in at most so many parts: the next largest always to the part that has least.

    Args:
        work: how much each number is.
        parts: at least 1.
    """
    hands: list[list[int]] = [[] for _ in range(min(parts, len(work)))]
    for number in sorted(work, key=lambda number: (-work[number], number)):
        min(hands, key=lambda hand: sum(work[held] for held in hand)).append(number)
    return tuple(tuple(sorted(hand)) for hand in sorted(hands, key=lambda hand: -sum(work[held] for held in hand)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    chapters: tuple[int, ...]
    run_id: UUID


async def spread(
    job: Job, progress: Progress, environ: Mapping[str, str], *, halt: Halt, parts: int, deployment_id: UUID
) -> None:
    """Have the chapters spoken by several runs, this one among them.

    Args:
        job: the production, opened.
        progress: of the plan of all its chapters.
        environ: the process's environment, for the key.
        halt: stops buying when told so.
        parts: how many runs.
        deployment_id: whose runs the others are.
    """
    first, *others = deal(progress.plan, parts) or ((),)
    if job.request.budget_usd is not None:
        share_usd = job.request.budget_usd / (1 + len(others))
        job = dataclasses.replace(job, request=dataclasses.replace(job.request, budget_usd=share_usd))
    handed = [part for chapters in others if (part := await _handed_out(job, chapters, deployment_id))]
    await _speak(job, progress, first, environ, halt)
    for part in reversed(handed):
        if halt.reason is None and await _taken_back(part):
            await _speak(job, progress, part.chapters, environ, halt)
        else:
            # What another run was given to spend is gone, whatever it makes of it.
            progress.committed_usd += job.request.budget_usd or 0.0
    await asyncio.gather(*(_ended(part, halt) for part in handed))


async def _speak(job: Job, progress: Progress, chapters: Sequence[int], environ: Mapping[str, str], halt: Halt) -> None:
    if not chapters:
        return
    own = dataclasses.replace(
        job, chapters=frozenset(chapters), request=dataclasses.replace(job.request, speak_only=True)
    )
    flow_run_id = str(flow_run.get_id() or "")
    part = Progress(plan=await own.plan())
    try:
        await render(own, part.plan, environ, progress=part, halt=halt, flow_run_id=flow_run_id)
    finally:
        progress.joined(part)


async def _handed_out(job: Job, chapters: tuple[int, ...], deployment_id: UUID) -> _Part | None:
    selection = ",".join(map(str, chapters))
    given = flow_run.get_parameters()
    parameters = {**given, "chapters": selection, "parts": 1, "speak_only": True, "approve_above_usd": None}
    parameters["budget_usd"] = job.request.budget_usd
    try:
        async with get_client() as client:
            run = await client.create_flow_run_from_deployment(
                deployment_id,
                parameters=parameters,
                name=f"{job.production.title}, chapters {selection}",
                tags=[f"book:{job.production.name}", "part"],
            )
    except (httpx.HTTPError, PrefectException) as error:
        log.warning("chapters %s are not handed out, and spoken here: %s", selection, error)
        return None
    return _Part(chapters=chapters, run_id=run.id)


async def _taken_back(part: _Part) -> bool:
    """Whether nobody has begun it; then nobody will."""
    try:
        async with get_client() as client:
            state = (await client.read_flow_run(part.run_id)).state
            if state is None or state.type not in _NOT_BEGUN:
                return False
            await client.set_flow_run_state(part.run_id, Cancelled(message="Taken back"), force=True)
    except (httpx.HTTPError, PrefectException) as error:
        log.warning("chapters %s cannot be taken back: %s", part.chapters, error)
        return False
    return True


async def _ended(part: _Part, halt: Halt) -> None:
    """Wait until its run is over, or the server no longer says so."""
    while halt.reason is None:
        try:
            async with get_client() as client:
                state = (await client.read_flow_run(part.run_id)).state
        except (httpx.HTTPError, PrefectException) as error:
            log.warning("what became of chapters %s is not known: %s", part.chapters, error)
            return
        if state is None or state.is_final():
            return
        await asyncio.sleep(LOOK_S)
