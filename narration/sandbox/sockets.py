"""One WebSocket connection as the families of the service see it: its handshake, its frames, its faults, its end.

Invariant: a connection without a good key is refused in its handshake and never opened; however a conversation ends,
`Line` raises `GoneError` from the first frame that cannot be heard or sent.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from narration.sandbox import wire
from narration.sandbox.calls import House, account_of
from narration.sandbox.faults import CALL_FAULTS, SOCKET_FAULTS, SPEECH_FAULTS
from narration.sandbox.limits import throttled
from narration.sandbox.state import CallRow
from narration.sandbox.wire import Body, DroppedError, RefusedError

log = logging.getLogger(__name__)

NORMAL = 1000
UNSUITABLE = 1007
BROKEN = 1011

LOSING = frozenset({"drop_after", "hang_after", "cut", *SOCKET_FAULTS}) - {"socket_late"}
"""Faults by which the caller gets no whole answer to what was billed."""


class GoneError(Exception):
    """The connection is over."""


@dataclass(slots=True)
class Line:
    """One open connection.

    Attributes:
        socket: the framework's.
        house: what all share.
        account: of the key in its handshake.
    """

    socket: WebSocket
    house: House
    account: str

    async def hear(self, idle_s: float) -> str | bytes:
        """Return the next frame.

        Raises:
            GoneError: the caller left, or the service ends.
            TimeoutError: nothing came for so long.
        """
        closing = asyncio.ensure_future(self.house.closing.wait())
        frame = asyncio.ensure_future(self.socket.receive())
        try:
            done, _ = await asyncio.wait({closing, frame}, timeout=idle_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()
            frame.cancel()
        if closing in done:
            raise GoneError
        if frame not in done:
            raise TimeoutError
        message = frame.result()
        if message["type"] == "websocket.disconnect":
            raise GoneError
        text = message.get("text")
        return text if isinstance(text, str) else bytes(message.get("bytes") or b"")

    async def send(self, frame: Body | bytes) -> None:
        """Send a JSON object in a text frame, or bytes in a binary one.

        Raises:
            GoneError: the caller left.
        """
        if isinstance(frame, bytes):
            await _sent(self.socket.send_bytes(frame))
        else:
            await _sent(self.socket.send_text(wire.encode(frame).decode()))

    async def hang_up(self, code: int = NORMAL, reason: str = "") -> NoReturn:
        """Close the connection in good form.

        Raises:
            GoneError: always: there is nobody to talk to any more.
        """
        await _sent(self.socket.close(code, reason))
        raise GoneError

    def cut(self) -> NoReturn:
        """Break the connection, as a network does.

        Raises:
            GoneError: always.
        """
        transport = getattr(self.socket.state, "transport", None)
        if isinstance(transport, asyncio.Transport):
            transport.abort()
        raise GoneError

    def draw(self) -> frozenset[str]:
        """Return the faults that strike one synthesis."""
        return self.house.switchboard.draw((*CALL_FAULTS, *SPEECH_FAULTS, *SOCKET_FAULTS), "synthesize")

    async def before(self, faults: frozenset[str], row: CallRow) -> None:
        """Let the faults strike that keep a synthesis from being worked on; `row` says whose it is.

        Raises:
            GoneError: the connection was cut; that is on the record.
            RefusedError: 429 or 500.
        """
        if faults & {"drop_before", "hang_before"}:
            self.house.state.record(replace(row, status=0, code="dropped", answered=False))
            if "hang_before" in faults:
                await self.house.pause(self.house.switchboard.now.hang_s)
            self.cut()
        if "rate_429" in faults:
            raise throttled("Throttling.RateQuota", self.house.switchboard.now)
        if "rate_500" in faults:
            raise RefusedError(500, "InternalError.Algo", "Inference internal error")

    async def play(self, frames: Sequence[Body | bytes], faults: frozenset[str]) -> None:
        """Send the whole answer to a synthesis, spoilt by what faults were drawn.

        Args:
            frames: of the answer, the one that ends it last.
            faults: as `draw` gave them.

        Raises:
            GoneError: the caller left, or a fault ended the connection.
        """
        switches, half, spoilt = self.house.switchboard.now, len(frames) // 2, list(frames)
        if "socket_late" in faults:
            await self.house.pause(switches.socket_late_s)
        if "socket_wrong_order" in faults:
            spoilt.insert(0, spoilt.pop())
        if "socket_binary" in faults:
            texts = ((at, text) for at, text in enumerate(spoilt) if at >= half and not isinstance(text, bytes))
            for at, text in itertools.islice(texts, 1):
                spoilt[at] = wire.encode(text)
        for at, frame in enumerate(spoilt):
            if at == half and "cut" in faults:
                self.cut()
            if at == half and "socket_early_close" in faults:
                await self.hang_up()
            if at == len(spoilt) - 1 and faults & {"drop_after", "hang_after", "socket_no_finish"}:
                if "drop_after" not in faults:
                    await self.house.pause(switches.hang_s)
                self.cut()
            await self.send(frame)


async def serve(
    socket: WebSocket, house: House, talk: Callable[[Line], Awaitable[None]], check: Callable[[WebSocket], None]
) -> None:
    """Open a connection and hold a conversation on it.

    Args:
        socket: as it arrives.
        house: what all share.
        talk: leads the conversation; returns when it is over.
        check: refuses a handshake by `RefusedError`, after the key was found good.
    """
    request_id = wire.new_request_id()
    try:
        account = account_of(socket.headers.get("authorization", ""))
        check(socket)
    except RefusedError as error:
        row = CallRow(at_s=house.clock(), account="", model="", action="synthesize", request_id=request_id)
        house.state.record(replace(row, status=error.status, code=error.code))
        log.info("handshake %s: %d %s", request_id, error.status, error.code)
        await _deny(socket, wire.refusal(error, request_id))
        return
    await socket.accept(headers=[(b"x-request-id", request_id.encode())])
    try:
        await talk(Line(socket, house, account))
    except (GoneError, DroppedError):
        log.info("conversation %s is over", request_id)


async def _sent(sending: Awaitable[None]) -> None:
    try:
        await sending
    except (WebSocketDisconnect, OSError, RuntimeError):  # RuntimeError: it was closed a moment ago
        raise GoneError from None


async def _deny(socket: WebSocket, answer: Response) -> None:
    """Answer a handshake in plain HTTP, where the server can; else it is closed, which a caller sees as 403."""
    await socket.receive()
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(answer)
    else:
        await socket.close()
