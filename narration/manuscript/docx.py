"""DOCX to a Book: the paragraphs of `word/document.xml` as the reader of the finished document sees them.

Invariant: inserted text is read and deleted text is not; all other text is read or counted among the leavings.
"""

from __future__ import annotations

from typing import Final

from narration.book import Book, LeftOutKind
from narration.errors import InputError, Problem
from narration.manuscript.archive import Archive
from narration.manuscript.chapters import Draft, arrange
from narration.manuscript.docx_flow import DocxFlow
from narration.manuscript.finish import finished, is_body, tidied, with_found_headings
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import clean, guess_language
from narration.manuscript.numbering import Numbering
from narration.manuscript.strays import without_blanks
from narration.manuscript.styles import read_styles, value_of
from narration.manuscript.trees import Element, local, parse_xml, text_of, two_letters

DOCUMENT: Final = "word/document.xml"
_TITLES_OF_PROGRAMS: Final = ("microsoft word", "untitled", "document")


def read_docx(data: bytes, where: str, *, language: str | None, leavings: Leavings) -> Book:
    """The book of a Word document.

    Args:
        data: the whole file.
        where: as the user would name it.
        language: ISO 639-1; None for the script of the letters, and for Latin ones what the document says.
        leavings: counts what is left out.

    Raises:
        InputError: the archive is damaged, or the document has no text or holds text in a place that is not read.
    """
    archive = Archive(data, where)
    name = archive.find(DOCUMENT)
    if name is None:
        problem = Problem(what="this is no whole Word document", where=where, expected=f"{DOCUMENT} inside")
        raise InputError(problem)
    root = parse_xml(archive.read(name), f"{where}: {name}")
    styles = _part(archive, "word/styles.xml")
    spoken = language or _language(root, styles)
    flow = DocxFlow(
        spoken,
        leavings,
        styles=read_styles(styles),
        numbering=Numbering(_part(archive, "word/numbering.xml")),
        notes=_notes(archive),
        where=where,
    )
    pieces = without_blanks(flow.read(root))
    if not any(is_body(piece.block.paragraph) or piece.block.level for piece in pieces):
        raise InputError(Problem(what="the document has no text to read", where=where))
    _count_unread(archive, leavings)
    title, author = _properties(archive)
    blocks = with_found_headings(tuple(piece.block for piece in pieces))
    book = tidied(arrange(Draft(blocks=blocks, author=author), language=spoken))
    return finished(Book(title=book.title or title, author=book.author, language=spoken, chapters=book.chapters))


def _part(archive: Archive, name: str) -> Element | None:
    found = archive.find(name)
    return parse_xml(archive.read(found), f"{archive.where}: {found}", lenient=True) if found else None


def _language(root: Element, styles: Element | None) -> str:
    guessed = guess_language(text_of(root))
    if guessed != "en" or styles is None:
        return guessed
    named = (two_letters(value_of(element)) for element in styles.iter("{*}lang"))
    return next((code for code in named if code), guessed)


def _properties(archive: Archive) -> tuple[str, str]:
    """`(title, author)` of the file's properties; titles that programs make up are none."""
    root = _part(archive, "docProps/core.xml")
    said = {} if root is None else {local(element): clean(text_of(element)) for element in root}
    title = said.get("title", "")
    return "" if title.lower().startswith(_TITLES_OF_PROGRAMS) else title, said.get("creator", "")


def _notes(archive: Archive) -> dict[tuple[str, str], str]:
    """The text of each note, by `(footnote or endnote, id)`; the lines that part notes from the page are none."""
    notes = {}
    for kind in ("footnote", "endnote"):
        root = _part(archive, f"word/{kind}s.xml")
        for note in [] if root is None else root:
            fields = {str(key).rpartition("}")[2]: str(value) for key, value in note.attrib.items()}
            if fields.get("type", "normal") == "normal":
                notes[kind, fields.get("id", "")] = clean(text_of(note))
    return notes


def _count_unread(archive: Archive, leavings: Leavings) -> None:
    """Comments, and the heads and feet of pages, stand outside the text."""
    for name in archive.names:
        is_comments = name == "word/comments.xml"
        if is_comments or name.startswith(("word/header", "word/footer")):
            root = _part(archive, name)
            text = text_of(root) if root is not None else ""
            if text:
                leavings.leave(LeftOutKind.COMMENTS if is_comments else LeftOutKind.HIDDEN, text)
