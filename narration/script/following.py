"""A script and a new reading of its chapter, brought together: what a person accepted stays, the rest is made anew.

Invariant: the rows that come out say the words of the chapter; no accepted line that the chapter still has changes its
speaker, and whatever else a person wrote is there as it was or as a comment that begins with `removed:`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from narration.book import ChapterScript, Line, Respelling
from narration.cast import Cast
from narration.script.binding import Bound, is_ornament, row_of, spaced, without
from narration.script.difference import Words, aligned, words_of
from narration.script.marked import SCENE, Mark, MarkedScript, Row, written_row
from narration.script.speakers import Labels

REMOVED: Final = "removed: "
"""How a comment begins that holds a line which the manuscript no longer has."""
EVIDENCE: Final = "evidence: "
"""How a comment begins that says why a line has its speaker; made anew each time."""

_LEAST_SHARE: Final = 0.5
"""A line of which less than this is left is another line."""
_EDGE_WORDS: Final = 3
"""So many new words at the edge of a line are an edit of it, whoever speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A script brought up to date.

    Attributes:
        rows: of the new script.
        kept: accepted lines that are there as they were.
        edited: accepted lines whose words changed with the manuscript.
        reattributed: doubtful lines that have another speaker now, or are doubtful no longer.
        added: lines that the script did not have.
        removed: lines that the manuscript no longer has, as they were written.
    """

    rows: tuple[Row, ...]
    kept: int = 0
    edited: int = 0
    reattributed: int = 0
    added: int = 0
    removed: tuple[str, ...] = ()


def refresh(marked: MarkedScript, bound: Bound, fresh: ChapterScript, cast: Cast) -> Followed:
    """A script that fits its chapter: every row stays, but for the speakers of doubtful lines."""
    lines = {id(row): line for row, line in zip(bound.rows, bound.script.lines, strict=True) if row is not None}
    rows, kept, changed = [], 0, 0
    for row in marked.rows:
        new = row
        if row.is_text and row.doubtful:
            new = _asked_again(row, _line_at(fresh, lines[id(row)].start, lines[id(row)].end), cast)
            changed += new != row
        elif row.is_text:
            kept += 1
        rows.append(new)
    return Followed(rows=tuple(rows), kept=kept, reattributed=changed)


def follow(marked: MarkedScript, fresh: ChapterScript, cast: Cast, labels: Labels) -> Followed:
    """A script whose chapter changed: rows go where their words are now, and new words are attributed.

    Args:
        marked: the script as it is.
        fresh: what attribution makes of the chapter as it is now.
        cast: for the narrator's name.
        labels: to write removed lines as comments.
    """
    return _Follower(marked, fresh, cast, labels).followed()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Words of one paragraph that become one row.

    Attributes:
        first, last: index of its first and last word.
        owner: index of the old row that they belong to, or None.
        line: the fresh line that most of them are in.
    """

    first: int
    last: int
    owner: int | None
    line: Line


