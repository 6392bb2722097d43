"""From a proofer's note to the line that it means: by the line's name, by words of it, by the time.

A time alone tells as much as its error leaves: near a border two lines may be meant, and each is as likely as a note
about it has such a time. What the note says (words of the line, the speaker) and where the checks found something
count beside it. Invariant: a note finds one line or none, and says what it rests on; where another line may be meant
the note is not sure, and names that line.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from narration.pickups.notes import Note
from narration.place import Place
from narration.timeline import ChapterTimeline

SLACK_S: Final = 0.5
"""A time that is this near to another line may mean that one."""
_NEAR_S: Final = 20.0
"""A quotation is looked for around its time first."""
_ALIKE: Final = 0.72
SURE: Final = 0.995
"""So probable a line has to be, among those that a note may mean, to be sure."""
_WORDS_TELL: Final = 50.0
"""A note shares a longer word with its line so many times more often than with the next one."""
_SPEAKER_TELLS: Final = 20.0
_FINDING_TELLS: Final = 4.0
"""So many times likelier is a note about a line in which a check found something."""
_SPELT_ALIKE: Final = 0.8
_WORD: Final = re.compile(r"[^\W_]+")


class Basis(StrEnum):
    """What a note's line rests on."""

    PLACE = "its name"
    QUOTE = "its words"
    TIME = "the time"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardLine:
    """A line, or a part of one, as it is heard.

    Attributes:
        place: with its part, where the line has several.
        start_s, end_s: in the chapter.
        character: who speaks.
        text: the words as written.
        start, end: their span in the chapter's text.
        take_ids: of the takes that are heard; several where several speak together.
    """

    place: Place
    start_s: float
    end_s: float
    character: str
    text: str
    start: int
    end: int
    take_ids: tuple[str, ...]

    def away_s(self, start_s: float, end_s: float) -> float:
        """How far it is from a stretch of time; negative where they overlap, the more the longer."""
        return max(self.start_s - end_s, start_s - self.end_s)

    def likelihood(self, start_s: float, end_s: float) -> float:
        """How likely a note about this line has such times, if they are off by up to `SLACK_S`; not a probability.

        A note is anywhere in its line, so one that is near a short line and in a long one rather means the short one.
        """
        shared_s = min(self.end_s, end_s + SLACK_S) - max(self.start_s, start_s - SLACK_S)
        return max(0.0, shared_s) / max(self.end_s - self.start_s, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spotted:
    """A note with its line.

    Attributes:
        note: the note.
        line: what it means; None where nothing fits.
        basis: what that rests on.
        sure: whether no other line is nearly as likely.
        other: the line that may be meant instead; None where there is none.
    """

    note: Note
    line: HeardLine | None
    basis: Basis
    sure: bool
    other: HeardLine | None = None


def heard_lines(timelines: Sequence[ChapterTimeline]) -> dict[int, tuple[HeardLine, ...]]:
    """The lines of a book, by chapter; a chapter in several files is one, its times counted through.

    Args:
        timelines: in order of hearing.
    """
    found: dict[int, list[HeardLine]] = {}
    length_s: dict[int, float] = {}
    for timeline in timelines:
        offset_s = length_s.get(timeline.chapter, 0.0)
        found.setdefault(timeline.chapter, []).extend(_lines(timeline, offset_s))
        length_s[timeline.chapter] = offset_s + timeline.audio_s
    return {chapter: _numbered(lines) for chapter, lines in found.items()}


def _lines(timeline: ChapterTimeline, offset_s: float) -> list[HeardLine]:
    """One for each stretch of text; what several say together is one."""
    found: list[HeardLine] = []
    for cue in timeline.cues:
        line = HeardLine(
            place=Place(chapter=timeline.chapter, line=cue.line + 1),
            start_s=offset_s + cue.start_frame / timeline.rate_hz,
            end_s=offset_s + cue.end_frame / timeline.rate_hz,
            character=cue.character,
            text=cue.text,
            start=cue.start,
            end=cue.end,
            take_ids=(cue.take_id,),
        )
        if found and (found[-1].start, found[-1].end) == (cue.start, cue.end):
            line = _together(found.pop(), line)
        found.append(line)
    return found


def _together(first: HeardLine, second: HeardLine) -> HeardLine:
    return replace(
        first,
        start_s=min(first.start_s, second.start_s),
        end_s=max(first.end_s, second.end_s),
        character=f"{first.character} + {second.character}",
        take_ids=(*first.take_ids, *second.take_ids),
    )


def _numbered(lines: Sequence[HeardLine]) -> tuple[HeardLine, ...]:
    """The same with the parts of those lines that have several."""
    parts = Counter(line.place.line for line in lines)
    counted: Counter[int] = Counter()
    found = []
    for line in lines:
        number = line.place.line
        counted[number] += 1
        found.append(replace(line, place=replace(line.place, part=counted[number])) if parts[number] > 1 else line)
    return tuple(found)


class Spotter:
    """Finds the lines of notes in one book.

    Args:
        chapters: the lines, by number of the chapter, in order of hearing.
        lengths_s: of the chapters, for times of the whole book.
        flawed: chapters and lines in which the checks found something.
    """

    def __init__(
        self,
        chapters: Mapping[int, tuple[HeardLine, ...]],
        lengths_s: Mapping[int, float],
        flawed: frozenset[tuple[int, int]] = frozenset(),
    ) -> None:
        self._chapters = chapters
        self._lengths_s = lengths_s
        self._flawed = flawed

    @property
    def lines(self) -> tuple[HeardLine, ...]:
        """All lines, in order of hearing."""
        return tuple(line for lines in self._chapters.values() for line in lines)

    def spot(self, note: Note) -> Spotted:
        """The line of a note."""
        if note.place is not None:
            named = self._chapters.get(note.place.chapter, ())
            line = next((one for one in named if one.place == note.place or note.place.holds(one.place)), None)
            return Spotted(note=note, line=line, basis=Basis.PLACE if line else Basis.NOTHING, sure=line is not None)
        lines, start_s = self._around(note)
        end_s = (
            max(start_s or 0.0, note.end_s - note.start_s + (start_s or 0.0))
            if note.end_s and note.start_s
            else start_s
        )
        if note.quote and (found := _quoted(note.quote, lines, start_s)) is not None:
            return Spotted(note=note, line=found[0], basis=Basis.QUOTE, sure=found[1])
        if start_s is None or end_s is None or not lines:
            return Spotted(note=note, line=None, basis=Basis.NOTHING, sure=False)
        return self._by_time(note, lines, start_s, end_s)

    def _by_time(self, note: Note, lines: Sequence[HeardLine], start_s: float, end_s: float) -> Spotted:
        """The most probable line of those that such times may mean; the nearest where none is that near."""
        near = [line for line in lines if line.likelihood(start_s, end_s) > 0]
        if not near:
            line = min(lines, key=lambda one: one.away_s(start_s, end_s))
            sure = line.away_s(start_s, end_s) < _NEAR_S and not note.quote
            return Spotted(note=note, line=line, basis=Basis.TIME, sure=sure)
        chances = [line.likelihood(start_s, end_s) * self._told(note, line, near) for line in near]
        order = sorted(range(len(near)), key=lambda place: -chances[place])
        line, other = near[order[0]], near[order[1]] if len(near) > 1 else None
        sure = chances[order[0]] >= SURE * sum(chances) and not note.quote
        return Spotted(note=note, line=line, basis=Basis.TIME, sure=sure, other=None if sure else other)

    def _told(self, note: Note, line: HeardLine, near: Sequence[HeardLine]) -> float:
        """How much likelier what a note says, and what the checks found, make a line of those that are near."""
        told = _WORDS_TELL ** min(2, _shared(note.text, line.text))
        said = f" {' '.join(_words(note.text))} "
        if len({one.character for one in near}) > 1 and f" {' '.join(_words(line.character))} " in said:
            told *= _SPEAKER_TELLS
        return told * (_FINDING_TELLS if (line.place.chapter, line.place.line) in self._flawed else 1.0)

    def _around(self, note: Note) -> tuple[Sequence[HeardLine], float | None]:
        """The lines that may be meant, and when in their chapter; with neither time nor chapter, all of the book."""
        if note.chapter is not None:
            return self._chapters.get(note.chapter, ()), note.start_s
        if note.start_s is None:
            return self.lines, None
        left_s = note.start_s
        for chapter, lines in self._chapters.items():
            if left_s < self._lengths_s[chapter]:
                return lines, left_s
            left_s -= self._lengths_s[chapter]
        return (), None


def _quoted(quote: str, lines: Sequence[HeardLine], at_s: float | None) -> tuple[HeardLine, bool] | None:
    """The line with such words, the nearest in time; and whether it is the only one that near."""
    wanted = " ".join(_words(quote))
    if not wanted:
        return None
    nearest = sorted(lines, key=lambda line: line.away_s(at_s, at_s)) if at_s is not None else list(lines)
    holding = [line for line in nearest if _holds(line.text, wanted)]
    if holding:
        if at_s is None:
            return holding[0], len(holding) == 1
        near = [line for line in holding if line.away_s(at_s, at_s) < SLACK_S]
        if len(near) < 2:
            return holding[0], True
        near.sort(key=lambda line: len(line.text))  # what is quoted whole, before what has it among other words
        return near[0], len(near[0].text) < len(near[1].text)
    around = nearest if at_s is None else [line for line in nearest if line.away_s(at_s, at_s) < _NEAR_S]
    scored = [(_likeness(wanted, line.text), line) for line in around]
    best = max(scored, key=lambda one: one[0], default=None)
    return (best[1], True) if best is not None and best[0] >= _ALIKE else None


def _holds(text: str, wanted: str) -> bool:
    if wanted.isascii():
        return f" {wanted} " in f" {' '.join(_words(text))} "
    return wanted.replace(" ", "") in "".join(_words(text))


def _likeness(wanted: str, text: str) -> float:
    """How much of the quotation is in the text, in order, 0 to 1."""
    said = " ".join(_words(text))
    matcher = difflib.SequenceMatcher(None, said, wanted, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks() if block.size > 2) / len(wanted)


def _shared(note: str, text: str) -> int:
    """How many longer words a note shares with a line, or nearly."""
    there = {word for word in _words(text) if len(word) > 3}
    return sum(
        word in there or bool(difflib.get_close_matches(word, there, n=1, cutoff=_SPELT_ALIKE))
        for word in {word for word in _words(note) if len(word) > 3}
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold().replace("’", "'").replace("'", ""))
