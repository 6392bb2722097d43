"""Plan → Takes: every chunk that has no take yet is spoken once, and what the service refuses becomes a finding.

Invariant: a take that is in the store is never asked for; of all runs on the store, one asks for a missing take; and no
words are ever spoken by another voice than their character's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from narration.book import ChapterChunks, Chunk
from narration.booth import Booth, nearest_voices
from narration.chunks import billed_characters
from narration.desk import Desk
from narration.errors import (
    AudioRefused,
    NarrationError,
    ServiceUnavailable,
    TextLost,
    TextRefused,
    TextTooLong,
    VoiceMissing,
)
from narration.finding import MEANINGS, Code, Finding
from narration.halving import lengths
from narration.keep import Recovered, keep_take, recover_subject
from narration.memory.refusals import Refusal, RefusalKind
from narration.once import once
from narration.plan import ChapterPlan, PlannedChunk
from narration.purchase import Bought, Order, buy
from narration.row import Row
from narration.services.limits import system_voices_of
from narration.services.pricing import cost_usd, price_of
from narration.services.protocol import Gate, TaskFailed
from narration.take import SpeechAsk, Take
from narration.voice import Voice

log = logging.getLogger("narration.speak")


class Watcher(Protocol):
    """Is told of every chunk as its take is there."""

    def __call__(self, planned: PlannedChunk, take: Take, *, bought: bool) -> None:
        """Take note of it; `bought` says whether it was paid for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenPiece:
    """A chunk, or a piece of one that had to be cut, with what became of it.

    Attributes:
        chunk: what is said.
        take: its take, or None.
        bought: whether this run bought it.
        finding: why there is no take, where the words were refused.
        error: why there is no take, where something else was the matter.
        booth: key of the booth in which it is said.
    """

    chunk: Chunk
    booth: str = ""
    take: Take | None = None
    bought: bool = False
    finding: Finding | None = None
    error: NarrationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenChapter:
    """What became of one chapter.

    Attributes:
        pieces: in the order of the text.
    """

    pieces: tuple[SpokenPiece, ...]

    @property
    def bought(self) -> int:
        """How many takes were bought."""
        return sum(1 for piece in self.pieces if piece.bought)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the service refused to speak."""
        return tuple(piece.finding for piece in self.pieces if piece.finding is not None)

    @property
    def error(self) -> NarrationError | None:
        """Why the chapter cannot be finished in this run, or None."""
        return next((piece.error for piece in self.pieces if piece.error is not None), None)


async def speak_chapter(desk: Desk, chapter: ChapterPlan, voices: dict[str, Voice], watcher: Watcher) -> SpokenChapter:
    """Have every chunk of a chapter spoken that has no take yet.

    Args:
        desk: of the run.
        chapter: what is to be spoken.
        voices: by name of the character.
        watcher: told of every take.

    Returns:
        The takes. A refused text is a finding and the chapter goes on, and so is every line of a character whose voice
        was refused; a missing voice stops its character only.

    Raises:
        NarrationError: nothing more can be bought (key, account, model, budget, service away); what was in flight is
            finished and stored before it is raised.
    """
    pieces = await asyncio.gather(*(_spoken(desk, planned, voices, watcher) for planned in chapter.chunks))
    if desk.halt.reason is not None:
        raise desk.halt.reason
    return SpokenChapter(pieces=tuple(piece for some in pieces for piece in some))


def spoken_already(chapter: ChapterPlan, watcher: Watcher) -> SpokenChapter:
    """The same for a chapter with nothing to buy: needs neither desk nor service."""
    pieces = (_known(planned, watcher) for planned in chapter.chunks)
    return SpokenChapter(pieces=tuple(piece for piece in pieces if piece is not None))


def verify_spoken(cut: ChapterChunks, spoken: SpokenChapter) -> None:
    """Prove that every chunk is heard or named in a finding, before a chapter is assembled.

    Raises:
        TextLost: some words are neither.
    """
    accounted = [piece for piece in spoken.pieces if piece.take is not None or piece.finding is not None]
    spans = sorted((piece.chunk.start, piece.chunk.end) for piece in accounted)
    removed = [(removal.start, removal.end) for removal in cut.removals]
    text, position = cut.chapter.text, 0
    for start, end in [*sorted([*spans, *removed]), (len(text), len(text))]:
        if text[position:start].strip():
            words = text[position:start].strip()[:60]
            raise TextLost(f"chapter {cut.chapter.number}: nobody speaks {words!r}.", "Please report this as a bug.")
        position = max(position, end)


def _known(planned: PlannedChunk, watcher: Watcher) -> SpokenPiece | None:
    """What the store knows already of a chunk."""
    if planned.take is not None:
        watcher(planned, planned.take, bought=False)
        return SpokenPiece(chunk=planned.chunk, booth=planned.booth, take=planned.take)
    if planned.refusal is not None:
        unvoiced = planned.refusal.kind is RefusalKind.VOICE
        make = _unvoiced if unvoiced else _finding
        return SpokenPiece(chunk=planned.chunk, finding=make(planned.chunk, planned.refusal.message))
    return None


async def _spoken(
    desk: Desk, planned: PlannedChunk, voices: dict[str, Voice], watcher: Watcher
) -> tuple[SpokenPiece, ...]:
    """One chunk: bought, found, cut in two and tried again, or given up."""
    chunk = planned.chunk
    known = _known(planned, watcher)
    if known is not None:
        return (known,)
    if planned.design_id in desk.refused:
        return (SpokenPiece(chunk=chunk, finding=_unvoiced(chunk, desk.refused[planned.design_id])),)
    if desk.halt.reason is not None:
        return (SpokenPiece(chunk=chunk, error=desk.halt.reason),)
    booth, voice = desk.booths[planned.booth], voices[chunk.character]
    ask = planned.ask_with(voice)
    if stranger := _stranger(booth, voice, ask):
        return (SpokenPiece(chunk=chunk, error=stranger),)
    place = (booth.key, ask.voice)
    if place in desk.gone:
        return (SpokenPiece(chunk=chunk, error=desk.gone[place]),)
    try:
        take, bought = await take_of(desk, booth, ask, chapter=chunk.chapter, character=chunk.character)
    except TextRefused as error:
        return await _refused(desk, replace(planned, ask=ask), error, voices, watcher)
    except VoiceMissing as error:
        gone = desk.gone.setdefault(place, _gone(chunk.character, voice, ask.model, error))
        return (SpokenPiece(chunk=chunk, error=gone),)
    except (AudioRefused, ServiceUnavailable) as error:
        desk.halt.failed(error)
        return (SpokenPiece(chunk=chunk, error=error),)
    except NarrationError as error:
        desk.halt.stop(error)
        return (SpokenPiece(chunk=chunk, error=error),)
    desk.halt.went_well()
    watcher(planned, take, bought=bought)
    return (SpokenPiece(chunk=chunk, booth=planned.booth, take=take, bought=bought),)


async def _refused(
    desk: Desk, planned: PlannedChunk, error: TextRefused, voices: dict[str, Voice], watcher: Watcher
) -> tuple[SpokenPiece, ...]:
    """Remember the refusal, cut the chunk in two, and have both halves spoken; a sentence alone is a finding."""
    chunk, ask = planned.chunk, planned.ask
    kind = RefusalKind.LENGTH if isinstance(error, TextTooLong) else RefusalKind.TEXT
    await desk.refusals.note(Refusal(take_id=ask.take_id, kind=kind, message=error.what, at=desk.now()))
    if kind is RefusalKind.LENGTH:
        account = desk.booths[planned.booth].service.account
        await desk.refusals.learn(account, ask.model, accepted={}, refused=lengths(ask.text))
    pair = planned.halves(ask.language, within_sentences=kind is RefusalKind.LENGTH)
    log.warning("chapter %d, line %d: refused%s: %s", chunk.chapter, chunk.line + 1, ", cut in two" * bool(pair), error)
    if pair is None:
        return (SpokenPiece(chunk=chunk, finding=_finding(chunk, error.what)),)
    found = await asyncio.gather(*(_spoken(desk, half, voices, watcher) for half in pair))
    return tuple(piece for some in found for piece in some)


async def take_of(desk: Desk, booth: Booth, ask: SpeechAsk, *, chapter: int, character: str) -> tuple[Take, bool]:
    """The take of an ask, bought if nobody has bought it yet.

    Returns:
        The take, and whether this call bought it.

    Raises:
        NarrationError: as `narration.purchase.buy` and `narration.keep.keep_take` raise.
    """

    async def left() -> bool:
        recovered = await recover_subject(desk, ask.take_id)
        if recovered.waiting:
            raise _waiting(ask, recovered)
        return bool(recovered.kept)

    async def bought() -> Take:
        failures = 0
        while True:
            claim, answer = await buy(desk, _order(desk, booth, ask, chapter, character), _sender(ask))
            try:
                return await keep_take(desk, booth, claim, answer)
            except TaskFailed as failed:
                failures += 1
                if not failed.again or failures >= booth.settings.limits.attempts:
                    raise failed.error from None
                why = failed.error.what
                log.info("chapter %d: task %d of a chunk failed and is made anew: %s", chapter, failures, why)

    return await once(desk, ask.take_id, kept=lambda: desk.takes.get(ask.take_id), bought=bought, left=left)


def _order(desk: Desk, booth: Booth, ask: SpeechAsk, chapter: int, character: str) -> Order:
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
    return Order(booth=booth, subject=ask.take_id, row=row, there=there)


def _sender(ask: SpeechAsk) -> Callable[[Booth, Gate], Awaitable[Bought]]:
    async def send(booth: Booth, gate: Gate) -> Bought:
        spoken = await booth.service.speak(ask, gate)
        billed = spoken.receipt.billed_characters
        characters = billed_characters(ask.text) if billed is None else billed
        price_usd = spoken.price_usd
        return Bought(
            call=spoken.call,
            receipt=spoken.receipt,
            characters=characters,
            price_usd=cost_usd(price_of(ask.model, ask.region), characters) if price_usd is None else price_usd,
            ask=ask,
        )

    return send


def _waiting(ask: SpeechAsk, recovered: Recovered) -> ServiceUnavailable:
    what = f"“{ask.text[:40]}” is paid for, and its audio cannot be fetched now."
    if recovered.away:
        return ServiceUnavailable(what, f"It was {recovered.away[0]}. It is not paid for twice.")
    return ServiceUnavailable(what, "Run the same command again before the link dies: it is not paid for twice.")


def _stranger(booth: Booth, voice: Voice, ask: SpeechAsk) -> VoiceMissing | None:
    """That a voice is another service's, account's or model's; nothing is asked of the service for it."""
    service, design = booth.settings.service, voice.design
    here = (service.kind, booth.service.account, ask.model)
    if (design.service, design.account, design.target_model) == here or not design.account:
        return None
    return VoiceMissing(
        f"The voice {voice.voice} belongs to {design.target_model} of account {design.account} ({design.service}), and "
        f"profile {booth.profile} speaks with {ask.model} of account {booth.service.account}; nothing was sent.",
        "Use the profile and the key that it was made with; `narrate voices list --json` has both.",
    )


