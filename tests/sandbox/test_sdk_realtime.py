"""The vendor's own Python SDK, unmodified, in realtime sessions with a running sandbox."""

from __future__ import annotations

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

# Runs in a process of its own: the SDK warns on import, keeps global settings, and speaks from threads.
PROGRAM = r"""
import base64, json, sys, threading
import dashscope
from dashscope.audio.qwen_tts_realtime import AudioFormat, QwenTtsRealtime, QwenTtsRealtimeCallback
from dashscope.v2.client import Client

base_url, model = sys.argv[1], "qwen3-tts-vd-realtime-2025-12-16"
url = base_url.replace("http", "ws", 1).replace("/api/v1", "/api-ws/v1/realtime")
dashscope.api_key = "sk-sdk"
with Client(api_key="sk-sdk", base_url=base_url) as client:
    voice = client.audio.voice_design.create(target_model=model, voice_prompt="A calm woman.",
        preview_text="Good evening.", preferred_name="calm", language="en").voice


class Heard(QwenTtsRealtimeCallback):
    def __init__(self):
        self.types, self.pcm, self.characters, self.errors, self.closed = [], b"", 0, [], None
        self.response, self.finished = threading.Event(), threading.Event()

    def on_close(self, code, message):
        self.closed = code
        self.response.set(); self.finished.set()

    def on_event(self, event):
        kind = event["type"]
        self.types.append(kind)
        if kind == "response.audio.delta":
            self.pcm += base64.b64decode(event["delta"])
        if kind == "response.done":
            self.characters += event["response"]["usage"]["characters"]
            self.response.set()
        if kind == "session.finished":
            self.finished.set()
        if kind == "error":
            self.errors.append(event["error"]["code"])


def opened():
    heard = Heard()
    session = QwenTtsRealtime(model=model, callback=heard, url=url)
    session.connect()
    return session, heard


seen = {}
session, heard = opened()
session.update_session(voice=voice, response_format=AudioFormat.PCM_24000HZ_MONO_16BIT, mode="server_commit",
                       language_type="English", volume=60, speech_rate=1.1, pitch_rate=1.0)
for text in ("Nobody spoke until the kettle began to sing, and then ", "nobody wanted to. ", "Mara went out."):
    session.append_text(text)
session.finish()
assert heard.finished.wait(120)
seen["server_commit"] = [heard.characters, len(heard.pcm) > 48_000, heard.types[:2], heard.types[-1], heard.errors]
seen["metrics"] = [session.get_session_id().startswith("sess_"), session.get_first_audio_delay() > 0,
                   session.get_last_response_id().startswith("resp_")]

session, heard = opened()
session.update_session(voice=voice, mode="commit", language_type="English", sample_rate=16000)
counts = []
for text in ("Nobody spoke.", "Mara went out."):
    heard.response.clear()
    session.append_text(text)
    session.commit()
    assert heard.response.wait(120)
    counts.append(heard.characters)
session.append_text("Not this.")
session.clear_appended_text()
session.finish()
assert heard.finished.wait(120)
seen["commit"] = [counts, heard.types.count("response.done"), "input_text_buffer.cleared" in heard.types, heard.errors]

session, heard = opened()
session.update_session(voice="nobody", mode="commit")
assert heard.finished.wait(120)
seen["voice"] = heard.errors
session, heard = opened()
session.update_session(voice=voice, mode="server_commit")
session.clear_appended_text()
session.finish()
assert heard.finished.wait(120)
seen["clear"] = heard.errors
print(json.dumps(seen))
"""


def test_the_official_sdk_speaks_in_realtime_in_both_modes_and_gets_its_errors(start: Start) -> None:
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
    spoken = len("Nobody spoke until the kettle began to sing, and then nobody wanted to. Mara went out.")
    assert seen["server_commit"] == [spoken, True, ["session.created", "session.updated"], "session.finished", []]
    assert seen["metrics"] == [True, True, True]
    assert seen["commit"] == [[13, 27], 2, True, []]
    assert seen["voice"] == ["InvalidParameter"]
    assert seen["clear"] == ["invalid_value"]
    assert process.bill()["characters"] == spoken + 27
