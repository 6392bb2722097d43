"""A new key of the same account: nothing is paid for twice, and nothing is created before somebody says whose it is."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from flows.opening import Request, open_job
from flows.rekeying import refuse_unknown_key
from narration.errors import InputError
from tests.flows.conftest import Narrate
from tests.flows.stage import BOOK, small_book
from tests.prove.harness import Vendor

pytestmark = pytest.mark.slow

OLD, RENEWED, FOREIGN = "sk-studio-old", "sk-studio-old.2", "sk-somebody"
"""The sandbox takes keys that differ after a dot for keys of one account."""


@pytest.fixture
def rendered(narrate: Narrate, paid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book that was rendered with the old key, and the store with it."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", OLD)
    monkeypatch.setenv("NARRATION_HOME", str(tmp_path / "home"))
    folder = small_book(tmp_path / "book", book=BOOK.format(profile=paid))
    assert narrate("render", folder, "--yes").code == 0
    return folder


def _bill(shop: Vendor) -> tuple[int, int]:
    bill = shop.bill()
    return bill["voices_created"], bill["synthesized"]


def _another_chapter(book: Path) -> None:
    text = book / "kettle.md"
    text.write_text(text.read_text(encoding="utf-8") + "\n“Good night,” said Ann.\n", encoding="utf-8")


def test_a_new_key_buys_nothing_before_it_is_known_whose_it_is(
    narrate: Narrate, shop: Vendor, rendered: Path, paid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _bill(shop)
    monkeypatch.setenv("DASHSCOPE_API_KEY", RENEWED)
    said = narrate("render", rendered, "--yes")
    assert said.code == 2
    assert "is new to this store" in " ".join(said.err.split())
    assert f"narrate voices rekey --profile {paid}" in " ".join(said.err.split())
    assert _bill(shop) == before
    assert RENEWED not in said.out + said.err


def test_voices_that_another_run_made_since_the_plan_are_no_other_accounts(
    narrate: Narrate, paid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", OLD)
    folder = small_book(tmp_path / "book", book=BOOK.format(profile=paid))
    store = tmp_path / "store"
    job = open_job(Request(folder=folder, store=str(store)), os.environ, needs_key=True)
    plan = asyncio.run(job.plan())
    assert len(plan.voices_to_create()) == 3
    assert narrate("render", folder, "--store", store, "--yes").code == 0
    asyncio.run(refuse_unknown_key(plan, job.store, os.environ))
    monkeypatch.setenv("DASHSCOPE_API_KEY", FOREIGN)
    foreign = asyncio.run(open_job(Request(folder=folder, store=str(store)), os.environ, needs_key=True).plan())
    with pytest.raises(InputError, match="is new to this store, which keeps 3 of the voices"):
        asyncio.run(refuse_unknown_key(foreign, job.store, os.environ))


def test_a_renewed_key_finds_the_voices_and_takes_of_its_account(
    narrate: Narrate, shop: Vendor, rendered: Path, paid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _bill(shop)
    monkeypatch.setenv("DASHSCOPE_API_KEY", RENEWED)
    said = narrate("voices", "rekey", "--profile", paid, "--json")
    assert said.code == 0, said.err
    assert said.json["voices"] == 3
    assert said.json["because"] == "3 of the account's voices are kept here"
    assert said.json["account"] != said.json["key"]
    assert narrate("plan", rendered, "--json").json["voices_to_create"] == 0
    _another_chapter(rendered)
    again = narrate("render", rendered, "--yes", "--json")
    assert again.code == 0, again.err
    assert again.json["chunks_spoken"] == 1, "“said Ann” was there"
    assert _bill(shop) == (before[0], before[1] + 1)
    kept = [path for path in (tmp_path / "home").rglob("*") if path.is_file() and RENEWED.encode() in path.read_bytes()]
    assert kept == [], "no key is kept"
    monkeypatch.setenv("DASHSCOPE_API_KEY", OLD)
    assert narrate("plan", rendered, "--json").json["chunks_to_speak"] == 0, "the old key is of the same account still"


def test_a_key_of_another_account_is_told_and_makes_voices_anew_only_when_somebody_says_so(
    narrate: Narrate, shop: Vendor, rendered: Path, paid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _bill(shop)
    monkeypatch.setenv("DASHSCOPE_API_KEY", FOREIGN)
    refused = narrate("voices", "rekey", "--profile", paid)
    assert refused.code == 2
    assert "has none of the 3 voices" in " ".join(refused.err.split())
    assert narrate("render", rendered, "--yes").code == 2
    assert _bill(shop) == before
    assert "an account of its own" in narrate("voices", "rekey", "--profile", paid, "--other-account").out
    assert narrate("render", rendered, "--yes").code == 0
    assert _bill(shop)[0] == before[0] + 3


def test_a_person_may_say_whose_a_key_is_without_asking_anybody(
    narrate: Narrate, shop: Vendor, rendered: Path, paid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = narrate("voices", "list", "--json").json["voices"][0]["account"]
    monkeypatch.setenv("DASHSCOPE_API_KEY", RENEWED)
    unknown = narrate("voices", "rekey", "--profile", paid, "--same-as", "0123456789ab")
    assert unknown.code == 2
    assert account in unknown.err
    assert narrate("voices", "rekey", "--profile", paid, "--same-as", account).code == 0
    before = _bill(shop)
    assert narrate("render", rendered, "--yes", "--json").json["chunks_spoken"] == 0
    assert _bill(shop) == before


def test_a_record_of_a_key_that_cannot_be_read_stops_before_anything_is_bought(
    narrate: Narrate, rendered: Path, paid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", RENEWED)
    assert narrate("voices", "rekey", "--profile", paid).code == 0
    (record,) = (tmp_path / "home" / "store" / "accounts").iterdir()
    assert json.loads(record.read_bytes()).keys() == {"account", "at", "because"}
    record.write_text("not json")
    said = narrate("render", rendered, "--yes")
    assert said.code == 1
    assert "does not say whose a key is" in " ".join(said.err.split())
