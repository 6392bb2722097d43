"""Plan → Takes: every chunk that has no take yet is spoken once, and what the service refuses becomes a finding.

Invariant: a take that is in the store is never asked for; of all runs on the store, one asks for a missing take.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from narration.chunks import billed_characters
from narration.desk import Desk
from narration.errors import AudioRefused, NarrationError, ServiceUnavailable, TextRefused, VoiceMissing
from narration.finding import Finding, Severity
from narration.keep import keep_take, recover_subject
from narration.plan import ChapterPlan, PlannedChunk
from narration.purchase import Bought, Elsewhere, Order, buy
from narration.row import Row
from narration.services.pricing import cost_usd, price_of
from narration.services.protocol import Gate
from narration.take import SpeechAsk, Take
from narration.voice import Voice

log = logging.getLogger("narration.speak")

WAIT_S = (0.05, 2.0)
"""How long to wait before looking again while another run speaks the same words: first, and at the most, in seconds."""


class Spoken(Protocol):
    """Is told of every chunk as its take is there."""

    def __call__(self, planned: PlannedChunk, take: Take, *, bought: bool) -> None:
        """Take note of it; `bought` says whether it was paid for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenChapter:
    """The takes of one chapter.

    Attributes:
        takes: one for each chunk, in order; None where the service refused the text.
        bought: how many were bought by this call.
        findings: what was refused.
        failed: why the chapter cannot be finished in this run, or None.
    """

    takes: tuple[Take | None, ...]
    bought: int
    findings: tuple[Finding, ...]
    failed: NarrationError | None = None


async def speak_chapter(
    desk: Desk,
    chapter: ChapterPlan,
    voices: dict[str, Voice],
    *,
    spoken: Spoken = lambda _chunk, _take, *, bought: None,  # noqa: ARG005 — the names are the protocol's
) -> SpokenChapter:
    """Have every chunk of a chapter spoken that has no take yet.

    Args:
        desk: of the run.
        chapter: what is to be spoken.
        voices: by name of the character.
        spoken: told of every chunk as its take is there, and whether it was bought for it.

    Returns:
        The takes. A refused text is a finding and the chapter goes on. A missing voice stops its character only.

    Raises:
        NarrationError: nothing more can be bought (key, account, model, budget, service away); what was in flight is
            finished and stored before it is raised.
    """
    results = await asyncio.gather(*(_chunk(desk, planned, voices, spoken) for planned in chapter.chunks))
    if desk.halt.reason is not None:
        raise desk.halt.reason
    takes = tuple(take for take, _, _ in results)
    problems = [problem for _, _, problem in results if problem is not None]
    findings = tuple(problem for problem in problems if isinstance(problem, Finding))
    failed = next((problem for problem in problems if isinstance(problem, NarrationError)), None)
    return SpokenChapter(
        takes=takes, bought=sum(1 for _, bought, _ in results if bought), findings=findings, failed=failed
    )


async def _chunk(
    desk: Desk,
    planned: PlannedChunk,
    voices: dict[str, Voice],
    spoken: Spoken,
) -> tuple[Take | None, bool, Finding | NarrationError | None]:
    if planned.take is not None:
        spoken(planned, planned.take, bought=False)
        return planned.take, False, None
    if desk.halt.reason is not None or planned.chunk.character not in voices:
        return None, False, None
    ask = planned.ask_with(voices[planned.chunk.character])
    try:
        take, bought = await take_of(desk, ask, chapter=planned.chunk.chapter, character=planned.chunk.character)
    except TextRefused as error:
        return None, False, _refused(planned, error)
    except (VoiceMissing, AudioRefused) as error:
        return None, False, error
    except ServiceUnavailable as error:
        desk.halt.failed(error)
        return None, False, error
    except NarrationError as error:
        desk.halt.stop(error)
        return None, False, error
    desk.halt.went_well()
    spoken(planned, take, bought=bought)
    return take, bought, None


async def take_of(desk: Desk, ask: SpeechAsk, *, chapter: int, character: str) -> tuple[Take, bool]:
    """The take of an ask, bought if nobody has bought it yet.

    Returns:
        The take, and whether this call bought it.

    Raises:
        NarrationError: as `narration.purchase.buy` and `narration.keep.keep_take` raise.
    """
    take_id, wait_s = ask.take_id, WAIT_S[0]
    async with desk.locks[take_id]:
        while True:
            take = await desk.takes.get(take_id)
            if take is not None:
                return take, False
            newest = await desk.claims.newest(take_id)
            if newest is not None and (newest.run.run_id == desk.run.run_id or not await desk.claims.alive(newest.run)):
                await recover_subject(desk, take_id)
                if await desk.takes.get(take_id) is not None:
                    continue
            elif newest is not None:
                await asyncio.sleep(wait_s)
                wait_s = min(WAIT_S[1], wait_s * 2)
                continue
            try:
                claim, answer = await buy(desk, _order(desk, ask, chapter, character), _sender(desk, ask))
            except Elsewhere:
                continue
            return await keep_take(desk, claim, answer), True


def _order(desk: Desk, ask: SpeechAsk, chapter: int, character: str) -> Order:
    characters = billed_characters(ask.text)

    async def there() -> bool:
        return await desk.takes.get(ask.take_id) is not None

    row = Row(
        call_id="",
        at=desk.now(),
        run_id=desk.run.run_id,
        flow_run_id=desk.flow_run_id,
        production=desk.production,
        chapter=chapter,
        character=character,
        service=ask.service,
        region=ask.region,
        model=ask.model,
        action="synthesize",
        voice=ask.voice,
        take_id=ask.take_id,
        characters=characters,
        price_usd=cost_usd(price_of(ask.model, ask.region), characters),
    )
    return Order(subject=ask.take_id, row=row, there=there)


def _sender(desk: Desk, ask: SpeechAsk) -> Callable[[Gate], Awaitable[Bought]]:
    async def send(gate: Gate) -> Bought:
        spoken = await desk.service.speak(ask, gate)
        billed = spoken.receipt.billed_characters
        characters = billed_characters(ask.text) if billed is None else billed
        return Bought(
            call=spoken.call,
            receipt=spoken.receipt,
            characters=characters,
            price_usd=cost_usd(price_of(ask.model, ask.region), characters),
            ask=ask,
        )

    return send


def _refused(planned: PlannedChunk, error: TextRefused) -> Finding:
    chunk = planned.chunk
    log.warning("chapter %d, line %d: refused: %s", chunk.chapter, chunk.line + 1, error.what)
    return Finding(
        code="speak-001",
        severity=Severity.ERROR,
        message=f"The service refused to speak this text: {error.what}",
        chapter=chunk.chapter,
        line=chunk.line,
        character=chunk.character,
        text=chunk.text,
        hint=error.hint or "Reword the line and render again; everything else is kept.",
    )
