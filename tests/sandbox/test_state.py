"""The state folder: what survives, and what two services on one folder see of each other."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from narration.sandbox.app import Service, create_app
from narration.sandbox.engine.tone import ToneEngine
from narration.sandbox.faults import NO_LIMITS, read_switches
from narration.sandbox.files import Shelf
from narration.sandbox.state import _patiently

Desk = Any


@pytest.fixture
def other(tmp_path: Path, desk: Desk) -> Iterator[Service]:
    """A second service on the same folder."""
    service = Service(
        tmp_path / "state",
        ToneEngine(),
        read_switches(NO_LIMITS),
        rng=Random(2),  # noqa: S311
        clock=desk.clock,
    )
    yield service
    service.close()


async def test_a_second_service_knows_voice_bill_and_link(desk: Desk, other: Service) -> None:
    voice = await desk.voice()
    url = (await desk.speak(voice)).json()["output"]["audio"]["url"]
    sound = (await desk.client.get(url)).content
    bill = await desk.bill()
    transport = httpx.ASGITransport(create_app(other))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
        there = type(desk)(client, clock=desk.clock)
        assert await there.bill() == bill
        assert await there.audio(voice) == sound
        assert (await client.get(url)).content == sound
        assert (await there.design("delete", voice=voice)).status_code == 200
    assert (await desk.design("query", voice=voice)).json()["code"] == "VoiceNotFound"


async def test_a_full_quota_is_seen_by_both(desk: Desk, other: Service) -> None:
    await desk.voice()
    transport = httpx.ASGITransport(create_app(other))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
        there = type(desk)(client)
        await there.switch(voice_quota=1)
        assert (await there.create()).json()["code"] == "Throttling.AllocationQuota"


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert shelf.get("ab12") is None
    assert not shelf.touch("ab12")
    shelf.put("ab12", b"sound")
    assert shelf.touch("ab12")
    assert shelf.get("ab12") == b"sound"
    assert [path.name for path in (tmp_path / "files").rglob("*") if path.is_file()] == ["ab12.wav"]


def test_files_whose_links_expired_are_pruned(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put("ab12", b"sound")
    shelf.prune(0)
    assert shelf.get("ab12") is not None
    shelf.prune(4e9)
    assert shelf.get("ab12") is None


def test_what_another_process_is_preparing_is_tried_again_and_in_the_end_told() -> None:
    failures = iter([sqlite3.OperationalError("database is locked")] * 2)
    done: list[str] = []

    def step() -> None:
        for failure in failures:
            raise failure
        done.append("prepared")

    _patiently(step)
    assert done == ["prepared"]
    locked = sqlite3.OperationalError("database is locked")
    failures = iter([locked] * 2)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        _patiently(step, attempts=2)
