"""Which format a manuscript is in, by its bytes first and its suffix second; what is refused, with advice.

Invariant: a file is read by one reader or refused with the name of what it is; a wrong suffix does not change that.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from narration.errors import InputError, Problem
from narration.manuscript.archive import Archive
from narration.manuscript.decode import READ_KINDS
from narration.manuscript.texts import named_reader

_FICTIONBOOK_SUFFIX: Final = ".fb2"
_HTML_SUFFIXES: Final = frozenset({".html", ".htm", ".xhtml", ".xht"})
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_ZIP_SUFFIXES: Final = frozenset({".epub", ".docx", ".docm", ".odt"})
_HEAD_BYTES: Final = 1024


class Format(StrEnum):
    """What a manuscript can be."""

    EPUB = "epub"
    DOCX = "docx"
    HTML = "html"
    FICTIONBOOK = "fb2"
    TEXT = "text"
    """Whatever else: `narration.manuscript.texts` knows its kinds."""


def format_of(data: bytes, suffix: str, where: str) -> Format:
    """The format of a manuscript.

    Args:
        data: the whole file.
        suffix: of its name, lower case, with the dot.
        where: as the user would name it.

    Raises:
        InputError: it is an archive of another kind, or no archive although its suffix says so.
    """
    if data.startswith((_ZIP, _EMPTY_ZIP)):
        return _of_archive(data, where)
    _refuse_kindle(data, where)
    if suffix in _ZIP_SUFFIXES and data:
        what = f"the file is called {suffix}, but it is no zip archive as such files are"
        raise InputError(Problem(what=what, where=where, hint="It is damaged or misnamed: export it again."))
    if named_reader(suffix):
        return Format.TEXT
    head = data[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if (
        suffix in _HTML_SUFFIXES
        or head.startswith((b"<!doctype html", b"<html"))
        or (head.startswith(b"<?xml") and b"<html" in head)
    ):
        return Format.HTML
    is_fictionbook = head.startswith((b"<?xml", b"<fictionbook")) and b"fictionbook" in head
    return Format.FICTIONBOOK if is_fictionbook or suffix == _FICTIONBOOK_SUFFIX else Format.TEXT


def _of_archive(data: bytes, where: str) -> Format:
    archive = Archive(data, where)
    if archive.find("word/document.xml"):
        return Format.DOCX
    mimetype = archive.read("mimetype").strip() if archive.find("mimetype") == "mimetype" else b""
    is_epub = mimetype == b"application/epub+zip" or archive.find("META-INF/container.xml")
    if is_epub or any(name.lower().endswith(".opf") for name in archive.names):
        return Format.EPUB
    kind, hint = _other_archive(archive, mimetype)
    raise InputError(Problem(what=f"this is {kind}", where=where, expected=READ_KINDS, hint=hint))


def _other_archive(archive: Archive, mimetype: bytes) -> tuple[str, str]:
    if mimetype.startswith(b"application/vnd.oasis.opendocument"):
        return "an OpenDocument file (ODT)", "Open it in LibreOffice and save it as DOCX."
    if any(name.startswith("Index/") and name.endswith(".iwa") for name in archive.names):
        return "an Apple Pages document", "Export it from Pages as EPUB or Word."
    if archive.find("[Content_Types].xml"):
        return "an Office file that is no Word document", "Save the text as DOCX."
    return "a zip archive without a book in it", "Unpack it, and name the manuscript inside."


def _refuse_kindle(data: bytes, where: str) -> None:
    if data[60:68] in {b"BOOKMOBI", b"TEXtREAd"} or data.startswith((b"\xeaDRMION", b"CONT\x02\x00", b"TPZ0")):
        hint = "Convert it to EPUB, for instance with Calibre; a copy-protected one cannot be converted."
        raise InputError(Problem(what="this is a Kindle book (MOBI, AZW)", where=where, expected=READ_KINDS, hint=hint))
