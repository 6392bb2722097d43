"""The one way from a file to a Book: looks at the bytes, chooses a reader.

Invariant: whatever cannot be read whole is refused with its place, and nothing is half read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from narration.book import Book
from narration.errors import InputError, Problem
from narration.manuscript.chapters import arrange
from narration.manuscript.decode import decode
from narration.manuscript.letters import guess_language, unify_lines
from narration.manuscript.markdown import draft_markdown
from narration.manuscript.plain import draft_plain

MARKDOWN_SUFFIXES: Final = frozenset({".md", ".markdown", ".mkd", ".mdown"})
"""Every other suffix is read as plain text."""


def read_manuscript(path: Path, *, language: str | None = None) -> Book:
    """Reads a manuscript: Markdown by its suffix, everything else as plain text.

    Args:
        path: the file.
        language: of the book, ISO 639-1; None to tell it by the script of its letters.

    Raises:
        InputError: the file is missing, a folder, empty, no text, or in an encoding that is in doubt.
    """
    where = str(path)
    text = unify_lines(decode(_read_bytes(path, where), where))
    spoken = language or guess_language(text)
    is_markdown = path.suffix.lower() in MARKDOWN_SUFFIXES
    draft = draft_markdown(text, language=spoken) if is_markdown else draft_plain(text, language=spoken)
    if not draft.blocks:
        raise InputError(
            Problem(what="the manuscript has no text to read", where=where, expected="at least one paragraph of text"),
        )
    return arrange(draft, language=spoken)


def _read_bytes(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problem = Problem(what="there is no such manuscript", where=where, hint="Check `manuscript:` in book.yaml.")
    except IsADirectoryError:
        problem = Problem(what="this is a folder", where=where, expected="a manuscript file")
    except OSError as error:
        problem = Problem(what=f"the manuscript cannot be read: {error.strerror or error}", where=where)
    raise InputError(problem)
