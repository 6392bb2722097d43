"""The door to chat endpoints at the wire: what is sent where, what is understood, and what nobody may see."""

from __future__ import annotations

import dataclasses
import json
import logging

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.chat import ChatAsk
from narration.errors import (
    AccountBlocked,
    AnswerUnclear,
    FormRefused,
    InputError,
    KeyRefused,
    ModelGone,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
    TextRefused,
    TextTooLong,
)
from narration.sandbox.chat import tokens
from narration.services import Ending, OpenGate
from narration.services.chat import ChatService, chat_price, most_tokens, open_chat
from narration.services.envelope import api_host
from narration.services.pricing import price_of, tokens_usd
from narration.settings.settings import Settings, load_settings
from tests.services.fakes import Answer, FakeTime, Listening, Wire

KEY = "sk-a-key-that-nobody-may-see"
SCHEMA = {"type": "object", "properties": {"speaker": {"enum": ["Mara", "?"]}}}
ASK = ChatAsk(
    place="ap-southeast-1",
    model="qwen3.5-flash",
    system="Answer in JSON.",
    user='{"passage": "“Ja.”"}',
    schema=json.dumps(SCHEMA),
    form="json_schema",
    max_tokens=100,
)


def settings(**chat: object) -> Settings:
    overrides: dict[str, dict[str, object]] = {
        "chat": chat,
        "limits": {"attempts": 4, "total_s": 120.0},
        "service": {"workspace": "llm-1"},
    }
    return load_settings("international", environ={}, overrides=overrides)


def opened(*answers: Answer, time: FakeTime | None = None, **chat: object) -> tuple[ChatService, Wire]:
    wire = Wire(*answers)
    timing = (time or FakeTime()).timing()
    return open_chat(settings(**chat), KEY, timing=timing, transport=httpx.MockTransport(wire)), wire


def said(content: str | None = '{"answers": []}', **more: object) -> httpx.Response:
    message = {"role": "assistant", "content": content, **more}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 30, "completion_tokens": 7, "total_tokens": 37}
    return httpx.Response(200, json={"id": "chatcmpl-1", "choices": [choice], "usage": usage})


def refused(status: int, code: str, message: str) -> httpx.Response:
    body = {"error": {"code": code, "message": message, "type": "t", "param": None}, "request_id": "r-9"}
    return httpx.Response(status, json=body)


NO_SCHEMA = refused(400, "invalid_parameter_error", "This response_format type is unavailable now: json_schema")


async def test_a_question_says_everything_and_goes_to_the_services_own_host() -> None:
    service, wire = opened(said())
    told = await service.ask(ASK, OpenGate())
    request = wire.seen[0]
    assert str(request.url) == "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-dashscope-workspace"] == "llm-1"
    assert wire.sent() == {
        "model": "qwen3.5-flash",
        "messages": [{"role": "system", "content": ASK.system}, {"role": "user", "content": ASK.user}],
        "temperature": 0,
        "max_tokens": 100,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "speakers", "strict": True, "schema": SCHEMA},
        },
        "enable_thinking": False,
    }
    assert (told.said.content, told.said.finish_reason, told.said.request_id) == (
        '{"answers": []}',
        "stop",
        "chatcmpl-1",
    )
    assert (told.said.input_tokens, told.said.output_tokens) == (30, 7)
    assert (told.call.action, told.call.model, told.call.status) == ("ask", "qwen3.5-flash", 200)


async def test_another_host_gets_nothing_of_the_vendors() -> None:
    service, wire = opened(said(), base_url="https://models.example/v1", model="other-1")
    await service.ask(dataclasses.replace(ASK, model="other-1"), OpenGate())
    assert str(wire.seen[0].url) == "https://models.example/v1/chat/completions"
    assert "enable_thinking" not in wire.sent()
    assert "x-dashscope-workspace" not in wire.seen[0].headers


