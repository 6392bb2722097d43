"""What is checked before anything else: key, body, model, headers, and what is not there at all."""

from typing import Any

import pytest

Desk = Any
DESIGN = "/api/v1/services/audio/tts/customization"
SPEECH = "/api/v1/services/aigc/multimodal-generation/generation"
LIST = {"model": "qwen-voice-design", "input": {"action": "list"}}


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer sk-", "Bearer ak-1", "Basic sk-1", "sk-1", "Bearer  key"]
)
async def test_a_key_that_is_none_is_401(desk: Desk, authorization: str) -> None:
    answer = await desk.client.post(DESIGN, json=LIST, headers={"authorization": authorization})
    body = answer.json()
    assert answer.status_code == 401
    assert body == {
        "code": "InvalidApiKey",
        "message": "Invalid API-key provided.",
        "request_id": answer.headers["x-request-id"],
    }


async def test_a_missing_key_comes_before_a_broken_body(desk: Desk) -> None:
    assert (await desk.client.post(DESIGN, content=b"{")).status_code == 401


async def test_any_key_of_the_right_shape_is_taken(desk: Desk) -> None:
    for key in ("sk-1", "sk-ws-abc", "sk-sp-abc"):
        desk.key = key
        assert (await desk.post(DESIGN, LIST)).status_code == 200


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"model": "\\ud800", "input": {"action": "list"}}'],
)
async def test_a_body_that_is_no_json_object_is_400(desk: Desk, content: bytes) -> None:
    answer = await desk.client.post(DESIGN, content=content, headers={"authorization": "Bearer sk-1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (SPEECH, {"input": {"text": "x"}}, 400, "BadRequest.EmptyModel"),
        (SPEECH, {"model": 7, "input": {"text": "x"}}, 400, "InvalidParameter"),
        (SPEECH, {"model": "qwen9-tts", "input": {"text": "x"}}, 404, "ModelNotFound"),
        (SPEECH, {"model": "qwen3-tts-vd-2026-01-26"}, 400, "BadRequest.EmptyInput"),
        (DESIGN, {"model": "qwen-voice-design", "input": "list"}, 400, "BadRequest.EmptyInput"),
        (DESIGN, {"model": "qwen-voice-design", "input": {}}, 400, "BadRequest.EmptyInput"),
    ],
)
async def test_a_body_without_its_parts_has_a_documented_code(
    desk: Desk, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await desk.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_unknown_model_says_so(desk: Desk) -> None:
    answer = await desk.post(SPEECH, {"model": "qwen9-tts", "input": {}})
    assert answer.json()["message"] == "Model can not be found."


@pytest.mark.parametrize(
    ("path", "model"),
    [
        (DESIGN, "qwen3-tts-vd-2026-01-26"),
        (SPEECH, "qwen-voice-design"),
        (SPEECH, "qwen3-tts-vd-realtime-2026-01-15"),
    ],
)
async def test_a_model_on_the_wrong_path_is_a_url_error(desk: Desk, path: str, model: str) -> None:
    answer = await desk.post(path, {"model": model, "input": {"action": "list", "text": "x"}})
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert answer.json()["message"] == "url error, please check url!"


@pytest.mark.parametrize(("status", "code"), [(404, "ModelNotFound"), (403, "Model.AccessDenied")])
async def test_a_retired_model_is_gone(desk: Desk, status: int, code: str) -> None:
    voice = await desk.voice()
    await desk.switch(retired={"qwen-voice-design": status})
    answer = await desk.post(DESIGN, LIST)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await desk.speak(voice)).status_code == 200
    await desk.switch(retired={"qwen3-tts-vd-2026-01-26": status})
    assert (await desk.speak(voice)).status_code == status
    assert (await desk.create()).json()["code"] == "InvalidParameter"


async def test_the_asynchronous_form_is_refused(desk: Desk) -> None:
    answer = await desk.post(DESIGN, LIST, x_dashscope_async="enable")
    assert (answer.status_code, answer.json()["code"]) == (403, "AccessDenied")
    assert answer.json()["message"] == "current user api does not support asynchronous calls."


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api/v1"),
        ("POST", "/compatible-mode/v1/audio/speech"),
        ("POST", "/api/v1/services/audio/tts/other"),
        ("GET", "/sandbox/nothing"),
    ],
)
async def test_anything_else_is_404_in_an_envelope(desk: Desk, method: str, path: str) -> None:
    answer = await desk.client.request(method, path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"code", "message", "request_id"}
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


async def test_every_request_is_on_the_record_once(desk: Desk) -> None:
    await desk.client.post(DESIGN, content=b"{}")
    await desk.post(DESIGN, LIST)
    await desk.post(SPEECH, {"model": "nothing"})
    bill = await desk.bill()
    assert (bill["calls"], bill["calls_by_action"]) == (3, {"list": 1, "synthesize": 1, "unknown": 1})
    assert bill["refused_by_code"] == {"InvalidApiKey": 1, "ModelNotFound": 1}
