"""The WebSocket door: the one place that knows websockets.

Invariant: what leaves `dial` is an open `Line`, a `WireFailure` or a `SaidNo`; what leaves a `Line` is a whole frame or
one of the same. A failure says IN_DOUBT from the moment at which something that may be billed is handed over, and
NOT_SENT before.

A proxy of the environment is used where the caller allows it, and callers allow it for wss only: there it sees a
tunnel, with plain ws it would read the key. Redirects are never followed, and frames are never compressed.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    ProxyError,
    WebSocketException,
)
from websockets.protocol import State

from narration.services.envelope import Json, Misshapen, encoded, json_object
from narration.services.http import Reply, WireFailure
from narration.services.keys import readable
from narration.services.protocol import Ending

FRAME_MOST_BYTES: Final = 8 * 1024 * 1024
"""A longer frame is refused: a whole take in one is about 5 MB in base64."""

CONVERSATION_MOST_BYTES: Final = 64 * 1024 * 1024
"""More than this in one conversation is no take: ten minutes at 48 kHz are 58 MB of samples."""

CLOSE_S: Final = 1.0
"""How long a goodbye may take."""

ALIVE_S: Final = 20.0
"""A connection that leaves a ping unanswered for so long is given up."""

PEER_BLAMES_US: Final = frozenset({1002, 1003, 1007, 1008, 1009, 1010})
"""Close codes that say that what was sent is wrong, not that something failed. Source: RFC 6455 section 7.4.1."""

FAILURES: Final[tuple[tuple[type[WebSocketException], bool, str], ...]] = (
    (InvalidURI, False, "the address cannot be used"),
    (InvalidProxy, False, "the proxy setting of the environment cannot be used"),
    (ProxyError, True, "the proxy made no connection"),
    (InvalidMessage, True, "the connection ended before the handshake did"),
    (InvalidHandshake, False, "what answers there does not speak WebSocket"),
    (ConnectionClosed, True, "the connection ended before the answer did"),
    (WebSocketException, False, "the conversation failed"),
)
"""How the library's exceptions are understood, and whether another try may help; the first class that fits.
`InvalidStatus` is an answer and read as one."""

_TELLING = (ProxyError, InvalidProxy)
"""Only these have words of use to a person; others may quote the request's headers."""

_silent = logging.Logger("narration.services.socket.frames", logging.CRITICAL + 1)  # noqa: LOG001 — in no tree of logs
"""The library would write headers and frames, and so the key, into a log of level DEBUG."""


class SaidNo(Exception):
    """The service said no over an open connection, or instead of opening one.

    Args:
        code: the service's own, or empty.
        message: its words.
        reply: the answer to the handshake, where that was it.
        may_be_billed: something was handed over before, and what became of it is not known.
    """

    def __init__(self, code: str, message: str, *, reply: Reply | None = None, may_be_billed: bool = False) -> None:
        super().__init__(code, message)
        self.code, self.message, self.reply, self.may_be_billed = code, message, reply, may_be_billed


