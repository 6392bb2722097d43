"""What the styles of a Word document mean for its paragraphs.

Invariant: a style is told by its built-in name and its outline level, never by its id, which Word translates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from narration.book import ParagraphKind
from narration.manuscript.trees import Element, local

_HEADING: Final = re.compile(r"heading ([1-9])")
_CONTENTS: Final = re.compile(
    r"toc (?:heading|\d)|table of (?:figures|authorities)|contents heading|index(?: \d| heading)?"
)
_QUOTE: Final = re.compile(r"(?:intense )?quote|block (?:text|quotation)|quotations?|letter|epigraph")
_VERSE: Final = re.compile(r".*\b(?:verse|poem|poetry|lyrics?)\b.*")
_LIST: Final = re.compile(r"list(?: paragraph| bullet| number| continue)?(?: \d)?")
_MOST_DIGITS: Final = 9
_BODY_LEVEL: Final = 9
_MOST_ANCESTORS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a paragraph is by its style.

    Attributes:
        kind: None where the style says nothing.
        level: of a heading; the document's title is 1, `heading 1` is 2; 0 for none, and for a subtitle.
        is_contents: a line of a table of contents or of an index.
        is_hidden: the style hides its text.
        numbering: `(list, level)` of its automatic number; empty list for none.
    """

    kind: ParagraphKind | None = None
    level: int = 0
    is_contents: bool = False
    is_hidden: bool = False
    numbering: tuple[str, int] = ("", 0)


def value_of(element: Element | None) -> str:
    """The `val` attribute of an element, whatever its namespace; empty where there is none."""
    if element is None:
        return ""
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == "val"), "")


def child_of(element: Element | None, *names: str) -> Element | None:
    """The descendant by a path of local names, lower case."""
    for name in names:
        if element is None:
            return None
        element = next((child for child in element if local(child) == name), None)
    return element


def is_on(element: Element | None) -> bool:
    """Whether a switch like `<w:vanish/>` is there and not switched off."""
    return element is not None and value_of(element) not in {"0", "false", "off", "none"}


def whole(written: str, default: int) -> int:
    """A number as Word writes it; what is none, or far too long for one, is the default."""
    return int(written) if written.isdecimal() and len(written) <= _MOST_DIGITS else default


def level_of(properties: Element | None) -> int:
    """The level of a heading that an outline level gives; 0 for body text."""
    value = value_of(child_of(properties, "outlinelvl"))
    level = whole(value, _BODY_LEVEL)
    return level + 2 if level < _BODY_LEVEL else 0


def numbering_of(properties: Element | None) -> tuple[str, int]:
    """`(list, level)` of the automatic number that paragraph properties ask for."""
    number = child_of(properties, "numpr")
    return value_of(child_of(number, "numid")), whole(value_of(child_of(number, "ilvl")), 0)


def read_styles(root: Element | None) -> dict[str, Role]:
    """The role of each style, by its id."""
    if root is None:
        return {}
    styles = {_attribute(style, "styleid"): style for style in root.iter("{*}style")}
    return {identity: _role(identity, styles) for identity in styles}


def _attribute(element: Element, name: str) -> str:
    return next(
        (str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2].lower() == name), ""
    )


def _role(identity: str, styles: dict[str, Element]) -> Role:
    """The role by the style's own name, else by that of a style it is based on."""
    role = Role()
    for _ in range(_MOST_ANCESTORS):
        style = styles.get(identity)
        if style is None:
            break
        own = _own_role(style)
        role = replace(
            role,
            kind=role.kind or own.kind,
            level=role.level or (own.level if role.kind in {None, ParagraphKind.HEADING} else 0),
            is_contents=role.is_contents or own.is_contents,
            is_hidden=role.is_hidden or own.is_hidden,
            numbering=role.numbering if role.numbering[0] else own.numbering,
        )
        identity = value_of(child_of(style, "basedon"))
    return role


def _own_role(style: Element) -> Role:
    name = value_of(child_of(style, "name")).strip().lower()
    properties = child_of(style, "ppr")
    heading = _HEADING.fullmatch(name)
    level = int(heading[1]) + 1 if heading else 1 if name == "title" else level_of(properties)
    kind = None
    if level or name == "subtitle":
        kind = ParagraphKind.HEADING
    else:
        for pattern, found in (
            (_QUOTE, ParagraphKind.QUOTE),
            (_VERSE, ParagraphKind.VERSE),
            (_LIST, ParagraphKind.LIST_ITEM),
        ):
            kind = kind or (found if pattern.fullmatch(name) else None)
    return Role(
        kind=kind,
        level=level,
        is_contents=bool(_CONTENTS.fullmatch(name)),
        is_hidden=is_on(child_of(style, "rpr", "vanish")),
        numbering=numbering_of(properties),
    )
