"""Store and ledger, held against each other: what was paid for is in both, or it is said what is missing.

Invariant: an audit never asks a service, and what it repairs it repairs from the store alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from narration.row import Row
from narration.take import Take
from narration.voice import Voice

if TYPE_CHECKING:
    from narration.memory.claims import Claims
    from narration.memory.takes import Takes
    from narration.memory.usage import Ledger
    from narration.memory.voices import Voices


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit found.

    Attributes:
        takes, voices: how many are in the store.
        rows_added: takes and voices without a row of the ledger; their rows were added from their records.
        lost: paid syntheses whose take is not in the store, as (take id, request id, price in USD).
    """

    takes: int
    voices: int
    rows_added: int
    lost: tuple[tuple[str, str, float], ...]

    @property
    def lost_usd(self) -> float:
        """What was paid for takes that are not there."""
        return sum(price for _, _, price in self.lost)


async def audit(takes: Takes, voices: Voices, ledger: Ledger, claims: Claims) -> Audit:
    """Compare, and add the rows that are missing.

    Raises:
        StoreError: the store cannot be read or written, or a record in it is damaged.
    """
    paid = await ledger.paid()
    known = {request_id for _, _, request_id, _ in paid}
    kept = {take.take_id: take async for take in takes.all()}
    designed = await voices.all()
    missing = [take for take in kept.values() if take.request_id not in known]
    # A living run notes its row a moment after its take.
    alive = {run_id for run_id in {take.run_id for take in missing} if await claims.run_lives(run_id)}
    rows = [_take_row(take) for take in missing if take.run_id not in alive]
    rows += [_voice_row(voice) for voice in designed if voice.request_id and voice.request_id not in known]
    for row in rows:
        await ledger.note(row)
    lost = tuple(
        (take_id, request_id, price)
        for action, take_id, request_id, price in paid
        if action == "synthesize" and take_id not in kept
    )
    return Audit(takes=len(kept), voices=len(designed), rows_added=len(rows), lost=lost)


def _take_row(take: Take) -> Row:
    return Row(
        call_id=f"audit-{take.request_id}",
        at=take.created_at,
        run_id=take.run_id,
        service=take.ask.service,
        region=take.ask.region,
        model=take.ask.model,
        action="synthesize",
        voice=take.ask.voice,
        take_id=take.take_id,
        request_id=take.request_id,
        characters=take.billed_characters,
        price_usd=take.price_usd,
        status=200,
        audio_s=round(take.measures.audio_s, 6),
    )


def _voice_row(voice: Voice) -> Row:
    return Row(
        call_id=f"audit-{voice.request_id}",
        at=voice.created_at,
        run_id="",
        production=voice.production,
        character=voice.character,
        service=voice.design.service,
        model=voice.design.design_model,
        action="design",
        voice=voice.voice,
        request_id=voice.request_id,
        price_usd=voice.price_usd,
        status=200,
    )
