"""Settings of the language model for doubtful lines: where it is, what it is asked, whose key it gets.

Invariant: the key of the speech service goes to the speech service's own host only; another host has a key of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol
from urllib.parse import urlsplit

from pydantic import Field

from narration.errors import InputError, Problem
from narration.settings.profiles import checked_url, is_loopback

SERVICE_KEY = "DASHSCOPE_API_KEY"
"""The variable of the speech service's key, which no other host may be sent."""

_API = "/api/v1"
_COMPATIBLE = "/compatible-mode/v1"
_COMPLETIONS = "/chat/completions"

_LABEL_TOKENS = 40
"""A number and a name in JSON, at the most: a longer answer would be cut off, and paid for."""

_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class AnswerForm(StrEnum):
    """How the form of an answer is asked for."""

    JSON_SCHEMA = "json_schema"
    """The closed list of names is in the schema; an endpoint that refuses it is asked for `json_object` instead."""
    JSON_OBJECT = "json_object"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """The language model that is asked about doubtful lines.

    Attributes:
        base_url: of an OpenAI-compatible interface, without `/chat/completions`; empty is the compatible mode of the
            service's own host.
        model: as the endpoint spells it.
        key_variable: holds the key of another host.
        form: how the form of the answer is asked for.
        ask_below: quotations whose speaker is less likely than this are asked about.
        accept_above: where model and rules name the same speaker, and the rules think it at least so likely, the line
            is accepted.
        spans: doubtful quotations in one question at the most.
        passage_chars: of the book in one question, about.
        max_tokens: of an answer.
        per_minute: questions started; 0 is no limit.
        prices_usd: of a million input and a million output tokens; empty is what the price table says.
    """

    base_url: str
    model: Annotated[str, Field(min_length=1, max_length=100)]
    key_variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
    form: AnswerForm
    ask_below: _Share
    accept_above: _Share
    spans: Annotated[int, Field(ge=1, le=100)]
    passage_chars: Annotated[int, Field(ge=200, le=100_000)]
    max_tokens: Annotated[int, Field(ge=16, le=32_000)]
    per_minute: Annotated[int, Field(ge=0)]
    prices_usd: tuple[_Usd, ...]


def chat_problems(values: dict[tuple[str, str], Any], places: Mapping[tuple[str, str], str]) -> list[Problem]:
    """Checks the address and the prices of the table `chat`, and writes the address in one spelling."""
    problems: list[Problem] = []
    url, where = (
        str(values["chat", "base_url"]).strip().rstrip("/").removesuffix(_COMPLETIONS),
        places["chat", "base_url"],
    )
    if url:
        values["chat", "base_url"], problem = checked_url(url, where, schemes=("http", "https"), path_end="")
        if problem is None and values["service", "sandbox"] and not is_loopback(urlsplit(url).hostname or ""):
            what = "a model that may cost money, beside a sandbox that never does"
            problem = Problem(what=what, where=where, expected="an address of this machine, or another profile")
        problems += [problem] if problem else []
    spans, needed = values["chat", "spans"], values["chat", "spans"] * _LABEL_TOKENS
    if needed > values["chat", "max_tokens"]:
        what = f"an answer about {spans} lines may be longer than {values['chat', 'max_tokens']} tokens"
        where = f"{places['chat', 'spans']} and {places['chat', 'max_tokens']}"
        problems.append(Problem(what=what, where=where, expected=f"max_tokens of {needed} or more, or fewer spans"))
    if len(values["chat", "prices_usd"]) not in (0, 2):
        expected = "two prices, for a million input and a million output tokens ([0.05, 0.4]), or []"
        what = f"found {len(values['chat', 'prices_usd'])} prices"
        problems.append(Problem(what=what, where=places["chat", "prices_usd"], expected=expected))
    return problems


def chat_url(chat: ChatSettings, service_url: str) -> str:
    """The address that `/chat/completions` stands behind.

    Args:
        chat: the settings.
        service_url: `base_url` of the speech service.

    Source: alibabacloud.com model-studio, OpenAI compatible - Chat (the same host, `/compatible-mode/v1`).
    """
    return chat.base_url or service_url.rstrip("/").removesuffix(_API) + _COMPATIBLE


class Endpoint(Protocol):
    """What of a table of settings says where something is asked."""

    @property
    def base_url(self) -> str:
        """Empty is the service's own host."""

    @property
    def key_variable(self) -> str:
        """Holds the key of another host."""


def is_own_host(chat: Endpoint, service_url: str) -> bool:
    """Whether the model is asked at the host of the speech service, by name and port."""
    return not chat.base_url or urlsplit(chat.base_url).netloc.lower() == urlsplit(service_url).netloc.lower() != ""


def chat_place(chat: Endpoint, service_url: str, region: str) -> str:
    """Where questions go, for the ledger: the service's region, or the name of another host."""
    return region if is_own_host(chat, service_url) else urlsplit(chat.base_url).netloc.lower()


def other_host_key(chat: Endpoint, environ: Mapping[str, str], *, asked: str = "Questions go") -> str:
    """The key of another host, from its own variable.

    Raises:
        InputError: the variable is not set, or it holds (or is) the speech service's. No key is in the message.
    """
    host = urlsplit(chat.base_url).netloc
    where = f"environment variable {chat.key_variable}"
    hint = f"{asked} to {host}, which is not the host of the speech service, and never get that one's key."
    key = environ.get(chat.key_variable, "").strip()
    if chat.key_variable == SERVICE_KEY or (key and key == environ.get(SERVICE_KEY, "").strip()):
        what, expected = "is the key of the speech service", f"a key of {host}, in a variable of its own (key_variable)"
        raise InputError(Problem(what=what, where=where, expected=expected, hint=hint))
    if not key:
        raise InputError(Problem(what="is not set", where=where, expected=f"a key of {host}", hint=hint))
    return key
