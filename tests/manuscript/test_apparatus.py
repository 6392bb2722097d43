"""Notes, captions and contents of plain text and Markdown."""

from pathlib import Path

import pytest

from narration.book import Book
from narration.manuscript import read_manuscript


def read(folder: Path, text: str, suffix: str, *, keep: frozenset[str] = frozenset()) -> Book:
    path = folder / f"book{suffix}"
    path.write_text(text, encoding="utf-8")
    return read_manuscript(path, keep=keep)


def texts(book: Book) -> list[str]:
    return [paragraph.text for chapter in book.chapters for paragraph in chapter.paragraphs]


@pytest.mark.parametrize("suffix", [".md", ".txt"])
def test_notes_and_their_marks_are_left_out_and_counted(tmp_path: Path, suffix: str) -> None:
    source = (
        "The lamp[1] was out, and so was the boat.\n\n[1] Of brass, from the north.\n\n"
        "[Footnote 2: Not the last.]\n\n[Illustration: a boat]\n\nShe wrote [3] on a wall, and C_{2} below it.\n"
    )
    book = read(tmp_path, source, suffix)
    assert texts(book) == [
        "The lamp was out, and so was the boat.",
        "She wrote [3] on a wall, and C_{2} below it.",
    ]
    assert {item.kind.value: item.count for item in book.left_out} == {"notes": 2, "note-marks": 1, "images": 1}
    kept = read(tmp_path, source, suffix, keep=frozenset({"notes", "note-marks", "images"}))
    assert len(texts(kept)) == 5
    assert not kept.left_out


def test_footnotes_of_markdown_are_left_out(tmp_path: Path) -> None:
    book = read(tmp_path, "The lamp[^a] was out.\n\n[^a]: Of brass.\n", ".md")
    assert texts(book) == ["The lamp was out."]


def test_a_list_below_a_heading_that_says_contents_is_left_out(tmp_path: Path) -> None:
    book = read(
        tmp_path, "## Contents\n\n- The Boat\n- The Lamp\n\n## The Boat\n\nLate.\n\n## The Lamp\n\nOut.\n", ".md"
    )
    assert [chapter.title for chapter in book.chapters] == ["The Boat", "The Lamp"]
    assert [(item.kind.value, item.example) for item in book.left_out] == [("contents", "Contents The Boat The Lamp")]


def test_a_chapter_that_is_called_notes_is_read(tmp_path: Path) -> None:
    book = read(tmp_path, "# Notes\n\nShe wrote all day.\n\nThe boat was late.\n", ".md")
    assert texts(book) == ["Notes", "She wrote all day.", "The boat was late."]


def test_a_chapter_that_is_called_notes_and_has_nothing_below_is_a_heading(tmp_path: Path) -> None:
    book = read(tmp_path, "# One\n\nText.\n\n# Notes\n\n# Two\n\nMore.\n", ".md")
    assert texts(book) == ["One", "Text.", "Notes", "Two", "More."]
    assert book.left_out == ()
