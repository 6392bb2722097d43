"""Retakes from the command line: those lines only, the old takes kept, other chapters untouched, matched in level."""

from __future__ import annotations

import json
import os
import sqlite3
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import small_book
from tests.prove.harness import Vendor

pytestmark = pytest.mark.slow


def _spoken() -> int:
    """How many syntheses the sandbox of this home was asked for."""
    with sqlite3.connect(Path(os.environ["NARRATION_HOME"]) / "sandbox" / "sandbox.sqlite3") as state:
        return int(state.execute("SELECT COUNT(*) FROM calls WHERE action = 'synthesize'").fetchone()[0])


def _masters(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out").glob("*.mp3")}


def test_a_retake_speaks_its_line_only_and_the_old_take_comes_back(
    narrate: Narrate, rendered: Path, tmp_path: Path
) -> None:
    folder = rendered
    before, asked = _masters(folder), _spoken()
    cues = json.loads((folder / "out/timeline/02.json").read_text())["cues"]
    line = next(cue["line"] + 1 for cue in cues if cue["text"] == "Nobody spoke.")  # said in chapter 1 as well

    again = narrate("retake", folder, f"2:{line}", "--json")
    assert (again.code, again.json["chunks_spoken"]) == (0, 1), again.err
    assert _spoken() == asked + 1
    after = _masters(folder)
    assert after["01 - Steam.mp3"] == before["01 - Steam.mp3"]
    assert narrate("takes", "list", folder).out.count("heard") == 1
    assert narrate("plan", folder, "--json").json["chunks_to_speak"] == 0
    assert narrate("render", folder, "--json").json["chunks_spoken"] == 0
    assert _masters(folder) == after

    listed = narrate("takes", "list", folder, f"2:{line}", "--json", "--save", tmp_path / "ab").json["takes"]
    assert [(one["take"], one["heard"], one["spoken"]) for one in listed] == [(0, False, True), (1, True, True)]
    assert sorted(path.name for path in (tmp_path / "ab").iterdir()) == [f"2-{line} take {n}.wav" for n in (0, 1)]
    assert narrate("takes", "use", folder, f"2:{line}", 0).code == 0
    assert narrate("deliver", folder, "--json").code == 0
    assert (_masters(folder), _spoken()) == (before, asked + 1)


def test_other_words_are_spoken_and_the_written_ones_stay(narrate: Narrate, rendered: Path) -> None:
    folder = rendered
    cues = json.loads((folder / "out/timeline/02.json").read_text())["cues"]
    first = next(cue for cue in cues if "sugar" in cue["text"])
    place = f"2:{first['line'] + 1}"
    said = narrate("retake", folder, place, "--say", "Is there any sugar at all?", "--json")
    assert (said.code, said.json["retaken"]) == (0, [place]), said.err
    cues = json.loads((folder / "out/timeline/02.json").read_text())["cues"]
    assert next(cue for cue in cues if cue["line"] == first["line"])["text"] == first["text"]
    takes = narrate("takes", "list", folder, place, "--json").json["takes"]
    assert [one["text"] for one in takes] == ["Is there any sugar?", "Is there any sugar at all?"]
    (folder / "kettle.md").write_text((folder / "kettle.md").read_text().replace("any sugar", "any honey"))
    assert narrate("plan", folder, "--json").json["chunks_to_speak"] == 1  # an edited line forgets its pickup


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("9:1",), "no chapter 9"),
        (("2:99",), "no line 99"),
        (("2#x",), "is no line"),
        ((), "no line is named"),
        (("2:1", "2:2", "--say", "x"), "--say is about one line"),
        (("2:2", "--say", "..."), "a letter or a digit"),
        (("2:2", "--direction", "softly"), "takes no direction"),
    ],
)
def test_a_wish_that_cannot_be_had_is_told_and_nothing_is_decided(
    narrate: Narrate, rendered: Path, arguments: tuple[str, ...], words: str
) -> None:
    found = narrate("retake", rendered, *arguments)
    assert found.code == 2
    assert words in found.err
    assert not (rendered / "pickups.json").exists()


def test_a_line_that_was_never_spoken_is_not_retaken(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    found = narrate("retake", folder, "1:2")
    assert (found.code, "is not spoken yet" in found.err) == (2, True)


def test_notes_become_retakes_of_their_lines(narrate: Narrate, rendered: Path, tmp_path: Path) -> None:
    folder = rendered
    cue = json.loads((folder / "out/timeline/01.json").read_text())["cues"][1]
    notes = tmp_path / "notes.txt"
    notes.write_text(f"1 00:00:{cue['start_s'] + 0.3:04.1f} wrong stress in “{cue['text'][:20]}”\n", encoding="utf-8")
    shown = narrate("pickups", "import", notes, folder, "--json")
    assert (shown.code, shown.json["notes"][0]["line"]) == (0, f"1:{cue['line'] + 1}"), shown.err
    assert not (folder / "pickups.json").exists()
    before = _spoken()
    assert narrate("retake", folder, "--from", notes, "--json").json["chunks_spoken"] == 1
    assert _spoken() == before + 1


def test_a_retake_is_as_loud_as_what_it_replaces(narrate: Narrate, rendered: Path) -> None:
    """The step at the splice, in dB of the speech of the line before and after its retake, in the same place."""
    folder = rendered
    (folder / "book.yaml").write_text((folder / "book.yaml").read_text() + "formats: [flac]\n")
    assert narrate("render", folder).code == 0
    cues = json.loads((folder / "out/timeline/01.json").read_text())["cues"]
    steps = []
    for line, text in list({cue["line"]: cue["text"] for cue in cues}.items())[:3]:
        before = _level_dbfs(folder, line)
        backwards = " ".join(reversed(text.split()))  # a sound of its own
        assert narrate("retake", folder, f"1:{line + 1}", "--say", backwards, "--json").code == 0
        steps.append(abs(_level_dbfs(folder, line) - before))
    assert 0.0 < max(steps) < 1.0, steps


def _level_dbfs(folder: Path, line: int) -> float:
    """RMS of what is heard of a line above its pauses."""
    import subprocess

    from narration.audio.encode import ffmpeg_program

    cue = next(cue for cue in json.loads((folder / "out/timeline/01.json").read_text())["cues"] if cue["line"] == line)
    target = folder / "decoded.wav"
    source = next((folder / "out").glob("01*.flac"))
    subprocess.run([ffmpeg_program(), "-v", "error", "-y", "-i", str(source), str(target)], check=True)
    with wave.open(str(target)) as sound:
        rate = sound.getframerate()
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16).astype(float) / 32768
    part = samples[round(cue["start_s"] * rate) : round(cue["end_s"] * rate)]
    blocks = part[: len(part) // 441 * 441].reshape(-1, 441)
    powers = (blocks**2).mean(axis=1)
    return float(10 * np.log10(powers[powers > powers.max() / 1000].mean()))


def test_a_take_that_is_refused_leaves_the_line_as_it_was(
    narrate: Narrate, shop: Vendor, paid: Path, tmp_path: Path
) -> None:
    folder = small_book(tmp_path / "book")
    assert narrate("render", folder, "--profile", paid).code == 0
    before = _masters(folder)
    shop.switch(poison_words="arsenic")
    try:
        found = narrate("retake", folder, "2:2", "--say", "Is there arsenic?", "--profile", paid, "--yes")
    finally:
        shop.switch(poison_words="none")
    assert (found.code, "the one before is heard" in found.err) == (3, True), found.err
    assert narrate("render", folder, "--profile", paid, "--json").json["chunks_spoken"] == 0
    assert _masters(folder) == before
