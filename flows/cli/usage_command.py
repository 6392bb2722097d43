"""`narrate usage`: what the ledger says."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import console
from flows.cli.options import Json, LogFile, Quiet, StoreOption, Verbose, Version, environ, examples
from flows.cli.tables import Column, table

if TYPE_CHECKING:
    from narration.usage import Totals

EXAMPLES = examples(
    "narrate usage --by production",
    "narrate usage --by month --json",
    "duckdb -c \"select sum(price_usd) from '$(narrate usage --path)/**/*.parquet'\"",
)


def usage(
    store: StoreOption = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="WHAT",
            help="A row for each production, chapter, character, service, region, model, action, voice, run_id, "
            "month or day.",
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
    version: Version = False,
) -> None:
    """Show what was asked of the services, and what it cost.

    Over the whole ledger: every book and every run that used the store.
    """
    from flows.places import default_store
    from narration.store import open_store
    from narration.usage import ROWS, Ledger, grouped, totals

    opened = open_store(store or default_store(environ()))
    if path:
        console.result(f"{opened.url}/{ROWS}")
        return
    rows = console.wait(Ledger(opened, "").table())
    sums, groups = totals(rows), grouped(rows, by) if by else ()
    if json:
        record: dict[str, object] = dataclasses.asdict(sums)
        if by:
            record["by"] = {value: dataclasses.asdict(group) for value, group in groups}
        console.show_json(record)
        return
    if not sums.calls and not sums.characters_in_doubt:
        console.say("No call to a service yet in this store: `narrate render` makes the first.")
        return
    table(
        (
            Column(heading=by or ""),
            *(Column(heading=heading, right=True) for heading in ("calls", "spoken", "voices", "characters", "audio")),
            Column(heading="cost", right=True),
            Column(heading="in doubt", right=True),
        ),
        [(value or "—", *_cells(group)) for value, group in groups] + [("all", *_cells(sums))],
    )


def _cells(sums: Totals) -> tuple[str, ...]:
    doubt = console.money(sums.cost_in_doubt_usd) if sums.characters_in_doubt or sums.cost_in_doubt_usd else ""
    return (
        f"{sums.calls:,}",
        f"{sums.synthesized:,}",
        f"{sums.voices_created:,}",
        f"{sums.characters_billed:,}",
        console.duration(sums.audio_s),
        console.money(sums.cost_usd),
        doubt,
    )
