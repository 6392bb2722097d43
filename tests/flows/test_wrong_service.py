"""What a service refuses, and when it is away: exit code, one screen, no voice on the bill, nothing half written."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import KEY, MANUSCRIPT, Said, small_book
from tests.prove.harness import Vendor

pytestmark = pytest.mark.slow


@pytest.fixture
def untouched(shop: Vendor) -> Iterator[None]:
    """The vendor bills nothing during the test."""
    before = shop.bill()
    yield
    after = shop.bill()
    assert (after["voices_created"], after["synthesized"]) == (before["voices_created"], before["synthesized"])


def _refused(said: Said, folder: Path, code: int) -> None:
    assert said.code == code, said.err
    assert said.on_one_screen()
    assert said.err.count("error:") == 1
    assert not (folder / "out").exists()


@pytest.mark.usefixtures("untouched")
def test_a_wrong_key_is_refused_before_anything_is_made(
    narrate: Narrate, shop: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_BASE_URL", shop.base_url)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "not-the-key")
    folder = small_book(tmp_path / "book")
    said = narrate("render", folder, "--profile", "international")
    _refused(said, folder, 5)
    assert "does not accept the key" in said.err
    assert "DASHSCOPE_API_KEY" in said.err
    assert "not-the-key" not in said.out + said.err


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("model", "code"), [("qwen3-tts-vd-2020-01-01", 2), ("qwen3-tts-flash", 2), ("qwen3-tts-instruct-flash", 2)]
)
def test_a_model_that_does_not_match_is_refused(
    narrate: Narrate, paid: Path, tmp_path: Path, model: str, code: int
) -> None:
    text = paid.read_text(encoding="utf-8").replace("qwen3-tts-vd-2026-01-26", model)
    profile = tmp_path / "other.toml"
    profile.write_text(text, encoding="utf-8")
    folder = small_book(tmp_path / "book")
    said = narrate("render", folder, "--profile", profile)
    assert said.code == code, said.err
    assert model in said.err
    assert said.on_one_screen()
    assert not (folder / "out").exists()


def test_a_retired_model_is_refused_with_its_name(narrate: Narrate, shop: Vendor, paid: Path, tmp_path: Path) -> None:
    shop.switch(retired="qwen-voice-design=404")
    try:
        folder = small_book(tmp_path / "book")
        said = narrate("render", folder, "--profile", paid)
    finally:
        shop.switch(retired="none")
    _refused(said, folder, 5)
    assert "qwen-voice-design" in said.err


def test_a_service_that_is_away_is_exit_code_6(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    profile, folder = tmp_path / "away.toml", small_book(tmp_path / "book")
    with socket.socket() as silent:  # who has a port and does not listen: nobody else gets it
        silent.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/api/v1"
        profile.write_text(f'[service]\nbase_url = "{address}"\nregion = "ap-southeast-1"\n[limits]\nattempts = 1\n')
        _refused(narrate("render", folder, "--profile", profile), folder, 6)


def test_a_budget_that_is_reached_is_exit_code_4_and_the_rest_comes_later(
    narrate: Narrate, paid: Path, tmp_path: Path
) -> None:
    folder = small_book(tmp_path / "book")
    said = narrate("render", folder, "--profile", paid, "--budget", "0.45")
    assert said.code == 4, said.err
    assert "0.4500 USD (--budget, this run)" in said.err
    assert said.on_one_screen()
    assert narrate("usage", "--json").json["cost_usd"] <= 0.45
    rest = narrate("render", folder, "--profile", paid)
    assert rest.code == 0, rest.err
    assert narrate("usage", "--json").json["voices_created"] == 3, "no voice was made twice"


def test_a_text_that_the_service_refuses_is_a_finding_and_exit_code_3(
    narrate: Narrate, shop: Vendor, paid: Path, tmp_path: Path
) -> None:
    folder = small_book(tmp_path / "book", manuscript=MANUSCRIPT.replace("Is there any sugar", "Is there any arsenic"))
    shop.switch(poison_words="arsenic")
    try:
        said = narrate("render", folder, "--profile", paid)
    finally:
        shop.switch(poison_words="none")
    assert said.code == 3, said.err
    assert "2:2 (Ben)" in said.err
    assert "arsenic" in said.err
    assert said.out.splitlines()[-1] == str(folder / "out")
