"""The desk: what a run that buys holds in its hands, opened once and closed in the right order.

Invariant: while a desk is open its run is announced to others; when it closes, its rows are in the ledger's files
before its allowance is given back.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from narration.booth import Booth, Pace
from narration.errors import CallFacts, NarrationError, StoreError, VoiceMissing
from narration.memory.budget import Budget
from narration.memory.claims import RENEW_S, Claims, Run
from narration.memory.journal import Answer, Journal
from narration.memory.rates import Rates
from narration.memory.refusals import Refusals
from narration.memory.store import Store
from narration.memory.takes import Takes
from narration.memory.usage import Ledger
from narration.memory.voices import Voices
from narration.row import Row
from narration.services.limits import rate_of
from narration.services.pace import Pacer
from narration.services.protocol import SpeechService
from narration.settings.settings import LimitSettings, Settings

log = logging.getLogger(__name__)

LOOK_ROUND_S = 2.5
"""How often a run counts those with whom it shares the account; a newcomer gives the others so long to make room."""

FAILURES = 3
"""So many calls in a row that failed in spite of their retries stop a run: the service is away."""

MEASURED_AT_ONCE = 2
"""Takes; numpy works beside the interpreter for most of the time, and more would only take memory."""


class Halt:
    """Whether the run is to stop buying, and why.

    Args:
        outer: stops this one too, and is not stopped by it.
    """

    def __init__(self, outer: Halt | None = None) -> None:
        self._reason: NarrationError | None = None
        self._outer = outer
        self._failures = 0

    @property
    def reason(self) -> NarrationError | None:
        """What stops it, or None. What is in flight is finished; nothing more is sent."""
        return self._reason or (self._outer.reason if self._outer is not None else None)

    def stop(self, reason: NarrationError) -> None:
        """Stop, unless something else did so before."""
        self._reason = self._reason or reason

    def failed(self, error: NarrationError) -> None:
        """A call failed in spite of its retries: `FAILURES` of them in a row stop the run."""
        self._failures += 1
        if self._failures >= FAILURES:
            self.stop(error)

    def went_well(self) -> None:
        """A call went well: the row of failures is broken."""
        self._failures = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything that design and speak need.

    Attributes:
        production: name of the book, for the ledger and the budget.
        flow_run_id: the Prefect flow run, or empty.
        booths: one for each profile that speaks, by key.
        main: the production's own booth.
        store, claims, journal, takes, voices, refusals, ledger, budget: the memory.
        halt: whether to stop.
        gone: voices that a service no longer has, by booth and name, and its answer.
        refused: why the service refused a design, by design id.
        clock: Unix seconds.
        sleep: waits so many seconds.
        locks: one for each subject that is asked for now, so that a run does not compete with itself.
        measuring: held while a take is measured, in a thread, so that answers and the clock are not kept waiting; only
            a few at a time, as each takes some tens of MiB.
    """

    production: str
    flow_run_id: str
    booths: Mapping[str, Booth]
    main: Booth
    store: Store
    claims: Claims
    journal: Journal
    takes: Takes
    voices: Voices
    refusals: Refusals
    ledger: Ledger
    budget: Budget
    halt: Halt = field(default_factory=Halt)
    gone: dict[tuple[str, str], VoiceMissing] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    measuring: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MEASURED_AT_ONCE))

    @property
    def run(self) -> Run:
        """This run."""
        return self.claims.run

    @property
    def paces(self) -> tuple[Pace, ...]:
        """What holds the rates, each model of each account once."""
        both = (pace for booth in self.booths.values() for pace in (booth.speech, booth.design))
        return tuple({pace.rates.asked: pace for pace in both}.values())

    async def note_free(self, booth: Booth, call: CallFacts, *, voice: str = "") -> None:
        """Write down a call that costs nothing (list, query, delete).

        Raises:
            StoreError: the store cannot be written.
        """
        service = booth.settings.service
        row = Row(
            call_id=uuid.uuid4().hex,
            at=self.now(),
            run_id=self.run.run_id,
            flow_run_id=self.flow_run_id,
            production=self.production,
            service=service.kind,
            region=service.region,
            model=call.model or service.design_model,
            action=call.action,
            voice=voice,
            request_id=call.request_id,
            status=call.status,
            code=call.code,
            attempts=call.attempts,
            latency_ms=call.latency_ms,
            session_id=call.session_id,
            first_audio_ms=call.first_audio_ms,
        )
        await self.ledger.note(row)

    def home_of(self, answer: Answer) -> Booth | None:
        """The booth of the service, region and account that an answer came from; None where none is open."""
        row = answer.row
        account = answer.account or (answer.design.account if answer.design is not None else "")
        return next(
            (
                booth
                for booth in self.booths.values()
                if booth.speaks_for(service=row.service, region=row.region, account=account)
            ),
            None,
        )

    async def gather_dead_rows(self) -> None:
        """Bring the rows of dead runs into the ledger's files, those too that were noted for them by this run.

        Raises:
            StoreError: the store cannot be read or written.
        """
        for run_id in await self.ledger.waiting_runs():
            if run_id != self.run.run_id and not await self.claims.run_lives(run_id):
                await self.ledger.compact(run_id)

    def now(self) -> str:
        """The time, ISO 8601, UTC, milliseconds."""
        return datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds")


