"""Any OpenAI-compatible transcription endpoint: the sound as a form, the words with their times where it has them.

Invariant: a request is made once and sent whole as often as it takes: the same sound gives the same bytes.

Source: OpenAI's API reference, create transcription (`file`, `model`, `language`, `response_format`,
`timestamp_granularities[]`; 25 MB); RFC 7578 for the form.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import Final

from narration.errors import FormRefused, TextTooLong
from narration.hearing import ACTION, HeardWord, HearingAsk, Transcript
from narration.services.api import ApiCall, ApiDoor, Form, Repeat
from narration.services.envelope import Json, Misshapen
from narration.services.keys import ApiKey
from narration.services.protocol import Gate
from narration.services.recogniser import Told
from narration.services.transcribe_dashscope import TEXT_MOST_CHARS, counted
from narration.settings.recogniser import TRANSCRIPTIONS

MOST_BYTES: Final = 25_000_000
WORDS_MOST: Final = 5_000
"""More words than this are not those of a take."""


class OpenAiRecogniser:
    """One endpoint for one account.

    Args:
        key: of the account.
        door: calls to it.
    """

    def __init__(self, *, key: ApiKey, door: ApiDoor) -> None:
        self._key, self._door = key, door
        self._refuses_times = False

    @property
    def account(self) -> str:
        """Fingerprint of the key."""
        return self._key.fingerprint

    async def transcribe(self, sound: bytes, ask: HearingAsk, gate: Gate) -> Told:
        """Hear a WAV file; where the model tells no times, it is asked without them, which it is told once.

        Raises:
            FormRefused: it does not answer in JSON at all.
            TextTooLong: the file is larger than the endpoint takes; nothing was sent.
            ServiceError: a refusal, or no answer.
        """
        if len(sound) > MOST_BYTES:
            raise TextTooLong("The take is larger than the recogniser takes (25 MB); nothing was sent.")
        timed = not self._refuses_times
        try:
            said, call = await self._door.ask(self._call(sound, ask, timed=timed), gate)
        except FormRefused as refused:
            if not timed or refused.call is None:
                raise
            self._refuses_times = True
            before = refused.call
        else:
            return Told(said=said, call=call)
        said, call = await self._door.ask(self._call(sound, ask, timed=False), gate)
        call = replace(call, attempts=before.attempts + call.attempts, in_doubt=before.in_doubt + call.in_doubt)
        return Told(said=said, call=call)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._door.aclose()

    def _call(self, sound: bytes, ask: HearingAsk, *, timed: bool) -> ApiCall[Transcript]:
        fields = [("model", ask.model)]
        if ask.language:
            fields.append(("language", ask.language))
        fields.append(("response_format", "verbose_json" if timed else "json"))
        if timed:
            fields.append(("timestamp_granularities[]", "word"))
        return ApiCall(
            action=ACTION,
            model=ask.model,
            path=TRANSCRIPTIONS,
            body=None,
            form=form_of(fields, sound),
            repeat=Repeat.AT_LEAST_ONCE,
            read=self._read,
        )

    def _read(self, content: Json, request_id: str) -> Transcript:
        text = content.get("text")
        if not isinstance(text, str):
            raise Misshapen("the answer has no text")
        words = _words(content.get("words"))
        if not words:
            words = tuple(HeardWord(text=word) for word in text[:TEXT_MOST_CHARS].split())
        words = tuple(replace(word, text=self._key.redact(word.text)) for word in words)
        usage = content.get("usage")
        seconds = counted(usage.get("seconds")) if isinstance(usage, dict) else None
        if seconds is None and (length_s := counted(content.get("duration"))) is not None:
            seconds = float(math.ceil(length_s))
        return Transcript(request_id=request_id, words=words, billed_s=seconds)


def _words(listed: object) -> tuple[HeardWord, ...]:
    """The words with their times, as far as they are words with times."""
    found = []
    for one in listed[:WORDS_MOST] if isinstance(listed, list) else ():
        if not isinstance(one, dict) or not isinstance(one.get("word"), str):
            continue
        start, end = counted(one.get("start")), counted(one.get("end"))
        sure = one.get("probability")  # not OpenAI's own; endpoints that run the open model tell it
        found.append(
            HeardWord(
                text=one["word"].strip()[:200],
                start_ms=None if start is None else round(start * 1000),
                end_ms=None if end is None else round(end * 1000),
                confidence=float(sure) if isinstance(sure, int | float) and 0 <= sure <= 1 else None,
            )
        )
    return tuple(word for word in found if word.text)


def form_of(fields: list[tuple[str, str]], sound: bytes) -> Form:
    """A form of fields and a WAV file; its boundary is made of its content, which therefore does not hold it."""
    boundary = "narrate-" + hashlib.sha256(sound + repr(fields).encode()).hexdigest()[:32]
    parts = []
    for name, value in fields:
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="take.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    parts += [head.encode(), sound, f"\r\n--{boundary}--\r\n".encode()]
    return Form(kind=f"multipart/form-data; boundary={boundary}", content=b"".join(parts))
