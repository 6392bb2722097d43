"""Whole books through CosyVoice, over either wire: the bill, and kills while voices are reviewed or lines spoken."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import KEY, ROOT, small_book
from tests.prove.harness import DEMO, PATIENCE_S, Studio, Vendor, bought_twice, vendor

pytestmark = pytest.mark.slow

PROFILE = """\
[service]
kind = "cosyvoice"
base_url = "{base_url}"
region = "cn-beijing"
design_model = "voice-enrollment"
speech_model = "cosyvoice-v3.5-flash"
download_hosts = []
transport = "{transport}"

[limits]
per_minute = 0
per_second = 0.0
in_flight = {in_flight}
"""
IN_FLIGHT = 4


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Vendor]:
    """A vendor of the test's own, whose switches it may turn."""
    with vendor(tmp_path / "shop", latency_ms=30) as started:
        yield started


def profile_of(shop: Vendor, transport: str) -> Path:
    path = shop.folder / f"cosyvoice-{transport}.toml"
    path.write_text(PROFILE.format(base_url=shop.base_url, transport=transport, in_flight=IN_FLIGHT))
    return path


def studio_of(shop: Vendor, transport: str, name: str = "one") -> Studio:
    folder = shop.folder / name
    return Studio(home=folder / "home", out=folder / "out", profile=profile_of(shop, transport))


def asked(shop: Vendor, action: str) -> int:
    """How often the vendor was asked for something."""
    return int(shop.bill()["calls_by_action"].get(action, 0))


def kill_when(studio: Studio, come: Callable[[], bool], *arguments: str, book: Path = DEMO) -> None:
    """Render, and kill the whole process group once something has come; the vendor never lets it end before."""
    process = studio.start(*arguments, book=book)
    late = time.monotonic() + PATIENCE_S
    while not come() and process.poll() is None and time.monotonic() < late:
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def review_ends(shop: Vendor) -> None:
    """The vendor has looked at all voices that there are."""
    with closing(sqlite3.connect(shop.folder / "vendor" / "sandbox.sqlite3", timeout=PATIENCE_S)) as state, state:
        state.execute("UPDATE reviews SET over_s = 0")


def sandbox_bill() -> tuple[int, int, int]:
    """Syntheses, characters and voices on the bill of this home's sandbox."""
    file = Path(os.environ["NARRATION_HOME"]) / "sandbox" / "sandbox.sqlite3"
    with sqlite3.connect(file) as state:
        rows: dict[str, Any] = {
            action: (count, characters)
            for action, count, characters in state.execute(
                "SELECT action, COUNT(*), SUM(characters) FROM calls WHERE billed GROUP BY action"
            )
        }
    return (*rows["synthesize"], rows["create"][0])


@pytest.mark.parametrize("book", ["demo", "demo-zh"])
def test_a_demo_is_whole_through_the_sandbox_profile_and_the_ledger_is_the_bill(
    narrate: Narrate, tmp_path: Path, book: str
) -> None:
    said = narrate("render", ROOT / "data" / book, "--profile", "sandbox-cosyvoice", "--out", tmp_path, "--json")
    assert (said.code, said.err) == (0, "")
    assert len(list(tmp_path.glob("*.mp3"))) == len(said.json["chapters"])
    assert not [chapter for chapter in said.json["chapters"] if chapter["findings"] or not chapter["file"]]
    usage = narrate("usage", "--json").json
    assert (usage["synthesized"], usage["characters_billed"], usage["voices_created"]) == sandbox_bill()
    assert (usage["characters_in_doubt"], usage["cost_usd"]) == (0, pytest.approx(said.json["cost_usd"]))
    again = narrate("render", ROOT / "data" / book, "--profile", "sandbox-cosyvoice", "--out", tmp_path, "--json")
    assert (again.json["chunks_spoken"], again.json["voices_created"]) == (0, 0)


def test_both_wires_come_to_the_same_sound_and_the_same_bill(shop: Vendor) -> None:
    bills = []
    for transport in ("http", "websocket"):
        before = shop.bill()
        studio = studio_of(shop, transport, transport)
        book = small_book(shop.folder / "book", profile=str(profile_of(shop, transport)))
        code, summary, err = studio.render(book=book)
        assert code == 0, err
        after = shop.bill()
        usage = studio.usage()
        bills.append(
            (usage["synthesized"], usage["characters_billed"], usage["voices_created"], round(usage["cost_usd"], 9))
        )
        assert usage["characters_billed"] == after["characters"] - before["characters"]
        assert usage["voices_created"] == after["voices_created"] - before["voices_created"] == 3
        assert summary["chunks_spoken"] == usage["synthesized"]
        assert (after["downloads"] > before["downloads"]) == (transport == "http")
    assert bills[0] == bills[1]
    changed = dataclasses.replace(studio_of(shop, "http", "http"), profile=profile_of(shop, "websocket"))
    code, summary, err = changed.render(book=book)
    assert code == 0, err
    assert (summary["chunks_spoken"], summary["voices_created"]) == (0, 0), (
        "what is spoken is spoken, over whatever wire"
    )


