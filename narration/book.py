"""The manuscript as read, and what is spoken of it: Book, Chapter, Paragraph; Line, Chunk.

Invariant: every position is a code-point offset into `Chapter.text`, and `chapter.text[start:end]` is what the
object says it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PARAGRAPH_GAP = "\n\n"
"""What stands between two paragraphs in `Chapter.text`."""


class ParagraphKind(StrEnum):
    """What a paragraph is in the manuscript."""

    PROSE = "prose"
    HEADING = "heading"
    SCENE_BREAK = "scene_break"
    QUOTE = "quote"
    VERSE = "verse"
    LIST_ITEM = "list_item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """One paragraph, on one line (hard line breaks are unwrapped; verse keeps its own).

    Attributes:
        text: the words as written, markup removed.
        kind: what it is.
        source_line: 1-based line of the manuscript where it begins; 0 where lines mean nothing.
        source: the file inside the manuscript that `source_line` counts in (`text/chapter-3.xhtml` of an EPUB);
            empty where the manuscript is one file.
        speaker: who speaks all of it, where the manuscript's own markup says so (a play, a screenplay), as written
            there; `Jack + Algernon` where several speak together; empty elsewhere.
        directions: `(start, end)` spans of `text` that are stage directions and not speech, brackets included.
    """

    text: str
    kind: ParagraphKind = ParagraphKind.PROSE
    source_line: int = 0
    source: str = ""
    speaker: str = ""
    directions: tuple[tuple[int, int], ...] = ()

    @property
    def direction(self) -> str:
        """The stage direction that opens a speech (`Languidly.`), without brackets; empty where none does."""
        if not self.speaker or not self.directions or self.directions[0][0] != 0:
            return ""
        return self.text[: self.directions[0][1]].strip("()[] ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One chapter; its heading, if it is to be read, is its first paragraph.

    Attributes:
        number: 1-based position in the book.
        title: for tags, file names and selection; may be empty.
        paragraphs: in order; none has empty text.
    """

    number: int
    title: str
    paragraphs: tuple[Paragraph, ...]

    @property
    def text(self) -> str:
        """All paragraphs, joined by `PARAGRAPH_GAP`."""
        return PARAGRAPH_GAP.join(paragraph.text for paragraph in self.paragraphs)

    def spans(self) -> tuple[tuple[int, int], ...]:
        """`(start, end)` of each paragraph in `text`."""
        spans, position = [], 0
        for paragraph in self.paragraphs:
            spans.append((position, position + len(paragraph.text)))
            position += len(paragraph.text) + len(PARAGRAPH_GAP)
        return tuple(spans)


class LeftOutKind(StrEnum):
    """What a reader leaves out of a manuscript unless told to keep it."""

    FRONT_MATTER = "front-matter"
    """Title page, imprint, dedication, list of the characters of a play."""
    BACK_MATTER = "back-matter"
    """Colophon, index, bibliography, the publisher's advertisements."""
    CONTENTS = "contents"
    """Tables of contents and of illustrations."""
    NOTES = "notes"
    """Footnotes and endnotes, editors' notes."""
    NOTE_MARKS = "note-marks"
    PAGE_NUMBERS = "page-numbers"
    IMAGES = "images"
    """Pictures, with what stands for them."""
    RUBY = "ruby"
    """How a word is pronounced, set above it; with the word it would be read twice."""
    COMMENTS = "comments"
    """What is written for the author's colleagues: comments, notes and what was cut out of a screenplay."""
    DELETED = "deleted"
    """Text that a tracked change takes out."""
    HIDDEN = "hidden"
    """What a reader of the book does not see: hidden text, forms, running heads."""
    LICENCE = "licence"
    """The header and licence of a library around the book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What a reader left out, of one kind.

    Attributes:
        kind: what it is; naming it in `keep` reads it.
        count: how many pieces.
        characters: their length in code points.
        example: the beginning of the first, on one line.
    """

    kind: LeftOutKind
    count: int
    characters: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A manuscript as read.

    Attributes:
        title, author: as the manuscript says; empty where it says nothing.
        language: two letters, ISO 639-1.
        chapters: in reading order, numbered from 1.
        left_out: what was not read, by kind, so that nothing disappears silently.
    """

    title: str
    author: str
    language: str
    chapters: tuple[Chapter, ...]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A stretch of one paragraph spoken by one character.

    Attributes:
        chapter: number of the chapter.
        index: 0-based position among the chapter's lines.
        paragraph: 0-based index into the chapter's paragraphs.
        character: a name of the cast.
        start, end: span in `Chapter.text`, quotation marks included.
        text: `chapter.text[start:end]`.
        kind: kind of its paragraph.
        direction: how it is to be said, or empty; never read aloud.
        doubtful: whether a person should look at the speaker.
    """

    chapter: int
    index: int
    paragraph: int
    character: str
    start: int
    end: int
    text: str
    kind: ParagraphKind = ParagraphKind.PROSE
    direction: str = ""
    doubtful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A stretch of the text that no chunk speaks, and the rule that says so.

    Attributes:
        rule: `quotation-mark`, `speaker-label`, `symbols-only`.
        start, end: span in `Chapter.text`.
        text: `chapter.text[start:end]`.
    """

    rule: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterScript:
    """All lines of one chapter.

    Attributes:
        chapter: the chapter they are of.
        lines: in order; their spans do not overlap and leave out only white space and what `removals` lists.
        removals: labels that are not spoken.
        quotations: how many quotations were found.
        unattributed: how many of those went to the narrator because nobody was found for them.
    """

    chapter: Chapter
    lines: tuple[Line, ...]
    removals: tuple[Removal, ...] = ()
    quotations: int = 0
    unattributed: int = 0


class Gap(StrEnum):
    """What lies before a chunk, and so how long the pause is."""

    START = "start"
    WITHIN = "within"
    """The same line goes on."""
    LINE = "line"
    """Another line of the same paragraph."""
    PARAGRAPH = "paragraph"
    SCENE = "scene"
    HEADING = "heading"
    """The paragraph before is a heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What one request to a speech service says.

    Attributes:
        chapter: number of the chapter.
        line: index of its line among the chapter's lines.
        index: 0-based position among the chapter's chunks.
        character: who speaks it.
        start, end: span in `Chapter.text`.
        text: the words as sent; `chapter.text[start:end]`.
        gap: what lies before it.
    """

    chapter: int
    line: int
    index: int
    character: str
    start: int
    end: int
    text: str
    gap: Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterChunks:
    """One chapter, cut.

    Attributes:
        chapter: the chapter.
        script: its lines.
        chunks: in order. Their spans and those of `removals` do not overlap; all else in the text is white space.
        removals: everything that no chunk speaks, labels included.
    """

    chapter: Chapter
    script: ChapterScript
    chunks: tuple[Chunk, ...]
    removals: tuple[Removal, ...]
