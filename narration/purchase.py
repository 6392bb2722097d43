"""One paid call: claim, money, request, answer on disk, row. Takes and voices, all that costs money, go this way.

Invariant: whatever happens, each attempt that may be on the bill ends as a row of the ledger, and none as two:
an answer has one, each attempt that was sent and never answered has one in doubt. What a killed run leaves open is
turned into rows by `narration.recover`, from the claim and the journal alone.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from narration.booth import Booth
from narration.chat import ChatAsk, ChatSaid
from narration.desk import Desk
from narration.errors import CallFacts, NarrationError, ServiceError, ServiceUnavailable, StoreError
from narration.hearing import HearingAsk, Transcript
from narration.memory.claims import Claim, Held
from narration.memory.journal import Answer
from narration.row import Row
from narration.services.breaker import PATIENCE_S
from narration.services.pace import Pacer, Permit
from narration.services.protocol import AttemptEnd, Ending, Gate
from narration.take import Receipt, SpeechAsk
from narration.voice import VoiceDesign, VoiceStatus


class Elsewhere(Exception):
    """Somebody else asks for the same thing now, or has it by now; carries the claim that is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be bought.

    Attributes:
        booth: where it is asked for.
        subject: a take id, a design id, or the ask id of a question or a hearing.
        row: the row of the ledger as far as it is known, `characters` and `price_usd` as we reckon them.
        there: tells whether the thing is in the store by now.
        pacer: what holds the rate; None is the one of the row's model.
    """

    booth: Booth
    subject: str
    row: Row
    there: Callable[[], Awaitable[bool]]
    pacer: Pacer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What the service answered.

    Attributes:
        call: the facts of the call.
        receipt: what leads to the sound; for a design, only the request id.
        characters, price_usd: as the service counted.
        ask, design, question, listened: what was asked; one of them.
        voice, status, preferred_name, preview_b64, preview_format: of a designed voice; empty for a synthesis.
        said: the answer to a question, its tokens as billed.
        transcript: what was heard.
    """

    call: CallFacts
    receipt: Receipt
    characters: int
    price_usd: float
    ask: SpeechAsk | None = None
    design: VoiceDesign | None = None
    voice: str = ""
    status: VoiceStatus = VoiceStatus.READY
    preferred_name: str = ""
    preview_b64: str = ""
    preview_format: str = ""
    question: ChatAsk | None = None
    said: ChatSaid | None = None
    listened: HearingAsk | None = None
    transcript: Transcript | None = None


async def buy(desk: Desk, order: Order, send: Callable[[Booth, Gate], Awaitable[Bought]]) -> tuple[Claim, Answer]:
    """Make one paid call, at most one at a time in the whole world for its subject.

    Args:
        desk: of the run; the caller holds `desk.locks[order.subject]`.
        order: what is bought.
        send: makes the call, every attempt through the gate.

    Returns:
        The claim, still held, and the answer, which is in the journal. The caller stores what it leads to, notes
        `answer.row` in the ledger and releases the claim, in this order.

    Raises:
        Elsewhere: somebody else has it or is about to.
        BudgetReached: held back before it was sent (again).
        NarrationError: what halts the run; held back.
        ServiceError: as the service's door raises; its row and those in doubt are noted, the claim is released.
        StoreError: the store cannot be read or written.
    """
    gate = _PaidGate(desk, order)
    try:
        bought = await send(order.booth, gate)
    except ServiceError as error:
        await gate.failed(error.call)
        raise
    except (NarrationError, Elsewhere):
        await gate.failed(None)
        raise
    except asyncio.CancelledError:
        # Stopped at once: what is on the way is in doubt, and the ledger is to say so before the run is gone.
        await asyncio.shield(gate.failed(None))
        raise
    return await gate.answered(bought)


