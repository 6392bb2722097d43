"""`plan` and `usage`: what programs read, and what a person sees in 80 columns and in a pipe."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import small_book
from tests.prove.harness import Vendor

PLAN_KEYS = {
    "chapters",
    "lines",
    "chunks_total",
    "chunks_to_speak",
    "chunks_reused",
    "characters_billed",
    "voices_to_create",
    "voices_reused",
    "cost_usd",
    "audio_s_estimate",
}
USAGE_KEYS = {"calls", "synthesized", "characters_billed", "voices_created", "cost_usd"}


def test_a_plan_is_one_json_object_without_key_or_network(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book", profile="international")
    said = narrate("plan", folder, "--json")
    assert (said.code, said.err) == (0, "")
    plan = said.json
    assert plan.keys() >= PLAN_KEYS
    assert plan["chapters"] == 2
    assert plan["voices_to_create"] == 3
    assert plan["chunks_reused"] == plan["voices_reused"] == 0
    # “Nobody spoke.” is said twice and bought once.
    assert plan["chunks_to_speak"] == plan["chunks_total"] - 1 - _repeats(plan)
    assert plan["cost_usd"] == pytest.approx(3 * 0.2 + plan["characters_billed"] * 0.115 / 10_000, abs=1e-12)


def _repeats(plan: dict[str, object]) -> int:
    """`said Ann.` stands twice as well."""
    assert plan["chunks_total"] == 14
    return 1


def test_a_plan_in_the_folder_needs_no_arguments(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small_book(tmp_path / "book"))
    said = narrate("plan")
    assert said.code == 0
    assert said.out.startswith("The Kettle by Nobody, sandbox\n")
    assert f"output  {tmp_path / 'book' / 'out'}\n" in said.out


def test_a_plan_writes_nothing_into_the_production(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    before = {path: path.read_bytes() for path in folder.rglob("*")}
    assert narrate("plan", folder).code == 0
    assert {path: path.read_bytes() for path in folder.rglob("*")} == before


def test_a_plan_says_what_it_cannot_attribute_and_who_is_silent(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book", manuscript="# Tea\n\n“Who is there?”\n\n“Ann,” said Ann.\n")
    said = narrate("plan", folder)
    assert "1 of 2 quotations without a speaker's name: the narrator reads it." in said.out
    assert "In the cast, and without a line here: Ben." in said.out


def test_a_plan_over_the_budget_says_so(narrate: Narrate, tmp_path: Path) -> None:
    said = narrate("plan", small_book(tmp_path / "book"), "--budget", "0.3")
    assert "more than the budget of $0.3000" in said.out


def test_usage_of_an_empty_store_is_zero_and_friendly(narrate: Narrate) -> None:
    assert narrate("usage", "--json").json["calls"] == 0
    assert "No call to a service yet" in narrate("usage").out
    assert narrate("voices", "list", "--json").json == {"voices": []}
    assert "No voice yet" in narrate("voices", "list").out


@pytest.mark.slow
def test_usage_is_what_the_vendor_counted(narrate: Narrate, shop: Vendor, paid: Path, tmp_path: Path) -> None:
    before = shop.bill()
    folder = small_book(tmp_path / "book")
    assert narrate("render", folder, "--profile", paid).code == 0
    after = shop.bill()
    usage = narrate("usage", "--json").json
    assert usage.keys() >= USAGE_KEYS
    assert usage["characters_billed"] == after["characters"] - before["characters"]
    assert usage["synthesized"] == after["synthesized"] - before["synthesized"]
    assert usage["voices_created"] == 3
    by_character = narrate("usage", "--by", "character", "--json").json["by"]
    assert sum(group["characters_billed"] for group in by_character.values()) == usage["characters_billed"]
    assert {"Ann", "Ben", "Narrator"} <= set(by_character)
    _the_files_say_the_same(narrate, usage)
    _voices_are_told_whole(narrate)


def _the_files_say_the_same(narrate: Narrate, usage: dict[str, object]) -> None:
    said = narrate("usage", "--path")
    table = pq.read_table(Path(said.out.strip().removeprefix("file://")))
    assert sum(table["characters"].to_pylist()) == usage["characters_billed"]
    assert sum(table["price_usd"].to_pylist()) == pytest.approx(usage["cost_usd"])


def _voices_are_told_whole(narrate: Narrate) -> None:
    listed = narrate("voices", "list", "--json").json["voices"]
    assert {voice["character"] for voice in listed} == {"Narrator", "Ann", "Ben"}
    lines = narrate("voices", "list").out.splitlines()
    assert all(f"  {voice['voice']}" in lines for voice in listed)
    assert all(Path(voice["preview"].removeprefix("file://")).is_file() for voice in listed)
    by_voice = narrate("usage", "--by", "voice").out
    assert all(voice["voice"] in by_voice for voice in listed)


def test_json_is_one_document_however_it_is_asked(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    for arguments in (("plan", folder), ("usage",), ("voices", "list")):
        for said in (narrate(*arguments, "--json"), narrate("--verbose", *arguments, "--json", "--quiet")):
            assert isinstance(json.loads(said.out), dict)
            assert said.err == ""
