"""One render, from a job to files: voices, chapters side by side, a summary. Driven by the command line and by Prefect.

Invariant: whatever stops it, what was answered is stored, what is finished is delivered, and the summary's exit code
says the gravest thing that happened.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from flows.booths import speaking
from flows.opening import Job
from narration.book import ChapterChunks
from narration.claims import this_run
from narration.deliver.chapter import DeliveredChapter, deliver_chapter
from narration.design import check_quota, give_up_missing, voice_for
from narration.desk import Desk, Halt, open_desk
from narration.errors import NarrationError, VoiceRejected
from narration.keep import Recovered, recover
from narration.plan import ChapterPlan, Plan, PlannedChunk, PlannedVoice
from narration.report.summary import ChapterSummary, Summary, write_summary
from narration.speak import SpokenChapter, speak_chapter, spoken_already, verify_spoken
from narration.take import Take
from narration.takes import Takes

log = logging.getLogger("narration.render")

ENCODERS = 2
"""Chapters assembled at the same time; each keeps one core busy."""

Each = Callable[[str, Callable[[], Awaitable[ChapterSummary]]], Awaitable[ChapterSummary]]
"""Runs the work of one chapter under a name; Prefect makes a task of it."""


async def plainly(_name: str, work: Callable[[], Awaitable[ChapterSummary]]) -> ChapterSummary:
    """Run a chapter's work as it is."""
    return await work()


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a render is; whoever shows it looks here as often as it likes.

    Attributes:
        plan: what is rendered.
        stage: `voices`, `speaking`, `finishing`, `done`.
        chunks_done: chunks whose take is there.
        bought: takes bought by this run.
        voices_created: voices created by this run.
        cost_usd: what this run has spent.
        characters: billed to this run.
        chapters: finished chapters, by number.
        chunks_by_chapter: chunks done, by chapter.
        started: Unix seconds.
        first_bought: when the first take was bought, or 0.
    """

    plan: Plan
    stage: str = "voices"
    chunks_done: int = 0
    bought: int = 0
    voices_created: int = 0
    cost_usd: float = 0.0
    characters: int = 0
    chapters: dict[int, ChapterSummary] = field(default_factory=dict)
    chunks_by_chapter: dict[int, int] = field(default_factory=dict)
    started: float = field(default_factory=time.time)
    first_bought: float = 0.0

    def spoken(self, planned: PlannedChunk, take: Take, *, bought: bool) -> None:
        """A chunk's take is there."""
        self.chunks_done += 1
        number = planned.chunk.chapter
        self.chunks_by_chapter[number] = self.chunks_by_chapter.get(number, 0) + 1
        if bought:
            self.first_bought = self.first_bought or time.time()
            self.bought += 1
            self.cost_usd += take.price_usd
            self.characters += take.billed_characters

    @property
    def fraction(self) -> float:
        """Share of the chunks that are there."""
        total = self.plan.chunks_total
        return self.chunks_done / total if total else 1.0

    @property
    def eta_s(self) -> float | None:
        """About how long until everything is spoken, in seconds; None while nothing tells."""
        left = self.plan.chunks_total - self.chunks_done
        if self.bought < 2 or not self.first_bought:
            return None
        return left * (time.time() - self.first_bought) / self.bought


async def render(
    job: Job,
    plan: Plan,
    environ: Mapping[str, str],
    *,
    progress: Progress,
    halt: Halt | None = None,
    flow_run_id: str = "",
    each: Each = plainly,
) -> Summary:
    """Speak what is missing, and deliver every chapter that is complete.

    Args:
        job: the production, opened.
        plan: what to do.
        environ: the process's environment, for the key.
        progress: kept up to date.
        halt: stops buying when told so.
        flow_run_id: of the Prefect flow run, for the ledger.
        each: runs the work of one chapter.

    Returns:
        The summary, also written to `report.json` in the output folder.

    Raises:
        NarrationError: the run could not begin (no key, no service, no store).
    """
    halt = halt or Halt()
    for end in plan.endings() if plan.seating.costs_money else ():
        log.warning("%s", end.sentence())
    async with _desk_if_needed(job, plan, environ, halt, flow_run_id) as desk:
        recovered = await recover(desk) if desk is not None else Recovered()
        if desk is not None and job.request.redesign_missing and await give_up_missing(desk, plan.voices):
            progress.plan = plan = await job.plan()
        work = _Render(job=job, plan=plan, desk=desk, halt=halt, progress=progress)
        await work.make_voices()
        progress.stage = "speaking"
        chapters = await asyncio.gather(*(each(_name(chapter), work.of(chapter)) for chapter in plan.chapters))
    progress.stage = "done"
    summary = Summary(
        title=plan.production.title,
        profile=job.settings.service.profile,
        out=str(job.out),
        chapters=tuple(chapters),
        voices_created=progress.voices_created,
        chunks_spoken=progress.bought,
        chunks_reused=progress.chunks_done - progress.bought,
        characters_billed=progress.characters,
        cost_usd=progress.cost_usd,
        lost_usd=recovered.lost_usd,
        recovered=recovered.kept,
        in_doubt=recovered.in_doubt,
        stopped=halt.reason,
    )
    if job.out.exists() or any(chapter.file for chapter in chapters):
        # A run that was refused before anything was made leaves no folder behind.
        write_summary(job.out, summary)
    return summary


