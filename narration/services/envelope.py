"""The outside of requests and answers: an address, JSON or not, error or not, and what an error map says of it.

Invariant: whatever bytes came, the functions here return; nothing of an answer is believed beyond its type.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from narration.errors import InputError, Problem, ServiceError, TextRefused
from narration.services.http import Reply
from narration.services.keys import readable
from narration.services.protocol import Ending
from narration.settings.settings import ServiceSettings

Json: TypeAlias = dict[str, object]
"""A JSON object as it came; what is in it is not to be trusted."""

_NO_ERROR = frozenset({"", "0", "200", "False"})
"""Codes by which some gateways say that all went well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an error answer means.

    Attributes:
        error: the class to raise.
        ending: what it means for money and rate.
        repeat: the same request may fare better.
        why: what happened, a clause without a full stop.
        hint: the next step, with `{model}`, `{profile}` and `{host}` to be filled in.
        least_s: wait at least so long before the next attempt, where the service asks for nothing.
    """

    error: type[ServiceError]
    ending: Ending
    repeat: bool
    why: str
    hint: str
    least_s: float = 0.0


Judge: TypeAlias = Callable[[int, str, str, str], Verdict]
"""From status, code, message and model to a verdict: a service's error map."""


class Misshapen(Exception):
    """A parser's word for an answer that does not fit the documents.

    Args:
        what: what is missing or wrong.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def api_host(service: ServiceSettings) -> str:
    """Host and port of the base URL, as a person would name them.

    Raises:
        InputError: it is no http or https address of a host, or it carries a user name.
    """
    try:
        parts = urlsplit(service.base_url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc and parts.port != 0
        usable = usable and service.base_url.isascii() and service.base_url.isprintable() and " " not in parts.netloc
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise InputError(
            Problem(
                what="The base URL cannot be used.",
                where=f"base_url of profile {service.profile}",
                expected="http(s)://host[:port]/api/v1, without a user name",
            )
        )
    return parts.netloc.lower()


def encoded(body: Json) -> bytes:
    """The body in UTF-8.

    Raises:
        TextRefused: the text holds half a character (a lone surrogate), which no request can carry.
    """
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"U+{ord(error.object[error.start]):04X}"
    raise TextRefused(f"The text holds half a character ({half}); nothing was sent.", "Save the manuscript as UTF-8.")


def json_object(body: bytes) -> Json | None:
    """The JSON object that the bytes spell; None when they spell none."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def is_torn(body: bytes) -> bool:
    """Whether a JSON object may have been cut off: nothing came, or it begins and does not end."""
    stripped = body.strip()
    return not stripped or (stripped.startswith(b"{") and not stripped.endswith(b"}"))


def error_words(content: Json) -> tuple[str, str]:
    """Code and message of an answer, the code empty when it names no error; `{"error": {…}}` is understood too."""
    inner = content.get("error")
    holder = inner if isinstance(inner, dict) else content
    code, message = holder.get("code"), holder.get("message")
    if isinstance(inner, dict) and not code:
        code = holder.get("type") or "error"
    told = str(code) if isinstance(code, str | int) else ""
    return "" if told in _NO_ERROR else told, message if isinstance(message, str) else ""


def request_id(content: Json, reply: Reply) -> str:
    """The service's id of an answer, of its body or its `x-request-id`; may be empty."""
    in_body = content.get("request_id")
    return in_body if isinstance(in_body, str) and in_body else reply.headers.get("x-request-id", "")


def what_came(reply: Reply) -> str:
    """What an answer is that is no JSON object, in a clause."""
    if 300 <= reply.status < 400:
        return "the answer is a redirect, which is not followed, as the key belongs to this host only"
    start = readable(reply.body[:400].decode("utf-8", "replace"), 80)
    return f"the answer is not a JSON object; it starts “{start}”" if start else "the answer is empty"
