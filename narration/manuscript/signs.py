"""How the markup of a book shows what is not to be read: notes and their marks, page numbers, front and back matter.

Invariant: an element is taken for one of these by its type, by a class made for it, or by where its link leads;
never by its words alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from narration.book import LeftOutKind
from narration.manuscript.archive import resolve
from narration.manuscript.trees import Element, classes_of, local, text_of, types_of


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MARK: Final = re.compile(
    r"[\[({]?(?:\d{1,3}|[a-z]|[*†‡§¶⁎]{1,4}|[\u2460-\u249b]|[¹²³⁰⁴-⁹]{1,3}|注?[\d一二三四五六七八九十]{1,3})[\])}]?"
)
_MOST_IN_MARK: Final = 8
"""Elements."""
_BRACKETED: Final = re.compile(r"[\[({].*[\])}]|[*†‡§¶⁎\u2460-\u249b¹²³⁰⁴-⁹]+")
_LINK_CLASSES: Final = _names(
    "noteref footnote-ref footnoteref footnote_ref footnote-reference fnanchor fnref fn-ref endnote-ref endnoteref "
    "note-ref footnote-anchor footnotereference footnote-link fnlink"
)
_NOTE_CLASSES: Final = _names(
    "footnote footnotes endnote endnotes footnote-text footnotetext fn-text rearnote rearnotes transnote tnote"
)
_PAGE_CLASSES: Final = _names("pagenum pageno page-number pagenumber pagebreak page-break-number")
_NOTE_TYPES: Final = _names("footnote footnotes endnote endnotes rearnote rearnotes note")
_FRONT_TYPES: Final = _names(
    "titlepage halftitlepage halftitle imprint cover frontcover dedication copyright-page dramatis-personae seriespage "
    "frontmatter"
)
_BACK_TYPES: Final = _names(
    "colophon index glossary bibliography credits acknowledgments acknowledgements contributors other-credits "
    "backmatter"
)
_CONTENTS_TYPES: Final = _names("toc toc-brief landmarks page-list pagelist loi lot loa lov")
_READ_TYPES: Final = _names(
    "preface foreword introduction prologue preamble epilogue afterword conclusion appendix chapter part volume "
    "bodymatter letter division"
)
"""Read even among the front and back matter: they are text of the book."""

_SECTIONS: Final = frozenset({"body", "section", "article", "div", "aside", "nav"})
_UNSEEN: Final = _names(
    "script style head template form input select button textarea iframe object audio video canvas noscript title case"
)
_HIDDEN_STYLE: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLOCKS: Final = frozenset({"p", "li", "div", "aside", "dd", "dt", "td", "section", "blockquote"})
_SMALL_BLOCKS: Final = frozenset({"p", "li", "dd", "dt"})
_MOST_LINKS_UP: Final = 4


def kind_of(element: Element, name: str) -> LeftOutKind | None:
    """What an element is that is not to be read; None when it is.

    Args:
        element: of a book or page.
        name: its local name.
    """
    if not element.attrib and name not in _UNSEEN and name not in {"nav", "rt", "rp", "noteref", "annotation"}:
        return None
    match name:
        case "rt" | "rp":
            return LeftOutKind.RUBY
        case "nav":
            return LeftOutKind.CONTENTS
        case _ if name in _UNSEEN or element.get("hidden") is not None:
            return LeftOutKind.HIDDEN
        case "noteref":
            return LeftOutKind.NOTE_MARKS
        case _:
            return _by_type(element, name) or _by_class(element, name)


def _by_type(element: Element, name: str) -> LeftOutKind | None:
    types = types_of(element)
    if not types:
        return None
    if "noteref" in types:
        return LeftOutKind.NOTE_MARKS
    if "pagebreak" in types:
        return LeftOutKind.PAGE_NUMBERS
    if types & _NOTE_TYPES and name != "body":
        return LeftOutKind.NOTES
    if name not in _SECTIONS:
        return None
    return _matter(element, types)


def _matter(element: Element, types: frozenset[str]) -> LeftOutKind | None:
    kind = None
    if types & _CONTENTS_TYPES:
        kind = LeftOutKind.CONTENTS
    elif types & _FRONT_TYPES:
        kind = LeftOutKind.FRONT_MATTER
    elif types & _BACK_TYPES:
        kind = LeftOutKind.BACK_MATTER
    if kind is None or types & _READ_TYPES:
        return None
    inner = [types_of(child) for child in element.iter() if child is not element and local(child) in _SECTIONS]
    if any(found & _READ_TYPES for found in inner):
        return None
    if kind is not LeftOutKind.CONTENTS and any(found & {"endnotes", "footnotes", "rearnotes"} for found in inner):
        return LeftOutKind.NOTES
    return LeftOutKind.CONTENTS if any(found & _CONTENTS_TYPES for found in inner) else kind


def _by_class(element: Element, name: str) -> LeftOutKind | None:
    if element.get("style") and _HIDDEN_STYLE.search(element.get("style", "")):
        return LeftOutKind.HIDDEN
    classes = classes_of(element)
    identity = element.get("id", "").lower()
    if "pg-boilerplate" in classes or identity in {"pg-header", "pg-footer"}:
        return LeftOutKind.LICENCE
    if not classes:
        return None
    if classes & _PAGE_CLASSES:
        return LeftOutKind.PAGE_NUMBERS
    if name in {"a", "sup", "span"} and classes & _LINK_CLASSES:
        return LeftOutKind.NOTE_MARKS
    if name in _BLOCKS and classes & _NOTE_CLASSES:
        return LeftOutKind.NOTES
    return None


def leads_inside(link: Element) -> bool:
    """Whether a link leads to another place of the same book."""
    href = link.get("href", "")
    return bool(href) and bool(resolve("x", href)[0])


def note_links(root: Element, file: str) -> Iterator[tuple[Element, tuple[str, str]]]:
    """`(mark, (file, id))` of each link that is the mark of a note: the element to leave out, and its target."""
    for link in root.iter("{*}a"):
        href = link.get("href", "")
        if "#" not in href or "pagebreak" in types_of(link):
            continue
        if "noteref" in types_of(link) or classes_of(link) & _LINK_CLASSES:
            if "backlink" not in types_of(link):
                yield link, resolve(file, href)
            continue
        text = _short_text(link)
        if not text or not _MARK.fullmatch(text):
            continue
        mark = _raised(link, text)
        is_mark = mark is not None or bool(_BRACKETED.fullmatch(text))
        if is_mark and not _begins_block(link):
            yield link if mark is None else mark, resolve(file, href)


def _raised(link: Element, text: str) -> Element | None:
    """The element that raises a link above the line, if one does: around it or inside it."""
    above = link.getparent()
    if above is not None and local(above) in {"sup", "small"} and _MARK.fullmatch(text_of(above)):
        return above
    inner = [child for child in link if local(child) == "sup"]
    return link if inner and text_of(inner[0]) == text else None


def _begins_block(element: Element) -> bool:
    """Whether nothing stands before an element in its paragraph: the link of a note back to the text."""
    current: Element | None = element
    while current is not None and local(current) not in _BLOCKS and local(current) not in {"body", "html"}:
        before = current.getprevious()
        while before is not None:
            if (before.tail or "").strip() or text_of(before):
                return False
            before = before.getprevious()
        current = current.getparent()
        if current is not None and (current.text or "").strip():
            return False
    return True


def note_blocks(root: Element, file: str, targets: frozenset[tuple[str, str]]) -> Iterator[Element]:
    """The blocks that links of `note_links` lead to, notes that no type marks: of several with one name the first."""
    wanted, seen = {name for of, name in targets if of == file}, set[Element]()
    for element in root.iter():
        identity = element.get("id") or (element.get("name") if local(element) == "a" else None)
        if identity and identity in wanted:
            wanted.remove(identity)
            block = _block_of(element)
            if block is not None and block not in seen and (_leads_back(block) or _MARK.match(text_of(block))):
                yield block
            seen |= set() if block is None else {block}


def _block_of(element: Element) -> Element | None:
    current: Element | None = element
    for _ in range(_MOST_LINKS_UP):
        if current is None or local(current) in {"body", "html", "section"}:
            return None
        if local(current) in _SMALL_BLOCKS or local(current) in {"div", "aside", "td"}:
            return current
        current = current.getparent()
    return None


def _leads_back(block: Element) -> bool:
    texts = (_short_text(link) for link in block.iter("{*}a") if "#" in link.get("href", ""))
    return any(_MARK.fullmatch(text) or text in {"↩", "↩︎", "↑", "^", "⏎", "Back", "↵"} for text in texts)


def _short_text(link: Element) -> str:
    """What a link says; empty where it holds too much to be a mark, as one that was never closed does."""
    held = sum(1 for _ in itertools.islice(link.iter(), _MOST_IN_MARK + 1))
    return text_of(link) if held <= _MOST_IN_MARK else ""