class _Follower:
    def __init__(self, marked: MarkedScript, fresh: ChapterScript, cast: Cast, labels: Labels) -> None:
        self._rows, self._fresh, self._cast, self._labels = marked.rows, fresh, cast, labels
        self._chapter, self._text = fresh.chapter, fresh.chapter.text
        # A stage direction that somebody has given to a voice is a line like any other.
        read = {"".join(row.text.split()) for row in marked.rows if row.is_text}
        unread = tuple(one for one in fresh.removals if "".join(one.text.split()) not in read)
        self._new = words_of(without(fresh.chapter, unread))
        self._lines = _fresh_lines(self._new, fresh)
        self._found = self._owners()
        self._used: set[int] = set()

    def followed(self) -> Followed:
        groups = [self._moved(group) for group in self._groups()]
        self._used = {group.owner for group in groups if group.owner is not None}
        anchored, tail, removed = self._anchors()
        rows: list[tuple[int, Row]] = []
        counts: Counter[str] = Counter()
        paragraph = -1
        for group in groups:
            scenes = self._scenes(paragraph, group.line.paragraph)
            paragraph = group.line.paragraph
            above = anchored.pop(group.owner, []) if group.owner is not None else []
            rows += scenes + [(paragraph, row) for row in above if not (scenes and row == SCENE)]
            row, what = self._row(group)
            counts[what] += 1
            rows.append((paragraph, row))
        rows += self._scenes(paragraph, len(self._chapter.paragraphs))
        rows += [(len(self._chapter.paragraphs), row) for row in tail]
        return Followed(
            rows=tuple(spaced(iter(rows))),
            kept=counts["kept"],
            edited=counts["edited"],
            reattributed=counts["reattributed"],
            added=counts["added"],
            removed=removed,
        )

    def _owners(self) -> list[int | None]:
        """For each word of the chapter the row that it is in, as far as the row is still there."""
        texts = [(index, row) for index, row in enumerate(self._rows) if row.is_text]
        old = words_of("\n".join(row.text for _, row in texts))
        rows: list[int] = []
        for index, row in texts:
            rows += [index] * len(words_of(row.text))
        size = Counter(rows)
        owners = [rows[word] if word >= 0 else None for word in aligned(old, self._new)]
        matched = Counter(owner for owner in owners if owner is not None)
        gone = {owner for owner in matched if matched[owner] < size[owner] * _LEAST_SHARE}
        for owner in (owner for owner in matched if self._rows[owner].skipped):
            first = owners.index(owner)
            if matched[owner] < size[owner] or owners[first : first + size[owner]] != [owner] * size[owner]:
                gone.add(owner)
        return [None if owner in gone else owner for owner in owners]

    def _groups(self) -> list[_Group]:
        """The words of the chapter, parted where the row that they belong to changes."""
        owners = list(self._found)
        for _, run in groupby(range(len(self._new)), key=lambda word: self._lines[word].index):
            self._adopt(owners, list(run))
        groups: list[_Group] = []
        keys = [
            (self._lines[word].paragraph, owner, -1 if owner is not None else self._lines[word].index)
            for word, owner in enumerate(owners)
        ]
        for (_, owner, _), run in groupby(range(len(self._new)), key=keys.__getitem__):
            words = list(run)
            middle = Counter(self._lines[word].index for word in words).most_common(1)[0][0]
            line = self._fresh.lines[middle]
            groups.append(_Group(first=words[0], last=words[-1], owner=owner, line=line))
        return groups

    def _adopt(self, owners: list[int | None], words: Sequence[int]) -> None:
        """Give new words to the line they stand beside: within one, at its edge, or where its speaker goes on."""
        for has_owner, run in groupby(words, key=lambda word: owners[word] is not None):
            stretch = list(run)
            if has_owner:
                continue
            before = owners[stretch[0] - 1] if stretch[0] > words[0] else None
            after = owners[stretch[-1] + 1] if stretch[-1] < words[-1] else None
            speaker = self._lines[stretch[0]].character
            for owner in (before, after):
                if owner is None or self._rows[owner].skipped:
                    continue
                if before == after or len(stretch) <= _EDGE_WORDS or self._speaker(self._rows[owner]) == speaker:
                    for word in stretch:
                        owners[word] = owner
                    break

    def _speaker(self, row: Row) -> str:
        return row.characters[0] if row.characters else self._cast.narrator.name

    def _moved(self, group: _Group) -> _Group:
        """A group of new words that is a row which went elsewhere."""
        if group.owner is not None:
            return group
        if not self._used:
            self._used = {owner for owner in self._found if owner is not None}
        letters = "".join(self._words(group).split())
        for index, row in enumerate(self._rows):
            if row.is_text and index not in self._used and "".join(row.text.split()) == letters:
                self._used.add(index)
                return replace(group, owner=index)
        return group

    def _words(self, group: _Group) -> str:
        return self._text[self._new.spans[group.first][0] : self._new.spans[group.last][1]]

    def _row(self, group: _Group) -> tuple[Row, str]:
        """The row of a group, and what is to be counted."""
        text = self._words(group)
        if group.owner is None:
            return replace(row_of(group.line, self._cast.narrator.name), text=text, respellings=()), "added"
        old = self._rows[group.owner]
        respellings = tuple(_found_again(old.respellings, old.text, text))
        row = replace(old, text=text, respellings=respellings)
        if old.doubtful:
            new = _asked_again(row, group.line, self._cast)
            return new, "reattributed" if new != row else "doubtful"
        return row, "kept" if "".join(text.split()) == "".join(old.text.split()) else "edited"

    def _scenes(self, before: int, until: int) -> list[tuple[int, Row]]:
        """The scene breaks between two paragraphs."""
        return [(index, SCENE) for index in range(before + 1, until) if is_ornament(self._chapter, index)]

    def _anchors(self) -> tuple[dict[int, list[Row]], list[Row], tuple[str, ...]]:
        """What stands before each row that is still there, what stands last, and the rows that are gone."""
        anchored: dict[int, list[Row]] = {}
        waiting: list[Row] = []
        removed: list[str] = []
        for index, row in enumerate(self._rows):
            if row.mark is Mark.COMMENT:
                waiting += [] if row.text.startswith(EVIDENCE) else [row]
            elif row.mark is Mark.PAUSE or (row.mark is Mark.SCENE and SCENE not in waiting):
                waiting.append(row)
            elif row.is_text and index in self._used:
                anchored[index] = waiting
                waiting = []
            elif row.is_text:
                waiting = [_commented(one, self._labels) if one.mark is Mark.PAUSE else one for one in waiting]
                removed.append(written_row(row, self._labels))
                waiting += [_commented(row, self._labels)] if _is_by_hand(row) else []
        tail = [_commented(one, self._labels) if one.mark is Mark.PAUSE else one for one in waiting if one != SCENE]
        return anchored, tail, tuple(removed)