class _PaidGate:
    """Rate, money and claim before every attempt; what each attempt may have cost, after."""

    def __init__(self, desk: Desk, order: Order) -> None:
        self._desk = desk
        self._order = replace(order, row=replace(order.row, call_id=uuid.uuid4().hex))
        self._claim: Claim | None = None
        self._reserved_usd = 0.0
        self._doubts = 0
        self._pacer = order.pacer or order.booth.pacer_of(order.row.model)
        self._permit: Permit | None = None

    async def before(self, attempt: int) -> None:
        self._permit = await self._pacer.enter(attempt)
        self._stop_if_halted()
        again = self._claim is not None and self._outstanding()
        if self._claim is None or again:
            await self._desk.budget.reserve(self._order.row.price_usd)
            self._reserved_usd += self._order.row.price_usd
        if self._claim is None:
            await self._take_claim()
        elif again:
            await self._desk.journal.sending_again(self._claim, attempt)
        await self._pacer.go(self._permit)
        self._stop_if_halted()

    def _stop_if_halted(self) -> None:
        if self._desk.halt.reason is not None:
            raise self._desk.halt.reason

    async def after(self, attempt: int, end: AttemptEnd) -> None:  # noqa: ARG002 — the protocol's
        self._give_way(end)
        if end.ending is Ending.IN_DOUBT:
            self._doubts += 1
        if kind := self._pacer.hopeless:
            what = f"The service has failed every time for {PATIENCE_S / 60:.0f} minutes ({kind})."
            hint = "What was answered is stored. Run the same command again once the service is back."
            self._desk.halt.stop(ServiceUnavailable(what, hint))

    def _outstanding(self) -> bool:
        """Whether all money reserved so far is taken by attempts in doubt."""
        return self._doubts > 0 and self._reserved_usd < (self._doubts + 1) * self._order.row.price_usd - 1e-12

    async def _take_claim(self) -> None:
        got = await self._desk.claims.acquire(self._order.subject, self._order.row)
        if isinstance(got, Held):
            raise Elsewhere(got.claim)
        self._claim = got
        if await self._order.there():
            # It was finished between the caller's look and our claim.
            raise Elsewhere(got)

    async def failed(self, call: CallFacts | None) -> None:
        """Note what the call may have cost and give back the rest."""
        self._give_way()
        await self._note_doubts()
        if call is not None and call.status:
            await self._desk.ledger.note(_row(self._desk, self._order.row, call, characters=0, price_usd=0.0))
        self._desk.budget.settle(self._reserved_usd, self._doubts * self._order.row.price_usd)
        if self._claim is not None:
            await self._desk.claims.release(self._claim)

    async def answered(self, bought: Bought) -> tuple[Claim, Answer]:
        """Put the answer into the journal."""
        claim = self._claim
        if claim is None:
            raise StoreError("A call was made without its claim.")  # a door that does not ask its gate
        row = _row(self._desk, self._order.row, bought.call, characters=bought.characters, price_usd=bought.price_usd)
        if bought.said is not None:
            tokens = (bought.said.input_tokens or 0, bought.said.output_tokens or 0)
            row = replace(row, input_tokens=tokens[0], output_tokens=tokens[1])
        answer = Answer(
            generation=claim.generation,
            row=replace(row, voice=bought.voice or row.voice),
            receipt=bought.receipt,
            account=self._order.booth.service.account,
            profile=self._order.booth.profile,
            ask=bought.ask,
            design=bought.design,
            voice=bought.voice,
            status=bought.status,
            preferred_name=bought.preferred_name,
            preview_b64=bought.preview_b64,
            preview_format=bought.preview_format,
            question=bought.question,
            said=bought.said,
            listened=bought.listened,
            transcript=bought.transcript,
        )
        await self._desk.journal.answered(self._order.subject, answer)
        await self._note_doubts()
        spent_usd = bought.price_usd + self._doubts * self._order.row.price_usd
        self._desk.budget.settle(self._reserved_usd, spent_usd)
        return claim, answer

    async def _note_doubts(self) -> None:
        for number in range(1, self._doubts + 1):
            await self._desk.ledger.note(doubt_row(self._order.row, self._desk.now(), number))

    def _give_way(self, end: AttemptEnd | None = None) -> None:
        permit, self._permit = self._permit, None
        if permit is not None:
            self._pacer.end(permit, end)


def doubt_row(row: Row, at: str, number: int) -> Row:
    """The row of an attempt that was sent and never answered; `row` is what was asked, `number` counts attempts."""
    return replace(row, call_id=f"{row.call_id}-doubt{number}", at=at, in_doubt=True, code="no_answer", audio_s=0.0)


def _row(desk: Desk, row: Row, call: CallFacts, *, characters: int, price_usd: float) -> Row:
    return replace(
        row,
        at=desk.now(),
        request_id=call.request_id,
        characters=characters,
        price_usd=price_usd,
        status=call.status,
        code=call.code,
        attempts=call.attempts,
        latency_ms=call.latency_ms,
        input_tokens=0,
        output_tokens=0,
        session_id=call.session_id,
        first_audio_ms=call.first_audio_ms,
    )
