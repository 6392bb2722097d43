"""The desk: what a run that buys holds in its hands, opened once and closed in the right order.

Invariant: while a desk is open its run is announced to others; when it closes, its rows are in the ledger's files
before its allowance is given back.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from narration.budget import Budget
from narration.claims import RENEW_S, Claims, Run
from narration.errors import CallFacts, NarrationError, ServiceUnavailable, VoiceMissing
from narration.journal import Journal
from narration.refusals import Refusals
from narration.row import Row
from narration.services.pace import Pacer
from narration.services.protocol import SpeechService
from narration.settings import Settings
from narration.store import Store
from narration.takes import Takes
from narration.usage import Ledger
from narration.voices import Voices

FAILURES = 3
"""So many calls in a row that failed in spite of their retries stop a run: the service is away."""


class Halt:
    """Whether the run is to stop buying, and why.

    Attributes:
        reason: what stops it, or None. What is in flight is finished; nothing more is sent.
    """

    def __init__(self) -> None:
        self.reason: NarrationError | None = None
        self._failures = 0

    def stop(self, reason: NarrationError) -> None:
        """Stop, unless something else did so before."""
        self.reason = self.reason or reason

    def failed(self, error: ServiceUnavailable) -> None:
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
        settings: of the run.
        service: the speech service.
        store, claims, journal, takes, voices, refusals, ledger, budget: the memory.
        pacer: holds the service's rate.
        halt: whether to stop.
        gone: voices that the service no longer has, and its answer.
        clock: Unix seconds.
        locks: one for each subject that is asked for now, so that a run does not compete with itself.
    """

    production: str
    flow_run_id: str
    settings: Settings
    service: SpeechService
    store: Store
    claims: Claims
    journal: Journal
    takes: Takes
    voices: Voices
    refusals: Refusals
    ledger: Ledger
    budget: Budget
    pacer: Pacer
    halt: Halt = field(default_factory=Halt)
    gone: dict[str, VoiceMissing] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def run(self) -> Run:
        """This run."""
        return self.claims.run

    async def note_free(self, call: CallFacts, *, voice: str = "") -> None:
        """Write down a call that costs nothing (list, query, delete).

        Raises:
            StoreError: the store cannot be written.
        """
        service = self.settings.service
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
        )
        await self.ledger.note(row)

    def now(self) -> str:
        """The time, ISO 8601, UTC, milliseconds."""
        return datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds")


@asynccontextmanager
async def open_desk(
    *,
    store: Store,
    service: SpeechService,
    settings: Settings,
    run: Run,
    production: str,
    flow_run_id: str = "",
    book_cap_usd: float | None = None,
    run_cap_usd: float | None = None,
    halt: Halt | None = None,
) -> AsyncIterator[Desk]:
    """Announce the run and open everything; close in order, whatever happened between.

    Raises:
        StoreError: the store cannot be read or written.
    """
    ledger = Ledger(store, run.run_id)

    async def spent_elsewhere(left_out: frozenset[str]) -> float:
        return await ledger.spent_usd(production, left_out)

    budget = Budget(
        store,
        production,
        run.run_id,
        book_cap_usd=book_cap_usd,
        run_cap_usd=run_cap_usd,
        spent_elsewhere=spent_elsewhere,
    )
    limits = settings.limits
    desk = Desk(
        production=production,
        flow_run_id=flow_run_id,
        settings=settings,
        service=service,
        store=store,
        claims=Claims(store, run),
        journal=Journal(store),
        takes=Takes(store),
        voices=Voices(store),
        refusals=Refusals(store),
        ledger=ledger,
        budget=budget,
        pacer=Pacer(per_minute=limits.per_minute, per_second=limits.per_second, in_flight=limits.in_flight),
        halt=halt or Halt(),
    )
    await desk.claims.announce()
    renewal = asyncio.create_task(_renew(desk.claims))
    try:
        yield desk
    finally:
        renewal.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewal
        await ledger.compact()
        await budget.close()
        await desk.claims.leave()


async def _renew(claims: Claims) -> None:
    while True:
        await asyncio.sleep(RENEW_S)
        await claims.announce()
