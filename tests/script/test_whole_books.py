"""Whole books through their scripts: the words of the script are the words of the book, and a change keeps the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from narration.book import Book, Paragraph
from narration.cast import Cast, Character, Role
from narration.manuscript import read_manuscript
from narration.script import script_chapter
from narration.script.binding import bind, rows_of, text_hash
from narration.script.following import follow
from narration.script.marked import MarkedScript, parse_marked, write_marked
from narration.script.speakers import labels_of

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
BOOKS = [
    CORPUS / "books" / "lu-xun_nahan.zh.txt",
    CORPUS / "litbank" / "original" / "158_emma.txt",
    CORPUS / "litbank" / "original" / "768_wuthering_heights.txt",
    CORPUS / "litbank" / "original" / "2641_a_room_with_a_view.txt",
]
CAST = Cast(
    characters=(
        Character(name="Narrator", role=Role.NARRATOR),
        Character(name="Emma"),
        Character(name="Mr. Knightley", aliases=("Knightley",)),
        Character(name="Heathcliff"),
        Character(name="Lucy"),
        Character(name="阿Q", aliases=("阿Ｑ",)),
    )
)
LABELS = labels_of(CAST)


@pytest.fixture(params=BOOKS, ids=lambda path: path.stem)
def book(request: pytest.FixtureRequest) -> Book:
    path: Path = request.param
    if not path.is_file():
        pytest.skip(f"the corpus is not here: {path.name}")
    return read_manuscript(path)


@pytest.mark.slow
def test_every_chapter_comes_back_from_its_script_and_follows_a_change(book: Book) -> None:
    for chapter in book.chapters:
        script = script_chapter(chapter, CAST, language=book.language)
        made = MarkedScript(chapter=chapter.number, manuscript=text_hash(chapter), rows=rows_of(script, CAST))
        read = parse_marked(write_marked(made, LABELS), LABELS, where="x")
        found = bind(read, chapter, CAST, where="x").script
        assert (found.lines, found.removals) == (script.lines, script.removals)
        half = len(chapter.paragraphs) // 2
        new = Paragraph(text="A wholly new paragraph stands here, and nobody said it.")
        after = replace(chapter, paragraphs=(*chapter.paragraphs[:half], new, *chapter.paragraphs[half:]))
        fresh = script_chapter(after, CAST, language=book.language)
        followed = follow(read, fresh, CAST, LABELS)
        again = parse_marked(write_marked(replace(made, rows=followed.rows), LABELS), LABELS, where="x")
        bind(again, after, CAST, where="x")
        there = iter(row for row in again.rows if row.is_text)
        assert all(row in there for row in read.rows if row.is_text and not row.doubtful), "in their order"
        assert followed.removed == ()
