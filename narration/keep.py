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

from narration.audio.clips import measure_take
from narration.booth import Booth
from narration.chat import ChatAnswer
from narration.desk import Desk
from narration.errors import (
    AudioRefused,
    LinkExpired,
    ServiceError,
    ServiceUnavailable,
    StoreError,
    VoiceRejected,
)
from narration.hearing import Hearing
from narration.memory.claims import Claim, Held
from narration.memory.journal import Answer, History
from narration.memory.refusals import Refusal, RefusalKind
from narration.memory.replies import answers_in, hearings_in
from narration.purchase import doubt_row
from narration.review import PATIENCE_S, await_review
from narration.services.protocol import DesignsByTask, TaskFailed
from narration.take import Take
from narration.voice import Voice, VoiceStatus

log = logging.getLogger("narration.keep")

SWEEP_AFTER_S = 3600.0
"""What a killed writer left half-written goes after this time while other runs write, and at once where none does."""


async def keep_take(desk: Desk, booth: Booth | None, claim: Claim, answer: Answer) -> Take:
    """Get the sound, verify and store it, note the row, release the claim.

    Args:
        desk: of the run.
        booth: where it was paid for; not needed where the sound came with the answer.
        claim: held.
        answer: of the journal, with its sound where that came along.

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
        audio = await _sound(booth, answer)
        async with desk.measuring:
            measures, traits = await asyncio.to_thread(measure_take, audio)
    except TaskFailed as failed:
        await _close_failed(desk, claim, answer, failed)
        raise
    except LinkExpired:
        await desk.ledger.note(answer.row)
        await desk.claims.release(claim)
        raise
    except (AudioRefused, ServiceUnavailable) as error:
        if _is_on_the_bill(answer, error):
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
        traits=traits,
    )
    await desk.takes.put(take, audio)
    await desk.ledger.note(replace(answer.row, audio_s=round(measures.audio_s, 6)))
    await desk.claims.release(claim)
    return take


async def _sound(booth: Booth | None, answer: Answer) -> bytes:
    receipt = answer.receipt
    if receipt.audio is not None:
        return receipt.audio
    if booth is None or not (receipt.url or receipt.task_id):
        raise LinkExpired("The sound came with the answer, and is not in the store any more.")
    return await booth.service.collect(receipt)


async def keep_voice(
    desk: Desk, booth: Booth, claim: Claim, answer: Answer, *, patience_s: float = PATIENCE_S
) -> Voice:
    """See a designed voice through its task and its review, store it, note the row, release the claim.

    Args:
        desk: of the run.
        booth: where it was paid for.
        claim: under which it was made.
        answer: of the journal.
        patience_s: how long to wait for a review at the most.

    Raises:
        VoiceRejected: the review refused it; that is remembered, the row noted, the claim released.
        ServiceUnavailable: task or review is not over, or the service does not say; the journal keeps it.
        TaskFailed: the task that was to make it failed; the row says what it cost, the claim is released.
        LinkExpired: the service has forgotten the task; the row is noted, the claim released.
        ServiceError: the task cannot be asked; the journal keeps it.
        StoreError: the store cannot be written; the journal keeps it.
    """
    design = answer.design
    if design is None:
        raise StoreError(f"The journal of {claim.subject} does not say what was asked.")
    try:
        answer = await _designed(booth, answer)
        if answer.status is not VoiceStatus.READY:
            await await_review(desk, booth, answer.voice, answer.row.character, patience_s=patience_s)
    except TaskFailed as failed:
        await _close_failed(desk, claim, answer, failed)
        raise
    except (LinkExpired, VoiceRejected) as error:
        if isinstance(error, VoiceRejected):
            refusal = Refusal(take_id=claim.subject, kind=RefusalKind.VOICE, message=error.what, at=desk.now())
            await desk.refusals.note(refusal)
        await desk.ledger.note(answer.row)
        await desk.claims.release(claim)
        raise
    voice = Voice(
        design=design,
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


async def keep_answer(desk: Desk, claim: Claim, answer: Answer) -> ChatAnswer:
    """Store what a language model answered, note the row, release the claim.

    Raises:
        StoreError: the store cannot be written; the journal keeps it.
    """
    if answer.question is None or answer.said is None:
        raise StoreError(f"The journal of {claim.subject} does not say what was asked.")
    row = answer.row
    kept = ChatAnswer(
        ask=answer.question, said=answer.said, price_usd=row.price_usd, created_at=row.at, run_id=row.run_id
    )
    await answers_in(desk.store).put(kept)
    await desk.ledger.note(row)
    await desk.claims.release(claim)
    return kept


async def keep_hearing(desk: Desk, claim: Claim, answer: Answer) -> Hearing:
    """Store what a recogniser heard, note the row, release the claim.

    Raises:
        StoreError: the store cannot be written; the journal keeps it.
    """
    if answer.listened is None or answer.transcript is None:
        raise StoreError(f"The journal of {claim.subject} does not say what was asked.")
    row = answer.row
    kept = Hearing(
        ask=answer.listened, said=answer.transcript, price_usd=row.price_usd, created_at=row.at, run_id=row.run_id
    )
    await hearings_in(desk.store).put(kept)
    await desk.ledger.note(row)
    await desk.claims.release(claim)
    return kept


def _is_on_the_bill(answer: Answer, error: AudioRefused | ServiceUnavailable) -> bool:
    """Whether what could not be had is billed for certain: of a task, once it is completed and has a result."""
    if not answer.receipt.task_id or isinstance(error, AudioRefused):
        return True
    return error.call is not None and error.call.action == "download"


async def _designed(booth: Booth, answer: Answer) -> Answer:
    """The answer with the voice that its task made, where there is a task."""
    if answer.voice or not answer.receipt.task_id:
        return answer
    if not isinstance(booth.service, DesignsByTask):
        raise StoreError(f"The journal says task {answer.receipt.task_id}, and {booth.profile} has no tasks.")
    made = await booth.service.designed(answer.receipt.task_id, answer.receipt.request_id)
    return replace(
        answer,
        row=replace(answer.row, voice=made.voice),
        voice=made.voice,
        status=made.status,
        preview_b64=base64.b64encode(made.preview_audio).decode(),
        preview_format=made.preview_format or answer.preview_format,
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
        kept: takes, voices and answers that were paid for and are in the store now.
        lost: paid answers whose sound cannot be had any more.
        lost_usd: what they cost.
        in_doubt: calls that were sent and never answered.
        waiting: answers that cannot be fetched now and stay in the journal.
        away: of those, what to do about the ones that another profile has to bring home; each sentence once.
    """

    kept: int = 0
    lost: int = 0
    lost_usd: float = 0.0
    in_doubt: int = 0
    waiting: int = 0
    away: tuple[str, ...] = ()

    def __add__(self, other: Recovered) -> Recovered:
        return Recovered(
            kept=self.kept + other.kept,
            lost=self.lost + other.lost,
            lost_usd=self.lost_usd + other.lost_usd,
            in_doubt=self.in_doubt + other.in_doubt,
            waiting=self.waiting + other.waiting,
            away=tuple(dict.fromkeys((*self.away, *other.away))),
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
    await desk.gather_dead_rows()
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


async def recover_subject(desk: Desk, subject: str, *, patience_s: float = 0.0) -> Recovered:
    """The same for one subject; the caller holds `desk.locks[subject]`. Does nothing while a living run holds it.

    Args:
        desk: of the run.
        subject: a take id or a design id.
        patience_s: how long to wait for the review of a voice; 0 looks once.

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
        if outcome.in_doubt and any(past.row is not None and past.row.action == "design" for past in history.claims):
            await desk.voices.doubt(subject)
        await desk.claims.release(claim)
        return outcome
    if answer.question is not None:  # the answer is in the journal, whole: no service is needed
        await keep_answer(desk, claim, answer)
        return outcome + Recovered(kept=1)
    if answer.listened is not None:
        await keep_hearing(desk, claim, answer)
        return outcome + Recovered(kept=1)
    answer = await desk.journal.with_audio(subject, answer)
    try:
        return outcome + await _brought_home(desk, claim, answer, patience_s)
    except (LinkExpired, VoiceRejected) as error:
        log.warning("paid for and lost (%.4f USD): %s", answer.row.price_usd, error.what)
        return outcome + Recovered(lost=1, lost_usd=answer.row.price_usd)
    except TaskFailed as failed:
        log.warning("a task of a dead run failed: %s", failed.error)
        return outcome
    except ServiceError as error:
        log.warning("paid for and not yet to be had: %s", error)
        await desk.claims.step_back(claim)
        return outcome + Recovered(waiting=1)


async def _brought_home(desk: Desk, claim: Claim, answer: Answer, patience_s: float) -> Recovered:
    """Keep what a dead run paid for, in the booth of the same service, region and account; without one it waits."""
    booth = desk.home_of(answer)
    if booth is None and answer.receipt.audio is None and not _is_dead(desk, answer):
        await desk.claims.step_back(claim)
        row = answer.row
        profile = answer.profile or f"of {row.service} in {row.region}"
        account = f", account {answer.account}" if answer.account else ""
        away = f"paid for with profile {profile}{account}: `narrate recover --profile {profile}` brings it home"
        log.warning("%s waits: %s", "a voice" if answer.design is not None else "a take", away)
        return Recovered(waiting=1, away=(away,))
    if booth is not None and answer.design is not None:
        await keep_voice(desk, booth, claim, answer, patience_s=patience_s)
    else:
        await keep_take(desk, booth, claim, answer)
    return Recovered(kept=1)


def _is_dead(desk: Desk, answer: Answer) -> bool:
    """Whether nobody can fetch it any more, whatever profile: its link's time is over."""
    receipt = answer.receipt
    return answer.design is None and not receipt.task_id and 0 < receipt.expires_at < desk.clock()


async def _is_kept(desk: Desk, subject: str, answer: Answer) -> bool:
    if answer.design is not None:
        return await desk.voices.get(subject) is not None
    if answer.question is not None:
        return await answers_in(desk.store).get(subject) is not None
    if answer.listened is not None:
        return await hearings_in(desk.store).get(subject) is not None
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
            audio_s = round(take.measures.audio_s, 6) if take is not None and mine else answer.row.audio_s
            await desk.ledger.note(replace(answer.row, audio_s=audio_s))
    return doubts
