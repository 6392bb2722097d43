"""The gateway's half: tasks over time, links, credits, errors, and calls to callback addresses."""

import asyncio
import base64
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from narration.sandbox import callbacks
from narration.sandbox.app import Service
from narration.sandbox.wire import DroppedError

Desk = Any
GENERATIONS = "/v1/audios/generations"


async def create(desk: Desk, model: str, **fields: object) -> httpx.Response:
    answer = await desk.post(GENERATIONS, {"model": model, **fields})
    assert isinstance(answer, httpx.Response)
    return answer


async def design(desk: Desk, **changes: object) -> httpx.Response:
    fields = {
        "voice_prompt": "A calm woman, low pitch.",
        "preview_text": "The lamp was out.",
        "preferred_name": "granny_01",
        "language": "en",
        **changes,
    }
    return await create(desk, "qwen-voice-design", **fields)


async def look(desk: Desk, task_id: str) -> dict[str, Any]:
    answer = await desk.client.get(f"/v1/tasks/{task_id}", headers={"authorization": f"Bearer {desk.key}"})
    found = answer.json()
    assert isinstance(found, dict)
    return found


async def voice(desk: Desk, **changes: object) -> str:
    made = await look(desk, (await design(desk, **changes)).json()["id"])
    assert made["status"] == "completed", made
    return str(made["result_data"]["voice"])


async def speak(desk: Desk, name: str, text: str = "Nobody spoke.", **more: object) -> httpx.Response:
    return await create(desk, "qwen3-tts-vd", prompt=text, voice=name, **more)


async def test_a_task_is_answered_as_documented(desk: Desk) -> None:
    answer = await design(desk)
    body = answer.json()
    assert answer.status_code == 200
    assert body["id"].startswith("task-unified-1795000000-")
    assert body | {"id": ""} == {
        "id": "",
        "object": "audio.generation.task",
        "type": "audio",
        "model": "qwen-voice-design",
        "created": 1_795_000_000,
        "status": "pending",
        "progress": 0,
        "task_info": {"can_cancel": True, "estimated_time": 15, "audio_type": "voice_design"},
        "usage": {"credits_reserved": 2.0},
    }


async def test_a_task_goes_from_pending_through_processing_to_completed(desk: Desk) -> None:
    name = await voice(desk)
    await desk.switch(task_s=20)
    task_id = (await speak(desk, name)).json()["id"]
    seen = []
    for _ in range(6):
        found = await look(desk, task_id)
        seen.append((found["status"], found["progress"], "results" in found))
        desk.clock.now_s += 4
    assert seen == [
        ("pending", 0, False),
        ("pending", 0, False),
        ("processing", 40, False),
        ("processing", 60, False),
        ("processing", 80, False),
        ("completed", 100, True),
    ]


async def test_the_result_is_a_link_that_lives_a_day_and_holds_the_speech(desk: Desk) -> None:
    name = await voice(desk)
    first = await look(desk, (await speak(desk, name)).json()["id"])
    found = await desk.client.get(first["results"][0])
    assert (found.status_code, found.content[:4]) == (200, b"RIFF")
    assert first["results"] == (await look(desk, first["id"]))["results"], "the link stays the same"
    desk.clock.now_s += 86_401
    assert (await desk.client.get(first["results"][0])).status_code == 403
    assert (await desk.client.get((await look(desk, first["id"]))["results"][0])).status_code == 403


async def test_the_bill_is_in_credits_and_a_failed_task_is_not_on_it(desk: Desk) -> None:
    name = await voice(desk)
    cost = (await speak(desk, name, "x" * 100)).json()["usage"]["credits_reserved"]
    assert cost == pytest.approx(0.51)
    await desk.switch(task_fail=1)
    failed = await look(desk, (await speak(desk, name)).json()["id"])
    assert (failed["status"], failed["progress"]) == ("failed", 0)
    assert failed["error"] == {
        "code": "service_error",
        "message": "The task could not be completed.",
        "type": "task_error",
    }
    assert (await look(desk, (await design(desk)).json()["id"]))["status"] == "failed"
    bill = await desk.bill()
    assert (bill["credits"], bill["characters"], bill["voices_created"]) == (pytest.approx(2.51), 100, 1)
    assert bill["refused_by_code"] == {"service_error": 2}
    left = await desk.client.get("/v1/credits", headers={"authorization": "Bearer sk-x"})
    assert left.json()["data"]["user"]["used_credits"] == pytest.approx(2.51)


