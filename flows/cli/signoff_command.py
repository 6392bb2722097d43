"""`narrate signoff`: who approved which master, and what has changed since."""

from __future__ import annotations

import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.options import Folder, Json, LogFile, Out, Quiet, Verbose, Version, examples

if TYPE_CHECKING:
    from narration.pickups.signoff import MasterState, Signoff
    from narration.report.heard import Difference

EXAMPLES = examples(
    'narrate signoff my-book --by "A. Proofer"     approve the masters as they are',
    "narrate signoff my-book                       what has changed since they were approved",
)


def signoff(
    folder: Folder = Path(),
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="NAME", help="Approve the masters as they are, in this name.", show_default=False),
    ] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Goes with the approval.")] = "",
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Approve the delivered files, by their hashes; without --by, say what has changed since they were approved.

    The approvals are in signoff.json in the production. Exit status 3 where something is there that nobody approved.
    """
    from flows.proofing import delivered_in, masters_in
    from narration.errors import ExitCode, InputError, Problem
    from narration.pickups.signoff import Signoff, load_signoffs, save_signoffs, state_since
    from narration.pickups.spotting import heard_lines
    from narration.report.heard import difference, heard_of

    place = (out or folder / "out").absolute()
    chapters = heard_lines([record.timeline for record in delivered_in(place)])
    masters, before = masters_in(place), load_signoffs(folder)
    if by is not None:
        if not by.strip():
            raise InputError(Problem(what="is empty", where="--by", expected="a name"))
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        made = Signoff(by=by.strip(), at=at, note=note, masters=masters, heard=heard_of(chapters))
        save_signoffs(folder, (*before, made))
        before = (made,)
    if not before:
        hint = f'`narrate signoff {shlex.quote(str(folder))} --by "NAME"` approves them.'
        raise InputError(Problem(what="nobody has approved the masters yet", where=str(place), hint=hint))
    state, changes = state_since(before[-1], masters), difference(before[-1].heard, chapters)
    if json:
        last = {"by": before[-1].by, "at": before[-1].at, "note": before[-1].note, "masters": before[-1].masters}
        console.show_json(
            {**last, **asdict(state), "holds": state.holds, "lines": [str(line) for line in changes.lines]}
        )
    else:
        _show(before[-1], state, changes)
    raise typer.Exit(ExitCode.DONE if state.holds else ExitCode.FINDINGS)


def _show(last: Signoff, state: MasterState, changes: Difference) -> None:
    note = f": {last.note}" if last.note else ""
    console.say(escape(f"Approved by {last.by}, {last.at}{note}"))
    for what, names in (("as approved", state.approved), ("changed", state.changed), ("new", state.new)):
        for name in names:
            console.say(f"{what:<12}{escape(name)}")
    for name in state.gone:
        console.say(f"{'gone':<12}{escape(name)}")
    if changes.lines:
        console.say(f"Lines with another take than was approved: {', '.join(map(str, changes.lines))}")
    console.result("approved" if state.holds else "not approved as it is")
