"""The vendor's own Python SDK, unmodified, against the CosyVoice half of a running sandbox."""

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
import base64, json, sys, urllib.request
import dashscope
from dashscope.audio.http_tts import HttpSpeechSynthesizer
from dashscope.audio.tts_v2 import AudioFormat, ResultCallback, SpeechSynthesizer, VoiceEnrollmentService
from dashscope.audio.tts_v2.enrollment import VoiceEnrollmentException
from dashscope.v2.client import Client

base_url, ws_url = sys.argv[1:3]
dashscope.base_http_api_url, dashscope.base_websocket_api_url = base_url, ws_url
dashscope.api_key = "sk-sdk"
model, text = "cosyvoice-v3.5-flash", "Nobody spoke. Then the kettle sang."
seen, errors = {}, []

def post(body):
    request = urllib.request.Request(
        base_url + "/services/audio/tts/customization", json.dumps(body).encode(),
        {"Authorization": "Bearer sk-sdk", "Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))

made = post({"model": "voice-enrollment",
             "input": {"action": "create_voice", "target_model": model, "voice_prompt": "A calm woman.",
                       "preview_text": "Good evening.", "prefix": "calm", "language_hints": ["en"]},
             "parameters": {"sample_rate": 24000, "response_format": "wav"}})
voice = made["output"]["voice_id"]
seen["design"] = [voice, base64.b64decode(made["output"]["preview_audio"]["data"])[:4].decode(), made["usage"]]

enrollment = VoiceEnrollmentService()
clone = enrollment.create_voice(target_model=model, prefix="clone", url="https://example.com/a.wav",
                                language_hints=["en"])
seen["clone"] = [clone, enrollment.get_last_request_id() is not None]
seen["listed"] = [[item["voice_id"], item["status"]] for item in enrollment.list_voices(page_index=0, page_size=10)]
seen["by_prefix"] = [item["voice_id"] for item in enrollment.list_voices(prefix="calm")]
seen["queried"] = [enrollment.query_voice(voice)[key] for key in ("status", "target_model", "voice_prompt")]
enrollment.update_voice(clone, "https://example.com/b.wav")

plain = SpeechSynthesizer(model=model, voice=voice, format=AudioFormat.WAV_24000HZ_MONO_16BIT)
sound = plain.call(text)
seen["call"] = [sound[:4].decode(), len(sound), plain.get_response()["payload"]["usage"]["characters"],
                plain.get_response()["header"]["event"], plain.get_first_package_delay() >= 0]
pcm = SpeechSynthesizer(model=model, voice=voice, format=AudioFormat.PCM_24000HZ_MONO_16BIT).call(text)
seen["same"] = pcm == sound[44:]
mp3 = SpeechSynthesizer(model=model, voice=voice, instruction="softly", seed=7, language_hints=["en"],
                        speech_rate=1.2, pitch_rate=0.9, volume=60).call("Nobody spoke.")
seen["default_form"] = mp3[:3].decode("latin-1")

class Hearing(ResultCallback):
    def __init__(self):
        self.told, self.data, self.failures = [], b"", []
    def on_open(self): self.told.append("open")
    def on_event(self, message): self.told.append(json.loads(message)["payload"]["output"]["type"])
    def on_data(self, data): self.data += data
    def on_complete(self): self.told.append("complete")
    def on_close(self): self.told.append("close")
    def on_error(self, message): self.failures.append(json.loads(message)["header"]["error_message"])

hearing = Hearing()
streamed = SpeechSynthesizer(model=model, voice=voice, format=AudioFormat.PCM_24000HZ_MONO_16BIT, callback=hearing)
streamed.streaming_call("Nobody spoke. ")
streamed.streaming_flush()
streamed.streaming_call("Then the kettle sang.")
streamed.streaming_complete()
seen["streamed"] = [hearing.told[0], hearing.told[1], hearing.told[-2:], hearing.data == pcm]

cancelled = SpeechSynthesizer(model=model, voice=voice, format=AudioFormat.PCM_24000HZ_MONO_16BIT, callback=Hearing())
cancelled.streaming_call("Never heard.")
cancelled.streaming_cancel()

http = HttpSpeechSynthesizer.call(model=model, text=text, voice=voice, volume=50)
seen["http"] = [http.status_code, http.output["finish_reason"], http.usage["characters"],
                urllib.request.urlopen(http.audio_url).read()[44:] == pcm]
parts = list(HttpSpeechSynthesizer.call(model=model, text=text, voice=voice, audio_format="pcm", stream=True))
seen["sse"] = [b"".join(part.audio_data for part in parts[:-1]) == pcm, parts[-1].audio_url.startswith("http"),
               [s["index"] for s in parts[-1].sentences][-1]]
refused = HttpSpeechSynthesizer.call(model=model, text="x", voice="nobody")
seen["http_refused"] = [refused.status_code, refused.code, refused.message]

def attempt(name, step):
    try:
        step()
    except VoiceEnrollmentException as error:
        errors.append([name, error._status_code, error._code])
    except Exception as error:
        errors.append([name, type(error).__name__, getattr(error, "name", None) or getattr(error, "code", None)])
attempt("gone", lambda: enrollment.query_voice("nobody"))
attempt("prefix", lambda: enrollment.create_voice(target_model=model, prefix="not_ok", url="https://example.com/a"))
attempt("voice", lambda: SpeechSynthesizer(model=model, voice="nobody").call("x"))
attempt("model", lambda: SpeechSynthesizer(model="cosyvoice-v9", voice=voice).call("x"))
attempt("nothing", lambda: SpeechSynthesizer(model=model, voice=voice).call("..."))

with Client(api_key="sk-sdk", base_url=base_url) as client:
    seen["v2_list"] = len(client.audio.voices.list().voices)
    seen["v2_got"] = client.audio.voices.get(voice).status
    one = client.audio.tts.synthesize(text, model=model, voice=voice, format="pcm", sample_rate=24000, ws_url=ws_url)
    seen["v2_socket"] = one == pcm
    answer = client.audio.tts.http.synthesize(text, model=model, voice=voice, format="wav", sample_rate=24000)
    seen["v2_http"] = [answer.audio_url.startswith("http"), answer.usage["characters"]]
    chunks = list(client.audio.tts.http.stream(text, model=model, voice=voice, format="pcm", sample_rate=24000))
    seen["v2_sse"] = [b"".join(c.audio or b"" for c in chunks) == pcm, chunks[-1].is_final]
    attempt("v2 voice", lambda: client.audio.tts.synthesize("x", model=model, voice="nobody", ws_url=ws_url))
    attempt("v2 gone", lambda: client.audio.voices.get("nobody"))
    attempt("v2 key", lambda: client.audio.voices.list(api_key="ak-wrong"))
enrollment.delete_voice(voice)
seen["left"] = [item["voice_id"] for item in enrollment.list_voices()]
seen["errors"] = errors
print(json.dumps(seen))
"""


def test_the_official_sdk_enrols_speaks_over_both_wires_and_gets_its_errors(start: Start) -> None:
    process = start(engine="espeak")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DASHSCOPE")}
    ws_url = f"ws://127.0.0.1:{process.ready['port']}/api-ws/v1/inference"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, process.ready["base_url"], ws_url],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=clean,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    voice, clone = seen["design"][0], seen["clone"][0]
    assert voice.startswith("cosyvoice-v3.5-flash-vd-calm-")
    assert seen["design"][1:] == ["RIFF", {"count": 1}]
    assert (clone.startswith("cosyvoice-v3.5-flash-clone-"), seen["clone"][1]) == (True, True)
    assert seen["listed"] == [[clone, "OK"], [voice, "OK"]]
    assert seen["by_prefix"] == [voice]
    assert seen["queried"] == ["OK", "cosyvoice-v3.5-flash", "A calm woman."]
    assert (seen["call"][0], seen["call"][2:]) == ("RIFF", [35, "task-finished", True])
    assert seen["call"][1] > 20_000
    assert seen["same"] is True
    assert seen["default_form"] in ("ID3", "\xff\xfb\x90")
    assert seen["streamed"] == ["open", "sentence-begin", ["complete", "close"], True]
    assert seen["http"] == [200, "stop", 35, True]
    assert seen["sse"] == [True, True, 1]
    assert seen["http_refused"] == [400, "InvalidParameter", "[tts:]Engine return error code: 418"]
    assert (seen["v2_list"], seen["v2_got"], seen["v2_socket"]) == (2, "OK", True)
    assert seen["v2_http"] == [True, 35]
    assert seen["v2_sse"] == [True, True]
    assert seen["left"] == [clone]
    assert seen["errors"] == [
        ["gone", 400, "BadRequest.ResourceNotExist"],
        ["prefix", 400, "InvalidParameter"],
        ["voice", "RequestFailure", "InvalidParameter"],
        ["model", "RequestFailure", "ModelNotFound"],
        ["nothing", "RequestFailure", "InvalidParameter"],
        ["v2 voice", "BadRequestError", "InvalidParameter"],
        ["v2 gone", "BadRequestError", "BadRequest.ResourceNotExist"],
        ["v2 key", "AuthenticationError", "InvalidApiKey"],
    ]
