"""`narrate retake`: speak some lines again, and put them in their places."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.here import folder_and_lines
from flows.cli.options import (
    Budget,
    Json,
    Lines,
    LogFile,
    Out,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    Yes,
    environ,
    examples,
)
from flows.cli.outcome import show_summary
from flows.cli.render_command import confirmed, watched

if TYPE_CHECKING:
    from narration.place import Place
    from narration.retake import Wish

EXAMPLES = examples(
    "narrate retake my-book 3:17               line 17 of chapter 3, spoken once more",
    "narrate retake 3:17 3:18                  in the production you are in",
    'narrate retake my-book 3:17 --say "Beecham is here."',
    'narrate retake my-book 3:17 4:2 --direction "whispering"',
    "narrate retake my-book --from notes.csv   what a proofer wrote down",
)


def retake(
    words: Lines = None,
    say: Annotated[
        str | None, typer.Option("--say", metavar="TEXT", help="Speak these words instead.", show_default=False)
    ] = None,
    direction: Annotated[
        str | None,
        typer.Option(
            "--direction",
            metavar="TEXT",
            help="How to speak it, for models that take instructions.",
            show_default=False,
        ),
    ] = None,
    notes: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Also the lines of a proofer's notes, as `narrate pickups import` finds them.",
            show_default=False,
        ),
    ] = None,
    chapter: Annotated[
        int | None,
        typer.Option("--chapter", metavar="N", help="The chapter of notes that name none, as for `pickups import`."),
    ] = None,
    also_neighbour: Annotated[
        bool,
        typer.Option("--also-neighbour", help="Of notes that may mean one of two lines, speak both."),
    ] = False,
    profile: Profile = None,
    out: Out = None,
    store: StoreOption = None,
    budget: Budget = None,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Speak lines again, those and no other, and put them in their places.

    The takes that are there are kept; `narrate takes list` shows them, `narrate takes use` goes back to one. The new
    take is matched in level with its neighbours, as every take is. Files of other chapters stay as they are.
    """
    from flows.opening import Request, open_job
    from flows.retaking import open_retake, take_back

    folder, lines = folder_and_lines(words)
    request = Request(folder=folder, profile=profile, out=out, store=store, budget_usd=budget)
    variables = environ()
    job = open_job(request, variables, needs_key=True)
    wishes = _wishes(lines, say or "", direction or "")
    if notes is not None:
        wishes += _wishes_of(notes, job.out, chapter, also_neighbour=also_neighbour)
    _require(wishes)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    decided = console.wait(open_retake(job, wishes, at))
    try:
        if not yes and not json:
            confirmed(decided.job, decided.plan)
        summary = console.wait(watched(decided.job, decided.plan, variables))
    finally:
        back = console.wait(take_back(decided, wishes))
    for place in back:
        console.tell(f"[yellow]{escape(place)}:[/] the new take was refused; the one before is heard.")
    if json:
        console.show_json({**summary.as_json(), "retaken": [str(wish.place) for wish in wishes], "taken_back": back})
    else:
        show_summary(summary, sandbox=not job.seating.costs_money)
    raise typer.Exit(summary.exit_code)


def places_of(lines: list[str]) -> list[Place]:
    """The places that were named.

    Raises:
        InputError: with every word that is none.
    """
    from narration.errors import InputError, Problem
    from narration.place import EXPECTED, place_of

    found = {line: place_of(line) for line in lines}
    problems = [
        Problem(what=f"{line!r} is no line", where="LINE", expected=EXPECTED)
        for line, place in found.items()
        if not place
    ]
    if problems:
        raise InputError(*problems)
    return [place for place in found.values() if place is not None]


def _wishes(lines: list[str], say: str, direction: str) -> list[Wish]:
    from narration.errors import InputError, Problem
    from narration.retake import Wish

    if say and len(lines) != 1:
        what = f"--say is about one line, and there are {len(lines)}"
        raise InputError(Problem(what=what, where="--say", expected="one LINE"))
    return [Wish(place=place, say=say, direction=direction) for place in places_of(lines)]


def _wishes_of(notes: Path, out: Path, chapter: int | None, *, also_neighbour: bool) -> list[Wish]:
    """What a proofer's notes ask for; those whose line is not sure are told, and left out unless both are wanted."""
    from flows.cli.pickups_command import spotted_in
    from narration.retake import Wish

    found: dict[str, Wish] = {}
    for spotted in spotted_in(notes, out, chapter):
        note, line, other = spotted.note, spotted.line, spotted.other
        if line is None or not (spotted.sure or (also_neighbour and other is not None and not note.say)):
            console.tell(f"[yellow]left out, as its line is not sure:[/] {escape(note.source)}")
            continue
        for place in (line.place, *((other.place,) if other is not None else ())):
            found.setdefault(str(place), Wish(place=place, say=note.say, direction=note.direction, note=note.text))
    return list(found.values())


def _require(wishes: list[Wish]) -> None:
    from narration.errors import InputError, Problem
    from narration.place import EXPECTED

    if not wishes:
        raise InputError(Problem(what="no line is named", where="LINE", expected=EXPECTED))
