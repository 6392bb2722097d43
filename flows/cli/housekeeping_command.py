"""`narrate housekeeping`: look after the voices of an account; deletes nothing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.here import profile_or_here
from flows.cli.options import (
    Budget,
    Json,
    LogFile,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    environ,
    examples,
)
from narration.errors import ExitCode

EXAMPLES = examples("narrate housekeeping --profile international", "narrate housekeeping --no-speak --json")


def housekeeping(
    profile: Profile = None,
    speak: Annotated[
        bool, typer.Option("--speak/--no-speak", help="Speak one word with each voice that is soon cleaned away.")
    ] = True,
    store: StoreOption = None,
    budget: Budget = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Look after an account's voices: quota, voices that vanished, voices that are soon cleaned away.

    The vendor deletes a voice that nothing was spoken with for a year: each voice that a book needs is spoken with in
    time, one word, once. Deletes nothing; what could go is told. Exits with 3 where there is something to do. The same
    as a Prefect flow, for a schedule: `flows.housekeeping.housekeeping`.
    """
    from flows.keeping import keep_house
    from flows.places import default_store
    from narration.memory.store import open_store

    opened = open_store(store or default_store(environ()))
    done = console.wait(keep_house(profile_or_here(profile), opened, environ(), speak=speak, budget_usd=budget))
    state = done.state
    if json:
        console.show_json(
            {
                "profile": state.profile,
                "voices": state.total,
                "quota": state.most,
                "vanished": [kept.voice.voice for kept in state.vanished],
                "kept_alive": list(done.kept_alive),
                "waiting": [voice for voice, _ in done.waiting],
                "could_go": [kept.voice.voice for kept in state.prunable],
                "not_in_the_bible": len(state.strangers),
                "cost_usd": done.cost_usd,
                "warnings": list(done.warnings),
            }
        )
    else:
        console.say(f"{state.profile} holds {state.total:,} of {state.most:,} voices.")
        console.say(
            f"Kept alive: {console.count(len(done.kept_alive), 'voice')}, {console.money(done.cost_usd)}. "
            f"Could go: {len(state.prunable)}."
        )
        for sentence in done.warnings:
            console.tell(f"[yellow]{escape(sentence)}[/]")
    raise typer.Exit(ExitCode.FINDINGS if done.warnings else ExitCode.DONE)
