"""`narrate usage`: what the ledger says."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import console
from flows.cli.options import Json, LogFile, Quiet, StoreOption, Verbose, environ

if TYPE_CHECKING:
    from narration.usage import Totals


def usage(
    store: StoreOption = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            help="One row for each: production, chapter, character, service, region, model, action, voice, run_id, "
            "month, day.",
            show_default=False,
        ),
    ] = None,
    path: Annotated[
        bool, typer.Option("--path", help="Print where the Parquet files are, for other programs, and nothing else.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Show what was asked of the services and what it cost, over the whole ledger."""
    from flows.places import default_store
    from narration.store import open_store
    from narration.usage import ROWS, Ledger, grouped, totals

    opened = open_store(store or default_store(environ()))
    if path:
        console.result(f"{opened.url}/{ROWS}")
        return
    table = asyncio.run(Ledger(opened, "").table())
    sums, groups = totals(table), grouped(table, by) if by else ()
    if json:
        record: dict[str, object] = dataclasses.asdict(sums)
        if by:
            record["by"] = {value: dataclasses.asdict(group) for value, group in groups}
        console.show_json(record)
        return
    rows = [(value or "—", *_cells(group)) for value, group in groups] + [("all", *_cells(sums))]
    headings = ("calls", "spoken", "voices", "characters", "audio", "cost", "in doubt")
    console.table("Usage", ((by or "", "left"), *((heading, "right") for heading in headings)), rows)


def _cells(sums: Totals) -> tuple[str, ...]:
    doubt = console.money(sums.cost_in_doubt_usd) if sums.characters_in_doubt or sums.cost_in_doubt_usd else ""
    return (
        str(sums.calls),
        str(sums.synthesized),
        str(sums.voices_created),
        str(sums.characters_billed),
        console.duration(sums.audio_s),
        console.money(sums.cost_usd),
        doubt,
    )
