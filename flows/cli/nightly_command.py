"""`narrate nightly`: render what is new or changed on a shelf of books, and stop when the window closes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.options import (
    Json,
    LogFile,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    environ,
    examples,
)
from flows.cli.tables import Column, table
from flows.cli.unattended import interruptible, server_answers, server_is_named

if TYPE_CHECKING:
    from flows.endings import BookOfNight, NightSummary
    from flows.night import Night

EXAMPLES = examples(
    "narrate nightly shelf --window 22:00-06:00 --budget 20",
    "narrate nightly shelf --window 22:00-06:00 --zone Europe/Vienna --out audiobooks",
)


def nightly(
    shelf: Annotated[
        Path,
        typer.Argument(
            metavar="SHELF",
            help="A folder of productions: each folder in it that has a book.yaml. Default: where you are.",
            show_default=False,
        ),
    ] = Path(),
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            metavar="HH:MM-HH:MM",
            help="When buying is allowed, across midnight if it must be (22:00-06:00). Default: always.",
            show_default=False,
        ),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone",
            metavar="NAME",
            help="Whose clock the window goes by, such as Europe/Vienna. Default: this machine's.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            min=0.0,
            metavar="USD",
            help="The most that all books together may cost this night; `budget_usd` of each book holds as well.",
            show_default=False,
        ),
    ] = None,
    profile: Profile = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Where the audiobooks go, each in a folder of its own. Default: out/ in each production.",
            show_default=False,
        ),
    ] = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Render what is new or changed on a shelf of books.

    The highest `priority` of book.yaml goes first. A book with nothing to speak and its files in place is left alone;
    one that fails stops no other. When the window closes, what is in flight is finished, and the next night goes on
    from there. Exits with the gravest of its books' codes.

    With PREFECT_API_URL set it is a flow run on that server, with a run for each book in it.
    """
    from flows.night import Night, NightRequest
    from narration.window import read_window

    request = NightRequest(
        shelf=shelf,
        window=read_window(window, zone or "") if window else None,
        budget_usd=budget,
        profile=profile,
        store=store,
        out=out,
    )
    summary = console.wait(_worked(Night(request=request, environ=environ())))
    if json:
        console.show_json(summary.as_json())
    else:
        _show(summary)
    raise typer.Exit(summary.exit_code)


async def _worked(night: Night) -> NightSummary:
    with interruptible(night.stop):
        if server_is_named() and await server_answers():
            from flows.nightly import nightly_watched

            return await nightly_watched(night)
        return await night.work()


def _show(summary: NightSummary) -> None:
    if not summary.books:
        console.say("There is no production on this shelf: no folder in it has a book.yaml.")
        return
    table(
        (
            Column(heading="book", gives_way=True),
            Column(heading="became"),
            Column(heading="spoken", right=True),
            Column(heading="cost", right=True),
            Column(heading="exit", right=True),
        ),
        [_cells(book) for book in summary.books],
    )
    console.say()
    cap = f" of {console.money(summary.budget_usd)}" if summary.budget_usd is not None else ""
    console.say(f"Spent this night: {console.money(summary.committed_usd)}{cap}.")
    said: set[str] = set()
    for book in summary.books:
        if book.error is not None and str(book.error) not in said:
            said.add(str(book.error))
            console.tell(f"[bold red]{escape(str(book.folder))}:[/] {escape(str(book.error))}")
        elif book.error is None and book.exit_code:
            console.tell(f"[yellow]{escape(str(book.folder))}:[/] finished, with something to look at in its report.")
    if summary.stopped is not None and str(summary.stopped) not in said:
        console.tell(f"[yellow]stopped:[/] {escape(str(summary.stopped))}")


def _cells(book: BookOfNight) -> tuple[str, ...]:
    spoken = f"{book.summary.chunks_spoken:,}" if book.summary is not None else ""
    return (book.title, str(book.became), spoken, console.money(book.committed_usd), str(int(book.exit_code)))
