"""A JSON API behind a key: one call, from the gate through its attempts to a parsed answer or a typed error.

Invariant: every attempt that passed the gate is reported to the gate exactly once, however it ended; the key goes to
the configured host and nowhere else; a call that must not be repeated in doubt is not.

The order in which an answer is read is the vendor's: transport, status, the body's `code`, the output.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Generic, TypeAlias, TypeVar

from narration.errors import (
    AnswerUnclear,
    CallFacts,
    ServiceError,
    ServiceUnavailable,
)
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
from narration.services.http import (
    Passing,
    Persistence,
    Reply,
    Timing,
    Wire,
    WireFailure,
    WireRequest,
    asked_wait_s,
    persist,
)
from narration.services.keys import ApiKey, readable
from narration.services.protocol import AttemptEnd, Ending, Gate
from narration.settings import LimitSettings, ServiceSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

ANSWER_MOST_BYTES: Final = 40 * 1024 * 1024
"""A longer JSON answer is refused: a preview of two minutes is about 8 MB in base64."""

ROOM_S: Final = 10.0
"""An attempt with less time than this is not begun: most answers take a few seconds."""

DOUBTFUL_STATUSES: Final = frozenset({408, 502, 504})
"""Somebody between us and the service gave up waiting: the service may have done the work."""


class Repeat(StrEnum):
    """When a call may be sent again."""

    FREE = "free"
    """Whenever it helps: it costs nothing."""
    AT_LEAST_ONCE = "at_least_once"
    """Also in doubt: the doubt is counted."""
    AT_MOST_ONCE = "at_most_once"
    """Only when the service certainly did nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall(Generic[T]):
    """One logical call.

    Attributes:
        action: `design`, `synthesize`, `list`, `query`, `delete`.
        model: the model named in the request.
        path: below the base URL, with a leading slash.
        body: what to send as JSON; None sends nothing.
        repeat: when it may be sent again.
        read: takes what is wanted out of a good answer, given its request id; raises `Misshapen`.
        method: of HTTP.
        events: ask for the answer as a stream of events.
        errors_inside: an error in a good answer refuses the call; False where it speaks of the thing asked for.
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


@dataclass(slots=True)
class _Record:
    """What is known of a call while it goes on."""

    started: float = 0.0
    at_gate_s: float = 0.0
    attempts: int = 0
    in_doubt: int = 0
    status: int = 0
    code: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    """An attempt that was answered well."""

    end: AttemptEnd
    value: T


@dataclass(frozen=True, slots=True)
class _Failed:
    """An attempt that was not; `words` are the service's own."""

    end: AttemptEnd
    verdict: Verdict
    words: str = ""


_Ended: TypeAlias = _Done[T] | _Failed


