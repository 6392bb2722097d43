"""One logical call through all its attempts, whatever wire it goes over: the gate, patience, and the facts of the call.

Invariant: every attempt that passed the gate is reported to the gate exactly once, however it ended; a call that must
not be repeated in doubt is not.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from narration.errors import AnswerUnclear, CallFacts, ServiceError, ServiceUnavailable
from narration.services.envelope import Judge, Verdict
from narration.services.http import Passing, Persistence, Timing, WireFailure, persist
from narration.services.keys import ApiKey, readable
from narration.services.protocol import AttemptEnd, Ending, Gate
from narration.settings.settings import LimitSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

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


class Call(Protocol):
    """What is asked, as far as its attempts need to know."""

    @property
    def action(self) -> str:
        """`design`, `synthesize`, `list`, `query`, `delete`."""

    @property
    def model(self) -> str:
        """The model named in the request."""

    @property
    def repeat(self) -> Repeat:
        """When it may be sent again."""


@dataclass(slots=True)
class Record:
    """What is known of a call while it goes on.

    Attributes:
        sent: whether the present attempt may have reached the service's till; a wire that knows better says so.
    """

    started: float = 0.0
    at_gate_s: float = 0.0
    attempts: int = 0
    in_doubt: int = 0
    status: int = 0
    code: str = ""
    request_id: str = ""
    session_id: str = ""
    first_audio_ms: int = 0
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """An attempt that was answered well."""

    end: AttemptEnd
    value: T


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that was not; `words` are the service's own."""

    end: AttemptEnd
    verdict: Verdict
    words: str = ""


Ended: TypeAlias = Done[T] | Failed
Exchange: TypeAlias = Callable[[Record, float], Awaitable[Ended[T]]]
"""One attempt over a wire, given what is known of the call and the seconds it may take."""


