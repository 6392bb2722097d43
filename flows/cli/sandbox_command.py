"""`narrate sandbox`: the offline speech service, standing alone.

It becomes the sandbox's own process, whose engine (GPL) is never loaded into ours; its options are its own.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import typer

from flows.cli import console
from flows.cli.options import LogFile, Quiet, Version, environ
from narration.errors import ToolError

_EXTRA = ("starlette", "uvicorn", "espeakng_loader", "soxr")
"""What the extra `sandbox` installs."""


def sandbox(context: typer.Context, quiet: Quiet = False, log_file: LogFile = None, version: Version = False) -> None:
    """Serve the offline speech service until stopped.

    Any key that begins with `sk-` is welcome, and nothing costs money. `narrate sandbox --help` lists its options,
    faults and limits included.
    """
    from flows.places import sandbox_state

    if any(importlib.util.find_spec(name) is None for name in _EXTRA):
        raise ToolError("The sandbox is not installed.", "Install it: pip install 'narrate[sandbox]'")
    given = list(context.args)
    if not any(argument == "--state" or argument.startswith("--state=") for argument in given):
        given += ["--state", str(sandbox_state(environ()))]
    if (console.settings.verbose or log_file is not None) and "--verbose" not in given:
        given.append("--verbose")
    argv = [sys.executable, "-m", "narration.sandbox", *given]
    if log_file is not None:
        with log_file.open("ab") as file:
            os.dup2(file.fileno(), 2)
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(sys.executable, argv)  # noqa: S606 — no shell is wanted: the process turns into the sandbox
    raise typer.Exit(subprocess.run(argv, check=False).returncode)
