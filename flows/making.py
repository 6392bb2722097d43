"""The work of one render: voices first, then chapters side by side, then what is made from the whole book.

Invariant: what stops a chapter stops no other; each piece of work is done once, and what was spoken is stored before it
is delivered.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from flows.hearing import place_in
from flows.mending import refer, unheard
from flows.opening import Job
from flows.progress import Progress
from flows.turns import Turns, in_order
from narration.design import check_quota, voice_for
from narration.desk import Desk, Halt
from narration.errors import InputError, NarrationError, Problem, TakeDamaged, VoiceRejected
from narration.finding import Finding
from narration.memory.takes import Takes
from narration.mend import Clock, Mending, mend_chapter
from narration.plan import ChapterPlan, Plan, PlannedChunk, PlannedVoice
from narration.report.coverage import coverage_of
from narration.report.summary import ChapterSummary
from narration.speak import SpokenChapter, SpokenPiece, speak_chapter, spoken_already, verify_spoken
from narration.take import Take

if TYPE_CHECKING:
    from flows.delivering import Delivering
    from narration.deliver.book import HeardFile
    from narration.deliver.package import Package

log = logging.getLogger("narration.render")

Each = Callable[[str, Callable[[], Awaitable[ChapterSummary]]], Awaitable[ChapterSummary]]
"""Runs the work of one chapter under a name; Prefect makes a task of it."""


class Making:
    """The work of one render: voices first, then chapters side by side."""

    def __init__(
        self, *, job: Job, plan: Plan, desk: Desk | None, halt: Halt, progress: Progress, mending: Mending
    ) -> None:
        self._job = job
        self._mending = mending
        self._pieces: dict[int, tuple[SpokenPiece, ...]] = {}
        self._plan = plan
        self._desk = desk
        self._halt = halt
        self._progress = progress
        self._takes = Takes(job.store)
        self._turns = Turns()
        self._heard: dict[int, tuple[HeardFile, ...]] = {}
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
        self._progress.voices = self._voices

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
            self._progress.created.add(planned.character.name)
            self._progress.cost_usd += voice.price_usd
            log.info("voice of %s created: %s", planned.character.name, voice.voice)

    async def chapters(self, each: Each, order: Sequence[int]) -> tuple[ChapterSummary, ...]:
        """The work of all chapters; the summaries are in the order of the plan."""
        turns = in_order(self._plan.chapters, order)
        made = await self._turns.take(turns, lambda chapter: each(_name(chapter), self._of(chapter)))
        return tuple(made[chapter.cut.chapter.number] for chapter in self._plan.chapters)

    def _spoken_one(self, planned: PlannedChunk, take: Take, *, bought: bool) -> None:
        self._progress.spoken(planned, take, bought=bought)
        self._turns.done(planned.chunk.chapter)

    def _of(self, chapter: ChapterPlan) -> Callable[[], Awaitable[ChapterSummary]]:
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
            spoken = await self._mended(spoken)
            verify_spoken(cut, spoken)
            self._pieces[number] = spoken.pieces
            if self._job.request.speak_only:
                return ChapterSummary(number=number, title=title, chunks=len(chapter.chunks), spoken=spoken.bought)
            heard = [(piece.chunk, piece.take) for piece in spoken.pieces if piece.take is not None]
            takes = [take for _, take in heard]
            try:
                said = replace(cut, chunks=tuple(chunk for chunk, _ in heard))
                delivered = await self._delivering.chapter(said, takes)
            except TakeDamaged:
                await self._takes.set_aside_damaged(takes)
                raise
        except NarrationError as error:
            log.warning("chapter %d is not finished: %s", number, error)
            return ChapterSummary(number=number, title=title, chunks=len(chapter.chunks), error=error)
        audio_s = sum(file.delivered.timeline.audio_s for file in delivered)
        first = delivered[0].delivered
        log.info("chapter %d, %s: %.0f s in %s", number, title, audio_s, first.main.path.name)
        self._heard[number] = delivered
        return ChapterSummary(
            number=number,
            title=title,
            chunks=len(chapter.chunks),
            spoken=spoken.bought,
            file=str(first.main.path),
            timeline=str(first.timeline_path),
            audio_s=audio_s,
            reused=all(file.delivered.reused for file in delivered),
            findings=(*spoken.findings, *self._delivering.checked(delivered)),
            unattributed=cut.script.unattributed,
        )

    async def _spoken(self, chapter: ChapterPlan) -> SpokenChapter:
        if self._desk is None:
            self._check_spoken(chapter)
            return spoken_already(chapter, self._spoken_one)
        return await speak_chapter(self._desk, chapter, self._voices, self._spoken_one)

    async def _mended(self, spoken: SpokenChapter) -> SpokenChapter:
        """The chapter with what failed its checks spoken again."""
        if self._desk is None:
            return spoken
        return await mend_chapter(self._desk, spoken, self._mending, self._progress.retaken)

    async def to_mend(self) -> bool:
        """Whether something fails, or is doubted, now that all takes have told what is usual, that passed before.

        Raises:
            StoreError: the store cannot be read.
        """
        takes = [piece.take for chapter in self._pieces.values() for piece in chapter if piece.take is not None]
        await refer(self._mending, self._job.store, self._voices.values())
        self._mending.settle(takes)
        return any(self._mending.wanted(take) for take in takes)

    def judged(self, chapter: ChapterSummary) -> ChapterSummary:
        """The summary of a chapter with what is wrong with its takes, and how much of it is heard."""
        pieces = self._pieces.get(chapter.number, ())
        clock = self._clock(chapter.number)
        found = tuple(finding for piece in pieces for finding in self._mending.findings(piece, clock))
        is_heard = self._mending.listening.is_heard if self._mending.listening is not None else None
        coverage = coverage_of(((piece.chunk, piece.take) for piece in pieces), is_heard) if pieces else None
        return replace(chapter, findings=(*chapter.findings, *found), coverage=coverage)

    def _clock(self, number: int) -> Clock:
        """Tells where in a delivered chapter a moment of a take is."""
        timelines = tuple(file.delivered.timeline for file in self._heard.get(number, ()))
        keep_ms = self._plan.settings.audio.keep_ms
        return lambda take, at_ms: place_in(timelines, take, at_ms, keep_ms)

    def unheard(self) -> tuple[Finding, ...]:
        """That the recogniser did not hear all that it should have, if so."""
        pieces = (piece for chapter in self._pieces.values() for piece in chapter)
        return unheard(self._mending, [piece.take for piece in pieces if piece.take is not None])

    def _check_spoken(self, chapter: ChapterPlan) -> None:
        """Without a desk nothing can be bought.

        Raises:
            InputError: something is to be.
        """
        missing = sum(planned.take is None and planned.refusal is None for planned in chapter.chunks)
        if missing:
            what = f"{missing} of {len(chapter.chunks)} chunks are not spoken yet"
            folder = shlex.quote(str(self._job.request.folder))
            hint = f"narrate render {folder} speaks them; narrate plan {folder} shows what that costs."
            raise InputError(Problem(what=what, where=_name(chapter), hint=hint))

    async def packaged(self) -> tuple[Package, NarrationError | None]:
        """What is made from the whole book, and why it could not be where that is so."""
        return await self._delivering.packaged(self._heard)

    @cached_property
    def _delivering(self) -> Delivering:
        # Loaded when there is something to deliver: speech begins sooner.
        from flows.delivering import Delivering

        return Delivering(self._job, self._plan)


def _name(chapter: ChapterPlan) -> str:
    title = chapter.cut.chapter.title
    return f"{chapter.cut.chapter.number}. {title}" if title else f"Chapter {chapter.cut.chapter.number}"