async def test_an_endpoint_that_refuses_a_schema_is_asked_without_one_and_not_told_twice() -> None:
    service, wire = opened(NO_SCHEMA, said(), said())
    gate = Listening()
    first = await service.ask(ASK, gate)
    await service.ask(ASK, OpenGate())
    forms = [wire.sent(index)["response_format"] for index in range(3)]
    assert [form["type"] for form in forms if isinstance(form, dict)] == ["json_schema", "json_object", "json_object"]
    assert forms[1] == {"type": "json_object"}
    assert gate.endings == [Ending.REFUSED, Ending.ANSWERED]
    assert first.call.attempts == 2


async def test_an_endpoint_that_refuses_json_as_well_is_an_error_that_says_so() -> None:
    service, wire = opened(NO_SCHEMA, NO_SCHEMA)
    with pytest.raises(FormRefused, match="json_object"):
        await service.ask(ASK, OpenGate())
    assert len(wire.seen) == 2


async def test_json_object_is_asked_for_at_once_where_the_settings_say_so() -> None:
    service, wire = opened(said())
    await service.ask(dataclasses.replace(ASK, form="json_object"), OpenGate())
    assert wire.sent()["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(401, "invalid_api_key", "Incorrect API key provided."), KeyRefused),
        (refused(403, "Model.AccessDenied", "Model access denied."), ModelGone),
        (refused(404, "model_not_found", "The model `x` does not exist."), ModelGone),
        (
            refused(400, "Arrearage", "Access denied, please make sure your account is in good standing."),
            AccountBlocked,
        ),
        (refused(400, "data_inspection_failed", "Input text data may contain inappropriate content."), TextRefused),
        (refused(400, "invalid_parameter_error", "Range of input length should be [1, 98304]"), TextTooLong),
        (refused(400, "context_length_exceeded", "This model's maximum context length is 8192."), TextTooLong),
        (refused(400, "invalid_parameter_error", "temperature must be a number"), ServiceRefused),
        (httpx.Response(200, json={"choices": []}), AnswerUnclear),
        (httpx.Response(200, json={"choices": [{"message": "no"}]}), AnswerUnclear),
        (httpx.Response(200, text="<html>a gate</html>"), AnswerUnclear),
    ],
)
async def test_an_error_answer_has_its_class_and_its_next_step(
    answer: httpx.Response, error: type[ServiceError]
) -> None:
    service, wire = opened(answer)
    with pytest.raises(ServiceError) as caught:
        await service.ask(ASK, OpenGate())
    assert type(caught.value) is error
    assert caught.value.hint
    assert "/api/v1" not in str(caught.value)
    assert len(wire.seen) == 1


async def test_what_may_pass_is_tried_again_and_an_answer_lost_is_counted() -> None:
    time = FakeTime()
    gate = Listening()
    service, _ = opened(
        refused(429, "limit_requests", "You exceeded your current requests list."),
        httpx.ReadError("gone"),
        refused(500, "internal_error", "An internal error has occurred"),
        said(),
        time=time,
    )
    told = await service.ask(ASK, gate)
    assert gate.endings == [Ending.THROTTLED, Ending.IN_DOUBT, Ending.FAILED, Ending.ANSWERED]
    assert (told.call.attempts, told.call.in_doubt) == (4, 1)
    assert len(time.waits) == 3
    service, _ = opened(*[refused(503, "ServiceUnavailable", "busy")] * 4)
    with pytest.raises(ServiceUnavailable):
        await service.ask(ASK, OpenGate())


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (said(None, tool_calls=[{"id": "1"}]), ""),
        (said("words beside a call", tool_calls=[{"id": "1"}]), ""),
        (said(None), ""),
        (said("prose"), "prose"),
        (httpx.Response(200, json={"choices": [{"message": {"content": ["x"]}, "finish_reason": 3}]}), ""),
    ],
)
async def test_an_answer_without_words_is_an_answer_and_is_paid_for(answer: httpx.Response, content: str) -> None:
    service, _ = opened(answer)
    assert (await service.ask(ASK, OpenGate())).said.content == content


