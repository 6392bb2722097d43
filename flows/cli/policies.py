"""What each chunk policy would cost: the same plan made again with other settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from flows.cli import console
from flows.cli.tables import Column, table
from narration.chunks import billed_characters
from narration.settings.settings import ChunkSettings, TagPolicy

if TYPE_CHECKING:
    from flows.opening import Job
    from narration.plan import Plan

_TARGETS = (200, 500)
"""Shorter and longer requests than the usual, in code points."""


def _policies(present: ChunkSettings) -> Iterator[tuple[str, ChunkSettings]]:
    """Names as book.yaml would have them; the present one first."""
    yield "as it is", present
    for tags in TagPolicy:
        for join_short in (False, True):
            other = replace(present, tags=tags, join_short=join_short)
            if other != present:
                yield f"tags: {tags}, join_short: {str(join_short).lower()}", other
    for target_chars in _TARGETS:
        if target_chars != present.target_chars:
            yield f"target_chars: {target_chars}", replace(present, target_chars=target_chars)


async def show_policies(job: Job, *, json: bool) -> None:
    """Print what the whole selection costs under each policy, and what of it is still to buy.

    Args:
        job: the production, opened.
        json: as one document.
    """
    facts = []
    for name, chunks in _policies(job.settings.chunks):
        plan = await replace(job, seating=job.seating.with_chunks(chunks)).plan()
        facts.append(_facts(name, plan))
    if json:
        console.show_json({"policies": facts})
        return
    table(
        (
            Column(heading="chunks:", gives_way=True),
            Column(heading="requests", right=True),
            Column(heading="billed", right=True),
            Column(heading="to buy", right=True),
            Column(heading="cost", right=True),
            Column(heading="time", right=True),
            Column(heading="tags dropped", right=True),
        ),
        [
            (
                str(fact["policy"]),
                f"{fact['requests']:,}",
                f"{fact['characters']:,}",
                f"{fact['chunks_to_speak']:,}",
                console.money(plan_cost),
                console.duration(time_s) if time_s else "—",
                str(fact["tags_dropped"] or ""),
            )
            for fact in facts
            for plan_cost, time_s in [(float(str(fact["cost_usd"])), float(str(fact["time_s_estimate"])))]
        ],
    )
    console.say("Requests and billed characters are the whole selection's; cost and time are of what is still to buy.")


def _facts(name: str, plan: Plan) -> dict[str, object]:
    requests = plan.requests
    return {
        "policy": name,
        "requests": len(requests),
        "characters": sum(billed_characters(planned.ask.text) for planned in requests),
        "chunks_to_speak": plan.chunks_to_speak,
        "cost_usd": plan.cost_usd,
        "time_s_estimate": plan.time_s_estimate,
        "tags_dropped": plan.removed("dropped-tag"),
    }
