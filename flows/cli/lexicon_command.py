"""`narrate lexicon …`: words that are to be said otherwise than they are written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.options import Folder, Json, LogFile, Quiet, Verbose, Version, examples
from flows.cli.tables import Column, table
from narration.errors import ExitCode, InputError, Problem

if TYPE_CHECKING:
    from narration.book import Book, ChapterScript
    from narration.cast import Cast
    from narration.lexicon import Entry, Lexicon
    from narration.lexicon.use import Use
    from narration.name_words import NameWord
    from narration.production import Production

lexicon_app = typer.Typer(
    help="The words that are to be said otherwise than they are written.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Pls = Annotated[
    Path, typer.Argument(metavar="FILE", help="A W3C pronunciation lexicon (PLS, XML).", show_default=False)
]


@lexicon_app.callback()
def lexicon(
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """The words that are to be said otherwise than they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A production with its lexicon."""

    production: Production
    cast: Cast
    path: Path
    text: str
    lexicon: Lexicon

    def book(self) -> Book:
        from narration.manuscript import read_manuscript

        return read_manuscript(self.production.manuscript, language=self.production.language)

    def scripts(self) -> tuple[ChapterScript, ...]:
        from narration.script import script_chapter

        language = self.production.language
        return tuple(script_chapter(chapter, self.cast, language=language) for chapter in self.book().chapters)

    def write(self, text: str) -> None:
        """Replace the lexicon's text by a longer one, once that is read back and holds nothing wrong."""
        from narration.lexicon.sheet import read_lexicon

        try:
            read_lexicon(text, self.cast, self.path.name)
        except InputError as error:
            hint = "Nothing was changed. Write its entries one below the other, each with a dash."
            what = "nothing can be added at the end of this file"
            raise InputError(Problem(what=what, where=str(self.path), hint=hint), *error.problems) from error
        _write(self.path, text)


def _write(path: Path, text: str) -> None:
    from narration.folder import write_whole

    try:
        write_whole(path, text.encode(), create=False)
    except OSError as error:
        raise InputError(Problem(what=f"cannot be written: {error.strerror or error}", where=str(path))) from error


def _open(folder: Path) -> _Opened:
    from narration.lexicon import LEXICON_FILE
    from narration.lexicon.sheet import load_lexicon
    from narration.production import load
    from narration.sheets import read_text

    production, cast = load(folder)
    path = production.lexicon or production.folder / LEXICON_FILE
    lexicon = load_lexicon(path, cast, language=production.language)
    text = read_text(path, path.name) if path.exists() else ""
    return _Opened(production=production, cast=cast, path=path, text=text, lexicon=lexicon)


