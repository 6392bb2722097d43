"""Whole books from their files to their scripts; `python -m tests.prove scripts` does it with every one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prove.scripts import CORPUS, scripted

BOOKS = [
    "books/arthur-conan-doyle_the-adventures-of-sherlock-holmes.epub",
    "books/jane-austen_pride-and-prejudice.epub",
    "books/lu-xun_nahan.zh.txt",
    "books/oscar-wilde_the-importance-of-being-earnest.epub",
    "litbank/original/105_persuasion.txt",
    "litbank/original/113_the_secret_garden.txt",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", BOOKS, ids=lambda name: Path(name).stem)
def test_a_book_goes_to_its_scripts_word_for_word_with_its_own_chapters(name: str, tmp_path: Path) -> None:
    if not (CORPUS / name).is_file():
        pytest.skip(f"the corpus is not here: {name}")
    made = scripted(CORPUS / name, tmp_path / "book")
    assert made.words > 15_000
    assert made.titles or not name.endswith(".epub")
