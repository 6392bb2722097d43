"""The `narrate` command: its groups put together, errors turned into messages and exit codes."""

from __future__ import annotations

import gc
import logging
import sys
import time
import traceback

import typer
from rich.markup import escape
from typer.core import TyperGroup

from flows.cli import (
    account_command,
    audition_command,
    cast_command,
    chapters_command,
    check_command,
    choice_command,
    console,
    deliver_command,
    doctor_command,
    exit_codes,
    hear_command,
    housekeeping_command,
    init_command,
    lexicon_command,
    logs,
    nightly_command,
    pickups_command,
    plan_command,
    recover_command,
    render_command,
    report_command,
    retake_command,
    sandbox_command,
    script_command,
    serve_command,
    signoff_command,
    store_command,
    takes_command,
    usage_command,
    voices_command,
)
from flows.cli.options import LogFile, Quiet, Verbose, Version, environ
from narration import __version__
from narration.errors import ExitCode, InputError, NarrationError

COMMANDS = (
    "init",
    "chapters",
    "cast",
    "script",
    "lexicon",
    "audition",
    "voices",
    "plan",
    "render",
    "nightly",
    "serve",
    "deliver",
    "check",
    "hear",
    "report",
    "pickups",
    "retake",
    "takes",
    "signoff",
    "recover",
    "usage",
    "housekeeping",
    "store",
    "doctor",
    "sandbox",
)
"""In the order in which a person meets them."""


class _InOrder(TyperGroup):
    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The commands in our order."""
        del ctx
        return [name for name in COMMANDS if name in self.commands]


_SUMMARY = "Make a multi-voice audiobook from a manuscript and a cast sheet, and pay for nothing twice."
_START = """\b
Start, offline and free:
  narrate init my-book --manuscript my-book.md   make the folder of a book
  narrate cast my-book --write                   find who speaks
  narrate plan my-book                           what it would make, and cost
  narrate render my-book                         make it

\b
With a real key:
  narrate doctor --profile international         is everything there?

\b
Tab completes names:
  narrate --install-completion"""

app = typer.Typer(
    name="narrate",
    cls=_InOrder,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


@app.callback(help=_SUMMARY, epilog=f"{_START}\n\n{exit_codes.help_lines()}")
def everything(
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Take the options that stand before the command's name."""


app.command(epilog=init_command.EXAMPLES)(init_command.init)
app.command(epilog=chapters_command.EXAMPLES)(chapters_command.chapters)
app.command(epilog=cast_command.EXAMPLES)(cast_command.cast)
app.command(epilog=script_command.EXAMPLES)(script_command.script)
app.command(epilog=audition_command.EXAMPLES)(audition_command.audition)
app.command(epilog=plan_command.EXAMPLES)(plan_command.plan)
app.command(epilog=render_command.EXAMPLES)(render_command.render)
app.command(epilog=nightly_command.EXAMPLES)(nightly_command.nightly)
app.command(epilog=serve_command.EXAMPLES)(serve_command.serve)
app.command(epilog=deliver_command.EXAMPLES)(deliver_command.deliver)
app.command(epilog=check_command.EXAMPLES)(check_command.check)
app.command(epilog=hear_command.EXAMPLES)(hear_command.hear)
app.command(epilog=report_command.EXAMPLES)(report_command.report)
app.command(epilog=retake_command.EXAMPLES)(retake_command.retake)
app.command(epilog=signoff_command.EXAMPLES)(signoff_command.signoff)
app.command(epilog=recover_command.EXAMPLES)(recover_command.recover)
app.command(epilog=usage_command.EXAMPLES)(usage_command.usage)
app.command(epilog=housekeeping_command.EXAMPLES)(housekeeping_command.housekeeping)
app.command(epilog=doctor_command.EXAMPLES)(doctor_command.doctor)
app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    sandbox_command.sandbox
)
app.add_typer(lexicon_command.lexicon_app, name="lexicon")
app.add_typer(pickups_command.pickups_app, name="pickups")
app.add_typer(takes_command.takes_app, name="takes")
app.add_typer(store_command.store_app, name="store")
# The modules of the group register their commands where they are imported.
VOICES = (voices_command, choice_command, account_command)
app.add_typer(voices_command.voices_app, name="voices")

GARBAGE_FROM = 20_000
"""So many new objects before the collector looks at them: modules that are loaded, and a book that is read, are kept,
and looking at them every 700 (Python's own number) is a twentieth of what it takes to start."""


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
    gc.set_threshold(GARBAGE_FROM)
    console.settings.quiet = console.settings.verbose = False
    with logs.listening():
        return int(_run(argv))


def _run(argv: list[str]) -> int:
    try:
        code = typer.main.get_command(app).main(args=argv, prog_name="narrate", standalone_mode=False)
    except NarrationError as error:
        _tell(error)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        console.tell("Interrupted.")
        return ExitCode.INTERRUPTED
    except typer.TyperException as error:
        _tell_usage(error, argv)
        return ExitCode.WRONG_INPUT
    except Exception:  # noqa: BLE001 — the last line of defence: a bug is told as one, with its report on disk
        return _our_fault()
    return code if isinstance(code, int) else ExitCode.DONE


def _tell(error: NarrationError) -> None:
    logging.getLogger("narration.cli").debug("%s: %s", type(error).__name__, error)
    if isinstance(error, InputError):
        count = len(error.problems)
        console.tell(f"[bold red]{'One mistake' if count == 1 else f'{count} mistakes'}:[/]")
        for problem in error.problems:
            console.tell(f"  • {escape(str(problem))}")
        return
    console.tell(f"[bold red]error:[/] {escape(error.what)}")
    if error.hint:
        console.tell(f"→ {escape(error.hint)}")


def _tell_usage(error: typer.TyperException, argv: list[str]) -> None:
    """A mistake in the command line itself; without a command at all, its help."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(error.format_message() + "\n")
        return
    console.tell(f"[bold red]error:[/] {escape(error.format_message())}")
    console.tell(f"→ {context.command_path if context else _meant(argv)} --help")


def _meant(argv: list[str]) -> str:
    """The command that was typed, as far as it is one."""
    path = ["narrate"]
    below: object = typer.main.get_command(app)
    for word in argv:
        below = getattr(below, "commands", {}).get(word)
        if below is None:
            break
        path.append(word)
    return " ".join(path)


def _our_fault() -> int:
    from flows.places import log_folder

    folder = log_folder(environ())
    path = folder / f"error-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(f"narrate {__version__}\n{traceback.format_exc()}", encoding="utf-8")
        where = f"The report is in {path}"
    except OSError:
        where = traceback.format_exc()
    console.tell("[bold red]This is a bug of ours, not a mistake of yours.[/] What was paid for is kept.")
    console.tell(escape(where))
    return ExitCode.OUR_FAULT
