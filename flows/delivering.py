"""What a render does with chapters that are spoken: sound, files, checks of them, and what is made of the whole book.

It is loaded when there is something to deliver, which is while others are still spoken.
Invariant: a chapter that is delivered already is not made again; nothing here asks a service for anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from flows.opening import Job
from narration.book import ChapterChunks
from narration.check.chapter import check_chapter
from narration.deliver.book import Delivery, HeardFile
from narration.deliver.cover import Cover, cover_of
from narration.deliver.package import Package
from narration.deliver.pieces import Spoken
from narration.errors import NarrationError
from narration.finding import Code, Finding, noted
from narration.formats import made_of_all
from narration.memory.takes import Takes
from narration.plan import Plan
from narration.take import Take

log = logging.getLogger("narration.render")

ENCODERS = 2
"""Chapters assembled at the same time; each keeps one core busy."""


class Delivering:
    """The delivery of one render."""

    def __init__(self, job: Job, plan: Plan) -> None:
        self._job = job
        self._plan = plan
        self._takes = Takes(job.store)
        self._encoders = asyncio.Semaphore(ENCODERS)
        self._cover: asyncio.Task[Cover] | None = None

    async def chapter(self, cut: ChapterChunks, takes: Sequence[Take]) -> tuple[HeardFile, ...]:
        """Deliver a chapter.

        Raises:
            NarrationError: as `narration.deliver.book.Delivery.chapter`.
        """
        async with self._encoders:
            delivery = await self._delivery()
            return await asyncio.to_thread(delivery.chapter, Spoken(cut=cut, takes=tuple(takes)))

    def checked(self, files: Sequence[HeardFile]) -> tuple[Finding, ...]:
        """What the preset's rules say of a chapter's files."""
        preset = self._plan.settings.preset
        return tuple(finding for file in files for finding in check_chapter(file.delivered, preset))

    async def packaged(self, heard: Mapping[int, Sequence[HeardFile]]) -> tuple[Package, NarrationError | None]:
        """What is made from the whole book, and why it could not be where that is so.

        Args:
            heard: the files of each chapter that this render delivered.
        """
        wanted = made_of_all(self._plan.production.formats)
        numbers = [chapter.number for chapter in self._plan.book.chapters]
        try:
            if all(number in heard for number in numbers):
                delivery, files = await self._delivery(), [file for number in numbers for file in heard[number]]
                return await asyncio.to_thread(delivery.whole, files), None
        except NarrationError as error:
            log.warning("the book is not packed: %s", error)
            return Package(files=()), error
        if not wanted:
            return Package(files=()), None
        message = f"{', '.join(wanted)}: not made, as not every chapter of the book is delivered by this run."
        return Package(files=(), findings=(noted(Code.NOT_THE_WHOLE_BOOK, message),)), None

    async def _delivery(self) -> Delivery:
        loop = asyncio.get_running_loop()
        if self._cover is None:
            production = self._plan.production
            self._cover = asyncio.create_task(asyncio.to_thread(cover_of, production.cover, production.edition))
        cover = await self._cover

        def read_audio(take: Take) -> bytes:
            return asyncio.run_coroutine_threadsafe(self._takes.audio(take), loop).result()

        return Delivery(
            cover=cover,
            production=self._plan.production,
            settings=self._plan.settings,
            numbers=tuple(chapter.number for chapter in self._plan.book.chapters),
            folder=self._job.out,
            read_audio=read_audio,
        )
