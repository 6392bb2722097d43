"""A real socket that says what a test tells it to, under the real WebSocket door."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import websockets
from websockets.asyncio.server import ServerConnection, serve

from narration.services import SpeechService, open_service
from narration.services.http import Timing
from narration.settings.settings import load_settings
from narration.take import SpeechAsk
from tests.services.fakes import KEY, VOICE
from tests.services.leaping import CONNECT_S, READ_S

MODEL = "qwen3-tts-vd-realtime-2026-01-15"
TEXT = "Nobody spoke. 没人说话。"
PCM = bytes(range(256)) * 8


def ask(text: str = TEXT, **options: str) -> SpeechAsk:
    return SpeechAsk(
        service="qwen-realtime",
        region="r",
        model=MODEL,
        voice=VOICE,
        text=text,
        language="en",
        options=tuple(sorted(options.items())),
    )


def event(kind: str, **fields: object) -> str:
    return json.dumps({"event_id": "event_1", "type": kind, **fields})


def error(code: str, message: str = "") -> str:
    return event("error", error={"type": "error", "code": code, "message": message})


def created() -> str:
    return event("session.created", session={"id": "sess_1", "object": "realtime.session"})


def updated() -> str:
    return event("session.updated", session={"id": "sess_1"})


def response(pcm: bytes = PCM, *, name: str = "resp_1", characters: int | None = 30, parts: int = 2) -> list[str]:
    """The events of one whole response, in order."""
    step = -(-len(pcm) // parts)
    pieces = [base64.b64encode(pcm[at : at + step]).decode() for at in range(0, len(pcm), step or 1)]
    usage = {} if characters is None else {"usage": {"characters": characters}}
    return [
        event("input_text_buffer.committed", item_id="item_1"),
        event("response.created", response={"id": name, "status": "in_progress"}),
        event("response.output_item.added", response_id=name),
        event("response.content_part.added", response_id=name),
        *(event("response.audio.delta", response_id=name, delta=piece) for piece in pieces),
        event("response.audio.done", response_id=name),
        event("response.content_part.done", response_id=name),
        event("response.output_item.done", response_id=name),
        event("response.done", response={"id": name, "status": "completed", **usage}),
    ]


class Server:
    """One end of every connection that a test makes.

    Attributes:
        handshakes: headers of each connection, in order.
        said: every event of the client, by connection.
    """

    def __init__(self, talk: Callable[[Server, ServerConnection], Awaitable[None]]) -> None:
        self._talk = talk
        self.handshakes: list[websockets.Headers] = []
        self.paths: list[str] = []
        self.said: list[list[dict[str, Any]]] = []
        self.url = ""

    async def __call__(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.handshakes.append(socket.request.headers)
        self.paths.append(socket.request.path)
        self.said.append([])
        try:
            await self._talk(self, socket)
        except websockets.ConnectionClosed:
            return

    @property
    def kinds(self) -> list[list[str]]:
        """Types of what was said, by connection."""
        return [[told["type"] for told in line] for line in self.said]

    async def hear(self, socket: ServerConnection, until: str) -> None:
        """Hear the client until it says that."""
        line = self.said[-1]
        while True:
            line.append(json.loads(await socket.recv()))
            if line[-1]["type"] == until:
                return

    async def greet(self, socket: ServerConnection) -> None:
        await socket.send(created())
        await self.hear(socket, "session.update")
        await socket.send(updated())


@asynccontextmanager
async def listening(
    talk: Callable[[Server, ServerConnection], Awaitable[None]],
    **options: Any,  # noqa: ANN401 — of the library
) -> AsyncIterator[Server]:
    """A server for as long as the block lasts."""
    server = Server(talk)
    async with serve(server, "127.0.0.1", 0, **options) as running:
        port = next(iter(running.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/api-ws/v1"
        yield server


def speaking(*answers: list[str], pause_s: float = 0.0) -> Callable[[Server, ServerConnection], Awaitable[None]]:
    """A talk that greets and gives these answers to commits, one after the other."""

    async def talk(server: Server, socket: ServerConnection) -> None:
        await server.greet(socket)
        for answer in answers:
            await server.hear(socket, "input_text_buffer.commit")
            for frame in answer:
                await socket.send(frame)
        await asyncio.sleep(pause_s)
        await socket.wait_closed()

    return talk


def opened(
    url: str, timing: Timing | None = None, limits: Mapping[str, object] = MappingProxyType({})
) -> SpeechService:
    settings = load_settings(
        "international",
        environ={},
        overrides={
            "service": {"kind": "qwen-realtime", "base_url": "http://127.0.0.1:9/api/v1", "websocket_url": url},
            "limits": {"attempts": 3, "total_s": 60.0, "connect_s": CONNECT_S, "read_s": READ_S, **limits},
        },
    )

    async def no_sleep(_seconds: float) -> None:
        return None

    return open_service(settings, KEY, timing=timing or Timing(sleep=no_sleep))
