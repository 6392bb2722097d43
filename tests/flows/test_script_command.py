"""`narrate script`, `narrate chapters`, and what `plan` says of both."""

from __future__ import annotations

from pathlib import Path

from tests.flows.conftest import Narrate
from tests.flows.stage import BOOK, small_book


def test_scripts_are_written_and_a_second_run_leaves_them_alone(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    first = narrate("script", folder)
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines()[-1] == str(folder / "script")
    files = {path.name: path.read_bytes() for path in (folder / "script").iterdir()}
    assert sorted(files) == ["01.txt", "02.txt"]
    again = narrate("script", folder, "--json")
    assert [one["state"] for one in again.json["chapters"]] == ["unchanged", "unchanged"]
    assert {path.name: path.read_bytes() for path in (folder / "script").iterdir()} == files
    assert again.json["set_aside"] == []


def test_check_writes_nothing_and_tells_the_difference(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    assert narrate("script", folder, "--check").out.startswith("0 scripts")
    assert not (folder / "script").exists()
    narrate("script", folder)
    assert narrate("script", folder, "--check").code == 0
    file = folder / "script" / "02.txt"
    file.write_text(file.read_text(encoding="utf-8").replace("any sugar", "any honey"), encoding="utf-8")
    for command in (("script", folder, "--check"), ("plan", folder), ("render", folder)):
        said = narrate(*command)
        assert said.code == 2
        assert "script/02.txt, line 5: the words are not those of the manuscript" in said.err
        assert "-Tea “Is there any sugar?”" in said.err
        assert "+Tea “Is there any honey?”" in said.err
        assert "change the manuscript" in said.err
        assert said.on_one_screen()


def test_an_unknown_name_is_told_with_its_line_and_the_nearest(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    narrate("script", folder)
    file = folder / "script" / "01.txt"
    file.write_text(file.read_text(encoding="utf-8").replace("Ann: ", "Anne: "), encoding="utf-8")
    said = narrate("plan", folder)
    assert said.code == 2
    assert "script/01.txt, line 9: nobody in the cast is called 'Anne'" in said.err
    assert "Did you mean `Ann`?" in said.err


def test_a_plan_counts_what_the_script_leaves_out_and_what_is_not_carried(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book", book=BOOK.format(profile="sandbox") + "chunks: {tags: drop}\n")
    narrate("script", folder)
    file = folder / "script" / "01.txt"
    text = (
        file.read_text(encoding="utf-8").replace("Ann: ", "Ann (softly): ").replace("Nobody spoke.", "~ Nobody spoke.")
    )
    file.write_text(text, encoding="utf-8")
    facts = narrate("plan", folder, "--json").json
    assert (facts["lines_skipped"], facts["tags_dropped"], facts["directions_not_carried"]) == (1, 4, 1)
    said = narrate("plan", folder)
    assert "1 line skipped by the script" in said.out
    assert "4 tags dropped" in said.out
    assert "1 direction is not carried by this service" in said.out


def test_policies_are_compared_in_requests_money_and_time(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    facts = narrate("plan", folder, "--policies", "--json").json["policies"]
    by_name = {fact["policy"]: fact for fact in facts}
    present, dropped = by_name["as it is"], by_name["tags: drop, join_short: false"]
    assert dropped["tags_dropped"] == 4
    assert dropped["requests"] == present["requests"] - 3, "one of the four tags is said twice"
    assert dropped["cost_usd"] < present["cost_usd"]
    assert narrate("plan", folder, "--policies").on_one_screen()


def test_chapters_are_listed_with_their_lengths(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    facts = narrate("chapters", folder, "--json").json["chapters"]
    assert [(fact["number"], fact["title"], fact["lines"]) for fact in facts] == [(1, "Steam", None), (2, "Tea", None)]
    assert all(fact["words"] and fact["characters"] for fact in facts)
    lines = [one["lines"] for one in narrate("script", folder, "--json").json["chapters"]]
    assert [fact["lines"] for fact in narrate("chapters", folder, "--json").json["chapters"]] == lines
    said = narrate("chapters", folder, "--chapters", "2")
    assert said.code == 0
    assert "1 of 2 chapters" in said.out
    assert "Steam" not in said.out
