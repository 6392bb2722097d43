"""A person's cast sheet, added to."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.cast import Gender, load_cast
from narration.discovery import Entry, Proposal, discover, merged, minor_names, propose, sheet_cast
from narration.errors import InputError
from narration.sheets.yaml import read_yaml
from narration.starter import starter_files
from tests.discovery.books import TAGGED, book

CASES = Path(__file__).parent / "sheets"
NEUTRAL = "The lamp was out, but nobody in the house had slept."


def proposal_for(sheet: str, *, minor: int = 0) -> Proposal:
    known = sheet_cast(read_yaml(sheet, "cast.yaml"))
    return propose(discover(book(*TAGGED), known), known, minor=minor, neutral_preview=NEUTRAL)


def written(sheet: str, *, minor: int = 0, drafts: bool = False) -> str:
    return merged(sheet, proposal_for(sheet, minor=minor), label="cast.yaml", drafts=drafts)


def added(before: str, after: str) -> list[str]:
    """Lines that were put in; fails where any other line changed."""
    rows = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    assert not [row for row in rows if row.startswith("- ")]
    return [row[2:] for row in rows if row.startswith("+ ")]


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_a_sheet_becomes_its_golden_one(case: str) -> None:
    before = (CASES / case / "in.yaml").read_text(encoding="utf-8")
    golden = (CASES / case / "golden.yaml").read_text(encoding="utf-8")
    found = written(before, minor=2 if "minor" in case else 0, drafts="drafts" in case)
    assert found == golden, "\n".join(difflib.unified_diff(golden.splitlines(), found.splitlines(), lineterm=""))


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir() if "drafts" not in path.name))
def test_what_a_person_wrote_stays_line_by_line(case: str) -> None:
    before = (CASES / case / "in.yaml").read_text(encoding="utf-8")
    assert added(before, written(before))


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_a_second_time_nothing_is_added(case: str) -> None:
    before = (CASES / case / "in.yaml").read_text(encoding="utf-8")
    once = written(before, minor=2, drafts=True)
    assert written(once, minor=2, drafts=True) == once


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_sheet_with_drafts_loads_cleanly_with_either_line_end(case: str, end: str, tmp_path: Path) -> None:
    before = (CASES / case / "in.yaml").read_text(encoding="utf-8").replace("\n", end)
    after = written(before, drafts=True)
    assert after.count("\r") == (after.count("\n") if end == "\r\n" else 0)
    path = tmp_path / "cast.yaml"
    path.write_bytes(after.encode())
    assert {"Mara", "Pip"} <= {name for one in load_cast(path).characters for name in (one.name, *one.aliases)}


def test_a_new_sheet_loads_cleanly_and_has_everybody(tmp_path: Path) -> None:
    starter = starter_files("book.md", title="T", author="A", language="en")["cast.yaml"]
    path = tmp_path / "cast.yaml"
    path.write_text(written(starter), encoding="utf-8")
    cast = load_cast(path)
    assert {one.name for one in cast.characters} == {"Narrator", "Mara", "Hale", "Pip", "Old Sall", "Reeve"}
    assert cast.by_name("Mara").gender is Gender.FEMALE
    assert cast.by_name("Mara").preview.startswith("We must all stay here")
    assert cast.by_name("Pip").preview


def test_minor_speakers_share_a_voice_of_their_sex() -> None:
    starter = starter_files("book.md", title="T", author="A", language="en")["cast.yaml"]
    shared = {one.name: one for one in proposal_for(starter, minor=99).entries}
    assert set(shared) == {"Minor man", "Minor woman"}
    assert {"Hale", "Mr. Hale", "Reeve"} <= set(shared["Minor man"].aliases)
    assert {"Mara", "Pip", "Old Sall"} <= set(shared["Minor woman"].aliases)
    assert minor_names(discover(book(*TAGGED)), 99)["Pip"] == "Minor woman"


def test_one_minor_speaker_alone_has_a_voice_of_their_own() -> None:
    known = sheet_cast(read_yaml("characters:\n- name: Narrator\n", "cast.yaml"))
    found = discover(book("“Yes,” said Mr. Hale.", "“No,” said Mrs. Hall.", "“Oh,” said Mrs. Hall."), known)
    entries = propose(found, known, minor=2, neutral_preview=NEUTRAL).entries
    assert {one.name for one in entries} == {"Mr. Hale", "Mrs. Hall"}


@pytest.mark.parametrize(
    "sheet",
    [
        "characters: [{name: Narrator, role: narrator, voice: v, preview: p}]\n",
        "characters:\n- {name: Narrator, role: narrator, voice: v, preview: p}\n",
    ],
)
def test_a_sheet_in_braces_is_refused_and_not_rewritten(sheet: str) -> None:
    with pytest.raises(InputError, match=r"braces|list of entries"):
        written(sheet)


def test_a_sheet_in_which_something_would_change_is_refused() -> None:
    sheet = "characters:\n- name: Narrator\n  voice: v\n  preview: |\n    a\n    # not a comment"
    with pytest.raises(InputError, match="without a change"):
        written(sheet)


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(names, names, names)
def test_any_text_in_an_entry_is_read_back_as_one_line(name: str, alias: str, comment: str) -> None:
    sheet = "characters:\n  - name: Narrator\n    voice: v\n    preview: p\n"
    entry = Entry(name=name, gender=Gender.UNKNOWN, aliases=(alias,), voice="v: #", preview='"', comments=(comment,))
    after = merged(sheet, Proposal(entries=(entry,)), label="cast.yaml", drafts=False)
    rows = read_yaml(after, "cast.yaml").data["characters"]
    assert isinstance(rows, list)
    assert rows[1]["voice"] == "v: #"
    assert rows[1]["preview"] == '"'


def test_a_first_person_narrator_without_a_name_is_a_comment_on_the_narrator() -> None:
    sheet = "characters:\n- name: Narrator\n  voice: v\n  preview: p\n"
    proposal = replace(proposal_for(sheet), narrator_is_i=True)
    assert "first_person: true" in merged(sheet, proposal, label="cast.yaml", drafts=False).split("- name")[1]


def test_a_sheet_without_a_narrator_says_how_to_name_one() -> None:
    with pytest.raises(InputError, match="nobody is the narrator") as told:
        sheet_cast(read_yaml("characters:\n- just a name\n- name: Mara\n", "cast.yaml"))
    assert "role: narrator" in str(told.value)


def test_what_is_no_entry_is_passed_over_and_whoever_is_called_narrator_reads() -> None:
    cast = sheet_cast(read_yaml("characters:\n- just a name\n- name: Narrator\n- name: Mara\n", "cast.yaml"))
    assert [one.name for one in cast.characters] == ["Narrator", "Mara"]
    assert cast.narrator.name == "Narrator"
