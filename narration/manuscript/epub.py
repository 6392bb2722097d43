"""EPUB 2 and 3 to a Book: the spine gives the text, the table of contents the titles and where chapters begin.

Invariant: every word of the spine's files is in a chapter or among what was left out.
"""

from __future__ import annotations

from typing import Final

from narration.book import Book
from narration.errors import InputError, Problem
from narration.manuscript.archive import Archive
from narration.manuscript.chapters import Draft, arrange
from narration.manuscript.finish import finished, tidied, with_found_headings
from narration.manuscript.flow import Flow
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import guess_language
from narration.manuscript.package import Package, read_package
from narration.manuscript.sections import (
    Section,
    Text,
    chapters_of,
    cut,
    read_sections,
    without_licence,
    without_matter,
)
from narration.manuscript.signs import note_blocks, note_links
from narration.manuscript.strays import without_blanks, without_link_lists
from narration.manuscript.toc import Entry, chapter_entries, entries_of_nav, entries_of_ncx
from narration.manuscript.trees import Element, parse_markup, parse_xml, text_of, two_letters

_LEAST_CHAPTERS: Final = 2
"""A table of contents with fewer places is of no use; the headings say more."""


def read_epub(data: bytes, where: str, *, language: str | None, leavings: Leavings) -> Book:
    """The book of an EPUB.

    Args:
        data: the whole file.
        where: as the user would name it.
        language: ISO 639-1; None for what the package says, or the script of the letters.
        leavings: counts what is left out.

    Raises:
        InputError: the archive is damaged, locked, holds no text, or lacks a file of its spine.
    """
    archive = Archive(data, where)
    package = read_package(archive, leavings)
    roots = _roots(archive, package)
    spoken = language or two_letters(package.language) or _guessed(roots)
    entries = chapter_entries(_entries(archive, package))
    texts = without_licence(_texts(package, roots, spoken, leavings), leavings)
    texts = without_matter(texts, entries, leavings)
    if not any(text.pieces for text in texts):
        problem = Problem(what="the EPUB has no text to read", where=where, hint="Are its pages pictures? Use a text.")
        raise InputError(problem)
    book = _book(texts, entries, package, spoken, leavings)
    return finished(Book(title=book.title, author=book.author, language=spoken, chapters=book.chapters))


def _roots(archive: Archive, package: Package) -> dict[str, Element]:
    roots = {}
    for item in package.spine:
        root = parse_markup(archive.read(item.file), f"{archive.where}: {item.file}")
        if root is not None:
            roots[item.file] = root
    return roots


def _guessed(roots: dict[str, Element]) -> str:
    return guess_language(" ".join(text_of(root) for root in roots.values()))


def _entries(archive: Archive, package: Package) -> tuple[Entry, ...]:
    """The table of contents: that of EPUB 3, or that of EPUB 2 where it says more."""
    nav, ncx = archive.find(package.nav), archive.find(package.ncx)
    found: tuple[Entry, ...] = ()
    if nav:
        root = parse_markup(archive.read(nav), f"{archive.where}: {nav}")
        found = entries_of_nav(root, nav) if root is not None else ()
    if ncx and len(chapter_entries(found)) < _LEAST_CHAPTERS:
        older = entries_of_ncx(parse_xml(archive.read(ncx), f"{archive.where}: {ncx}", lenient=True), ncx)
        found = older if len(chapter_entries(older)) > len(chapter_entries(found)) else found
    return tuple(_spelled(entry, archive) for entry in found)


def _spelled(entry: Entry, archive: Archive) -> Entry:
    """The entry with its file as the archive spells it."""
    return Entry(
        label=entry.label,
        file=archive.find(entry.file) or entry.file,
        fragment=entry.fragment,
        children=tuple(_spelled(child, archive) for child in entry.children),
    )


def _texts(package: Package, roots: dict[str, Element], language: str, leavings: Leavings) -> list[Text]:
    links = {file: list(note_links(root, file)) for file, root in roots.items()}
    targets = frozenset(target for found in links.values() for _, target in found)
    flows = {}
    for file, root in roots.items():
        marks = frozenset(mark for mark, _ in links[file])
        notes = frozenset(note_blocks(root, file, targets)) if targets else frozenset()
        flow = Flow(file, language, leavings, marks, notes)
        flows[file] = (flow, without_link_lists(flow.read(root), leavings))
    kept = {id(piece.block): piece for piece in without_blanks(piece for _, found in flows.values() for piece in found)}
    return [
        Text(
            file=item.file,
            pieces=tuple(kept[id(piece.block)] for piece in flows[item.file][1] if id(piece.block) in kept),
            is_linear=item.is_linear,
            left_out_ids=frozenset(flows[item.file][0].left_out_ids),
        )
        for item in package.spine
        if item.file in flows
    ]


def _book(texts: list[Text], entries: list[Entry], package: Package, language: str, leavings: Leavings) -> Book:
    sections = cut(texts, entries)
    if sum(section.is_named for section in sections) >= _LEAST_CHAPTERS:
        matter = leavings.apart()
        chapters = chapters_of(read_sections(sections, package.title, matter))
        if chapters:
            leavings.join(matter)
            return Book(title=package.title, author=package.author, language=language, chapters=chapters)
    return _by_headings(texts, sections, package, language)


def _by_headings(texts: list[Text], sections: list[Section], package: Package, language: str) -> Book:
    """The book by its headings; a chapter for each file where it has none."""
    blocks = with_found_headings(tuple(piece.block for text in texts for piece in text.pieces))
    draft = Draft(blocks=blocks, title=package.title, author=package.author)
    if any(block.level for block in blocks):
        return tidied(arrange(draft, language=language))
    label = next((section.label for section in sections if section.is_named), "")
    files = [Section(label="", pieces=text.pieces, is_named=False) for text in texts if text.pieces]
    if len(files) == 1:
        files = [Section(label=label, pieces=files[0].pieces, is_named=True)]
    return Book(title=package.title, author=package.author, language=language, chapters=chapters_of(files))
