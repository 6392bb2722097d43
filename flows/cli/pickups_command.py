"""`narrate pickups …`: a proofer's notes, and the lines that they mean."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import console
from flows.cli.options import Folder, Json, LogFile, Out, Quiet, Verbose, Version, examples
from flows.cli.tables import Column, table

if TYPE_CHECKING:
    from narration.pickups.spotting import Spotted

pickups_app = typer.Typer(
    help="A proofer's notes, and the lines that they mean.", no_args_is_help=True, rich_markup_mode=None
)


@pickups_app.callback()
def pickups(
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """A proofer's notes, and the lines that they mean."""


@pickups_app.command(
    "import",
    epilog=examples(
        "narrate pickups import notes.csv my-book",
        "narrate pickups import labels.txt my-book --chapter 3    Audacity labels of one chapter",
    ),
)
def import_notes(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, Audacity labels, or `3 00:12:05 note` on each row.")
    ],
    folder: Folder = Path(),
    chapter: Annotated[
        int | None,
        typer.Option(
            "--chapter", metavar="N", help="The chapter of rows that name none; else times are of the whole book."
        ),
    ] = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Find the line that each note means, by its name, its words or its time, and show what a retake would do.

    Nothing is spoken and nothing is written. Exit status 3 where a note's line is not sure.
    """
    from narration.errors import ExitCode

    found = spotted_in(file, (out or folder / "out").absolute(), chapter)
    if json:
        console.show_json({"notes": [_record(one) for one in found]})
    else:
        _show(found, file, folder)
    raise typer.Exit(ExitCode.DONE if all(one.sure for one in found) else ExitCode.FINDINGS)


def spotted_in(file: Path, out: Path, chapter: int | None) -> tuple[Spotted, ...]:
    """The notes of a file with their lines.

    Raises:
        InputError: the file cannot be read, with every row that is not understood; nothing was delivered.
    """
    from flows.proofing import spotter_of
    from narration.pickups.notes import read_notes
    from narration.sheets import read_text

    text = read_text(file, file.name)
    notes = read_notes(text, where=file.name, chapter=chapter)
    spotter = spotter_of(out)
    return tuple(spotter.spot(note) for note in notes)


def _show(found: tuple[Spotted, ...], file: Path, folder: Path) -> None:
    table(
        (
            Column(heading="row"),
            Column(heading="line"),
            Column(heading="by"),
            Column(heading="speaker"),
            Column(heading="words", gives_way=True),
            Column(heading="note", gives_way=True),
        ),
        [
            (
                one.note.source.rpartition(" ")[2],
                _named(one),
                str(one.basis),
                one.line.character if one.line else "",
                one.line.text if one.line else "",
                one.note.text,
            )
            for one in found
        ],
    )
    places = dict.fromkeys(str(one.line.place) for one in found if one.line and one.sure)
    unsure = sum(not one.sure for one in found)
    if unsure:
        console.say(
            f"{console.count(unsure, 'note')} with a `?`: name the line yourself, as 3:17 or by words in quotes; "
            "or have both lines spoken with --also-neighbour."
        )
    if places:
        console.say(f"{console.count(len(places), 'line')} would be spoken again:")
        console.result(f"narrate retake {shlex.quote(str(folder))} --from {shlex.quote(str(file))}")


def _named(one: Spotted) -> str:
    """The line of a note; with a `?` and the other one that may be meant where it is not sure."""
    if one.line is None:
        return "—?"
    other = f" or {one.other.place}" if one.other else ""
    return str(one.line.place) + ("" if one.sure else f"?{other}")


def _record(one: Spotted) -> dict[str, object]:
    return {
        "source": one.note.source,
        "note": one.note.text,
        "line": str(one.line.place) if one.line else None,
        "sure": one.sure,
        "or": str(one.other.place) if one.other else None,
        "by": str(one.basis),
        "speaker": one.line.character if one.line else None,
        "text": one.line.text if one.line else None,
        "say": one.note.say,
        "direction": one.note.direction,
    }
