"""What a render knows of its takes before it buys: what is usual of each voice, and which are to be spoken again.

Invariant: it looks into the plan and the store, and buys nothing.
"""

from __future__ import annotations

from flows.hearing import listening_of
from flows.opening import Job
from narration.check.takes import Judge
from narration.check_settings import RecogniserKind
from narration.choices import Choices
from narration.mend import Mending
from narration.plan import Plan


async def mending_of(job: Job, plan: Plan) -> Mending:
    """What is known of the takes before anything is bought."""
    takes = [planned.take for chapter in plan.chapters for planned in chapter.chunks if planned.take is not None]
    check = job.settings.check
    mending = Mending(
        judge=Judge(check, takes),
        choices=Choices(job.store),
        most=check.retakes,
        language=job.production.language,
    )
    if check.recogniser is not RecogniserKind.NONE:
        mending.listening = await listening_of(job, plan)
    await mending.look_up(takes)
    return mending


def wants(plan: Plan, mending: Mending) -> bool:
    """Whether a take that is in the store is to be spoken again, or to be heard."""
    chunks = (planned for chapter in plan.chapters for planned in chapter.chunks)
    takes = [planned.take for planned in chunks if planned.take is not None]
    if mending.listening is not None and mending.listening.to_hear(takes):
        return True
    return any(mending.wanted(take) for take in takes)
