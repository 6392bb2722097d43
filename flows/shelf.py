"""A shelf: a folder of productions, looked at as it is now.

Invariant: what counts is what the files say, never when they were written.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from narration.errors import InputError, NarrationError, Problem
from narration.production import Production, load_production

BOOK_FILE = "book.yaml"
"""A folder that has it is a production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnShelf:
    """A production as it lies there.

    Attributes:
        folder: of the production, absolute.
        content: hash of the files that it is made from; two looks that find the same need no second try.
        title: in book.yaml; the folder's name where that cannot be read.
        priority: in book.yaml; 0 where that cannot be read.
    """

    folder: Path
    content: str
    title: str
    priority: int


def look(shelf: Path) -> tuple[OnShelf, ...]:
    """Every production on a shelf: the highest priority first, and by name among equals.

    Args:
        shelf: a folder; each folder in it that has a book.yaml is a production.

    Raises:
        InputError: there is no such folder, or it cannot be read.
    """
    try:
        folders = [entry for entry in shelf.absolute().iterdir() if (entry / BOOK_FILE).is_file()]
        found = [_on_shelf(folder) for folder in folders]
    except OSError as error:
        what = f"the shelf cannot be read: {error.strerror}"
        expected = "a folder that holds a folder for each book"
        raise InputError(Problem(what=what, where=str(error.filename or shelf), expected=expected)) from error
    return tuple(sorted(found, key=lambda book: (-book.priority, book.folder.name)))


def _on_shelf(folder: Path) -> OnShelf:
    try:
        production = load_production(folder)
    except NarrationError:
        return OnShelf(folder=folder, content=_content(folder, None), title=folder.name, priority=0)
    return OnShelf(
        folder=folder,
        content=_content(folder, production),
        title=production.title,
        priority=production.priority,
    )


def _content(folder: Path, production: Production | None) -> str:
    """Hash of the production's files: those in its folder, its scripts, and what book.yaml names elsewhere."""
    files = {path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")}
    files |= {path for path in (folder / "script").rglob("*") if path.is_file()}
    if production is not None:
        named = (production.manuscript, production.cast, production.cover, production.lexicon)
        files |= {path for path in named if path is not None and path.is_file()}
    whole = hashlib.sha256()
    for path in sorted(files):
        with path.open("rb") as file:
            whole.update(f"{path}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()
