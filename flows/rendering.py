"""One render, from a job to files: voices, chapters side by side, a summary. Driven by the command line and by Prefect.

Invariant: whatever stops it, what was answered is stored, what is finished is delivered, and the summary's exit code
says the gravest thing that happened.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from flows.desks import desk_if_needed
from flows.hearing import hearing
from flows.making import Each, Making
from flows.mending import heard_usd, mending_of, takes_heard, wants
from flows.opening import Job
from flows.progress import Progress
from flows.rekeying import refuse_unknown_key
from narration.design import give_up_missing
from narration.desk import Halt
from narration.errors import TakeDamaged
from narration.keep import Recovered, recover
from narration.memory.takes import Takes
from narration.mend import nobody_hears
from narration.plan import Plan
from narration.report.summary import ChapterSummary, Summary

log = logging.getLogger("narration.render")


async def plainly(_name: str, work: Callable[[], Awaitable[ChapterSummary]]) -> ChapterSummary:
    """Run a chapter's work as it is."""
    return await work()


async def render(
    job: Job,
    plan: Plan,
    environ: Mapping[str, str],
    *,
    progress: Progress,
    halt: Halt | None = None,
    flow_run_id: str = "",
    each: Each = plainly,
    buying: bool = True,
    order: Sequence[int] = (),
) -> Summary:
    """Speak what is missing, and deliver every chapter that is complete; then what is made from the whole book.

    Args:
        job: the production, opened.
        plan: what to do.
        environ: the process's environment, for the key.
        progress: kept up to date.
        halt: stops buying when told so.
        flow_run_id: of the Prefect flow run, for the ledger.
        each: runs the work of one chapter.
        buying: False delivers what is spoken and speaks nothing.
        order: numbers of chapters in the order in which they begin; those that are not among them come first.

    Returns:
        The summary, also written to `report.json` in the output folder.

    Raises:
        NarrationError: the run could not begin (no key, no price, no service, no store).
    """
    halt, recovered = halt or Halt(), Recovered()
    _warn(plan, buying=buying)
    if buying:
        _refuse_unpriced(plan)
        await refuse_unknown_key(plan, job.store, environ)
    mending = await mending_of(job, plan)
    runs: list[str] = []
    chapters: tuple[ChapterSummary, ...] = ()
    for last in (False, True):
        to_buy = bool(plan.chunks_to_speak or wants(plan, mending))
        async with (
            desk_if_needed(job, environ, halt, flow_run_id, progress, buying=buying, to_buy=to_buy) as desk,
            hearing(mending.listening if buying else None, desk, environ, Takes(job.store)) as hear,
        ):
            mending.hear = hear or nobody_hears
            recovered += await recover(desk) if desk is not None else Recovered()
            if desk is not None and job.request.redesign_missing and await give_up_missing(desk, plan.voices):
                progress.plan = plan = await job.plan()
            work = Making(job=job, plan=plan, desk=desk, halt=halt, progress=progress, mending=mending)
            await work.make_voices()
            progress.stage = "speaking"
            chapters = _after(chapters, await work.chapters(each, order))
            damaged = any(isinstance(chapter.error, TakeDamaged) for chapter in chapters)
            again = not last and buying and halt.reason is None and (await work.to_mend() or damaged)
            if desk is not None:
                runs.append(desk.run.run_id)
        if not again:
            break
        # What was damaged is no take any more, and what only the whole book shows to be wrong is spoken again: the
        # second round does so, and finds all else done.
        plan = await job.plan()
        progress.again(plan)
    if halt.reason is None and not mending.unpaid:
        for run_id in runs:
            await mending.choices.settle(run_id)
    packaged, trouble = (None, None) if job.request.speak_only else await work.packaged()
    progress.stage = "done"
    summary = Summary(
        title=plan.production.title,
        profile=job.settings.service.profile,
        out=str(job.out),
        chapters=tuple(work.judged(chapter) for chapter in chapters),
        retakes=mending.retakes,
        second_opinions=mending.second_opinions,
        voices_created=progress.voices_created,
        chunks_spoken=progress.bought,
        chunks_reused=progress.chunks_done - progress.bought,
        characters_billed=progress.characters,
        cost_usd=progress.cost_usd + heard_usd(mending),
        takes_heard=takes_heard(mending),
        lost_usd=recovered.lost_usd,
        recovered=recovered.kept,
        in_doubt=recovered.in_doubt,
        stopped=halt.reason or trouble,
        files=tuple(str(file) for file in packaged.files) if packaged else (),
        book_findings=(*(packaged.findings if packaged else ()), *(work.unheard() if buying else ())),
        took_s=time.time() - progress.started,
    )
    if packaged is None:
        return summary
    # Loaded when all is spoken: speech begins sooner.
    from flows.proofing import written

    return await written(job, summary)


def _after(before: tuple[ChapterSummary, ...], chapters: tuple[ChapterSummary, ...]) -> tuple[ChapterSummary, ...]:
    """Chapters as a later round of the same run leaves them: what an earlier round did was done by the run as well."""
    earlier = {chapter.number: chapter for chapter in before}
    return tuple(
        replace(chapter, spoken=chapter.spoken + first.spoken, reused=chapter.reused and first.reused)
        if (first := earlier.get(chapter.number)) is not None
        else chapter
        for chapter in chapters
    )


def _refuse_unpriced(plan: Plan) -> None:
    """Stop before the first request where a model has no price: no voice is paid for whose speech could not be.

    Raises:
        InputError: no price of a model is known, so nothing of it could be budgeted.
    """
    if plan.chunks_to_speak or plan.voices_to_create():
        for booth in plan.booths:
            plan.prices(booth)


def _warn(plan: Plan, *, buying: bool) -> None:
    """Say what does not stop a render and is to be known before it."""
    for end in plan.endings() if buying and plan.seating.costs_money else ():
        log.warning("%s", end.sentence())
    for voice in plan.voices:
        if voice.changed:
            log.warning("%s is described otherwise by now; the locked voice speaks", voice.character.name)
