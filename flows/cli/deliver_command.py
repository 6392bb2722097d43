"""`narrate deliver`: make the files of a book anew from what is in the store, and speak nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import completing, console
from flows.cli.options import (
    Chapters,
    Folder,
    Json,
    LogFile,
    Out,
    PresetName,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    environ,
    examples,
)
from flows.cli.outcome import show_summary
from narration.formats import Format

EXAMPLES = examples(
    "narrate deliver my-book --format mp3,m4b",
    "narrate deliver my-book --preset podcast --out podcast",
    "narrate deliver my-book --format all",
)


def deliver(
    folder: Folder = Path(),
    preset: PresetName = None,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="LIST",
            help=f"Any of {','.join(Format)}, or all; instead of `formats` in book.yaml.",
            show_default=False,
            autocompletion=completing.formats,
        ),
    ] = None,
    chapters: Chapters = None,
    profile: Profile = None,
    out: Out = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Make the finished files from the takes in the store. Speaks nothing and needs no key.

    A chapter whose takes and settings did not change is not made again, and a container whose chapters did not change
    is not packed again. Containers and companions are made from the whole book.
    """
    from flows.opening import Request, open_job
    from flows.progress import Progress
    from flows.rendering import render

    request = Request(
        folder=folder,
        profile=profile,
        chapters=chapters,
        out=out,
        store=store,
        preset=preset,
        formats=None if formats is None else _formats(formats),
    )
    variables = environ()
    job = open_job(request, variables, needs_key=False)
    plan = console.wait(job.plan())
    summary = console.wait(render(job, plan, variables, progress=Progress(plan=plan), buying=False))
    if json:
        console.show_json(summary.as_json())
    else:
        show_summary(summary, sandbox=job.settings.service.sandbox)
    raise typer.Exit(summary.exit_code)


def _formats(written: str) -> tuple[Format, ...]:
    """The formats of a list.

    Raises:
        InputError: there is no such format.
    """
    from narration.errors import InputError, Problem
    from narration.sheets import nearest

    names = [name.strip().lower() for name in written.split(",") if name.strip()]
    if names == ["all"]:
        return tuple(Format)
    known = tuple(Format)
    problems = [
        Problem(
            what=f"there is no format `{name}`",
            where="--format",
            expected=f"any of {','.join(known)}, or all",
            hint=nearest(name, known),
        )
        for name in names
        if name not in known
    ]
    if problems or not names:
        raise InputError(*(problems or [Problem(what="names no format", where="--format", expected="mp3,m4b, …")]))
    return tuple(found for found in Format if found in names)
