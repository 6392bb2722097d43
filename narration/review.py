"""The review of a designed voice: some services look at a new voice before it may speak.

Invariant: only looks, and pays for nothing; who waits here has the creation's answer in the journal, so that a run
that is killed while it waits is followed by one that waits on.
"""

from __future__ import annotations

from narration.booth import Booth
from narration.desk import Desk
from narration.errors import ServiceUnavailable, VoiceRejected
from narration.voice import VoiceStatus

FIRST_S, LONGEST_S = 1.0, 20.0
"""How long to wait before the second look, and at the most; every wait is half as long again as the one before.

Source: alibabacloud.com model-studio, voice design API reference: its samples look about every 2 s.
"""

PATIENCE_S = 600.0
"""How long one run waits for one voice; the next one waits on."""


async def await_review(desk: Desk, booth: Booth, voice: str, character: str, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until a voice may speak, asking for it less and less often.

    Args:
        desk: of the run.
        booth: whose service has the voice.
        voice: the service's name of it.
        character: for whom it is, for messages.
        patience_s: how long to wait at the most; 0 looks once.

    Raises:
        VoiceRejected: the review refused it, or the service no longer has it.
        ServiceUnavailable: the review is not over yet, or the service does not say.
        NarrationError: what halts the run.
    """
    waited_s, wait_s = 0.0, FIRST_S
    while True:
        remote, call = await booth.service.query(voice)
        await desk.note_free(booth, call, voice=voice)
        if remote is None or remote.status is VoiceStatus.REJECTED:
            what = "the service no longer has it" if remote is None else "the service's review refused it"
            raise VoiceRejected(
                f"The voice of {character} ({voice}) cannot be used: {what}.",
                "Reword the description in the cast sheet and render again; everything else is kept.",
                call,
            )
        if remote.status is VoiceStatus.READY:
            return
        if desk.halt.reason is not None:
            raise desk.halt.reason
        if waited_s >= patience_s:
            raise ServiceUnavailable(
                f"The voice of {character} ({voice}) is still under review at the service.",
                "Run the same command again later: it is not made, or paid for, twice.",
                call,
            )
        await desk.sleep(wait_s)
        waited_s, wait_s = waited_s + wait_s, min(LONGEST_S, wait_s * 1.5)
