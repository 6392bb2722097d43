"""Several services in one book: each character in the booth of its profile, all in the sandbox where told so."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from flows.booths import seating_of
from narration.production import load
from narration.settings.settings import load_settings
from tests.flows.conftest import Narrate
from tests.flows.stage import small_book

pytestmark = pytest.mark.slow

ELSEWHERE = {"Ann": "china-cosyvoice", "Ben": "international-realtime"}

CAST = """\
characters:
  - name: Narrator
    role: narrator
    voice: A calm middle-aged woman, low pitch, steady pace, for audiobook narration.
    preview: The lamp was out, but nobody in the house had slept.
  - name: Ann
    profile: china-cosyvoice
    speed: 1.2
    seed: 7
    voice: A young woman, high pitch, fast pace, bright and clear.
    preview: It wants to be taken off, you know.
  - name: Ben
    profile: international-realtime
    pitch: 0.9
    voice: An elderly man, low pitch, slow pace, hoarse.
    preview: Then take it off, will you.
"""


def _calls() -> list[tuple[Any, ...]]:
    """Model and price-bearing facts of every answered synthesis of this home's sandbox."""
    file = Path(os.environ["NARRATION_HOME"]) / "sandbox" / "sandbox.sqlite3"
    with sqlite3.connect(file) as state:
        return state.execute("SELECT model, voice FROM calls WHERE action = 'synthesize' AND billed").fetchall()


@pytest.mark.parametrize("profile", ["sandbox", "sandbox-realtime", "sandbox-cosyvoice", "sandbox-gateway"])
def test_a_book_goes_through_any_one_service(narrate: Narrate, tmp_path: Path, profile: str) -> None:
    folder = small_book(tmp_path / "book", profile=profile)
    first = narrate("render", folder, "--json")
    assert (first.code, first.err) == (0, "")
    assert first.json["voices_created"] == 3
    spoken = len(_calls())
    again = narrate("render", folder, "--json")
    assert (again.json["chunks_spoken"], again.json["voices_created"], again.json["cost_usd"]) == (0, 0, 0)
    assert len(_calls()) == spoken == first.json["chunks_spoken"]


def test_each_character_speaks_in_its_own_booth_and_a_sandbox_takes_them_all(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book", cast=CAST)
    plan = narrate("plan", folder, "--json").json
    assert {booth["profile"]: booth["service"] for booth in plan["booths"]} == {
        "sandbox": "qwen",
        "china-cosyvoice": "cosyvoice",
        "international-realtime": "qwen-realtime",
    }
    first = narrate("render", folder, "--json")
    assert (first.code, first.err) == (0, "")
    models = {model for model, _ in _calls()}
    assert models == {"qwen3-tts-vd-2026-01-26", "cosyvoice-v3.5-flash", "qwen3-tts-vd-realtime-2026-01-15"}
    again = narrate("render", folder, "--json")
    assert (again.json["chunks_spoken"], again.json["voices_created"]) == (0, 0)
    slower = CAST.replace("speed: 1.2", "speed: 0.9")
    (folder / "cast.yaml").write_text(slower, encoding="utf-8")
    third = narrate("render", folder, "--json").json
    assert third["voices_created"] == 0
    assert third["chunks_spoken"] == 2, "Ann's two lines, and nobody else's"


def test_an_option_that_a_service_does_not_have_is_refused_before_anything_is_asked(
    narrate: Narrate, tmp_path: Path
) -> None:
    cast = CAST.replace("seed: 7", "instructions: whisper").replace("pitch: 0.9", "seed: 3")
    cast = cast.replace("role: narrator", "role: narrator\n    volume: 80")
    said = narrate("plan", small_book(tmp_path / "book", cast=cast))
    assert said.code == 2
    assert "qwen3-tts-vd-2026-01-26 has no option `volume`" in said.err
    assert "qwen3-tts-vd-realtime-2026-01-15 has no option `seed`" in said.err
    assert "instructions" not in said.err, "cosyvoice-v3.5-flash takes them"


def test_a_paid_booth_beside_the_sandbox_needs_its_own_key(narrate: Narrate, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book", cast=CAST, profile="international")
    said = narrate("render", folder)
    assert said.code == 2
    assert "DASHSCOPE_API_KEY" in said.err


def test_a_profile_sounds_in_the_sandbox_as_its_own_sandbox_profile_does(tmp_path: Path) -> None:
    """So that what was proofed with `sandbox-cosyvoice` is there when the cast names `china-cosyvoice`."""
    production, cast = load(small_book(tmp_path / "book", cast=CAST.replace("china-cosyvoice", "gateway")))
    seating = seating_of(production, cast, {}, profile=None, needs_key=False)
    for name, alone in (("gateway", "sandbox-gateway"), ("international-realtime", "sandbox-realtime")):
        mapped = seating.booths[name].settings.service
        own = load_settings(alone, environ={}).service
        assert dataclasses.replace(mapped, profile=alone, key_variable=own.key_variable) == own
        assert seating.booths[name].account == seating.booths["sandbox"].account
