"""What the elements around a paragraph make of it: a heading, verse, a letter, a list item, a row of a table.

Invariant: the innermost element that says something decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from narration.book import ParagraphKind
from narration.manuscript.inline import CELL, LINE
from narration.manuscript.trees import Element, classes_of, local, types_of

_BLOCK_NAMES: Final = (
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer "
    "h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol p pre section summary table tbody td tfoot "
    "th thead tr ul sidebar note list hd doctitle docauthor level level1 level2 level3 level4 linegroup poem"
)
BLOCKS: Final = frozenset(_BLOCK_NAMES.split())
"""Elements that begin and end a paragraph; all others only dress words. The last few are those of EPUB 2's DTBook."""

_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)} | {"doctitle": 1, "hd": 6}
_VERSE_TYPES: Final = frozenset({"verse", "poem", "song", "hymn", "lyrics"})
_LETTER_TYPES: Final = frozenset({"letter", "diary", "telegram"})
_HEADING_TYPES: Final = frozenset({"title", "subtitle", "fulltitle", "bridgehead", "covertitle", "halftitle"})
_STANZAS: Final = frozenset({"stanza", "linegroup", "line-group", "verse-group"})
_POEMS: Final = frozenset({"poem", "poetry", "verse"})
_HEADING_CLASS: Final = re.compile(r"(?:chapter|chap|ch)[-_]?(?:title|number|num|no|head|heading|name)|heading-?1?")
_BREAK_CLASS: Final = re.compile(
    r"(?:scene|section|thought)[-_]?break|ornament|fleuron|asterism|dinkus|tb|sep(?:arator)?"
)
_CELL_BLOCKS: Final = frozenset({"p", "div", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote"})
_CHAPTER_LEVEL: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What an element says of the paragraphs in it.

    Attributes:
        element: it.
        kind: of the paragraphs; None where it says nothing of that.
        level: of a heading; 0 where its rank is unknown.
        joins: what stands between the blocks in it, which are one paragraph: `LINE`, `CELL`, or nothing.
        is_preserved: line feeds of the source are line breaks.
    """

    element: Element
    kind: ParagraphKind | None = None
    level: int = 0
    joins: str = ""
    is_preserved: bool = False


def context_of(element: Element, name: str) -> Context | None:
    """What an element says of the paragraphs in it; None where it says nothing."""
    if level := _HEADINGS.get(name):
        return Context(element=element, kind=ParagraphKind.HEADING, level=level)
    match name:
        case "hgroup":
            return Context(element=element, kind=ParagraphKind.HEADING)
        case "pre":
            return Context(element=element, kind=ParagraphKind.VERSE, is_preserved=True)
        case "table":
            return Context(element=element, joins=CELL) if _is_data(element) else None
        case "linegroup":
            return Context(element=element, kind=ParagraphKind.VERSE, joins=LINE)
        case _:
            return _by_words(element, name)


def _by_words(element: Element, name: str) -> Context | None:
    """By type, by class, and last by what the element is anyway."""
    types, classes = types_of(element), classes_of(element)
    kind = None
    if types & _VERSE_TYPES or (classes & _POEMS and name != "p"):
        kind = ParagraphKind.VERSE
    elif types & _LETTER_TYPES or name == "blockquote":
        kind = ParagraphKind.QUOTE
    elif types & _HEADING_TYPES:
        kind = ParagraphKind.HEADING
    elif name in {"li", "dt", "dd"}:
        kind = ParagraphKind.LIST_ITEM
    elif classes & _STANZAS:
        return Context(element=element, kind=ParagraphKind.VERSE, joins=LINE)
    elif name in {"p", "div"} and any(_HEADING_CLASS.fullmatch(word) for word in classes) and not _has_blocks(element):
        return Context(element=element, kind=ParagraphKind.HEADING, level=_CHAPTER_LEVEL)
    return Context(element=element, kind=kind) if kind else None


def _has_blocks(element: Element) -> bool:
    return any(local(inner) in BLOCKS for inner in element.iter() if inner is not element)


def _is_data(table: Element) -> bool:
    """Whether a table is rows of words; one that lays out whole paragraphs is none."""
    cells = list(table.iter("{*}td", "{*}th"))
    if any(sum(local(inner) in _CELL_BLOCKS for inner in cell.iter()) > 1 for cell in cells):
        return False
    return max((len(row) for row in table.iter("{*}tr")), default=0) > 1


def is_ornament(element: Element) -> bool:
    """Whether an element is made to part scenes, by its class."""
    return any(_BREAK_CLASS.fullmatch(word) for word in classes_of(element))
