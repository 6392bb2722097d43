"""One night: the books of a shelf, one after the other, inside a time window and under a budget.

Invariant: a book that fails stops no other; each state of a book is tried once a night; nothing is sent after the
window has closed, and nothing is spent beyond the night's budget. What is done is known by the store, not by the night.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.endings import Became, BookOfNight, NightSummary, became_of, failure_of
from flows.opening import Job, Request, open_job
from flows.progress import Progress
from flows.rendering import render
from flows.shelf import OnShelf, look
from narration.desk import Halt
from narration.errors import BudgetReached, Interrupted, NarrationError, WindowClosed
from narration.report.summary import Summary
from narration.window import Window

log = logging.getLogger("narration.night")

EARLY_S = 60.0
"""Whoever comes so little before the window opens waits for it, as a scheduler's clock may differ from ours."""

TICK_S = 1.0
"""The window is looked at so often, so that a clock that is set, or a machine that slept, is noticed."""

RenderOne = Callable[[Job, Progress, Halt], Awaitable[Summary]]
"""Renders one book that has something to be bought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRequest:
    """What the night is to do.

    Attributes:
        shelf: the folder of productions.
        window: when buying is allowed, or None for always.
        budget_usd: the most that all books together may cost this night, or None.
        profile, store: as in `flows.opening.Request`, for every book.
        out: where the audiobooks go, each in a folder of its own; None is `out/` in each production.
    """

    shelf: Path
    window: Window | None = None
    budget_usd: float | None = None
    profile: str | None = None
    store: str | None = None
    out: Path | None = None


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One try of a book, with what it spends also where it fails."""

    folder: Path
    title: str
    halt: Halt = field(default_factory=Halt)
    progress: Progress | None = None


@dataclass(slots=True, kw_only=True)
class Night:
    """A night's work.

    Attributes:
        request: what to do.
        environ: the process's environment.
        clock: Unix seconds.
        sleep: waits so many seconds.
        summary: what became of it, once it is over.
        books: what became of each book so far, by folder.
        over: why nothing more is begun, or None.
    """

    request: NightRequest
    environ: Mapping[str, str]
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    summary: NightSummary | None = None
    books: dict[Path, BookOfNight] = field(default_factory=dict)
    over: NarrationError | None = None
    _halt: Halt | None = None
    _no_money: NarrationError | None = None
    _closes_at: float | None = None

    def stop(self, reason: NarrationError) -> None:
        """Begin nothing more; what is in flight is finished. The first reason counts."""
        self.over = self.over or reason
        if self._halt is not None:
            self._halt.stop(self.over)

    async def work(
        self, render_one: RenderOne | None = None, *, after: Callable[[], Awaitable[None]] | None = None
    ) -> NightSummary:
        """Go through the shelf until nothing on it is new, or the night is over.

        Args:
            render_one: renders a book that has something to be bought; as the command does, by default.
            after: called after each book.

        Raises:
            InputError: the shelf cannot be read.
        """
        shelf = look(self.request.shelf)
        tried: dict[Path, str] = {}
        async with self._window():
            while todo := [book for book in shelf if tried.get(book.folder) != book.content]:
                for book in todo:
                    tried[book.folder] = book.content
                    self.books[book.folder] = await self._book(book, render_one or self._render)
                    self._told(self.books[book.folder])
                    if after is not None:
                        await after()
                shelf = look(self.request.shelf)
        order = [book.folder for book in shelf]
        books = sorted(self.books.values(), key=lambda book: order.index(book.folder) if book.folder in order else -1)
        stopped = self.over or self._no_money
        self.summary = NightSummary(books=tuple(books), stopped=stopped, budget_usd=self.request.budget_usd)
        return self.summary

    def left_usd(self) -> float | None:
        """What of the night's budget is left; None without one."""
        if self.request.budget_usd is None:
            return None
        return max(0.0, self.request.budget_usd - sum(book.committed_usd for book in self.books.values()))

    async def _book(self, found: OnShelf, render_one: RenderOne) -> BookOfNight:
        """What becomes of a book: a task of its own, whose end is looked at, so that nothing in it ends the night."""
        if self.over is not None:
            return BookOfNight(folder=found.folder, title=found.title, became=Became.WAITING, error=self.over)
        spent_before = self.books[found.folder].committed_usd if found.folder in self.books else 0.0
        attempt = _Attempt(folder=found.folder, title=found.title)
        self._halt = attempt.halt
        (ended,) = await asyncio.gather(self._try(attempt, render_one), return_exceptions=True)
        self._halt = None
        committed_usd = spent_before + (attempt.progress.committed_usd if attempt.progress is not None else 0.0)
        if isinstance(ended, BookOfNight):
            return replace(ended, committed_usd=committed_usd)
        return BookOfNight(
            folder=found.folder,
            title=found.title,
            became=Became.FAILED,
            error=failure_of(ended, found.folder),
            committed_usd=committed_usd,
        )

    async def _try(self, attempt: _Attempt, render_one: RenderOne) -> BookOfNight:
        folder, title = attempt.folder, attempt.title
        job = open_job(self._request_of(folder), self.environ, needs_key=True)
        attempt.progress = progress = Progress(plan=await job.plan())
        to_buy = bool(progress.plan.chunks_to_speak or progress.plan.voices_to_create())
        if to_buy and self._no_money is not None:
            return BookOfNight(folder=folder, title=title, became=Became.WAITING, error=self._no_money)
        summary = await (render_one if to_buy else self._render)(job, progress, attempt.halt)
        self._look_at(summary)
        became = became_of(summary)
        return BookOfNight(folder=folder, title=title, became=became, summary=summary, error=summary.failure)

    def _request_of(self, folder: Path) -> Request:
        out = self.request.out
        return Request(
            folder=folder,
            profile=self.request.profile,
            store=self.request.store,
            out=out / folder.name if out is not None else None,
            budget_usd=self.left_usd(),
        )

    async def _render(self, job: Job, progress: Progress, halt: Halt) -> Summary:
        return await render(job, progress.plan, self.environ, progress=progress, halt=halt)

    def _look_at(self, summary: Summary) -> None:
        """A cap of the book's own stops that book, that of the night stops buying; a person's word ends the night."""
        failure = summary.failure
        if isinstance(failure, Interrupted):
            self.stop(failure)
        if self.request.budget_usd is not None and isinstance(failure, BudgetReached) and failure.of_run:
            self._no_money = self._no_money or failure

    def _told(self, book: BookOfNight) -> None:
        level = logging.INFO if book.error is None else logging.WARNING
        why = f": {book.error}" if book.error is not None else ""
        log.log(level, "%s (%s): %s%s", book.title, book.folder, book.became, why)

    @asynccontextmanager
    async def _window(self) -> AsyncIterator[None]:
        """Watch the window while the block runs."""
        window = self.request.window
        if window is None:
            yield
            return
        early_s = window.opens_at(self.clock()) - self.clock()
        if 0 < early_s <= EARLY_S:
            await self.sleep(early_s)
        self._closes_at = window.closes_at(self.clock())
        if self._closes_at is None:
            self.stop(_closed(window, "is closed now"))
        watch = asyncio.create_task(self._watch(window))
        try:
            yield
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _watch(self, window: Window) -> None:
        while self.over is None:
            left_s = (self._closes_at or 0.0) - self.clock()
            if left_s <= 0:
                self.stop(_closed(window, "has closed"))
                return
            await self.sleep(min(left_s, TICK_S))


def _closed(window: Window, how: str) -> WindowClosed:
    return WindowClosed(f"The window {window} {how}.", "What is not finished goes on when it opens again.")
