"""Chat completions, as the compatible mode answers them: labels for numbered lines, by a simple rule of its own.

Invariant: an answer is billed once, by its tokens, and never when it is refused; the same question has the same answer.

The rule: the speaker of a numbered line is whoever of the closed list was named last before it in the passage, else
first after it. The list is read from the schema of the request, else from the names in the question. It proves the
wire; it is no reader.

Source: alibabacloud.com model-studio, OpenAI compatible - Chat (requests, answers, usage) and structured output.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from narration.sandbox import wire
from narration.sandbox.calls import Call, House, Outcome
from narration.sandbox.wire import Body, RefusedError, invalid

BYTES_PER_TOKEN = 4
MESSAGE_TOKENS = 4
PROSE = "Of course! The first line is spoken by somebody who is very angry."
STRANGER = "Count Nobody of Nowhere"
NO_WORD = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
NO_SCHEMA = "This response_format type is unavailable now: json_schema is not supported by this model."

_CODES = {
    "InvalidApiKey": ("invalid_api_key", "Incorrect API key provided.", "invalid_request_error"),
    "ModelNotFound": (
        "model_not_found",
        "The model does not exist or you do not have access to it.",
        "invalid_request_error",
    ),
    "InvalidParameter": ("invalid_parameter_error", "", "invalid_request_error"),
    "DataInspectionFailed": ("data_inspection_failed", "", "data_inspection_failed"),
    "Throttling.RateQuota": ("limit_requests", "You exceeded your current requests list.", "limit_requests"),
    "Throttling.Concurrency": ("limit_requests", "Too many concurrent requests.", "limit_requests"),
}
"""How the compatible mode spells what the service's own interface spells otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a request asks.

    Attributes:
        names: the closed list, each name with the words that may stand for it.
        pieces: number (0 where none is asked for) and text of each piece of the passage, in order.
    """

    names: Mapping[str, tuple[str, ...]]
    pieces: tuple[tuple[int, str], ...]


async def answer(house: House, call: Call) -> Outcome:
    """Answer one question.

    Raises:
        RefusedError: as the documents say.
    """
    messages = _messages(call.fields)
    _check_form(house, call.fields, messages)
    house.inspect(*(text for _, text in messages))
    content, reason, tools = _said(call, messages)
    output = tokens(content)
    most = call.fields.get("max_tokens")
    if isinstance(most, int) and output > most:
        content, reason, output = content[: most * BYTES_PER_TOKEN], "length", most
    given = sum(tokens(text) + MESSAGE_TOKENS for _, text in messages)
    await house.latency(output)
    house.state.record(call.row(input_tokens=given, output_tokens=output, billed=True))
    message: dict[str, object] = {"role": "assistant", "content": content}
    if tools:
        message = {"role": "assistant", "content": None, "tool_calls": tools}
    return Outcome(
        {
            "id": f"chatcmpl-{call.request_id}",
            "object": "chat.completion",
            "created": int(call.at_s),
            "model": call.model,
            "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
            "usage": {"prompt_tokens": given, "completion_tokens": output, "total_tokens": given + output},
        }
    )


def refusal(error: RefusedError, request_id: str) -> Response:
    """Return an error answer in OpenAI's shape, with the compatible mode's codes."""
    code, message, kind = _CODES.get(error.code, (error.code, "", error.code))
    inner = {"message": error.message if error.code == "InvalidParameter" else message or error.message}
    body = {"error": {**inner, "type": kind, "param": None, "code": code}, "request_id": request_id}
    return wire.answer(body, request_id, error.status, error.headers)


def tokens(text: str) -> int:
    """Return how many tokens a text is billed as: a quarter of its bytes, never none."""
    return max(1, -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN))


def _messages(fields: Body) -> list[tuple[str, str]]:
    given = fields.get("messages")
    if not isinstance(given, list) or not given:
        raise invalid("[] is too short - 'messages'")
    found = []
    for message in given:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise invalid("Input should be a valid string: messages.content")
        if message.get("role") not in {"system", "user", "assistant"}:
            raise invalid(f"{message.get('role')!r} is not one of ['system', 'assistant', 'user'] - 'messages.role'")
        found.append((message["role"], message["content"]))
    return found


def _check_form(house: House, fields: Body, messages: list[tuple[str, str]]) -> None:
    form = _form(fields)
    if form == "json_object" and not any("json" in text.lower() for _, text in messages):
        raise invalid(NO_WORD)
    if form == "json_schema" and not house.switchboard.now.chat_schema:
        raise invalid(NO_SCHEMA)


def _form(fields: Body) -> str:
    wanted = fields.get("response_format")
    return str(wanted.get("type")) if isinstance(wanted, dict) else "text"


def _said(call: Call, messages: list[tuple[str, str]]) -> tuple[str, str, list[object]]:
    """Return content, finish reason and tool calls."""
    question = _question(call.fields, messages)
    if question is None or "chat_prose" in call.faults:
        return PROSE, "stop", []
    if "chat_tool" in call.faults:
        arguments = json.dumps({"text": PROSE})
        return (
            "",
            "tool_calls",
            [{"id": "call_1", "type": "function", "function": {"name": "say", "arguments": arguments}}],
        )
    labels = list(_labels(question))
    if "chat_stranger" in call.faults:
        labels = [(number, STRANGER) for number, _ in labels]
    if "chat_missing" in call.faults:
        labels = labels[1:]
    answers = [{"number": number, "speaker": speaker} for number, speaker in labels]
    content = json.dumps({"answers": answers}, ensure_ascii=False)
    return content[: len(content) // 2] if "chat_broken" in call.faults else content, "stop", []


def _question(fields: Body, messages: list[tuple[str, str]]) -> Question | None:
    """Return what is asked; None for a talk about anything else."""
    try:
        asked = json.loads(messages[-1][1])
        names = {one["name"]: (one["name"], *one.get("also", ())) for one in asked["names"]}
        pieces = tuple((int(piece.get("number", 0)), str(piece["text"])) for row in asked["passage"] for piece in row)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    allowed = _allowed(fields)
    if allowed is not None:
        names = {name: names.get(name, (name,)) for name in allowed if name in names}
    return Question(names=names, pieces=pieces) if names else None


def _allowed(fields: Body) -> tuple[str, ...] | None:
    """Return the closed list of the schema: the first `enum` of strings in it."""
    wanted = fields.get("response_format")
    for found in _enums(wanted if _form(fields) == "json_schema" else None):
        return found
    return None


def _enums(node: object) -> Iterator[tuple[str, ...]]:
    if isinstance(node, dict):
        given = node.get("enum")
        if isinstance(given, list) and all(isinstance(one, str) for one in given):
            yield tuple(given)
        for below in node.values():
            yield from _enums(below)
    elif isinstance(node, list):
        for below in node:
            yield from _enums(below)


def _labels(question: Question) -> Iterator[tuple[int, str]]:
    owners = {word: name for name, words in question.names.items() for word in words}
    pattern = re.compile(
        r"(?<!\w)(?:" + "|".join(re.escape(word) for word in sorted(owners, key=len, reverse=True)) + r")(?!\w)"
    )
    for index, (number, _) in enumerate(question.pieces):
        if number:
            before = pattern.findall("\n".join(text for _, text in question.pieces[:index]))
            after = pattern.findall("\n".join(text for _, text in question.pieces[index + 1 :]))
            found = before[-1:] or after[:1]
            yield number, owners[found[0]] if found else next(iter(question.names))
