"""Cast → voices: a voice is created once for its design, kept in the voice bible, and reused by every later run.

Invariant: a creation is sent at most once. One that was sent and not answered is looked for in the account before
another is made; a voice that is kept is never replaced.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Iterable

from narration.desk import Desk
from narration.errors import (
    AccountBlocked,
    KeyRefused,
    ModelGone,
    ServiceError,
    ServiceUnavailable,
    VoiceQuotaFull,
    VoiceRejected,
)
from narration.keep import keep_voice, recover_subject
from narration.plan import PlannedVoice
from narration.purchase import Bought, Elsewhere, Order, buy
from narration.row import Row
from narration.services.pricing import cost_usd, price_of
from narration.services.protocol import Gate, TaskFailed
from narration.take import Receipt
from narration.voice import DesignAnswer, RemoteVoice, Voice, VoiceStatus

log = logging.getLogger("narration.design")

WAIT_S = (0.1, 2.0)
"""How long to wait before looking again while another run makes the voice: first, and at the most, in seconds."""

REVIEW_POLLS = 60
"""How often a voice under review is asked for, every `WAIT_S[1]` seconds.

Source: the vendor's samples poll about every 2 s, some thirty times.
"""


async def voice_for(desk: Desk, planned: PlannedVoice) -> tuple[Voice, bool]:
    """The voice of a character: the one that is kept, or a new one.

    Returns:
        The voice, and whether this call created it.

    Raises:
        VoiceRejected: the service reviewed the design and refused it.
        NarrationError: as `narration.purchase.buy` raises.
    """
    design_id, wait_s, failures = planned.design.design_id, WAIT_S[0], 0
    async with desk.locks[design_id]:
        while True:
            voice = await desk.voices.get(design_id)
            if voice is not None:
                return voice, False
            newest = await desk.claims.newest(design_id)
            if newest is not None and (newest.run.run_id == desk.run.run_id or not await desk.claims.alive(newest.run)):
                recovered = await recover_subject(desk, design_id)
                if recovered.waiting:
                    raise ServiceUnavailable(
                        f"The voice of {planned.character.name} is paid for, and cannot be had now.",
                        "Run the same command again later: it is not paid for twice.",
                    )
                if recovered.kept or (recovered.in_doubt and await _reconciled(desk, planned)):
                    continue
            elif newest is not None:
                await asyncio.sleep(wait_s)
                wait_s = min(WAIT_S[1], wait_s * 2)
                continue
            try:
                claim, answer = await buy(desk, _order(desk, planned), _sender(planned))
            except Elsewhere:
                continue
            except ServiceError as error:
                if error.call is not None and error.call.in_doubt and await _reconciled(desk, planned):
                    continue
                raise
            try:
                return await keep_voice(desk, claim, answer), True
            except TaskFailed as failed:
                failures += 1
                if not failed.again or failures >= desk.settings.limits.attempts:
                    raise failed.error from None


async def check_quota(desk: Desk, to_create: int) -> None:
    """See that the account has room for new voices, before the first of them is paid for. Asks for the free list.

    Raises:
        VoiceQuotaFull: it has not; the message names voices that this store has never spoken with.
        KeyRefused, AccountBlocked, ModelGone: no creation would be answered either.
    """
    try:
        listed = await desk.service.voices()
    except (KeyRefused, AccountBlocked, ModelGone):
        raise
    except ServiceError as error:
        log.warning("the account's voices cannot be listed, so its quota is not checked: %s", error)
        return
    await desk.note_free(listed.call)
    most = desk.service.limits.voices_max
    if listed.total + to_create <= most:
        return
    spoken = await desk.ledger.voices_spoken()
    idle = [remote.voice for remote in listed.voices if remote.voice not in spoken]
    names = ", ".join(idle[:5]) + (f" and {len(idle) - 5} more" if len(idle) > 5 else "")
    raise VoiceQuotaFull(
        f"The account holds {listed.total} of {most} voices, and this book needs {to_create} more.",
        f"Never spoken with from this store, so perhaps not needed: {names}." if idle else "All of them are in use.",
        listed.call,
    )


async def give_up_missing(desk: Desk, kept: Iterable[PlannedVoice]) -> tuple[PlannedVoice, ...]:
    """Give up the voices that the service no longer has, so that a new version takes their place.

    Returns:
        Those that were given up.

    Raises:
        ServiceError: the service does not answer.
        StoreError: the store cannot be written.
    """
    gone = []
    for planned in kept:
        if planned.voice is None:
            continue
        remote, call = await desk.service.query(planned.voice.voice)
        await desk.note_free(call, voice=planned.voice.voice)
        if remote is None:
            await desk.voices.give_up(planned.voice, "the service no longer has it", desk.now())
            log.warning("%s: %s is gone; a new version is made", planned.character.name, planned.voice.voice)
            gone.append(planned)
    return tuple(gone)


def _order(desk: Desk, planned: PlannedVoice) -> Order:
    design = planned.design

    async def there() -> bool:
        return await desk.voices.get(design.design_id) is not None

    row = Row(
        call_id="",
        at=desk.now(),
        run_id=desk.run.run_id,
        flow_run_id=desk.flow_run_id,
        production=desk.production,
        character=planned.character.name,
        service=design.service,
        region=desk.settings.service.region,
        model=design.design_model,
        action="design",
        price_usd=cost_usd(price_of(design.design_model, desk.settings.service.region), 1),
    )
    return Order(subject=design.design_id, row=row, there=there)


def _sender(planned: PlannedVoice) -> Callable[[Desk, Gate], Awaitable[Bought]]:
    design = planned.design

    async def send(desk: Desk, gate: Gate) -> Bought:
        name = desk.service.preferred_name(planned.character.name)
        designed = await desk.service.design(design, name, gate)
        # What a task makes is waited for once the task is in the journal.
        answer = designed.answer if designed.answer.task_id else await _reviewed(desk, designed.answer)
        price = price_of(design.design_model, desk.settings.service.region)
        told_usd = designed.price_usd
        return Bought(
            call=designed.call,
            receipt=Receipt(request_id=answer.request_id, task_id=answer.task_id),
            characters=0,
            price_usd=cost_usd(price, answer.billed_voices) if told_usd is None else told_usd,
            design=design,
            voice=answer.voice,
            preferred_name=name,
            preview_b64=base64.b64encode(answer.preview_audio).decode(),
            preview_format=answer.preview_format,
        )

    return send


async def _reviewed(desk: Desk, answer: DesignAnswer) -> DesignAnswer:
    status = answer.status
    for _ in range(REVIEW_POLLS):
        if status is not VoiceStatus.PENDING:
            break
        await asyncio.sleep(WAIT_S[1])
        remote, call = await desk.service.query(answer.voice)
        await desk.note_free(call, voice=answer.voice)
        status = remote.status if remote is not None else VoiceStatus.REJECTED
    if status is not VoiceStatus.READY:
        raise VoiceRejected(
            f"The voice {answer.voice} is {status} at the service.", "Reword its description and render again."
        )
    return answer


async def _reconciled(desk: Desk, planned: PlannedVoice) -> bool:
    """Look in the account for a voice whose creation was sent and not answered; keep it if it is there."""
    listed = await desk.service.voices()
    await desk.note_free(listed.call)
    known = {voice.voice for voice in await desk.voices.all()}
    match = next((remote for remote in listed.voices if _is(remote, desk, planned) and remote.voice not in known), None)
    if match is None:
        return False
    log.warning("the creation of %s's voice was not answered, but the account has it: kept", planned.character.name)
    voice = Voice(
        design=planned.design,
        voice=match.voice,
        preferred_name=desk.service.preferred_name(planned.character.name),
        character=planned.character.name,
        production=desk.production,
        created_at=desk.now(),
        request_id="",
        price_usd=0.0,
        preview_format="wav",
    )
    await desk.voices.put(voice, b"")
    return True


def _is(remote: RemoteVoice, desk: Desk, planned: PlannedVoice) -> bool:
    design = planned.design
    return (
        desk.service.preferred_name(planned.character.name) in remote.voice
        and remote.voice_prompt == design.voice_prompt
        and remote.preview_text in ("", design.preview_text)
        and remote.target_model in ("", design.target_model)
    )