@asynccontextmanager
async def open_desk(
    *,
    store: Store,
    services: Mapping[str, tuple[SpeechService, Settings]],
    main: str,
    run: Run,
    production: str,
    flow_run_id: str = "",
    book_cap_usd: float | None = None,
    run_cap_usd: float | None = None,
    halt: Halt | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Desk]:
    """Announce the run and open everything; close in order, whatever happened between.

    Args:
        store: the memory.
        services: open, with their settings, by the key of their booth.
        main: key of the production's own booth.
        run: this run.
        production: name of the book, for the ledger and the budget.
        flow_run_id: the Prefect flow run, or empty.
        book_cap_usd: what the book may cost over all runs.
        run_cap_usd: what this run may cost.
        halt: stops buying when told so.
        sleep: waits so many seconds.
        clock: Unix seconds.

    Raises:
        StoreError: the store cannot be read or written, or its disk is full.
    """
    ledger, journal = Ledger(store, run.run_id), Journal(store)

    async def spent_elsewhere(left_out: frozenset[str]) -> float:
        waiting = [
            row.price_usd for row in await journal.open_tasks(production, left_out) if not await ledger.noted(row)
        ]
        return await ledger.spent_usd(production, left_out) + sum(waiting)

    budget = Budget(
        store,
        production,
        run.run_id,
        book_cap_usd=book_cap_usd,
        run_cap_usd=run_cap_usd,
        spent_elsewhere=spent_elsewhere,
    )
    halt = halt or Halt()
    booths = await _booths(store, services, halt)
    asks = {pace.rates.asked for booth in booths.values() for pace in (booth.speech, booth.design)}
    desk = Desk(
        production=production,
        flow_run_id=flow_run_id,
        booths=booths,
        main=booths[main],
        store=store,
        claims=Claims(store, run, clock=clock, asks=frozenset(asks), renders=production),
        journal=journal,
        takes=Takes(store),
        voices=Voices(store),
        refusals=Refusals(store),
        ledger=ledger,
        budget=budget,
        halt=halt,
        clock=clock,
        sleep=sleep,
    )
    with contextlib.ExitStack() as held:
        held.enter_context(store.room(halt.stop))
        await desk.claims.announce()
        if production and (others := await desk.claims.others_at(production)):
            said = "%s is being rendered by another run, too (%s): they share the work, and nothing is bought twice"
            log.warning(said, production, ", ".join(others))
        for pace in await _take_part(desk):
            pace.pacer.make_room(LOOK_ROUND_S + 0.5)
        renewal = asyncio.create_task(_renew(desk))
        try:
            yield desk
        finally:
            held.close()  # what is written last may need the room
            renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewal
            await _remember(desk)
            await ledger.compact()
            await desk.gather_dead_rows()
            await budget.close()
            await desk.claims.leave()


async def _booths(
    store: Store, services: Mapping[str, tuple[SpeechService, Settings]], halt: Halt
) -> Mapping[str, Booth]:
    """A booth for each service; those that ask the same model of the same account share its rate."""
    paces: dict[tuple[str, str], Pace] = {}

    async def pace(account: str, model: str, limits: LimitSettings) -> Pace:
        if (account, model) not in paces:
            rates = Rates(store, account, model)
            pacer = Pacer(
                per_minute=limits.per_minute,
                per_second=limits.per_second,
                in_flight=limits.in_flight,
                learnt=await rates.load(),
                halted=lambda: halt.reason is not None,
            )
            paces[account, model] = Pace(pacer=pacer, rates=rates)
        return paces[account, model]

    return {
        key: Booth(
            key=key,
            settings=settings,
            service=service,
            speech=await pace(service.account, settings.service.speech_model, settings.limits),
            design=await pace(service.account, settings.service.design_model, _for_design(settings)),
        )
        for key, (service, settings) in services.items()
    }


def _for_design(settings: Settings) -> LimitSettings:
    """The limits that are set, which are the speaking model's, not above what the table says of the other one."""
    limits, known = settings.limits, rate_of(settings.service.design_model)
    if known is None:
        return limits
    return replace(
        limits,
        per_minute=min(limits.per_minute, known.per_minute),
        per_second=min(limits.per_second, known.per_second),
    )


async def _take_part(desk: Desk) -> list[Pace]:
    """Share each account's rates with the other runs that ask it; those that are shared with any."""
    shared = []
    for pace in desk.paces:
        fellows = await desk.claims.fellows(pace.rates.asked)
        pace.pacer.share(len(fellows), fellows.index(desk.run.run_id))
        if len(fellows) > 1:
            shared.append(pace)
    return shared


async def _remember(desk: Desk) -> None:
    for pace in desk.paces:
        try:
            await pace.rates.save(pace.pacer.learnt)
        except StoreError as error:
            log.warning("what was learnt of the account's limits is not remembered: %s", error)


async def _renew(desk: Desk) -> None:
    for look in itertools.count(1):
        await asyncio.sleep(LOOK_ROUND_S)
        try:
            await _take_part(desk)
        except StoreError as error:
            log.info("who else asks cannot be seen now: %s", error)
        if look % round(RENEW_S / LOOK_ROUND_S) == 0:
            try:
                await desk.claims.announce()
            except StoreError as error:
                # The next round tries again; ending here would let others take this run for dead.
                log.warning("this run cannot say that it is alive: %s", error)
            await _remember(desk)
