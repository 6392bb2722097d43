"""Conversations over WebSocket behind a key: from the gate through their attempts to a whole answer or a typed error.

Invariant: the key goes to the configured host and nowhere else; a connection on which anything went wrong is never
used again, and nothing of an answer leaves before `Conversation.hold` has heard the whole of it.

Connections that ended well are kept for the next conversation on the same terms. One that died while it was idle is
replaced within the same attempt, as nothing had been asked on it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from narration.errors import AnswerUnclear, CallFacts, InputError, Problem
from narration.services.attempts import Caller, Done, Ended, Failed, Record, Repeat, doubt_of
from narration.services.envelope import Judge, Misshapen, Verdict, error_words, json_object, request_id, what_came
from narration.services.http import Reply, Timing, WireFailure, asked_wait_s, tls_context
from narration.services.keys import ApiKey
from narration.services.protocol import AttemptEnd, Ending, Gate
from narration.services.socket import Address, Line, SaidNo, dial
from narration.settings.profiles import websocket_beside
from narration.settings.settings import LimitSettings, ServiceSettings

T = TypeVar("T")

IDLE_S: Final = 20.0
"""An idle connection is given up before the service does so. Source: alibabacloud.com, model-studio
cosyvoice-websocket-api (60 s); the idle time of a realtime session is not documented [assumed: no shorter]."""

FRESH_S: Final = 1.0
"""A connection used so short a time ago is not asked whether it is still there."""

TOLD: Final = 200
"""What the ledger has for the status of an answer over an open connection, which has none of its own."""

_HINT: Final = "Check that the WebSocket URL of profile {profile} is the service's own ({host}) and ends in /api-ws/v1."


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation(Generic[T]):
    """One logical call.

    Attributes:
        action: `synthesize`.
        model: the model that is asked.
        path: below the WebSocket URL, with a leading slash and with its query.
        terms: connections made for equal terms may take each other's place.
        greet: agrees on the terms on a new connection.
        hold: asks, hears the whole answer, and says by `Line.reusable` whether the connection can serve again.
            It calls `Line.say(…, billed=True)` for the first event after which the service may bill. `greet` and
            `hold` raise `Misshapen` for what does not fit the documents and `SaidNo` for the service's refusals.
        headers: beside the key.
        repeat: when it may be sent again.
    """

    action: str
    model: str
    path: str
    terms: Hashable
    greet: Callable[[Line], Awaitable[None]]
    hold: Callable[[Line], Awaitable[T]]
    headers: tuple[tuple[str, str], ...] = ()
    repeat: Repeat = Repeat.AT_LEAST_ONCE


class SocketDoor:
    """Conversations with one account of one service.

    Args:
        service: where it is.
        key: of the account.
        limits: timeouts, attempts and seconds of a call; connections kept open.
        judge: the service's error map.
        timing: time and chance.

    Raises:
        InputError: the WebSocket URL is not one.
    """

    def __init__(
        self, *, service: ServiceSettings, key: ApiKey, limits: LimitSettings, judge: Judge, timing: Timing
    ) -> None:
        self._url = (service.websocket_url or websocket_beside(service.base_url)).rstrip("/")
        self.host = socket_host(self._url, service.profile)
        self._workspace = service.workspace
        self._key, self._limits, self._timing = key, limits, timing
        secure = self._url.startswith("wss://")
        self._proxies = secure and not service.sandbox
        self._tls = tls_context() if secure else None
        self._pool = Pool(most=limits.in_flight, connect_s=limits.connect_s, clock=timing.clock)
        self._caller = Caller(
            host=self.host, profile=service.profile, key=key, limits=limits, judge=judge, timing=timing
        )

    async def converse(self, call: Conversation[T], gate: Gate) -> tuple[T, CallFacts]:
        """Hold a conversation until it comes to a whole answer, is refused or given up.

        Raises:
            ServiceError: with the facts of the call.
        """

        async def exchange(record: Record, deadline_s: float) -> Ended[T]:
            return await self._exchange(call, record, deadline_s)

        return await self._caller.ask(call, exchange, gate)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def _exchange(self, call: Conversation[T], record: Record, deadline_s: float) -> Ended[T]:
        record.sent, record.first_audio_ms = False, 0
        try:
            async with asyncio.timeout(max(deadline_s, 0.001)):
                value = await self._attempt(call, record)
        except TimeoutError:
            ending = doubt_of(call) if record.sent else Ending.NOT_SENT
            what = f"no whole answer came within {deadline_s:.0f} s"
            return self._caller.lost(call, WireFailure(what, ending, transient=True))
        except WireFailure as failure:
            return self._caller.lost(call, failure)
        except SaidNo as said:
            return self._no(call, record, said)
        except Misshapen as misshapen:
            return self._unclear(call, record, misshapen.what)
        record.status, record.code = TOLD, ""
        return Done(AttemptEnd(ending=Ending.ANSWERED, status=TOLD), value)

    async def _attempt(self, call: Conversation[T], record: Record) -> T:
        with self._pool.busy():
            line = await self._pool.take((call.path, call.terms))
            if line is not None:
                try:
                    return await self._held(call, line, record)
                except WireFailure:
                    if record.sent:
                        raise
            self._pool.make_room()
            line = await dial(self._address(call), self._timing.clock)
            return await self._held(call, line, record, new=True)

    async def _held(self, call: Conversation[T], line: Line, record: Record, *, new: bool = False) -> T:
        def sent() -> None:
            record.sent = True

        line.begin(sent)
        try:
            if new:
                await call.greet(line)
            value = await call.hold(line)
        except BaseException:
            line.abort()
            raise
        finally:
            shown = self._caller.shown
            record.session_id, record.request_id = shown(line.session_id, 100), shown(line.request_id, 100)
            record.first_audio_ms = line.first_audio_ms
        self._pool.give((call.path, call.terms), line)
        return value

    def _address(self, call: Conversation[T]) -> Address:
        headers = [("Authorization", self._key.bearer()), *call.headers]
        if self._workspace:
            headers.append(("X-DashScope-WorkSpace", self._workspace))
        return Address(
            url=self._url + call.path,
            headers=tuple(headers),
            connect_s=self._limits.connect_s,
            proxies=self._proxies,
            tls=self._tls,
        )

    def _no(self, call: Conversation[T], record: Record, said: SaidNo) -> Failed:
        if said.reply is not None:
            return self._not_opened(call, record, said.reply)
        record.status, record.code = TOLD, self._caller.shown(said.code, 100) or "error"
        failed = self._caller.told_no(call, TOLD, record.code, self._caller.shown(said.message), judged_as=0)
        if not said.may_be_billed:
            return failed
        ending = doubt_of(call)
        return replace(failed, end=replace(failed.end, ending=ending), verdict=replace(failed.verdict, ending=ending))

    def _not_opened(self, call: Conversation[T], record: Record, reply: Reply) -> Failed:
        content = json_object(reply.body) or {}
        code, message = (self._caller.shown(words) for words in error_words(content))
        record.status, record.code = reply.status, code
        record.request_id = self._caller.shown(request_id(content, reply), 100)
        if reply.status < 400:
            return self._unclear(call, record, what_came(reply))
        wait_s = asked_wait_s(reply.headers, self._timing.now())
        return self._caller.told_no(call, reply.status, code, message, judged_as=reply.status, retry_after_s=wait_s)

    def _unclear(self, call: Conversation[T], record: Record, what: str) -> Failed:
        """What came does not fit the documents; asked again, it would be the same."""
        ending = doubt_of(call) if record.sent else Ending.NOT_SENT
        verdict = Verdict(error=AnswerUnclear, ending=ending, repeat=False, why=self._caller.shown(what), hint=_HINT)
        return Failed(AttemptEnd(ending=ending), verdict)


class Pool:
    """Idle connections, by the terms they were made for.

    Args:
        most: so many are there, idle ones and those in use; one that is wanted is never refused for it.
        connect_s: how long one may take to show that it is there.
        clock: seconds that never run backwards.
    """

    def __init__(self, *, most: int, connect_s: float, clock: Callable[[], float]) -> None:
        self._most, self._connect_s, self._clock = most, connect_s, clock
        self._idle: list[tuple[Hashable, float, Line]] = []
        self._busy = 0
        self._goodbyes: set[asyncio.Task[None]] = set()

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """One connection is in use for as long as the block lasts."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    def make_room(self) -> None:
        """Say goodbye to the longest idle ones, where another is about to be made."""
        while self._idle and len(self._idle) + self._busy > self._most:
            self._leave(self._idle.pop(0)[2])

    def give(self, terms: Hashable, line: Line) -> None:
        """Keep a connection whose conversation ended well, or say goodbye to it."""
        if not line.reusable or not line.is_open:
            self._leave(line)
            return
        self._idle.append((terms, self._clock(), line))
        while len(self._idle) > self._most:
            self._leave(self._idle.pop(0)[2])

    async def take(self, terms: Hashable) -> Line | None:
        """A connection made for these terms that is still there, or None."""
        while (found := self._newest(terms)) is not None:
            since, line = found
            idle_s = self._clock() - since
            try:
                if idle_s <= IDLE_S and line.is_open and (idle_s <= FRESH_S or await line.answers(self._connect_s)):
                    return line
            except asyncio.CancelledError:
                line.abort()
                raise
            self._leave(line)
        return None

    async def aclose(self) -> None:
        """Close every connection."""
        while self._idle:
            self._leave(self._idle.pop()[2])
        if self._goodbyes:
            await asyncio.gather(*self._goodbyes)

    def _newest(self, terms: Hashable) -> tuple[float, Line] | None:
        for index in range(len(self._idle) - 1, -1, -1):
            if self._idle[index][0] == terms:
                _, since, line = self._idle.pop(index)
                return since, line
        return None

    def _leave(self, line: Line) -> None:
        goodbye = asyncio.get_running_loop().create_task(line.close())
        self._goodbyes.add(goodbye)
        goodbye.add_done_callback(self._goodbyes.discard)


def socket_host(url: str, profile: str) -> str:
    """Host and port of a WebSocket URL, as a person would name them.

    Raises:
        InputError: it is no ws or wss address of a host, or it carries a user name.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"ws", "wss"} and parts.hostname and "@" not in parts.netloc and parts.port != 0
        usable = usable and url.isascii() and url.isprintable() and " " not in parts.netloc
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise InputError(
            Problem(
                what="The WebSocket URL cannot be used.",
                where=f"websocket_url of profile {profile}",
                expected="ws(s)://host[:port]/api-ws/v1, without a user name",
            )
        )
    return parts.netloc.lower()
