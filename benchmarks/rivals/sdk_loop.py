"""The vendor's SDK in a loop, requests for the files, pydub for the join: the script that most people write first.

    python sdk_loop.py BASE_URL KEY LINES.json FOLDER [--keep]

`LINES.json` is a list of chapters, each a list of texts. With `--keep` every WAV file is written under its number as it
comes, and one that is there is not asked for again, which is what the second version of that script does; the voice's
name is kept likewise.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import dashscope
import requests
from pydub import AudioSegment

MODEL = "qwen3-tts-vd-2026-01-26"
VOICE = {
    "action": "create",
    "target_model": MODEL,
    "voice_prompt": "A calm middle-aged woman, low pitch, steady pace, for audiobook narration.",
    "preview_text": "The lamp was out, but nobody in the house had slept.",
    "preferred_name": "narrator",
    "language": "en",
}


def create_voice(base_url: str, key: str) -> str:
    """Have the narrator's voice made, as the vendor's page on voice design shows it."""
    answer = requests.post(
        f"{base_url}/services/audio/tts/customization",
        headers={"Authorization": f"Bearer {key}"},
        json={"model": "qwen-voice-design", "input": VOICE},
        timeout=60,
    )
    answer.raise_for_status()
    return str(answer.json()["output"]["voice"])


def speak(key: str, voice: str, text: str) -> bytes:
    """One line as a WAV file."""
    response: Any = dashscope.MultiModalConversation.call(
        model=MODEL, api_key=key, text=text, voice=voice, language_type="English"
    )
    sound = requests.get(response.output.audio["url"], timeout=60)
    sound.raise_for_status()
    return bytes(sound.content)


def main(base_url: str, key: str, lines: str, folder: str, *, keep: bool) -> None:
    """Make an MP3 file of each chapter."""
    dashscope.base_http_api_url = base_url
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    named = out / "voice.txt"
    voice = named.read_text() if keep and named.exists() else create_voice(base_url, key)
    if keep:
        named.write_text(voice)
    number = 0
    for chapter, texts in enumerate(json.loads(Path(lines).read_text()), 1):
        combined = AudioSegment.empty()
        for text in texts:
            number += 1
            file = out / f"{number:05d}.wav"
            sound = file.read_bytes() if keep and file.exists() else speak(key, voice, text)
            if keep:
                file.write_bytes(sound)
            combined += AudioSegment.from_wav(io.BytesIO(sound))
            combined += AudioSegment.silent(duration=600, frame_rate=24000)
        combined.export(out / f"{chapter:02d}.mp3", format="mp3", bitrate="128k")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], keep="--keep" in sys.argv)
