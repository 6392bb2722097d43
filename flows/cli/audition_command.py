"""`narrate audition`: several candidate voices for a character, on one page to be heard."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import completing, console
from flows.cli.options import (
    Budget,
    Folder,
    Json,
    LogFile,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    Yes,
    environ,
    examples,
)
from flows.cli.tables import Column, table
from narration.errors import Interrupted

if TYPE_CHECKING:
    from flows.auditioning import Audition, Held

EXAMPLES = examples(
    "narrate audition my-book --character Mara --candidates 5",
    "narrate audition my-book            three for everybody who speaks",
    "narrate voices choose Mara 2 --book my-book",
)

Characters = Annotated[
    list[str] | None,
    typer.Option(
        "--character",
        metavar="NAME",
        help="Whom to audition; may be repeated. Default: everybody.",
        show_default=False,
        autocompletion=completing.characters,
    ),
]
Candidates = Annotated[
    int, typer.Option("--candidates", min=1, max=20, metavar="N", help="Voices for each, those of earlier runs too.")
]
Page = Annotated[
    Path | None,
    typer.Option(
        "--page", metavar="FILE", help="Where the page goes. Default: audition.html in out/ of DIR.", show_default=False
    ),
]


def audition(
    folder: Folder = Path(),
    character: Characters = None,
    candidates: Candidates = 3,
    line: Annotated[
        bool,
        typer.Option("--line/--no-line", help="Have each speak a line of the book, where its preview is none."),
    ] = True,
    page: Page = None,
    profile: Profile = None,
    store: StoreOption = None,
    budget: Budget = None,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Make candidate voices for characters, and a page on which they are heard.

    The page is one HTML file: players, descriptions, and measured pitch, pace and level, with a word where two
    characters would blend. Nobody's voice changes until `narrate voices choose`. Candidates that are there already are
    not made again.
    """
    from flows.auditioning import audition as hold
    from flows.auditioning import plan
    from flows.opening import Request, open_job

    variables = environ()
    job = open_job(Request(folder=folder, profile=profile, store=store, budget_usd=budget), variables, needs_key=True)
    planned = console.wait(plan(job, character or (), candidates, lines=line))
    if not json:
        say_plan(planned)
        ask(planned, yes=yes)
    held = console.wait(hold(planned, variables, page=page))
    if json:
        console.show_json(record(held))
        return
    say_held(held)


def say_plan(planned: Audition) -> None:
    """Who is auditioned, what is there, what it costs, what a choice would make stale."""
    table(
        (
            Column(heading="character", gives_way=True),
            Column(heading="voice now"),
            Column(heading="candidates", right=True),
            Column(heading="to make", right=True),
            Column(heading="spoken", right=True),
            Column(heading="to speak again", right=True),
        ),
        [
            (
                one.character.name,
                "none" if one.voice is None else "locked" if one.locked else "kept",
                str(len(one.candidates)),
                str(len(one.to_make)),
                console.count(one.stale.chunks, "chunk"),
                console.money(one.stale.usd),
            )
            for one in planned.tryouts
        ],
    )
    made = sum(len(one.to_make) for one in planned.tryouts)
    lines = sum(one.unspoken for one in planned.tryouts)
    console.say()
    bought = f"{console.count(made, 'new voice')} and {console.count(lines, 'line')}"
    console.say(f"cost    {console.money(planned.price_usd)} for {bought}")


def ask(planned: Audition, *, yes: bool) -> None:
    """Ask a person before money is spent.

    Raises:
        Interrupted: they said no.
    """
    costs = planned.price_usd > 0 and planned.job.seating.costs_money
    if costs and not yes and sys.stdin.isatty() and sys.stdout.isatty():
        console.say()
        if not typer.confirm(f"Spend up to {console.money(planned.price_usd)}?"):
            raise Interrupted("Nothing was spent.", "narrate audition")


def say_held(held: Held) -> None:
    """What was made, which voices would blend, and where the page is."""
    from narration.report.audition_page import alike

    console.say(f"Made {console.count(held.made, 'voice')} for {console.money(held.cost_usd)}.")
    for (name, number), others in alike(held.parts).items():
        which = f"{name} {number}" if number else f"{name}, present voice,"
        if others:
            console.say(f"[yellow]{escape(which)} sounds like {escape(', '.join(others))}.[/]")
    console.say("Listen, then `narrate voices choose NAME N`:")
    console.result(str(held.page))


def record(held: Held) -> dict[str, object]:
    """The audition, for programs."""
    from narration.report.audition_page import alike

    near = alike(held.parts)
    return {
        "page": str(held.page),
        "voices_made": held.made,
        "cost_usd": held.cost_usd,
        "characters": [
            {
                "character": part.character,
                "profile": part.profile,
                "lines": part.lines,
                "locked": part.locked,
                "voice_prompt": part.prompt,
                "preview_text": part.preview_text,
                "preview_from_book": part.quoted,
                "candidates": [
                    {
                        "number": one.number,
                        "voice": one.voice.voice,
                        "chosen": one.chosen,
                        "pitch_hz": one.measured.pitch_hz if one.measured else None,
                        "pace_per_s": one.measured.pace_per_s if one.measured else None,
                        "level_dbfs": one.measured.level_dbfs if one.measured else None,
                        "sounds_like": list(near.get((part.character, one.number), ())),
                    }
                    for one in part.heard
                ],
            }
            for part in held.parts
        ],
    }
