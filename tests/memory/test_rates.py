"""What was learnt of an account's limits outlives the run, fades, and never stops one."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.desk import Desk, open_desk
from narration.errors import ServiceUnavailable
from narration.learnt import Learnt, asked_id
from narration.memory.claims import Claims, this_run
from narration.memory.rates import DAY_S, Rates
from narration.memory.store import Store, open_store
from narration.purchase import Order, _PaidGate
from narration.row import Row
from narration.services import AttemptEnd, Ending, open_service
from narration.settings.settings import load_settings

LEARNT = Learnt(rate_hz=1.5, in_flight=6, ramp_s=12.0)
NOW = 1_795_000_000.0
KEY = "sk-rates"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def rates(store: Store, now: float = NOW, model: str = "m") -> Rates:
    return Rates(store, "account", model, clock=lambda: now)


async def test_what_was_learnt_is_remembered_for_this_account_and_model_only(store: Store) -> None:
    assert await rates(store).load() == Learnt()
    await rates(store).save(LEARNT)
    assert await rates(store).load() == LEARNT
    assert await rates(store, model="n").load() == Learnt()
    keys = await store.keys("limits/")
    assert keys == [f"limits/{asked_id('account', 'm')}/rate.json"]
    record = json.loads(await store.get(keys[0]) or b"")
    assert record["at"].startswith("2026-11-18")
    assert record["model"] == "m"


async def test_it_fades_with_the_days(store: Store) -> None:
    await rates(store).save(LEARNT)
    assert await rates(store, NOW + 2 * DAY_S).load() == Learnt(rate_hz=3.0, in_flight=12, ramp_s=6.0)
    assert await rates(store, NOW + 61 * DAY_S).load() == Learnt()
    assert await rates(store, NOW - DAY_S).load() == LEARNT, "a clock that runs backwards strengthens nothing"


async def test_only_news_is_written(store: Store) -> None:
    remembered = rates(store)
    await remembered.save(Learnt())
    assert await store.keys("limits/") == []
    await remembered.save(LEARNT)
    key = (await store.keys("limits/"))[0]
    await store.delete(key)
    await remembered.save(Learnt(rate_hz=1.505, in_flight=6, ramp_s=12.0))
    assert await store.keys("limits/") == []
    await remembered.save(Learnt())
    assert await store.keys("limits/") == [key], "that nothing is learnt any more is news"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b"\xff\xfe",
        b'{"rate_hz": "x", "in_flight": 1, "ramp_s": 0, "at": "2026-11-18"}',
        b'{"rate_hz": -1, "in_flight": 1, "ramp_s": 0, "at": "2026-11-18"}',
        b'{"rate_hz": NaN, "in_flight": 1, "ramp_s": 0, "at": "2026-11-18"}',
        b'{"rate_hz": 1, "in_flight": 1e999, "ramp_s": 0, "at": "2026-11-18"}',
        b'{"rate_hz": 1, "in_flight": 1, "ramp_s": 0, "at": 5}',
        b'{"rate_hz": 1, "in_flight": 1, "ramp_s": 0, "at": "yesterday"}',
    ],
)
async def test_a_damaged_record_is_a_warning(store: Store, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    await store.put(f"limits/{asked_id('account', 'm')}/rate.json", data)
    assert await rates(store).load() == Learnt()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    await rates(store).save(LEARNT)
    assert await rates(store).load() == LEARNT


@given(account=st.text(), model=st.text(), other=st.text())
def test_the_name_of_what_is_asked_is_a_plain_key(account: str, model: str, other: str) -> None:
    name = asked_id(account, model)
    assert name.isalnum()
    assert len(name) == 16
    assert (asked_id(account, other) == name) == (other == model)


async def test_runs_that_ask_the_same_account_and_model_know_of_each_other(store: Store) -> None:
    first, second = (Claims(store, this_run(now=NOW + n), asks=frozenset({"a", "c"})) for n in (0, 1))
    other, silent = Claims(store, this_run(), asks=frozenset({"b", "c"})), Claims(store, this_run())
    for claims in (second, first, other, silent):
        await claims.announce()
    both = (first.run.run_id, second.run.run_id)
    assert await first.fellows("a") == await second.fellows("a") == both
    assert await other.fellows("b") == (other.run.run_id,)
    assert set(await other.fellows("c")) == {*both, other.run.run_id}
    await first.leave()
    assert await second.fellows("a") == (second.run.run_id,)


def desk_on(store: Store, per_second: int = 3) -> Any:  # noqa: ANN401 — an async context of a Desk
    overrides: dict[str, dict[str, object]] = {
        "service": {"base_url": "http://127.0.0.1:9/api/v1"},
        "limits": {"per_minute": 60 * per_second, "per_second": float(per_second), "in_flight": 16},
    }
    settings = load_settings("sandbox", environ={}, overrides=overrides)
    return open_desk(
        store=store,
        services={"sandbox": (open_service(settings, KEY), settings)},
        main="sandbox",
        run=this_run(),
        production="book",
    )


async def refuse(desk: Desk) -> None:
    permit = await desk.main.speech.pacer.enter()
    await desk.main.speech.pacer.go(permit)
    desk.main.speech.pacer.end(permit, AttemptEnd(ending=Ending.THROTTLED, status=429, code="Throttling.RateQuota"))


async def test_a_run_begins_with_what_the_last_one_learnt(store: Store) -> None:
    async with desk_on(store) as desk:
        assert desk.main.speech.pacer.learnt == Learnt()
        await refuse(desk)
        learnt = desk.main.speech.pacer.learnt
        assert 0 < learnt.rate_hz < 3.0
    async with desk_on(store) as desk:
        assert desk.main.speech.pacer.learnt.rate_hz == pytest.approx(learnt.rate_hz, rel=0.01)


async def test_each_model_has_its_own_pace_and_designs_are_not_asked_for_faster_than_the_table_says(
    store: Store,
) -> None:
    async with desk_on(store) as desk:
        service = desk.main.settings.service
        await refuse(desk)
        assert desk.main.pacer_of(service.speech_model).learnt.rate_hz > 0
        assert desk.main.pacer_of(service.design_model).learnt == Learnt()
        assert desk.main.pacer_of("unknown") is desk.main.pacer_of(service.speech_model)
        assert 2.9 < desk.main.pacer_of(service.speech_model)._ceiling_hz <= 3.0
        assert 0.9 < desk.main.pacer_of(service.design_model)._ceiling_hz <= 1.0


async def test_a_service_that_fails_for_minutes_stops_the_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("narration.services.breaker.PATIENCE_S", -1.0)

    async def never() -> bool:
        return False

    async with desk_on(store, per_second=0) as desk:
        row = Row(
            call_id="",
            at=desk.now(),
            run_id=desk.run.run_id,
            flow_run_id="",
            production="book",
            service="qwen",
            region="sandbox",
            model=desk.main.settings.service.speech_model,
            action="synthesize",
        )
        for n in range(8):
            assert desk.halt.reason is None
            gate = _PaidGate(desk, Order(subject=f"take{n}", row=row, there=never, booth=desk.main))
            await gate.before(1)
            await gate.after(1, AttemptEnd(ending=Ending.FAILED, status=500, code="InternalError.Algo"))
        assert isinstance(desk.halt.reason, ServiceUnavailable)
        assert "(InternalError.Algo)" in str(desk.halt.reason)
