"""What the tests of the CosyVoice door share: its asks, its answers, and the door on a fake wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx

from narration.services import SpeechService, open_service
from narration.settings.settings import load_settings
from narration.take import SpeechAsk
from narration.voice import VoiceDesign
from tests.services.fakes import BASE, KEY, LINK, FakeTime

MODEL = "cosyvoice-v3.5-flash"
VOICE = "cosyvoice-v3.5-flash-vd-mar1234567-0123456789abcdef0123456789abcdef"
OTHER_VOICE = VOICE.replace("mar1234567", "ben7654321")


def ask(text: str = "Nobody spoke. 没人说话。", language: str = "en", *options: tuple[str, str]) -> SpeechAsk:
    return SpeechAsk(
        service="cosyvoice", region="r", model=MODEL, voice=VOICE, text=text, language=language, options=options
    )


ASK = ask()
DESIGN = VoiceDesign(
    service="cosyvoice",
    base_url=BASE,
    account="a" * 12,
    design_model="voice-enrollment",
    target_model=MODEL,
    language="en",
    voice_prompt="A calm woman, low pitch.",
    preview_text="The lamp was out.",
)


def retake(asked: SpeechAsk, ordinal: int) -> SpeechAsk:
    return replace(asked, ordinal=ordinal)


def opened(wire: Callable[[httpx.Request], httpx.Response], time: FakeTime | None = None) -> SpeechService:
    settings = load_settings(
        "china-cosyvoice",
        environ={},
        overrides={
            "service": {"base_url": BASE, "region": "cn-beijing"},
            "limits": {"attempts": 4, "total_s": 120.0},
        },
    )
    return open_service(settings, KEY, timing=(time or FakeTime()).timing(), transport=httpx.MockTransport(wire))


def answered(output: object, count: int = 1) -> httpx.Response:
    return httpx.Response(200, json={"output": output, "usage": {"count": count}, "request_id": "r-1"})


def spoken() -> httpx.Response:
    output = {"finish_reason": "stop", "audio": {"data": "", "url": LINK, "expires_at": 1_795_255_812}}
    return httpx.Response(200, json={"request_id": "r-1", "output": output, "usage": {"characters": 30}})


def item(voice: str = VOICE, status: str = "OK", **more: object) -> dict[str, object]:
    times = {"gmt_create": "2026-11-20 09:30:12", "gmt_modified": "2026-11-20 09:30:12"}
    return {"voice_id": voice, "status": status, **times, **more}
