"""Answers of services as targets: bodies of HTTP, streams of events, frames of sockets, the words of a model.

Invariant: what comes out is a value or a typed error in which the key is not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
from websockets.asyncio.server import ServerConnection

from narration.chat import ChatSaid
from narration.errors import ServiceError
from narration.script.questions import Doubt, Question
from narration.script.verdicts import Rejected, read_labels
from narration.services import OpenGate
from narration.services.protocol import SpeechService, TaskFailed
from narration.services.riff import wav_flaw
from narration.take import Receipt
from tests.services import cosy, sockets, tasks, test_chat
from tests.services.fakes import ASK, DESIGN, KEY, LINK
from tests.services.gateway_fakes import GATEWAY_ASK, GATEWAY_DESIGN, RECEIPT, gateway, task, wav
from tests.services.test_events import WHOLE, spelled, stream, streaming
from tests.services.test_fuzzed_answers import Server, opened

Reader = tuple[Callable[[bytes, Path], object], Callable[[], Iterator[bytes]]]
SOCKET_S: Final = {"attempts": 1, "connect_s": 2.0, "read_s": 0.4, "total_s": 2.0}


def _outcome(work: Callable[[], Awaitable[object]]) -> object:
    async def outcome() -> object:
        try:
            return await asyncio.wait_for(work(), 300)
        except TaskFailed as failed:
            return failed.error
        except ServiceError as error:
            return error

    found = asyncio.run(outcome())
    if isinstance(found, ServiceError):
        assert KEY not in f"{found} {found!r}"
        assert str(found).isprintable()
    return found


async def _asked(service: SpeechService, *works: Awaitable[object]) -> object:
    """Everything that is asked of a service, one after the other; the last error counts."""
    error: ServiceError | None = None
    for work in works:
        try:
            await work
        except TaskFailed as failed:
            error = failed.error
        except ServiceError as found:
            error = found
    await service.aclose()
    if error is not None:
        raise error
    return None


def _qwen(data: bytes, _folder: Path) -> object:
    async def work() -> object:
        service = opened(Server(200 if len(data) % 3 else 400, {}, data))
        return await _asked(
            service,
            service.speak(ASK, OpenGate()),
            service.design(DESIGN, "n", OpenGate()),
            service.query("v"),
            service.voices(),
            service.delete("v"),
        )

    return _outcome(work)


def _cosyvoice(data: bytes, _folder: Path) -> object:
    async def work() -> object:
        service = cosy.opened(lambda _: httpx.Response(200 if len(data) % 3 else 400, content=data))
        return await _asked(
            service,
            service.speak(cosy.ASK, OpenGate()),
            service.design(cosy.DESIGN, "n", OpenGate()),
            service.query("v"),
            service.voices(),
        )

    return _outcome(work)


def _gateway(data: bytes, _folder: Path) -> object:
    async def work() -> object:
        service = gateway(lambda _: httpx.Response(200 if len(data) % 3 else 400, content=data))
        return await _asked(
            service,
            service.speak(GATEWAY_ASK, OpenGate()),
            service.design(GATEWAY_DESIGN, "n", OpenGate()),
            service.collect(RECEIPT),
            service.voices(),
        )

    return _outcome(work)


def _chat(data: bytes, _folder: Path) -> object:
    async def work() -> object:
        answer = httpx.Response(200 if len(data) % 3 else 400, content=data)
        service, _ = test_chat.opened(*[answer] * 10)
        return await service.ask(test_chat.ASK, OpenGate())

    return _outcome(work)


def _events(data: bytes, _folder: Path) -> object:
    async def work() -> object:
        service = streaming(lambda _: stream(data))
        try:
            spoken = await service.speak(ASK, OpenGate())
        finally:
            await service.aclose()
        assert spoken.receipt.url or spoken.receipt.audio
        assert spoken.receipt.audio is None or wav_flaw(spoken.receipt.audio) is None
        return spoken

    return _outcome(work)


def _download(data: bytes, _folder: Path) -> object:
    async def work() -> object:
        service = opened(Server(200, {}, data))
        link = LINK.replace("http:", "https:")
        return await _asked(service, service.collect(Receipt(request_id="r", url=link)))

    return _outcome(work)


def _labels(data: bytes, _folder: Path) -> object:
    doubts = tuple(Doubt(start=n, end=n + 1, character=None, probability=0.0, evidence="") for n in range(3))
    question = Question(chapter=1, names=("Mara", "Tom"), doubts=doubts, ask=test_chat.ASK)
    said = ChatSaid(request_id="r", content=data.decode("utf-8", "surrogateescape"), finish_reason="stop")
    try:
        labels = read_labels(question, said)
    except Rejected as rejected:
        return rejected.why
    assert len(labels) == len(doubts)
    assert set(labels) <= {None, *question.names}
    return labels


def _frames(data: bytes) -> list[str | bytes]:
    """Lines as frames; one that begins with `!` is binary."""
    rows = data.split(b"\n")[:200]
    return [row[1:] if row.startswith(b"!") else row.decode("utf-8", "replace") for row in rows]


def _realtime(data: bytes, _folder: Path) -> object:
    async def talk(server: sockets.Server, socket: ServerConnection) -> None:
        await server.greet(socket)
        await server.hear(socket, "input_text_buffer.commit")
        for frame in _frames(data):
            await socket.send(frame)
        await socket.close()

    async def work() -> object:
        async with sockets.listening(talk) as server:
            service = sockets.opened(server.url, limits=SOCKET_S)
            return await _asked(service, service.speak(sockets.ask(), OpenGate()))

    return _outcome(work)


def _task(data: bytes, _folder: Path) -> object:
    def said(task_id: str) -> list[tasks.Frame]:
        return [*_frames(data.replace(b"TASK", task_id.encode())), "close"]

    async def work() -> object:
        async with tasks.listening(tasks.Server(said)) as url:
            service = tasks.opened(url, **SOCKET_S)
            return await _asked(service, service.speak(cosy.ask(), OpenGate()))

    return _outcome(work)


def _dumped(*bodies: object) -> Callable[[], Iterator[bytes]]:
    return lambda: (json.dumps(body).encode() for body in bodies)


def _task_frames() -> Iterator[bytes]:
    rows = tasks.whole("TASK", data=b"!" + bytes(64))
    yield b"\n".join(b"!" + row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)


_AUDIO: Final = {"url": LINK, "expires_at": 1_795_255_812, "data": "", "id": "audio_r"}
_REFUSED: Final = {"code": "InvalidParameter", "message": "voice v is wrong", "request_id": "r"}

READERS: Final[dict[str, Reader]] = {
    "answer-qwen": (
        _qwen,
        _dumped(
            {"output": {"audio": _AUDIO, "finish_reason": "stop"}, "usage": {"characters": 30}, "request_id": "r-1"},
            {
                "output": {
                    "voice": "v",
                    "target_model": ASK.model,
                    "preview_audio": {"data": "UklGRg==", "sample_rate": 24000, "response_format": "wav"},
                },
                "usage": {"count": 1},
                "request_id": "r-1",
            },
            {"output": {"voice_list": [{"voice": "v", "gmt_create": "2026-11-20 09:30:12"}], "total_count": 1}},
            _REFUSED,
        ),
    ),
    "answer-cosyvoice": (
        _cosyvoice,
        _dumped(
            {"request_id": "r", "output": {"finish_reason": "stop", "audio": _AUDIO}, "usage": {"characters": 30}},
            {"output": {"voice_id": "v", **cosy.item()}, "usage": {"count": 1}, "request_id": "r-1"},
            {"output": {"voice_list": [cosy.item(), cosy.item("x", "DEPLOYING")]}, "request_id": "r"},
            _REFUSED,
        ),
    ),
    "answer-gateway": (
        _gateway,
        lambda: iter(
            [
                task().content,
                task("completed", results=["https://files.evolink.ai/a/b.wav?sig=a"]).content,
                task("failed", error={"code": "content_policy_violation", "message": "No."}).content,
                wav(),
            ]
        ),
    ),
    "answer-chat": (
        _chat,
        _dumped(
            {
                "id": "c-1",
                "choices": [{"message": {"role": "assistant", "content": "{}"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5},
            },
            {"error": {"code": "invalid_api_key", "message": "no", "type": "x"}, "request_id": "r"},
        ),
    ),
    "events": (_events, lambda: iter([spelled(*WHOLE)])),
    "download": (_download, lambda: iter([wav(100)])),
    "labels": (_labels, _dumped({"answers": [{"number": 1, "speaker": "Mara"}, {"number": 2, "speaker": "?"}]})),
    "socket-realtime": (_realtime, lambda: iter(["\n".join(sockets.response(bytes(64))).encode()])),
    "socket-task": (_task, _task_frames),
}
