"""The events of a realtime session: what a client may ask of it, and how its answers are put.

Invariant: every event to the client has a `type` and an `event_id` of its own.

Source: alibabacloud.com model-studio, qwen-tts-realtime client events and server events; ranges of `session` as there.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from narration.sandbox.audio import PREVIEW_FORMATS
from narration.sandbox.languages import AUTO, BY_TYPE
from narration.sandbox.wire import Body

RATES_HZ = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
MODES = ("server_commit", "commit")


class BadEventError(Exception):
    """An event that the session cannot take; the session stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a session was told, with the documented defaults.

    `speech_rate` and `pitch_rate` are factors, `volume` is 0 to 100 and 50 the voice's own.
    """

    voice: str = ""
    mode: str = "server_commit"
    language_type: str = "Auto"
    response_format: str = "pcm"
    sample_rate: int = 24_000
    speech_rate: float = 1.0
    pitch_rate: float = 1.0
    volume: int = 50


class _Update(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)

    voice: str = Field(min_length=1)
    mode: str = "server_commit"
    language_type: str = "Auto"
    response_format: str = "pcm"
    sample_rate: int = 24_000
    speech_rate: float = Field(1.0, ge=0.5, le=2.0)
    pitch_rate: float = Field(1.0, ge=0.5, le=2.0)
    volume: int = Field(50, ge=0, le=100)
    bit_rate: int = Field(128, ge=6, le=510)
    enable_tn: bool | None = None


def read_terms(session: object) -> Terms:
    """Return what a `session.update` asks for.

    Raises:
        BadEventError: a field is missing, out of range, or for models of another kind.
    """
    try:
        asked = _Update.model_validate(session)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step) for step in ("session", *first["loc"]))
        message = f"{where}: {first['msg']}"
    else:
        choices: Mapping[str, Sequence[object]] = {
            "mode": MODES,
            "response_format": PREVIEW_FORMATS,
            "sample_rate": RATES_HZ,
        }
        wrong = [name for name, allowed in choices.items() if getattr(asked, name) not in allowed]
        if asked.language_type.lower() not in {AUTO, *BY_TYPE}:
            wrong.append("language_type")
        if isinstance(session, Mapping) and session.get("instructions"):
            wrong.append("instructions")
        if not wrong:
            return Terms(**asked.model_dump(exclude={"bit_rate", "enable_tn"}))
        message = f"session.{wrong[0]}: unsupported value"
    raise BadEventError(message)


def event(kind: str, **fields: object) -> Body:
    """Return an event to the client."""
    return {"event_id": f"event_{uuid.uuid4().hex[:22]}", "type": kind, **fields}


def error_event(code: str, message: str, about: object) -> Body:
    """Return an `error`; `about` is the id of the event that it answers."""
    told = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": about}
    return event("error", error=told)


def response_events(response_id: str, item_id: str, voice: str, parts: Sequence[str], characters: int) -> list[Body]:
    """Return the events of one response in order.

    Args:
        response_id: of the response.
        item_id: of its one item.
        voice: that speaks.
        parts: the audio, base64.
        characters: billed.
    """
    ids: dict[str, Any] = {"response_id": response_id, "output_index": 0}
    part_ids = {**ids, "item_id": item_id, "content_index": 0}
    part = {"type": "audio", "text": ""}

    def item(status: str, content: list[object]) -> Body:
        kind = {"id": item_id, "object": "realtime.item", "type": "message"}
        return {**kind, "status": status, "role": "assistant", "content": content}

    response = {"id": response_id, "object": "realtime.response", "conversation_id": "", "voice": voice}
    done = item("completed", [part])
    whole = {
        **response,
        "status": "completed",
        "modalities": ["text", "audio"],
        "output": [done],
        "usage": {"characters": characters},
    }
    return [
        event("response.created", response={**response, "status": "in_progress", "output": []}),
        event("response.output_item.added", **ids, item=item("in_progress", [])),
        event("response.content_part.added", **part_ids, part=part),
        *(event("response.audio.delta", **part_ids, delta=delta) for delta in parts),
        event("response.audio.done", **part_ids),
        event("response.content_part.done", **part_ids, part=part),
        event("response.output_item.done", **ids, item=done),
        event("response.done", response=whole),
    ]
