"""`narrate hear` against a vendor of its own: what is heard, paid, listed, and never heard again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import BOOK, CAST, KEY, small_book
from tests.prove.harness import Vendor

MANUSCRIPT = """\
# The Gate

The gate was shut. Nobody had opened it for a whole year. The wind came in.

“Who is there? I do not believe it. Go away,” said Ann.
"""

pytestmark = pytest.mark.slow


def book(folder: Path, profile: Path | str, check: str = "") -> Path:
    return small_book(folder, manuscript=MANUSCRIPT, cast=CAST, book=BOOK.format(profile=profile) + check)


@pytest.fixture
def whole(shop: Vendor, paid: Path) -> Path:
    """The profile of a vendor that damages nothing yet."""
    shop.switch(damage_words=(), damage_word_kinds=(), rate_500=0, fault_actions=("synthesize", "transcribe"))
    return paid


def test_what_is_spoken_is_heard_once_and_what_is_missing_is_named_with_its_time(
    narrate: Narrate, shop: Vendor, whole: Path, tmp_path: Path
) -> None:
    folder, before = book(tmp_path / "book", whole, "check: {retakes: 0}\n"), shop.bill()
    shop.switch(damage_words=("Nobody",), damage_word_kinds=("dropped",))
    narrate("render", folder, "--yes")
    said = narrate("hear", folder, "--recogniser", "dashscope", "--yes")
    assert said.code == 3, said
    assert "for qwen3-asr-flash: 4 to hear" in said.out
    assert "take-016" in said.out
    assert "in the chapter" in " ".join(said.out.split())
    assert f"narrate retake {folder} 1:2" in " ".join((said.out + said.err).split())
    assert shop.bill()["transcribed"] - before["transcribed"] == 4
    again = narrate("hear", folder, "--recogniser", "dashscope", "--json")
    assert (again.code, again.json["takes_heard_now"], again.json["cost_usd"]) == (3, 0, 0)
    (finding,) = again.json["findings"]
    assert (finding["code"], finding["chapter"], finding["line"]) == ("take-016", 1, 1)
    assert "Nobody had opened it for a whole year" in finding["message"]
    usage = narrate("usage", "--json").json
    assert usage["cost_usd"] > 0


def test_a_render_hears_what_it_speaks_and_speaks_again_what_lacks_words(
    narrate: Narrate, shop: Vendor, whole: Path, tmp_path: Path
) -> None:
    recogniser = "check: {recogniser: dashscope, retakes: 2, least_share: 0.05, pace_sigmas: 100}\n"
    folder, before = book(tmp_path / "book", whole, recogniser), shop.bill()
    text = MANUSCRIPT.replace("gate", "harbour")  # other words than those that another test had spoken and settled
    (folder / "kettle.md").write_text(text, encoding="utf-8")
    plan = narrate("plan", folder)
    assert "heard by qwen3-asr-flash: about $" in plan.out
    shop.switch(damage_words=("Nobody",), damage_word_kinds=("dropped",))
    said = narrate("render", folder, "--yes", "--json")
    assert said.code == 3
    report = json.loads((folder / "out" / "report.json").read_text())
    assert report["retakes"] > 0
    assert report["takes_heard"] == shop.bill()["transcribed"] - before["transcribed"] >= 4
    codes = {finding["code"] for chapter in report["chapters"] for finding in chapter["findings"]}
    assert "take-016" in codes
    by = [line[2] for chapter in report["chapters"] for line in chapter["coverage"]["lines"]]
    assert by == ["text, sound and voice, word by word"] * len(by)


def test_money_that_ends_is_exit_4_and_a_recogniser_that_is_away_is_named_in_the_render(
    narrate: Narrate, shop: Vendor, whole: Path, tmp_path: Path
) -> None:
    folder = book(tmp_path / "book", whole)
    narrate("render", folder, "--yes")
    said = narrate("hear", folder, "--recogniser", "dashscope", "--yes", "--budget", "0.00001")
    assert said.code == 4
    assert "0 takes heard now" in said.out
    (folder / "book.yaml").write_text((folder / "book.yaml").read_text() + "check: {recogniser: dashscope}\n")
    shop.switch(retired={"qwen3-asr-flash": 404})
    try:
        away = narrate("render", folder, "--yes", "--json")
    finally:
        shop.switch(retired={})
    assert away.code == 3
    assert [finding["code"] for finding in away.json["findings"]] == ["words-001"]
    assert "4 of 4 takes were not heard" in away.json["findings"][0]["message"]
    assert KEY not in json.dumps(away.json)


def test_what_cannot_be_heard_is_said_before_anything_is_spent(narrate: Narrate, whole: Path, tmp_path: Path) -> None:
    folder = book(tmp_path / "book", whole)
    nobody = narrate("hear", folder)
    assert (nobody.code, "no recogniser is chosen" in " ".join(nobody.err.split())) == (2, True)
    nowhere = narrate("hear", folder, "--recogniser", "openai")
    assert (nowhere.code, "has no address" in " ".join(nowhere.err.split())) == (2, True)
    german = (folder / "book.yaml").read_text().replace("language: en", "language: de")
    (folder / "book.yaml").write_text(german)
    offline = narrate("hear", folder, "--recogniser", "offline")
    assert (offline.code, "English only" in " ".join(offline.err.split())) == (2, True)
