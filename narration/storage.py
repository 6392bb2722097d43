"""What the store holds, by bytes, and which takes of a book nobody needs any more.

Invariant: a take that the book's plan uses, that another production asked for, or that is young, is never proposed; and
looking removes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from narration.memory.store import Store
from narration.memory.takes import Takes
from narration.memory.usage import Ledger
from narration.plan import Plan
from narration.take import Take


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one part of the store takes.

    Attributes:
        part: `takes`, `voices`, `ledger`, …
        objects: how many.
        size_bytes: together.
    """

    part: str
    objects: int
    size_bytes: int


async def shares(store: Store) -> tuple[Share, ...]:
    """The parts of a store, the largest first.

    Raises:
        StoreError: the store cannot be read.
    """
    return _summed((key.partition("/")[0], size) for key, size in (await store.sizes("")).items())


async def shares_of_takes(store: Store, ledger: Ledger) -> tuple[Share, ...]:
    """The takes by production, the largest first; those of several, or of none, by a name in brackets.

    Raises:
        StoreError: the store cannot be read.
    """
    asked = await ledger.productions_of_takes()

    def name(take_id: str) -> str:
        names = {one for one in asked.get(take_id, frozenset()) if one}
        return names.pop() if len(names) == 1 else "(several)" if names else "(none)"

    sizes = await store.sizes("takes/")
    return _summed((name(key.split("/")[2]), size) for key, size in sizes.items())


def _summed(sizes: Iterable[tuple[str, int]]) -> tuple[Share, ...]:
    counts, total = defaultdict[str, int](int), defaultdict[str, int](int)
    for part, size in sizes:
        counts[part] += 1
        total[part] += size
    found = (Share(part=part, objects=counts[part], size_bytes=total[part]) for part in counts)
    return tuple(sorted(found, key=lambda share: (-share.size_bytes, share.part)))


async def unneeded_takes(plan: Plan, store: Store, ledger: Ledger, *, older_than_days: float, now: str) -> list[Take]:
    """Takes that were bought for a book and are in its plan no more, oldest first.

    Args:
        plan: of the whole book, at the profile whose takes are looked at; takes of other places stay.
        store: the memory.
        ledger: which says for whom a take was asked.
        older_than_days: younger ones stay: an edit may be taken back.
        now: ISO 8601, UTC.

    Raises:
        StoreError: the store cannot be read.
    """
    asked = await ledger.productions_of_takes()
    chosen = {chunk.take.take_id for chapter in plan.chapters for chunk in chapter.chunks if chunk.take is not None}
    services = [plan.seating.booths[key].settings.service for key in plan.seating.booths]
    places = {(service.kind, service.region, service.speech_model) for service in services}
    before = datetime.fromisoformat(now) - timedelta(days=older_than_days)
    found = [
        take
        async for take in Takes(store).all()
        if take.take_id not in chosen
        and asked.get(take.take_id) == frozenset({plan.production.name})
        and (take.ask.service, take.ask.region, take.ask.model) in places
        and datetime.fromisoformat(take.created_at) <= before
    ]
    return sorted(found, key=lambda take: (take.created_at, take.take_id))
