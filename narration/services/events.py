"""Answers that come as a stream of events, gathered into the one answer that they make.

Invariant: what leaves `gathered` is a whole answer or a `WireFailure`; a stream that ended before its last event
yields nothing.

The sound in the events and the link of the last one both go into the journal: the sound is in hand, so that no dead
link can lose what was paid for, and the link is there where the sound in the events turns out not to be whole.

Source: alibabacloud.com, model-studio qwen-tts-api (content of the events, PCM of 24 kHz, mono, 16 bits); PyPI
dashscope 2.0.2, api_entities (comments, `status:` lines, a missing last blank line, plain JSON in place of a stream).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from narration.services.envelope import Json, error_words, json_object
from narration.services.http import Reply, WireFailure
from narration.services.protocol import Ending
from narration.services.riff import pcm_of

EVENT_HEADERS: Final = (("Accept", "text/event-stream"), ("X-DashScope-SSE", "enable"))
"""What asks for a stream. Source: alibabacloud.com, model-studio qwen-tts-api."""

MEDIA_TYPE: Final = "text/event-stream"
PCM_RATE_HZ: Final = 24_000

_LINES = re.compile(r"\r\n|\r|\n")
_STATUS = re.compile(r"(?:HTTP_STATUS/|status:\s*)(\d{3})")


@dataclass(frozen=True, slots=True)
class _Event:
    kind: str
    status: int
    data: str


def gathered(reply: Reply) -> Reply:
    """The answer that a stream of events makes; any other answer as it is.

    Raises:
        WireFailure: the stream is not whole; what it was sent for may be billed.
    """
    if not reply.headers.get("content-type", "").casefold().startswith(MEDIA_TYPE):
        return reply
    if reply.body.lstrip().startswith(b"{"):
        return reply  # plain JSON under the stream's name
    pieces: list[object] = []
    last: Json | None = None
    for event in _events(reply.body.decode("utf-8", "replace")):
        content = json_object(event.data.encode("utf-8", "surrogatepass"))
        if content is None:
            raise _broken("an event of the stream is not a JSON object")
        if event.kind == "error" or error_words(content)[0]:
            status = event.status if event.status >= 400 else reply.status
            return replace(reply, status=status, body=_as_bytes(_named(content)))
        pieces.append(_audio(content).get("data"))
        last = content
    if last is None or _finish(last) in {None, "", "null"}:
        raise _broken("the stream ended before its last event")
    return replace(reply, body=_as_bytes(_with_sound(last, _joined(pieces))))


def _events(text: str) -> Iterator[_Event]:
    """The events of a stream; one without a blank line after it counts, as some servers leave the last one out."""
    kind, status, data = "", 0, list[str]()
    for line in [*_LINES.split(text), ""]:
        told = _STATUS.match(line.lstrip(":"))
        name, _, value = line.partition(":")
        if not line:
            if data:
                yield _Event(kind, status, "\n".join(data))
            kind, status, data = "", 0, []
        elif told is not None:
            status = int(told[1])
        elif name == "data":
            data.append(value.removeprefix(" "))
        elif name == "event":
            kind = value.strip()


def _named(content: Json) -> Json:
    """An error event, with a code where it has none: the error map is to see it in any case."""
    return content if error_words(content)[0] else {**content, "code": "InternalError"}


def _finish(content: Json) -> object:
    output = content.get("output")
    return output.get("finish_reason") if isinstance(output, dict) else None


def _audio(content: Json) -> Json:
    output = content.get("output")
    audio = output.get("audio") if isinstance(output, dict) else None
    return audio if isinstance(audio, dict) else {}


def _joined(pieces: list[object]) -> bytes | None:
    """The sound of all events; None when one of them cannot be read."""
    try:
        return b"".join(base64.b64decode(piece, validate=True) for piece in pieces if isinstance(piece, str))
    except (binascii.Error, ValueError):
        return None


def _with_sound(last: Json, sound: bytes | None) -> Json:
    """The last event, with the sound of all of them as a WAV file.

    Raises:
        WireFailure: the sound cannot be used, and there is no link.
    """
    rate_hz, pcm = pcm_of(sound or b"", PCM_RATE_HZ)
    if sound is None or not pcm or len(pcm) % 2:
        if _audio(last).get("url"):
            return last
        raise _broken("the stream has neither a whole sound nor a link")
    output = last.get("output")
    held = {**_audio(last), "data": base64.b64encode(_wav(pcm, rate_hz)).decode()}
    return {**last, "output": {**(output if isinstance(output, dict) else {}), "audio": held}}


def _wav(pcm: bytes, rate_hz: int) -> bytes:
    """A WAV file of mono samples in 16 bits."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + len(pcm), b"WAVE") + form + struct.pack("<4sI", b"data", len(pcm)) + pcm


def _as_bytes(content: Json) -> bytes:
    return json.dumps(content).encode("utf-8")


def _broken(what: str) -> WireFailure:
    return WireFailure(what, Ending.IN_DOUBT, transient=True)
