"""The table of contents of an EPUB: nav of EPUB 3, NCX of EPUB 2, and which of its entries are chapters.

Invariant: entries give titles and places to cut at, never an order or a text: these are the spine's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from narration.manuscript.archive import resolve
from narration.manuscript.headings import is_chapter_heading, is_part_heading
from narration.manuscript.letters import clean
from narration.manuscript.matter import matter_of_label
from narration.manuscript.trees import Element, local, text_of, types_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry.

    Attributes:
        label: as printed.
        file: in the archive; empty where the entry leads nowhere.
        fragment: the id it leads to inside the file, or empty.
        children: the entries below it.
    """

    label: str
    file: str
    fragment: str
    children: tuple[Entry, ...] = ()


def entries_of_nav(root: Element, file: str) -> tuple[Entry, ...]:
    """The entries of an EPUB 3 navigation document."""
    navs = [nav for nav in root.iter("{*}nav") if local(nav) == "nav"]
    toc = next((nav for nav in navs if "toc" in types_of(nav)), None)
    if toc is None:
        toc = next((nav for nav in navs if not types_of(nav)), None)
    lists = [] if toc is None else list(toc.iter("{*}ol", "{*}ul"))[:1]
    return tuple(_of_list(lists[0], file)) if lists else ()


def _of_list(items: Element, file: str) -> Iterator[Entry]:
    for item in items.iterchildren("{*}li"):
        children = [entry for inner in item.iterchildren("{*}ol", "{*}ul") for entry in _of_list(inner, file)]
        link = next(
            (child for child in item.iter("{*}a", "{*}span") if next(child.iterancestors("{*}li")) is item), None
        )
        href = link.get("href", "") if link is not None else ""
        target, fragment = resolve(file, href) if href else ("", "")
        label = clean(text_of(link)) if link is not None else clean((item.text or "").replace("\n", " "))
        yield Entry(label=label, file=target, fragment=fragment, children=tuple(children))


def entries_of_ncx(root: Element, file: str) -> tuple[Entry, ...]:
    """The entries of an EPUB 2 NCX."""
    chart = next((element for element in root.iter() if local(element) == "navmap"), None)
    return tuple(_of_points(chart, file)) if chart is not None else ()


def _of_points(parent: Element, file: str) -> Iterator[Entry]:
    for point in parent:
        if local(point) != "navpoint":
            continue
        label = next((text_of(child) for child in point if local(child) == "navlabel"), "")
        source = next((child.get("src", "") for child in point if local(child) == "content"), "")
        target, fragment = resolve(file, source) if source else ("", "")
        children = tuple(_of_points(point, file))
        yield Entry(label=clean(label), file=target, fragment=fragment, children=children)


def chapter_entries(entries: tuple[Entry, ...]) -> list[Entry]:
    """The entries that begin chapters, in order; those inside a chapter (`I`, `II` of a story) are left out.

    An entry is opened into those below it when they lie in other files, when it names a part or they name chapters, or
    when it is the only entry of the book.
    """
    told = [entry for entry in entries if not matter_of_label(entry.label)]
    alone = len(told) == 1
    return [found for entry in entries for found in _opened(entry, is_alone=alone and entry in told)]


def _opened(entry: Entry, *, is_alone: bool) -> Iterator[Entry]:
    inside = entry.children and all(child.file == entry.file for child in _below(entry))
    is_chapter = inside and not (
        is_alone or is_part_heading(entry.label) or any(is_chapter_heading(child.label) for child in entry.children)
    )
    yield entry
    if not is_chapter:
        for child in entry.children:
            yield from _opened(child, is_alone=False)


def _below(entry: Entry) -> Iterator[Entry]:
    for child in entry.children:
        yield child
        yield from _below(child)
