"""Each folder of `golden` is a manuscript (`in`) and the book that it must become (`golden.txt`)."""

import difflib
from pathlib import Path

import pytest

from narration.manuscript import read_manuscript
from tests.manuscript.making import folder_zipped, shown

CASES = sorted(path.parent for path in (Path(__file__).parent / "golden").glob("*/golden.txt"))


def manuscript(case: Path, folder: Path) -> Path:
    """The case's one file, or its folder zipped."""
    inside = case / "in"
    entries = list(inside.iterdir())
    if len(entries) == 1 and entries[0].is_file():
        return entries[0]
    path = folder / ("book.docx" if (inside / "word").exists() else "book.epub")
    path.write_bytes(folder_zipped(inside))
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_manuscript_becomes_its_golden_book(case: Path, tmp_path: Path) -> None:
    found = shown(read_manuscript(manuscript(case, tmp_path)))
    wanted = (case / "golden.txt").read_text(encoding="utf-8")
    difference = difflib.unified_diff(wanted.splitlines(), found.splitlines(), "golden.txt", "read", lineterm="", n=0)
    assert found == wanted, "\n".join(difference)


def test_there_are_golden_books_of_every_markup_format() -> None:
    names = {case.name.partition("-")[0] for case in CASES}
    assert {"epub2", "epub3", "epub", "docx", "html", "fb2", "fountain"} <= names
