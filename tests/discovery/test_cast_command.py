"""`narrate cast` on real folders."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from flows.cli import cast_command
from narration.cast import load_cast
from narration.errors import InputError

DEMO = Path(__file__).parents[2] / "data" / "demo"
Narrate = Callable[..., str]


@pytest.fixture
def cast(capsys: pytest.CaptureFixture[str]) -> Narrate:
    """Run the command alone in this process; what it prints."""
    app = typer.Typer()
    app.command()(cast_command.cast)

    def go(*arguments: object) -> str:
        capsys.readouterr()
        app([str(argument) for argument in arguments], standalone_mode=False)
        captured = capsys.readouterr()
        return captured.out if "--json" in arguments else captured.out + captured.err

    return go


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "demo"))


def test_the_table_says_who_speaks_and_nothing_is_written(cast: Narrate, folder: Path) -> None:
    before = (folder / "cast.yaml").read_bytes()
    printed = cast(folder)
    assert "Old Wen" in printed
    assert "of 81 quotations have a speaker" in printed
    assert (folder / "cast.yaml").read_bytes() == before


def test_json_is_one_document_with_every_quotation_that_nobody_speaks(cast: Narrate, folder: Path) -> None:
    record = json.loads(cast(folder, "--json"))
    assert {speaker["name"] for speaker in record["speakers"]} == {"Mara", "Old Wen", "Pip", "Reeve", "Hale"}
    assert sum(one["lines"] for one in record["speakers"]) + len(record["unfound"]) == record["quotations"]
    assert record["proposed"] == []


def test_a_character_who_is_missing_is_put_in_and_the_rest_stays(cast: Narrate, folder: Path) -> None:
    path = folder / "cast.yaml"
    kept = path.read_text(encoding="utf-8").split("  - name: Hale")[0]
    path.write_text(kept, encoding="utf-8")
    assert "1 new character" in cast(folder, "--write")
    assert path.read_text(encoding="utf-8").startswith(kept.rstrip("\n"))
    assert "Mr. Hale" in load_cast(path).by_name("Hale").aliases


def test_a_sheet_that_is_not_there_is_made(cast: Narrate, folder: Path) -> None:
    (folder / "cast.yaml").unlink()
    assert "5 new characters" in cast(folder)
    assert not (folder / "cast.yaml").exists()
    cast(folder, "--write")
    assert len(load_cast(folder / "cast.yaml").characters) == 6


def test_a_second_writing_changes_nothing(cast: Narrate, folder: Path) -> None:
    (folder / "cast.yaml").unlink()
    cast(folder, "--write")
    once = (folder / "cast.yaml").read_bytes()
    assert "stays as it is" in cast(folder, "--write")
    assert (folder / "cast.yaml").read_bytes() == once


def test_missing_voices_are_drafted_when_asked_for(cast: Narrate, folder: Path) -> None:
    path = folder / "cast.yaml"
    path.write_text("characters:\n  - name: Narrator\n  - name: Mara\n    voice: A clear voice.\n", encoding="utf-8")
    assert "drafted" in cast(folder, "--draft-voices", "--minor", 0)
    cast(folder, "--write", "--draft-voices")
    loaded = load_cast(path)
    assert loaded.by_name("Mara").voice == "A clear voice."
    assert loaded.narrator.voice.endswith("for audiobook narration.")
    assert loaded.by_name("Mara").preview == "I like a thing to be where its label says."


def test_a_byte_order_mark_stays(cast: Narrate, folder: Path) -> None:
    path = folder / "cast.yaml"
    path.write_text(
        "characters:\r\n- name: Narrator\r\n  voice: v\r\n  preview: p\r\n", encoding="utf-8-sig", newline=""
    )
    cast(folder, "--write")
    assert path.read_bytes().startswith(b"\xef\xbb\xbfcharacters:\r\n")
    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")


def test_a_table_is_not_rewritten_and_its_rows_are_printed(cast: Narrate, folder: Path) -> None:
    book = (folder / "book.yaml").read_text(encoding="utf-8")
    (folder / "book.yaml").write_text(book.replace("cast: cast.yaml", "cast: cast.csv"), encoding="utf-8")
    table = "name,role,voice,preview\nNarrator,narrator,calm,Once.\nMara,,bright,Twice.\n"
    (folder / "cast.csv").write_text(table, encoding="utf-8")
    printed = cast(folder, "--write")
    assert (folder / "cast.csv").read_text(encoding="utf-8") == table
    rows = list(csv.DictReader(io.StringIO(printed[printed.index("name,role,gender") :])))
    assert {row["name"] for row in rows} == {"Old Wen", "Pip", "Reeve", "Hale"}
    assert rows[0]["voice"]


def test_few_lines_share_a_voice(cast: Narrate, folder: Path) -> None:
    (folder / "cast.yaml").unlink()
    cast(folder, "--write", "--minor", 1000)
    assert {one.name for one in load_cast(folder / "cast.yaml").characters} == {"Narrator", "Minor man", "Minor woman"}


def test_another_mistake_in_the_book_is_reported_as_ever(cast: Narrate, folder: Path) -> None:
    (folder / "cast.yaml").unlink()
    (folder / "manuscript.md").unlink()
    with pytest.raises(InputError, match="manuscript"):
        cast(folder)
