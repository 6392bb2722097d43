"""`narrate cast`: who speaks in the book, and a cast sheet that says so."""

from __future__ import annotations

import csv
import dataclasses
import io
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.options import Folder, Json, LogFile, Quiet, Verbose, Version, examples
from flows.cli.tables import Column, table
from narration.errors import InputError, Problem

if TYPE_CHECKING:
    from narration.book import Book
    from narration.cast import Cast
    from narration.discovery import Discovery, Proposal
    from narration.sheets import Sheet

EXAMPLES = examples(
    "narrate cast my-book",
    "narrate cast my-book --write",
    "narrate cast my-book --draft-voices --write",
    "narrate cast my-book --json | jq '.unfound[].text'",
)
_MOST_SHOWN = 8
"""Rows of a list that a person reads on; `--verbose` and `--json` have all."""
_MOST_CHARS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the files say, and what the book says.

    Attributes:
        path: of the cast sheet, whether it is there or not.
        text: the cast sheet as it is, or as `narrate init` would write it.
        is_new: there is no such file yet.
        table: it is a table, which is never rewritten.
        discovery, proposal: of the book.
    """

    path: Path
    text: str
    encoding: str
    is_new: bool
    is_table: bool
    discovery: Discovery
    proposal: Proposal


def cast(
    folder: Folder = Path(),
    write: Annotated[
        bool,
        typer.Option("--write", help="Put the new characters into the cast sheet; what stands there stays as it is."),
    ] = False,
    draft_voices: Annotated[
        bool,
        typer.Option(
            "--draft-voices", help="Show drafts of voices; with --write, fill them in where they are missing."
        ),
    ] = False,
    minor: Annotated[
        int,
        typer.Option(
            "--minor",
            min=0,
            metavar="N",
            help="New characters with fewer lines share a voice; 0: everyone has their own.",
        ),
    ] = 3,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Find out who speaks in the book, and propose a cast sheet.

    Lists who speaks, how much, under which names, whether a woman or a man and what says so, and the lines for which
    nobody was found. Voice descriptions are drafted for whoever has none. A guess is marked as one.
    """
    found = _look(folder, minor)
    if json:
        console.show_json(_record(found, minor))
    else:
        _say(found, minor, draft_voices=draft_voices)
    if found.is_table:
        if found.proposal.entries:
            console.tell(f"{escape(str(found.path))} is a table, which is not rewritten. Rows to add:")
            console.tell(escape(_rows(found.proposal)))
        return
    if write:
        _write(found, folder, drafts=draft_voices)
    elif found.proposal.entries and not json:
        console.say()
        console.say(f"Nothing was written. `--write` puts {_new(found)} into {escape(found.path.name)}.")


def _look(folder: Path, minor: int) -> _Found:
    from narration.discovery import discover, propose, sheet_cast
    from narration.manuscript import read_manuscript
    from narration.sheets.table import TABLE_SUFFIXES
    from narration.sheets.yaml import read_yaml

    manuscript, path, language, title, author = _files(folder)
    book = read_manuscript(manuscript, language=language)
    is_table = path.suffix.lower() in TABLE_SUFFIXES
    is_new = not path.exists()
    if is_table and not is_new:
        text, encoding, known = "", "utf-8", _table_cast(path)
    else:
        text, encoding = _sheet_text(path) if not is_new else (_starter(book, manuscript, title, author), "utf-8")
        known = sheet_cast(read_yaml(text, path.name))
    discovery = discover(book, known)
    proposal = propose(discovery, known, minor=minor, neutral_preview=_neutral(book, known))
    return _Found(
        path=path,
        text=text,
        encoding=encoding,
        is_new=is_new,
        is_table=is_table,
        discovery=discovery,
        proposal=proposal,
    )


def _files(folder: Path) -> tuple[Path, Path, str, str, str]:
    """Manuscript, cast sheet, language, title and author; the cast sheet need not be there yet."""
    from narration.production import load_production
    from narration.sheets.yaml import read_yaml_file

    try:
        production = load_production(folder)
    except InputError as error:
        root = folder.parent if folder.is_file() else folder
        path = folder if folder.is_file() else root / "book.yaml"
        if len(error.problems) > 1 or not path.is_file():
            raise
        sheet = read_yaml_file(path)
        cast_file = root / _text(sheet, "cast")
        if not _text(sheet, "cast") or cast_file.exists() or not (root / _text(sheet, "manuscript")).is_file():
            raise
        # The one mistake is the cast sheet that this command is to make.
        manuscript, language = root / _text(sheet, "manuscript"), _text(sheet, "language").lower()
        return manuscript, cast_file, language, _text(sheet, "title"), _text(sheet, "author")
    return production.manuscript, production.cast, production.language, production.title, production.author


def _text(sheet: Sheet, key: str) -> str:
    value = sheet.data.get(key)
    return value.strip() if isinstance(value, str) else ""


def _sheet_text(path: Path) -> tuple[str, str]:
    """The sheet with its own line ends, and its encoding."""
    from narration.sheets import read_bytes

    raw = read_bytes(path, path.name)
    encoding = "utf-8"
    if raw.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    elif raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    try:
        return raw.decode(encoding), encoding
    except UnicodeDecodeError as error:
        raise InputError(Problem(what="is not UTF-8", where=path.name, hint="Save the file as UTF-8.")) from error


def _starter(book: Book, manuscript: Path, title: str, author: str) -> str:
    from narration.starter import starter_files

    return starter_files(manuscript.name, title=title, author=author, language=book.language)["cast.yaml"]


