"""`narrate takes …`: the takes of a line, to be compared, and the one that is heard."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.here import folder_and_lines
from flows.cli.options import Json, Lines, LogFile, Profile, Quiet, StoreOption, Verbose, Version, environ, examples
from flows.cli.retake_command import places_of
from flows.cli.tables import Column, table

if TYPE_CHECKING:
    from flows.opening import Job
    from narration.pickups import Pickups
    from narration.place import Place
    from narration.retake import KnownTake

LineAndTake = Annotated[
    list[str],
    typer.Argument(
        metavar="[DIR] LINE TAKE",
        help="The line, such as 3:17, and the number of its take in `narrate takes list`.",
        show_default=False,
    ),
]

takes_app = typer.Typer(
    help="The takes of a line: list and hear them, choose one.", no_args_is_help=True, rich_markup_mode=None
)


@takes_app.callback()
def takes(
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """The takes of a line: list and hear them, choose one."""


@takes_app.command(
    "list", epilog=examples("narrate takes list my-book 3:17", "narrate takes list my-book 3:17 --save compare")
)
def list_takes(
    words: Lines = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="DIR", help="Write their sound there as WAV files.", show_default=False),
    ] = None,
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """List the takes of lines; without a LINE, of every line that was recorded again."""
    from narration.pickups import load_pickups

    folder, lines = folder_and_lines(words)
    job = _job(folder, profile, store)
    again = [one.place for one in load_pickups(job.production.folder).by_key.values() if one.readings]
    places = places_of(lines or list(dict.fromkeys(again)))
    found = console.wait(_known(job, places, save))
    if json:
        console.show_json({"takes": [_record(place, one) for place, known in found.items() for one in known]})
        return
    if not found:
        console.say("No line was recorded again.")
        return
    rows = [_row(place, one) for place, known in found.items() for one in known]
    table(
        (
            Column(heading="line"),
            Column(heading="take", right=True),
            Column(heading=""),
            Column(heading="length", right=True),
            Column(heading="asked for", gives_way=True),
        ),
        rows,
    )
    if save is not None:
        console.result(str(save))


@takes_app.command("use", epilog=examples("narrate takes use my-book 3:17 0     the first take again"))
def use_take(
    words: LineAndTake,
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Have that take of a line heard from the next render or delivery on. Buys nothing."""
    from narration.pickups import save_pickups

    folder, place, number = _line_and_take(words)
    job = _job(folder, profile, store)
    chosen = console.wait(_used(job, place, number))
    save_pickups(job.production.folder, chosen)
    if json:
        console.show_json({"line": str(place), "take": number})
        return
    console.say(f"{place}: take {number} is heard. To put it in its place:")
    console.result(f"narrate deliver {shlex.quote(str(folder))}")


def _line_and_take(words: list[str]) -> tuple[Path, Place, int]:
    from narration.errors import InputError, Problem

    folder, rest = folder_and_lines(words)
    if len(rest) != 2:
        what = f"a line and the number of one of its takes are wanted, and here is: {' '.join(rest) or 'nothing'}"
        hint = "`narrate takes list` shows the numbers."
        raise InputError(Problem(what=what, where="LINE TAKE", expected="such as 3:17 0", hint=hint))
    line, number = rest
    if not number.isdecimal():
        hint = "`narrate takes list` shows the numbers."
        raise InputError(Problem(what=f"{number!r} is no number", where="TAKE", expected="0 or more", hint=hint))
    (place,) = places_of([line])
    return folder, place, int(number)


def _job(folder: Path, profile: str | None, store: str | None) -> Job:
    from flows.opening import Request, open_job

    return open_job(Request(folder=folder, profile=profile, store=store), environ(), needs_key=False)


async def _used(job: Job, place: Place, number: int) -> Pickups:
    from narration.memory.takes import Takes
    from narration.pickups import load_pickups
    from narration.retake import used

    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return await used(await job.plan(), place, number, load_pickups(job.production.folder), Takes(job.store), at)


async def _known(job: Job, places: list[Place], save: Path | None) -> dict[Place, tuple[KnownTake, ...]]:
    from narration.deliver.writing import staged
    from narration.memory.takes import Takes
    from narration.pickups import load_pickups
    from narration.retake import takes_at

    plan, pickups, kept = await job.plan(), load_pickups(job.production.folder), Takes(job.store)
    found: dict[Place, tuple[KnownTake, ...]] = {}
    for place in places:
        found |= await takes_at(plan, place, pickups, kept)
    if save is not None:
        for place, one in ((place, one) for place, known in found.items() for one in known):
            if one.take is not None:
                sound = await kept.audio(one.take)
                with staged(save / f"{str(place).replace(':', '-')} take {one.reading.ordinal}.wav") as part:
                    part.write_bytes(sound)
    return found


def _row(place: Place, one: KnownTake) -> tuple[str, ...]:
    length = f"{one.take.measures.audio_s:.1f} s" if one.take else "not spoken"
    asked = [f"“{one.reading.say}”" if one.reading.say else "", one.reading.direction, one.reading.note]
    words = escape(", ".join(part for part in asked if part)) or ("first" if one.reading.ordinal == 0 else "as before")
    return str(place), str(one.reading.ordinal), "heard" if one.heard else "", length, words


def _record(place: Place, one: KnownTake) -> dict[str, object]:
    return {
        "line": str(place),
        "take": one.reading.ordinal,
        "heard": one.heard,
        "take_id": one.ask.take_id,
        "spoken": one.take is not None,
        "text": one.ask.text,
        "say": one.reading.say,
        "direction": one.reading.direction,
        "note": one.reading.note,
        "audio_s": one.take.measures.audio_s if one.take else None,
        "price_usd": one.take.price_usd if one.take else None,
        "created_at": one.take.created_at if one.take else None,
    }
