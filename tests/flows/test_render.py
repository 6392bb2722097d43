"""`render` from the folder to the files: nothing twice, nothing to the wrong server, the voice of yesterday."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import CAST, KEY, MANUSCRIPT, ROOT, recorder, small_book
from tests.prove.harness import Vendor

pytestmark = pytest.mark.slow


def _sandbox_calls() -> list[tuple[Any, ...]]:
    """Every request that the sandbox of this home was sent."""
    file = Path(os.environ["NARRATION_HOME"]) / "sandbox" / "sandbox.sqlite3"
    with sqlite3.connect(file) as state:
        return state.execute("SELECT action, voice, characters FROM calls ORDER BY id").fetchall()


def test_a_render_makes_the_audiobook_and_a_second_one_asks_for_nothing(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    first = narrate("render", folder)
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines()[-1] == str(folder / "out")
    files = {path.name: path.read_bytes() for path in (folder / "out").glob("*.mp3")}
    assert sorted(files) == ["01 - Steam.mp3", "02 - Tea.mp3"]
    calls = _sandbox_calls()

    second = narrate("render", folder, "--json")
    assert second.code == 0
    assert (second.json["chunks_spoken"], second.json["voices_created"], second.json["cost_usd"]) == (0, 0, 0)
    assert _sandbox_calls() == calls
    assert {path.name: path.read_bytes() for path in (folder / "out").glob("*.mp3")} == files

    (folder / "kettle.md").write_text(MANUSCRIPT.replace("any sugar", "any honey"), encoding="utf-8")
    assert narrate("plan", folder, "--json").json["chunks_to_speak"] == 1
    third = narrate("render", folder, "--json")
    assert (third.json["chunks_spoken"], third.json["voices_created"]) == (1, 0)
    spoken = [call for call in _sandbox_calls()[len(calls) :] if call[0] == "synthesize"]
    yesterdays = {voice for action, voice, characters in calls if action == "synthesize" and characters}
    assert len(spoken) == 1
    assert spoken[0][1] in yesterdays
    assert (folder / "out" / "01 - Steam.mp3").read_bytes() == files["01 - Steam.mp3"]
    assert (folder / "out" / "02 - Tea.mp3").read_bytes() != files["02 - Tea.mp3"]


@pytest.mark.parametrize("damage", ["torn", "gone"])
def test_a_take_that_is_damaged_in_the_store_is_set_aside_and_spoken_again(
    narrate: Narrate, rendered: Path, damage: str
) -> None:
    folder = rendered
    files = {path.name: path.read_bytes() for path in (folder / "out").glob("*.mp3")}
    calls = len(_sandbox_calls())
    store = Path(os.environ["NARRATION_HOME"]) / "store"
    victims = sorted((store / "takes").rglob("*.wav"))[:2]
    for victim in victims:
        victim.write_bytes(victim.read_bytes()[:-1_000]) if damage == "torn" else victim.unlink()
    assert narrate("render", folder, "--json").json["chunks_spoken"] == 0  # what is delivered stays, and needs no take
    for path in (folder / "out").glob("*.mp3"):
        path.unlink()

    again = narrate("render", folder, "--json")
    assert (again.code, again.json["chunks_spoken"]) == (0, 2), again.err
    assert len(_sandbox_calls()) == calls + 2
    assert {path.name: path.read_bytes() for path in (folder / "out").glob("*.mp3")} == files
    aside = {path.parent.name for path in (store / "damaged").rglob("take.json")}
    assert aside == {victim.parent.name for victim in victims}
    assert narrate("render", folder, "--json").json["chunks_spoken"] == 0


def test_the_sandbox_profile_ignores_the_vendors_variables(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recorder() as elsewhere:
        monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
        monkeypatch.setenv("DASHSCOPE_BASE_URL", elsewhere.base_url)
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", elsewhere.base_url)
        monkeypatch.setenv("DASHSCOPE_WEBSOCKET_BASE_URL", elsewhere.root.replace("http", "ws") + "/api-ws/v1")
        monkeypatch.setenv("DASHSCOPE_WORKSPACE", "llm-workspace")
        monkeypatch.setenv("HTTP_PROXY", elsewhere.root)
        monkeypatch.setenv("ALL_PROXY", elsewhere.root)
        assert narrate("render", small_book(tmp_path / "book")).code == 0
        assert elsewhere.seen == []
    assert narrate("usage", "--by", "region", "--json").json["by"].keys() == {"sandbox"}


def test_another_server_gets_the_key_with_its_calls_and_never_with_a_download(
    narrate: Narrate, shop: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shop.bill()
    with recorder(behind=shop.root) as server:
        monkeypatch.setenv("DASHSCOPE_BASE_URL", server.base_url)
        monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
        folder = small_book(tmp_path / "book", cast=CAST.replace("name: Ben", "name: Bert"))
        said = narrate("render", folder, "--profile", "international", "--chapters", "2", "--verbose")
        assert said.code == 0, said.err
        calls = [seen for seen in server.seen if seen.path.startswith("/api/v1/")]
        downloads = [seen for seen in server.seen if not seen.path.startswith("/api/v1/")]
    assert {seen.headers["authorization"] for seen in calls} == {f"Bearer {KEY}"}
    assert len(downloads) >= 4
    assert not [seen for seen in downloads if "authorization" in seen.headers or KEY in seen.path]
    after = shop.bill()
    usage = narrate("usage", "--json").json
    assert usage["characters_billed"] == after["characters"] - before["characters"]
    assert after["downloads_with_key"] == 0
    assert KEY not in said.out + said.err
    home = Path(os.environ["NARRATION_HOME"])
    assert not [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_cast_sheet_from_a_spreadsheet_is_read(narrate: Narrate, paid: Path, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book", book=_book("cast.csv"))
    rows = (
        "name;role;gender;aliases;voice;preview",
        "Narrator;narrator;female;;A calm middle-aged woman, low pitch, for narration.;The lamp was out.",
        'Ann;;female;Annie, Miss Ann;"A young woman; high pitch, bright.";It wants to be taken off.',
        "Ben;;male;;An elderly man, low pitch, hoarse.;Then take it off.",
    )
    (folder / "cast.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(rows).encode() + b"\r\n")
    said = narrate("render", folder, "--profile", paid, "--json")
    assert said.code == 0, said.err
    assert said.json["voices_created"] == 3


def test_the_chinese_demo_renders_and_passes_the_check(narrate: Narrate, tmp_path: Path) -> None:
    said = narrate("render", ROOT / "data" / "demo-zh", "--out", tmp_path / "out", "--json")
    assert said.code == 0, said.err
    assert said.json["audio_s"] > 60
    assert len(list((tmp_path / "out").glob("*.mp3"))) == len(said.json["chapters"])
    checked = narrate("check", tmp_path / "out", "--preset", "acx", "--json")
    assert (checked.code, checked.json["findings"]) == (0, [])


def test_quiet_prints_the_folder_only_and_verbose_each_step_without_the_text(
    narrate: Narrate, paid: Path, tmp_path: Path
) -> None:
    folder = small_book(tmp_path / "book")
    log = tmp_path / "logs" / "render.log"
    said = narrate("--verbose", "render", folder, "--profile", paid, "--log-file", log)
    assert said.code == 0
    assert "voice of Ann created" in said.err
    assert "chapter 1, Steam" in said.err
    written = log.read_text(encoding="utf-8")
    assert "voice of Ann created" in written
    assert not [words for words in ("hob since six", "any sugar", KEY) if words in said.err + written]
    quiet = narrate("render", folder, "--profile", paid, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, f"{folder / 'out'}\n", "")


def _book(cast: str) -> str:
    return f"title: The Kettle\nauthor: Nobody\nlanguage: en\nmanuscript: kettle.md\ncast: {cast}\n"
