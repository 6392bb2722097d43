"""`render` through the gateway's profile, from the command line to the files, with the vendor's state read back."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import ROOT, small_book

pytestmark = pytest.mark.slow


def _vendor() -> sqlite3.Connection:
    return sqlite3.connect(Path(os.environ["NARRATION_HOME"]) / "sandbox" / "sandbox.sqlite3")


def test_the_demo_renders_whole_through_the_gateway_and_its_ledger_is_the_bill(
    narrate: Narrate, tmp_path: Path
) -> None:
    said = narrate("render", ROOT / "data" / "demo", "--profile", "sandbox-gateway", "--out", tmp_path, "--json")
    assert said.code == 0, said.err
    assert len(list(tmp_path.glob("*.mp3"))) == len(said.json["chapters"]) == 3
    with _vendor() as state:
        ((credits_billed, tasks),) = state.execute("SELECT SUM(credits), COUNT(*) FROM tasks WHERE NOT failed")
        ((characters,),) = state.execute("SELECT SUM(characters) FROM calls WHERE billed")
    usage = narrate("usage", "--json").json
    assert usage["cost_usd"] == pytest.approx(credits_billed * 0.025, abs=1e-6)
    assert usage["characters_billed"] == characters
    assert tasks == sum(said.json[bought] for bought in ("chunks_spoken", "retakes", "voices_created"))
    again = narrate("render", ROOT / "data" / "demo", "--profile", "sandbox-gateway", "--out", tmp_path, "--json")
    assert (again.json["chunks_spoken"], again.json["voices_created"]) == (0, 0)


def test_the_doctor_asks_the_gateway_for_its_credits(narrate: Narrate) -> None:
    said = narrate("doctor", "--profile", "sandbox-gateway")
    assert said.code == 0, said.err
    assert "takes the key; it does not tell its voices" in said.out.replace("\n", " ")


def test_a_key_of_the_gateways_own_is_asked_for(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-the-vendors")
    monkeypatch.delenv("EVOLINK_API_KEY", raising=False)
    said = narrate("render", small_book(tmp_path / "book"), "--profile", "gateway")
    assert said.code == 2
    assert "EVOLINK_API_KEY" in said.err


def test_a_callback_on_this_machine_is_refused_before_anything_is_sent(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVOLINK_API_KEY", "sk-evo-12345678")
    profile = tmp_path / "mine.toml"
    text = (ROOT / "configs" / "gateway.toml").read_text(encoding="utf-8")
    profile.write_text(f'{text}callback_url = "https://127.0.0.1/done"\n', encoding="utf-8")
    said = narrate("render", small_book(tmp_path / "book"), "--profile", profile, "--yes")
    assert said.code == 2
    assert "callback" in said.err
    assert "Nothing was sent" in said.err


def test_realtime_voices_are_refused_before_anything_is_paid(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVOLINK_API_KEY", "sk-evo-12345678")
    profile = tmp_path / "mine.toml"
    text = (ROOT / "configs" / "gateway.toml").read_text(encoding="utf-8")
    profile.write_text(text.replace('"qwen3-tts-vd"', '"qwen3-tts-vd-realtime-2026-01-15"'), encoding="utf-8")
    said = narrate("render", small_book(tmp_path / "book"), "--profile", profile, "--yes")
    assert said.code == 2
    assert "cannot speak" in said.err
