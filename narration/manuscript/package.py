"""The package of an EPUB: which files it reads in which order, what it is called, and whether it is locked.

Invariant: every file of the spine is there, or is named in an error, or is no text (a cover).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from narration.book import LeftOutKind
from narration.errors import InputError, Problem
from narration.manuscript.archive import Archive, resolve
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import clean
from narration.manuscript.trees import Element, local, parse_xml, text_of

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_LOCKS: Final = {
    "META-INF/rights.xml": "Adobe ADEPT",
    "META-INF/sinf.xml": "Apple FairPlay",
    "META-INF/license.lcpl": "Readium LCP",
}
_FONT_ALGORITHMS: Final = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Source: IDPF Font Embedding, "obfuscation"; Adobe's older method. Both touch fonts only."""

_TEXT_TYPES: Final = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document", "")
_TEXT_SUFFIXES: Final = (".xhtml", ".html", ".htm", ".xml")
_UNTOLD: Final = re.compile(r"cover|title|toc|nav|contents|logo", re.IGNORECASE)
_REPAIR: Final = (
    "Make the EPUB again from its source, or repair it with an EPUB editor; a checker (EPUBCheck) lists its faults."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpineItem:
    """A file of the reading order.

    Attributes:
        file: its name in the archive.
        is_linear: whether it is read in its place; others are looked up (notes, answers).
    """

    file: str
    is_linear: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What the package says of the book.

    Attributes:
        title, author, language: empty where it says nothing; the language as two letters.
        spine: in reading order.
        nav, ncx: names of the tables of contents of EPUB 3 and of EPUB 2; empty where there is none.
    """

    title: str
    author: str
    language: str
    spine: tuple[SpineItem, ...]
    nav: str
    ncx: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    file: str
    media_type: str
    properties: frozenset[str]


def read_package(archive: Archive, leavings: Leavings) -> Package:
    """The package of an EPUB.

    Raises:
        InputError: there is none, it is locked (DRM), or a file of the spine is missing.
    """
    opf = _opf_name(archive)
    root = parse_xml(archive.read(opf), f"{archive.where}: {opf}", lenient=True)
    items = {item.get("id", ""): _item(item, opf, archive) for item in _named(root, "item")}
    spine = tuple(_spine(root, items, archive, leavings))
    if not spine:
        problem = Problem(what="the EPUB names no text to read", where=f"{archive.where}: {opf}", hint=_REPAIR)
        raise InputError(problem)
    _refuse_locked(archive, spine)
    return Package(
        title=_said(root, "title"),
        author=_author(root),
        language=_said(root, "language").partition("-")[0].partition("_")[0].lower()[:3],
        spine=spine,
        nav=next((item.file for item in items.values() if "nav" in item.properties), ""),
        ncx=_ncx(root, items),
    )


def _opf_name(archive: Archive) -> str:
    container = archive.find(_CONTAINER)
    if container is not None:
        root = parse_xml(archive.read(container), f"{archive.where}: {container}", lenient=True)
        for place in _named(root, "rootfile"):
            found = archive.find(place.get("full-path", "").lstrip("/"))
            if found is not None:
                return found
    packages = [name for name in archive.names if name.lower().endswith(".opf")]
    if len(packages) != 1:
        what = "the EPUB has no package file" if not packages else "the EPUB does not say which of its packages to read"
        raise InputError(Problem(what=what, where=archive.where, expected=f"one named in {_CONTAINER}", hint=_REPAIR))
    return packages[0]


def _named(root: Element, name: str) -> Iterator[Element]:
    return (element for element in root.iter() if local(element) == name)


def _item(element: Element, opf: str, archive: Archive) -> _Item:
    file = resolve(opf, element.get("href", ""))[0]
    return _Item(
        file=archive.find(file) or file,
        media_type=element.get("media-type", "").lower(),
        properties=frozenset(element.get("properties", "").split()),
    )


def _spine(root: Element, items: dict[str, _Item], archive: Archive, leavings: Leavings) -> Iterator[SpineItem]:
    missing: list[Problem] = []
    seen: set[str] = set()
    for reference in _named(root, "itemref"):
        identity = reference.get("idref", "")
        item = items.get(identity)
        name = item.file if item else identity
        if item is None or archive.find(item.file) is None:
            if _UNTOLD.search(name) or (item and item.media_type.startswith("image/")):
                leavings.leave(LeftOutKind.FRONT_MATTER, f"({name}: not in the file)")
            else:
                missing.append(_missing(name, archive))
        elif item.media_type not in _TEXT_TYPES and not item.file.lower().endswith(_TEXT_SUFFIXES):
            leavings.leave(LeftOutKind.IMAGES, item.file)
        elif item.file not in seen:
            seen.add(item.file)
            yield SpineItem(file=item.file, is_linear=reference.get("linear", "yes").lower() != "no")
    if missing:
        raise InputError(*missing)


def _missing(name: str, archive: Archive) -> Problem:
    what = "the reading order names a file that is not in the EPUB: its words would be lost"
    return Problem(what=what, where=f"{archive.where}: {name or '(no name)'}", hint=_REPAIR)


def _said(root: Element, name: str) -> str:
    metadata = next(_named(root, "metadata"), root)
    return next((clean(text) for element in _named(metadata, name) if (text := text_of(element))), "")


def _author(root: Element) -> str:
    """Those who are authors by their role, or whose role is not said."""
    metadata = next(_named(root, "metadata"), root)
    roles = {
        meta.get("refines", "").lstrip("#"): text_of(meta)
        for meta in _named(metadata, "meta")
        if meta.get("property") == "role"
    }
    names = []
    for creator in _named(metadata, "creator"):
        role = next((value for key, value in creator.attrib.items() if str(key).endswith("role")), "")
        role = str(role) or roles.get(creator.get("id", "-"), "")
        if role in {"", "aut"} and text_of(creator):
            names.append(clean(text_of(creator)))
    return ", ".join(dict.fromkeys(names))


def _ncx(root: Element, items: dict[str, _Item]) -> str:
    spine = next(_named(root, "spine"), None)
    named = items.get(spine.get("toc", "")) if spine is not None else None
    by_type = next((item for item in items.values() if item.media_type == "application/x-dtbncx+xml"), None)
    found = named or by_type
    return found.file if found else ""


def _refuse_locked(archive: Archive, spine: tuple[SpineItem, ...]) -> None:
    lock = next((name for file, name in _LOCKS.items() if archive.find(file)), "")
    encryption = archive.find(_ENCRYPTION)
    locked = _locked_files(archive, encryption) if encryption else frozenset()
    texts = {item.file for item in spine}
    if locked & texts or (lock and not encryption):
        scheme = f" ({lock})" if lock else ""
        raise InputError(
            Problem(
                what=f"the EPUB is locked by copy protection{scheme}: its text cannot be read",
                where=archive.where,
                expected="an EPUB without DRM",
                hint="Use the file that you have from the author or publisher, before protection.",
            ),
        )


def _locked_files(archive: Archive, name: str) -> frozenset[str]:
    root = parse_xml(archive.read(name), f"{archive.where}: {name}", lenient=True)
    found = set()
    for data in _named(root, "encrypteddata"):
        method = next((element.get("Algorithm", "") for element in _named(data, "encryptionmethod")), "")
        for reference in _named(data, "cipherreference"):
            if method not in _FONT_ALGORITHMS:
                file = resolve("", reference.get("URI", ""))[0]
                found.add(archive.find(file) or file)
    return frozenset(found)
