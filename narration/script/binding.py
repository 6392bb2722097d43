"""A marked script and the chapter that it is of: rows become lines with their places in the text, and lines rows.

Invariant: a script that binds says the words of its chapter, all of them, once, in order; what it leaves unspoken is in
a skipped line or a removal.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from narration.book import Chapter, ChapterScript, Line, ParagraphKind, Removal, Respelling
from narration.cast import Cast
from narration.errors import InputError, Problem
from narration.script.difference import unified
from narration.script.labels import name_patterns
from narration.script.lines import directions_before
from narration.script.marked import BLANK, HASH_CHARS, SCENE, Mark, MarkedScript, Row
from narration.script.quotation import outer_marks

_NEVER_SPEECH = frozenset({ParagraphKind.HEADING, ParagraphKind.SCENE_BREAK})
_HINT_EDITED = (
    "The words of a script are the manuscript's: put them back, or change the manuscript, then `narrate script DIR`. "
    "`{written|spoken}` changes how a word is said, and `~` before a line leaves it out."
)
_HINT_CHANGED = "The manuscript is not the one that the script was written for: `narrate script DIR` follows it."


def text_hash(chapter: Chapter) -> str:
    """What the header of a chapter's script says of its text."""
    return hashlib.sha256(chapter.text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_CHARS]


