"""The order in which chapters begin, how far ahead, and what is counted of what other runs bring."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import spreading
from flows.opening import Job, Request
from flows.progress import Progress
from flows.rendering import plainly
from flows.spreading import LOOKED_UP, dealt, look_up, turns
from flows.turns import Turns, in_order
from narration.desk import Halt
from narration.errors import BudgetReached, Interrupted
from narration.memory.takes import Takes
from narration.plan import ChapterPlan, Plan, PlannedChunk
from narration.take import Take
from narration.voice import Voice


def _chapter(number: int, chunks: int) -> ChapterPlan:
    """As much of a chapter of a plan as turns look at."""
    cut = SimpleNamespace(chapter=SimpleNamespace(number=number))
    return cast(ChapterPlan, SimpleNamespace(cut=cut, chunks=(None,) * chunks))


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_chapter_begins_when_few_chunks_of_those_before_it_are_left() -> None:
    began: list[int] = []
    go = {number: asyncio.Event() for number in (1, 2, 3)}

    async def work(chapter: ChapterPlan) -> str:
        number = chapter.cut.chapter.number
        began.append(number)
        await go[number].wait()
        return f"made {number}"

    order = Turns(ahead=10)
    running = asyncio.create_task(order.take([_chapter(2, 8), _chapter(1, 8), _chapter(3, 8)], work))
    await _settle()
    assert began == [2, 1], "eight are less than ten, sixteen are not"
    for _ in range(6):
        order.done(2)
    await _settle()
    assert began == [2, 1]
    order.done(1)
    await _settle()
    assert began == [2, 1, 3], "nine are left"
    for event in go.values():
        event.set()
    assert await running == {2: "made 2", 1: "made 1", 3: "made 3"}


async def test_a_chapter_that_ends_early_makes_room_for_all_that_is_left_of_it() -> None:
    async def refused(chapter: ChapterPlan) -> int:
        return chapter.cut.chapter.number

    made = await asyncio.wait_for(Turns(ahead=1).take([_chapter(n, 50) for n in range(1, 9)], refused), timeout=300)
    assert list(made) == list(range(1, 9))


async def test_what_fails_in_one_chapter_stops_the_others_and_is_raised() -> None:
    stopped: list[int] = []

    async def work(chapter: ChapterPlan) -> None:
        if chapter.cut.chapter.number == 2:
            raise LookupError("a bug")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(chapter.cut.chapter.number)
            raise

    with pytest.raises(LookupError):
        await Turns().take([_chapter(1, 1), _chapter(2, 1)], work)
    await _settle()
    assert stopped == [1]


@given(work=st.dictionaries(st.integers(1, 60), st.integers(1, 50), min_size=1), parts=st.integers(1, 8))
def test_every_chapter_has_one_turn_its_own_part_first_and_the_others_from_behind(
    work: dict[int, int], parts: int
) -> None:
    own, *others = dealt(work, parts)
    order = turns(own, others)
    assert sorted(order) == sorted(work)
    assert order[: len(own)] == own
    for other in others:
        assert [number for number in order if number in other] == list(reversed(other))


def test_chapters_without_a_turn_come_first() -> None:
    chapters = [_chapter(number, 1) for number in (1, 2, 3, 4)]
    assert [one.cut.chapter.number for one in in_order(chapters, (4, 2))] == [1, 3, 4, 2]


@dataclasses.dataclass(frozen=True)
class _Ask:
    take_id: str


@dataclasses.dataclass(frozen=True)
class _Chunk:
    """As much of a planned chunk as is looked at."""

    take: str
    refusal: object | None = None
    chunk: SimpleNamespace = dataclasses.field(default_factory=lambda: SimpleNamespace(chapter=7, character="Ann"))

    def ask_with(self, voice: object) -> _Ask:
        del voice
        return _Ask(self.take)


class _Known:
    """Takes that are there."""

    def __init__(self, there: Sequence[str]) -> None:
        self.there, self.asked = set(there), 0

    async def find(self, ids: Sequence[str]) -> dict[str, Take | None]:
        wanted = list(ids)
        self.asked += len(wanted)
        return {one: None for one in wanted if one in self.there}


async def _looked_up(known: _Known, progress: Progress, waiting: deque[_Chunk]) -> None:
    await look_up(cast(Takes, known), progress, cast("deque[PlannedChunk]", waiting))


async def test_what_other_runs_bring_is_counted_once_and_not_looked_up_again() -> None:
    progress = Progress(plan=cast(Plan, SimpleNamespace(chunks_total=100)))
    progress.voices = {"Ann": cast(Voice, object())}
    known = _Known([f"{number}" for number in range(40) if number != 5])
    waiting = deque(_Chunk(f"{number}") for number in range(100))
    await _looked_up(known, progress, waiting)
    assert progress.elsewhere == {7: 31}, "one batch has a gap: what follows is looked up the next time"
    assert known.asked == LOOKED_UP
    await _looked_up(known, progress, waiting)
    assert progress.elsewhere == {7: 39}
    assert len(waiting) == 61
    known.there |= {f"{number}" for number in range(100)}
    await _looked_up(known, progress, waiting)
    await _looked_up(known, progress, waiting)
    assert progress.elsewhere == {7: 100}
    assert not waiting
    assert progress.fraction == 1.0


async def test_a_chunk_that_both_runs_know_of_is_counted_once() -> None:
    progress = Progress(plan=cast(Plan, SimpleNamespace(chunks_total=20)))
    progress.elsewhere = {7: 6}
    progress.chunks_by_chapter = {7: 4, 8: 5}
    assert (progress.there(7), progress.there(8), progress.chunks_there) == (6, 5, 11)
    progress.chunks_by_chapter[7] = 9
    assert progress.chunks_there == 14


def test_a_halt_follows_the_outer_one_and_not_the_other_way_round() -> None:
    outer = Halt()
    inner, other = Halt(outer), Halt(outer)
    inner.stop(BudgetReached(1.0, 1.0, 0.1, "--budget, this run"))
    assert isinstance(inner.reason, BudgetReached)
    assert (outer.reason, other.reason) == (None, None)
    outer.stop(Interrupted("Nothing more.", "Run it again."))
    assert isinstance(other.reason, Interrupted)
    assert isinstance(inner.reason, BudgetReached), "the first reason counts"


def _short() -> BudgetReached:
    return BudgetReached(1.0, 1.0, 0.1, "--budget, this run")


@dataclasses.dataclass(slots=True)
class Dealt:
    """Three parts, dealt by a run whose share of the budget is spent at once; what it did then.

    Attributes:
        begun: chapters whose part somebody began.
        halt: of the run.
        budgets: of its renders, in USD.
        waited, cancelled: chapters of the parts that it waited for, and cancelled.
        while_waiting: is called while it waits for a part.
    """

    begun: set[int]
    halt: Halt = dataclasses.field(default_factory=Halt)
    budgets: list[float | None] = dataclasses.field(default_factory=list)
    waited: list[int] = dataclasses.field(default_factory=list)
    cancelled: list[int] = dataclasses.field(default_factory=list)
    while_waiting: Callable[[], None] = lambda: None

    async def spread(self, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a summary
        async def rendered(job: Job, *_: object, halt: Halt, **_more: object) -> object:
            self.budgets.append(job.request.budget_usd)
            halt.stop(_short())
            return SimpleNamespace(stopped=_short() if len(self.budgets) == 1 else None)

        async def handed_out(_job: Job, chapters: tuple[int, ...], share_usd: float | None, _id: UUID) -> object:
            assert share_usd == 3.0
            return SimpleNamespace(chapters=chapters, run_id=chapters)

        async def taken_back(part: Any) -> bool:  # noqa: ANN401
            return not self.begun.intersection(part.chapters)

        async def ended(part: Any, _halt: Halt) -> None:  # noqa: ANN401
            self.waited.extend(part.chapters)
            self.while_waiting()

        async def cancel(part: Any) -> None:  # noqa: ANN401
            self.cancelled.extend(part.chapters)

        async def was_cancelled() -> bool:
            return True

        for name, stand_in in {
            "render": rendered,
            "deal": lambda _plan, _parts: ((3,), (2,), (1,)),
            "_handed_out": handed_out,
            "_taken_back": taken_back,
            "_ended": ended,
            "_cancel": cancel,
            "was_cancelled": was_cancelled,
        }.items():
            monkeypatch.setattr(spreading, name, stand_in)
        plan = cast(Plan, SimpleNamespace(chapters=tuple(_chapter(number, 1) for number in (1, 2, 3)), chunks_total=3))

        async def planned() -> Plan:
            return plan

        @dataclasses.dataclass(frozen=True)
        class Opened:
            request: Request
            store: object = None

            async def plan(self) -> Plan:
                return await planned()

        job = cast(Job, Opened(Request(folder=Path(), budget_usd=9.0)))
        return await spreading.spread(
            job, Progress(plan=plan), {}, halt=self.halt, parts=3, deployment_id=UUID(int=1), each=plainly
        )


@pytest.mark.parametrize(("begun", "second"), [(set(), 9.0), ({1}, 6.0), ({1, 2}, 3.0)])
async def test_a_run_whose_share_is_spent_waits_for_the_others_and_takes_what_was_never_begun(
    monkeypatch: pytest.MonkeyPatch, begun: set[int], second: float
) -> None:
    dealt_out = Dealt(begun)
    made = await dealt_out.spread(monkeypatch)
    assert dealt_out.budgets == [3.0, second]
    assert len(dealt_out.waited) == len(begun)
    assert made.stopped is None
    assert dealt_out.halt.reason is None, "a share is no reason for whoever looks on"
    assert dealt_out.cancelled == []


async def test_a_run_that_is_cancelled_while_it_waits_for_its_parts_cancels_them_and_speaks_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dealt_out = Dealt({1, 2})
    dealt_out.while_waiting = lambda: dealt_out.halt.stop(Interrupted("Told to end.", "Run it again."))
    made = await dealt_out.spread(monkeypatch)
    assert sorted(dealt_out.cancelled) == [1, 2]
    assert dealt_out.budgets == [3.0]
    assert isinstance(made.stopped, BudgetReached)
