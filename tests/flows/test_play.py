"""A play from its EPUB to its script files, by the commands that a person would type."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from narration.manuscript import read_manuscript
from narration.production import load
from narration.script_files import bound_scripts
from tests.flows.conftest import Narrate
from tests.manuscript.making import BOOKS

PLAY = BOOKS / "oscar-wilde_the-importance-of-being-earnest.epub"
SPEECHES = 879


def gold_rows() -> list[str]:
    """The speakers of the play by its own markup, in order."""
    if not PLAY.is_file():
        pytest.skip(f"the corpus is not here: {PLAY.name}")
    with zipfile.ZipFile(PLAY) as archive:
        source = "".join(archive.read(f"epub/text/act-{act}.xhtml").decode() for act in (1, 2, 3))
    return re.findall(r'<td epub:type="z3998:persona">(.*?)</td>', source)


def test_every_speech_of_the_play_is_its_speakers_in_the_script_files(narrate: Narrate, tmp_path: Path) -> None:
    gold = [tuple(name.split(" and ")) for name in gold_rows()]
    folder = tmp_path / "play"
    assert narrate("init", folder, "--manuscript", PLAY).code == 0
    assert narrate("cast", folder, "--write").code == 0
    written = narrate("script", folder, "--json").json
    assert written["strangers"] == []
    assert sum(one["doubtful"] for one in written["chapters"]) == 0
    assert narrate("script", folder, "--check").code == 0
    production, cast = load(folder)
    book = read_manuscript(production.manuscript, language=production.language)
    spoken: list[tuple[str, ...]] = []
    for bound in bound_scripts(folder, book, cast).values():
        speeches: dict[int, set[tuple[str, ...]]] = {}
        for line in bound.script.lines:
            if bound.script.chapter.paragraphs[line.paragraph].speaker and line.character != cast.narrator.name:
                speeches.setdefault(line.paragraph, set()).add((line.character, *line.joint))
        assert all(len(speakers) == 1 for speakers in speeches.values())
        spoken += [speaker for speakers in speeches.values() for speaker in speakers]
    assert spoken == gold
    assert len(spoken) == SPEECHES
    assert {len(speakers) for speakers in spoken} == {1, 2}
    plan = narrate("plan", folder, "--json").json
    assert (plan["quotations_unattributed"], plan["speakers_not_in_cast"]) == (0, [])
    assert plan["directions_not_carried"] > 200


def test_a_persona_whom_the_cast_lacks_is_named_with_the_number_of_lines(narrate: Narrate, tmp_path: Path) -> None:
    rows = gold_rows()
    folder = tmp_path / "play"
    narrate("init", folder, "--manuscript", PLAY)
    narrate("cast", folder, "--write")
    sheet = folder / "cast.yaml"
    sheet.write_text(sheet.read_text(encoding="utf-8").replace('"Lane"', '"Somebody"'), encoding="utf-8")
    said = narrate("script", folder)
    assert f"Not in the cast: Lane ({rows.count('Lane')} lines)" in said.out
    assert "cast --write" in said.out
    planned = narrate("plan", folder)
    assert f"Not in the cast: Lane ({rows.count('Lane')} lines)" in planned.out
    assert "without a speaker's name" not in planned.out
