"""Whatever a server answers, what comes out is a value or a typed error, and the key stays with its host."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narration.errors import ServiceError
from narration.services import Listed, OpenGate, Spoken, open_service
from narration.services.http import Timing
from narration.services.protocol import SpeechService
from narration.settings.settings import Settings, load_settings
from narration.take import Receipt, SpeechAsk
from narration.voice import VoiceDesign

KEY = "sk-a-key-that-nobody-may-see"
HOST = "127.0.0.1:8123"
MODEL = "qwen3-tts-vd-2026-01-26"

NAMES = st.sampled_from(
    ["output", "audio", "url", "expires_at", "usage", "characters", "count", "code", "message", "request_id", "voice",
     "voice_id", "status", "voice_list", "total_count", "preview_audio", "data", "target_model", "error",
     "choices", "content"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from(
        ["http://127.0.0.1:8123/a.wav", "https://evil.example/a", "http://10.0.0.1/", "https://x.aliyuncs.com/a?b=%2B",
         "VoiceNotFound", "InvalidApiKey", "Throttling", "{model}", "\ud800", "v1", KEY]
    ),
)  # fmt: skip
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=12,
)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "output": st.one_of(
            JSON,
            st.fixed_dictionaries(
                {},
                optional={
                    "audio": st.one_of(JSON, st.fixed_dictionaries({"url": TEXTS}, optional={"expires_at": LEAVES})),
                    "voice": TEXTS,
                    "voice_id": TEXTS,
                    "status": st.one_of(LEAVES, st.sampled_from(["OK", "DEPLOYING", "UNDEPLOYED"])),
                    "voice_list": st.lists(
                        st.one_of(JSON, st.fixed_dictionaries({"voice": TEXTS, "voice_id": TEXTS})), max_size=4
                    ),
                    "total_count": LEAVES,
                    "preview_audio": JSON,
                    "target_model": LEAVES,
                },
            ),
        ),
        "usage": JSON,
        "code": LEAVES,
        "message": LEAVES,
        "request_id": LEAVES,
        "error": JSON,
    },
)
BODIES = st.one_of(
    SHAPED.map(lambda value: json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b"<html>", b"[" * 100_000, b'{"output":' * 50_000, b"1" * 5000, b'{"code":' + b"9" * 5000 + b"}"]
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "x-request-id", "location", "content-type", "set-cookie"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    max_size=3,
)
STATUSES = st.one_of(
    st.sampled_from([200, 200, 200, 302, 400, 401, 403, 404, 408, 429, 430, 500, 503]), st.integers(200, 599)
)


class Server:
    """Answers everything alike, and fails the test when the key comes to another host or with a download."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self._status, self._headers, self._body = status, headers, body
        self.requests = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        assert self.requests < 500
        where = request.url.netloc.decode()
        if request.method == "POST":
            assert where == HOST
            assert request.headers["authorization"] == f"Bearer {KEY}"
        else:
            assert where == HOST or where.endswith(".aliyuncs.com")
            assert "authorization" not in request.headers
            assert "cookie" not in request.headers
        return httpx.Response(self._status, headers=self._headers, content=self._body)


async def no_sleep(_: float) -> None:
    return None


async def public(host: str, port: int) -> tuple[str, ...]:
    assert (host.endswith(".aliyuncs.com"), port) == (True, 443)
    return ("47.95.1.1",)


def _settings(profile: str) -> Settings:
    here = load_settings(profile, environ={}).service
    service = {"base_url": f"http://{HOST}/api/v1", "region": here.region}
    limits = {"attempts": 3, "total_s": 3600.0}
    return load_settings(profile, environ={}, overrides={"service": service, "limits": limits})


SETTINGS = {"qwen": _settings("international"), "cosyvoice": _settings("china-cosyvoice")}


def opened(server: Server, kind: str = "qwen") -> SpeechService:
    return open_service(
        SETTINGS[kind],
        KEY,
        timing=Timing(clock=lambda: 0.0, now=lambda: 1_795_000_000.0, sleep=no_sleep, random=lambda: 0.0),
        transport=httpx.MockTransport(server),
        resolve=public,
    )


ASK = SpeechAsk(service="qwen", region="r", model=MODEL, voice="v", text="A line.", language="en")
DESIGN = VoiceDesign(
    service="qwen",
    base_url="b",
    account="a",
    design_model="qwen-voice-design",
    target_model=MODEL,
    language="en",
    voice_prompt="p",
    preview_text="t",
)
CALLS: dict[str, Callable[[SpeechService], Awaitable[object]]] = {
    "speak": lambda door: door.speak(ASK, OpenGate()),
    "design": lambda door: door.design(DESIGN, "n", OpenGate()),
    "query": lambda door: door.query("v"),
    "voices": lambda door: door.voices(),
    "delete": lambda door: door.delete("v"),
}


async def outcome(call: Callable[[SpeechService], Awaitable[object]], server: Server, kind: str = "qwen") -> object:
    door = opened(server, kind)
    try:
        return await call(door)
    except ServiceError as error:
        return error
    finally:
        await door.aclose()


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("name", CALLS)
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(status=STATUSES, headers=HEADERS, body=BODIES)
def test_any_answer_is_a_value_or_a_typed_error(
    kind: str, name: str, status: int, headers: dict[str, str], body: bytes
) -> None:
    server = Server(status, headers, body)
    result = asyncio.run(outcome(CALLS[name], server, kind))
    match result:
        case Spoken(receipt=receipt):
            assert receipt.url
            assert receipt.billed_characters is None or receipt.billed_characters >= 0
        case Listed(voices=voices, total=total):
            assert len(voices) <= total
        case ServiceError(call=facts) as error:
            assert KEY not in f"{error} {error!r}"
            assert str(error).isprintable()
            assert facts is not None
            assert facts.attempts == server.requests or name == "voices"
        case _:
            assert name in {"design", "query", "delete"}


@settings(deadline=None, max_examples=200)
@given(status=STATUSES, headers=HEADERS, body=st.one_of(BODIES, st.binary(max_size=80).map(b"RIFF".__add__)), url=TEXTS)
def test_any_download_is_a_file_or_a_typed_error(status: int, headers: dict[str, str], body: bytes, url: str) -> None:
    receipt = Receipt(request_id="r", url=url)
    result = asyncio.run(outcome(lambda door: door.collect(receipt), Server(status, headers, body)))
    assert result == body or (isinstance(result, ServiceError) and str(result).isprintable())
