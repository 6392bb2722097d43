"""Retakes of a production: what is written into its pickups, and the plan that buys those takes and no other.

Invariant: a retake that could not be had leaves the line with the take that was heard before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from flows.opening import Job
from narration.errors import InputError, Problem
from narration.memory.takes import Takes
from narration.pickups import Pickups, load_pickups, save_pickups
from narration.plan import Plan
from narration.retake import Wish, asked_again, chunks_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Retake:
    """Retakes that are decided, and not spoken yet.

    Attributes:
        job: of the chapters that are delivered anew.
        plan: with the new takes; nothing else in it is to be bought.
        before, after: the pickups, of which the latter are in the production.
    """

    job: Job
    plan: Plan
    before: Pickups
    after: Pickups


async def open_retake(job: Job, wishes: Sequence[Wish], at: str) -> Retake:
    """Decide on retakes: afterwards a render speaks them.

    Args:
        job: of the whole book.
        wishes: what is to be spoken again.
        at: now, ISO 8601.

    Raises:
        InputError: a wish cannot be had, or its chapter is not spoken yet.
        StoreError: the store cannot be read, or the production cannot be written.
    """
    whole = await job.plan()
    before = load_pickups(job.production.folder)
    after = await asked_again(whole, wishes, before, Takes(job.store), at)
    touched = {wish.place.chapter for wish in wishes}
    if whole.missing():  # the chapters that are not spoken stay as they are
        unspoken = {one.chunk.chapter for one in whole.missing()} & touched
        if unspoken:
            what = f"chapter {min(unspoken)} is not spoken whole yet, and a retake speaks nothing but its lines"
            raise InputError(Problem(what=what, where="narrate retake", hint="`narrate render` first."))
        job = dataclasses.replace(job, chapters=frozenset(touched))
    save_pickups(job.production.folder, after)
    try:
        return Retake(job=job, plan=await job.plan(), before=before, after=after)
    except BaseException:
        save_pickups(job.production.folder, before)
        raise


async def take_back(retake: Retake, wishes: Sequence[Wish]) -> tuple[str, ...]:
    """Have the earlier take heard where the new one was refused.

    Returns:
        The places.
    """
    plan = await retake.job.plan()
    failed = {}
    for chunks in chunks_at(plan, [wish.place for wish in wishes]).values():
        for one in chunks:
            key = one.planned.key
            if one.planned.refusal is not None and key is not None and key in retake.after.by_key:
                before = retake.before.by_key.get(key)
                failed[key] = dataclasses.replace(retake.after.by_key[key], chosen=before.chosen if before else 0)
    if failed:
        save_pickups(retake.job.production.folder, retake.after.changed(failed.values()))
    return tuple(pickup.place for pickup in failed.values())
