"""What is printed, and where: results to standard output, everything else to standard error.

Invariant: with `--json`, standard output holds one JSON document and nothing else. Nothing is wrapped in a pipe, and
a path is never broken, not even on a narrow terminal.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from narration.errors import Interrupted

_T = TypeVar("_T")

GOES_ON = "The same command goes on from there and pays for nothing twice."
"""What a person who stopped a run wants to hear."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Whoever read us has enough (`| head`): say nothing more, and finish; rich would end the process as failed."""
        self.quiet = True
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, self.file.fileno())
        os.close(devnull)


out = _Console(highlight=False)
err = _Console(stderr=True, highlight=False)


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


def say(text: str = "") -> None:
    """Print something for a person, unless quiet. Rich markup; what is not ours goes through `escape`."""
    if not settings.quiet:
        _print(out, text)


def tell(text: str) -> None:
    """Print something beside the result: on standard error, also when quiet."""
    _print(err, text)


def _print(console: Console, text: str) -> None:
    styled = Text.from_markup(text)
    for line in _wrapped(styled, console.width) if console.is_terminal else [styled]:
        console.print(line, soft_wrap=True)


def _wrapped(text: Text, width: int) -> Iterable[Text]:
    """Lines of whole words; a word that is longer than a line stays whole, so that a path can be copied."""
    offsets, used = [], 0
    for word in re.finditer(r"\S+\s*", text.plain):
        length = cell_len(word[0].rstrip())
        if used and used + length > width:
            offsets.append(word.start())
            used = 0
        used += cell_len(word[0]) + (word.start() if not used and not offsets else 0)
    lines = text.divide(offsets)
    for line in lines:
        line.rstrip()
    return lines


def result(text: str) -> None:
    """Print a result, also when quiet; plain and whole on a line of its own."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        out.on_broken_pipe()


def show_json(value: object) -> None:
    """Print one JSON document."""
    result(json.dumps(value, ensure_ascii=False, indent=2))


def wait(work: Coroutine[object, object, _T]) -> _T:
    """Run something asynchronous to its end.

    Raises:
        Interrupted: the user stopped it.
    """
    import asyncio

    found: list[_T] = []

    async def noted() -> None:
        found.append(await work)

    try:
        # The loop's task returns nothing: as it gives Ctrl-C back, Python spells out the task with its result, and the
        # plan of a long book is long.
        asyncio.run(noted())
        return found[0]
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        raise Interrupted("Stopped at once. What was answered is kept.", GOES_ON) from error


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, as a person reads them (`1 h 02 min`, `4 min 10 s`, `12 s`)."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


def money(usd: float) -> str:
    """An amount: to the cent, or finer where a cent hides it."""
    return f"${usd:,.2f}" if usd == 0 or usd >= 1 else f"${usd:.4f}"


def count(number: int, thing: str, things: str = "") -> str:
    """A number of things, in words that fit it (`1 voice`, `6 voices`)."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
