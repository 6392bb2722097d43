"""What each exit code means, in words for a person; the codes themselves are `narration.errors.ExitCode`.

Invariant: every code has its words, and the README's table is made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from narration.errors import ExitCode

MEANINGS: Mapping[ExitCode, tuple[str, str]] = MappingProxyType(
    {
        ExitCode.DONE: ("done", "Nothing to do but listen."),
        ExitCode.OUR_FAULT: (
            "our fault",
            "A bug, or the store, the disk or ffmpeg failed. The path of a report is printed for a bug.",
        ),
        ExitCode.WRONG_INPUT: (
            "wrong input",
            "A mistake in a file, an option or the environment; all of them are listed, each with its place.",
        ),
        ExitCode.FINDINGS: (
            "finished with open findings",
            "The audiobook is there, and something in it wants a person: a text that the service refused, for one.",
        ),
        ExitCode.BUDGET: ("stopped by the budget", "Raise `budget_usd` or `--budget`, and run the same command again."),
        ExitCode.REFUSED: (
            "refused by the service",
            "Key, account, model, voice or text: the message says which, and what to do.",
        ),
        ExitCode.UNAVAILABLE: ("service unavailable", "Every retry failed; run the same command again later."),
        ExitCode.WINDOW: ("stopped by the time window", "The rest is for the next window."),
        ExitCode.INTERRUPTED: ("interrupted", "Ctrl-C; the same command goes on from there."),
    }
)


def help_lines() -> str:
    """The codes on one paragraph, for `narrate --help`."""
    codes = [f"{int(code)} {words}" for code, (words, _) in MEANINGS.items()]
    return "Exit codes: " + ", ".join(codes) + "."


def table() -> str:
    """The codes as a Markdown table, for the README."""
    rows = [f"| {int(code)} | {words} | {what} |" for code, (words, what) in MEANINGS.items()]
    return "\n".join(["| code | means | what then |", "|---|---|---|", *rows]) + "\n"
