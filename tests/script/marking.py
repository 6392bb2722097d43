"""What the tests of scripts share: a cast, a chapter, and the way there and back."""

from __future__ import annotations

from narration.book import Chapter, ChapterScript, Paragraph, ParagraphKind
from narration.cast import Cast, Character, Gender, Role
from narration.script import script_chapter
from narration.script.binding import Bound, bind, rows_of, text_hash
from narration.script.marked import MarkedScript, parse_marked, write_marked
from narration.script.speakers import labels_of

CAST = Cast(
    characters=(
        Character(name="Narrator", voice="v", preview="p", role=Role.NARRATOR),
        Character(name="Mara", voice="v", preview="p", gender=Gender.FEMALE),
        Character(name="Tom", voice="v", preview="p", gender=Gender.MALE, aliases=("Old Tom",)),
        Character(name="阿Q", voice="v", preview="p"),
    )
)
LABELS = labels_of(CAST)


def chapter(*paragraphs: str | Paragraph, number: int = 1) -> Chapter:
    """A chapter; `# ` makes a heading, `***` a scene break."""
    return Chapter(number=number, title="", paragraphs=tuple(_paragraph(one) for one in paragraphs))


def _paragraph(given: str | Paragraph) -> Paragraph:
    if isinstance(given, Paragraph):
        return given
    if given.startswith("# "):
        return Paragraph(text=given[2:], kind=ParagraphKind.HEADING)
    kind = ParagraphKind.SCENE_BREAK if given == "***" else ParagraphKind.PROSE
    return Paragraph(text=given, kind=kind)


def attributed(found: Chapter) -> ChapterScript:
    """What attribution makes of it."""
    return script_chapter(found, CAST, language="en")


def marked(script: ChapterScript) -> MarkedScript:
    """A chapter's lines as a script."""
    return MarkedScript(chapter=script.chapter.number, manuscript=text_hash(script.chapter), rows=rows_of(script, CAST))


def written(script: ChapterScript) -> str:
    """A chapter's lines as text."""
    return write_marked(marked(script), LABELS)


def parsed(text: str) -> MarkedScript:
    """A script's text as rows."""
    return parse_marked(text, LABELS, where="script/01.txt")


def bound(text: str, found: Chapter) -> Bound:
    """A script's text in its chapter."""
    return bind(parsed(text), found, CAST, where="script/01.txt")
