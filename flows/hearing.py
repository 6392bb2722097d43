"""The spoken-word check of a production: who hears, with which key, at what cost; in a render, or afterwards.

Invariant: everything that can be wrong in files, options and environment is found before anything is spent; hearing
speaks nothing, and what was heard before is not heard again.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.booths import service_key, speaking
from flows.opening import Job
from narration.booth import one_booth
from narration.check.hearing import chapter_ms, clock
from narration.check.takes import finding_of
from narration.desk import Desk, open_desk
from narration.errors import InputError
from narration.finding import Finding
from narration.hearing import RecogniserKind
from narration.keep import recover
from narration.listen import Listening, Spoken, ears_of, listen, most_usd
from narration.memory.claims import this_run
from narration.memory.takes import Takes
from narration.mend import Hear
from narration.plan import Plan
from narration.services.pricing import seconds_usd
from narration.services.protocol import Price
from narration.services.transcribe import is_own, most_seconds, open_recogniser, recogniser_price
from narration.settings.chat import other_host_key
from narration.settings.profiles import is_loopback
from narration.settings.settings import Settings
from narration.take import Take
from narration.timeline import ChapterTimeline

if TYPE_CHECKING:
    from narration.deliver.record import ChapterRecord

log = logging.getLogger("narration.hearing")

_NO_KEY = "none"
"""What an endpoint of this machine is given where its variable is not set: most of them ask for no key."""


def recogniser_key(settings: Settings, environ: Mapping[str, str]) -> str:
    """The key that the recogniser's host gets: the service's own there, else one of that host's own.

    Raises:
        InputError: there is none.
    """
    if settings.check.recogniser in (RecogniserKind.NONE, RecogniserKind.OFFLINE):
        return ""
    if is_own(settings):
        return service_key(settings, environ)
    try:
        return other_host_key(settings.recogniser, environ, asked="Takes go")
    except InputError:
        is_set = environ.get(settings.recogniser.key_variable, "").strip()
        if is_set or not is_loopback(urlsplit(settings.recogniser.base_url).hostname or ""):
            raise
        return _NO_KEY


def is_free(settings: Settings) -> bool:
    """Whether hearing costs nothing: the sandbox, or a program of this machine."""
    return settings.check.recogniser is RecogniserKind.OFFLINE or (settings.service.sandbox and is_own(settings))


def spoken_in(plan: Plan) -> tuple[Spoken, ...]:
    """The takes that a plan hears, with the words that the book has there."""
    planned = (one for chapter in plan.chapters for one in chapter.chunks)
    return tuple(
        Spoken(take=one.take, text=one.chunk.text, chapter=one.chunk.chapter, character=one.chunk.character)
        for one in planned
        if one.take is not None
    )


async def listening_of(job: Job, plan: Plan) -> Listening:
    """What was heard before of the takes of a plan."""
    spoken = spoken_in(plan)
    listening = Listening(settings=job.settings, store=job.store)
    listening.texts |= {one.take.take_id: one.text for one in spoken}
    await listening.look_up(one.take for one in spoken)
    return listening


async def hearing_usd(job: Job, plan: Plan) -> float:
    """About what a render of a plan pays for hearing: what is spoken and was not heard, and what is to be spoken.

    Raises:
        InputError: no price of the recogniser is known.
        StoreError: the store cannot be read.
    """
    if job.settings.check.recogniser is RecogniserKind.NONE:
        return 0.0
    price, listening = recogniser_price(job.settings), await listening_of(job, plan)
    takes = [one.take for one in spoken_in(plan)]
    there_s = sum(take.measures.audio_s for take in takes)
    to_come_s = max(0.0, plan.audio_s_estimate - there_s) if plan.chunks_to_speak else 0.0
    new_usd = seconds_usd(price, most_seconds(to_come_s)) if to_come_s else 0.0
    return most_usd(listening, takes, price) + new_usd * job.settings.recogniser.sample


@asynccontextmanager
async def hearing(
    listening: Listening | None, desk: Desk | None, environ: Mapping[str, str], takes: Takes
) -> AsyncIterator[Hear | None]:
    """Open the recogniser of a run.

    Args:
        listening: what is known; None where the book asks for no recogniser.
        desk: of the run; without one only a recogniser of this machine hears.
        environ: the process's environment, for the key.
        takes: where the sounds are.

    Yields:
        What has takes heard; None where nobody hears.
    """
    if listening is None or not listening.wanted:
        yield None
        return
    offline = listening.settings.check.recogniser is RecogniserKind.OFFLINE
    if desk is None and not offline:
        yield None
        return
    settings = listening.settings if desk is None else desk.main.settings
    recogniser = open_recogniser(settings, recogniser_key(settings, environ))
    ears = ears_of(
        recogniser,
        recogniser_price(listening.settings),
        settings,
        halted=lambda: desk is not None and desk.halt.reason is not None,
    )

    async def hear(spoken: Iterable[Spoken]) -> None:
        await listen(desk, ears, listening, spoken, takes)

    try:
        yield hear
    finally:
        await recogniser.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class HearPlan:
    """What the spoken-word check of what is there would do.

    Attributes:
        spoken: every take that is heard in the book.
        listening: what was heard before.
        price: of the recogniser.
        to_hear: how many are to be heard now.
        audio_s: their length.
        most_usd: what that costs at the most.
    """

    spoken: tuple[Spoken, ...]
    listening: Listening
    price: Price
    to_hear: int
    audio_s: float
    most_usd: float


async def make_hear_plan(job: Job, plan: Plan) -> HearPlan:
    """Compare the takes with the store. Spends nothing.

    Raises:
        InputError: no price of the recogniser is known.
        StoreError: the store cannot be read.
    """
    listening, spoken = await listening_of(job, plan), spoken_in(plan)
    price = recogniser_price(job.settings)
    due = listening.to_hear(one.take for one in spoken)
    return HearPlan(
        spoken=spoken,
        listening=listening,
        price=price,
        to_hear=len(due),
        audio_s=sum(take.measures.audio_s for take in due),
        most_usd=most_usd(listening, due, price),
    )


async def hear_book(job: Job, planned: HearPlan, environ: Mapping[str, str]) -> None:
    """Have everything heard that was not yet; what stops it is in the listening.

    Raises:
        NarrationError: the hearing could not begin (no key, no service, no store).
    """
    if not planned.to_hear:
        return
    takes, listening = Takes(job.store), planned.listening
    async with AsyncExitStack() as stack:
        desk: Desk | None = None
        if job.settings.check.recogniser is not RecogniserKind.OFFLINE:
            seating = one_booth(job.settings)
            services = await stack.enter_async_context(speaking(seating, environ))
            desk = await stack.enter_async_context(
                open_desk(
                    store=job.store,
                    services=services,
                    main=seating.main,
                    run=this_run(),
                    production=job.production.name,
                    book_cap_usd=job.production.budget_usd,
                    run_cap_usd=job.request.budget_usd,
                )
            )
            await recover(desk)
        hear = await stack.enter_async_context(hearing(listening, desk, environ, takes))
        if hear is not None:
            await hear(planned.spoken)


def findings_of(plan: Plan, planned: HearPlan, records: tuple[ChapterRecord, ...], keep_ms: int) -> list[Finding]:
    """What is wrong with the words, line by line, with the time in the delivered chapter where there is one.

    Args:
        plan: of the book.
        planned: heard by now.
        records: of the delivered chapters.
        keep_ms: silence that is kept before the speech of a take.
    """
    found: list[Finding] = []
    timelines = tuple(record.timeline for record in records)
    for chapter in plan.chapters:
        for one in chapter.chunks:
            if one.take is None:
                continue
            chunk = one.chunk
            for flaw in planned.listening.flaws(one.take):
                made = finding_of(
                    flaw, chapter=chunk.chapter, line=chunk.line, character=chunk.character, text=chunk.text
                )
                at = place_in(timelines, one.take, flaw.at_ms, keep_ms)
                found.append(replace(made, message=f"{made.message}; {at} in the chapter") if at else made)
    return found


def place_in(timelines: tuple[ChapterTimeline, ...], take: Take, at_ms: int | None, keep_ms: int) -> str:
    """Where in its delivered chapter a moment of a take is, for people; empty where that is not known."""
    for timeline in timelines:
        ms = None if at_ms is None else chapter_ms(timeline, take, at_ms, keep_ms)
        if ms is not None:
            return clock(ms)
    return ""
