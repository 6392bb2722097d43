"""One book on several workers: its chapters are dealt into parts, each a run of the same deployment.

What the workers share is the store: takes, claims, budget, the account's rate. A part fills the store and delivers
nothing. The run that dealt them renders the whole book: its own chapters first, then those of the others from behind,
so that they meet in the middle; whoever claims a chunk first speaks it. So nobody waits for a worker that comes late
or never, chapters are put together while others are spoken, and what a dead worker left is spoken as well.

Invariant: nothing depends on a part: without any, the same book is made by the run that dealt them.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from prefect.states import Cancelled, Cancelling

from flows.making import Each
from flows.opening import Job
from flows.progress import Progress
from flows.rendering import render
from flows.stopping import was_cancelled
from narration.desk import Halt
from narration.errors import BudgetReached, StoreError
from narration.memory.takes import Takes
from narration.plan import Plan, PlannedChunk
from narration.report.summary import Summary

log = logging.getLogger("narration.flow")

LOOK_S = 3.0
"""So often it is looked how far the parts are, and whether they are over."""

HALT_S = 0.5
"""So often it is looked whether this run is to stop: its parts are told before Prefect's patience with it ends."""

LOOKED_UP = 32
"""So many chunks of a part are looked up at a time: more than a part speaks between two looks, at most rates."""

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


def turns(own: Sequence[int], others: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The order in which the run that dealt the parts begins chapters: its own, then the last of each other part.

    Args:
        own: numbers of its chapters, in the order in which it speaks them.
        others: those of the other parts, likewise.
    """
    from_behind = itertools.chain(*itertools.zip_longest(*(reversed(part) for part in others)))
    return (*own, *(number for number in from_behind if number is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    chapters: tuple[int, ...]
    run_id: UUID


async def spread(
    job: Job,
    progress: Progress,
    environ: Mapping[str, str],
    *,
    halt: Halt,
    parts: int,
    deployment_id: UUID,
    each: Each,
) -> Summary:
    """Render a book together with other runs.

    Args:
        job: the production, opened.
        progress: of the plan of all its chapters.
        environ: the process's environment, for the key.
        halt: stops buying when told so.
        parts: how many runs, this one included.
        deployment_id: whose runs the others are.
        each: runs the work of one chapter.

    Raises:
        NarrationError: the run could not begin (no key, no service, no store).
    """
    budget_usd, flow_run_id = job.request.budget_usd, str(flow_run.get_id() or "")
    first, *others = deal(progress.plan, parts) or ((),)
    share_usd = None if budget_usd is None else budget_usd / (1 + len(others))
    handed = [part for chapters in others if (part := await _handed_out(job, chapters, share_usd, deployment_id))]
    given_usd = (share_usd or 0.0) * len(handed)
    own, inner = _with_budget(job, None if budget_usd is None else budget_usd - given_usd), Halt(halt)
    order = turns(first, [part.chapters for part in handed])
    async with _cancelled_with(halt, handed):
        try:
            async with _followed(job, progress, handed):
                summary = await render(
                    own,
                    progress.plan,
                    environ,
                    progress=progress,
                    halt=inner,
                    flow_run_id=flow_run_id,
                    each=each,
                    order=order,
                )
        finally:  # also where this run could not begin
            begun = [part for part in handed if not await _taken_back(part)]
        if not _short_of_money(summary) or not handed:
            return summary
        # Its own share is spent. What those who never began were given is there again; the others speak what is theirs.
        await asyncio.gather(*(_ended(part, halt) for part in begun))
        if halt.reason is not None:
            return summary
        progress.again(await job.plan())
        last = _with_budget(job, None if budget_usd is None else budget_usd - (share_usd or 0.0) * len(begun))
        return await render(
            last, progress.plan, environ, progress=progress, halt=Halt(halt), flow_run_id=flow_run_id, each=each
        )


def _with_budget(job: Job, budget_usd: float | None) -> Job:
    return replace(job, request=replace(job.request, budget_usd=budget_usd))


def _short_of_money(summary: Summary) -> bool:
    return isinstance(summary.stopped, BudgetReached) and summary.stopped.of_run


async def _handed_out(
    job: Job, chapters: tuple[int, ...], share_usd: float | None, deployment_id: UUID
) -> _Part | None:
    selection = ",".join(map(str, chapters))
    given = flow_run.get_parameters()
    parameters = {**given, "chapters": selection, "parts": 1, "speak_only": True, "approve_above_usd": None}
    parameters["budget_usd"] = share_usd
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


@asynccontextmanager
async def _followed(job: Job, progress: Progress, handed: Sequence[_Part]) -> AsyncIterator[None]:
    """Let the progress count what other runs bring, while the block runs."""
    follower = asyncio.create_task(_follow(Takes(job.store), progress, [part.chapters for part in handed]))
    try:
        yield
    finally:
        follower.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await follower


async def _follow(takes: Takes, progress: Progress, parts: Sequence[Sequence[int]]) -> None:
    chapters = {chapter.cut.chapter.number: chapter for chapter in progress.plan.chapters}
    awaited = [deque(chunk for number in part for chunk in chapters[number].chunks) for part in parts]
    while any(awaited):
        await asyncio.sleep(LOOK_S)
        if not progress.voices:
            continue
        try:
            for waiting in awaited:
                await look_up(takes, progress, waiting)
        except StoreError as error:
            log.info("how far the parts are cannot be seen now: %s", error)


async def look_up(takes: Takes, progress: Progress, waiting: deque[PlannedChunk]) -> None:
    """Count what is there of the chunks that a part is to speak, as far as it goes; what is there waits no longer.

    Args:
        takes: of the store.
        progress: told of what is there; knows the voices.
        waiting: the chunks, in the order in which they are spoken.

    Raises:
        StoreError: the store cannot be read.
    """
    while waiting:
        batch = [waiting.popleft() for _ in range(min(LOOKED_UP, len(waiting)))]
        ids = [_take_id(progress, planned) for planned in batch]
        found = await takes.find(take_id for take_id in ids if take_id)
        missing = []
        for planned, take_id in zip(batch, ids, strict=True):
            number = planned.chunk.chapter
            if take_id in found:
                progress.elsewhere[number] = progress.elsewhere.get(number, 0) + 1
            elif planned.refusal is None:
                missing.append(planned)
        waiting.extendleft(reversed(missing))
        if missing:
            return


def _take_id(progress: Progress, planned: PlannedChunk) -> str:
    voice = progress.voices.get(planned.chunk.character)
    return planned.ask_with(voice).take_id if voice is not None else ""


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


@asynccontextmanager
async def _cancelled_with(halt: Halt, handed: Sequence[_Part]) -> AsyncIterator[None]:
    """While the block runs, cancel the parts as soon as somebody cancels this run: the whole book is meant."""
    watch = asyncio.create_task(_cancel_with(halt, handed))
    try:
        yield
    finally:
        if halt.reason is None:
            watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch


async def _cancel_with(halt: Halt, handed: Sequence[_Part]) -> None:
    while True:
        await asyncio.sleep(HALT_S)
        if halt.reason is not None:
            break
    if await was_cancelled():
        await asyncio.gather(*(_cancel(part) for part in handed))


async def _cancel(part: _Part) -> None:
    """Cancel its run as the UI does. What it has in flight is finished; a run that is over stays as it is."""
    try:
        async with get_client() as client:
            await client.set_flow_run_state(part.run_id, Cancelling(message="The run of the whole book was cancelled"))
    except (httpx.HTTPError, PrefectException) as error:
        log.warning("chapters %s go on, as their run cannot be cancelled: %s", part.chapters, error)


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
