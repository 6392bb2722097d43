"""The one way from a file to a Book: looks at the bytes, chooses a reader.

Invariant: whatever cannot be read whole is refused with its place, and nothing is half read.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final, assert_never

from narration.book import Book
from narration.errors import InputError, Problem
from narration.manuscript.chapters import arrange
from narration.manuscript.decode import decode
from narration.manuscript.finish import finished
from narration.manuscript.formats import Format, format_of
from narration.manuscript.labelled import with_labelled_speakers
from narration.manuscript.leavings import Leavings, check_kinds
from narration.manuscript.letters import guess_language, unify_lines
from narration.manuscript.texts import PLAIN, TextReader, named_reader

_XHTML_SUFFIXES: Final = frozenset({".xhtml", ".xht"})


def read_manuscript(path: Path, *, language: str | None = None, keep: frozenset[str] = frozenset()) -> Book:
    """Reads a manuscript: EPUB, DOCX, HTML, FictionBook, Fountain, Markdown, and everything else as plain text.

    Args:
        path: the file.
        language: of the book, ISO 639-1; None for what the file says, or the script of its letters.
        keep: kinds of text that are otherwise left out (`front-matter`, `notes`, …): the names of `LeftOutKind`.

    Raises:
        InputError: the file is missing, a folder, empty, of another format, damaged, locked, or in an encoding that is
            in doubt; or `keep` names nothing that is left out.
    """
    check_kinds(keep)
    where = str(path)
    data = _read_bytes(path, where)
    suffix = path.suffix.lower()
    leavings = Leavings(keep)
    book = _read(data, suffix, where, language, leavings)
    if not book.chapters:
        problem = Problem(what="the manuscript has no text to read", where=where, expected="at least one paragraph")
        raise InputError(problem)
    return replace(with_labelled_speakers(book), left_out=leavings.tally())


def _read(data: bytes, suffix: str, where: str, language: str | None, leavings: Leavings) -> Book:
    """Read with the reader of the format; it alone is loaded."""
    form = format_of(data, suffix, where)
    match form:
        case Format.EPUB:
            from narration.manuscript.epub import read_epub

            return read_epub(data, where, language=language, leavings=leavings)
        case Format.DOCX:
            from narration.manuscript.docx import read_docx

            return read_docx(data, where, language=language, leavings=leavings)
        case Format.HTML:
            from narration.manuscript.webpage import read_html

            is_xhtml = suffix in _XHTML_SUFFIXES
            return read_html(data, where, language=language, leavings=leavings, is_xhtml=is_xhtml)
        case Format.FICTIONBOOK:
            from narration.manuscript.fictionbook import read_fictionbook

            return read_fictionbook(data, where, language=language, leavings=leavings)
        case Format.TEXT:
            return _read_text(data, named_reader(suffix) or PLAIN, where, language, leavings)
        case _:
            assert_never(form)


def _read_text(data: bytes, reader: TextReader, where: str, language: str | None, leavings: Leavings) -> Book:
    text = unify_lines(decode(data, where))
    spoken = language or guess_language(text)
    draft = reader.draft(text, spoken, leavings)
    if not draft.blocks:
        return Book(title=draft.title, author=draft.author, language=spoken, chapters=())
    book = arrange(draft, language=spoken)
    return finished(book) if reader.finished else book


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
