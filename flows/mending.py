"""What a render knows of its takes before it buys: what is usual of each voice, and which are to be spoken again.

Invariant: it looks into the plan and the store, and buys nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from flows.hearing import listening_of
from flows.opening import Job
from narration.audio.previews import preview_traits
from narration.check.takes import Judge
from narration.errors import AudioRefused
from narration.finding import Code, Finding, noted
from narration.hearing import RecogniserKind
from narration.memory.choices import Choices
from narration.memory.store import Store
from narration.memory.voices import Voices
from narration.mend import Mending
from narration.plan import Plan
from narration.take import Take
from narration.voice import Voice

log = logging.getLogger("narration.render")


async def mending_of(job: Job, plan: Plan) -> Mending:
    """What is known of the takes before anything is bought."""
    takes = [planned.take for chapter in plan.chapters for planned in chapter.chunks if planned.take is not None]
    check = job.settings.check
    mending = Mending(
        judge=Judge(check, takes),
        choices=Choices(job.store),
        most=check.retakes,
        doubt_share=check.doubt_share,
        language=job.production.language,
    )
    if check.recogniser is not RecogniserKind.NONE:
        mending.listening = await listening_of(job, plan)
    await mending.look_up(takes)
    return mending


async def refer(mending: Mending, store: Store, voices: Iterable[Voice]) -> None:
    """Hold the takes of voices that say little against the previews that a person approved, where there are such.

    Raises:
        StoreError: the store cannot be read.
    """
    previews = Voices(store)
    for voice in voices:
        # A voice of the service's own has none.
        data = await previews.preview(voice) if voice.preview_format and mending.judge.is_new(voice.voice) else b""
        try:
            traits = await asyncio.to_thread(preview_traits, data, voice.preview_format) if data else None
        except AudioRefused as error:
            log.info("the preview of %s is no reference: %s", voice.character, error)
            continue
        if traits is not None:
            mending.judge.refer(voice.voice, traits)


def wants(plan: Plan, mending: Mending) -> bool:
    """Whether a take that is in the store is to be spoken again, or to be heard."""
    chunks = (planned for chapter in plan.chapters for planned in chapter.chunks)
    takes = [planned.take for planned in chunks if planned.take is not None]
    if mending.listening is not None and mending.listening.to_hear(takes):
        return True
    return any(mending.wanted(take) for take in takes)


def heard_usd(mending: Mending) -> float:
    """What the run has spent on hearing."""
    return mending.listening.cost_usd if mending.listening is not None else 0.0


def takes_heard(mending: Mending) -> int:
    """How many takes a recogniser heard in this run."""
    return mending.listening.heard if mending.listening is not None else 0


def unheard(mending: Mending, takes: Sequence[Take]) -> tuple[Finding, ...]:
    """That the recogniser that the book asks for did not hear all takes, if so."""
    listening = mending.listening
    left = listening.to_hear(takes) if listening is not None else ()
    if listening is None or not left:
        return ()
    why = listening.error or next(iter(listening.refused.values()), None)
    message = f"{len(left)} of {len(takes)} takes were not heard by the recogniser{f': {why}' if why else ''}"
    return (noted(Code.TAKES_UNHEARD, message),)