@asynccontextmanager
async def _desk_if_needed(
    job: Job, plan: Plan, environ: Mapping[str, str], halt: Halt, flow_run_id: str
) -> AsyncIterator[Desk | None]:
    """A desk with its service; none where there is nothing to buy and nothing left open by a dead run."""
    left_open = await job.store.keys("open/") or await job.store.keys("ledger/pending/")
    if not plan.chunks_to_speak and not left_open and not job.request.redesign_missing:
        yield None
        return
    async with (
        speaking(job.seating, environ) as services,
        open_desk(
            store=job.store,
            services=services,
            main=job.seating.main,
            run=this_run(),
            production=job.production.name,
            flow_run_id=flow_run_id,
            book_cap_usd=job.production.budget_usd,
            run_cap_usd=job.request.budget_usd,
            halt=halt,
        ) as desk,
    ):
        yield desk


def _name(chapter: ChapterPlan) -> str:
    title = chapter.cut.chapter.title
    return f"{chapter.cut.chapter.number}. {title}" if title else f"Chapter {chapter.cut.chapter.number}"


class _Render:
    """The work of one render: voices first, then chapters side by side."""

    def __init__(self, *, job: Job, plan: Plan, desk: Desk | None, halt: Halt, progress: Progress) -> None:
        self._job = job
        self._plan = plan
        self._desk = desk
        self._halt = halt
        self._progress = progress
        self._takes = Takes(job.store)
        self._encoders = asyncio.Semaphore(ENCODERS)
        self._voices = {planned.character.name: planned.voice for planned in plan.voices if planned.voice is not None}

    async def make_voices(self) -> None:
        """Create what is missing: the first alone, since a wrong key or a full quota shows there, then the rest."""
        missing = [planned for planned in self._plan.voices if planned.voice is None and planned.refusal is None]
        if missing and self._desk is not None:
            try:
                await check_quota(self._desk, self._plan.voices_to_create())
            except NarrationError as error:
                self._halt.stop(error)
        for group in (missing[:1], missing[1:]):
            await asyncio.gather(*(self._make_voice(planned) for planned in group))

    async def _make_voice(self, planned: PlannedVoice) -> None:
        if self._desk is None or self._halt.reason is not None:
            return
        try:
            voice, created = await voice_for(self._desk, planned)
        except VoiceRejected as error:
            # The lines of this character become findings; the others are spoken.
            log.warning("%s has no voice: %s", planned.character.name, error)
            self._desk.refused[planned.design.design_id] = error.what
            return
        except NarrationError as error:
            self._halt.stop(error)
            return
        self._voices[planned.character.name] = voice
        if created:
            self._progress.voices_created += 1
            self._progress.cost_usd += voice.price_usd
            log.info("voice of %s created: %s", planned.character.name, voice.voice)

    def of(self, chapter: ChapterPlan) -> Callable[[], Awaitable[ChapterSummary]]:
        """The work of one chapter, to be called once."""

        async def make() -> ChapterSummary:
            made = await self._chapter(chapter)
            self._progress.chapters[made.number] = made
            return made

        return make

    async def _chapter(self, chapter: ChapterPlan) -> ChapterSummary:
        cut = chapter.cut
        number, title = cut.chapter.number, cut.chapter.title
        try:
            spoken = await self._spoken(chapter)
            if spoken.error is not None:
                raise spoken.error
            verify_spoken(cut, spoken)
            heard = [(piece.chunk, piece.take) for piece in spoken.pieces if piece.take is not None]
            delivered = await self._delivered(
                replace(cut, chunks=tuple(chunk for chunk, _ in heard)), [take for _, take in heard]
            )
        except NarrationError as error:
            log.warning("chapter %d is not finished: %s", number, error)
            return ChapterSummary(number=number, title=title, chunks=len(chapter.chunks), error=error)
        log.info("chapter %d, %s: %.0f s in %s", number, title, delivered.timeline.audio_s, delivered.path.name)
        return ChapterSummary(
            number=number,
            title=title,
            chunks=len(chapter.chunks),
            spoken=spoken.bought,
            file=str(delivered.path),
            timeline=str(delivered.timeline_path),
            audio_s=delivered.timeline.audio_s,
            reused=delivered.reused,
            findings=spoken.findings,
            unattributed=cut.script.unattributed,
        )

    async def _spoken(self, chapter: ChapterPlan) -> SpokenChapter:
        if self._desk is None:
            return spoken_already(chapter, self._progress.spoken)
        return await speak_chapter(self._desk, chapter, self._voices, self._progress.spoken)

    async def _delivered(self, cut: ChapterChunks, takes: list[Take]) -> DeliveredChapter:
        loop = asyncio.get_running_loop()

        def read_audio(take: Take) -> bytes:
            return asyncio.run_coroutine_threadsafe(self._takes.audio(take), loop).result()

        async with self._encoders:
            return await asyncio.to_thread(
                deliver_chapter,
                cut,
                takes,
                read_audio,
                production=self._plan.production,
                settings=self._plan.settings,
                total=len(self._plan.book.chapters),
                folder=self._job.out,
            )
