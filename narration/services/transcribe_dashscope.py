"""The vendor's recogniser: `qwen3-asr-flash`, asked synchronously with the sound in the request.

Documented, and built so: path, `messages` with the sound as a `data:` URL, `asr_options`, the answer's text and
`usage.seconds`, five minutes and 10 MB at the most. Assumed: that the 10 MB are those of the base64 text, that a sound
without speech comes back with an empty text or none, and that errors are those of the other models. It tells no times
of words.

Invariant: the expected words are never sent: a recogniser that was told what to hear proves nothing.

Source: alibabacloud.com model-studio, qwen-asr-api-reference and qwen-speech-recognition; docs.qwencloud.com,
API reference, Qwen-ASR, DashScope.
"""

from __future__ import annotations

import base64
from typing import Final

from narration.errors import TextTooLong
from narration.hearing import ACTION, HeardWord, HearingAsk, Transcript
from narration.services.api import ApiCall, ApiDoor, Repeat
from narration.services.envelope import Json, Misshapen
from narration.services.keys import ApiKey
from narration.services.protocol import Gate
from narration.services.recogniser import Told

PATH: Final = "/services/aigc/multimodal-generation/generation"
MOST_BYTES: Final = 10_000_000
"""Of the sound as base64. Source: docs.qwencloud.com, Qwen-ASR (“keep the encoded audio within the 10 MB limit”)."""
TEXT_MOST_CHARS: Final = 20_000


class DashScopeRecogniser:
    """The vendor's recogniser for one account.

    Args:
        key: of the account.
        door: calls to it.
    """

    def __init__(self, *, key: ApiKey, door: ApiDoor) -> None:
        self._key, self._door = key, door

    @property
    def account(self) -> str:
        """Fingerprint of the key."""
        return self._key.fingerprint

    async def transcribe(self, sound: bytes, ask: HearingAsk, gate: Gate) -> Told:
        """Hear a WAV file.

        Raises:
            TextTooLong: it is larger than the service takes; nothing was sent.
            ServiceError: a refusal, or no answer.
        """
        if (len(sound) + 2) // 3 * 4 > MOST_BYTES:
            raise TextTooLong("The take is larger than the recogniser takes (10 MB); nothing was sent.")
        said, call = await self._door.ask(self._call(sound, ask), gate)
        return Told(said=said, call=call)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._door.aclose()

    def _call(self, sound: bytes, ask: HearingAsk) -> ApiCall[Transcript]:
        url = "data:audio/wav;base64," + base64.b64encode(sound).decode()
        messages = [
            {"role": "system", "content": [{"text": ""}]},
            {"role": "user", "content": [{"audio": url}]},
        ]
        options: Json = {"enable_itn": False}
        if ask.language:
            options["language"] = ask.language
        body: Json = {"model": ask.model, "input": {"messages": messages}, "parameters": {"asr_options": options}}
        return ApiCall(
            action=ACTION, model=ask.model, path=PATH, body=body, repeat=Repeat.AT_LEAST_ONCE, read=self._read
        )

    def _read(self, content: Json, request_id: str) -> Transcript:
        text = self._key.redact(_text(content))[:TEXT_MOST_CHARS]
        usage = content.get("usage")
        seconds = usage.get("seconds") if isinstance(usage, dict) else None
        words = tuple(HeardWord(text=word) for word in text.split())
        return Transcript(request_id=request_id, words=words, billed_s=counted(seconds))


def _text(content: Json) -> str:
    """The text of the first choice.

    Raises:
        Misshapen: there is none.
    """
    output = content.get("output")
    choices = output.get("choices") if isinstance(output, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise Misshapen("the answer has no output.choices[0].message")
    parts = message.get("content")
    if isinstance(parts, str):
        return parts
    texts = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return " ".join(text for text in texts if isinstance(text, str))


def counted(value: object) -> float | None:
    """Seconds as an answer tells them, also as text; None where it tells none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 10**6:
        return None
    return float(value)
