"""What `narrate init` writes loads as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narration.design_limits import DesignLimits
from narration.production import LANGUAGES, load
from narration.starter import starter_files

LIMITS = DesignLimits(prompt_max_chars=2048, preview_max_chars=1024)


def write(folder: Path, files: dict[str, str], manuscript: str = "manuscript.md") -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / manuscript).write_text("Text.", encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_production_loads_in_each_language(tmp_path: Path, language: str) -> None:
    write(
        tmp_path, starter_files("manuscript.md", title="书", author="A. N.", language=language, names=("Mara", "阿Q"))
    )
    production, cast = load(tmp_path, LIMITS)
    assert (production.title, production.author, production.language) == ("书", "A. N.", language)
    assert [character.name for character in cast.characters][1:] == ["Mara", "阿Q"]
    assert cast.narrator is cast.characters[0]
    assert production.profile == "sandbox"


def test_voices_differ_between_neighbours(tmp_path: Path) -> None:
    names = tuple(f"Name {i}" for i in range(6))
    write(tmp_path, starter_files("manuscript.md", title="T", author="A", language="en", names=names))
    voices = [character.voice for character in load(tmp_path)[1].characters]
    assert len(set(voices)) == len(voices)


def test_a_narrator_found_in_the_manuscript_is_not_listed_twice(tmp_path: Path) -> None:
    files = starter_files("manuscript.md", title="T", author="A", language="en", names=("NARRATOR", "Mara", "Mara"))
    write(tmp_path, files)
    assert [character.name for character in load(tmp_path)[1].characters] == ["Narrator", "Mara"]


def test_an_unknown_title_and_author_get_a_stand_in(tmp_path: Path) -> None:
    write(tmp_path, starter_files("manuscript.md", title="", author="", language="en"))
    production, _ = load(tmp_path)
    assert (production.title, production.author) == ("Untitled", "Anonymous")


def test_a_file_name_with_odd_spaces_is_kept(tmp_path: Path) -> None:
    name = "my  book: “one” #2.md"
    write(tmp_path, starter_files(name, title="T", author="A", language="en"), name)
    assert load(tmp_path)[0].manuscript.name == name


def test_a_language_that_the_service_does_not_speak_is_refused() -> None:
    with pytest.raises(KeyError):
        starter_files("m.md", title="T", author="A", language="nl")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text(), st.text())
def test_any_title_and_author_make_a_file_that_loads(tmp_path: Path, title: str, author: str) -> None:
    write(tmp_path, starter_files("manuscript.md", title=title, author=author, language="en"))
    assert load(tmp_path, LIMITS)[0].title
