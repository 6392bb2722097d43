"""The world of the stages, here too, and the law that every fault leaves whole."""

from __future__ import annotations

from collections import Counter

from narration.keep import recover
from narration.memory.store import Store
from narration.memory.usage import totals
from tests.memory.conftest import s3_endpoint, s3_variables
from tests.stages.conftest import World, dead_pid, speak_all, world

__all__ = ["dead_pid", "lawful", "s3_endpoint", "s3_variables", "went_on", "world"]


async def went_on(world: World, store: Store | None = None) -> None:
    """The run after the fault: everything is spoken."""
    async with world.desk(store) as desk:
        await recover(desk)
        chapters = await speak_all(desk, await world.plan(store))
        assert [chapter.error for chapter in chapters] == [None] * len(chapters)


async def lawful(world: World, store: Store | None = None, *, doubts: bool = False) -> None:
    """Nothing lost, nothing bought twice but what is in doubt, and the ledger is the bill.

    Args:
        world: in which everything is spoken.
        store: where it is, if not in the world's own.
        doubts: whether answers may have been lost.
    """
    bill = world.bill()
    async with world.desk(store) as desk:
        table = await desk.ledger.table()
    sums, rows = totals(table), table.to_pylist()
    in_doubt = [row for row in rows if row["in_doubt"]]
    assert sums.characters_billed <= bill["characters"] <= sums.characters_billed + sums.characters_in_doubt
    assert sum(Counter(world.spoken()).values()) - len(set(world.spoken())) <= len(in_doubt)
    assert doubts or not in_doubt
    assert len({row["call_id"] for row in rows}) == len(rows)
    plan = await world.plan(store)
    assert plan.chunks_to_speak == 0
    kept = store or world.store
    for prefix in ("open/", "runs/", "ledger/pending/", "budget/"):
        assert not await kept.keys(prefix), prefix
