"""The gateway's answers, for a fake wire."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import httpx

from narration.services import SpeechService, open_service
from narration.settings.settings import load_settings
from narration.take import Receipt, SpeechAsk
from tests.services.fakes import DESIGN, VOICE, FakeTime

KEY = "sk-evo-a-key-that-nobody-may-see"
BASE = "http://127.0.0.1:9/v1"
TASK = "task-unified-1795000000-ab12cd34"
LINK = "https://files.evolink.ai/a/b.wav?sig=a%2Bb"
SPEAKS = "qwen3-tts-vd"

GATEWAY_ASK = SpeechAsk(
    service="gateway", region="evolink", model=SPEAKS, voice=VOICE, text="Nobody spoke. 没人说话。", language="en"
)
GATEWAY_DESIGN = dataclasses.replace(DESIGN, service="gateway", base_url=BASE, target_model=SPEAKS)
RECEIPT = Receipt(request_id=TASK, task_id=TASK, expires_at=1_795_000_000 + 86_400)


def task(status: object = "pending", **more: object) -> httpx.Response:
    body: dict[str, object] = {
        "id": TASK,
        "object": "audio.generation.task",
        "type": "audio",
        "model": SPEAKS,
        "created": 1_795_000_000,
        "status": status,
        "progress": {"completed": 100, "processing": 50}.get(str(status), 0),
        "task_info": {"can_cancel": True, "estimated_time": 10, "audio_type": "tts"},
        "usage": {"credits_reserved": 0.32},
    }
    return httpx.Response(200, json=body | more)


def failed(code: str, message: str = "No.") -> httpx.Response:
    return task("failed", error={"code": code, "message": message, "type": "task_error"})


def refused(status: int, code: str, message: str = "No.") -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message, "type": "x"}})


def wav(samples: int = 10) -> bytes:
    data = bytes(2 * samples)
    head = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = b"\1\0\1\0" + (24_000).to_bytes(4, "little") + (48_000).to_bytes(4, "little") + b"\2\0\x10\0"
    return head + form + b"data" + len(data).to_bytes(4, "little") + data


async def public(host: str, port: int) -> tuple[str, ...]:
    del host, port
    return ("93.184.216.34",)


def gateway(
    wire: Callable[[httpx.Request], httpx.Response], time: FakeTime | None = None, **service: object
) -> SpeechService:
    settings = load_settings(
        "gateway",
        environ={},
        overrides={"service": {"base_url": BASE, **service}, "limits": {"attempts": 4, "total_s": 120.0}},
    )
    timing = (time or FakeTime()).timing()
    return open_service(settings, KEY, timing=timing, transport=httpx.MockTransport(wire), resolve=public)
