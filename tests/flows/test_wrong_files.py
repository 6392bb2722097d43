"""Mistakes in what people write: one screen, the right exit code, and nothing half written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import BOOK, CAST, small_book

WRONG_CASTS = {
    "an unknown key": (
        CAST.replace("    voice: An elderly", "    voyce: x\n    voice: An elderly"),
        "Did you mean `voice`?",
    ),
    "a duplicate name": (CAST.replace("name: Ben", "name: Ann"), "belongs to two characters"),
    "an empty description": (CAST.replace("A young woman, high pitch, fast pace, bright and clear.", ""), "is empty"),
    "an over-long description": (CAST.replace("An elderly man", "old " * 600), "2,048 at the most"),
    "a description in another language": (CAST.replace("An elderly man, low", "Пожилой мужчина, low"), "Chinese"),
    "no characters": ("characters: []\n", "characters"),
    "no YAML": ("characters: [\n", "cast.yaml, line 2"),
}


@pytest.mark.parametrize("command", ["plan", "render"])
@pytest.mark.parametrize("mistake", WRONG_CASTS)
def test_a_wrong_cast_sheet_is_told_with_its_place(
    narrate: Narrate, tmp_path: Path, command: str, mistake: str
) -> None:
    text, words = WRONG_CASTS[mistake]
    said = narrate(command, small_book(tmp_path / "book", cast=text))
    assert said.code == 2
    assert "cast.yaml" in said.err
    assert words in said.err
    assert said.on_one_screen()
    _nothing_was_made(said.out, tmp_path)


def test_every_mistake_of_both_files_is_told_at_once(narrate: Narrate, tmp_path: Path) -> None:
    book = BOOK.format(profile="sandbox").replace("language: en", "language: klingon").replace("author", "autor")
    said = narrate("render", small_book(tmp_path / "book", book=book, cast=CAST.replace("name: Ben", "name: Ann")))
    assert said.code == 2
    assert said.err.startswith("4 mistakes:")
    assert all(words in said.err for words in ("klingon", "`author`", "two characters"))


def test_a_cover_that_is_no_picture_is_told_before_anything_is_spent(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book", book=BOOK.format(profile="sandbox") + "cover: cover.jpg\n")
    (folder / "cover.jpg").write_text("not a picture")
    said = narrate("render", folder)
    assert said.code == 2
    assert "cover.jpg is not a whole picture" in said.err
    _nothing_was_made(said.out, tmp_path)
    assert narrate("usage", "--json").json["calls"] == 0


@pytest.mark.parametrize("profile", ["sandboks", "no/such.toml"])
def test_an_unknown_profile_is_wrong_input(narrate: Narrate, tmp_path: Path, profile: str) -> None:
    said = narrate("render", small_book(tmp_path / "book", profile=profile))
    assert said.code == 2
    assert profile.rpartition("/")[2] in said.err
    _nothing_was_made(said.out, tmp_path)


def test_a_missing_manuscript_is_told_with_its_key(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    (folder / "kettle.md").rename(folder / "ketle.md")
    said = narrate("render", folder)
    assert said.code == 2
    assert "book.yaml, line 4, manuscript" in said.err
    assert "ketle.md" in said.err
    _nothing_was_made(said.out, tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\n\xef\xbb\xbf\n", "empty"),
        (bytes(range(256)) * 40, "text"),
        (b"\x7fELF" + b"\0" * 100, "a program"),
        (b"PK\x03\x04" + b"\0" * 100, "zip archive"),
    ],
    ids=["empty", "white space", "bytes", "program", "archive"],
)
def test_a_manuscript_without_text_is_refused(narrate: Narrate, tmp_path: Path, content: bytes, words: str) -> None:
    folder = small_book(tmp_path / "book")
    (folder / "kettle.md").write_bytes(content)
    said = narrate("render", folder)
    assert said.code == 2
    assert words in said.err
    assert said.on_one_screen()
    _nothing_was_made(said.out, tmp_path)


def test_a_folder_that_is_no_production_names_the_next_command(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (("plan",), ("render",), ("render", "nowhere")):
        said = narrate(*arguments)
        assert said.code == 2
        assert "narrate init DIR --manuscript FILE" in said.err


def test_a_missing_key_names_what_to_set_and_what_needs_none(narrate: Narrate, tmp_path: Path) -> None:
    said = narrate("render", small_book(tmp_path / "book"), "--profile", "international")
    assert said.code == 2
    assert "DASHSCOPE_API_KEY" in said.err
    assert "--profile sandbox" in said.err
    _nothing_was_made(said.out, tmp_path)


def _nothing_was_made(out: str, tmp_path: Path) -> None:
    assert out == ""
    assert not (tmp_path / "book" / "out").exists()
    home = Path(os.environ["NARRATION_HOME"])
    # The name under which the local sandbox knows this home is nobody's work; a voice, a take or a bill would be.
    assert {path.name for path in home.rglob("*") if path.is_file()} <= {"account"}