@lexicon_app.command(
    "suggest",
    epilog=examples("narrate lexicon suggest my-book", "narrate lexicon suggest my-book --least 5 --write"),
)
def suggest(
    folder: Folder = Path(),
    least: Annotated[int, typer.Option("--least", min=1, metavar="N", help="Leave out what is spoken less often.")] = 2,
    most: Annotated[int, typer.Option("--most", min=1, metavar="N", help="Propose so many words at the most.")] = 40,
    write: Annotated[
        bool, typer.Option("--write", help="Add them to lexicon.yaml, as comments to be taken up.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """List invented and foreign names, by how often they are spoken.

    Those with accents, apostrophes or hyphens come first. What is in the lexicon is left out, and so is a word that the
    book also writes in small letters.
    """
    from narration.name_words import name_words

    opened = _open(folder)
    every = name_words(opened.book(), known=[entry.word for entry in opened.lexicon.entries])
    names = [name for name in every if name.count >= least][:most]
    added = _propose(opened, names) if write else 0
    if json:
        record: dict[str, object] = {"words": [_name_record(name) for name in names]}
        console.show_json(record | ({"added": added} if write else {}))
        return
    if not names:
        console.say("No name in this book that the lexicon does not have, or that stands often enough (`--least`).")
        return
    table(
        (
            Column(heading="word"),
            Column(heading="spoken", right=True),
            Column(heading="marked by"),
            Column(heading="example", gives_way=True),
        ),
        [(name.word, f"{name.count:,}", ", ".join(name.marks), name.example) for name in names],
    )
    if write:
        console.say(f"{console.count(added, 'proposal')} added to {escape(str(opened.path))}, as comments.")
        if added:
            console.say("Take away the # of a line and say how the word sounds; the rest counts for nothing.")
    else:
        console.say("`--write` adds them to lexicon.yaml, as comments.")


def _propose(opened: _Opened, names: list[NameWord]) -> int:
    from narration.lexicon.text import added_to, new_proposals

    notes = [(name.word, f"{console.count(name.count, 'time')}: {name.example}") for name in names]
    lines = new_proposals(opened.text, notes)
    if lines:
        comment = "Proposed by `narrate lexicon suggest`."
        opened.write(added_to(opened.text, lines, comment=comment, sign="# - "))
    return len(lines)


def _name_record(name: NameWord) -> dict[str, object]:
    return {
        "word": name.word,
        "count": name.count,
        "marks": list(name.marks),
        "example": name.example,
        "chapter": name.chapter,
    }


@lexicon_app.command("check", epilog=examples("narrate lexicon check my-book", "narrate lexicon check --json"))
def check(
    folder: Folder = Path(),
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Show each entry with how often it is used in the book, and those that never are."""
    from narration.lexicon.use import uses

    opened = _open(folder)
    found = uses(opened.lexicon, opened.scripts())
    if json:
        console.show_json({"file": str(opened.path), "entries": [_use_record(use) for use in found]})
        return
    if not found:
        console.say(f"No entry: {escape(str(opened.path))} {'is empty' if opened.path.exists() else 'is not there'}.")
        return
    table(
        (
            Column(heading="word"),
            Column(heading="say"),
            Column(heading="used", right=True),
            Column(heading="scope", gives_way=True),
        ),
        [(use.entry.word, use.entry.say or "(silent)", f"{use.count:,}", _scope(use.entry)) for use in found],
    )
    for use in found:
        if not use.count:
            tail = f" {use.hint}" if use.hint else ""
            console.tell(escape(f"{use.entry.source}: “{use.entry.word}” is never used.{tail}"))


def _scope(entry: Entry) -> str:
    parts = [
        f"in {entry.context}" if entry.context else "",
        f"who: {', '.join(entry.who)}" if entry.who else "",
        f"chapters {', '.join(map(str, entry.chapters))}" if entry.chapters else "",
        f"at {', '.join(entry.at)}" if entry.at else "",
        f"language {entry.lang}" if entry.lang else "",
        "any case" if entry.ci else "",
    ]
    return "; ".join(part for part in parts if part)


def _use_record(use: Use) -> dict[str, object]:
    entry = use.entry
    return {
        "word": entry.word,
        "say": entry.say,
        "source": entry.source,
        "scope": _scope(entry),
        "used": use.count,
        "first": use.first,
        "hint": use.hint,
    }


@lexicon_app.command("import", epilog=examples("narrate lexicon import names.pls my-book"))
def import_pls(
    file: _Pls,
    folder: Folder = Path(),
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Add the aliases of a W3C pronunciation lexicon to lexicon.yaml.

    An entry of yours is kept as it is. One of theirs that has only a phoneme cannot be used by the service: each is
    told, and the command ends with status 3.
    """
    from narration.lexicon.pls import new_entries, read_pls
    from narration.lexicon.text import added_to, entry_line

    opened = _open(folder)
    reading = read_pls(file, label=file.name)
    news = new_entries(opened.lexicon, reading.entries)
    if news.added:
        lines = [entry_line(entry) for entry in news.added]
        opened.write(added_to(opened.text, lines, comment=f"From {file.name}."))
    if json:
        record = {
            "added": [entry.word for entry in news.added],
            "there": [entry.word for entry in news.there],
            "kept": [entry.word for entry in news.kept],
            "unusable": [str(problem) for problem in reading.unusable],
        }
        console.show_json(record)
    else:
        console.say(f"{console.count(len(news.added), 'entry', 'entries')} added to {escape(str(opened.path))}.")
        if news.there:
            console.say(f"{console.count(len(news.there), 'entry', 'entries')} there already.")
        for entry in news.kept:
            console.say(escape(f"“{entry.word}”: yours was kept, theirs says “{entry.say}” ({entry.source})."))
        for problem in reading.unusable:
            console.tell(f"unusable: {escape(str(problem))}")
    if reading.unusable:
        raise typer.Exit(ExitCode.FINDINGS)


@lexicon_app.command("export", epilog=examples("narrate lexicon export names.pls my-book"))
def export_pls(
    file: _Pls,
    folder: Folder = Path(),
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Write the lexicon as a W3C pronunciation lexicon, for other programs.

    Entries for certain speakers, chapters, places, contexts or other languages have no form there, and are told.
    """
    from narration.lexicon.pls import write_pls

    if file.is_dir():
        expected = "`narrate lexicon export FILE [DIR]`"
        raise InputError(Problem(what=f"{file} is a folder, and not a file to write", where="FILE", expected=expected))
    opened = _open(folder)
    writing = write_pls(opened.lexicon.entries, language=opened.production.language)
    _write(file, writing.text)
    left_out = [f"{entry.source}: “{entry.word}”" for entry in writing.left_out]
    written = len(opened.lexicon.entries) - len(left_out)
    if json:
        console.show_json({"file": str(file), "written": written, "left_out": left_out})
        return
    console.say(f"{console.count(written, 'entry', 'entries')} written to {escape(str(file))}.")
    for entry in left_out:
        console.tell(escape(f"left out, for its scope: {entry}"))
