"""The sandbox as a chat endpoint: the wire of the compatible mode, a rule that reads the question, a bill in tokens."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from narration.sandbox.chat import STRANGER, tokens
from narration.sandbox.state import State

Desk = Any
CHAT = "/compatible-mode/v1/chat/completions"
NAMES = [{"name": "Narrator"}, {"name": "Mara"}, {"name": "Old Wen", "also": ["Wen"]}]
PASSAGE = [
    [{"text": "Mara met Wen."}],
    [{"number": 1, "text": "“Who is there?”"}],
    [{"text": "Mara stood still."}, {"number": 2, "text": "“Nobody.”"}],
]


def schema(names: Sequence[str]) -> dict[str, object]:
    speaker = {"type": "string", "enum": [*names, "?"]}
    label = {"type": "object", "properties": {"number": {"type": "integer"}, "speaker": speaker}}
    wanted = {"type": "object", "properties": {"answers": {"type": "array", "items": label}}}
    return {"type": "json_schema", "json_schema": {"name": "speakers", "strict": True, "schema": wanted}}


def body(form: object = None, names: object = None, passage: object = None, **more: object) -> dict[str, object]:
    user = json.dumps({"names": names or NAMES, "passage": passage or PASSAGE}, ensure_ascii=False)
    return {
        "model": "qwen3.5-flash",
        "messages": [{"role": "system", "content": "Answer in JSON."}, {"role": "user", "content": user}],
        "response_format": form or schema(["Narrator", "Mara", "Old Wen"]),
        **more,
    }


def labels(answer: httpx.Response) -> list[tuple[int, str]]:
    content = json.loads(answer.json()["choices"][0]["message"]["content"])
    return [(one["number"], one["speaker"]) for one in content["answers"]]


async def test_an_answer_has_the_shape_of_the_compatible_mode(desk: Desk) -> None:
    answer = await desk.post(CHAT, body())
    found = answer.json()
    assert answer.status_code == 200
    assert (found["object"], found["model"]) == ("chat.completion", "qwen3.5-flash")
    assert found["id"] == f"chatcmpl-{answer.headers['x-request-id']}"
    assert [choice["finish_reason"] for choice in found["choices"]] == ["stop"]
    usage = found["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens"] == tokens(found["choices"][0]["message"]["content"])


async def test_whoever_was_named_last_before_a_line_speaks_it(desk: Desk) -> None:
    assert labels(await desk.post(CHAT, body())) == [(1, "Old Wen"), (2, "Mara")]
    turned = [[{"number": 1, "text": "“Ho!”"}], [{"text": "It was Mara."}]]
    assert labels(await desk.post(CHAT, body(passage=turned))) == [(1, "Mara")]
    nobody = [[{"number": 1, "text": "“Ho!”"}]]
    assert labels(await desk.post(CHAT, body(passage=nobody))) == [(1, "Narrator")]


async def test_the_list_of_the_schema_is_the_closed_one(desk: Desk) -> None:
    assert labels(await desk.post(CHAT, body(schema(["Narrator", "Mara"])))) == [(1, "Mara"), (2, "Mara")]
    assert labels(await desk.post(CHAT, body({"type": "json_object"}))) == [(1, "Old Wen"), (2, "Mara")]
    either = {"anyOf": [{"type": "null"}, schema(["Narrator", "Mara"])["json_schema"]], "required": ["answers"]}
    inside = {"type": "json_schema", "json_schema": {"name": "speakers", "schema": either}}
    assert labels(await desk.post(CHAT, body(inside))) == [(1, "Mara"), (2, "Mara")]


async def test_the_same_question_has_the_same_answer_and_each_is_billed(desk: Desk) -> None:
    first, second = (await desk.post(CHAT, body())).json(), (await desk.post(CHAT, body())).json()
    assert first["choices"] == second["choices"]
    bill = await desk.bill()
    assert (bill["chats"], bill["calls_by_action"]) == (2, {"chat": 2})
    assert (bill["input_tokens"], bill["output_tokens"]) == (
        2 * first["usage"]["prompt_tokens"],
        2 * first["usage"]["completion_tokens"],
    )
    assert bill["characters"] == 0
    rows = (await desk.client.get("/sandbox/bill/rows", params={"action": "chat"})).json()["rows"]
    assert [row["input_tokens"] for row in rows] == [first["usage"]["prompt_tokens"]] * 2


async def test_an_answer_longer_than_allowed_is_cut_and_says_so(desk: Desk) -> None:
    found = (await desk.post(CHAT, body(max_tokens=3))).json()
    assert found["choices"][0]["finish_reason"] == "length"
    assert found["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"model": "qwen-of-old"}, 404, "model_not_found"),
        ({"model": "qwen3-tts-vd-2026-01-26"}, 400, "invalid_parameter_error"),
        ({"messages": []}, 400, "invalid_parameter_error"),
        ({"messages": [{"role": "user"}]}, 400, "invalid_parameter_error"),
        ({"messages": [{"role": "king", "content": "x"}]}, 400, "invalid_parameter_error"),
        (
            {"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_object"}},
            400,
            "invalid_parameter_error",
        ),
    ],
)
async def test_a_refusal_has_openais_shape(desk: Desk, changes: dict[str, object], status: int, code: str) -> None:
    answer = await desk.post(CHAT, {**body(), **changes})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert (await desk.bill())["chats"] == 0


async def test_a_wrong_key_a_poison_word_and_a_rate_are_refused_in_that_shape_too(desk: Desk) -> None:
    answer = await desk.client.post(CHAT, json=body(), headers={"authorization": "Bearer nothing"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    await desk.switch(poison_words=["stood still"])
    assert (await desk.post(CHAT, body())).json()["error"]["code"] == "data_inspection_failed"
    await desk.switch(poison_words=[], rpm=0, retry_after_s=3)
    answer = await desk.post(CHAT, body())
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "limit_requests")
    assert answer.headers["retry-after"] == "3"


async def test_a_model_may_refuse_schemas(desk: Desk) -> None:
    await desk.switch(chat_schema=False)
    answer = await desk.post(CHAT, body())
    assert answer.status_code == 400
    assert "response_format" in answer.json()["error"]["message"]
    assert (await desk.post(CHAT, body({"type": "json_object"}))).status_code == 200


@pytest.mark.parametrize("fault", ["chat_prose", "chat_stranger", "chat_missing", "chat_broken", "chat_tool"])
async def test_a_fault_spoils_the_answer_and_is_billed_all_the_same(desk: Desk, fault: str) -> None:
    await desk.switch(**{fault: 1.0})
    choice = (await desk.post(CHAT, body())).json()["choices"][0]
    content = choice["message"]["content"]
    match fault:
        case "chat_stranger":
            assert {one["speaker"] for one in json.loads(content)["answers"]} == {STRANGER}
        case "chat_missing":
            assert [one["number"] for one in json.loads(content)["answers"]] == [2]
        case "chat_tool":
            assert (content, choice["finish_reason"]) == (None, "tool_calls")
        case _:
            with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
                json.loads(content)
    assert (await desk.bill())["chats"] == 1


async def test_faults_of_speech_leave_a_chat_alone_where_they_are_told_to(desk: Desk) -> None:
    await desk.switch(rate_500=1.0, fault_actions=["synthesize"])
    assert (await desk.post(CHAT, body())).status_code == 200
    await desk.switch(fault_actions=["chat"])
    assert (await desk.post(CHAT, body())).status_code == 500


async def test_any_other_talk_is_answered_in_prose(desk: Desk) -> None:
    answer = await desk.post(CHAT, {"model": "qwen-flash", "messages": [{"role": "user", "content": "Hello?"}]})
    assert isinstance(answer.json()["choices"][0]["message"]["content"], str)


def test_the_folder_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    State(tmp_path).close()
    with sqlite3.connect(tmp_path / "sandbox.sqlite3") as old:
        for column in ("input_tokens", "output_tokens"):
            old.execute(f"ALTER TABLE calls DROP COLUMN {column}")
    state = State(tmp_path)
    assert state.bill()["input_tokens"] == 0
    state.close()
