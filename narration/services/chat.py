"""Questions to a language model, at any OpenAI-compatible endpoint: the vendor's compatible mode, or another host.

Invariant: what a model says leaves this door as it came, as data with its tokens; whether it is an answer is judged by
`narration.script.verdicts`. The vendor's own switch (`enable_thinking`) goes to the vendor's own host only.

Source: alibabacloud.com model-studio, OpenAI compatible - Chat, and structured output; OpenAI's chat completions
reference for the shape of requests, answers and errors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from narration.chat import ACTION, ChatAsk, ChatSaid
from narration.errors import (
    CallFacts,
    FormRefused,
    InputError,
    KeyRefused,
    ModelGone,
    Problem,
    ServiceRefused,
    TextTooLong,
)
from narration.services import qwen_errors
from narration.services.api import ApiCall, ApiDoor, Repeat
from narration.services.envelope import Json, Misshapen, Verdict
from narration.services.error_map import Row
from narration.services.http import Timing, Wire
from narration.services.keys import ApiKey
from narration.services.pricing import price_of
from narration.services.protocol import Gate, Price
from narration.settings.chat import AnswerForm, ChatSettings, chat_url, is_own_host

if TYPE_CHECKING:
    from narration.services.http import Transport
    from narration.settings.settings import Settings

COMPLETIONS: Final = "/chat/completions"
CONTENT_MOST_CHARS: Final = 50_000
"""More words than this are no list of labels; the rest of them is not kept."""

_OVERHEAD_TOKENS: Final = 400
"""What an endpoint may add to a question: the marks between messages, words that introduce the schema."""

_TABLE: Final = (
    Row(
        name="form",
        message=r"response_format|json_schema|json_object",
        statuses=frozenset({400, 404, 422}),
        error=FormRefused,
        why="the model does not answer in the form that was asked for",
        hint="Set `form` of the table [chat] to json_object, or choose another model.",
    ),
    Row(
        name="too long",
        message=r"range of input length|context.?length|maximum context",
        error=TextTooLong,
        why="the question is longer than the model takes",
        hint="Lower passage_chars of the table [chat].",
    ),
)
"""What only chat endpoints answer; all else is as `qwen_errors.TABLE` has it."""

_HINTS: Final = MappingProxyType[type[Exception], str](
    {
        KeyRefused: "{host} is asked with DASHSCOPE_API_KEY where it is the speech service's own host, else with the "
        "variable that key_variable of the table [chat] names (profile {profile}).",
        ModelGone: "Model {model} may be retired, misspelt or not offered by {host}: see model and base_url of the "
        "table [chat] (profile {profile}).",
        ServiceRefused: "Its words above are all that is known; model and base_url stand in the table [chat].",
    }
)
"""The next step, where that of a speech request would mislead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answered question."""

    said: ChatSaid
    call: CallFacts


class ChatService(Protocol):
    """One language model for one account. Every method raises `narration.errors.ServiceError` subclasses only."""

    @property
    def account(self) -> str:
        """Fingerprint of the key."""

    async def ask(self, ask: ChatAsk, gate: Gate) -> Told:
        """Ask; transient failures are retried, those in doubt too, and counted, each attempt through the gate."""

    async def aclose(self) -> None:
        """Close every connection."""


class CompatibleChat:
    """An OpenAI-compatible chat endpoint.

    Args:
        key: of the account.
        door: calls to it.
        is_vendors: whether it is the speech vendor's own compatible mode.
    """

    def __init__(self, *, key: ApiKey, door: ApiDoor, is_vendors: bool) -> None:
        self._key, self._door, self._is_vendors = key, door, is_vendors
        self._refuses_schema = False

    @property
    def account(self) -> str:
        """Fingerprint of the key."""
        return self._key.fingerprint

    async def ask(self, ask: ChatAsk, gate: Gate) -> Told:
        """Ask a question; where the endpoint refuses a JSON schema, once more without one, which it is told once.

        Raises:
            FormRefused: it does not answer in JSON at all.
            ServiceError: its refusal, or no answer.
        """
        form = AnswerForm.JSON_OBJECT if self._refuses_schema else AnswerForm(ask.form)
        try:
            said, call = await self._door.ask(self._call(ask, form), gate)
        except FormRefused as refused:
            if form is AnswerForm.JSON_OBJECT or refused.call is None:
                raise
            self._refuses_schema = True
            before = refused.call
        else:
            return Told(said=self._redacted(said), call=call)
        said, call = await self._door.ask(self._call(ask, AnswerForm.JSON_OBJECT), gate)
        call = replace(call, attempts=before.attempts + call.attempts, in_doubt=before.in_doubt + call.in_doubt)
        return Told(said=self._redacted(said), call=call)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._door.aclose()

    def _call(self, ask: ChatAsk, form: AnswerForm) -> ApiCall[ChatSaid]:
        wanted: Json = {"type": form.value}
        if form is AnswerForm.JSON_SCHEMA:
            wanted["json_schema"] = {"name": "speakers", "strict": True, "schema": json.loads(ask.schema)}
        body: Json = {
            "model": ask.model,
            "messages": [{"role": "system", "content": ask.system}, {"role": "user", "content": ask.user}],
            "temperature": 0,
            "max_tokens": ask.max_tokens,
            "response_format": wanted,
        }
        if self._is_vendors:
            body["enable_thinking"] = False
        return ApiCall(
            action=ACTION,
            model=ask.model,
            path=COMPLETIONS,
            body=body,
            repeat=Repeat.AT_LEAST_ONCE,
            read=read_completion,
        )

    def _redacted(self, said: ChatSaid) -> ChatSaid:
        return replace(said, content=self._key.redact(said.content))


def read_completion(content: Json, request_id: str) -> ChatSaid:
    """The first choice of an answer; one without words (a tool call) has none.

    Raises:
        Misshapen: there is no choice.
    """
    choices = content.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise Misshapen("the answer has no choices[0].message")
    words = message.get("content")
    reason = choice.get("finish_reason")
    usage = content.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return ChatSaid(
        request_id=request_id or str(content.get("id") or "")[:100],
        content=words[:CONTENT_MOST_CHARS] if isinstance(words, str) and not message.get("tool_calls") else "",
        finish_reason=reason[:40] if isinstance(reason, str) else "",
        input_tokens=_count(counts.get("prompt_tokens")),
        output_tokens=_count(counts.get("completion_tokens")),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else None


def judge(status: int, code: str, message: str, model: str) -> Verdict:
    """The verdict on an error answer."""
    row = next((row for row in _TABLE if row.fits(status, code, message)), None)
    if row is not None:
        return row.verdict(model)
    verdict = qwen_errors.judge(status, code, message, model)
    return replace(verdict, hint=_HINTS.get(verdict.error, verdict.hint))


def open_chat(
    settings: Settings, api_key: str, *, timing: Timing | None = None, transport: Transport | None = None
) -> ChatService:
    """Open the language model that the settings name; nothing is sent yet.

    Args:
        settings: of the run; where the model is at the service's own host, its `base_url` must be known by now.
        api_key: of that host; goes there and nowhere else.
        timing: time, sleep and chance; the real ones by default.
        transport: a fake wire for tests.

    Raises:
        InputError: a key, base URL, proxy or certificate setting that cannot be used.
    """
    own = is_own_host(settings.chat, settings.service.base_url)
    url = chat_url(settings.chat, settings.service.base_url)
    service = replace(settings.service, base_url=url, workspace=settings.service.workspace if own else "")
    limits = settings.limits
    wire = Wire(
        connect_s=limits.connect_s,
        read_s=limits.read_s,
        in_flight=limits.in_flight,
        # A proxy sees a tunnel when the endpoint speaks https; with plain http it would read the key.
        proxies=url.startswith("https://") and not service.sandbox,
        transport=transport,
    )
    key = ApiKey(api_key)
    door = ApiDoor(
        service=service, key=key, limits=limits, judge=judge, wire=wire, timing=timing or Timing(), path_end="/v1"
    )
    return CompatibleChat(key=key, door=door, is_vendors=own)


def chat_price(chat: ChatSettings, place: str) -> Price:
    """What the tokens of a model cost.

    Args:
        chat: the settings; their own prices count.
        place: as `chat_place` has it.

    Raises:
        InputError: no price of its tokens is known, so nothing could be budgeted.
    """
    if chat.prices_usd:
        return Price(
            usd=chat.prices_usd[0],
            per_characters=0,
            as_of="",
            source="prices_usd of the table [chat]",
            assumed=False,
            per_tokens=1_000_000,
            output_usd=chat.prices_usd[1],
        )
    try:
        price = price_of(chat.model, place)
    except InputError:
        price = None
    if price is not None and price.per_tokens:
        return price
    raise InputError(
        Problem(
            what=f"no price is known for the tokens of {chat.model}, so no cost could be planned or capped",
            where="model of the table [chat]",
            expected="a model of the price table, or prices_usd = [INPUT, OUTPUT] for a million tokens",
        )
    )


def most_tokens(ask: ChatAsk) -> tuple[int, int]:
    """Tokens of a question and of its answer, at the most: a token is at least a byte long.

    Source: the tokenisers of these models are byte-level BPE (Qwen technical reports).
    """
    sent = len((ask.system + ask.user + ask.schema).encode("utf-8", "surrogatepass"))
    return sent + _OVERHEAD_TOKENS, ask.max_tokens
