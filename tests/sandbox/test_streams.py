"""Our own client of event streams and of tasks, against a sandbox in a process of its own that cuts connections."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from narration.errors import ServiceError, ServiceUnavailable
from narration.services import AttemptEnd, Ending, OpenGate, open_service
from narration.services.protocol import DesignsByTask
from narration.settings.settings import Settings, load_settings
from narration.take import SpeechAsk
from narration.voice import VoiceDesign

pytestmark = pytest.mark.slow

Start = Callable[..., Any]
MODEL = "qwen3-tts-vd-2026-01-26"


class Counting:
    """A gate that counts how attempts end."""

    def __init__(self) -> None:
        self.endings: list[Ending] = []

    async def before(self, attempt: int) -> None:
        """Let the attempt pass."""

    async def after(self, attempt: int, end: AttemptEnd) -> None:
        """Take note."""
        del attempt
        self.endings.append(end.ending)


def settings(profile: str, base_url: str, **service: object) -> Settings:
    return load_settings(
        profile,
        environ={},
        overrides={"service": {"base_url": base_url, **service}, "limits": {"attempts": 8, "total_s": 60.0}},
    )


async def test_a_stream_is_whole_or_asked_for_again(start: Start) -> None:
    process = start(seed=3, switches={"cut": 0.4, "fault_actions": ("synthesize",)})
    voice = process.create().json()["output"]["voice"]
    streamed = open_service(settings("sandbox", process.ready["base_url"], streaming=True), "sk-test")
    gate = Counting()
    sounds = []
    for number in range(12):
        ask = SpeechAsk(
            service="qwen", region="sandbox", model=MODEL, voice=voice, text=f"Line {number} of it.", language="en"
        )
        try:
            receipt = (await streamed.speak(ask, gate)).receipt
        except ServiceUnavailable:
            continue
        assert receipt.audio is not None
        sounds.append((ask.text, receipt.audio))
    await streamed.aclose()
    assert len(sounds) >= 10
    assert gate.endings.count(Ending.IN_DOUBT) >= 2, "some were cut"
    assert gate.endings.count(Ending.ANSWERED) == len(sounds)
    assert process.bill()["synthesized"] == len(gate.endings), "each cut one was billed, so each is in doubt"
    process.switch(cut=0.0)
    for text, sound in sounds:
        answer = process.speak(voice, text, language_type="English").json()
        whole = process.client.get(answer["output"]["audio"]["url"]).content
        assert hashlib.sha256(sound).hexdigest() == hashlib.sha256(whole).hexdigest()


async def test_tasks_of_some_seconds_end_in_their_files(start: Start) -> None:
    process = start(switches={"task_s": 1.0, "task_fail": 0.0})
    service = open_service(settings("sandbox-gateway", f"{process.root}/v1"), "sk-test")
    assert isinstance(service, DesignsByTask)
    design = VoiceDesign(
        service="gateway",
        base_url="sandbox",
        account=service.account,
        design_model="qwen-voice-design",
        target_model="qwen3-tts-vd",
        language="en",
        voice_prompt="A calm woman, low pitch.",
        preview_text="The lamp was out.",
    )
    made = await service.designed((await service.design(design, "mara", OpenGate())).answer.task_id, "r")
    assert made.preview_audio[:4] == b"RIFF"

    async def one(number: int) -> bytes:
        ask = SpeechAsk(
            service="gateway",
            region="sandbox-gateway",
            model="qwen3-tts-vd",
            voice=made.voice,
            text=f"Line {number}.",
            language="en",
        )
        return await service.collect((await service.speak(ask, OpenGate())).receipt)

    sounds = await asyncio.gather(*(one(number) for number in range(8)))
    assert {sound[:4] for sound in sounds} == {b"RIFF"}
    assert process.bill()["credits"] == pytest.approx(2.0 + 8 * 7 * 0.0051)
    bad = open_service(settings("sandbox-gateway", f"{process.root}/v1"), "ak-wrong")
    with pytest.raises(ServiceError, match="does not accept the key"):
        await bad.voices()
    await service.aclose()
    await bad.aclose()
