"""`housekeeping`: the Prefect flow that looks after the voices of accounts; for a schedule, once a month or oftener.

It deletes nothing: see `flows.keeping`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.forms import entry
from flows.keeping import Round, keep_house
from flows.labels import label, tag_outcome
from flows.places import default_store
from flows.showing import server_may_be_away, steps_told
from flows.states import ended, failed
from narration.errors import ExitCode, NarrationError
from narration.memory.store import open_store
from narration.report.summary import gravest


def _run_name() -> str:
    profiles = flow_run.get_parameters().get("profiles") or ["sandbox"]
    return f"housekeeping: {', '.join(Path(profile).stem for profile in profiles)}"


@flow(
    name="housekeeping",
    flow_run_name=_run_name,
    retries=0,
    persist_result=False,
    validate_parameters=True,
    on_completion=[tag_outcome],
    on_failure=[tag_outcome],
    on_cancellation=[tag_outcome],
    on_crashed=[tag_outcome],
)
async def housekeeping(
    profiles: Annotated[
        tuple[str, ...], entry("Profiles", "Names or paths, one for each account; empty is the sandbox.")
    ] = (),
    store: Annotated[str, entry("Store", "Folder or s3:// URL; empty is the worker's default store.")] = "",
    speak: Annotated[bool, entry("Keep alive", "Speak one word with each voice that is soon cleaned away.")] = True,
    budget_usd: Annotated[float | None, entry("Budget", "The most that each account may cost, in USD.", ge=0)] = 1.0,
) -> State[int]:
    """Look after the voices of accounts: quota, keep-alive, vanished ones, the ledger. Deletes nothing.

    Args:
        profiles: one for each account.
        store: folder or URL of the store.
        speak: speak one word with each voice that the vendor would soon clean away.
        budget_usd: the most that each account may cost.

    Returns:
        A state with the gravest exit code; what is to be looked at is a finding.
    """
    environ = dict(os.environ)
    asked, rounds, refused = profiles or ["sandbox"], list[Round](), dict[str, NarrationError]()
    await label(*(f"profile:{Path(profile).stem}" for profile in asked))
    with steps_told():
        try:
            opened = open_store(store or default_store(environ))
        except NarrationError as error:
            return failed(error)
        for profile in asked:
            run_id = str(flow_run.get_id() or "")
            try:
                done = await keep_house(
                    profile, opened, environ, speak=speak, budget_usd=budget_usd, flow_run_id=run_id
                )
            except NarrationError as error:
                refused[profile] = error
            else:
                rounds.append(done)
    warnings = [sentence for one in rounds for sentence in one.warnings]
    with server_may_be_away():
        await acreate_markdown_artifact(_markdown(rounds, refused), key="housekeeping")
    if refused:
        code = gravest(error.exit_code for error in refused.values())
        return ended(code, "; ".join(f"{profile}: {error}" for profile, error in refused.items()))
    return ended(ExitCode.FINDINGS, warnings[0]) if warnings else ended(ExitCode.DONE, "")


def _markdown(rounds: list[Round], refused: Mapping[str, NarrationError]) -> str:
    lines = ["| profile | voices | quota | vanished | kept alive | could go | cost |", "|---|--:|--:|--:|--:|--:|--:|"]
    for one in rounds:
        state = one.state
        lines.append(
            f"| {state.profile} | {state.total} | {state.most} | {len(state.vanished)} | {len(one.kept_alive)} "
            f"| {len(state.prunable)} | ${one.cost_usd:.4f} |"
        )
    lines += ["", *(f"* {sentence}" for one in rounds for sentence in one.warnings)]
    return "\n".join([*lines, *(f"* **{profile} was not asked:** {error}" for profile, error in refused.items())])
