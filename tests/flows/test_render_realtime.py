"""The demo through realtime sessions: a whole book over sockets, and a ledger that is the sandbox's bill."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import ROOT

pytestmark = pytest.mark.slow

MODEL = "qwen3-tts-vd-realtime-2026-01-15"


def test_the_demo_renders_over_sockets_and_its_ledger_is_the_sandboxs_bill(narrate: Narrate, tmp_path: Path) -> None:
    done = narrate("render", ROOT / "data" / "demo", "--profile", "sandbox-realtime", "--out", tmp_path, "--json")
    assert (done.code, done.err) == (0, "")
    assert len(list(tmp_path.glob("*.mp3"))) == 3
    with closing(sqlite3.connect(Path(os.environ["NARRATION_HOME"]) / "sandbox" / "sandbox.sqlite3")) as state:
        [(models, texts, characters)] = state.execute(
            "SELECT MIN(model) || MAX(model), COUNT(*), SUM(characters) FROM calls WHERE billed AND characters"
        )
        [(voices,)] = state.execute("SELECT COUNT(*) FROM voices WHERE target_model = ?", (MODEL,))
        [(downloads,)] = state.execute("SELECT COUNT(*) FROM tallies")
    used = narrate("usage", "--json").json
    assert (models, voices, downloads) == (MODEL * 2, 6, 0)
    assert (used["synthesized"], used["characters_billed"], used["voices_created"]) == (texts, characters, voices)
    assert used["characters_in_doubt"] == 0
    again = narrate("render", ROOT / "data" / "demo", "--profile", "sandbox-realtime", "--out", tmp_path, "--json")
    assert (again.code, again.json["chunks_spoken"], again.json["voices_created"]) == (0, 0, 0)
