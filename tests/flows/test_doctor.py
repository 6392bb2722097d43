"""`narrate doctor`: each way in which a service will not do has a sentence of its own, and none costs anything."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from narration.learnt import Learnt
from narration.memory.claims import Claims, this_run
from narration.memory.rates import Rates
from narration.memory.store import open_store
from narration.services import key_fingerprint
from tests.flows.conftest import Narrate
from tests.flows.stage import KEY, Said, small_book
from tests.prove.harness import Vendor

pytestmark = pytest.mark.slow


@contextmanager
def switched(shop: Vendor, **changes: object) -> Iterator[None]:
    """A vendor in whom something is wrong for a while."""
    shop.switch(**changes)
    try:
        yield
    finally:
        shop.switch(retired="", foreign_keys="", region_told=False, voices_beside=0)


def service_of(said: Said) -> dict[str, object]:
    """What was found of the service."""
    (found,) = (check for check in said.json["checks"] if check["name"] == "service")
    return dict(found)


def test_a_service_that_answers_is_told_with_what_is_to_end(narrate: Narrate, shop: Vendor, paid: Path) -> None:
    before = shop.bill()
    found = service_of(narrate("doctor", "--profile", paid, "--json"))
    assert found["good"]
    said = str(found["says"])
    assert f"{shop.base_url} answers and takes the key" in said
    assert "of 1000 voices in the account" in said
    assert "no end of qwen3-tts-vd-2026-01-26 is announced" in said
    assert "end of qwen-voice-design for 2026-10-10 (alibabacloud.com, notice 792)" in said
    after = shop.bill()
    assert (after["voices_created"], after["synthesized"]) == (before["voices_created"], before["synthesized"])


def test_a_retired_model_is_told_with_the_profile_to_change_to(narrate: Narrate, shop: Vendor, paid: Path) -> None:
    for status in (404, 403):
        with switched(shop, retired=f"qwen-voice-design={status}"):
            said = narrate("doctor", "--profile", paid, "--json")
        found = service_of(said)
        assert (said.code, found["exit_code"]) == (5, 5)
        assert "has no qwen-voice-design any more, so no voice can be made" in str(found["says"])
        assert "notice 792" in str(found["says"])
        assert "Change to `--profile china-cosyvoice`" in str(found["says"])


@pytest.mark.parametrize("told", [False, True], ids=["refused like any wrong key", "told by the vendor"])
def test_a_key_of_another_region_is_told_with_the_profile_of_its_site(
    narrate: Narrate, shop: Vendor, paid: Path, told: bool
) -> None:
    with switched(shop, foreign_keys=KEY[:6], region_told=told):
        said = narrate("doctor", "--profile", paid, "--json")
    found = service_of(said)
    assert (said.code, found["exit_code"]) == (5, 5)
    words = str(found["says"])
    assert "does not take the key in DASHSCOPE_API_KEY" in words
    assert "this host is international (Singapore)" in words
    assert "for one of China (Beijing) take --profile china" in words
    assert ("It is a key of another region" in words) == told
    assert ("It is mistyped, or a key of another region" in words) != told
    assert KEY not in said.out + said.err


def test_a_full_quota_is_told_with_what_still_works(narrate: Narrate, shop: Vendor, paid: Path) -> None:
    with switched(shop, voices_beside=1000):
        said = narrate("doctor", "--profile", paid, "--json")
    found = service_of(said)
    assert (said.code, found["exit_code"]) == (5, 5)
    words = str(found["says"])
    assert "answers and takes the key, and the account holds" in words
    assert "of 1000 voices: no new one can be made" in words
    assert "renders as it is" in words


def test_no_network_is_told_apart_from_a_service_that_refuses(narrate: Narrate, paid: Path, tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        profile = tmp_path / "away.toml"
        text = paid.read_text(encoding="utf-8")
        base = next(line for line in text.splitlines() if line.startswith("base_url"))
        profile.write_text(text.replace(base, f'base_url = "http://127.0.0.1:{port}/api/v1"'), encoding="utf-8")
        said = narrate("doctor", "--profile", profile, "--json")
    found = service_of(said)
    assert (said.code, found["exit_code"]) == (6, 6)
    assert f"nothing answers at http://127.0.0.1:{port}/api/v1, so neither key nor models could be asked" in str(
        found["says"]
    )
    assert "Check the network" in str(found["says"])


def _found(said: Said, name: str) -> dict[str, object]:
    (found,) = (check for check in said.json["checks"] if check["name"] == name)
    return dict(found)


def test_limits_are_told_with_what_the_account_was_seen_to_bear(
    narrate: Narrate, shop: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    profile = shop.profile(per_minute=120, per_second=2, in_flight=5)
    store = tmp_path / "store"
    said = _found(narrate("doctor", "--profile", profile, "--store", store, "--json"), "limits")
    assert said["good"]
    assert str(said["says"]).endswith("at most 120 a minute and 2 a second, 5 open at once")
    rates = Rates(open_store(store), key_fingerprint(KEY), "qwen3-tts-vd-2026-01-26")
    asyncio.run(rates.save(Learnt(rate_hz=1.5, in_flight=3)))
    words = str(_found(narrate("doctor", "--profile", profile, "--store", store, "--json"), "limits")["says"])
    assert "the account was seen to bear 90 a minute; it was seen to bear 3 at once" in words


def test_a_full_disk_is_told_with_its_place(
    narrate: Narrate, paid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_book(tmp_path / "book", profile=str(paid))
    good = _found(narrate("doctor", folder, "--json"), "disk")
    assert good["good"]
    assert "for the store" in str(good["says"])
    assert "for the audiobook" in str(good["says"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**12, used=10**12, free=10**8))
    said = narrate("doctor", folder, "--json")
    found = _found(said, "disk")
    assert (said.code, found["good"]) == (1, False)
    assert "0.1 GB free" in str(found["says"])


def test_a_store_that_cannot_be_written_and_runs_on_it_are_told(narrate: Narrate, tmp_path: Path) -> None:
    store = tmp_path / "store"
    claims = Claims(open_store(store), this_run())
    asyncio.run(claims.announce())
    assert "1 run on this store now" in str(_found(narrate("doctor", "--store", store, "--json"), "runs")["says"])
    (tmp_path / "file").write_text("no folder")
    said = narrate("doctor", "--store", tmp_path / "file" / "store", "--json")
    found = _found(said, "store")
    assert not found["good"]
    assert said.code != 0
    assert _found(said, "ffmpeg")["good"]


def test_every_profile_of_a_cast_is_asked(narrate: Narrate, tmp_path: Path) -> None:
    cast = """\