class Caller:
    """Makes calls to one account of one service, over any wire.

    Args:
        host: as a person would name it.
        profile: likewise.
        key: of the account, to keep it out of messages.
        limits: attempts and seconds of a call.
        judge: the service's error map.
        timing: time and chance.
    """

    def __init__(
        self, *, host: str, profile: str, key: ApiKey, limits: LimitSettings, judge: Judge, timing: Timing
    ) -> None:
        self._host, self._profile, self._key = host, profile, key
        self._limits, self._judge, self._timing = limits, judge, timing
        self._persistence = Persistence(
            attempts=max(limits.attempts, 1), total_s=limits.total_s, room_s=min(ROOM_S, limits.total_s / 4)
        )

    async def ask(self, call: Call, exchange: Exchange[T], gate: Gate) -> tuple[T, CallFacts]:
        """Send a call until it is answered, refused or given up.

        Raises:
            ServiceError: with the facts of the call.
        """
        record = Record()

        def spent_s() -> float:
            return self._timing.clock() - record.started - record.at_gate_s if record.attempts else 0.0

        async def attempt() -> T:
            return await self._attempt(call, exchange, gate, record, spent_s())

        value = await persist(attempt, persistence=self._persistence, timing=self._timing, spent_s=spent_s)
        return value, self._facts(call, record)

    async def _attempt(self, call: Call, exchange: Exchange[T], gate: Gate, record: Record, spent_s: float) -> T:
        number = record.attempts + 1
        arrived = self._timing.clock()
        await gate.before(number)
        now = self._timing.clock()
        if number == 1:
            record.started = now
        else:
            record.at_gate_s += now - arrived
        record.attempts = number
        record.sent = True
        deadline_s = min(self._limits.connect_s + self._limits.read_s, self._limits.total_s - spent_s)
        try:
            ended = await exchange(record, deadline_s)
        except BaseException:  # cancelled, above all: the gate holds money and must hear of every attempt
            await gate.after(number, AttemptEnd(ending=doubt_of(call) if record.sent else Ending.NOT_SENT))
            raise
        record.in_doubt += ended.end.ending is Ending.IN_DOUBT
        await gate.after(number, ended.end)
        if isinstance(ended, Done):
            return ended.value
        raise self._failure(call, record, ended)

    def lost(self, call: Call, failure: WireFailure) -> Failed:
        """An attempt of which no whole answer came."""
        ending = doubt_of(call) if failure.ending is Ending.IN_DOUBT else failure.ending
        verdict = Verdict(
            error=ServiceUnavailable if failure.transient else AnswerUnclear,
            ending=ending,
            repeat=failure.transient and not (ending is Ending.IN_DOUBT and call.repeat is Repeat.AT_MOST_ONCE),
            why=self.shown(failure.what),
            hint="Check the network and the address ({host}, profile {profile}), then run the same command again.",
        )
        return Failed(AttemptEnd(ending=ending), verdict)

    def told_no(
        self, call: Call, status: int, code: str, message: str, *, judged_as: int, retry_after_s: float | None = None
    ) -> Failed:
        """An attempt to which the service said no.

        Args:
            call: which.
            status: to be recorded.
            code: of the service's own, fit to be shown.
            message: likewise.
            judged_as: the status that the error map is asked about; 0 where the answer had none of its own.
            retry_after_s: what the service asked for.
        """
        verdict = self._judge(judged_as, code, message, call.model)
        ending, repeat = verdict.ending, verdict.repeat
        timed_out = judged_as in DOUBTFUL_STATUSES or "timeout" in code.casefold()
        if call.repeat is Repeat.AT_MOST_ONCE and repeat and timed_out:
            ending, repeat = Ending.IN_DOUBT, False
        end = AttemptEnd(ending=ending, status=status, code=code, retry_after_s=retry_after_s)
        told = (str(judged_as) if judged_as else "", code, f"“{message}”" if message else "")
        return Failed(end, replace(verdict, ending=ending, repeat=repeat), " ".join(part for part in told if part))

    def shown(self, text: str, most_chars: int = 300) -> str:
        """Foreign words without the key, fit for a message."""
        return readable(self._key.redact(text), most_chars)

    def _failure(self, call: Call, record: Record, ended: Failed) -> Passing | ServiceError:
        verdict = ended.verdict
        facts = self._facts(call, record)
        tried = f" ({record.attempts} attempts, {facts.latency_ms / 1000:.1f} s)" if record.attempts > 1 else ""
        answer = f" The service's answer: {ended.words}" if ended.words else ""
        request_id = f", request id {record.request_id}" if ended.words and record.request_id else ""
        subject = f"{call.action} with {call.model}" if call.model else call.action
        what = f"{subject}: {verdict.why}{tried}.{answer}{request_id}{'.' if answer else ''}"
        doubt = " It may have been done, and billed, nevertheless." if record.in_doubt else ""
        hint = verdict.hint.format(model=call.model, profile=self._profile, host=self._host)
        error = verdict.error(self._key.redact(what + doubt), hint, facts)
        if not verdict.repeat:
            return error
        log.info("attempt %d of %s failed and may be repeated: %s", record.attempts, call.action, error.what)
        asked_s = ended.end.retry_after_s
        return Passing(error, verdict.least_s if asked_s is None else asked_s)

    def _facts(self, call: Call, record: Record) -> CallFacts:
        return CallFacts(
            action=call.action,
            model=call.model,
            status=record.status,
            code=record.code,
            request_id=record.request_id,
            attempts=record.attempts,
            in_doubt=record.in_doubt,
            latency_ms=round((self._timing.clock() - record.started) * 1000),
            session_id=record.session_id,
            first_audio_ms=record.first_audio_ms,
        )


def doubt_of(call: Call) -> Ending:
    """What an attempt without a readable answer means: of a call that costs nothing, no money is in doubt."""
    return Ending.FAILED if call.repeat is Repeat.FREE else Ending.IN_DOUBT
