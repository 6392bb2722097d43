"""In which order chapters begin, and how far ahead: the next one when few of the chunks that have begun are left.

What is looked up of a chunk, it is looked up when its chapter begins; so what another run has spoken meanwhile is found
in the store, and not asked for.

Invariant: every chapter begins, in the order that was given, also when the run is to stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from narration.plan import ChapterPlan

T = TypeVar("T")

AHEAD: Final = 64
"""So many chunks are looked up and waiting: more than any run has open, at the vendor's rates for 20 s."""


def in_order(chapters: Sequence[ChapterPlan], order: Sequence[int]) -> list[ChapterPlan]:
    """Chapters in the order in which they are to begin.

    Args:
        chapters: all of them.
        order: numbers; chapters that are not among them come first.
    """
    place = {number: index for index, number in enumerate(order)}
    return sorted(chapters, key=lambda chapter: place.get(chapter.cut.chapter.number, -1))


class Turns:
    """Begins chapters.

    Args:
        ahead: how many chunks may be waiting before the next chapter begins.
    """

    def __init__(self, *, ahead: int = AHEAD) -> None:
        self._ahead = ahead
        self._left: dict[int, int] = {}
        self._fewer = asyncio.Event()

    def done(self, number: int) -> None:
        """A chunk of that chapter is there."""
        if self._left.get(number, 0) > 0:
            self._left[number] -= 1
            self._fewer.set()

    async def take(self, chapters: Sequence[ChapterPlan], work: Callable[[ChapterPlan], Awaitable[T]]) -> dict[int, T]:
        """Do the work of all chapters, in their turn.

        Args:
            chapters: in the order in which they begin.
            work: of one chapter.

        Returns:
            What the work of each chapter gave, by number.
        """
        tasks: dict[int, asyncio.Task[T]] = {}
        try:
            for chapter in chapters:
                while sum(self._left.values()) >= self._ahead:
                    self._fewer.clear()
                    await self._fewer.wait()
                number = chapter.cut.chapter.number
                self._left[number] = len(chapter.chunks)
                tasks[number] = asyncio.create_task(self._one(chapter, work))
                # It looks up its chunks now: what is there already makes no other chapter wait.
                await asyncio.sleep(0)
            made = await asyncio.gather(*tasks.values())
        finally:
            for task in tasks.values():
                task.cancel()
        return dict(zip(tasks, made, strict=True))

    async def _one(self, chapter: ChapterPlan, work: Callable[[ChapterPlan], Awaitable[T]]) -> T:
        try:
            return await work(chapter)
        finally:
            self._left.pop(chapter.cut.chapter.number, None)
            self._fewer.set()