async def test_a_stuck_task_goes_on_when_the_switch_is_off(desk: Desk) -> None:
    name = await voice(desk)
    await desk.switch(task_stuck=1)
    task_id = (await speak(desk, name)).json()["id"]
    desk.clock.now_s += 10_000
    assert (await look(desk, task_id))["status"] == "processing"
    await desk.switch(task_stuck=0)
    assert (await look(desk, task_id))["status"] == "completed"


@pytest.mark.parametrize(
    ("text", "name", "code", "message"),
    [
        ("This is murder.", "", "content_policy_violation", "inappropriate"),
        ("Fine.", "nobody", "invalid_parameters", "code: 418"),
        ("Fine.", "Cherry", "invalid_parameters", "code: 411"),
        ("???", "", "invalid_parameters", "input text is valid"),
        ("没" * 301, "", "invalid_parameters", r"should be \[0, 600\]"),
    ],
)
async def test_what_the_model_refuses_is_a_failed_task(
    desk: Desk, text: str, name: str, code: str, message: str
) -> None:
    made = await voice(desk)
    await desk.switch(poison_words=["murder"])
    found = await look(desk, (await speak(desk, name or made, text)).json()["id"])
    assert (found["status"], found["error"]["code"]) == ("failed", code)
    assert re.search(message, found["error"]["message"])
    assert (await desk.bill())["synthesized"] == 0


async def test_a_poisoned_description_fails_and_leaves_no_voice(desk: Desk) -> None:
    await desk.switch(poison_words=["murder"])
    found = await look(desk, (await design(desk, voice_prompt="A voice like murder.")).json()["id"])
    assert found["error"]["code"] == "content_policy_violation"
    assert (await desk.bill())["voices_kept"] == 0


async def test_a_realtime_voice_can_be_made_and_is_not_spoken_with(desk: Desk) -> None:
    name = await voice(desk, target_model="qwen3-tts-vd-realtime-2026-01-15")
    found = await look(desk, (await speak(desk, name)).json()["id"])
    assert "418" in found["error"]["message"]


