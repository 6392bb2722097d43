"""Buying once: whoever needs a thing gets it, and of all who need it, in any process, one pays.

Invariant: nothing is bought while a living run has it under way, nor before what a dead one paid for is seen to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from narration.desk import Desk
from narration.keep import recover_subject
from narration.purchase import Elsewhere

T = TypeVar("T")

WAIT_S = (0.05, 2.0)
"""How long to wait before looking again while another run has it under way: first, and at the most, in seconds."""


async def once(
    desk: Desk,
    subject: str,
    *,
    kept: Callable[[], Awaitable[T | None]],
    bought: Callable[[], Awaitable[T]],
    left: Callable[[], Awaitable[bool]] | None = None,
) -> tuple[T, bool]:
    """A thing, bought if nobody has bought it yet.

    Args:
        desk: of the run.
        subject: its identity.
        kept: looks it up in the store.
        bought: buys and keeps it; `narration.purchase.Elsewhere` has the store looked at again.
        left: brings what a dead run left to an end, and says whether to look again; by default what it was answered
            is kept.

    Returns:
        The thing, and whether this call bought it.

    Raises:
        NarrationError: as the calls raise.
    """

    async def recovered() -> bool:
        return bool((await recover_subject(desk, subject)).kept)

    wait_s, see_to = WAIT_S[0], left or recovered
    async with desk.locks[subject]:
        while True:
            found = await kept()
            if found is not None:
                return found, False
            newest = await desk.claims.newest(subject)
            if newest is not None and (newest.run.run_id == desk.run.run_id or not await desk.claims.alive(newest.run)):
                if await see_to():
                    continue
            elif newest is not None:
                await desk.sleep(wait_s)
                wait_s = min(WAIT_S[1], wait_s * 2)
                continue
            try:
                return await bought(), True
            except Elsewhere:
                continue
