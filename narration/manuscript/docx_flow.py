"""The body of a Word document to blocks.

Invariant: a text box inside a paragraph is read before it, whole, and once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from narration.book import LeftOutKind, Paragraph, ParagraphKind
from narration.errors import InputError, Problem
from narration.manuscript.chapters import Block
from narration.manuscript.flow import SCENE_MARK, Piece
from narration.manuscript.headings import is_part_heading
from narration.manuscript.inline import LINE, is_empty, paragraphs_in
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import is_scene_break
from narration.manuscript.numbering import Numbering
from narration.manuscript.styles import Role, child_of, is_on, level_of, numbering_of, value_of
from narration.manuscript.trees import Element, local, text_of

_SPELLED: Final = {"tab": " ", "cr": LINE, "nobreakhyphen": "-", "softhyphen": "", "ptab": " "}
_UNSEEN: Final = frozenset(
    {"ppr", "rpr", "sectpr", "tblpr", "tblgrid", "trpr", "tcpr", "instrtext", "delinstrtext", "sdtpr"}
)
_DELETED: Final = frozenset({"del", "movefrom", "deltext"})
_PRIVATE: Final = range(0xF000, 0xF100)
"""Where symbol fonts put their characters: pictures, not letters."""


@dataclass(slots=True)
class _Open:
    """A paragraph that has not ended."""

    role: Role
    has_rule: bool
    label: str
    parts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class DocxFlow:
    """Reads one document.

    Args:
        language: ISO 639-1.
        leavings: counts what is left out.
        styles: the role of each style, by id.
        numbering: counts automatic numbers.
        notes: text of the notes, by `(footnote or endnote, id)`.
        where: the file as the user would name it.
    """

    def __init__(
        self,
        language: str,
        leavings: Leavings,
        *,
        styles: dict[str, Role],
        numbering: Numbering,
        notes: dict[tuple[str, str], str],
        where: str,
    ) -> None:
        self._language, self._leavings, self._where = language, leavings, where
        self._styles, self._numbering, self._notes = styles, numbering, notes
        self._open: list[_Open] = []
        self._pieces: list[Piece] = []
        self._count = 0

    def read(self, root: Element) -> list[Piece]:
        """The blocks of a document, in order.

        Raises:
            InputError: text stands in a file inside the document, which is not read.
        """
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            name = local(element)
            if event == "start":
                if self._enter(element, name):
                    continue
                walk.skip_subtree()
            elif name == "p" and self._open:
                self._close(self._open.pop())
        return self._pieces

    def _enter(self, element: Element, name: str) -> bool:
        """Begins an element; says whether to go into it."""
        if name == "p":
            self._open.append(self._paragraph(element))
            return True
        if name in _UNSEEN or self._is_left_out(element, name):
            return False
        parts = self._open[-1].parts if self._open else []
        match name:
            case "t":
                parts.append(element.text or "")
            case "br":
                parts.append(LINE + LINE if "page" in element.attrib.values() else LINE)
            case "sym":
                parts.append(_symbol(element))
            case "footnotereference" | "endnotereference":
                self._note(element, name.removesuffix("reference"))
            case "pict" | "drawing":
                return self._picture(element)
            case "altchunk" | "subdoc":
                what = "the document takes in another file, which is not read: its words would be lost"
                hint = "Open it in the program that made it, save it again as DOCX, and name that file."
                raise InputError(Problem(what=what, where=self._where, hint=hint))
            case _:
                parts.append(_SPELLED.get(name, ""))
        return True

    def _is_left_out(self, element: Element, name: str) -> bool:
        kind = None
        if name in _DELETED:
            kind = LeftOutKind.DELETED
        elif name == "r" and is_on(child_of(element, "rpr", "vanish")):
            kind = LeftOutKind.HIDDEN
        elif name == "rt":
            kind = LeftOutKind.RUBY
        elif name == "sdt" and any(value_of(part) == "Table of Contents" for part in element.iter("{*}docPartGallery")):
            kind = LeftOutKind.CONTENTS
        elif name == "fallback":
            return any(local(sibling) == "choice" for sibling in element.itersiblings(preceding=True))
        if kind is None or (kind is LeftOutKind.HIDDEN and not text_of(element)):
            return False
        return self._leavings.leave(kind, text_of(element))

    def _picture(self, element: Element) -> bool:
        """Goes into a drawing for its text boxes; a drawing without one is a picture, or a rule across the page."""
        if any(local(inner) == "t" for inner in element.iter()):
            return True
        if any(str(key).endswith("}hr") for inner in element.iter() for key in inner.attrib) and self._open:
            self._open[-1].has_rule = True
            return False
        described = (inner.get("descr") or inner.get("alt") or "" for inner in element.iter())
        self._leavings.leave(LeftOutKind.IMAGES, next((text for text in described if text), ""))
        return False

    def _note(self, element: Element, kind: str) -> None:
        identity = next((str(value) for key, value in element.attrib.items() if str(key).endswith("}id")), "")
        self._leavings.leave(LeftOutKind.NOTE_MARKS, "")
        text = self._notes.get((kind, identity), "")
        if text and self._open and not self._leavings.leave(LeftOutKind.NOTES, text):
            self._open[-1].notes.append(text)

    def _paragraph(self, element: Element) -> _Open:
        self._count += 1
        properties = child_of(element, "ppr")
        role = self._styles.get(value_of(child_of(properties, "pstyle")), Role())
        level = level_of(properties)
        numbering = numbering_of(properties)
        number, depth = numbering if numbering[0] else role.numbering
        if level and role.kind in {None, ParagraphKind.LIST_ITEM}:
            role = Role(kind=ParagraphKind.HEADING, level=level, is_contents=role.is_contents)
        elif number not in {"", "0"} and role.kind is None:
            role = Role(kind=ParagraphKind.LIST_ITEM, is_contents=role.is_contents, is_hidden=role.is_hidden)
        is_heading = role.kind is ParagraphKind.HEADING and number not in {"", "0"}
        label = self._numbering.next_label(number, depth) if is_heading else ""
        return _Open(role=role, has_rule=child_of(properties, "pbdr") is not None, label=label)

    def _close(self, paragraph: _Open) -> None:
        raw, role = "".join(paragraph.parts), paragraph.role
        if paragraph.label and (any(letter.isalpha() for letter in paragraph.label) or is_empty(raw)):
            raw = f"{paragraph.label}{LINE if not is_empty(raw) else ''}{raw}"
        if is_empty(raw):
            self._add(SCENE_MARK, ParagraphKind.SCENE_BREAK, is_blank=not paragraph.has_rule)
        elif self._is_role_left_out(role, raw):
            pass
        else:
            for text, kind in paragraphs_in(raw, role.kind or ParagraphKind.PROSE, self._language, self._leavings):
                self._add(text, kind, level=role.level)
        for note in paragraph.notes:
            self._add(note, ParagraphKind.PROSE)

    def _is_role_left_out(self, role: Role, raw: str) -> bool:
        if role.is_contents and self._leavings.leave(LeftOutKind.CONTENTS, raw):
            return True
        return role.is_hidden and self._leavings.leave(LeftOutKind.HIDDEN, raw)

    def _add(self, text: str, kind: ParagraphKind, *, level: int = 0, is_blank: bool = False) -> None:
        if is_scene_break(text):
            kind, level = ParagraphKind.SCENE_BREAK, 0
        if kind is not ParagraphKind.HEADING:
            level = 0
        block = Block(
            paragraph=Paragraph(text=text, kind=kind, source_line=self._count),
            level=level,
            is_part=level > 0 and is_part_heading(text),
        )
        self._pieces.append(Piece(block=block, is_blank=is_blank))


def _symbol(element: Element) -> str:
    code = next((str(value) for key, value in element.attrib.items() if str(key).endswith("}char")), "")
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    return "" if number in _PRIVATE or not 0 < number < 0x110000 or 0xD800 <= number < 0xE000 else chr(number)
