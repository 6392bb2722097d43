"""CosyVoice over a WebSocket: run-task, continue-task, finish-task; results in text frames, the sound in binary ones.

Invariant: each task is billed once, when its sound is there, before its first frame of sound leaves; a refused one
never, and one that is cancelled or never finished not at all.

Source: alibabacloud.com, model-studio cosyvoice-client-events and cosyvoice-server-events; error-code page (the 23 s);
PyPI dashscope 2.0.2, audio/tts_v2 (`flush`, `directive`). Where they are silent [assumed]: what was sent of a text is
spoken at `finish-task`; a flush speaks nothing earlier; a failed task ends its connection with close code 1007.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from starlette.websockets import WebSocket

from narration.sandbox import audio
from narration.sandbox.billing import billed_chars
from narration.sandbox.calls import Call, House, worked
from narration.sandbox.cosyvoice_speech import (
    MESSAGE_LIMIT_CHARS,
    NO_MARKUP,
    TASK_LIMIT_CHARS,
    TOO_LONG,
    Manner,
    frames,
    read_manner,
    sentences,
    spoken,
    told,
)
from narration.sandbox.models import INFERENCE, family_of
from narration.sandbox.sockets import LOSING, UNSUITABLE, Line, serve
from narration.sandbox.state import CallRow
from narration.sandbox.wire import Body, RefusedError, invalid, new_request_id

LATE = "request timeout after {seconds:g} seconds."
_TASK_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


def endpoint(house: House) -> Callable[[WebSocket], Awaitable[None]]:
    """Return what answers at the inference address."""

    async def answer(socket: WebSocket) -> None:
        await serve(socket, house, _talk, lambda _socket: None)

    return answer


async def _talk(line: Line) -> None:
    """Hold one task after the other on a connection."""
    while True:
        try:
            frame = await line.hear(line.house.switchboard.now.socket_idle_s)
        except TimeoutError:
            await line.hang_up(reason="idle for too long")
        await _Task(line).hold(frame)


@dataclass(slots=True)
class _Task:
    """One task, from its run-task to its last event."""

    line: Line
    task_id: str = ""
    model: str = ""
    text: str = ""
    pieces: int = 0
    faults: frozenset[str] = field(default_factory=frozenset)
    manner: Manner | None = None

    async def hold(self, frame: str | bytes) -> None:
        """Answer the frames of one task, the first of which is here.

        Raises:
            GoneError: the connection is over.
        """
        row = CallRow(
            at_s=self.line.house.clock(),
            account=self.line.account,
            model="",
            action="synthesize",
            request_id=new_request_id(),
        )
        try:
            await self._start(_read(frame, "run-task"), row)
        except RefusedError as error:
            await self._fail(error, row)

    async def _start(self, message: Mapping[str, object], row: CallRow) -> None:
        house = self.line.house
        self.task_id, payload = _task_id(message), _object(message, "payload")
        self.model = str(payload.get("model") or "")[:128]
        family_of(payload.get("model"), INFERENCE, house.switchboard.now.retired)
        for name, value in (("task_group", "audio"), ("task", "tts"), ("function", "SpeechSynthesizer")):
            if payload.get(name) != value:
                raise invalid(f"{name} should be {value}")
        with house.limiter.admit(self.line.account, self.model, house.switchboard.now):
            self.faults = self.line.draw()
            await self.line.before(self.faults, replace(row, model=self.model))
            self.manner = read_manner(house, self.line.account, self.model, _object(payload, "parameters"))
            await self.line.send(self._event("task-started", {}))
            cancelled = await self._hear_text()
            await self._speak(replace(row, model=self.model), cancelled=cancelled)

    async def _hear_text(self) -> bool:
        """Take the text in until it is finished; whether the caller cancels it."""
        wait_s = self.line.house.switchboard.now.task_text_wait_s
        while True:
            try:
                frame = await self.line.hear(wait_s)
            except TimeoutError:
                raise invalid(LATE.format(seconds=wait_s)) from None
            message = _read(frame, "continue-task", "finish-task")
            if _task_id(message) != self.task_id:
                raise invalid("task_id does not match the running task")
            given = _object(_object(message, "payload"), "input")
            if _object(message, "header").get("action") == "finish-task":
                return given.get("directive") == "cancel"
            self._take(given)

    def _take(self, given: Mapping[str, object]) -> None:
        if given.get("flush") is True:
            return
        text = given.get("text")
        if not isinstance(text, str):
            raise invalid("Field required: payload.input.text")
        self.text, self.pieces = self.text + text, self.pieces + 1
        if billed_chars(text) > MESSAGE_LIMIT_CHARS or billed_chars(self.text) > TASK_LIMIT_CHARS:
            raise invalid(TOO_LONG)
        if self.manner is not None and self.manner.ssml and self.pieces > 1 and self.text.lstrip().startswith("<"):
            raise invalid(NO_MARKUP)

    async def _speak(self, row: CallRow, *, cancelled: bool) -> None:
        finished = self._event("task-finished", {"output": {}, "usage": {"characters": 0}})
        if cancelled or self.manner is None:
            await self.line.send(finished)
            return
        house = self.line.house
        call = Call(
            request_id=row.request_id,
            account=row.account,
            model=row.model,
            action=row.action,
            fields={},
            parameters={},
            wants_events=False,
            faults=self.faults | ({"drop_after"} if self.faults & LOSING else frozenset()),
            origin="",
            at_s=row.at_s,
        )
        key, chars = await worked(spoken(house, call, self.manner, self.text))
        data = audio.restyled(house.speaker.fetch(key) or b"", "streaming")
        answer: list[Body | bytes] = []
        for sentence in sentences(self.manner, self.text, data):
            answer.append(self._result(row, told(sentence, "sentence-begin")))
            for part in frames(sentence.data):
                answer += [self._result(row, told(sentence, "sentence-synthesis")), part]
            answer.append(self._result(row, told(sentence, "sentence-end"), sentence.characters))
        answer.append(self._event("task-finished", {"output": {}, "usage": {"characters": chars}}))
        await self.line.play(answer, self.faults)

    async def _fail(self, error: RefusedError, row: CallRow) -> None:
        """Say why, put it on the record, and close.

        Raises:
            GoneError: always.
        """
        self.line.house.state.record(replace(row, model=self.model, status=error.status, code=error.code))
        header = {"task_id": self.task_id, "event": "task-failed", "error_code": error.code}
        await self.line.send({"header": {**header, "error_message": error.message, "attributes": {}}, "payload": {}})
        await self.line.hang_up(UNSUITABLE)

    def _result(self, row: CallRow, output: Body, characters: int | None = None) -> Body:
        payload: dict[str, object] = {"output": output}
        if characters is not None:
            payload["usage"] = {"characters": characters}
        return self._event("result-generated", payload, row.request_id)

    def _event(self, kind: str, payload: Body, request_id: str = "") -> Body:
        attributes = {"request_uuid": request_id} if request_id else {}
        return {"header": {"task_id": self.task_id, "event": kind, "attributes": attributes}, "payload": payload}


def _read(frame: str | bytes, *actions: str) -> Mapping[str, object]:
    """Return the message of a frame, which must be one of these actions.

    Raises:
        RefusedError: it is binary, no JSON object, or another action.
    """
    try:
        message = json.loads(frame) if isinstance(frame, str) else None
        json.dumps(message, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise invalid("Required body invalid, please check the request body format.")
    header = _object(message, "header")
    if header.get("action") not in actions:
        raise invalid(f"Invalid action: {str(header.get('action'))[:100]}")
    if header.get("streaming") != "duplex":
        raise invalid("streaming should be duplex")
    return message


def _task_id(message: Mapping[str, object]) -> str:
    task_id = _object(message, "header").get("task_id")
    if not isinstance(task_id, str) or _TASK_ID.fullmatch(task_id) is None:
        raise invalid("Missing or invalid task_id")
    return task_id


def _object(values: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = values.get(name)
    if not isinstance(found, dict):
        raise invalid(f"Field required: {name}")
    return found
