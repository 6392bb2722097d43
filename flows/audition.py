"""`audition_cast`: the Prefect flow of an audition, which pauses for a person's choice in the UI.

Invariant: the flow chooses nothing by itself; without an answer in time every voice stays what it was.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field, create_model

from flows.artifacts import key_from
from flows.auditioning import Held, audition, chosen, plan
from flows.forms import entry
from flows.labels import book_name, book_tag, book_tags, label, tag_outcome
from flows.opening import Request, open_job
from flows.places import books_folder
from flows.showing import server_may_be_away, steps_told
from flows.states import ended, failed
from narration.errors import ExitCode, Interrupted, NarrationError

KEEP = "as it is"
"""The answer for a character whose voice is to stay."""


def _run_name() -> str:
    given = flow_run.get_parameters()
    whom = ", ".join(given.get("characters") or ()) or "everybody"
    return f"audition: {book_name(os.environ, str(given['production']), given.get('profile'))}, {whom}"


@flow(
    name="audition-cast",
    flow_run_name=_run_name,
    retries=0,
    persist_result=False,
    validate_parameters=True,
    on_completion=[tag_outcome],
    on_failure=[tag_outcome],
    on_cancellation=[tag_outcome],
    on_crashed=[tag_outcome],
)
async def audition_cast(
    production: Annotated[str, entry("Production", "Folder of the book, with book.yaml in it.")],
    characters: Annotated[
        tuple[str, ...], entry("Characters", "Names in the cast sheet, whom to audition; empty is everybody.")
    ] = (),
    candidates: Annotated[
        int, entry("Candidates", "Voices for each character, those of earlier runs too.", ge=1, le=20)
    ] = 3,
    profile: Annotated[str, entry("Profile", "Name or path of a profile; empty takes the one in book.yaml.")] = "",
    store: Annotated[str, entry("Store", "Folder or s3:// URL; empty is the worker's default store.")] = "",
    budget_usd: Annotated[float | None, entry("Budget", "The most that this run may spend, in USD.", ge=0)] = None,
    approve: Annotated[
        bool, entry("Choose here", "The run waits for a choice on its page; off, `narrate voices choose` is the way.")
    ] = True,
    wait_s: Annotated[int, entry("Wait", "For a choice, in seconds; a day is 86400.", ge=1, le=7 * 86_400)] = 86_400,
) -> State[int]:
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
        A state with the exit code, its name and our message.
    """
    environ = dict(os.environ)
    folder = books_folder(environ) / production
    request = Request(folder=folder, profile=profile or None, store=store or None, budget_usd=budget_usd)
    await label(book_tag(folder))
    with steps_told():
        try:
            job = open_job(request, environ, needs_key=True)
            await label(*book_tags(job))
            planned = await plan(job, characters, candidates)
            held = await audition(planned, environ, flow_run_id=str(flow_run.get_id() or ""))
            with server_may_be_away():
                await acreate_markdown_artifact(_markdown(held), key=key_from(job.production.name, "audition"))
            numbers = await _picked(held, wait_s) if approve else {}
            await chosen(planned, numbers)
        except NarrationError as error:
            return failed(error)
    voices = ", ".join(f"{name}: {number}" for name, number in numbers.items())
    return ended(ExitCode.DONE, f"Chosen and locked: {voices}." if voices else "")


async def _picked(held: Held, wait_s: int) -> dict[str, int]:
    """Pause until somebody has chosen.

    Raises:
        Interrupted: nobody did.
    """
    try:
        answers = await apause_flow_run(wait_for_input=approval(held), timeout=wait_s, key="approval")
    except FlowPauseTimeout as error:
        hint = f"Listen in {held.page}, then: narrate voices choose NAME N."
        raise Interrupted("Nobody has chosen; every voice stays what it was.", hint) from error
    return picked(held, answers)


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
