"""Manuscript + cast + the scripts that are there → the script files, re-runs included.

Invariant: an accepted line of a chapter that still has its words keeps its speaker, its direction and everything else;
what a person wrote and the manuscript no longer has stays in the folder, as a comment or as a file `….removed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from narration.book import Book, Chapter, ChapterScript
from narration.cast import Cast
from narration.errors import InputError, Problem
from narration.production import Production
from narration.script import script_book
from narration.script.binding import Bound, bind, rows_of, text_hash
from narration.script.difference import words_of
from narration.script.following import EVIDENCE, Followed, follow, refresh
from narration.script.marked import Mark, MarkedScript, Row, write_marked
from narration.script.plays import strangers_in
from narration.script.speakers import labels_of
from narration.script_files import label_of, read_scripts, script_name, script_paths, write_files

_READ: Final = "attribution: "
_LEAST_SHARE: Final = 0.3
"""A script that has this share of its sentences in a chapter is that chapter's, whatever its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterFile:
    """What became of the script of one chapter.

    Attributes:
        number, title: of the chapter.
        file: `script/03.txt`.
        state: `new`, `unchanged`, `changed` or `moved` (from another number).
        lines: to be spoken or skipped.
        doubtful: with a `?`.
        kept, edited, reattributed, added: see `narration.script.following.Followed`.
        removed: lines that the manuscript no longer has.
    """

    number: int
    title: str
    file: str
    state: str
    lines: int
    doubtful: int
    kept: int = 0
    edited: int = 0
    reattributed: int = 0
    added: int = 0
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of the folder.

    Attributes:
        chapters: in order.
        set_aside: files of chapters that the book no longer has, under their new names.
        strangers: `(name, lines)` of the speakers of a play that the cast does not know.
    """

    chapters: tuple[ChapterFile, ...]
    set_aside: tuple[str, ...] = ()
    strangers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A new script, not yet written."""

    marked: MarkedScript
    followed: Followed
    bound: Bound


def write_scripts(
    production: Production,
    cast: Cast,
    book: Book,
    *,
    chapters: frozenset[int] | None = None,
    explain: bool = False,
    fresh: Sequence[ChapterScript] | None = None,
) -> Written:
    """Write the script of each chapter, or bring the one that is there up to date.

    A script follows its chapter: by its words, when chapters were inserted, removed or reordered. A file that would say
    the same stays untouched, letter for letter.

    Args:
        production: its folder and language.
        cast: who may speak.
        book: the manuscript as read.
        chapters: numbers to write; None is all.
        explain: write above each quotation what its speaker rests on.
        fresh: the chapters as attribution makes them, where somebody has labelled doubtful lines since.

    Raises:
        InputError: with every mistake of the files that are there; or chapters moved, and only some are selected.
        StoreError: the folder cannot be written.
    """
    paths = script_paths(production.folder)
    scripts = read_scripts(paths, cast)
    pairs = _paired(scripts, book)
    moved, gone = _moved(scripts, pairs, chapters)
    total, labels = len(book.chapters), labels_of(cast)
    texts = {_free_name(paths[number]): write_marked(scripts[number], labels) for number in gone}
    set_aside = tuple(label_of(Path(name)) for name in texts)
    files: list[ChapterFile] = []
    bound: list[ChapterScript] = []
    for script in fresh if fresh is not None else script_book(book, cast, language=production.language):
        chapter = script.chapter
        if chapters is not None and chapter.number not in chapters:
            continue
        old = pairs.get(chapter.number)
        before = scripts[old] if old is not None else None
        made = _made(script, cast, before, explain=explain)
        path = paths.get(chapter.number)
        name = path.name if path and chapter.number not in moved else script_name(chapter.number, total)
        same = before is not None and made.marked == before and chapter.number not in moved
        if not same:
            texts[name] = write_marked(made.marked, labels)
        state = "new" if before is None else "moved" if chapter.number in moved else "unchanged" if same else "changed"
        files.append(_file(chapter, name, state, made))
        bound.append(made.bound.script)
    if texts:
        stale = tuple(paths[number] for number in {*gone, *(pairs[number] for number in moved)})
        write_files(production.folder, texts, stale)
    return Written(chapters=tuple(files), set_aside=set_aside, strangers=strangers_in(bound, cast))


def drafted_scripts(
    production: Production,
    cast: Cast,
    book: Book,
    fresh: Sequence[ChapterScript],
    *,
    chapters: frozenset[int] | None = None,
) -> dict[int, ChapterScript]:
    """The chapters as `write_scripts` would leave them, by number. Writes nothing.

    Raises:
        InputError: as `write_scripts`.
    """
    scripts = read_scripts(script_paths(production.folder), cast)
    pairs = _paired(scripts, book)
    _moved(scripts, pairs, chapters)
    found: dict[int, ChapterScript] = {}
    for script in fresh:
        number = script.chapter.number
        if chapters is None or number in chapters:
            old = pairs.get(number)
            before = scripts[old] if old is not None else None
            found[number] = _made(script, cast, before, explain=False).bound.script
    return found


