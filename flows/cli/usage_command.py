"""`narrate usage`: what the ledger says."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import completing, console
from flows.cli.options import Json, LogFile, Quiet, StoreOption, Verbose, Version, environ, examples
from flows.cli.tables import Column, table

if TYPE_CHECKING:
    from narration.audit import Audit
    from narration.memory.store import Store
    from narration.memory.usage import Totals

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
            autocompletion=completing.groups,
        ),
    ] = None,
    path: Annotated[
        bool, typer.Option("--path", help="Print where the Parquet files are, for other programs, and nothing else.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Hold the store and the ledger against each other, and add what a kill left out."
        ),
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
    from narration.memory.store import open_store
    from narration.memory.usage import ROWS, Ledger, check_group, grouped, needed, totals

    opened = open_store(store or default_store(environ()))
    if path:
        console.result(f"{opened.url}/{ROWS}")
        return
    if verify:
        _show_audit(console.wait(_audited(opened)), as_json=json)
        return
    if by:
        check_group(by)
    rows = console.wait(Ledger(opened, "").table(needed(by or "")))
    sums, groups = totals(rows), grouped(rows, by) if by else ()
    if json:
        record: dict[str, object] = dataclasses.asdict(sums)
        if by:
            record["by"] = {value: dataclasses.asdict(group) for value, group in groups}
        console.show_json(record)
        return
    if not sums.calls and not sums.cost_in_doubt_usd:
        console.say("No call to a service yet in this store: `narrate render` makes the first.")
        return
    table(
        (
            Column(heading=by or ""),
            *(Column(heading=heading, right=True) for heading in ("calls", "spoken", "voices", "characters", "audio")),
            *(Column(heading=heading, right=True) for heading in ("tokens in", "out") if sums.questions),
            Column(heading="cost", right=True),
            Column(heading="in doubt", right=True),
        ),
        [(value or "—", *_cells(group, tokens=bool(sums.questions))) for value, group in groups]
        + [("all", *_cells(sums, tokens=bool(sums.questions)))],
    )


def _cells(sums: Totals, *, tokens: bool) -> tuple[str, ...]:
    doubt = console.money(sums.cost_in_doubt_usd) if sums.characters_in_doubt or sums.cost_in_doubt_usd else ""
    return (
        f"{sums.calls:,}",
        f"{sums.synthesized:,}",
        f"{sums.voices_created:,}",
        f"{sums.characters_billed:,}",
        console.duration(sums.audio_s),
        *((f"{sums.input_tokens:,}", f"{sums.output_tokens:,}") if tokens else ()),
        console.money(sums.cost_usd),
        doubt,
    )


async def _audited(store: Store) -> Audit:
    from narration.audit import audit
    from narration.memory.claims import Claims, this_run
    from narration.memory.takes import Takes
    from narration.memory.usage import Ledger
    from narration.memory.voices import Voices

    run = this_run()
    return await audit(Takes(store), Voices(store), Ledger(store, run.run_id), Claims(store, run))


def _show_audit(found: Audit, *, as_json: bool) -> None:
    if as_json:
        console.show_json({**dataclasses.asdict(found), "lost_usd": found.lost_usd})
        return
    console.say(f"{console.count(found.takes, 'take')} and {console.count(found.voices, 'voice')} in the store.")
    console.say(f"{console.count(found.rows_added, 'row')} added to the ledger.")
    for take_id, request_id, price in found.lost:
        console.say(f"paid for and not in the store: take {take_id}, request {request_id}, {console.money(price)}")
