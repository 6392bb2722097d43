"""What is printed, and where: results to standard output, everything else to standard error.

Invariant: with `--json`, standard output holds one JSON document and nothing else.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from narration.errors import InputError, Problem

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@dataclass(slots=True)
class Verbosity:
    """How much is said.

    Attributes:
        quiet: results and errors only.
        verbose: every step.
    """

    quiet: bool = False
    verbose: bool = False


settings = Verbosity()


def start_logging() -> None:
    """Send the program's own log records to standard error."""
    logger = logging.getLogger("narration")
    if not logger.handlers:
        handler = RichHandler(console=err, show_path=False, show_time=False, markup=False, rich_tracebacks=False)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
        logger.propagate = False


def log_to(path: Path) -> None:
    """Send every log record to a file as well.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise InputError(
            Problem(what=f"{path} cannot be written: {error.strerror}", where="--log-file", expected="a file's path")
        ) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("narration")
    for shown in logger.handlers:
        shown.setLevel(logger.level)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def say(text: str = "") -> None:
    """Print something for a person, unless quiet."""
    if not settings.quiet:
        out.print(text)


def result(text: str) -> None:
    """Print a result, also when quiet; plain, so that a pipe gets it whole."""
    sys.stdout.write(text + "\n")


def show_json(value: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def table(title: str, columns: Iterable[tuple[str, str]], rows: Iterable[Iterable[str]]) -> None:
    """Print a table, unless quiet.

    Args:
        title: above it.
        columns: heading and justification (`left`, `right`).
        rows: cells, in the order of the columns.
    """
    if settings.quiet:
        return
    grid = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for heading, justify in columns:
        grid.add_column(heading, justify="right" if justify == "right" else "left", overflow="fold")
    for row in rows:
        grid.add_row(*row)
    out.print(grid)


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, as a person reads them (`1 h 02 min`, `4 min 10 s`, `12 s`)."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


def money(usd: float) -> str:
    """An amount: to the cent, or finer where a cent hides it."""
    return f"${usd:.2f}" if usd == 0 or usd >= 1 else f"${usd:.4f}"
