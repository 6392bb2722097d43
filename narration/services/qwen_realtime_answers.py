"""What is heard in a realtime session, held against the documented order of events.

Invariant: a response counts only when it was created, sounded, ended and billed in that order under one id; anything
else is `Misshapen`, and the service's own refusal is `SaidNo`.

Events of kinds that are not documented are passed over: they may be new, and say nothing of the audio.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from narration.services.envelope import Json, Misshapen, error_words
from narration.services.pcm import bare_samples
from narration.services.reading import COUNT_MOST
from narration.services.socket import Line, SaidNo

M = TypeVar("M", bound=BaseModel)

_Id = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Session(_Part):
    id: _Id


class _Opened(_Part):
    session: _Session


class _Response(_Part):
    id: _Id
    status: str = ""
    usage: object = None


class _About(_Part):
    response: _Response


class _Delta(_Part):
    response_id: _Id
    delta: str


class _Ended(_Part):
    response_id: _Id


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvent:
    """The beginning of a session."""

    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One whole response.

    Attributes:
        samples: 16-bit mono.
        characters: billed; None where the service did not say.
    """

    samples: bytes
    characters: int | None


@dataclass(slots=True)
class _Sounding:
    """A response that is not at its end."""

    response_id: str
    sound: bytearray = field(default_factory=bytearray)
    ended: bool = False


IN_RESPONSE: Final = frozenset({"response.audio.delta", "response.audio.done", "response.done"})


async def hear_event(line: Line, kind: str) -> SessionEvent:
    """The next event, which must be of that kind and about the session.

    Raises:
        Misshapen: it is another, or not as documented.
        SaidNo: the service refuses.
        WireFailure: the connection is broken.
    """
    event = await _next(line, may_be_billed=False)
    if event.get("type") != kind:
        raise Misshapen(f"{_named(event)} came where {kind} is due")
    return SessionEvent(session_id=_validated(_Opened, event).session.id)


class Hearing:
    """Hears one answer.

    Args:
        line: to hear on.
        rate_hz: of the samples.

    Attributes:
        responses: those that are whole, in order.
    """

    def __init__(self, line: Line, rate_hz: int) -> None:
        self._line, self._rate_hz = line, rate_hz
        self._now: _Sounding | None = None
        self.responses: list[Response] = []

    async def next(self) -> str:
        """Hear one event; its type.

        Raises:
            Misshapen: it is not what the documents have at this place.
            SaidNo: the service refuses, or a response ended otherwise than completed.
            WireFailure: the connection is broken.
        """
        begun = self._now is not None or bool(self.responses)
        event = await _next(self._line, may_be_billed=begun)
        kind = str(event.get("type"))
        if kind == "response.created":
            self._created(event)
        elif kind in IN_RESPONSE:
            self._about(self._current(kind, event), kind, event)
        elif kind in {"session.created", "session.updated"}:
            raise Misshapen(f"{_named(event)} came within an answer")
        elif kind == "session.finished" and (self._now is not None or not self.responses):
            raise Misshapen("the session was finished before the answer was whole")
        return kind

    def _created(self, event: Json) -> None:
        if self._now is not None:
            raise Misshapen("a response was created within another")
        response_id = _validated(_About, event).response.id
        self._now = _Sounding(response_id)
        self._line.request_id = self._line.request_id or response_id

    def _current(self, kind: str, event: Json) -> _Sounding:
        told = (
            _validated(_About, event).response.id if kind == "response.done" else _validated(_Ended, event).response_id
        )
        if self._now is None or told != self._now.response_id:
            raise Misshapen(f"{kind} came for a response that was not created")
        return self._now

    def _about(self, now: _Sounding, kind: str, event: Json) -> None:
        if kind == "response.done":
            self._done(now, _validated(_About, event).response)
        elif now.ended:
            raise Misshapen(f"{kind} came after the audio was done")
        elif kind == "response.audio.done":
            now.ended = True
        else:
            self._line.sounded()
            now.sound += _decoded(_validated(_Delta, event).delta)

    def _done(self, now: _Sounding, response: _Response) -> None:
        if not response.status:
            raise Misshapen("response.done has no status")
        if response.status != "completed":
            words = f"the response ended as {response.status}"
            raise SaidNo("InternalError", words, may_be_billed=True)
        if not now.ended:
            raise Misshapen("response.done came before response.audio.done")
        samples = bare_samples(bytes(now.sound), self._rate_hz)
        self.responses.append(Response(samples=samples, characters=_characters(response.usage)))
        self._now = None


async def _next(line: Line, *, may_be_billed: bool) -> Json:
    """The next event that is no refusal."""
    frame = await line.hear()
    if isinstance(frame, bytes):
        raise Misshapen("a binary frame came where text is due")
    if frame.get("type") == "error":
        code, message = error_words(frame)
        raise SaidNo(code, message, may_be_billed=may_be_billed)
    if not isinstance(frame.get("type"), str):
        raise Misshapen("an event has no type")
    return frame


def _named(event: Json) -> str:
    return str(event.get("type"))[:60]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise Misshapen("a piece of audio is not base64")


def _characters(usage: object) -> int | None:
    count = usage.get("characters") if isinstance(usage, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= COUNT_MOST else None


def _validated(model: type[M], event: Json) -> M:
    try:
        return model.model_validate(event)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        message = f"{_named(event)} has no sound {where or 'fields'} ({first['msg']})"
    raise Misshapen(message)
