"""Where the program's own log records go: to the terminal, and to a file with `--log-file`.

Invariant: what one command was told about logging ends with it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape

from flows.cli import console
from narration.errors import InputError, Problem

_LOGGER = logging.getLogger("narration")
_handlers: list[logging.Handler] = []
"""Of the running command: the terminal's first."""


class _OnTerminal(logging.Handler):
    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out what the summary says of each chapter anyway, unless every step is wanted."""
        return bool(super().filter(record)) and (console.settings.verbose or record.name != "narration.render")

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record on standard error, where a progress bar makes room for it."""
        style = "yellow" if record.levelno >= logging.WARNING else "dim"
        console.tell(f"[{style}]{record.levelname.lower()}:[/] {escape(record.getMessage())}")


@contextmanager
def listening() -> Iterator[None]:
    """Print warnings and worse, until the block ends."""
    before = (_LOGGER.level, _LOGGER.propagate)
    _LOGGER.propagate = False
    _add(_OnTerminal(), logging.WARNING)
    try:
        yield
    finally:
        while _handlers:
            handler = _handlers.pop()
            _LOGGER.removeHandler(handler)
            handler.close()
        _LOGGER.setLevel(before[0])
        _LOGGER.propagate = before[1]


def print_from(level: int) -> None:
    """Print records of this level and worse on the terminal."""
    if _handlers:
        _handlers[0].setLevel(level)
    _hear()


def log_to(path: Path) -> None:
    """Send every record to a file as well.

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
    _add(handler, logging.DEBUG)


def _add(handler: logging.Handler, level: int) -> None:
    handler.setLevel(level)
    _LOGGER.addHandler(handler)
    _handlers.append(handler)
    _hear()


def _hear() -> None:
    _LOGGER.setLevel(min(handler.level for handler in _handlers) if _handlers else logging.WARNING)
