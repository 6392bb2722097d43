"""`narrate init`: a new production, every key explained."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from flows.cli import console
from flows.cli.options import LogFile, Quiet, Verbose
from narration.errors import InputError, Problem


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.", show_default=False)],
    manuscript: Annotated[
        Path, typer.Option("--manuscript", "-m", help="The manuscript: Markdown or plain text.", show_default=False)
    ],
    title: Annotated[
        str | None, typer.Option("--title", help="Default: what the manuscript says.", show_default=False)
    ] = None,
    author: Annotated[str, typer.Option("--author")] = "",
    language: Annotated[
        str | None,
        typer.Option(
            "--language", "-l", help="Two letters (en, zh, …). Default: by the manuscript's script.", show_default=False
        ),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Make a production: book.yaml and cast.yaml with every key explained, beside a copy of the manuscript.

    Nothing that is there is overwritten.
    """
    from narration.manuscript import read_manuscript
    from narration.production import LANGUAGES
    from narration.starter import starter_files

    if language is not None and language not in LANGUAGES:
        raise InputError(
            Problem(what=f"no language {language!r}", where="--language", expected=f"one of {', '.join(LANGUAGES)}")
        )
    book = read_manuscript(manuscript, language=language)
    target = folder / manuscript.name
    files = starter_files(
        manuscript.name,
        title=title or book.title or manuscript.stem.replace("_", " ").replace("-", " ").title(),
        author=author or book.author,
        language=book.language,
    )
    there = [name for name in files if (folder / name).exists()]
    if target.exists() and not target.samefile(manuscript):
        there.append(target.name)
    if there:
        raise InputError(
            Problem(
                what=f"{folder} has {' and '.join(there)} already",
                where="narrate init",
                expected="a folder without them",
                hint=f"Edit what is there, or choose another folder; `narrate plan {folder}` shows what it would make.",
            )
        )
    _write(folder, files, manuscript, target)
    console.say(f"Made {folder}: {', '.join([*files, target.name])}.")
    console.say(f"Edit cast.yaml (who speaks, and how each is to sound), then: narrate plan {folder}")


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
            Problem(what=f"{folder} cannot be written: {error.strerror}", where="narrate init", expected="a folder")
        ) from error
