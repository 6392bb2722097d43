"""What is taken out of the task gateway's answers.

Invariant: a task without a sound id is `Misshapen`, since nothing could be asked for again; all else of it may be
missing or odd.

Source: docs.evolink.ai, Qwen Voice Design; Qwen3 TTS VD; Get Task Detail.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from narration.services.envelope import Json, Misshapen, error_words

CREDITS_MOST: Final = 1_000_000.0
"""More than this for one task is no number of credits."""

RESULT_MOST_CHARS: Final = 40_000_000

_TASK_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_VOICE = re.compile(r"[!-~]{1,200}")
_DATA_URI = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)


class TaskState(StrEnum):
    """How far a task is."""

    OPEN = "open"
    """`pending`, `processing`, and any word that the documents do not know."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as the gateway tells of it.

    Attributes:
        task_id: to ask for it.
        state: how far it is.
        told: the gateway's own word for the state.
        progress: in percent.
        created_s: Unix seconds; 0 when unknown.
        credits: what it costs in the gateway's money; None when not told.
        results: links, or `data:` URIs.
        voice: name of a designed voice; empty for speech.
        preview: audio file of a designed voice, where it came along; else empty.
        code, message: why it failed.
    """

    task_id: str
    state: TaskState
    told: str
    progress: int
    created_s: int
    credits: float | None
    results: tuple[str, ...]
    voice: str
    preview: bytes
    code: str
    message: str


def read_task(content: Json) -> Task:
    """A task.

    Raises:
        Misshapen: no id that could stand in an address, or no state.
    """
    task_id, told = content.get("id"), content.get("status")
    if not isinstance(task_id, str) or _TASK_ID.fullmatch(task_id) is None:
        raise Misshapen("the answer has no sound task id")
    if not isinstance(told, str):
        raise Misshapen("the answer does not say how far the task is")
    states = {state.value: state for state in TaskState}
    result = content.get("result_data")
    result = result if isinstance(result, dict) else {}
    results = content.get("results")
    voice = result.get("voice")
    code, message = error_words({"error": content.get("error")})
    usage = content.get("usage")
    return Task(
        task_id=task_id,
        state=states.get(told.strip().casefold(), TaskState.OPEN),
        told=told,
        progress=round(_number(content.get("progress"), 100.0) or 0),
        created_s=int(_number(content.get("created"), 2.0**40) or 0),
        credits=_number(usage.get("credits_reserved"), CREDITS_MOST) if isinstance(usage, dict) else None,
        results=tuple(_links(results)),
        voice=voice if isinstance(voice, str) and _VOICE.fullmatch(voice) else "",
        preview=_preview(result),
        code=code,
        message=message,
    )


def data_of(result: str) -> bytes | None:
    """The bytes that a `data:` URI holds; None for anything else, empty when they cannot be read."""
    found = _DATA_URI.match(result)
    if found is None:
        return b"" if result[:5].casefold() == "data:" else None
    return _decoded(result[found.end() :])


def _links(results: object) -> list[str]:
    listed = results if isinstance(results, list) else []
    return [one for one in listed if isinstance(one, str) and 0 < len(one) <= RESULT_MOST_CHARS]


def _preview(result: Json) -> bytes:
    audio = result.get("preview_audio")
    data = audio.get("data") if isinstance(audio, dict) else None
    return _decoded(data) if isinstance(data, str) else b""


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _number(value: object, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and 0 <= number <= most else None