async def test_an_answer_that_does_not_tell_its_tokens_leaves_them_open() -> None:
    service, _ = opened(
        httpx.Response(200, json={"choices": [{"message": {"content": "{}"}}], "usage": {"prompt_tokens": -1}})
    )
    answer = (await service.ask(ASK, OpenGate())).said
    assert (answer.input_tokens, answer.output_tokens, answer.finish_reason) == (None, None, "")


async def test_the_key_is_in_no_error_no_log_and_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service, _ = opened(refused(401, "invalid_api_key", f"Incorrect API key provided: {KEY}"), said(f"it is {KEY}"))
    with pytest.raises(KeyRefused) as caught:
        await service.ask(ASK, OpenGate())
    answer = await service.ask(ASK, OpenGate())
    assert KEY not in f"{caught.value} {caplog.text} {answer} {service!r}"


def test_tokens_have_their_prices() -> None:
    price = chat_price(settings().chat, "ap-southeast-1")
    assert (price.usd, price.output_usd, price.per_tokens, price.assumed) == (0.10, 0.40, 1_000_000, True)
    assert tokens_usd(price, 2_000_000, 500_000) == pytest.approx(0.4)
    assert tokens_usd(price, 0, 0) == 0.0
    own = chat_price(settings(model="house-model", prices_usd=[1, 2.5]).chat, "models.example")
    assert (own.usd, own.output_usd, own.assumed) == (1.0, 2.5, False)
    assert chat_price(settings(model="qwen-flash").chat, "models.example").assumed


@pytest.mark.parametrize("model", ["house-model", "qwen-voice-design"])
def test_a_model_without_a_price_for_tokens_is_a_mistake(model: str) -> None:
    with pytest.raises(InputError, match="prices_usd"):
        chat_price(settings(model=model).chat, "ap-southeast-1")


@given(system=st.text(max_size=50), user=st.text(max_size=300))
def test_no_question_costs_more_than_was_reserved(system: str, user: str) -> None:
    ask = dataclasses.replace(ASK, system=system, user=user)
    given_tokens, taken = most_tokens(ask)
    characters = len((system + user).encode("utf-8", "surrogatepass"))
    assert given_tokens >= max(characters, tokens(system) + tokens(user) + 8)
    price = price_of("qwen3.5-flash", "sandbox")
    assert tokens_usd(price, given_tokens, taken) >= tokens_usd(price, characters, ask.max_tokens)


def test_an_ask_id_is_of_everything_that_is_asked() -> None:
    changes: list[dict[str, object]] = [
        {"place": "elsewhere"},
        {"model": "m"},
        {"system": "s"},
        {"user": "u"},
        {"schema": "{}"},
        {"form": "json_object"},
        {"max_tokens": 7},
    ]
    assert len(changes) == len(dataclasses.fields(ChatAsk))
    ids = {dataclasses.replace(ASK, **change).ask_id for change in changes}  # type: ignore[arg-type]
    assert len({*ids, ASK.ask_id}) == len(changes) + 1


async def test_an_endpoint_that_refuses_json_object_where_it_was_chosen_is_not_asked_twice() -> None:
    service, wire = opened(NO_SCHEMA)
    with pytest.raises(FormRefused):
        await service.ask(dataclasses.replace(ASK, form="json_object"), OpenGate())
    assert len(wire.seen) == 1


@pytest.mark.parametrize(
    "base_url", ["https://models.example/v1?key=1", "https://models.example/v1#a", "ftp://models.example", "https://"]
)
def test_an_address_that_cannot_be_used_is_a_mistake_of_the_settings(base_url: str) -> None:
    service = load_settings("international", environ={}, overrides={}).service
    with pytest.raises(InputError, match="base URL cannot be used"):
        api_host(dataclasses.replace(service, base_url=base_url))
