"""`narrate init`: a new production, every key explained."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import completing, console
from flows.cli.options import LogFile, Quiet, Verbose, Version, examples
from narration.errors import InputError, Problem

if TYPE_CHECKING:
    from narration.book import Book

EXAMPLES = examples(
    "narrate init my-book --manuscript my-book.md",
    'narrate init emma -m emma.txt --title Emma --author "Jane Austen"',
)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.", show_default=False)],
    manuscript: Annotated[
        Path,
        typer.Option(
            "--manuscript",
            "-m",
            metavar="FILE",
            help="The manuscript: Markdown, text, EPUB, DOCX, HTML, FictionBook, Fountain.",
            show_default=False,
        ),
    ],
    title: Annotated[
        str | None,
        typer.Option("--title", metavar="TEXT", help="Default: what the manuscript says.", show_default=False),
    ] = None,
    author: Annotated[
        str | None,
        typer.Option("--author", metavar="TEXT", help="Default: what the manuscript says.", show_default=False),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            "-l",
            metavar="CODE",
            help="Two letters (en, zh, de, …). Default: by the letters of the manuscript.",
            show_default=False,
            autocompletion=completing.languages,
        ),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Make a production: book.yaml and cast.yaml, every key explained.

    The manuscript is copied beside them. Nothing that is there is overwritten.
    """
    from narration.manuscript import read_manuscript
    from narration.starter import starter_files

    _check(manuscript, language)
    book = read_manuscript(manuscript, language=language)
    target = folder / manuscript.name
    title = title or book.title or _title_of(manuscript)
    files = starter_files(manuscript.name, title=title, author=author or book.author, language=book.language)
    _refuse_to_overwrite(folder, files, manuscript, target)
    _write(folder, files, manuscript, target)
    _say(folder, [*files, target.name], title, book)


def _check(manuscript: Path, language: str | None) -> None:
    from narration.production import LANGUAGES

    problems = []
    if not manuscript.exists():
        problems.append(Problem(what=f"there is no file {manuscript}", where="--manuscript"))
    if language is not None and language not in LANGUAGES:
        expected = f"one of {', '.join(LANGUAGES)}"
        problems.append(Problem(what=f"no language {language!r}", where="--language", expected=expected))
    if problems:
        raise InputError(*problems)


def _refuse_to_overwrite(folder: Path, files: dict[str, str], manuscript: Path, target: Path) -> None:
    there = [name for name in files if (folder / name).exists()]
    if target.exists() and not target.samefile(manuscript):
        there.append(target.name)
    if there:
        raise InputError(
            Problem(
                what=f"{folder} has {', '.join(there)} already",
                where="DIR",
                expected="a folder without them",
                hint=f"Nothing was changed; `narrate plan {_quoted(folder)}` shows what it would make.",
            )
        )


def _write(folder: Path, files: dict[str, str], manuscript: Path, target: Path) -> None:
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            written.append(target)
            shutil.copyfile(manuscript, target)
        for name, text in files.items():
            written.append(folder / name)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise InputError(
            Problem(what=f"{folder} cannot be written: {error.strerror}", where="DIR", expected="a folder to write in")
        ) from error


def _title_of(manuscript: Path) -> str:
    """A title from a file's name: `the-lamp.en.txt` is The Lamp."""
    stem = re.sub(r"\.[a-z]{2}$", "", manuscript.stem)
    return re.sub(r"[_-]+", " ", stem).title()


def _say(folder: Path, files: list[str], title: str, book: Book) -> None:
    chapters = console.count(len(book.chapters), "chapter")
    console.say(f"Made {escape(str(folder))}: {escape(', '.join(files))}")
    console.say(f"  [bold]{escape(title)}[/], {chapters}, language {book.language}")
    console.say()
    where = escape(_quoted(folder))
    console.say("Next:")
    console.say(f"  1. narrate cast {where} --write   finds who speaks, and drafts how each is to sound")
    console.say(f"  2. Read {escape(str(folder / 'cast.yaml'))}, and write what is wrong anew.")
    console.say(f"  3. narrate script {where}   writes who says what, to be corrected")
    console.say(f"  4. narrate plan {where}     shows what it would make and cost; spends nothing")
    console.say(f"  5. narrate render {where}   makes the audiobook; offline and free, until")
    console.say("     `profile` in book.yaml names a service that costs money")


def _quoted(folder: Path) -> str:
    return shlex.quote(str(folder))
