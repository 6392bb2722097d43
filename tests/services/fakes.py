"""A fake wire under the real door, a clock that only sleeping moves, and a gate that listens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx

from narration.errors import BudgetReached
from narration.services import AttemptEnd, Ending, SpeechService, open_service
from narration.services.http import Timing
from narration.settings.settings import load_settings
from narration.take import SpeechAsk
from narration.voice import VoiceDesign

KEY = "sk-a-key-that-nobody-may-see"
BASE = "http://127.0.0.1:9/api/v1"
MODEL = "qwen3-tts-vd-2026-01-26"
VOICE = "qwen-tts-vd-mara-voice-20261120093012345-9f3c"
LINK = "http://bucket.oss-cn-beijing.aliyuncs.com/a.wav?Expires=1&Signature=a%2Bb%3D"


def ask(text: str = "Nobody spoke. 没人说话。", language: str = "en", *options: tuple[str, str]) -> SpeechAsk:
    return SpeechAsk(
        service="qwen", region="r", model=MODEL, voice=VOICE, text=text, language=language, options=options
    )


ASK = ask()
DESIGN = VoiceDesign(
    service="qwen",
    base_url=BASE,
    account="a" * 12,
    design_model="qwen-voice-design",
    target_model=MODEL,
    language="en",
    voice_prompt="A calm woman, low pitch.",
    preview_text="The lamp was out.",
)

Answer = httpx.Response | Exception


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = 0.0
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds

    def timing(self, chance: float = 0.5) -> Timing:
        return Timing(
            clock=lambda: self.at, now=lambda: 1_795_000_000 + self.at, sleep=self.sleep, random=lambda: chance
        )


class Listening:
    """A gate that writes down what it hears."""

    def __init__(self, refuse_from: int = 99) -> None:
        self.asked: list[int] = []
        self.ends: list[AttemptEnd] = []
        self._refuse_from = refuse_from

    async def before(self, attempt: int) -> None:
        if attempt >= self._refuse_from:
            raise BudgetReached(1.0, 1.0, 0.1, "--budget")
        self.asked.append(attempt)

    async def after(self, attempt: int, end: AttemptEnd) -> None:
        assert attempt == self.asked[-1]
        self.ends.append(end)

    @property
    def endings(self) -> list[Ending]:
        return [end.ending for end in self.ends]


class Wire:
    """Answers requests in turn and keeps them."""

    def __init__(self, *answers: Answer) -> None:
        self.seen: list[httpx.Request] = []
        self._answers: Iterator[Answer] = iter(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def urls(self) -> list[str]:
        """Where downloads went, path and query as they stood in the request line."""
        places = [(request.url, request.extensions["target"].decode()) for request in self.seen]
        return [f"{url.scheme}://{url.netloc.decode()}{target}" for url, target in places]

    def sent(self, index: int = -1) -> dict[str, object]:
        content = json.loads(self.seen[index].content)
        assert isinstance(content, dict)
        return content


def opened(wire: Callable[[httpx.Request], httpx.Response], time: FakeTime | None = None) -> SpeechService:
    settings = load_settings(
        "international",
        environ={},
        overrides={"service": {"base_url": BASE}, "limits": {"attempts": 4, "total_s": 120.0}},
    )
    return open_service(settings, KEY, timing=(time or FakeTime()).timing(), transport=httpx.MockTransport(wire))


def spoken(**more: object) -> httpx.Response:
    output = {"finish_reason": "stop", "audio": {"data": "", "url": LINK, "expires_at": 1_795_255_812}}
    return httpx.Response(200, json={"request_id": "r-1", "output": output, "usage": {"characters": 30}} | more)


def refusal(status: int, code: str, message: str = "", **headers: str) -> httpx.Response:
    body = {"code": code, "message": message, "request_id": "r-9"}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
