"""Options that several commands share: spelled, explained and checked in one place.

Invariant: `--quiet`, `--verbose`, `--log-file` and `--version` mean the same before and after the name of a command.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from flows.cli import completing, console, logs
from narration import __version__

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR", help="The production: the folder with book.yaml. Default: where you are.", show_default=False
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        help="sandbox, international, china, or the path of a TOML file; instead of `profile` in book.yaml.",
        show_default=False,
        autocompletion=completing.profiles,
    ),
]
Chapters = Annotated[
    str | None,
    typer.Option(
        "--chapters",
        "-c",
        metavar="WHICH",
        help="Numbers, ranges or titles: 1-3, or 2,5, or 4-. Default: the whole book.",
        show_default=False,
        autocompletion=completing.chapters,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="DIR", help="Where the audiobook goes. Default: out/ in DIR.", show_default=False
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="PLACE",
        help="Folder or URL (s3://bucket/prefix) of the store. Default: store/ in NARRATION_HOME.",
        show_default=False,
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget",
        min=0.0,
        metavar="USD",
        help="The most that this run may spend; `budget_usd` of the book holds as well.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def _quiet(value: bool) -> bool:
    if value:
        console.settings.quiet = True
        logs.print_from(logging.ERROR)
    return value


def _verbose(value: bool) -> bool:
    if value:
        console.settings.verbose = True
        logs.print_from(logging.INFO)
    return value


def _log_file(value: Path | None) -> Path | None:
    if value is not None:
        logs.log_to(value)
    return value


def _version(value: bool) -> None:
    if value:
        console.result(f"narrate {__version__}")
        raise typer.Exit


Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print results and errors only.", callback=_quiet, is_eager=True)
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print every step, retries included.", callback=_verbose, is_eager=True)
]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log-file",
        metavar="FILE",
        help="Write every step into this file.",
        callback=_log_file,
        is_eager=True,
        show_default=False,
    ),
]
Version = Annotated[
    bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
]


PresetName = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="acx, podcast, audiobookshelf, none, or the path of a TOML file; instead of `preset` in book.yaml.",
        show_default=False,
        autocompletion=completing.presets,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before spending.")]
Lines = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DIR] LINE…",
        help="Chapter and line, 3:17; 3:17.2 is the second part. Before them the production, if you are not in it.",
        show_default=False,
    ),
]
"""A production and lines in it; `folder_and_lines` tells them apart."""


def environ() -> dict[str, str]:
    """The process's environment."""
    return dict(os.environ)


def examples(*lines: str) -> str:
    """The end of a command's help: lines to copy."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
