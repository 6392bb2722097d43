"""`narrate chapters`: what of the manuscript will be read, and how long it is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from flows.cli import console
from flows.cli.options import Chapters, Folder, Json, LogFile, Quiet, Verbose, Version, examples
from flows.cli.tables import Column, table

if TYPE_CHECKING:
    from narration.book import Book, Chapter

EXAMPLES = examples("narrate chapters my-book", "narrate chapters my-book --json")


def chapters(
    folder: Folder = Path(),
    chapters: Chapters = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """List what will be read, with lengths.

    Words are what white space parts; in Chinese and Japanese the characters tell more. The chapters that `--chapters`
    or book.yaml leaves out are not listed.
    """
    from narration.manuscript import read_manuscript
    from narration.production import load_production
    from narration.selection import select_chapters

    production = load_production(folder)
    book = read_manuscript(production.manuscript, language=production.language)
    selection = chapters or production.chapters
    selected = select_chapters(selection, book) if selection else None
    listed = [chapter for chapter in book.chapters if selected is None or chapter.number in selected]
    facts = [_facts(chapter, _lines(production.folder, chapter.number)) for chapter in listed]
    if json:
        console.show_json({"title": book.title or production.title, "chapters": facts, "left_out": _left_out(book)})
        return
    table(
        (
            Column(heading="", right=True),
            Column(heading="chapter", gives_way=True),
            Column(heading="paragraphs", right=True),
            Column(heading="words", right=True),
            Column(heading="characters", right=True),
            Column(heading="script lines", right=True),
        ),
        [
            (
                str(fact["number"]),
                str(fact["title"] or "—"),
                f"{fact['paragraphs']:,}",
                f"{fact['words']:,}",
                f"{fact['characters']:,}",
                str(fact["lines"] or "—"),
            )
            for fact in facts
        ],
    )
    words = sum(len(chapter.text.split()) for chapter in listed)
    characters = sum(len(chapter.text) for chapter in listed)
    console.say(
        f"{len(listed)} of {console.count(len(book.chapters), 'chapter')}, {console.count(words, 'word')}, "
        f"{console.count(characters, 'character')}."
    )
    _say_left_out(book)


def _facts(chapter: Chapter, lines: int | None) -> dict[str, object]:
    return {
        "number": chapter.number,
        "title": chapter.title,
        "paragraphs": len(chapter.paragraphs),
        "words": len(chapter.text.split()),
        "characters": len(chapter.text),
        "lines": lines,
    }


def _lines(folder: Path, number: int) -> int | None:
    """How many lines the chapter's script has; None without one. Comments, pauses and blank rows are not lines."""
    from narration.script_files import script_paths

    path = script_paths(folder).get(number)
    if path is None:
        return None
    rows = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return sum(
        bool(row.strip()) and not row[0].isspace() and not row.startswith(("%%", ";", "[", "---")) for row in rows
    )


def _left_out(book: Book) -> list[dict[str, object]]:
    """What the reader left out, by kind."""
    return [asdict(one) for one in book.left_out]


def _say_left_out(book: Book) -> None:
    if not book.left_out:
        return
    console.say()
    table(
        (
            Column(heading="left out"),
            Column(heading="pieces", right=True),
            Column(heading="characters", right=True),
            Column(heading="the first begins", gives_way=True),
        ),
        [(str(one.kind), f"{one.count:,}", f"{one.characters:,}", one.example) for one in book.left_out],
    )
