"""The manuscript as read, and what is spoken of it: Book, Chapter, Paragraph; Line, Chunk.

Invariant: every position is a code-point offset into `Chapter.text`, and `chapter.text[start:end]` is what the
object says it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
        number: 1-based position in the book; 0 of opening credits.
        title: for tags, file names and selection; may be empty.
        paragraphs: in order; none has empty text.
        credits: it is not the manuscript's, but says who wrote and made the book.
    """

    number: int
    title: str
    paragraphs: tuple[Paragraph, ...]
    credits: bool = False

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
class Respelling:
    """Words that are spoken otherwise than they are written.

    Attributes:
        start, end: span of the words as written; of a line or a chunk, in `Chapter.text`.
        say: what is sent instead.
    """

    start: int
    end: int
    say: str


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
        joint: other characters who speak it at the same time.
        skipped: it is in the text, and not to be spoken.
        pause_ms: silence before it, instead of the usual pause; None is the usual.
        respellings: words in it that are spoken otherwise than written.
        evidence: what attribution rests its speaker on, with the speaker and the probability; empty for narration and
            in a script that is read.
        probability: how likely attribution thinks its speaker, 0 to 1; 0 where it names nobody, 1 elsewhere.

    A line without text is a scene break that the manuscript does not have.
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
    joint: tuple[str, ...] = ()
    skipped: bool = False
    pause_ms: int | None = None
    respellings: tuple[Respelling, ...] = ()
    evidence: str = field(default="", compare=False)
    probability: float = field(default=1.0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A stretch of the text that no chunk speaks, and the rule that says so.

    Attributes:
        rule: `quotation-mark`, `speaker-label`, `symbols-only`, `skipped-by-script`, `dropped-tag`.
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
        removals: what is in no line: labels, and tags that are dropped.
        quotations: how many quotations were found.
        unattributed: how many of those went to the narrator because nobody was found for them.
    """

    chapter: Chapter
    lines: tuple[Line, ...]
    removals: tuple[Removal, ...] = ()
    quotations: int = 0
    unattributed: int = 0

    @property
    def doubtful(self) -> int:
        """How many lines a person should look at."""
        return sum(line.doubtful for line in self.lines)


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
        text: the words as written; `chapter.text[start:end]`.
        gap: what lies before it.
        pause_ms: silence before it, instead of what the gap says; None is the gap's.
        respellings: words in it that are spoken otherwise than written, in order.
        unison: span that several characters speak together; None where one speaks alone. Each of them has chunks of
            the same span, which are heard from one start.
    """

    chapter: int
    line: int
    index: int
    character: str
    start: int
    end: int
    text: str
    gap: Gap
    pause_ms: int | None = None
    respellings: tuple[Respelling, ...] = ()
    unison: tuple[int, int] | None = None

    @property
    def spoken(self) -> str:
        """The words as sent: `text` with its respellings."""
        return respelled(self.text, self.start, self.respellings)


def respelled(text: str, start: int, respellings: tuple[Respelling, ...]) -> str:
    """A stretch of a chapter as it is spoken.

    Args:
        text: as written.
        start: where it begins in `Chapter.text`.
        respellings: in order; one that is not wholly inside is left as written.
    """
    parts, position = [], 0
    for respelling in respellings:
        low, high = respelling.start - start, respelling.end - start
        if position <= low and high <= len(text):
            parts += [text[position:low], respelling.say]
            position = high
    return "".join([*parts, text[position:]])


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterChunks:
    """One chapter, cut.

    Attributes:
        chapter: the chapter.
        script: its lines.
        chunks: in order. Their spans and those of `removals` do not overlap, but for chunks in unison; all else in the
            text is white space.
        removals: everything that no chunk speaks, labels included.
    """

    chapter: Chapter
    script: ChapterScript
    chunks: tuple[Chunk, ...]
    removals: tuple[Removal, ...]
