"""The vendor's own Python SDK, unmodified, against a running sandbox."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import PATIENCE_S

pytest.importorskip("dashscope", reason="the vendor's SDK is a development dependency")
pytestmark = pytest.mark.slow

Start = Callable[..., Any]

# Runs in a process of its own: the SDK warns on import and keeps global settings.
PROGRAM = r"""
import base64, json, os, sys, urllib.request
import dashscope
from dashscope.v2.client import Client

base_url = sys.argv[1]
dashscope.base_http_api_url = base_url
model = "qwen3-tts-vd-2026-01-26"
seen = {}
with Client(api_key="sk-sdk", base_url=base_url) as client:
    design = client.audio.voice_design
    made = design.create(target_model=model, voice_prompt="A calm woman.", preview_text="Good evening.",
                         preferred_name="calm", language="en", parameters={"response_format": "wav"})
    seen["voice"] = made.voice
    seen["preview"] = base64.b64decode(made.preview_audio["data"])[:4].decode()
    seen["listed"] = [voice["voice"] for voice in design.list().voices]
    found = design.get(made.voice)
    seen["got"] = [found.language, found.target_model]

    plain = dashscope.MultiModalConversation.call(
        model=model, api_key="sk-sdk", text="Nobody spoke.", voice=made.voice, language_type="English", stream=False)
    seen["plain"] = [plain.status_code, plain.output.finish_reason, plain.usage.characters]
    sound = urllib.request.urlopen(plain.output.audio.url).read()
    seen["sound"] = [sound[:4].decode(), len(sound)]

    pcm, last = b"", None
    asked = {"text": "Nobody spoke.", "voice": made.voice, "language_type": "English", "stream": True}
    for last in dashscope.MultiModalConversation.call(model=model, api_key="sk-sdk", **asked):
        assert last.status_code == 200, last
        pcm += base64.b64decode(last.output.audio.data or "")
    seen["stream"] = [pcm == sound[44:], last.output.finish_reason, last.output.audio.url.startswith("http")]

    older = dashscope.audio.qwen_tts.SpeechSynthesizer.call(
        model=model, api_key="sk-sdk", text="Nobody spoke.", voice=made.voice)
    seen["older"] = older.status_code

    answer = client.audio.tts.http.synthesize("Nobody spoke.", model=model, voice=made.voice, language_type="English")
    seen["v2"] = [answer.audio_url.startswith("http"), answer.usage["characters"]]
    parts = list(client.audio.tts.http.stream("Nobody spoke.", model=model, voice=made.voice, language_type="English"))
    seen["v2_stream"] = [b"".join(part.audio or b"" for part in parts) == sound[44:], parts[-1].is_final]

    errors = []
    def attempt(name, step):
        try:
            step()
        except Exception as error:
            errors.append([name, type(error).__name__, error.status_code, error.code])
    http = client.audio.tts.http
    attempt("voice", lambda: http.synthesize("x", model=model, voice="nobody"))
    attempt("model", lambda: http.synthesize("x", model="qwen9-tts", voice=made.voice))
    attempt("stream", lambda: list(http.stream("x", model=model, voice="nobody")))
    attempt("key", lambda: design.list(api_key="ak-wrong"))
    seen["deleted"] = design.delete(made.voice) is not None
    attempt("gone", lambda: design.get(made.voice))
    seen["errors"] = errors
refused = dashscope.MultiModalConversation.call(model=model, api_key="sk-sdk", text="x" * 601, voice="nobody")
seen["refused"] = [refused.status_code, refused.code, refused.message]
print(json.dumps(seen))
"""


def test_the_official_sdk_designs_speaks_streams_and_gets_its_errors(start: Start) -> None:
    process = start(engine="espeak")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DASHSCOPE")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, process.ready["base_url"]],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=clean,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    voice = seen["voice"]
    assert voice.startswith("qwen-tts-vd-calm-voice-")
    assert (seen["preview"], seen["listed"], seen["deleted"]) == ("RIFF", [voice], True)
    assert seen["got"] == ["en", "qwen3-tts-vd-2026-01-26"]
    assert seen["plain"] == [200, "stop", 13]
    assert seen["sound"][0] == "RIFF"
    assert seen["sound"][1] > 20_000
    assert seen["stream"] == [True, "stop", True]
    assert seen["older"] == 200
    assert seen["v2"] == [True, 13]
    assert seen["v2_stream"] == [True, True]
    assert seen["errors"] == [
        ["voice", "BadRequestError", 400, "InvalidParameter"],
        ["model", "NotFoundError", 404, "ModelNotFound"],
        ["stream", "BadRequestError", 400, "InvalidParameter"],
        ["key", "AuthenticationError", 401, "InvalidApiKey"],
        ["gone", "BadRequestError", 400, "VoiceNotFound"],
    ]
    assert seen["refused"] == [
        400,
        "InvalidParameter",
        "<400> InternalError.Algo.InvalidParameter: Range of input length should be [0, 600]",
    ]
