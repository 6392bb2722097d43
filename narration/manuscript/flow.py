"""The markup of a book or page to blocks: which elements are paragraphs, and which only dress the words in them.

Invariant: every letter of a tree is in a block or counted among the leavings; inline elements join without spaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from narration.book import LeftOutKind, Paragraph, ParagraphKind
from narration.manuscript.chapters import Block
from narration.manuscript.contexts import BLOCKS, Context, context_of, is_ornament
from narration.manuscript.drama import is_drama, rows_of, speech
from narration.manuscript.headings import is_part_heading
from narration.manuscript.inline import CELL, LINE, is_empty, paragraphs_in
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import is_scene_break
from narration.manuscript.signs import kind_of, leads_inside
from narration.manuscript.trees import Element, local, text_of

SCENE_MARK: Final = "***"
"""What a scene break without words is written as."""

_LINK_SHARE: Final = 0.6
"""The share of linked words from which on a paragraph is an entry of a table of contents; its page number is none."""

_INITIAL_CHARS: Final = 2
_NO_TEXT: Final = frozenset({"head", "script", "style", "template", "title"})
_UNSPOKEN: Final = frozenset({LeftOutKind.PAGE_NUMBERS, LeftOutKind.NOTE_MARKS, LeftOutKind.IMAGES, LeftOutKind.RUBY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A block with the places in it that links can lead to.

    Attributes:
        block: what is read.
        ids: of the elements that begin at it, or between it and the piece before.
        is_blank: an empty paragraph, which may part scenes.
        is_link: its words are a link to another place of the book, as in a table of contents.
    """

    block: Block
    ids: tuple[str, ...] = ()
    is_blank: bool = False
    is_link: bool = False


