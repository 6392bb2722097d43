"""`narrate sandbox`: the offline speech service, standing alone.

It becomes the sandbox's own process, whose engine (GPL) is never loaded into ours; its options are its own.
"""

from __future__ import annotations

import os
import subprocess
import sys

import typer

from flows.cli.options import environ


def sandbox(context: typer.Context) -> None:
    """Serve the offline speech service until stopped; any key that begins with `sk-` is welcome, nothing costs money.

    Options are the sandbox's own: `narrate sandbox --help` lists them all, faults and limits included.
    """
    from flows.places import sandbox_state

    given = list(context.args)
    if not any(argument == "--state" or argument.startswith("--state=") for argument in given):
        given += ["--state", str(sandbox_state(environ()))]
    argv = [sys.executable, "-m", "narration.sandbox", *given]
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(sys.executable, argv)  # noqa: S606 — no shell is wanted: the process turns into the sandbox
    raise typer.Exit(subprocess.run(argv, check=False).returncode)
