"""`narrate lexicon …` on a production."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from flows.cli import console
from flows.cli.lexicon_command import lexicon_app
from narration.errors import InputError

PLS = (
    '<lexicon xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" xml:lang="en">'
    "<lexeme><grapheme>Wen</grapheme><alias>Wun</alias></lexeme>\n"
    "<lexeme><grapheme>Mara</grapheme><alias>Mah-rah</alias></lexeme>\n"
    "<lexeme><grapheme>Hale</grapheme><phoneme>x</phoneme></lexeme></lexicon>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 — whatever the command printed
        return json.loads(self.out)


Lexicon = Callable[..., Said]


@pytest.fixture
def lexicon(capsys: pytest.CaptureFixture[str]) -> Lexicon:
    def go(*arguments: object) -> Said:
        console.settings.quiet = console.settings.verbose = False
        capsys.readouterr()
        args = [str(argument) for argument in arguments]
        code = typer.main.get_command(lexicon_app).main(args=args, standalone_mode=False)
        captured = capsys.readouterr()
        return Said(code=code if isinstance(code, int) else 0, out=captured.out, err=captured.err)

    return go


@pytest.fixture
def book(demo: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "book"
    shutil.copytree(demo, folder)
    (folder / "lexicon.yaml").unlink(missing_ok=True)
    return folder


def write(book: Path, text: str) -> Path:
    path = book / "lexicon.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_suggest_lists_names_and_writes_nothing(lexicon: Lexicon, book: Path) -> None:
    said = lexicon("suggest", book)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[1].split()[:2] == ["Mara", "21"]
    assert not (book / "lexicon.yaml").exists()
    words = lexicon("suggest", book, "--json", "--most", 2)
    assert [word["word"] for word in words.json["words"]] == ["Mara", "Wen"]
    assert words.json["words"][0].keys() == {"word", "count", "marks", "example", "chapter"}


def test_suggest_adds_proposals_once_and_below_what_is_there(lexicon: Lexicon, book: Path) -> None:
    mine = "# mine\n- {word: Mara, say: Mah-rah}"
    path = write(book, mine)
    assert lexicon("suggest", book, "--write", "--json").json["added"] == 9
    text = path.read_text(encoding="utf-8")
    assert text.startswith(mine + "\n# Proposed by")
    assert text.count("\n# - {word: ") == 9
    assert "0 proposals added" in lexicon("suggest", book, "--write").out
    assert path.read_text(encoding="utf-8") == text
    assert [entry["word"] for entry in lexicon("check", book, "--json").json["entries"]] == ["Mara"]


def test_check_counts_each_entry_and_names_those_that_are_never_used(lexicon: Lexicon, book: Path) -> None:
    write(book, "- {word: Mara, say: Mah-rah}\n- {word: Marra, say: x}\n- {word: Wen, say: Wun, who: Old Wen}\n")
    said = lexicon("check", book)
    assert said.code == 0
    assert said.out.splitlines()[1].split() == ["Mara", "Mah-rah", "21"]
    assert "lexicon.yaml:2: “Marra” is never used. Did you mean `Mara`?" in said.err
    used = {entry["word"]: entry["used"] for entry in lexicon("check", book, "--json").json["entries"]}
    assert used["Mara"] == 21
    assert used["Marra"] == 0


def test_check_of_no_lexicon_says_so(lexicon: Lexicon, book: Path) -> None:
    assert "is not there" in lexicon("check", book).out
    write(book, "# nothing yet\n")
    assert "is empty" in lexicon("check", book).out


def test_check_tells_every_mistake(lexicon: Lexicon, book: Path) -> None:
    write(book, "- {word: Mara}\n- {word: Wen, say: Wun, who: [Old Wan]}\n")
    with pytest.raises(InputError) as caught:
        lexicon("check", book)
    assert len(caught.value.problems) == 2
    assert "Did you mean `Old Wen`?" in str(caught.value)


def test_import_keeps_what_is_there_and_tells_what_cannot_be_used(lexicon: Lexicon, book: Path) -> None:
    path = write(book, "- {word: Mara, say: Mary}\n")
    source = book.parent / "names.pls"
    source.write_text(PLS, encoding="utf-8")
    said = lexicon("import", source, book)
    assert said.code == 3
    assert "1 entry added" in said.out
    assert "“Mara”: yours was kept, theirs says “Mah-rah” (names.pls:2)." in said.out
    assert "names.pls, line 3: “Hale” has only a phoneme" in said.err
    assert path.read_text(encoding="utf-8") == "- {word: Mara, say: Mary}\n# From names.pls.\n- {word: Wen, say: Wun}\n"
    again = lexicon("import", source, book, "--json").json
    assert (again["added"], again["there"], again["kept"]) == ([], ["Wen"], ["Mara"])


def test_export_writes_what_import_reads(lexicon: Lexicon, book: Path, tmp_path: Path) -> None:
    write(book, "- {word: Wen, say: Wun}\n- {word: Mara, say: Mah-rah}\n- {word: Pip, say: Pipp, who: Mara}\n")
    target = tmp_path / "out.pls"
    said = lexicon("export", target, book)
    assert "2 entries written" in said.out
    assert said.err == "left out, for its scope: lexicon.yaml:3: “Pip”\n"
    write(book, "# empty\n")
    assert lexicon("import", target, book, "--json").json["added"] == ["Mara", "Wen"]


def test_a_folder_that_cannot_be_written_is_told(lexicon: Lexicon, book: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        lexicon("export", tmp_path / "file" / "out.pls", book)
