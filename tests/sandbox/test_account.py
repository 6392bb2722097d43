"""The key that renders use: one for each state folder."""

from pathlib import Path
from random import Random

from narration.sandbox.app import Service
from narration.sandbox.engine.tone import ToneEngine
from narration.sandbox.faults import read_switches
from narration.sandbox.launch import account_key


def test_a_state_folder_keeps_its_key(tmp_path: Path) -> None:
    key = account_key(tmp_path / "new")
    assert key.startswith("sk-")
    assert account_key(tmp_path / "new") == key
    assert account_key(tmp_path / "other") != key


def test_a_reset_state_is_another_account(tmp_path: Path) -> None:
    key = account_key(tmp_path)
    service = Service(tmp_path, ToneEngine(), read_switches({}), rng=Random(1))  # noqa: S311 — chance of faults
    service.reset()
    service.close()
    assert account_key(tmp_path) != key
