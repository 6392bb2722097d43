"""What a person decided about a book: its files are read whole or refused, and never half-written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from narration.book import Chunk, Gap
from narration.errors import InputError, StoreError
from narration.pickups import FILE, Pickup, Pickups, Reading, load_pickups, save_pickups
from narration.pickups.signoff import FILE as SIGNOFFS
from narration.pickups.signoff import load_signoffs, save_signoffs

PICKUP = Pickup(
    chapter=3, take_id="a" * 40, nth=1, place="3:17", text="Is there any sugar?", readings=(), chosen=0
).with_reading(Reading(ordinal=2, say="Is there honey?", direction="softly", note="wrong", at="2026-01-01T00:00:00Z"))


def test_pickups_are_read_as_they_were_written_and_one_place_has_one(tmp_path: Path) -> None:
    assert load_pickups(tmp_path) == Pickups()
    save_pickups(tmp_path, Pickups().changed([replace(PICKUP, readings=(), chosen=0), PICKUP]))
    found = load_pickups(tmp_path)
    assert found == Pickups(by_key={PICKUP.key: PICKUP})
    assert found.heard(PICKUP.key) == PICKUP.readings[0]
    assert found.heard((3, "a" * 40, 0)) is None
    assert (PICKUP.reading(0), PICKUP.reading(1)) == (Reading(ordinal=0), None)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"version": 2, "pickups": []}', '{"version": 1, "pickups": [{"chapter": "x"}]}']
)
def test_a_file_of_pickups_that_is_not_ours_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_pickups(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.where, problem.expected) == (str(tmp_path / FILE), "version 1")
    assert "Restore it from a backup" in problem.hint


@pytest.mark.parametrize("text", ["", "[]", '{"version": 99, "signoffs": []}', '{"version": 1, "signoffs": 5}'])
def test_a_file_of_signatures_that_is_not_ours_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    assert load_signoffs(tmp_path) == ()
    (tmp_path / SIGNOFFS).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=SIGNOFFS):
        load_signoffs(tmp_path)


def test_what_cannot_be_written_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "book").write_text("a file, and no folder")
    with pytest.raises(StoreError, match="cannot be written"):
        save_pickups(tmp_path / "book", Pickups())
    with pytest.raises(StoreError, match="cannot be written"):
        save_signoffs(tmp_path / "book", ())
    assert [path.name for path in tmp_path.iterdir()] == ["book"]


def test_the_words_of_a_take_are_said_instead_of_the_line_and_without_any_the_line_is(tmp_path: Path) -> None:
    save_pickups(tmp_path, Pickups().changed([PICKUP]))
    (reading,) = json.loads((tmp_path / FILE).read_text(encoding="utf-8"))["pickups"][0]["readings"]
    chunk = Chunk(chapter=3, index=0, line=16, character="Mara", start=10, end=29, text=PICKUP.text, gap=Gap.LINE)
    assert Reading(**reading).said(chunk).spoken == "Is there honey?"
    assert Reading(ordinal=1).said(chunk) == chunk
