"""Keeping what was paid for: from an answer in the journal to a take or a voice in the store.

Invariant: nothing is stored that was not verified, and a journal entry goes only after what it paid for is stored, or
is known to be lost.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from dataclasses import dataclass, replace

from narration.audio.clips import measure_clip
from narration.claims import Claim, Held
from narration.desk import Desk
from narration.errors import AudioRefused, LinkExpired, ServiceError, ServiceUnavailable, StoreError
from narration.journal import Answer, History
from narration.purchase import doubt_row
from narration.services.protocol import DesignsByTask, TaskFailed
from narration.take import Take
from narration.voice import Voice

log = logging.getLogger("narration.keep")

SWEEP_AFTER_S = 3600.0
"""What a killed writer left half-written goes after this time while other runs write, and at once where none does."""


async def keep_take(desk: Desk, claim: Claim, answer: Answer) -> Take:
    """Get the sound, verify and store it, note the row, release the claim.

    Raises:
        TaskFailed: the task that was to make it failed; the row says what it cost, the claim is released.
        LinkExpired: what was paid for is lost; the row is noted, the claim released, nothing stored.
        AudioRefused: what came is not the audio, or the link may not be followed. The journal keeps the answer until
            its link dies, so that a wrong setting does not pay for the same words again and again.
        ServiceUnavailable: not now; the journal keeps it for the next run.
        StoreError: the store cannot be written; the journal keeps it.
    """
    ask = answer.ask
    if ask is None:
        raise StoreError(f"The journal of {claim.subject} does not say what was asked.")
    try:
        audio = await desk.service.collect(answer.receipt)
        measures = measure_clip(audio)
    except TaskFailed as failed:
        await _close_failed(desk, claim, answer, failed)
        raise
    except LinkExpired:
        await desk.ledger.note(answer.row)
        await desk.claims.release(claim)
        raise
    except (AudioRefused, ServiceUnavailable):
        if not answer.receipt.task_id:  # what a task costs is known when it has ended
            await desk.ledger.note(answer.row)
        raise
    take = Take(
        ask=ask,
        sha256=hashlib.sha256(audio).hexdigest(),
        measures=measures,
        request_id=answer.receipt.request_id,
        billed_characters=answer.row.characters,
        price_usd=answer.row.price_usd,
        created_at=answer.row.at,
        run_id=answer.row.run_id,
    )
    await desk.takes.put(take, audio)
    await desk.ledger.note(replace(answer.row, audio_s=round(measures.audio_s, 6)))
    await desk.claims.release(claim)
    return take


async def keep_voice(desk: Desk, claim: Claim, answer: Answer) -> Voice:
    """Get the voice where a task makes it, store it, note the row, release the claim.

    Raises:
        TaskFailed: the task that was to make it failed; the row says what it cost, the claim is released.
        ServiceError: the task cannot be asked, or has not ended; the journal keeps it.
        StoreError: the store cannot be written; the journal keeps it.
    """
    if answer.design is None:
        raise StoreError(f"The journal of {claim.subject} does not say what was asked.")
    try:
        answer = await _made(desk, answer)
    except TaskFailed as failed:
        await _close_failed(desk, claim, answer, failed)
        raise
    except LinkExpired:
        await desk.ledger.note(answer.row)
        await desk.claims.release(claim)
        raise
    if answer.design is None:  # pragma: no cover - seen above
        raise StoreError(f"The journal of {claim.subject} does not say what was asked.")
    voice = Voice(
        design=answer.design,
        voice=answer.voice,
        preferred_name=answer.preferred_name,
        character=answer.row.character,
        production=answer.row.production,
        created_at=answer.row.at,
        request_id=answer.receipt.request_id,
        price_usd=answer.row.price_usd,
        preview_format=answer.preview_format,
    )
    await desk.voices.put(voice, base64.b64decode(answer.preview_b64))
    await desk.ledger.note(answer.row)
    await desk.claims.release(claim)
    return voice


async def _made(desk: Desk, answer: Answer) -> Answer:
    """The answer, with the voice that its task made."""
    if answer.voice or not answer.receipt.task_id:
        return answer
    if not isinstance(desk.service, DesignsByTask):
        raise ServiceUnavailable("This service makes no voices by tasks.", "Use the profile that asked for it.")
    made = await desk.service.designed(answer.receipt.task_id, answer.receipt.request_id)
    return replace(
        answer,
        row=replace(answer.row, voice=made.voice),
        voice=made.voice,
        preview_b64=base64.b64encode(made.preview_audio).decode(),
        preview_format=made.preview_format,
    )


async def _close_failed(desk: Desk, claim: Claim, answer: Answer, failed: TaskFailed) -> None:
    """Note what a failed task cost, which is nothing as a rule, and give its money back to the budget."""
    call, row = failed.error.call, answer.row
    if not failed.billed:
        row = replace(row, characters=0, price_usd=0.0)
    await desk.ledger.note(replace(row, code=(call.code if call is not None else "") or "task_failed"))
    if answer.row.run_id == desk.run.run_id:
        desk.budget.settle(answer.row.price_usd, row.price_usd)
    await desk.claims.release(claim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What became of what dead runs had left open.

    Attributes:
        kept: takes and voices that were paid for and are in the store now.
        lost: paid answers whose sound cannot be had any more.
        lost_usd: what they cost.
        in_doubt: calls that were sent and never answered.
        waiting: answers that cannot be fetched now and stay in the journal.
    """

    kept: int = 0
    lost: int = 0
    lost_usd: float = 0.0
    in_doubt: int = 0
    waiting: int = 0

    def __add__(self, other: Recovered) -> Recovered:
        return Recovered(
            kept=self.kept + other.kept,
            lost=self.lost + other.lost,
            lost_usd=self.lost_usd + other.lost_usd,
            in_doubt=self.in_doubt + other.in_doubt,
            waiting=self.waiting + other.waiting,
        )


