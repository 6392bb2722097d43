"""One HTML file to a draft: headings make chapters; scripts, navigation and forms are not read.

Invariant: every word that a reader of the page sees is in a block or counted among the leavings.
"""

from __future__ import annotations

from narration.book import Book
from narration.errors import InputError, Problem
from narration.manuscript.chapters import Draft, arrange
from narration.manuscript.finish import finished, tidied, with_found_headings
from narration.manuscript.flow import Flow
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import clean, guess_language
from narration.manuscript.sections import Text, without_licence
from narration.manuscript.signs import note_blocks, note_links
from narration.manuscript.strays import without_blanks, without_link_lists
from narration.manuscript.trees import Element, local, parse_markup, text_of, two_letters


def read_html(data: bytes, where: str, *, language: str | None, leavings: Leavings, is_xhtml: bool = False) -> Book:
    """The book of a web page.

    Args:
        data: the whole file.
        where: as the user would name it.
        language: ISO 639-1; None for what the page says, or the script of the letters.
        leavings: counts what is left out.
        is_xhtml: whether the file is XML, so that it may break no rule.

    Raises:
        InputError: it has no text, or its encoding is in doubt.
    """
    root = parse_markup(data, where, as_xml=is_xhtml)
    if root is None:
        raise InputError(Problem(what="the page is empty", where=where, expected="at least one paragraph of text"))
    spoken = language or two_letters(root.get("lang", "")) or guess_language(text_of(root))
    links = list(note_links(root, ""))
    notes = frozenset(note_blocks(root, "", frozenset(target for _, target in links))) if links else frozenset()
    flow = Flow("", spoken, leavings, frozenset(mark for mark, _ in links), notes)
    text = Text(file="", pieces=tuple(without_link_lists(without_blanks(flow.read(root)), leavings)))
    pieces = without_licence([text], leavings)[0].pieces
    blocks = with_found_headings(tuple(piece.block for piece in pieces))
    if not blocks:
        raise InputError(Problem(what="the page has no text to read", where=where))
    draft = Draft(blocks=blocks, title=_title(root), author=_author(root))
    return finished(tidied(arrange(draft, language=spoken)))


def _title(root: Element) -> str:
    return next((clean(text_of(element)) for element in root.iter() if local(element) == "title"), "")


def _author(root: Element) -> str:
    named = (element for element in root.iter() if local(element) == "meta")
    return next(
        (
            clean(element.get("content", ""))
            for element in named
            if element.get("name", "").lower() in {"author", "dc.creator"}
        ),
        "",
    )
