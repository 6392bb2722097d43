"""The folder `script/` of a production: one file for each chapter, `script/03.txt`, read and written whole.

Invariant: a file is replaced only by a whole one, and never by one that says the same; what is not named by a number
is nobody's business here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from narration.book import Book, ChapterScript
from narration.cast import Cast
from narration.errors import InputError, Problem, StoreError
from narration.script.binding import Bound, bind
from narration.script.marked import MarkedScript, parse_marked
from narration.script.speakers import labels_of

FOLDER: Final = "script"
_NAME: Final = re.compile(r"0*(\d{1,6})(?: .*)?\.txt")
_MIN_DIGITS: Final = 2


def script_name(number: int, total: int) -> str:
    """The name of a chapter's file, with as many digits as the last chapter has, two at the least."""
    return f"{number:0{max(_MIN_DIGITS, len(str(total)))}d}.txt"


def label_of(path: Path) -> str:
    """What messages call a script file."""
    return f"{FOLDER}/{path.name}"


def script_paths(production: Path) -> dict[int, Path]:
    """The script files of a production, by the number in their names; a title may follow it (`03 - The End.txt`).

    Raises:
        InputError: the folder cannot be read, or two files have the same number.
    """
    folder = production / FOLDER
    try:
        names = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise InputError(Problem(what=f"cannot be read: {error.strerror or error}", where=f"{FOLDER}/")) from error
    found: dict[int, Path] = {}
    problems = []
    for path in names:
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            other = found.setdefault(int(match[1]), path)
            if other != path:
                what = f"is a second script of chapter {match[1]}, beside {other.name}"
                problems.append(Problem(what=what, where=label_of(path), expected="one file for each chapter"))
    if problems:
        raise InputError(*problems)
    return found


def read_scripts(paths: Mapping[int, Path], cast: Cast) -> dict[int, MarkedScript]:
    """The scripts of files.

    Raises:
        InputError: with every mistake of every file.
    """
    found: dict[int, MarkedScript] = {}
    problems: list[Problem] = []
    for number, path in paths.items():
        try:
            found[number] = parse_marked(_read(path), labels_of(cast), where=label_of(path))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    return found


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(Problem(what=f"cannot be read: {error.strerror or error}", where=label_of(path))) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        where = f"{label_of(path)}, line {line}"
        raise InputError(Problem(what="is not UTF-8", where=where, hint="Save the file as UTF-8.")) from error
    return re.sub(r"\r\n?", "\n", text)


def bound_scripts(
    production: Path, book: Book, cast: Cast, *, chapters: frozenset[int] | None = None
) -> dict[int, Bound]:
    """The scripts of a production in their chapters, by number; chapters without a file are left out.

    Args:
        production: the folder.
        book: the manuscript as read.
        cast: who may speak.
        chapters: numbers to look at; None is all.

    Raises:
        InputError: with every mistake of every file; words that are not the manuscript's, with a difference.
    """
    paths = {
        number: path for number, path in script_paths(production).items() if chapters is None or number in chapters
    }
    scripts = read_scripts(paths, cast)
    by_number = {chapter.number: chapter for chapter in book.chapters}
    found: dict[int, Bound] = {}
    problems: list[Problem] = []
    for number, marked in scripts.items():
        where = label_of(paths[number])
        if number not in by_number:
            what = f"is a script of chapter {number}, and the book has {len(book.chapters)}"
            problems.append(Problem(what=what, where=where, hint="`narrate script DIR` follows the manuscript."))
            continue
        try:
            found[number] = bind(marked, by_number[number], cast, where=where)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    return found


def chapter_scripts(
    production: Path, book: Book, cast: Cast, *, chapters: frozenset[int] | None = None
) -> dict[int, ChapterScript]:
    """The lines of the chapters that have a script; see `bound_scripts`.

    Raises:
        InputError: as `bound_scripts`.
    """
    bound = bound_scripts(production, book, cast, chapters=chapters)
    return {number: found.script for number, found in bound.items()}


def write_files(production: Path, texts: Mapping[str, str], stale: tuple[Path, ...] = ()) -> None:
    """Write files of the folder: first all of them beside their places, then into them.

    Args:
        production: the folder of the book.
        texts: by file name.
        stale: files to be removed at last, unless they are among those written.

    Raises:
        StoreError: the folder cannot be written.
    """
    folder = production / FOLDER
    staged: list[tuple[Path, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            part = folder / f".{name}.part"
            staged.append((part, folder / name))
            part.write_text(text, encoding="utf-8", newline="\n")
        for part, target in staged:
            part.replace(target)
        for path in stale:
            if path.name not in texts:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"The scripts cannot be written to {folder}: {error.strerror or error}.") from error
    finally:
        for part, _ in staged:
            part.unlink(missing_ok=True)