async def recover(desk: Desk) -> Recovered:
    """Bring to an end all that dead runs left open in the store: rows, takes, voices, allowances.

    Raises:
        StoreError: the store cannot be read or written.
    """
    outcome = Recovered()
    for subject in await desk.journal.subjects():
        async with desk.locks[subject]:
            outcome += await recover_subject(desk, subject)
    for run_id in await desk.ledger.waiting_runs():
        if run_id != desk.run.run_id and not await desk.claims.run_lives(run_id):
            await desk.ledger.compact(run_id)
    # Whoever else is bringing a dead run's calls to an end has not noted them all yet: its allowance stands until then.
    unsettled = await _runs_with_claims(desk)
    for run_id in await desk.budget.runs():
        if run_id != desk.run.run_id and run_id not in unsettled and not await desk.claims.run_lives(run_id):
            await desk.budget.bury(run_id)
    await desk.claims.bury_dead_runs()
    await asyncio.to_thread(desk.store.sweep, 0.0 if await desk.claims.is_alone() else SWEEP_AFTER_S)
    return outcome


async def _runs_with_claims(desk: Desk) -> frozenset[str]:
    """Ids of the runs that hold a claim, alive or dead."""
    found: set[str] = set()
    for subject in await desk.journal.subjects():
        found |= {claim.run.run_id for claim in (await desk.journal.history(subject)).claims}
    return frozenset(found)


async def recover_subject(desk: Desk, subject: str) -> Recovered:
    """The same for one subject; the caller holds `desk.locks[subject]`. Does nothing while a living run holds it.

    Raises:
        StoreError: the store cannot be read or written.
    """
    if await desk.claims.newest(subject) is None:
        return Recovered()
    claim = await desk.claims.acquire(subject, None)
    if isinstance(claim, Held):
        return Recovered()
    history = await desk.journal.history(subject)
    answer = history.answers[-1] if history.answers else None
    kept = answer is not None and await _is_kept(desk, subject, answer)
    # A task that has not ended is not on the bill yet, and never will be if it fails.
    open_task = answer if answer is not None and answer.receipt.task_id and not kept else None
    outcome = Recovered(in_doubt=await _note_rows(desk, history, open_task))
    if answer is None or kept:
        await desk.claims.release(claim)
        return outcome
    if (answer.row.service, answer.row.region) != (desk.service.kind, desk.settings.service.region):
        await desk.claims.step_back(claim)
        return outcome + Recovered(waiting=1)
    try:
        if answer.design is not None:
            await keep_voice(desk, claim, answer)
        else:
            await keep_take(desk, claim, answer)
    except LinkExpired as error:
        log.warning("paid for and lost (%.4f USD): %s", answer.row.price_usd, error.what)
        return outcome + Recovered(lost=1, lost_usd=answer.row.price_usd)
    except TaskFailed as failed:
        log.warning("a task of a dead run failed: %s", failed.error)
        return outcome
    except ServiceError as error:
        log.warning("paid for and not yet to be had: %s", error)
        await desk.claims.step_back(claim)
        return outcome + Recovered(waiting=1)
    return outcome + Recovered(kept=1)


async def _is_kept(desk: Desk, subject: str, answer: Answer) -> bool:
    if answer.design is not None:
        return await desk.voices.get(subject) is not None
    return await desk.takes.get(subject) is not None


async def _note_rows(desk: Desk, history: History, open_task: Answer | None) -> int:
    """Note what dead runs could not, but for the task that is still open; returns how many attempts are in doubt."""
    answers = {answer.generation: answer for answer in history.answers}
    doubts = 0
    for claim in history.claims:
        if claim.row is None:
            continue
        answer = answers.get(claim.generation)
        # A call whose journal was being cleared away when its run died has its row by now.
        told = answer is not None or await desk.ledger.noted(claim.row)
        unanswered = history.resent.get(claim.generation, 0) + (0 if told else 1)
        for number in range(1, unanswered + 1):
            await desk.ledger.note(doubt_row(claim.row, claim.row.at, number))
        doubts += unanswered
        if answer is not None and answer is not open_task:
            take = await desk.takes.get(claim.subject) if answer.ask is not None else None
            mine = take is not None and take.request_id == answer.receipt.request_id
            audio_s = round(take.measures.audio_s, 6) if take is not None and mine else 0.0
            await desk.ledger.note(replace(answer.row, audio_s=audio_s))
    return doubts
