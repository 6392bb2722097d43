"""CUE sheets: each file of the book is a track that begins with it, whatever its title, and is there to be opened."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import av
import pytest

from narration.deliver.cover import cover_of
from narration.deliver.cue import write_cue
from narration.deliver.package import package
from narration.formats import Encoded, Format
from tests.deliver.releases import EDITION, lines_track, release
from tests.deliver.test_chapter import PRODUCTION
from tests.deliver.test_package import Press


def read(path: Path) -> list[list[str]]:
    """The commands of a sheet, each with its operands."""
    return [shlex.split(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_sheet_says_what_the_book_is_and_where_each_track_begins(tmp_path: Path) -> None:
    tracks = [
        lines_track(number, [("Mara", "a")], files={Encoded.MP3: tmp_path / f"{number:02} - It's.mp3"}, title=title)
        for number, title in enumerate(('The "Lamp"\n& more', "Zwölf"), start=1)
    ]
    write_cue(tmp_path / "b.cue", release(tracks, tmp_path / "cover.png"))
    assert read(tmp_path / "b.cue") == [
        ["REM", "GENRE", "Audiobook"],
        ["REM", "DATE", "2026"],
        ["REM", "COMPOSER", "The Cast"],
        ["PERFORMER", "A. N. Other"],
        ["TITLE", "The Lamp & the Kettle"],
        ["FILE", "01 - It's.mp3", "MP3"],
        ["TRACK", "01", "AUDIO"],
        ["TITLE", "The 'Lamp' & more"],
        ["INDEX", "01", "00:00:00"],
        ["FILE", "02 - It's.mp3", "MP3"],
        ["TRACK", "02", "AUDIO"],
        ["TITLE", "Zwölf"],
        ["INDEX", "01", "00:00:00"],
    ]


def test_the_files_that_a_sheet_names_lie_beside_it_also_where_nobody_asked_for_mp3(tmp_path: Path) -> None:
    press = Press(tmp_path / "out")
    heard, made = press.deliver((Format.M4B, Format.CUE))
    (sheet,) = [path for path in made.files if path.suffix == ".cue"]
    named = [sheet.parent / line[1] for line in read(sheet) if line[0] == "FILE"]
    assert named == [file.delivered.files[Encoded.MP3].path for file in heard]
    for path, file in zip(named, heard, strict=True):
        with av.open(str(path)) as sound:
            assert (sound.duration or 0) / 1e6 == pytest.approx(file.delivered.timeline.audio_s, abs=0.1)


@pytest.mark.parametrize(("files", "sheets"), [(99, [99]), (100, [99, 1])])
def test_a_book_of_more_than_99_files_has_several_sheets(tmp_path: Path, files: int, sheets: list[int]) -> None:
    audio = [tmp_path / f"{number:03}.mp3" for number in range(1, files + 1)]
    tracks = [
        lines_track(number, [("Mara", "a")], files={Encoded.MP3: path}) for number, path in enumerate(audio, start=1)
    ]
    production = dataclasses.replace(PRODUCTION, formats=(Format.CUE,))
    made = package(tracks, dict.fromkeys(audio, ""), production, cover_of(None, EDITION), tmp_path)
    read_back = [read(path) for path in made.files]
    assert [sum(line[0] == "TRACK" for line in sheet) for sheet in read_back] == sheets
    assert [line[1] for sheet in read_back for line in sheet if line[0] == "FILE"] == [path.name for path in audio]
    assert all(len(line[1]) == 2 for sheet in read_back for line in sheet if line[0] == "TRACK")


def test_a_book_that_names_no_reader_has_no_line_for_one(tmp_path: Path) -> None:
    edition = dataclasses.replace(EDITION, narrator="", year="")
    write_cue(tmp_path / "b.cue", release([], tmp_path / "cover.png", edition))
    assert [line[:2] for line in read(tmp_path / "b.cue")[:2]] == [["REM", "GENRE"], ["PERFORMER", "A. N. Other"]]
