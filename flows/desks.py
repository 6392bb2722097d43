"""The desk of a render: opened where something is to be bought, and nowhere else.

Invariant: what its desks spend together stays within the cap of the run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from flows.booths import speaking
from flows.opening import Job
from flows.progress import Progress
from narration.desk import Desk, Halt, open_desk
from narration.memory.claims import this_run


@asynccontextmanager
async def desk_if_needed(
    job: Job,
    environ: Mapping[str, str],
    halt: Halt,
    flow_run_id: str,
    progress: Progress,
    *,
    buying: bool,
    to_buy: bool,
) -> AsyncIterator[Desk | None]:
    """A desk with its service; none where nothing is to be bought, and nothing is left open by a dead run."""
    if not buying:
        yield None
        return
    left_open = [key for kind in ("open/", "ledger/pending/", "runs/") for key in await job.store.keys(kind)]
    if not to_buy and not left_open and not job.request.redesign_missing:
        yield None
        return
    cap_usd = job.request.budget_usd
    async with (
        speaking(job.seating, environ) as services,
        open_desk(
            store=job.store,
            services=services,
            main=job.seating.main,
            run=this_run(),
            production=job.production.name,
            flow_run_id=flow_run_id,
            book_cap_usd=job.production.budget_usd,
            run_cap_usd=None if cap_usd is None else max(0.0, cap_usd - progress.committed_usd),
            halt=halt,
        ) as desk,
    ):
        try:
            yield desk
        finally:
            progress.committed_usd += desk.budget.committed_usd