def _gone(character: str, voice: Voice, model: str, error: VoiceMissing) -> VoiceMissing:
    known = system_voices_of(model)
    if known is not None:
        near = nearest_voices(voice.voice, known)
        hint = f"Like it are {', '.join(near)}." if near else f"Known are {', '.join(known.names)} ({known.source})."
        return VoiceMissing(
            f"{model} has no system voice {voice.voice} for {character}: {error.what}", hint, error.call
        )
    return VoiceMissing(
        f"The service no longer has the voice of {character} ({voice.voice}): {error.what}",
        "`narrate render --redesign-missing` makes a new version of it, and speaks everything of that character again; "
        "nothing is replaced unless you say so.",
        error.call,
    )


def _unvoiced(chunk: Chunk, said: str) -> Finding:
    return Finding(
        code=Code.VOICE_REJECTED,
        severity=MEANINGS[Code.VOICE_REJECTED].severity,
        message=f"Nobody speaks this: {said}",
        chapter=chunk.chapter,
        line=chunk.line,
        character=chunk.character,
        text=chunk.text,
        hint=f"Reword the description of {chunk.character} in the cast sheet and render again; all else is kept.",
    )


def _finding(chunk: Chunk, said: str) -> Finding:
    return Finding(
        code=Code.TEXT_REFUSED,
        severity=MEANINGS[Code.TEXT_REFUSED].severity,
        message=f"The service refused to speak this: {said}",
        chapter=chunk.chapter,
        line=chunk.line,
        character=chunk.character,
        text=chunk.text,
        hint=MEANINGS[Code.TEXT_REFUSED].hint,
    )
