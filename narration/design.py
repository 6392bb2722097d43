"""Cast → voices: a voice is created once for its design, kept in the voice bible, and reused by every later run.

Invariant: a creation is sent at most once. One that was sent and not answered is looked for in the account before
another is made; one that the service still reviews is waited for, by the next run too; a design that the review refused
is not made again; a voice that is kept is never replaced.
"""

from __future__ import annotations

import base64
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable

from narration.booth import Booth
from narration.desk import Desk
from narration.errors import (
    AccountBlocked,
    KeyRefused,
    ModelGone,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
    VoiceQuotaFull,
    VoiceRejected,
)
from narration.keep import keep_voice, recover_subject
from narration.memory.claims import Claim
from narration.memory.journal import Answer
from narration.once import once
from narration.plan import PlannedVoice
from narration.purchase import Bought, Elsewhere, Order, buy
from narration.review import PATIENCE_S, await_review
from narration.row import Row
from narration.services.pricing import cost_usd, price_of
from narration.services.protocol import Gate, TaskFailed
from narration.take import Receipt
from narration.voice import RemoteVoice, Voice, VoiceStatus

log = logging.getLogger("narration.design")


async def voice_for(desk: Desk, planned: PlannedVoice) -> tuple[Voice, bool]:
    """The voice of a character: the one that is kept, or a new one.

    Returns:
        The voice, and whether this call created it.

    Raises:
        VoiceRejected: the service reviewed the design and refused it.
        NarrationError: as `narration.purchase.buy` raises.
    """
    design_id, booth = planned.design.design_id, desk.booths[planned.booth]
    failures = itertools.count(1)

    async def kept() -> Voice | None:
        voice = await desk.voices.get(design_id)
        if voice is None:
            await _stop_if_refused(desk, design_id)
        return voice

    async def bought() -> Voice:
        claim, answer = await _bought(desk, planned)
        try:
            return await keep_voice(desk, booth, claim, answer)
        except TaskFailed as failed:
            if not failed.again or next(failures) >= booth.settings.limits.attempts:
                raise failed.error from None
            raise Elsewhere from None  # the account may have it by now

    return await once(desk, design_id, kept=kept, bought=bought, left=lambda: _left_by_the_dead(desk, planned))


async def _bought(desk: Desk, planned: PlannedVoice) -> tuple[Claim, Answer]:
    """Have the voice created.

    Raises:
        Elsewhere: the store is to be looked at again: somebody else has the voice, or the account.
        NarrationError: as `narration.purchase.buy` raises.
    """
    design_id = planned.design.design_id
    if await desk.voices.doubted(design_id) and await _reconciled(desk, planned):
        raise Elsewhere
    try:
        return await buy(desk, _order(desk, planned), _sender(planned))
    except ServiceError as error:
        if error.call is not None and error.call.in_doubt:
            await desk.voices.doubt(design_id)
            if await _reconciled(desk, planned):
                raise Elsewhere from None
        raise


async def _left_by_the_dead(desk: Desk, planned: PlannedVoice) -> bool:
    """Bring a dead run's creation of the voice to an end; whether the store is to be looked at again.

    Raises:
        ServiceUnavailable: it is paid for, and cannot be had now.
    """
    recovered = await recover_subject(desk, planned.design.design_id, patience_s=PATIENCE_S)
    if recovered.away:
        raise ServiceUnavailable(
            f"The voice of {planned.character.name} is paid for.",
            f"It was {recovered.away[0]}. It is not paid for twice.",
        )
    if recovered.waiting:
        raise ServiceUnavailable(
            f"The voice of {planned.character.name} is made, and cannot be used yet.",
            "Run the same command again later: it is not made, or paid for, twice.",
        )
    return bool(recovered.kept or recovered.lost)


async def check_quota(desk: Desk, to_create: Iterable[PlannedVoice]) -> None:
    """See that each account has room for new voices, before the first of them is paid for. Asks for the free list.

    Each family of voices has a quota of its own: those of one model of design, in one account.

    Raises:
        VoiceQuotaFull: it has not; the message names voices that this store has never spoken with.
        KeyRefused, AccountBlocked, ModelGone: no creation would be answered either.
    """
    families: dict[tuple[str, str], list[Booth]] = {}
    for planned in to_create:
        booth = desk.booths[planned.booth]
        families.setdefault((booth.service.account, booth.settings.service.design_model), []).append(booth)
    for booths in families.values():
        await _check_family(desk, booths[0], len(booths))