async def test_voices_of_the_gateway_are_not_the_vendors(desk: Desk) -> None:
    name = await voice(desk)
    assert (await desk.speak(name)).json()["code"] == "InvalidParameter"
    assert (await desk.design("list")).json()["output"]["total_count"] == 0


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"model": "qwen3-tts-vd", "voice": "v"}, 400, "invalid_parameters"),
        ({"model": "qwen3-tts-vd", "prompt": "a"}, 400, "invalid_parameters"),
        ({"model": "qwen3-tts-vd", "prompt": "a" * 601, "voice": "v"}, 400, "invalid_parameters"),
        ({"model": "qwen3-tts-vd", "prompt": "a", "voice": "v", "language_type": "Dutch"}, 400, "invalid_parameters"),
        ({"model": "qwen-voice-design", "voice_prompt": "a"}, 400, "invalid_parameters"),
        ({"model": "qwen-voice-design", "voice_prompt": "a" * 2049, "preview_text": "a"}, 400, "invalid_parameters"),
        ({"model": "qwen3-tts-vd-2026-01-26", "prompt": "a", "voice": "v"}, 404, "model_not_found"),
        ({"prompt": "a", "voice": "v"}, 400, "invalid_parameters"),
        (
            {"model": "qwen3-tts-vd", "prompt": "a", "voice": "v", "callback_url": "a"},
            400,
            "invalid_parameters",
        ),
    ],
)
async def test_a_wrong_request_is_refused_in_the_gateways_words(
    desk: Desk, fields: dict[str, object], status: int, code: str
) -> None:
    answer = await desk.post(GENERATIONS, fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["type"] in {"invalid_request_error", "not_found_error"}
    assert (await desk.bill())["credits"] == 0


async def test_tasks_belong_to_their_account(desk: Desk) -> None:
    task_id = (await design(desk)).json()["id"]
    desk.key = "sk-somebody-else"
    assert (await look(desk, task_id))["error"]["code"] == "resource_not_found"
    assert (await look(desk, "nonsense"))["error"]["code"] == "invalid_task_id"
    desk.key = "ak-wrong"
    assert (await look(desk, task_id))["error"] == {
        "code": "invalid_api_key",
        "message": "Invalid API-key provided.",
        "type": "authentication_error",
    }


async def test_faults_strike_tasks_and_looks(desk: Desk) -> None:
    name = await voice(desk)
    task_id = (await speak(desk, name)).json()["id"]
    await desk.switch(rate_429=1, fault_actions=["poll"], retry_after_s=2)
    answer = await desk.client.get(f"/v1/tasks/{task_id}", headers={"authorization": f"Bearer {desk.key}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "quota_exceeded")
    assert answer.headers["retry-after"] == "2"
    await desk.switch(rate_429=0, drop_after=1, fault_actions=["synthesize"])
    with pytest.raises(DroppedError):
        await speak(desk, name, "Paid for.")
    bill = await desk.bill()
    assert (bill["answers_lost"], bill["synthesized"]) == (1, 2)


async def test_results_may_be_data_and_previews_of_every_format(desk: Desk) -> None:
    await desk.switch(task_data_uri=True)
    made = await look(desk, (await design(desk)).json()["id"])
    assert base64.b64decode(made["results"][0].removeprefix("data:audio/wav;base64,"))[:4] == b"RIFF"
    await desk.switch(task_data_uri=False)
    made = await look(desk, (await design(desk, response_format="mp3", sample_rate=16000)).json()["id"])
    assert made["results"][0].startswith("data:audio/mpeg;base64,")
    assert made["result_data"]["sample_rate"] == 16000


async def test_a_full_account_is_a_failed_task(desk: Desk) -> None:
    await voice(desk)
    await desk.switch(voice_quota=1)
    found = await look(desk, (await design(desk)).json()["id"])
    assert "Maximum voice storage" in found["error"]["message"]


@contextmanager
def listener(*statuses: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Answer calls with these statuses, one after the other, and keep what came."""
    came: list[dict[str, Any]] = []
    answers = iter(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(next(answers))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its own name
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/done?x=1", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def called(desk: Desk, service: Service) -> list[dict[str, Any]]:
    """What the record says once every call that was promised is made, or given up."""
    while service.house.errands:
        await asyncio.wait(set(service.house.errands))
    return list((await desk.client.get("/sandbox/callbacks")).json()["rows"])


def test_callbacks_have_ten_seconds_and_three_retries() -> None:
    assert (callbacks.TIMEOUT_S, callbacks.RETRIES_S) == (10.0, (1.0, 2.0, 4.0))


async def test_a_callback_is_called_once_with_the_task_when_it_ends(desk: Desk, service: Service) -> None:
    await desk.switch(callback_loopback=True)
    with listener(204) as (url, came):
        task_id = (await design(desk, callback_url=url)).json()["id"]
        rows = await called(desk, service)
    assert [(row["task"], row["url"], row["attempt"], row["status"]) for row in rows] == [(task_id, url, 1, 204)]
    assert [(body["id"], body["status"]) for body in came] == [(task_id, "completed")]


async def test_a_callback_waits_for_the_end_of_its_task_and_tells_of_failures(desk: Desk, service: Service) -> None:
    await desk.switch(callback_loopback=True, task_s=20, task_fail=1)
    with listener(200) as (url, came):
        await design(desk, callback_url=url)
        await asyncio.sleep(0.2)
        assert came == []
        desk.clock.now_s += 21
        await called(desk, service)
    assert [body["error"]["code"] for body in came] == ["service_error"]


async def test_a_callback_that_fails_is_called_three_times_more(
    desk: Desk, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "RETRIES_S", (0.01, 0.02, 0.03))
    await desk.switch(callback_loopback=True)
    with listener(500, 302, 404, 503, 200) as (url, came):
        await design(desk, callback_url=url)
        rows = await called(desk, service)
    assert [(row["attempt"], row["status"], row["waited_s"]) for row in rows] == [
        (1, 500, 0.0),
        (2, 302, 0.01),
        (3, 404, 0.02),
        (4, 503, 0.03),
    ]
    assert len(came) == 4
    with socket.socket() as nobody:  # who has the port and does not listen: no other process can get it
        nobody.bind(("127.0.0.1", 0))
        await design(desk, callback_url=f"http://127.0.0.1:{nobody.getsockname()[1]}/")
        rows = await called(desk, service)
    assert [(row["status"], row["error"]) for row in rows[4:]] == [(0, "ConnectionRefusedError")] * 4


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.narrate.dev/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://a.internal/",
        "https://u@hooks.narrate.dev/",
        "https://hooks.narrate.dev/" + "a" * 2048,
        "https://[::1",
        7,
    ],
)
async def test_a_callback_into_somebodys_own_network_is_refused(desk: Desk, url: object) -> None:
    answer = await design(desk, callback_url=url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameters")
    assert (await desk.bill())["credits"] == 0
