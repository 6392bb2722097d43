"""System voices: nothing is designed or in the voice bible, and a name that is not there is told with its like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import small_book

CAST = """\
characters:
  - {name: Narrator, role: narrator, voice: {system: Serena}}
  - {name: Ann, voice: {system: Cherry}}
  - {name: Ben, voice: {system: Ethan}}
"""

TABLE = """\
name,role,voice,preview,profile
Narrator,narrator,system: Serena,,
Ann,,system: Cherry,,
Ben,,"An elderly man, low pitch, slow pace, hoarse.","Then take it off, will you.",sandbox
"""

INSTRUCT = """\
[service]
sandbox = true
region = "sandbox"
speech_model = "qwen3-tts-instruct-flash"
download_hosts = []
"""


@pytest.mark.slow
def test_a_book_of_system_voices_designs_none_and_is_there_the_next_time(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book", cast=CAST, profile="sandbox-flash")
    first = narrate("render", folder, "--json")
    assert (first.code, first.err) == (0, "")
    assert first.json["voices_created"] == 0
    assert first.json["chunks_spoken"] > 0
    assert narrate("voices", "list", "--json").json == {"voices": []}
    usage = narrate("usage", "--json", "--by", "model").out
    assert "qwen3-tts-flash" in usage
    assert "qwen-voice-design" not in usage
    again = narrate("render", folder, "--json", "--redesign-missing")
    assert (again.json["chunks_spoken"], again.json["cost_usd"]) == (0, 0)
    assert "system voice Cherry" in narrate("plan", folder).out


@pytest.mark.slow
def test_a_table_names_them_in_one_cell_and_others_beside_them_are_designed(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book", profile="sandbox-flash")
    (folder / "cast.csv").write_text(TABLE, encoding="utf-8")
    book = (folder / "book.yaml").read_text(encoding="utf-8").replace("cast.yaml", "cast.csv")
    (folder / "book.yaml").write_text(book, encoding="utf-8")
    said = narrate("render", folder, "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json["voices_created"] == 1


def test_a_model_and_a_voice_of_different_kinds_are_refused_before_anything_is_asked(
    narrate: Narrate, tmp_path: Path
) -> None:
    described = narrate("plan", small_book(tmp_path / "a", profile="sandbox-flash"))
    assert described.code == 2
    assert "qwen3-tts-flash speaks with system voices only" in described.err
    named = narrate("plan", small_book(tmp_path / "b", cast=CAST))
    assert named.code == 2
    assert "qwen3-tts-vd-2026-01-26 speaks with designed voices only" in named.err


def test_a_name_that_the_model_does_not_have_is_told_with_those_like_it(narrate: Narrate, tmp_path: Path) -> None:
    profile = tmp_path / "instruct.toml"
    profile.write_text(INSTRUCT, encoding="utf-8")
    cast = CAST.replace("Cherry", "cherie").replace("Ethan", "Jennifer")
    said = narrate("plan", small_book(tmp_path / "book", cast=cast), "--profile", profile)
    assert said.code == 2
    assert "no system voice cherie" in said.err
    assert "Cherry" in said.err
    assert "no system voice Jennifer" in said.err, "only the flash model has her"