def is_ornament(chapter: Chapter, paragraph: int) -> bool:
    """Whether a paragraph is a scene break without a word: `---` stands for it in a script."""
    found = chapter.paragraphs[paragraph]
    return found.kind is ParagraphKind.SCENE_BREAK and not any(char.isalnum() for char in found.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A script in its places.

    Attributes:
        script: the lines.
        rows: the row of each line, or None for a scene break that the script leaves out.
    """

    script: ChapterScript
    rows: tuple[Row | None, ...]


def bind(marked: MarkedScript, chapter: Chapter, cast: Cast, *, where: str) -> Bound:
    """Find every row's place in the chapter.

    Args:
        marked: the script.
        chapter: as read.
        cast: for the narrator's name, and the labels of a manuscript that has its own.
        where: what messages call the script.

    Raises:
        InputError: the words are not those of the chapter (with a difference), a line goes over the end of a paragraph,
            or a pause has no line after it.
    """
    binder = _Binder(marked, chapter, cast.narrator.name, unspoken(chapter, cast), where)
    binder.run()
    lines = tuple(replace(line, index=index) for index, (line, _) in enumerate(binder.found))
    script = ChapterScript(
        chapter=chapter,
        lines=lines,
        removals=tuple(binder.removals),
        quotations=sum(bool(outer_marks(line.text)[0]) for line in lines),
        unattributed=_unattributed(lines, chapter, cast.narrator.name),
    )
    return Bound(script=script, rows=tuple(row for _, row in binder.found))


def _unattributed(lines: tuple[Line, ...], chapter: Chapter, narrator: str) -> int:
    """Quotations without a speaker; a speech of a play is one, however many lines it has."""
    doubtful = [line for line in lines if line.doubtful and line.character == narrator]
    speeches = [line.paragraph for line in doubtful if chapter.paragraphs[line.paragraph].speaker]
    return len(doubtful) - len(speeches) + len(set(speeches))


def unspoken(chapter: Chapter, cast: Cast) -> tuple[Removal, ...]:
    """What of a chapter need not stand in its script: the speakers' labels and stage directions of the manuscript."""
    text, label = chapter.text, name_patterns(cast).label
    found = []
    for (start, _), paragraph in zip(chapter.spans(), chapter.paragraphs, strict=True):
        is_prose = paragraph.kind not in _NEVER_SPEECH and not paragraph.speaker
        match = label.match(paragraph.text) if is_prose else None
        if match and match.end() < len(paragraph.text.rstrip()):
            found.append(("speaker-label", start + match.start("name"), start + len(match.group().rstrip())))
        found += directions_before(paragraph, start)
    return tuple(Removal(rule=rule, start=low, end=high, text=text[low:high]) for rule, low, high in found)


class _Binder:
    """Walks through a chapter's letters, white space left out, with the rows of its script."""

    def __init__(
        self, marked: MarkedScript, chapter: Chapter, narrator: str, removals: tuple[Removal, ...], where: str
    ) -> None:
        self._marked, self._chapter, self._narrator, self._where = marked, chapter, narrator, where
        self._text = chapter.text
        self._offsets = array("L", (index for index, char in enumerate(self._text) if not char.isspace()))
        self._letters = "".join(self._text.split())
        self._starts = [start for start, _ in chapter.spans()]
        self._labels = {removal.start: removal for removal in removals}
        self._position = 0
        self._pause_ms: int | None = None
        self.found: list[tuple[Line, Row | None]] = []
        self.removals: list[Removal] = []

    def run(self) -> None:
        for row in self._marked.rows:
            match row.mark:
                case Mark.PAUSE:
                    self._pause_ms = row.pause_ms
                case Mark.SCENE:
                    self._scene(row)
                case Mark.LINE | Mark.HEADING:
                    self._words(row)
        self._pass_by("")
        if self._position < len(self._letters):
            raise self._differs()
        if self._pause_ms is not None:
            hint = "The silence at the end of a chapter is `tail_ms` in book.yaml."
            raise InputError(Problem(what="a pause with no line after it", where=self._where, hint=hint))

    def _here(self) -> int | None:
        """Offset of the next letter in the chapter; None at its end."""
        return self._offsets[self._position] if self._position < len(self._offsets) else None

    def _paragraph(self, offset: int) -> int:
        return max(0, bisect_right(self._starts, offset) - 1)

    def _scene(self, row: Row) -> None:
        here = self._here()
        if here is not None and is_ornament(self._chapter, self._paragraph(here)):
            self._take(row, len("".join(self._chapter.paragraphs[self._paragraph(here)].text.split())))
            return
        end = self.found[-1][0].end if self.found else 0
        line = Line(
            chapter=self._chapter.number,
            index=0,
            paragraph=self.found[-1][0].paragraph if self.found else 0,
            character=self._narrator,
            start=end,
            end=end,
            text="",
            kind=ParagraphKind.SCENE_BREAK,
            pause_ms=self._pause_ms,
        )
        self._pause_ms = None
        self.found.append((line, row))

    def _words(self, row: Row) -> None:
        letters = "".join(row.text.split())
        self._pass_by(letters, has_direction=bool(row.direction))
        if not self._letters.startswith(letters, self._position):
            raise self._differs()
        line = self._take(row, len(letters))
        place = f"{self._where}, line {row.number}" if row.number else self._where
        if self._paragraph(line.end - 1) != line.paragraph:
            what = f"{line.text[:40]!r} goes over the end of a paragraph"
            raise InputError(Problem(what=what, where=place, expected="a line of its own for each paragraph"))
        if line.text.split() != row.text.split():
            what = f"{' '.join(row.text.split())[:60]!r} has its spaces elsewhere than the manuscript"
            raise InputError(Problem(what=what, where=place, expected=repr(" ".join(line.text.split())[:60])))

    def _pass_by(self, letters: str, *, has_direction: bool = False) -> None:
        """Leave behind what need not stand in a script: a label or directions, unless the row has them; a scene break.

        Args:
            letters: of the row that comes next; empty at the end of the script.
            has_direction: it says how it is said, as the directions of the manuscript do.
        """
        while (here := self._here()) is not None:
            if here in self._labels:
                if not self._pass_labels(letters, has_direction=has_direction):
                    return
                continue
            paragraph = self._paragraph(here)
            if not is_ornament(self._chapter, paragraph):
                return
            size = len("".join(self._chapter.paragraphs[paragraph].text.split()))
            if letters and self._letters.startswith(letters, self._position):
                return
            self._take(None, size)

    def _pass_labels(self, letters: str, *, has_direction: bool) -> bool:
        """Go behind the labels and directions that stand here side by side, to where the row begins; whether it did."""
        run: list[Removal] = []
        places = [self._position]
        while places[-1] < len(self._offsets) and (removal := self._labels.get(self._offsets[places[-1]])):
            run.append(removal)
            places.append(places[-1] + len("".join(removal.text.split())))
        steps = list(range(len(run), 0, -1))
        is_read = run[0].rule == "stage-direction" and not has_direction
        if letters and is_read and self._letters.startswith(letters, self._position):
            return False
        for step in steps:
            if not letters or self._letters.startswith(letters, places[step]):
                self._position = places[step]
                self.removals += run[:step]
                return True
        return False

    def _take(self, row: Row | None, size: int) -> Line:
        """Make a line of the next so many letters."""
        offsets = self._offsets[self._position : self._position + size]
        self._position += size
        start, end = offsets[0], offsets[-1] + 1
        paragraph = self._paragraph(start)
        kind = self._chapter.paragraphs[paragraph].kind
        given = row or Row(skipped=True)
        line = Line(
            chapter=self._chapter.number,
            index=0,
            paragraph=paragraph,
            character=given.characters[0] if given.characters else self._narrator,
            start=start,
            end=end,
            text=self._text[start:end],
            kind=ParagraphKind.HEADING if given.mark is Mark.HEADING else kind,
            direction=given.direction,
            doubtful=given.doubtful,
            joint=given.characters[1:],
            skipped=given.skipped,
            pause_ms=self._pause_ms if row else None,
            respellings=tuple(_placed(one, given.text, offsets) for one in given.respellings),
        )
        self._pause_ms = None if row else self._pause_ms
        self.found.append((line, row))
        return line

    def _differs(self) -> InputError:
        return mismatch(self._marked, self._chapter, tuple(self._labels.values()), where=self._where)


def _placed(one: Respelling, text: str, offsets: array[int]) -> Respelling:
    """A respelling of a row at its place in the chapter, whose white space may be another."""
    before = sum(not char.isspace() for char in text[: one.start])
    inside = sum(not char.isspace() for char in text[one.start : one.end])
    return replace(one, start=offsets[before], end=offsets[before + inside - 1] + 1)


def mismatch(marked: MarkedScript, chapter: Chapter, labels: tuple[Removal, ...], *, where: str) -> InputError:
    """What is different between a script and its chapter, as a unified difference, and what to do."""
    rows = [row for row in marked.rows if row.is_text]
    spoken = "\n".join(row.text for row in rows)
    difference, place = unified(
        without(chapter, labels), spoken, names=(f"manuscript, chapter {chapter.number}", where)
    )
    numbers = [row.number + step for row in rows for step in range(row.text.count("\n") + 1)]
    number = numbers[min(spoken.count("\n", 0, place), len(numbers) - 1)] if numbers else 0
    is_changed = marked.manuscript != text_hash(chapter)
    return InputError(
        Problem(
            what="the words are not those of the manuscript\n"
            f"{difference}\n{_HINT_CHANGED if is_changed else _HINT_EDITED}",
            where=f"{where}, line {number}" if number else where,
        )
    )


def without(chapter: Chapter, labels: tuple[Removal, ...]) -> str:
    """The chapter's text with spaces instead of what a script need not say; offsets stay."""
    text = chapter.text
    spans = [(label.start, label.end) for label in labels]
    spans += [span for index, span in enumerate(chapter.spans()) if is_ornament(chapter, index)]
    parts, position = [], 0
    for start, end in sorted(spans):
        parts += [text[position:start], " " * (end - max(start, position))]
        position = max(position, end)
    return "".join([*parts, text[position:]])


def row_of(line: Line, narrator: str) -> Row:
    """The row that says a line."""
    is_named = bool(line.character != narrator or line.direction or line.doubtful or line.joint)
    is_heading = line.kind is ParagraphKind.HEADING and not is_named
    return Row(
        mark=Mark.HEADING if is_heading else Mark.LINE,
        text=line.text,
        characters=(line.character, *line.joint) if is_named else (),
        doubtful=line.doubtful,
        direction=line.direction,
        skipped=line.skipped,
        respellings=tuple(
            replace(one, start=one.start - line.start, end=one.end - line.start) for one in line.respellings
        ),
    )


def rows_of(script: ChapterScript, cast: Cast) -> tuple[Row, ...]:
    """The rows of a chapter's lines."""
    return tuple(spaced(_rows(script, cast.narrator.name)))


def _rows(script: ChapterScript, narrator: str) -> Iterator[tuple[int, Row]]:
    for line in script.lines:
        is_scene = not line.text or is_ornament(script.chapter, line.paragraph)
        if is_scene and line.skipped:
            continue
        if line.pause_ms is not None:
            yield line.paragraph, Row(mark=Mark.PAUSE, pause_ms=line.pause_ms)
        yield line.paragraph, SCENE if is_scene else row_of(line, narrator)


def spaced(rows: Iterator[tuple[int, Row]]) -> Iterator[Row]:
    """Rows, given with the index of their paragraph, with a blank row between paragraphs and around scene breaks."""
    before: tuple[int, Row] | None = None
    for paragraph, row in rows:
        if before is not None and (before[0] != paragraph or Mark.SCENE in (row.mark, before[1].mark)):
            yield BLANK
        yield row
        before = (paragraph, row)