class _Dial(connect):
    """The library's connection, which follows no redirect: the key belongs to one host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to connect to, and how.

    Attributes:
        url: absolute, `ws` or `wss`.
        headers: never shown, as one holds the key.
        connect_s: seconds for the connection and its handshake.
        proxies: whether a proxy named in the environment may be used.
        tls: for `wss`.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    connect_s: float
    proxies: bool
    tls: ssl.SSLContext | None = None


class Line:
    """One open connection; at most one conversation at a time is held on it.

    Args:
        connection: the library's.
        clock: seconds that never run backwards.

    Attributes:
        session_id, request_id: the service's own of what is going on; whoever holds the conversation sets them.
        reusable: whether it may serve for another conversation after this one.
    """

    def __init__(self, connection: ClientConnection, clock: Callable[[], float]) -> None:
        self._connection, self._clock = connection, clock
        self._on_sent: Callable[[], None] = _nothing
        self._bytes = 0
        self._sent_at: float | None = None
        self.session_id = self.request_id = ""
        self.first_audio_ms = 0
        self.reusable = False

    @property
    def is_open(self) -> bool:
        """Whether the connection is there as far as is known."""
        return self._connection.state is State.OPEN

    def begin(self, on_sent: Callable[[], None]) -> None:
        """Begin a conversation; `on_sent` is called before something is handed over that may be billed."""
        self._on_sent, self._bytes, self._sent_at = on_sent, 0, None
        self.request_id, self.first_audio_ms, self.reusable = "", 0, False

    async def say(self, event: Json, *, billed: bool = False) -> None:
        """Send a JSON object in a text frame.

        Args:
            event: what to say.
            billed: from here on the service may bill.

        Raises:
            WireFailure: the connection is broken.
            TextRefused: the text holds half a character; nothing was sent.
        """
        text = encoded(event).decode()
        if billed and self._sent_at is None:
            if not self.is_open:
                raise WireFailure("the connection ended before anything was asked", Ending.NOT_SENT, transient=True)
            self._sent_at = self._clock()
            self._on_sent()
        try:
            await self._connection.send(text)
        except (WebSocketException, OSError) as error:
            failure = self._failure(error)
        else:
            return
        raise failure

    async def hear(self) -> Json | bytes:
        """The next frame: the JSON object of a text frame, or the bytes of a binary one.

        Raises:
            WireFailure: the connection is broken, or too much was said.
            SaidNo: it was closed with the words that what was sent is wrong.
            Misshapen: a text frame without a JSON object.
        """
        try:
            frame = await self._connection.recv()
        except (WebSocketException, OSError) as error:
            failure = self._failure(error)
        else:
            return self._read(frame)
        raise failure

    def sounded(self) -> None:
        """Take note that audio came."""
        if not self.first_audio_ms and self._sent_at is not None:
            self.first_audio_ms = max(1, round((self._clock() - self._sent_at) * 1000))

    async def answers(self, within_s: float) -> bool:
        """Whether the other side still answers a ping."""
        try:
            async with asyncio.timeout(within_s):
                await (await self._connection.ping())
        except (WebSocketException, OSError):  # TimeoutError is an OSError
            return False
        return self.is_open

    async def close(self) -> None:
        """Say goodbye, briefly."""
        try:
            await self._connection.close()
        except (WebSocketException, OSError):
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._connection.transport.abort()

    def _read(self, frame: str | bytes) -> Json | bytes:
        self._bytes += len(frame)
        if self._bytes > CONVERSATION_MOST_BYTES:
            what = f"the answer is longer than {CONVERSATION_MOST_BYTES} bytes"
            raise WireFailure(what, self._ending, transient=False)
        if isinstance(frame, bytes):
            return frame
        content = json_object(frame.encode())
        if content is None:
            raise Misshapen(f"a frame is not a JSON object; it starts “{readable(frame[:400], 80)}”")
        return content

    @property
    def _ending(self) -> Ending:
        return Ending.NOT_SENT if self._sent_at is None else Ending.IN_DOUBT

    def _failure(self, error: WebSocketException | OSError) -> WireFailure | SaidNo:
        if isinstance(error, ConnectionClosed) and error.rcvd is not None:
            code, reason = error.rcvd.code, readable(error.rcvd.reason, 200)
            if code in PEER_BLAMES_US and error.rcvd_then_sent:
                return SaidNo(f"close.{code}", reason, may_be_billed=self._sent_at is not None)
            what = f"the service closed the connection before the answer was whole ({f'{code} {reason}'.strip()})"
            return WireFailure(what, self._ending, transient=True)
        if isinstance(error, ConnectionClosed) and error.sent is not None and error.sent.code == 1009:
            return WireFailure(f"a frame is longer than {FRAME_MOST_BYTES} bytes", self._ending, transient=False)
        failure = failure_of(error)
        return WireFailure(failure.what, self._ending, transient=failure.transient)


async def dial(address: Address, clock: Callable[[], float]) -> Line:
    """Open a connection.

    Raises:
        WireFailure: none came about; NOT_SENT.
        SaidNo: the handshake was answered with another status than 101.
    """
    try:
        connection = await _Dial(
            address.url,
            additional_headers=list(address.headers),
            user_agent_header="narrate",
            proxy=True if address.proxies else None,
            ssl=address.tls,
            compression=None,
            open_timeout=address.connect_s,
            ping_interval=ALIVE_S,
            ping_timeout=ALIVE_S,
            close_timeout=CLOSE_S,
            max_size=FRAME_MOST_BYTES,
            logger=_silent,
        )
    except InvalidStatus as refused:
        failure: WireFailure | SaidNo = _refusal(refused)
    except (WebSocketException, OSError) as error:
        failure = failure_of(error)
    except (ImportError, UnicodeError):  # the library needs another one for such a proxy; the host is no name
        failure = WireFailure("the address or the proxy cannot be used", Ending.NOT_SENT, transient=False)
    else:
        return Line(connection, clock)
    raise failure  # outside of the handler: the library's exception holds the request, and so the key


def failure_of(error: WebSocketException | OSError) -> WireFailure:
    """What an exception means for a connection on which nothing was asked yet."""
    if isinstance(error, TimeoutError):
        return WireFailure("no connection came about in time", Ending.NOT_SENT, transient=True)
    if isinstance(error, OSError):
        words = readable(str(error), 200)
        lasting = "CERTIFICATE_VERIFY_FAILED" in words
        return WireFailure(f"no connection came about ({words})", Ending.NOT_SENT, transient=not lasting)
    for kind, transient, what in FAILURES:
        if isinstance(error, kind):
            words = readable(str(error), 200) if isinstance(error, _TELLING) else ""
            return WireFailure(f"{what} ({words})" if words else what, Ending.NOT_SENT, transient=transient)
    raise AssertionError(type(error))  # pragma: no cover - the last row holds every class


def _refusal(refused: InvalidStatus) -> SaidNo:
    answer = refused.response
    headers = {name.lower(): value for name, value in answer.headers.raw_items()}
    return SaidNo("", "", reply=Reply(status=answer.status_code, headers=headers, body=bytes(answer.body or b"")))


def _nothing() -> None:
    """Take no note."""