characters:
  - {name: Narrator, role: narrator, voice: "A calm woman, low pitch.", preview: "It was a dark night."}
  - {name: Ann, profile: china-cosyvoice, voice: "A young woman, high pitch.", preview: "I saw him go."}
  - {name: Ben, profile: gateway, voice: "An elderly man, low pitch.", preview: "Then take it off."}
"""
    folder = small_book(tmp_path / "book", cast=cast)
    checks = {check["name"]: check for check in narrate("doctor", folder, "--json").json["checks"]}
    services = {name: check for name, check in checks.items() if name.startswith("service")}
    assert list(services) == ["service", "service of china-cosyvoice", "service of gateway"]
    assert all(check["good"] for check in services.values()), services
    assert all("the local sandbox" in str(check["says"]) for check in services.values())


def test_plan_warns_of_an_announced_end_before_money_is_spent(narrate: Narrate, paid: Path, tmp_path: Path) -> None:
    folder = small_book(tmp_path / "book")
    assert "announced the end" not in narrate("plan", folder).out, "the sandbox goes on"
    said = narrate("plan", folder, "--profile", paid)
    assert "announced the end of qwen-voice-design for 2026-10-10" in " ".join(said.out.split())
    (end,) = narrate("plan", folder, "--profile", paid, "--json").json["announced_ends"]
    assert (end["model"], end["profile"]) == ("qwen-voice-design", "china-cosyvoice")
    rendered = narrate("render", folder, "--profile", paid, "--json", "--yes")
    assert rendered.code == 0
    assert "announced the end of qwen-voice-design" in " ".join(rendered.err.split())
    assert "announced the end" not in narrate("render", folder, "--profile", paid, "--yes").err, "nothing is asked"
