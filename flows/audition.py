"""`audition_cast`: the Prefect flow of an audition, which pauses for a person's choice in the UI.

Invariant: the flow chooses nothing by itself; without an answer in time every voice stays what it was.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.states import Failed
from pydantic import Field, create_model

from flows.auditioning import Held, audition, chosen, plan
from flows.opening import Request, open_job
from narration.errors import NarrationError

KEEP = "as it is"
"""The answer for a character whose voice is to stay."""


@flow(name="audition-cast", flow_run_name="audition {production}", retries=0, persist_result=False)
async def audition_cast(
    production: Annotated[str, Field(title="Production", description="Folder of the book, with book.yaml in it.")],
    characters: Annotated[
        list[str] | None, Field(title="Characters", description="Whom to audition; empty is everybody.")
    ] = None,
    candidates: Annotated[int, Field(title="Candidates", description="Voices for each.", ge=1, le=20)] = 3,
    profile: Annotated[
        str | None, Field(title="Profile", description="Name or path of a profile; empty takes the one in book.yaml.")
    ] = None,
    store: Annotated[
        str | None, Field(title="Store", description="Folder or s3:// URL; empty is the default store.")
    ] = None,
    budget_usd: Annotated[
        float | None, Field(title="Budget", description="The most that this run may spend, in USD.", ge=0)
    ] = None,
    approve: Annotated[bool, Field(title="Approve here", description="Wait for a choice in this page.")] = True,
    wait_s: Annotated[int, Field(title="Wait", description="For how many seconds.", ge=1, le=7 * 86_400)] = 86_400,
) -> int | State[int]:
    """Make candidate voices, show where they are heard, and wait for a choice.

    Args:
        production: folder of the book.
        characters: whom; everybody by default.
        candidates: for each of them.
        profile: instead of the book's own.
        store: folder or URL of the store.
        budget_usd: the most that this run may spend.
        approve: wait for a choice; else `narrate voices choose` is the way.
        wait_s: for how long.

    Returns:
        How many voices were chosen, or a failed state with our message.
    """
    environ = dict(os.environ)
    request = Request(folder=Path(production), profile=profile, store=store, budget_usd=budget_usd)
    try:
        job = open_job(request, environ, needs_key=True)
        planned = await plan(job, characters or (), candidates)
        held = await audition(planned, environ, flow_run_id=str(flow_run.get_id() or ""))
        await acreate_markdown_artifact(_markdown(held), key="audition")
        if not approve:
            return 0
        answers = await apause_flow_run(wait_for_input=approval(held), timeout=wait_s, key="approval")
        numbers = picked(held, answers)
        await chosen(planned, numbers)
    except NarrationError as error:
        return Failed(message=f"{type(error).__name__}: {error}")
    return len(numbers)


def approval(held: Held) -> type[RunInput]:
    """The form: for each character, one of the candidates, or the voice as it is."""
    fields: dict[str, Any] = {}
    for place, part in enumerate(held.parts):
        options = (KEEP, *(str(one.number) for one in part.heard if one.number))
        fields[f"character_{place}"] = (
            Literal[options],
            Field(default=KEEP, title=part.character, description=part.prompt),
        )
    made: type[RunInput] = create_model("Approval", __base__=RunInput, **fields)
    return made


def picked(held: Held, answers: RunInput) -> dict[str, int]:
    """The numbers that were picked, by character."""
    given = answers.model_dump()
    found = {part.character: given[f"character_{place}"] for place, part in enumerate(held.parts)}
    return {name: int(answer) for name, answer in found.items() if answer != KEEP}


def _markdown(held: Held) -> str:
    lines = [
        f"{held.made} voices made for ${held.cost_usd:.2f}. To be heard in `{held.page}`.",
        "",
        "| character | candidate | pitch | pace | level |",
        "|---|--:|--:|--:|--:|",
    ]
    for part in held.parts:
        for one in part.heard:
            found = one.measured
            cells = (
                f"{found.pitch_hz:.0f} Hz | {found.pace_per_s:.1f} /s | {found.level_dbfs:.1f} dBFS"
                if found
                else " | | "
            )
            name = part.character.replace("|", "/")
            lines.append(f"| {name} | {one.number or 'present'}{' (chosen)' if one.chosen else ''} | {cells} |")
    return "\n".join(lines)
