"""FictionBook (FB2) to a Book: its elements get the names that HTML has for the same, and are read as a page is.

Invariant: the parser's bounds hold (entities, depth, size), and a file that breaks a rule of XML is refused; no word is
moved, and what is no text of the book (notes, the annotation, pictures) is counted among the leavings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lxml import etree

from narration.book import Book, LeftOutKind
from narration.errors import InputError, Problem
from narration.manuscript.chapters import Block, Draft, arrange
from narration.manuscript.finish import finished, tidied, with_found_headings
from narration.manuscript.flow import Flow
from narration.manuscript.headings import is_chapter_heading
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import clean, guess_language
from narration.manuscript.signs import note_blocks, note_links
from narration.manuscript.strays import without_blanks, without_link_lists
from narration.manuscript.trees import Element, local, parse_xml, text_of, two_letters

_NAMES: Final = {
    "annotation": "div", "body": "section", "cite": "blockquote", "date": "p", "empty-line": "p",
    "epigraph": "blockquote", "poem": "div", "stanza": "linegroup", "style": "span", "subtitle": "hgroup",
    "text-author": "p", "title": "hgroup", "v": "span",
}  # fmt: skip
"""What HTML calls the elements of FictionBook, where it has another name. Source: FictionBook.xsd 2.1."""

_BLANK: Final = "\u00a0"
_APART: Final = frozenset({"notes", "comments", "footnotes"})
"""Names of bodies that hold what links of the text lead to."""

_PART, _CHAPTER, _DEEPEST = 2, 3, 6

_FRONT_TYPE: Final = ("{http://www.idpf.org/2007/ops}type", "frontmatter")


def read_fictionbook(data: bytes, where: str, *, language: str | None, leavings: Leavings) -> Book:
    """The book of a FictionBook file.

    Args:
        data: the whole file.
        where: as the user would name it.
        language: ISO 639-1; None for what the file says, or the script of the letters.
        leavings: counts what is left out.

    Raises:
        InputError: it is no well-formed XML, no FictionBook, or has no text.
    """
    root = parse_xml(data, where)
    if local(root) != "fictionbook":
        problem = Problem(what=f"this is no FictionBook: it begins with <{local(root)}>", where=where)
        raise InputError(replace(problem, expected="<FictionBook>"))
    facts = next(_children(root, "title-info", inside="description"), None)
    text = _text_of_book(root, facts)
    spoken = language or two_letters(_said(facts, "lang")) or guess_language(text_of(text))
    _count_pictures(root, text, leavings)
    notes = _dressed(text)
    links = list(note_links(text, ""))
    marks = frozenset(mark for mark, _ in links) | _note_marks(text)
    found = frozenset(note_blocks(text, "", frozenset(target for _, target in links)))
    flow = Flow("", spoken, leavings, marks, notes | found)
    pieces = without_link_lists(without_blanks(flow.read(text)), leavings)
    blocks = with_found_headings(tuple(_as_part(piece.block) for piece in pieces))
    if not blocks:
        raise InputError(Problem(what="the FictionBook has no text to read", where=where))
    draft = Draft(blocks=blocks, title=_said(facts, "book-title"), author=_author(facts))
    return finished(tidied(arrange(draft, language=spoken)))


def _children(element: Element, name: str, *, inside: str = "") -> Iterator[Element]:
    for child in element:
        if inside and local(child) == inside:
            yield from _children(child, name)
        elif not inside and local(child) == name:
            yield child


def _said(facts: Element | None, name: str) -> str:
    found = [] if facts is None else _children(facts, name)
    return next((clean(text) for element in found if (text := text_of(element))), "")


def _author(facts: Element | None) -> str:
    names = []
    for author in [] if facts is None else _children(facts, "author"):
        parts = [_said(author, f"{part}-name") for part in ("first", "middle", "last")]
        names.append(" ".join(part for part in parts if part) or _said(author, "nickname"))
    return ", ".join(dict.fromkeys(name for name in names if name))


def _text_of_book(root: Element, facts: Element | None) -> Element:
    """One element around all that a reader of the book sees: the annotation and the bodies."""
    held = etree.Element("div")
    for annotation in [] if facts is None else list(_children(facts, "annotation")):
        annotation.set(*_FRONT_TYPE)
        held.append(annotation)
    for body in list(_children(root, "body")):
        held.append(body)
    return held


def _count_pictures(root: Element, text: Element, leavings: Leavings) -> None:
    """Pictures that the text shows are counted where it shows them; here the others: the cover."""
    shown = {_link_of(image).lstrip("#") for image in text.iter("{*}image")}
    for picture in _children(root, "binary"):
        name = picture.get("id", "")
        if name not in shown:
            leavings.leave(LeftOutKind.IMAGES, name)


def _link_of(element: Element) -> str:
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == "href"), "")


def _note_marks(text: Element) -> frozenset[Element]:
    return frozenset(link for link in text.iter("{*}a") if link.get("type", "") == "note")


def _dressed(text: Element) -> frozenset[Element]:
    """Gives the elements their names in HTML; returns those that are notes."""
    bodies = [body for body in text if local(body) == "body"]
    apart = [body for body in bodies if body.get("name", "").lower() in _APART]
    notes = frozenset(child for body in apart for child in body)
    for body in bodies:
        if body in apart:
            _rank(body, _CHAPTER)
        elif len(bodies) - len(apart) > 1:
            _rank(body, _PART)
        for section in () if body in apart else _children(body, "section"):
            _rank_all(section)
    for verse in [verse for stanza in text.iter("{*}stanza") for verse in list(_children(stanza, "v"))[1:]]:
        verse.addprevious(etree.Element("br"))
    for element in text.iter():
        name = local(element)
        if name == "a" and (link := _link_of(element)):
            element.set("href", link)
        elif name == "empty-line" and not text_of(element):
            is_titled = (above := element.getparent()) is not None and above.tag == _NAMES["title"]
            element.text = "" if is_titled else _BLANK
        element.tag = _NAMES.get(name, name)
    return notes


def _rank_all(top: Element) -> None:
    """Ranks the titles of a section and of those in it: parts, chapters, what is inside of chapters."""
    waiting = [(top, _CHAPTER)]
    while waiting:
        section, level = waiting.pop()
        is_part = level == _CHAPTER and _is_part(section)
        _rank(section, _PART if is_part else level)
        before = section.getprevious()
        if next(_children(section, "title"), None) is None and before is not None and local(before) != "title":
            section.addprevious(etree.Element("hr"))
        is_chapter = not is_part and next(_children(section, "title"), None) is not None
        inner = min(level + 1, _DEEPEST) if is_chapter else level
        waiting += [(child, inner) for child in _children(section, "section")]


def _is_part(section: Element) -> bool:
    """Whether a section holds chapters: no words but those of sections with titles, and it is not called a chapter."""
    title = next(_children(section, "title"), None)
    if title is None or any(local(child) in {"p", "poem", "cite", "table"} for child in section):
        return False
    inner = [child for section in _children(section, "section") for child in _children(section, "title")]
    lines = [text_of(line) for line in title]
    return bool(inner) and not any(is_chapter_heading(line) for line in lines[:1])


def _rank(section: Element, level: int) -> None:
    """Makes headings of the lines of a section's own title."""
    for title in _children(section, "title"):
        lines = [line for line in _children(title, "p") if text_of(line)]
        for line, rank in zip(lines, (level,) if level == _PART else (level, min(level + 1, _DEEPEST)), strict=False):
            line.tag = f"h{rank}"
        if not lines:
            title.tag = f"h{level}"


def _as_part(block: Block) -> Block:
    return replace(block, is_part=True) if block.level == _PART else block
