"""Whatever the gateway answers, what comes out is a value, a failed task or a typed error, within the time limit."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narration.errors import ServiceError
from narration.services import OpenGate, Spoken
from narration.services.gateway_errors import TABLE, judge
from narration.services.protocol import DesignsByTask, Ending, SpeechService, TaskFailed
from narration.voice import DesignAnswer
from tests.services.fakes import FakeTime
from tests.services.gateway_fakes import BASE, GATEWAY_ASK, GATEWAY_DESIGN, KEY, RECEIPT, TASK, gateway
from tests.services.test_fuzzed_answers import HEADERS, JSON, LEAVES, STATUSES, TEXTS

STATES = st.sampled_from(["pending", "processing", "completed", "failed", "cancelled", "COMPLETED", "", None, 5])
TASKS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.one_of(st.just(TASK), TEXTS, LEAVES),
        "status": STATES,
        "progress": LEAVES,
        "created": LEAVES,
        "results": st.one_of(JSON, st.lists(st.one_of(TEXTS, st.just("data:audio/wav;base64,UklGRg==")), max_size=3)),
        "result_data": st.one_of(JSON, st.fixed_dictionaries({"voice": TEXTS}, optional={"preview_audio": JSON})),
        "usage": st.one_of(JSON, st.fixed_dictionaries({"credits_reserved": LEAVES})),
        "error": st.one_of(JSON, st.fixed_dictionaries({"code": LEAVES, "message": LEAVES})),
    },
)
BODIES = st.one_of(
    TASKS.map(lambda value: json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.sampled_from([b"", b"<html>", b"[" * 100_000, b'{"id":' * 50_000]),
)


class Server:
    """Answers everything alike; the key never comes with a download."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self._status, self._headers, self._body = status, headers, body

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if str(request.url).startswith(BASE):
            assert request.headers["authorization"] == f"Bearer {KEY}"
        else:
            assert "authorization" not in request.headers
        return httpx.Response(self._status, headers=self._headers, content=self._body)


async def outcome(name: str, server: Server, time: FakeTime) -> object:
    service: SpeechService = gateway(server, time)
    assert isinstance(service, DesignsByTask)
    try:
        match name:
            case "speak":
                return await service.speak(GATEWAY_ASK, OpenGate())
            case "design":
                return await service.design(GATEWAY_DESIGN, "n", OpenGate())
            case "collect":
                return await service.collect(RECEIPT)
            case "voices":
                return await service.voices()
            case _:
                return await service.designed(TASK, TASK)
    except TaskFailed as failed:
        assert name in {"collect", "designed"}
        return failed.error
    except ServiceError as error:
        return error
    finally:
        await service.aclose()


@pytest.mark.parametrize("name", ["speak", "design", "collect", "designed", "voices"])
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(status=STATUSES, headers=HEADERS, body=BODIES)
def test_any_answer_is_a_value_or_a_typed_error(name: str, status: int, headers: dict[str, str], body: bytes) -> None:
    time = FakeTime()
    result = asyncio.run(outcome(name, Server(status, headers, body), time))
    assert time.at < 600, "patience ends"
    match result:
        case Spoken(receipt=receipt, price_usd=price_usd):
            assert receipt.task_id
            assert price_usd is None or 0 <= price_usd < 1e6
        case DesignAnswer(voice=voice):
            assert voice
        case ServiceError() as error:
            assert KEY not in f"{error} {error!r}"
            assert str(error).isprintable()
        case bytes():
            assert result[:4] == b"RIFF"
        case _:
            assert name in {"design", "voices"}


@given(status=st.integers(0, 999), code=st.text(max_size=30), message=st.text(max_size=80))
def test_any_refusal_has_a_verdict_whose_words_can_be_filled_in(status: int, code: str, message: str) -> None:
    verdict = judge(status, code, message, "m")
    assert verdict.hint.format(model="m", profile="p", host="h")
    assert verdict.repeat == (verdict.ending in {Ending.THROTTLED, Ending.FAILED})


def test_every_row_of_the_map_has_a_name_of_its_own() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)
