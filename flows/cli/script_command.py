"""`narrate script`: who says what, as text files that a person corrects and that survive every re-run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.options import (
    Budget,
    Chapters,
    Folder,
    Json,
    LogFile,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    Yes,
    environ,
    examples,
)
from flows.cli.plan_command import strangers_notes
from flows.cli.tables import Column, table

if TYPE_CHECKING:
    from narration.script.binding import Bound
    from narration.write_script import Written

EXAMPLES = examples(
    "narrate script my-book              write script/01.txt … or bring them up to date",
    "narrate script my-book --explain    with the evidence for each speaker, as comments",
    "narrate script my-book --check      only see whether they fit the manuscript",
    "narrate script my-book --ask-model --profile international --budget 1",
)

_MOST_REMOVED = 6

Explain = Annotated[
    bool, typer.Option("--explain", help="Write above each quotation, as a comment, what its speaker rests on.")
]
Check = Annotated[
    bool, typer.Option("--check", help="Write nothing; exit with 2 and a difference where a script does not fit.")
]
AskModel = Annotated[
    bool,
    typer.Option(
        "--ask-model", help="Ask a language model who speaks the doubtful lines; shows what it costs at the most."
    ),
]


def script(
    folder: Folder = Path(),
    chapters: Chapters = None,
    explain: Explain = False,
    check: Check = False,
    ask_model: AskModel = False,
    profile: Profile = None,
    store: StoreOption = None,
    budget: Budget = None,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Write who says what into script/, or bring it up to date.

    One file for each chapter. `Name:` before a line gives it to somebody, `Name?:` asks for a look; take the `?` away
    and the line stays as it is, in every later run. `narrate plan` and `render` read these files.

    With --ask-model a language model is asked about the lines with a `?`. It can only pick names of the cast sheet, and
    no question is ever paid for twice.
    """
    from narration.errors import InputError, Problem
    from narration.manuscript import read_manuscript
    from narration.production import load
    from narration.script_files import bound_scripts
    from narration.selection import select_chapters
    from narration.write_script import write_scripts

    if check and ask_model:
        raise InputError(Problem(what="one or the other", where="--check and --ask-model"))
    production, cast = load(folder)
    book = read_manuscript(production.manuscript, language=production.language)
    selection = chapters or production.chapters
    selected = select_chapters(selection, book) if selection else None
    if check:
        found = bound_scripts(production.folder, book, cast, chapters=selected)
        _show_check(found, json=json)
        return
    if ask_model:
        from flows.asking import open_ask_job
        from flows.cli.asking import asked_and_written, written_json

        variables = environ()
        job = open_ask_job(
            production,
            cast,
            book,
            variables,
            chapters=selected,
            profile=profile,
            store=store,
            budget_usd=budget,
        )
        written, facts, error = asked_and_written(job, folder, variables, explain=explain, yes=yes, json=json)
        if json:
            console.show_json(written_json(written, facts))
        else:
            _show(written, production.folder)
        if error is not None:
            raise error
        return
    written = write_scripts(production, cast, book, chapters=selected, explain=explain)
    if json:
        console.show_json(asdict(written))
    else:
        _show(written, production.folder)


def _show_check(found: dict[int, Bound], *, json: bool) -> None:
    scripts = {number: bound.script for number, bound in found.items()}
    lines = sum(len(script.lines) for script in scripts.values())
    doubtful = sum(script.doubtful for script in scripts.values())
    if json:
        facts = [
            {"number": number, "lines": len(script.lines), "doubtful": script.doubtful}
            for number, script in scripts.items()
        ]
        console.show_json({"chapters": facts})
        return
    console.say(
        f"{console.count(len(scripts), 'script')} with {console.count(lines, 'line')}, {doubtful} with a `?`: "
        "word for word the manuscript."
    )


def _show(written: Written, folder: Path) -> None:
    table(
        (
            Column(heading="", right=True),
            Column(heading="chapter", gives_way=True),
            Column(heading="lines", right=True),
            Column(heading="?", right=True),
            Column(heading="kept", right=True),
            Column(heading="changed", right=True),
            Column(heading="new", right=True),
            Column(heading="removed", right=True),
            Column(heading="file"),
        ),
        [
            (
                str(one.number),
                one.title or "—",
                str(one.lines),
                str(one.doubtful or ""),
                str(one.kept or ""),
                str(one.edited + one.reattributed or ""),
                str(one.added or ""),
                str(len(one.removed) or ""),
                one.state,
            )
            for one in written.chapters
        ],
    )
    _say_removed(written)
    for note in strangers_notes(written.strangers):
        console.say(note)
    doubtful = sum(one.doubtful for one in written.chapters)
    if doubtful:
        console.say(
            f"{console.count(doubtful, 'line')} with a `?` to be looked at: write the right name there, "
            "and take the `?` away."
        )
    console.result(str(folder / "script"))


def _say_removed(written: Written) -> None:
    gone = [(one.file, text) for one in written.chapters for text in one.removed]
    for file, text in gone[:_MOST_REMOVED]:
        shown = text if len(text) <= 80 else text[:79] + "…"
        console.tell(f"[yellow]no longer in the manuscript:[/] {escape(f'{file}: {shown}')}")
    if len(gone) > _MOST_REMOVED:
        console.tell(f"… and {len(gone) - _MOST_REMOVED} more; what somebody had decided is kept as `; removed:`")
    for name in written.set_aside:
        console.tell(f"[yellow]no longer in the manuscript:[/] the chapter of {escape(name)}, which was set aside")