def _moved(
    scripts: Mapping[int, MarkedScript], pairs: Mapping[int, int], chapters: frozenset[int] | None
) -> tuple[set[int], list[int]]:
    """Chapters whose script is under another number, and the numbers of scripts whose chapter is gone.

    Raises:
        InputError: there are some, and only some chapters are selected.
    """
    gone = [number for number in scripts if number not in pairs.values()]
    moved = {number for number, old in pairs.items() if number != old}
    if chapters is not None and (moved or gone):
        what = f"the manuscript's chapters moved ({', '.join(str(number) for number in sorted(moved | set(gone)))})"
        raise InputError(Problem(what=what, where="--chapters", expected="all chapters, so that no script is lost"))
    return moved, gone


def _made(fresh: ChapterScript, cast: Cast, old: MarkedScript | None, *, explain: bool) -> _Made:
    """The script of a chapter as it is to be; it fits the chapter, or this is a fault of ours."""
    chapter = fresh.chapter
    where = f"the new script of chapter {chapter.number}"
    labels = labels_of(cast)
    if old is None:
        rows = rows_of(fresh, cast)
        followed = Followed(rows=rows, added=sum(row.is_text for row in rows))
    else:
        old = replace(old, rows=_without_evidence(old.rows))
        try:
            followed = refresh(old, bind(old, chapter, cast, where=where), fresh, cast)
        except InputError:
            followed = follow(old, fresh, cast, labels)
    marked = MarkedScript(chapter=chapter.number, manuscript=text_hash(chapter), rows=followed.rows)
    bound = bind(marked, chapter, cast, where=where)
    if explain:
        marked = replace(marked, rows=tuple(_explained(bound, marked.rows, fresh)))
    return _Made(marked=marked, followed=followed, bound=bound)


def _without_evidence(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.mark is not Mark.COMMENT or not row.text.startswith(EVIDENCE))


def _explained(bound: Bound, rows: tuple[Row, ...], fresh: ChapterScript) -> Iterator[Row]:
    """The rows, and above each quotation why it has its speaker: what the very reading that made the line says."""
    lines = {id(row): line for row, line in zip(bound.rows, bound.script.lines, strict=True) if row is not None}
    found = {line.start: line for line in fresh.lines if line.evidence}
    for row in rows:
        line = lines.get(id(row))
        read = found.get(line.start) if line is not None and row.is_text else None
        if line is not None and read is not None:
            same = line.character == read.character and not line.joint
            yield Row(mark=Mark.COMMENT, text=EVIDENCE + ("" if same else f"set by hand; {_READ}") + read.evidence)
        yield row


def _free_name(path: Path) -> str:
    """A name for a script that is set aside, beside those that were before."""
    name, count = f"{path.stem}.removed", 1
    while path.with_name(name).exists():
        count += 1
        name = f"{path.stem}.removed-{count}"
    return name


def _file(chapter: Chapter, name: str, state: str, made: _Made) -> ChapterFile:
    followed = made.followed
    return ChapterFile(
        number=chapter.number,
        title=chapter.title,
        file=label_of(Path(name)),
        state=state,
        lines=sum(row.is_text for row in made.marked.rows),
        doubtful=made.bound.script.doubtful,
        kept=followed.kept,
        edited=followed.edited,
        reattributed=followed.reattributed,
        added=followed.added,
        removed=followed.removed,
    )


def _paired(scripts: Mapping[int, MarkedScript], book: Book) -> dict[int, int]:
    """For each chapter that has a script, the number of the file that it is in.

    By the hash of the text, then by the sentences that they share, then by number.
    """
    pairs: dict[int, int] = {}
    waiting = dict(scripts)
    hashes = {chapter.number: text_hash(chapter) for chapter in book.chapters}
    for number, script in scripts.items():
        same = [one for one, found in hashes.items() if found == script.manuscript and one not in pairs]
        if same:
            pairs[number if number in same else same[0]] = number
            del waiting[number]
    free = {chapter.number: chapter for chapter in book.chapters if chapter.number not in pairs}
    if waiting and free:
        theirs = {number: _sentences("\n".join(row.text for row in waiting[number].rows)) for number in waiting}
        ours = {number: _sentences(chapter.text) for number, chapter in free.items()}
        scores = sorted(
            (
                (len(one & other) / max(1, min(len(one), len(other))), number == old, -number, -old)
                for number, one in ours.items()
                for old, other in theirs.items()
            ),
            reverse=True,
        )
        for share, _, number, old in scores:
            if share >= _LEAST_SHARE and -number in free and -old in waiting:
                pairs[-number] = -old
                del free[-number], waiting[-old]
    pairs.update({number: number for number in waiting if number in free})
    return pairs


def _sentences(text: str) -> frozenset[str]:
    return frozenset(words_of(text).keys())