@pytest.mark.parametrize("transport", ["http", "websocket"])
def test_a_render_killed_while_its_voices_are_reviewed_makes_none_of_them_twice(shop: Vendor, transport: str) -> None:
    book = small_book(shop.folder / "book", profile=str(profile_of(shop, transport)))
    studio = studio_of(shop, transport)
    shop.switch(deploying_s=86_400)
    for _ in range(2):
        looked = asked(shop, "query")
        kill_when(studio, lambda: asked(shop, "query") > looked, book=book)  # noqa: B023 — called within the round
    assert (shop.bill()["voices_created"], shop.bill()["synthesized"]) == (1, 0)
    review_ends(shop)
    shop.switch(deploying_s=1)
    code, _summary, err = studio.render(book=book)
    assert code == 0, err
    bill, usage = shop.bill(), studio.usage()
    assert (bill["voices_created"], usage["voices_created"]) == (3, 3)
    assert usage["characters_billed"] == bill["characters"]
    assert not studio.leftovers(), studio.leftovers()


@pytest.mark.proof
@pytest.mark.parametrize("transport", ["http", "websocket"])
def test_a_render_killed_while_it_speaks_pays_twice_only_what_is_in_doubt(shop: Vendor, transport: str) -> None:
    chance = random.Random(transport)  # noqa: S311 — moments, not secrets
    shop.switch(latency_ms=120, fault_actions=["synthesize"])
    for number in range(2):
        studio = studio_of(shop, transport, f"{transport}-{number}")
        before, rows = shop.bill(), len(shop.rows())
        # Of the answers some never come, so that each render is still at work whenever it is killed.
        shop.switch(hang_before=0.25, hang_after=0.25)
        for _ in range(2):
            come = asked(shop, "synthesize") + chance.randint(1, IN_FLIGHT)
            kill_when(studio, lambda: asked(shop, "synthesize") >= come, "--chapters", "1")  # noqa: B023
        shop.switch(hang_before=0, hang_after=0)
        code, _summary, err = studio.render("--chapters", "1")
        assert code == 0, err
        billed = shop.bill()["characters"] - before["characters"]
        usage = studio.usage()
        known, doubt = usage["characters_billed"], usage["characters_in_doubt"]
        assert known <= billed <= known + doubt
        assert (bought_twice(shop.rows()[rows:]) == 0) or doubt
        assert not studio.leftovers(), studio.leftovers()


def test_a_rejected_voice_ends_with_findings_and_the_rest_of_the_book(
    narrate: Narrate, shop: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    shop.switch(undeployed_words=["hoarse"])
    book = small_book(shop.folder / "book", profile=str(profile_of(shop, "http")))
    said = narrate("render", book, "--yes")
    assert said.code == 3, said.err
    assert "Ben" in said.out + said.err
    report = json.loads((book / "out" / "report.json").read_text(encoding="utf-8"))
    findings = [finding for chapter in report["chapters"] for finding in chapter["findings"]]
    assert {finding["code"] for finding in findings} == {"design-001"}
    assert len(list((book / "out").glob("*.mp3"))) == 2
    plan = narrate("plan", book, "--json").json
    assert (plan["chunks_to_speak"], plan["chunks_refused"], plan["voices_to_create"]) == (0, len(findings), 0)
    assert {voice["character"] for voice in plan["voice_list"] if voice["refused"]} == {"Ben"}
    assert "reword its description" in " ".join(narrate("plan", book).out.split())
    calls = shop.bill()["calls"]
    assert narrate("render", book, "--yes").code == 3
    assert shop.bill()["calls"] == calls, "nothing is asked again before the description is reworded"


def test_a_profile_elsewhere_is_refused_with_a_sentence_before_anything_is_asked(
    narrate: Narrate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    profile = tmp_path / "wrong.toml"
    profile.write_text('[service]\nkind = "cosyvoice"\nbase_url = "https://dashscope-intl.aliyuncs.com/api/v1"\n')
    for command in ("plan", "render"):
        said = narrate(command, small_book(tmp_path / "book"), "--profile", profile)
        assert said.code == 2
        assert "cosyvoice designs voices in cn-beijing only, not in ap-southeast-1" in said.err


def test_a_book_in_another_language_is_refused_before_anything_is_asked(narrate: Narrate, tmp_path: Path) -> None:
    from tests.flows.stage import BOOK

    book = BOOK.format(profile="sandbox-cosyvoice").replace("language: en", "language: de")
    said = narrate("plan", small_book(tmp_path / "book", book=book))
    assert said.code == 2
    assert "does not speak `de`" in said.err