class Flow:
    """Reads one tree.

    Args:
        source: name of the file inside the manuscript, or empty.
        language: ISO 639-1.
        leavings: counts what is left out.
        marks: elements that are known to be marks of notes.
        notes: elements that are known to be notes.
    """

    def __init__(
        self,
        source: str,
        language: str,
        leavings: Leavings,
        marks: frozenset[Element] = frozenset(),
        notes: frozenset[Element] = frozenset(),
    ) -> None:
        self._source, self._language, self._leavings = source, language, leavings
        self._known = dict.fromkeys(marks, LeftOutKind.NOTE_MARKS) | dict.fromkeys(notes, LeftOutKind.NOTES)
        self._pieces: list[Piece] = []
        self._parts: list[str] = []
        self._ids: list[str] = []
        self._contexts: list[Context] = []
        self._alts: list[str] = []
        self._line = 0
        self._is_ornament = False
        self._linked_chars = 0
        self.left_out_ids: set[str] = set()

    def read(self, root: Element) -> list[Piece]:
        """The blocks of a tree, in order."""
        skipped: Element | None = None
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            name = local(element)
            if event == "start":
                if self._enter(element, name):
                    self._parts.append(element.text or "")
                else:
                    walk.skip_subtree()
                    skipped = element
                continue
            if element is skipped:
                skipped = None
            elif name in BLOCKS:
                self._end(element, name)
            elif name == "a" and leads_inside(element):
                self._linked_chars += len(text_of(element).replace(" ", ""))
            if element is not root:
                self._parts.append(element.tail or "")
        self._flush()
        return self._pieces

    def _enter(self, element: Element, name: str) -> bool:
        """Begins an element; says whether to go into it."""
        if self._is_left_out(element, name):
            return False
        if name in BLOCKS:
            return self._begin(element, name)
        if identity := element.get("id") or (element.get("name") if name == "a" else None):
            self._ids.append(identity)
        match name:
            case "br":
                self._parts.append(LINE)
            case "img" | "image" | "svg":
                self._picture(element, name)
                return False
            case _:
                pass
        return True

    def _is_left_out(self, element: Element, name: str) -> bool:
        if name in _NO_TEXT:
            return True
        kind = self._known.get(element) or kind_of(element, name)
        if kind is None or self._leavings.keeps(kind):
            return False
        if name in BLOCKS and kind is not LeftOutKind.PAGE_NUMBERS:
            self._flush()
        text = text_of(element)
        ids = [found for inner in element.iter() if (found := inner.get("id"))]
        if kind in _UNSPOKEN:
            self._ids += ids
        else:
            self.left_out_ids.update(ids)
        return not (text or kind in _UNSPOKEN) or self._leavings.leave(kind, text)

    def _begin(self, element: Element, name: str) -> bool:
        self._part(name)
        self._line = element.sourceline or 0
        if identity := element.get("id"):
            self._ids.append(identity)
        if name == "table" and is_drama(element):
            self._play(element)
            return False
        if name == "hr":
            self._add(SCENE_MARK, ParagraphKind.SCENE_BREAK)
            return True
        self._is_ornament = self._is_ornament or is_ornament(element)
        context = context_of(element, name)
        if context is not None:
            self._contexts.append(context)
        return True

    def _end(self, element: Element, name: str) -> None:
        own = self._contexts[-1] if self._contexts and self._contexts[-1].element is element else None
        if own is not None and own.joins:
            self._flush()
        else:
            self._part(name, ends=True)
        if own is not None:
            self._contexts.pop()
        if self._is_ornament and is_ornament(element):
            self._is_ornament = False

    def _part(self, name: str, *, ends: bool = False) -> None:
        """A block begins or ends: so does a paragraph, or a line of a stanza, or a cell of a row."""
        joins = next((context.joins for context in reversed(self._contexts) if context.joins), "")
        if not joins or (joins == CELL and name == "tr"):
            self._flush(is_paragraph=ends and name == "p")
        elif not self._is_at_start():
            self._parts.append(joins)

    def _picture(self, element: Element, name: str) -> None:
        alt = (element.get("alt") or (text_of(element) if name == "svg" else "")).strip()
        context = self._contexts[-1] if self._contexts else None
        if context is not None and context.kind is ParagraphKind.HEADING:
            self._alts.append(alt)
        elif alt and ((len(alt) <= _INITIAL_CHARS and alt.isalpha() and self._is_at_start()) or is_scene_break(alt)):
            self._parts.append(alt)
        elif is_ornament(element):
            self._is_ornament = True
        elif not self._leavings.leave(LeftOutKind.IMAGES, alt):
            self._parts += [LINE, LINE, alt, LINE, LINE]

    def _is_at_start(self) -> bool:
        return all(is_empty(part) for part in reversed(self._parts))

    def _play(self, table: Element) -> None:
        for caption in table.iter("{*}caption"):
            self._parts.append(text_of(caption))
            self._flush()
        for row in rows_of(table, lambda inner: self._is_left_out(inner, local(inner))):
            self._append(speech(row, source=self._source))

    def _flush(self, *, is_paragraph: bool = False) -> None:
        """Ends the paragraph, if there is one."""
        raw = "".join(self._parts)
        self._parts.clear()
        linked, self._linked_chars = self._linked_chars, 0
        context = self._contexts[-1] if self._contexts else None
        if self._alts:
            raw = self._with_alts(raw)
        if is_empty(raw):
            if self._is_ornament:
                self._is_ornament = False
                self._add(SCENE_MARK, ParagraphKind.SCENE_BREAK)
            elif is_paragraph and not raw.isascii():
                self._add(SCENE_MARK, ParagraphKind.SCENE_BREAK, is_blank=True)
            return
        if context is not None and context.is_preserved:
            raw = raw.replace("\n", LINE)
        kind = next((found.kind for found in reversed(self._contexts) if found.kind), ParagraphKind.PROSE)
        level = context.level if context is not None and kind is ParagraphKind.HEADING else 0
        for text, found in paragraphs_in(raw, kind, self._language, self._leavings):
            self._add(text, found, level=level, is_link=linked > _LINK_SHARE * len(raw.replace(" ", "")))

    def _with_alts(self, raw: str) -> str:
        """A heading that is only a picture says what stands for the picture."""
        alts, self._alts = self._alts, []
        if is_empty(raw):
            return " ".join(alt for alt in alts if alt)
        for alt in alts:
            self._leavings.leave(LeftOutKind.IMAGES, alt)
        return raw

    def _add(
        self, text: str, kind: ParagraphKind, *, level: int = 0, is_blank: bool = False, is_link: bool = False
    ) -> None:
        if is_scene_break(text):
            kind, level = ParagraphKind.SCENE_BREAK, 0
        paragraph = Paragraph(text=text, kind=kind, source_line=self._line, source=self._source)
        self._append(paragraph, level=level, is_blank=is_blank, is_link=is_link)

    def _append(self, paragraph: Paragraph, *, level: int = 0, is_blank: bool = False, is_link: bool = False) -> None:
        is_part = level > 0 and is_part_heading(paragraph.text)
        block = Block(paragraph=paragraph, level=level, is_part=is_part)
        self._pieces.append(Piece(block=block, ids=tuple(self._ids), is_blank=is_blank, is_link=is_link))
        self._ids.clear()
