"""The commands of the voice bible, from an audition to housekeeping, against a vendor that stands alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import BOOK, CAST, MANUSCRIPT, small_book
from tests.prove.harness import Vendor

SERIES = BOOK + "series: The Hob\n"


@pytest.fixture
def book(tmp_path: Path, paid: Path) -> Path:
    """The first book of a series."""
    return small_book(tmp_path / "one", book=SERIES.format(profile=paid))


def test_an_audition_is_one_page_that_asks_for_nothing(narrate: Narrate, book: Path, shop: Vendor) -> None:
    before = shop.bill()["voices_created"]
    said = narrate("audition", book, "--character", "ann", "--candidates", "2", "--json")
    assert said.code == 0, said.err
    assert said.json["voices_made"] == 2
    assert shop.bill()["voices_created"] == before + 2
    (ann,) = said.json["characters"]
    assert [one["number"] for one in ann["candidates"]] == [1, 2]
    assert all(one["pitch_hz"] > 0 for one in ann["candidates"])
    page = Path(said.json["page"]).read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"]{0,24})', page)
    assert all(source.startswith(("data:audio/wav;base64", "#p")) for source in sources)
    assert "default-src 'none'" in page
    assert "http" not in re.sub(r'src="data:[^"]*"', "", page).replace("http-equiv", "")
    assert 'name="viewport"' in page


def test_costs_are_told_before_and_after(narrate: Narrate, book: Path) -> None:
    said = narrate("audition", book, "--character", "Ben", "--candidates", "2", "--no-line")
    assert "$0.4000 for 2 new voices and 0 lines" in said.out
    assert "Made 2 voices for $0.4000." in said.out
    assert said.out.rstrip().endswith("audition.html")
    again = narrate("audition", book, "--character", "Ben", "--candidates", "2", "--no-line")
    assert "Made 0 voices for $0.00." in again.out


def test_the_second_book_of_a_series_makes_no_voice(
    narrate: Narrate, book: Path, tmp_path: Path, paid: Path, shop: Vendor
) -> None:
    for name in ("Narrator", "Ann", "Ben"):
        narrate("audition", book, "--character", name, "--candidates", "2", "--no-line")
        assert narrate("voices", "choose", name, 2, "--book", book).code == 0
    # Another cast sheet: the second book describes Ann in other words, and has another preview for Ben.
    cast = CAST.replace("A young woman, high pitch", "A girl, shrill pitch").replace("Then take it off", "Leave it on")
    second = small_book(tmp_path / "two", book=SERIES.format(profile=paid), cast=cast)
    before = shop.bill()["voices_created"]
    plan = narrate("plan", second, "--json").json
    assert plan["voices_to_create"] == 0
    assert {one["character"] for one in plan["voice_list"] if one["described_otherwise"]} == {"Ann", "Ben"}
    assert all(one["locked"] for one in plan["voice_list"])
    assert "Locked, and described otherwise now: Ann, Ben." in narrate("plan", second).out
    _render(narrate, second)
    assert shop.bill()["voices_created"] == before
    other = small_book(tmp_path / "three", book=BOOK.format(profile=paid), cast=cast)
    assert narrate("plan", other, "--json").json["voices_to_create"] == 2, "of no series: its sheet alone decides"


def test_a_voice_is_shown_played_locked_and_unlocked(narrate: Narrate, book: Path, tmp_path: Path) -> None:
    assert narrate("voices", "lock", "Ann", "--book", book).code == 2
    narrate("audition", book, "--character", "Ann", "--candidates", "2", "--no-line")
    locked = narrate("voices", "lock", "ANN", "--book", book)
    assert locked.out.splitlines()[0] == "Ann is locked."
    shown = narrate("voices", "show", "Ann", "--book", book, "--json").json["voices"]
    assert [one["number"] for one in shown] == [1, 2]
    assert [one["locked"] for one in shown] == [True, False]
    file = tmp_path / "ann.wav"
    assert narrate("voices", "play", "Ann", 2, "--to", file, "--book", book).code == 0
    assert file.read_bytes()[:4] == b"RIFF"
    assert narrate("voices", "play", "Ann", 3, "--to", file, "--book", book).code == 2
    assert "is unlocked" in narrate("voices", "unlock", "Ann", "--book", book).out
    assert narrate("voices", "choose", "Nobody", 1, "--book", book).code == 2


def test_the_others_are_deleted_when_told(narrate: Narrate, book: Path, shop: Vendor) -> None:
    narrate("audition", book, "--character", "Ben", "--candidates", "3", "--no-line")
    before = shop.bill()["voices_kept"]
    said = narrate("voices", "choose", "Ben", 1, "--release", "--book", book)
    assert "Deleted 2 other candidates." in said.out
    assert shop.bill()["voices_kept"] == before - 2
    state = narrate("voices", "list", "--remote", "--profile", _profile(book), "--json").json
    assert state["vanished"] == []


def test_a_voice_that_another_store_made_is_adopted(narrate: Narrate, book: Path, tmp_path: Path) -> None:
    profile, elsewhere = _profile(book), tmp_path / "elsewhere"
    narrate("audition", book, "--character", "Ann", "--candidates", "1", "--no-line", "--store", elsewhere)
    made = narrate("voices", "list", "--store", elsewhere, "--json").json["voices"][0]["voice"]
    strangers = narrate("voices", "list", "--remote", "--profile", profile, "--json").json["not_in_the_bible"]
    assert made in strangers
    assert narrate("voices", "adopt", "Ann", made, "--book", book).out.splitlines()[-1] == made
    plan = narrate("plan", book, "--json").json
    assert next(one for one in plan["voice_list"] if one["character"] == "Ann")["voice"] == made
    assert narrate("voices", "adopt", "Ann", "no-such-voice", "--book", book).code == 2
    refused = narrate("voices", "delete", made, "--profile", profile)
    assert refused.code == 2
    assert "is locked" in refused.err


def test_housekeeping_has_a_table_and_an_exit_code(narrate: Narrate, book: Path) -> None:
    narrate("audition", book, "--character", "Ann", "--candidates", "1", "--no-line")
    said = narrate("housekeeping", "--profile", _profile(book), "--json")
    assert said.json["vanished"] == []
    assert said.json["cost_usd"] == 0
    assert said.code == (3 if said.json["warnings"] else 0)
    assert narrate("voices", "prune", "--profile", _profile(book)).out == "Nothing could go.\n"


def test_the_voices_of_a_rendered_book_are_checked(narrate: Narrate, book: Path) -> None:
    _render(narrate, book)
    said = narrate("voices", "check", "--book", book, "--json")
    assert said.json["takes"] == 14
    assert len(said.json["pairs"]) == 3
    assert said.code == (3 if said.json["findings"] else 0)


def test_a_cast_moves_to_another_model_with_its_kept_words(
    narrate: Narrate, book: Path, tmp_path: Path, shop: Vendor
) -> None:
    _render(narrate, book)
    text = Path(_profile(book)).read_text()
    other = tmp_path / "other.toml"
    other.write_text(
        text.replace("qwen3-tts-vd-2026-01-26", "qwen3-tts-vd-realtime-2026-01-15").replace('"qwen"', '"qwen-realtime"')
    )
    before = shop.bill()["voices_created"]
    said = narrate("voices", "migrate", "--to", other, "--book", book, "--candidates", "1", "--character", "Ann")
    assert said.code == 0, said.err
    assert re.search(r"Ann: \d chunks? spoken in the old voice; \d chunks?, \d+ characters billed, \$", said.out)
    assert shop.bill()["voices_created"] == before + 1
    assert narrate("voices", "choose", "Ann", 1, "--book", book, "--profile", other).code == 0
    assert narrate("plan", book, "--json").json["chunks_to_speak"] == 0, "the old place is untouched"
    same = narrate("voices", "migrate", "--to", _profile(book), "--book", book)
    assert same.code == 2
    assert "nobody has a voice that could move" in same.err


def test_the_store_is_weighed_and_only_what_the_book_left_behind_is_pruned(
    narrate: Narrate, book: Path, shop: Vendor
) -> None:
    _render(narrate, book)
    assert narrate("store", "prune", book, "--older-than", 0).out == "Nothing could go.\n"
    (book / "kettle.md").write_text(MANUSCRIPT.replace("any sugar", "any milk"), encoding="utf-8")
    _render(narrate, book)
    assert narrate("store", "prune", book).out == "Nothing could go.\n", "it is young"
    told = narrate("store", "prune", book, "--older-than", 0, "--json").json
    assert (told["removed"], len(told["takes"])) == (False, 1)
    weighed = narrate("store", "du", "--json").json
    assert {"takes", "voices", "ledger"} <= {part["part"] for part in weighed["parts"]}
    assert narrate("store", "prune", book, "--older-than", 0, "--yes", "--json").json["removed"] is True
    assert narrate("store", "du", "--json").json["bytes"] < weighed["bytes"]
    before = shop.bill()["synthesized"]
    _render(narrate, book)
    assert shop.bill()["synthesized"] == before


def _render(narrate: Narrate, book: Path) -> None:
    said = narrate("render", book, "--yes", "--json")
    assert said.code == 0, said.err + said.out


def _profile(book: Path) -> str:
    found = re.search(r"profile: (.*)", (book / "book.yaml").read_text())
    assert found
    return found[1]
