"""A run killed at every single store operation, one after the other, and resumed: the ledger is the bill each time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from narration.desk import Desk
from narration.keep import recover
from narration.memory.store import Store
from narration.memory.usage import totals
from tests.stages.conftest import World, speak_all


class Killed(BaseException):
    """The process is gone; nothing catches this."""


class MortalStore(Store):
    """A store that kills its process before the n-th operation, or right after it."""

    def __init__(self, inner: Store, last: int, *, after: bool) -> None:
        super().__init__(inner._objects, inner.url, inner.folder)
        self.left = last
        self._after = after

    def _count(self) -> bool:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self._after):
            raise Killed
        return self.left == 0

    async def create(self, key: str, data: bytes) -> bool:
        dying = self._count()
        made = await super().create(key, data)
        if dying:
            raise Killed
        return made

    async def put(self, key: str, data: bytes) -> None:
        dying = self._count()
        await super().put(key, data)
        if dying:
            raise Killed

    async def delete(self, key: str) -> None:
        dying = self._count()
        await super().delete(key)
        if dying:
            raise Killed


@asynccontextmanager
async def process() -> AsyncIterator[None]:
    """A process of its own: when it has ended, or was killed, nothing of it is still on its way to the store."""
    before = asyncio.all_tasks()
    try:
        yield
    finally:
        if left := {task for task in asyncio.all_tasks() - before if _is_ours(task)}:
            _, hanging = await asyncio.wait(left, timeout=120)
            assert not hanging


def _is_ours(task: asyncio.Task[object]) -> bool:
    """Whether it is the program's; the vendor, who may be in this process, goes on."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    module = "" if frame is None else str(frame.f_globals["__name__"])
    return module.startswith("narration.") and not module.startswith("narration.sandbox.")


TEXT = "# One\n\nThe door was shut.\n\n“I have the key,” said Mara.\n"


async def _buy_everything(desk: Desk, world: World) -> None:
    await recover(desk)
    chapters = await speak_all(desk, await world.plan())
    assert [chapter.error for chapter in chapters] == [None] * len(chapters)


@pytest.mark.parametrize(
    ("after", "lost", "sounding"),
    [(False, 0.0, False), (True, 0.3, False), (True, 0.0, True)],
    ids=["before, calm", "after, answers lost", "after, the sound in the answer"],
)
@pytest.mark.slow
@pytest.mark.proof
async def test_a_run_killed_at_any_write_loses_nothing_and_pays_nothing_twice(
    world: World, after: bool, lost: float, sounding: bool
) -> None:
    world.switch(drop_after=lost, fault_actions=("synthesize",))
    calm = World(folder=world.folder / "calm", service=world.service, wire=world.wire, dead_pid=world.dead_pid)
    calm.sounding = sounding
    calm.folder.mkdir()
    calm.write(TEXT)
    counting = MortalStore(calm.store, 10**6, after=False)
    async with calm.desk(counting) as desk:
        await _buy_everything(desk, calm)
    writes = 10**6 - counting.left
    assert writes > 30
    for last in range(
        1, writes + 1, 3 if lost else 2 if sounding else 1
    ):  # with answers lost by chance, a sample of the moments
        here = World(
            folder=world.folder / f"{last}-{after}", service=world.service, wire=world.wire, dead_pid=world.dead_pid
        )
        here.sounding = sounding
        here.folder.mkdir()
        here.write(TEXT)
        before, spoken_before, voices_before = world.bill(), len(world.spoken()), world.bill()["voices_created"]
        with contextlib.suppress(Killed):  # with answers lost by chance, a run may be done before its end comes
            async with process(), here.desk(MortalStore(here.store, last, after=after)) as desk:
                await _buy_everything(desk, here)
        async with here.desk() as desk:
            await _buy_everything(desk, here)
        async with here.desk() as desk:
            sums = totals(await desk.ledger.table())
            rows = (await desk.ledger.table()).to_pylist()
            doubtful = [row for row in rows if row["in_doubt"]]
        billed = world.bill()["characters"] - before["characters"]
        where = f"killed {'after' if after else 'before'} write {last}"
        assert sums.characters_billed <= billed <= sums.characters_billed + sums.characters_in_doubt, where
        voices = world.bill()["voices_created"] - voices_before
        doubtful_voices = sum(1 for row in doubtful if row["action"] == "design")
        assert sums.voices_created <= voices <= sums.voices_created + doubtful_voices, where
        counts = Counter(world.spoken()[spoken_before:])
        repeated = sum(count - 1 for count in counts.values())
        assert repeated <= sum(1 for row in doubtful if row["action"] == "synthesize"), where
        assert len({row["call_id"] for row in rows}) == len(rows), where
        assert (await here.plan()).chunks_to_speak == 0, where
        assert not await here.store.keys("open/"), where
        assert not await here.store.keys("ledger/pending/"), where
        assert not await here.store.keys("runs/"), where
        assert not await here.store.keys("budget/"), where