class ApiDoor:
    """Calls to one account of one service.

    Args:
        service: where it is.
        key: of the account.
        limits: timeouts, attempts and seconds of a call.
        judge: the service's error map.
        wire: connections for this purpose.
        timing: time and chance.

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
    ) -> None:
        self.host = api_host(service)
        self._base_url = service.base_url.rstrip("/")
        self._profile = service.profile
        self._workspace = service.workspace
        self._key, self._limits, self._judge, self._wire, self._timing = key, limits, judge, wire, timing
        self._persistence = Persistence(
            attempts=max(limits.attempts, 1), total_s=limits.total_s, room_s=min(ROOM_S, limits.total_s / 4)
        )

    async def ask(self, call: ApiCall[T], gate: Gate) -> tuple[T, CallFacts]:
        """Send a call until it is answered, refused or given up.

        Raises:
            ServiceError: with the facts of the call.
        """
        record = _Record()
        request = self._prepare(call)

        def spent_s() -> float:
            return self._timing.clock() - record.started - record.at_gate_s if record.attempts else 0.0

        async def attempt() -> T:
            return await self._attempt(call, request, gate, record, spent_s())

        value = await persist(attempt, persistence=self._persistence, timing=self._timing, spent_s=spent_s)
        return value, self._facts(call, record)

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
        return WireRequest(
            method=call.method,
            url=self._base_url + call.path,
            headers=tuple(headers),
            body=body,
            most_bytes=ANSWER_MOST_BYTES,
        )

    async def _attempt(self, call: ApiCall[T], request: WireRequest, gate: Gate, record: _Record, spent_s: float) -> T:
        number = record.attempts + 1
        arrived = self._timing.clock()
        await gate.before(number)
        now = self._timing.clock()
        if number == 1:
            record.started = now
        else:
            record.at_gate_s += now - arrived
        record.attempts = number
        deadline_s = min(self._limits.connect_s + self._limits.read_s, self._limits.total_s - spent_s)
        try:
            ended = await self._exchange(call, request, record, deadline_s)
        except BaseException:  # cancelled, above all: the gate holds money and must hear of every attempt
            await gate.after(number, AttemptEnd(ending=_billed_or_not(call.repeat)))
            raise
        record.in_doubt += ended.end.ending is Ending.IN_DOUBT
        await gate.after(number, ended.end)
        if isinstance(ended, _Done):
            return ended.value
        raise self._failure(call, record, ended)

    async def _exchange(self, call: ApiCall[T], request: WireRequest, record: _Record, deadline_s: float) -> _Ended[T]:
        try:
            reply = gathered(await self._wire.exchange(request, deadline_s))
        except WireFailure as failure:
            ending = failure.ending
            if ending is Ending.IN_DOUBT:
                ending = _billed_or_not(call.repeat)
            verdict = Verdict(
                error=ServiceUnavailable if failure.transient else AnswerUnclear,
                ending=ending,
                repeat=failure.transient and not (ending is Ending.IN_DOUBT and call.repeat is Repeat.AT_MOST_ONCE),
                why=failure.what,
                hint="Check the network and the address ({host}, profile {profile}), then run the same command again.",
            )
            return _Failed(AttemptEnd(ending=ending), verdict)
        return self._read(call, reply, record)

    def _read(self, call: ApiCall[T], reply: Reply, record: _Record) -> _Ended[T]:
        content = json_object(reply.body)
        code, message = error_words(content or {})
        code, message = self.shown(code, 100), self.shown(message)
        good = 200 <= reply.status < 400 and not (content is not None and code and call.errors_inside)
        record.status, record.code = reply.status, "" if good else code
        record.request_id = self.shown(request_id(content or {}, reply), 100)
        if not good:
            verdict = self._judge(reply.status, code, message, call.model)
            return self._answered_no(call, reply, code, message, verdict)
        if reply.status >= 300 or content is None:
            return self._unclear(call, reply, what_came(reply))
        try:
            value = call.read(content, record.request_id)
        except Misshapen as misshapen:
            return self._unclear(call, reply, self.shown(misshapen.what))
        return _Done(AttemptEnd(ending=Ending.ANSWERED, status=reply.status), value)

    def _answered_no(self, call: ApiCall[T], reply: Reply, code: str, message: str, verdict: Verdict) -> _Failed:
        ending, repeat = verdict.ending, verdict.repeat
        timed_out = reply.status in DOUBTFUL_STATUSES or "timeout" in code.casefold()
        if call.repeat is Repeat.AT_MOST_ONCE and repeat and timed_out:
            ending, repeat = Ending.IN_DOUBT, False
        end = AttemptEnd(
            ending=ending,
            status=reply.status,
            code=code,
            retry_after_s=asked_wait_s(reply.headers, self._timing.now()),
        )
        said = " ".join(part for part in (str(reply.status), code, f"“{message}”" if message else "") if part)
        return _Failed(end, replace(verdict, ending=ending, repeat=repeat), said)

    def _unclear(self, call: ApiCall[T], reply: Reply, what: str) -> _Failed:
        """An answer that says neither yes nor no; a torn one may be asked for again, any other would be the same."""
        ending = _billed_or_not(call.repeat) if reply.status < 300 else Ending.REFUSED
        torn = reply.status < 300 and is_torn(reply.body) and call.repeat is not Repeat.AT_MOST_ONCE
        verdict = Verdict(
            error=AnswerUnclear,
            ending=ending,
            repeat=torn,
            why=what,
            hint="Check that the base URL of profile {profile} is the service's own ({host}) and ends in /api/v1.",
        )
        return _Failed(AttemptEnd(ending=ending, status=reply.status), verdict, str(reply.status))

    def _failure(self, call: ApiCall[T], record: _Record, ended: _Failed) -> Passing | ServiceError:
        verdict = ended.verdict
        facts = self._facts(call, record)
        tried = f" ({record.attempts} attempts, {facts.latency_ms / 1000:.1f} s)" if record.attempts > 1 else ""
        answer = f" The service's answer: {ended.words}" if ended.words else ""
        request_id = f", request id {record.request_id}" if ended.words and record.request_id else ""
        subject = f"{call.action} with {call.model}" if call.model else call.action
        what = f"{subject}: {verdict.why}{tried}.{answer}{request_id}{'.' if answer else ''}"
        doubt = " It may have been done, and billed, nevertheless." if record.in_doubt else ""
        hint = verdict.hint.format(model=call.model, profile=self._profile, host=self.host)
        error = verdict.error(self._key.redact(what + doubt), hint, facts)
        if not verdict.repeat:
            return error
        log.info("attempt %d of %s failed and may be repeated: %s", record.attempts, call.action, error.what)
        asked_s = ended.end.retry_after_s
        return Passing(error, verdict.least_s if asked_s is None else asked_s)

    def _facts(self, call: ApiCall[T], record: _Record) -> CallFacts:
        return CallFacts(
            action=call.action,
            model=call.model,
            status=record.status,
            code=record.code,
            request_id=record.request_id,
            attempts=record.attempts,
            in_doubt=record.in_doubt,
            latency_ms=round((self._timing.clock() - record.started) * 1000),
        )

    def shown(self, text: str, most_chars: int = 300) -> str:
        """The service's own words, fit for a message: without the key, on one line."""
        return readable(self._key.redact(text), most_chars)


def _billed_or_not(repeat: Repeat) -> Ending:
    """What an attempt without a readable answer means: of a call that costs nothing, no money is in doubt."""
    return Ending.FAILED if repeat is Repeat.FREE else Ending.IN_DOUBT
