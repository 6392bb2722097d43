"""Asking a person before money is spent: the flow run pauses, and its page shows a form.

Invariant: nothing is bought before the answer, and no answer is a no.
"""

from __future__ import annotations

import dataclasses
import logging

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput
from pydantic import Field

from flows.opening import Job
from narration.errors import Interrupted
from narration.plan import Plan

log = logging.getLogger("narration.flow")

PATIENCE_S = 24 * 3600
"""How long a run waits for its answer, in seconds."""


class Approval(RunInput):
    """What a person answers."""

    approve: bool = Field(title="Spend it", description="No ends the run; nothing was spent.")
    budget_usd: float | None = Field(
        default=None,
        title="At most",
        description="Of this run, in USD; empty keeps its budget.",
        ge=0,
    )


async def approved(job: Job, plan: Plan) -> Job:
    """Pause until somebody approves of the plan's cost.

    Returns:
        The job, under the budget that was set along with the approval.

    Raises:
        Interrupted: the answer was no, or there was none.
    """
    asked = (
        f"**{plan.production.title}**: {plan.chunks_to_speak:,} chunks to speak and {len(plan.voices_to_create())} "
        f"voices to create cost up to **{plan.cost_usd:.2f} USD**. Spend it?"
    )
    log.info("waiting for approval of %.2f USD", plan.cost_usd)
    form: type[Approval] = Approval.with_initial_data(description=asked, approve=True)
    try:
        answer = await apause_flow_run(wait_for_input=form, timeout=PATIENCE_S)
    except FlowPauseTimeout as error:
        raise Interrupted("Nobody approved of the cost; nothing was spent.", "Run it again.") from error
    if not answer.approve:
        raise Interrupted("The cost was not approved; nothing was spent.")
    if answer.budget_usd is None:
        return job
    return dataclasses.replace(job, request=dataclasses.replace(job.request, budget_usd=answer.budget_usd))