def _table_cast(path: Path) -> Cast:
    from narration.cast import load_cast

    return load_cast(path)


def _neutral(book: Book, known: Cast) -> str:
    """A line in the book's language that fits anybody."""
    from narration.discovery import sheet_cast
    from narration.sheets.yaml import read_yaml

    starter = sheet_cast(read_yaml(_starter(book, Path("book.md"), "", ""), "cast.yaml"))
    return starter.narrator.preview or known.narrator.preview


def _new(found: _Found) -> str:
    return console.count(len(found.proposal.entries), "new character")


def _say(found: _Found, minor: int, *, draft_voices: bool) -> None:
    from narration.discovery import minor_names

    discovery = found.discovery
    shared = minor_names(discovery, minor)
    table(
        (
            Column(heading="name"),
            Column(heading="lines", right=True),
            Column(heading="characters", right=True),
            Column(heading="gender"),
            Column(heading="because of", gives_way=True),
            Column(heading="also called", gives_way=True),
            Column(heading=""),
        ),
        [
            (
                speaker.name,
                f"{speaker.lines:,}",
                f"{speaker.chars:,}",
                str(speaker.gender) or "?",
                speaker.gender_evidence or "—",
                ", ".join(speaker.aliases),
                "in the sheet" if speaker.known else shared.get(speaker.name, "new"),
            )
            for speaker in discovery.speakers
        ],
    )
    console.say()
    quotations = console.count(discovery.quotations, "quotation")
    spoken = discovery.quotations - len(discovery.unfound)
    console.say(f"{spoken:,} of {quotations} have a speaker; nobody was found for {len(discovery.unfound):,}.")
    _say_list(
        [f"chapter {one.chapter}: {_short(one.text)}" for one in discovery.unfound], "`--json` has every one of them."
    )
    if discovery.phrases:
        console.say("Speakers without a name:")
        _say_list([f"{phrase.text} ({phrase.tags} ×)" for phrase in discovery.phrases], "`--json` has all.")
    if discovery.doubts:
        console.say("Names that may be somebody else's, left as they are:")
        _say_list(
            [f"{doubt.name}: {' or '.join(doubt.options)}? ({doubt.reason})" for doubt in discovery.doubts],
            "`--json` has all.",
        )
    _say_first_person(discovery)
    if draft_voices:
        _say_drafts(found.proposal)


def _say_list(rows: list[str], more: str) -> None:
    shown = rows if console.settings.verbose else rows[:_MOST_SHOWN]
    for row in shown:
        console.say(f"  {escape(row)}")
    if len(shown) < len(rows):
        console.say(f"  … and {len(rows) - len(shown):,} more; {more}")


def _say_first_person(discovery: Discovery) -> None:
    first = discovery.first_person
    if first is None:
        return
    if first.name:
        console.say(f"The narrator says I, and is perhaps {escape(first.name)}: `first_person: true` says so.")
    else:
        perhaps = f" (perhaps {escape(' or '.join(first.called))})" if first.called else ""
        console.say(f"The narrator says I{perhaps}: give whoever that is `first_person: true`.")


def _say_drafts(proposal: Proposal) -> None:
    console.say()
    console.say("Voices, as drafted:")
    for name, voice, _ in proposal.drafts:
        if voice:
            console.say(f"  {escape(name)}: {escape(voice)}")
    for entry in proposal.entries:
        console.say(f"  {escape(entry.name)}: {escape(entry.voice)}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARS else line[: _MOST_CHARS - 1] + "…"


def _record(found: _Found, minor: int) -> dict[str, object]:
    from narration.discovery import minor_names

    record: dict[str, object] = dataclasses.asdict(found.discovery)
    shared = minor_names(found.discovery, minor)
    record["sheet"] = str(found.path)
    record["shared"] = [{"name": name, "voice": voice} for name, voice in sorted(shared.items())]
    record["proposed"] = [dataclasses.asdict(entry) for entry in found.proposal.entries]
    record["notes"] = [{"name": name, "note": note} for name, note in found.proposal.notes]
    record["drafts"] = [
        {"name": name, "voice": voice, "preview": preview} for name, voice, preview in found.proposal.drafts
    ]
    return record


def _rows(proposal: Proposal) -> str:
    """The new characters as lines of a table, its header first."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(("name", "role", "gender", "aliases", "first_person", "voice", "preview"))
    for entry in proposal.entries:
        first = "true" if entry.first_person else ""
        writer.writerow(
            (entry.name, "", str(entry.gender), "; ".join(entry.aliases), first, entry.voice, entry.preview)
        )
    return written.getvalue().rstrip("\n")


def _write(found: _Found, folder: Path, *, drafts: bool) -> None:
    from narration.discovery import merged
    from narration.folder import write_whole

    text = merged(found.text, found.proposal, label=found.path.name, drafts=drafts or found.is_new)
    if text == found.text and not found.is_new:
        console.tell(f"{escape(str(found.path))} needs nothing more; it stays as it is.")
        return
    try:
        write_whole(found.path, text.encode(found.encoding), create=found.is_new)
    except OSError as error:
        problem = Problem(what=f"cannot be written: {error.strerror or error}", where=str(found.path))
        raise InputError(problem) from error
    what = [_new(found)] if found.proposal.entries else []
    what += ["comments on those that are there"] if found.proposal.notes else []
    what += ["drafts of missing voices"] if drafts and found.proposal.drafts else []
    console.tell(f"Wrote {escape(str(found.path))}: {', '.join(what) or 'a comment'}. Read it before you render.")
    console.tell(f"Then `narrate script {escape(shlex.quote(str(folder)))}` writes who says what.")
