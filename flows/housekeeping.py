"""`housekeeping`: the Prefect flow that looks after the voices of accounts; for a schedule, once a month or oftener.

It deletes nothing: see `flows.keeping`.
"""

from __future__ import annotations

import os
from typing import Annotated

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed
from pydantic import Field

from flows.keeping import Round, keep_house
from flows.places import default_store
from narration.errors import NarrationError
from narration.store import open_store


@flow(name="housekeeping", retries=0, persist_result=False, validate_parameters=True)
async def housekeeping(
    profiles: Annotated[
        list[str] | None, Field(title="Profiles", description="Names or paths, one for each account; empty: sandbox.")
    ] = None,
    store: Annotated[
        str | None, Field(title="Store", description="Folder or s3:// URL; empty is the default store.")
    ] = None,
    speak: Annotated[
        bool, Field(title="Keep alive", description="Speak one word with each voice that is soon cleaned away.")
    ] = True,
    budget_usd: Annotated[
        float | None, Field(title="Budget", description="The most that each account may cost, in USD.", ge=0)
    ] = 1.0,
) -> int | State[int]:
    """Look after the voices of accounts: quota, keep-alive, vanished ones, the ledger. Deletes nothing.

    Args:
        profiles: one for each account.
        store: folder or URL of the store.
        speak: speak one word with each voice that the vendor would soon clean away.
        budget_usd: the most that each account may cost.

    Returns:
        How many warnings there are, or a failed state where an account could not be asked.
    """
    environ = dict(os.environ)
    opened = open_store(store or default_store(environ))
    rounds, failed = [], list[str]()
    for profile in profiles or ["sandbox"]:
        try:
            rounds.append(
                await keep_house(
                    profile,
                    opened,
                    environ,
                    speak=speak,
                    budget_usd=budget_usd,
                    flow_run_id=str(flow_run.get_id() or ""),
                )
            )
        except NarrationError as error:
            failed.append(f"{profile}: {error}")
    await acreate_markdown_artifact(_markdown(rounds, failed), key="housekeeping")
    if failed:
        return Failed(message=failed[0])
    return sum(len(one.warnings) for one in rounds)


def _markdown(rounds: list[Round], failed: list[str]) -> str:
    lines = ["| profile | voices | quota | vanished | kept alive | could go | cost |", "|---|--:|--:|--:|--:|--:|--:|"]
    for one in rounds:
        state = one.state
        lines.append(
            f"| {state.profile} | {state.total} | {state.most} | {len(state.vanished)} | {len(one.kept_alive)} "
            f"| {len(state.prunable)} | ${one.cost_usd:.4f} |"
        )
    lines += ["", *(f"* {sentence}" for one in rounds for sentence in one.warnings)]
    return "\n".join([*lines, *(f"* **not asked:** {sentence}" for sentence in failed)])