async def _check_family(desk: Desk, booth: Booth, to_create: int) -> None:
    try:
        listed = await booth.service.voices()
    except (KeyRefused, AccountBlocked, ModelGone):
        raise
    except ServiceError as error:
        log.warning("the account's voices cannot be listed, so its quota is not checked: %s", error)
        return
    await desk.note_free(booth, listed.call)
    most = booth.service.limits.voices_max
    if listed.total + to_create <= most:
        return
    spoken = await desk.ledger.voices_spoken()
    idle = [remote.voice for remote in listed.voices if remote.voice not in spoken]
    names = ", ".join(idle[:5]) + (f" and {len(idle) - 5} more" if len(idle) > 5 else "")
    raise VoiceQuotaFull(
        f"The account of profile {booth.profile} holds {listed.total} of {most} voices, and this book needs "
        f"{to_create} more.",
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
        if planned.voice is None or planned.character.system_voice:
            continue
        if planned.locked:
            log.warning(
                "%s: the voice is locked, so it is not made anew; `narrate voices unlock` first", planned.character.name
            )
            continue
        booth = desk.booths[planned.booth]
        remote, call = await booth.service.query(planned.voice.voice)
        await desk.note_free(booth, call, voice=planned.voice.voice)
        if remote is None:
            await desk.voices.give_up(planned.voice, "the service no longer has it", desk.now())
            log.warning("%s: %s is gone; a new version is made", planned.character.name, planned.voice.voice)
            gone.append(planned)
    return tuple(gone)


def _order(desk: Desk, planned: PlannedVoice) -> Order:
    design, booth = planned.design, desk.booths[planned.booth]
    region = booth.settings.service.region

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
        region=region,
        model=design.design_model,
        action="design",
        price_usd=cost_usd(price_of(design.design_model, region), 1),
    )
    return Order(booth=booth, subject=design.design_id, row=row, there=there)


def _sender(planned: PlannedVoice) -> Callable[[Booth, Gate], Awaitable[Bought]]:
    design = planned.design

    async def send(booth: Booth, gate: Gate) -> Bought:
        name = booth.service.preferred_name(planned.character.name)
        designed = await booth.service.design(design, name, gate)
        answer = designed.answer
        price = price_of(design.design_model, booth.settings.service.region)
        told_usd = designed.price_usd
        return Bought(
            call=designed.call,
            receipt=Receipt(request_id=answer.request_id, task_id=answer.task_id),
            characters=0,
            price_usd=cost_usd(price, answer.billed_voices) if told_usd is None else told_usd,
            design=design,
            voice=answer.voice,
            status=answer.status,
            preferred_name=name,
            preview_b64=base64.b64encode(answer.preview_audio).decode(),
            preview_format=answer.preview_format,
        )

    return send


async def _stop_if_refused(desk: Desk, design_id: str) -> None:
    """See that the service has not refused the design before.

    Raises:
        VoiceRejected: it has.
    """
    refusal = (await desk.refusals.find([design_id])).get(design_id)
    if refusal is not None:
        raise VoiceRejected(refusal.message, "Reword the description in the cast sheet and render again.")


async def _reconciled(desk: Desk, planned: PlannedVoice) -> bool:
    """Look in the account for a voice whose creation was sent and not answered, by whatever run; keep it if there."""
    booth = desk.booths[planned.booth]
    try:
        listed = await booth.service.voices()
    except ServiceRefused as error:
        log.warning("the account's voices cannot be listed, so an unanswered creation is not looked for: %s", error)
        return False
    await desk.note_free(booth, listed.call)
    match = await _matching(desk, booth, planned, listed.voices)
    if match is None:
        await desk.voices.settle(planned.design.design_id)
        return False
    log.warning("the creation of %s's voice was not answered, but the account has it: kept", planned.character.name)
    if match.status is VoiceStatus.PENDING:
        await await_review(desk, booth, match.voice, planned.character.name)
    voice = Voice(
        design=planned.design,
        voice=match.voice,
        preferred_name=booth.service.preferred_name(planned.character.name),
        character=planned.character.name,
        production=desk.production,
        created_at=desk.now(),
        request_id="",
        price_usd=0.0,
        preview_format="wav",
    )
    await desk.voices.put(voice, b"")
    await desk.voices.settle(planned.design.design_id)
    return True


async def _matching(
    desk: Desk, booth: Booth, planned: PlannedVoice, listed: tuple[RemoteVoice, ...]
) -> RemoteVoice | None:
    """The voice of the account that nobody has, and that was made from this design; a rejected one is none."""
    known = {voice.voice for voice in await desk.voices.all()}
    name = booth.service.preferred_name(planned.character.name)
    for remote in listed:
        if name not in remote.voice or remote.voice in known or remote.status is VoiceStatus.REJECTED:
            continue
        told = remote
        if not remote.voice_prompt:  # some lists do not say from what a voice was made
            found, call = await booth.service.query(remote.voice)
            await desk.note_free(booth, call, voice=remote.voice)
            told = found or remote
        if _is(told, planned):
            return told
    return None


def _is(remote: RemoteVoice, planned: PlannedVoice) -> bool:
    design = planned.design
    return (
        remote.voice_prompt == design.voice_prompt
        and remote.preview_text in ("", design.preview_text)
        and remote.target_model in ("", design.target_model)
    )