def _fresh_lines(words: Words, fresh: ChapterScript) -> list[Line]:
    """The line of each word."""
    lines = [line for line in fresh.lines if line.text and not is_ornament(fresh.chapter, line.paragraph)]
    found, place = [], 0
    for start, _ in words.spans:
        while place + 1 < len(lines) and lines[place].end <= start:
            place += 1
        found.append(lines[place])
    return found


def _line_at(script: ChapterScript, start: int, end: int) -> Line:
    """The line that has most of a span."""
    first = max(0, bisect_right(script.lines, start, key=lambda line: line.start) - 1)
    last = max(first + 1, bisect_right(script.lines, end, key=lambda line: line.start))
    return max(script.lines[first:last], key=lambda line: min(end, line.end) - max(start, line.start))


def _asked_again(row: Row, line: Line, cast: Cast) -> Row:
    """A doubtful row with the speaker that attribution finds now; who speaks together stays."""
    if len(row.characters) > 1:
        return row
    fresh = row_of(line, cast.narrator.name)
    characters = fresh.characters or ((cast.narrator.name,) if row.direction else ())
    return replace(row, characters=characters, doubtful=fresh.doubtful)


def _found_again(respellings: tuple[Respelling, ...], old: str, new: str) -> Iterator[Respelling]:
    """Respellings at the places where their words stand now."""
    position = 0
    for one in respellings:
        written = old[one.start : one.end]
        start = new.find(written, position)
        if start >= 0:
            position = start + len(written)
            yield replace(one, start=start, end=position)


def _is_by_hand(row: Row) -> bool:
    """Whether a person may have decided something about it."""
    is_accepted = bool(row.characters) and not row.doubtful
    return is_accepted or bool(row.direction or row.skipped or row.respellings or len(row.characters) > 1)


def _commented(row: Row, labels: Labels) -> Row:
    return Row(mark=Mark.COMMENT, text=REMOVED + written_row(row, labels))
