"""The `narrate` command: its groups put together, errors turned into messages and exit codes."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from typing import Annotated

import click
import typer

from flows.cli import console
from flows.cli.doctor_command import doctor
from flows.cli.init_command import init
from flows.cli.options import LogFile, Quiet, Verbose, environ
from flows.cli.plan_command import plan
from flows.cli.render_command import render
from flows.cli.sandbox_command import sandbox
from flows.cli.usage_command import usage
from flows.cli.voices_command import voices_app
from narration import __version__
from narration.errors import ExitCode, InputError, NarrationError

app = typer.Typer(
    name="narrate",
    help="Make a multi-voice audiobook from a manuscript and a cast sheet, and pay for nothing twice.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        console.result(f"narrate {__version__}")
        raise typer.Exit


@app.callback()
def everything(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Make a multi-voice audiobook from a manuscript and a cast sheet, and pay for nothing twice."""


app.command()(init)
app.command()(plan)
app.command()(render)
app.command()(usage)
app.add_typer(voices_app, name="voices")
app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(sandbox)
app.command()(doctor)


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with the code that says how it went."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: list[str]) -> int:
    """Run the command line.

    Args:
        argv: the arguments, without the program's name.

    Returns:
        The exit code.
    """
    console.start_logging()
    try:
        code = typer.main.get_command(app).main(args=argv, prog_name="narrate", standalone_mode=False)
    except NarrationError as error:
        _tell(error)
        return error.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        console.err.print("Interrupted. What was answered is kept; the same command goes on from there.")
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show(sys.stderr)
        return ExitCode.WRONG_INPUT
    except BrokenPipeError:
        # Whoever read our output has enough; that is not a failure of ours.
        sys.stderr.close()
        return ExitCode.DONE
    except Exception:  # noqa: BLE001 — the last line of defence: a bug is told as one, with its report on disk
        return _our_fault()
    return code if isinstance(code, int) else ExitCode.DONE


def _tell(error: NarrationError) -> None:
    logging.getLogger("narration.cli").debug("%s: %s", type(error).__name__, error)
    if isinstance(error, InputError):
        count = len(error.problems)
        console.err.print(f"[bold red]{'One mistake' if count == 1 else f'{count} mistakes'}:[/]")
        for problem in error.problems:
            console.err.print(f"  • {problem}", markup=False)
        return
    console.err.print(f"[bold red]{type(error).__name__}:[/] ", end="")
    console.err.print(error.what, markup=False)
    if error.hint:
        console.err.print(f"→ {error.hint}", markup=False)


def _our_fault() -> int:
    from flows.places import log_folder

    folder = log_folder(environ())
    path = folder / f"error-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(f"narrate {__version__}\n{traceback.format_exc()}", encoding="utf-8")
        where = f"The report is in {path}."
    except OSError:
        where = traceback.format_exc()
    console.err.print("[bold red]This is a bug of ours, not a mistake of yours.[/] ", end="")
    console.err.print(f"{where} What was paid for is kept.", markup=False)
    return ExitCode.OUR_FAULT
