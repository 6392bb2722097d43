"""`narrate serve`: the deployments of `flows.deployments`, run by this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.options import LogFile, Quiet, Verbose, Version, examples
from flows.cli.unattended import make_ready, server_is_named, server_trouble
from narration.errors import InputError, Problem, ServiceUnavailable

EXAMPLES = examples(
    "narrate serve                                       runs started from the Prefect UI",
    'narrate serve --shelf shelf --cron "0 22 * * *" --window 22:00-06:00 --zone Europe/Vienna',
    'narrate serve --shelf shelf --rrule "FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=9;BYMINUTE=0"',
)


def serve(
    shelf: Annotated[
        Path | None,
        typer.Option("--shelf", metavar="DIR", help="The shelf of the nightly run.", show_default=False),
    ] = None,
    cron: Annotated[
        str | None,
        typer.Option("--cron", metavar="CRON", help="When the nightly run starts; needs --shelf.", show_default=False),
    ] = None,
    rrule: Annotated[
        str | None,
        typer.Option("--rrule", metavar="RULE", help="The same, as calendars write it.", show_default=False),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option("--every", min=1, metavar="MINUTES", help="The same, in equal steps.", show_default=False),
    ] = None,
    window: Annotated[
        str | None, typer.Option("--window", metavar="HH:MM-HH:MM", help="Of the nightly run.", show_default=False)
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone", metavar="NAME", help="Time zone of schedule and window. Default: UTC.", show_default=False
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option("--budget", min=0.0, metavar="USD", help="Of each night, for all books.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Runs at the same time.")] = 4,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Offer the flows on the Prefect server, and run what is started there, until Ctrl-C.

    One process on one machine, and no work pool; for several machines see docs/scheduling.md.
    """
    from narration.window import read_window

    if not server_is_named():
        hint = "Start one (`prefect server start`), and set PREFECT_API_URL=http://127.0.0.1:4200/api."
        raise InputError(Problem(what="no Prefect server is named", where="PREFECT_API_URL", hint=hint))
    scheduled = next((found for found in (cron, rrule, every, window) if found is not None), None)
    if scheduled is not None and shelf is None:
        raise InputError(Problem(what="which shelf?", where="--shelf", expected="the folder of the productions"))
    if shelf is not None and not shelf.is_dir():
        raise InputError(Problem(what="there is no such folder", where=f"--shelf {shelf}"))
    if window:
        read_window(window, zone or "")
    make_ready()
    from flows.deployments import read_schedule, serve_here

    schedule = read_schedule(cron=cron, rrule=rrule, every_min=every, zone=zone or "UTC")
    trouble = console.wait(server_trouble())
    if trouble:
        what = f"The Prefect server at {os.environ['PREFECT_API_URL']} does not answer: {trouble}."
        raise ServiceUnavailable(what, "Start it (`prefect server start`), or correct PREFECT_API_URL.")
    parameters = {
        "shelf": str(shelf.absolute()) if shelf else None,
        "window": window,
        "zone": (zone or "UTC") if window else None,
        "budget_usd": budget,
    }
    named = {name: value for name, value in parameters.items() if value is not None}

    def ready() -> None:
        console.say(f"Serving until Ctrl-C; at most {limit} runs at a time. {escape('See them in the Prefect UI.')}")

    console.wait(serve_here(nightly_parameters=named, schedule=schedule, limit=limit, ready=ready))
    console.say("Stopped. Runs that were under way are told so, and schedules rest until the next `narrate serve`.")
