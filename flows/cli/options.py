"""Options that several commands share: spelled, explained and checked in one place."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from flows.cli import console

Folder = Annotated[
    Path,
    typer.Argument(
        help="The production: the folder with book.yaml. Default: the folder you are in.", show_default=False
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", "-p", help="Name or path of a profile; instead of the one in book.yaml.", show_default=False
    ),
]
Chapters = Annotated[
    str | None,
    typer.Option(
        "--chapters", "-c", help="Which chapters: numbers, ranges, titles (`1-3`, `2,5`, `4-`).", show_default=False
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="Folder or URL (s3://bucket/prefix) of the store. Default: `store` in NARRATION_HOME.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def _quiet(value: bool) -> bool:
    if value:
        console.settings.quiet = True
        logging.getLogger("narration").setLevel(logging.ERROR)
    return value


def _verbose(value: bool) -> bool:
    if value:
        console.settings.verbose = True
        logging.getLogger("narration").setLevel(logging.DEBUG)
    return value


def _log_file(value: Path | None) -> Path | None:
    if value is not None:
        console.log_to(value)
    return value


Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print results and errors only.", callback=_quiet, is_eager=True)
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print every step, retries included.", callback=_verbose, is_eager=True)
]
LogFile = Annotated[
    Path | None,
    typer.Option("--log-file", help="Write every step into this file.", callback=_log_file, show_default=False),
]


def environ() -> dict[str, str]:
    """The process's environment."""
    return dict(os.environ)
