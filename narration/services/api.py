"""A JSON API behind a key: one call, from the gate through its attempts to a parsed answer or a typed error.

Invariant: the key goes to the configured host and nowhere else; what leaves `ApiDoor.ask` is what `ApiCall.read` made
of a good answer, or a typed error with the facts of the call.

The order in which an answer is read is the vendor's: transport, status, the body's `code`, the output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from narration.errors import AnswerUnclear, CallFacts
from narration.services.attempts import Caller, Done, Ended, Failed, Record, doubt_of
from narration.services.attempts import Repeat as Repeat
from narration.services.envelope import (
    Json,
    Judge,
    Misshapen,
    Verdict,
    api_host,
    encoded,
    error_words,
    is_torn,
    json_object,
    request_id,
    what_came,
)
from narration.services.events import EVENT_HEADERS, gathered
from narration.services.http import Reply, Timing, Wire, WireFailure, WireRequest, asked_wait_s
from narration.services.keys import ApiKey
from narration.services.protocol import AttemptEnd, Ending, Gate
from narration.settings.settings import LimitSettings, ServiceSettings

T = TypeVar("T")

ANSWER_MOST_BYTES: Final = 40 * 1024 * 1024
"""A longer JSON answer is refused: a preview of two minutes is about 8 MB in base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A body that is no JSON: its kind, as `Content-Type` has it, and its bytes."""

    kind: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall(Generic[T]):
    """One logical call.

    Attributes:
        action: `design`, `synthesize`, `ask`, `transcribe`, `list`, `query`, `delete`.
        model: the model named in the request.
        path: below the base URL, with a leading slash.
        body: what to send as JSON; None sends nothing.
        repeat: when it may be sent again.
        read: takes what is wanted out of a good answer, given its request id; raises `Misshapen`.
        method: of HTTP.
        events: ask for the answer as a stream of events.
        errors_inside: an error in a good answer refuses the call; False where it speaks of the thing asked for.
        form: to send instead of `body`.
    """

    action: str
    model: str
    path: str
    body: Json | None
    repeat: Repeat
    read: Callable[[Json, str], T]
    method: str = "POST"
    events: bool = False
    errors_inside: bool = True
    form: Form | None = None


class ApiDoor:
    """Calls to one account of one service.

    Args:
        service: where it is.
        key: of the account.
        limits: timeouts, attempts and seconds of a call.
        judge: the service's error map.
        wire: connections for this purpose.
        timing: time and chance.
        path_end: how the base URL must end, for a hint.

    Raises:
        InputError: the base URL is not one.
    """

    def __init__(
        self,
        *,
        service: ServiceSettings,
        key: ApiKey,
        limits: LimitSettings,
        judge: Judge,
        wire: Wire,
        timing: Timing,
        path_end: str = "/api/v1",
    ) -> None:
        self._path_end = path_end
        self.host = api_host(service)
        self._base_url = service.base_url.rstrip("/")
        self._workspace = service.workspace
        self._key, self._wire, self._timing = key, wire, timing
        self._caller = Caller(
            host=self.host, profile=service.profile, key=key, limits=limits, judge=judge, timing=timing
        )

    async def ask(self, call: ApiCall[T], gate: Gate) -> tuple[T, CallFacts]:
        """Send a call until it is answered, refused or given up.

        Raises:
            ServiceError: with the facts of the call.
        """
        request = self._prepare(call)

        async def exchange(record: Record, deadline_s: float) -> Ended[T]:
            try:
                reply = gathered(await self._wire.exchange(request, deadline_s))
            except WireFailure as failure:
                return self._caller.lost(call, failure)
            return self._read(call, reply, record)

        return await self._caller.ask(call, exchange, gate)

    def shown(self, text: str, most_chars: int = 300) -> str:
        """Foreign words without the key, fit for a message."""
        return self._caller.shown(text, most_chars)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._wire.aclose()

    def _prepare(self, call: ApiCall[T]) -> WireRequest:
        headers = [("Authorization", self._key.bearer())]
        headers += EVENT_HEADERS if call.events else [("Accept", "application/json")]
        if self._workspace:
            headers.append(("X-DashScope-WorkSpace", self._workspace))
        body = b""
        if call.body is not None:
            headers.append(("Content-Type", "application/json"))
            body = encoded(call.body)
        elif call.form is not None:
            headers.append(("Content-Type", call.form.kind))
            body = call.form.content
        return WireRequest(
            method=call.method,
            url=self._base_url + call.path,
            headers=tuple(headers),
            body=body,
            most_bytes=ANSWER_MOST_BYTES,
        )

    def _read(self, call: ApiCall[T], reply: Reply, record: Record) -> Ended[T]:
        content = json_object(reply.body)
        code, message = error_words(content or {})
        code, message = self._caller.shown(code, 100), self._caller.shown(message)
        good = 200 <= reply.status < 400 and not (content is not None and code and call.errors_inside)
        record.status, record.code = reply.status, "" if good else code
        record.request_id = self._caller.shown(request_id(content or {}, reply), 100)
        if not good:
            wait_s = asked_wait_s(reply.headers, self._timing.now())
            return self._caller.told_no(call, reply.status, code, message, judged_as=reply.status, retry_after_s=wait_s)
        if reply.status >= 300 or content is None:
            return self._unclear(call, reply, what_came(reply))
        try:
            value = call.read(content, record.request_id)
        except Misshapen as misshapen:
            return self._unclear(call, reply, self._caller.shown(misshapen.what))
        return Done(AttemptEnd(ending=Ending.ANSWERED, status=reply.status), value)

    def _unclear(self, call: ApiCall[T], reply: Reply, what: str) -> Failed:
        """An answer that says neither yes nor no; a torn one may be asked for again, any other would be the same."""
        ending = doubt_of(call) if reply.status < 300 else Ending.REFUSED
        torn = reply.status < 300 and is_torn(reply.body) and call.repeat is not Repeat.AT_MOST_ONCE
        verdict = Verdict(
            error=AnswerUnclear,
            ending=ending,
            repeat=torn,
            why=what,
            hint="Check that the base URL of profile {profile} is the service's own ({host}) and ends in "
            + self._path_end
            + ".",
        )
        return Failed(AttemptEnd(ending=ending, status=reply.status), verdict, str(reply.status))
