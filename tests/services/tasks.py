"""A real socket that plays the service's part in CosyVoice tasks as a test tells it to, under the real door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.server import ServerConnection, serve

from narration.services import SpeechService, open_service
from narration.services.http import Timing
from narration.services.pcm import wav_file
from narration.settings.settings import load_settings
from tests.services.fakes import BASE, KEY
from tests.services.leaping import CONNECT_S, LATE_S, READ_S, leap

PCM = bytes(range(256)) * 8
WAV = wav_file(PCM, 24_000)

LATE = "nothing, for longer than an attempt may take"

Frame = dict[str, Any] | str | bytes
Script = Callable[[str], Sequence[Frame]]
"""From the task's id to what is said when it is finished."""


def event(kind: str, task_id: str, payload: object = None, **header: object) -> dict[str, Any]:
    return {"header": {"task_id": task_id, "event": kind, "attributes": {}, **header}, "payload": payload or {}}


def result(task_id: str, kind: str, characters: int | None = None) -> dict[str, Any]:
    usage = {} if characters is None else {"usage": {"characters": characters}}
    output = {"output": {"type": kind, "sentence": {"index": 0, "words": []}}, **usage}
    return event("result-generated", task_id, output, attributes={"request_uuid": "r-7"})


def failed(task_id: str, code: str, message: str = "") -> dict[str, Any]:
    return event("task-failed", task_id, error_code=code, error_message=message)


def whole(task_id: str, data: bytes = WAV, characters: int | None = 30) -> list[Frame]:
    """A whole answer."""
    middle = len(data) // 2
    usage = {} if characters is None else {"usage": {"characters": characters}}
    return [
        result(task_id, "sentence-begin"),
        result(task_id, "sentence-synthesis"),
        data[:middle],
        result(task_id, "sentence-synthesis"),
        data[middle:],
        result(task_id, "sentence-end", characters),
        event("task-finished", task_id, {"output": {}, **usage}),
    ]


class Server:
    """One end of every connection that a test makes.

    Attributes:
        said: every message of the client, by connection.
        paths, keys: of each handshake.
    """

    def __init__(self, *scripts: Script, start: Script | None = None) -> None:
        self._scripts = list(scripts)
        self._start = start or (lambda task_id: [event("task-started", task_id)])
        self.said: list[list[dict[str, Any]]] = []
        self.paths: list[str] = []
        self.keys: list[str] = []
        self.url = ""

    async def __call__(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.paths.append(socket.request.path)
        self.keys.append(socket.request.headers.get("authorization", ""))
        self.said.append([])
        try:
            while True:
                task_id = (await self._heard(socket))["header"]["task_id"]
                for frame in self._start(task_id):
                    await _send(socket, frame)
                while (await self._heard(socket))["header"]["action"] != "finish-task":
                    pass
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                for frame in script(task_id):
                    await _send(socket, frame)
        except websockets.ConnectionClosed:
            return

    async def _heard(self, socket: ServerConnection) -> dict[str, Any]:
        self.said[-1].append(json.loads(await socket.recv()))
        return self.said[-1][-1]


async def _send(socket: ServerConnection, frame: Frame) -> None:
    if frame == LATE:
        await leap(LATE_S)
    elif frame == "close":
        await socket.close()
    elif frame == "abort":
        socket.transport.abort()
    else:
        await socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)


@asynccontextmanager
async def listening(server: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    """The server's address for as long as the block lasts."""
    async with serve(server, "127.0.0.1", 0) as running:
        port = next(iter(running.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/api-ws/v1"


def opened(url: str, **limits: object) -> SpeechService:
    service = {"base_url": BASE, "websocket_url": url, "region": "cn-beijing", "transport": "websocket"}
    settings = load_settings(
        "china-cosyvoice",
        environ={},
        overrides={
            "service": service,
            "limits": {"attempts": 3, "total_s": 60.0, "connect_s": CONNECT_S, "read_s": READ_S, **limits},
        },
    )

    async def no_sleep(_seconds: float) -> None:
        return None

    return open_service(settings, KEY, timing=Timing(sleep=no_sleep))
