"""One text as one task on a WebSocket: run-task, continue-task, finish-task, and the sound in binary frames.

Invariant: a sound is given only for a task heard from `task-started` to `task-finished` under its own id, and is whole;
a task that says anything else is `Misshapen`, and the service's own refusal is `SaidNo`.

The text is the first thing that may be billed, so it goes out only after `task-started`, in one piece, and the end of
the task right behind it: the service drops a task that waits 23 s for more, and the tail of one that is not finished.
Kinds of results that are not documented are passed over: they may be new, and say nothing of the sound. The connection
serves for the next task, of any voice.

Source: alibabacloud.com, model-studio cosyvoice-client-events and cosyvoice-server-events; PyPI dashscope 2.0.2,
audio/tts_v2. [assumed]: a task that fails before its first sound costs nothing.
"""

from __future__ import annotations

import functools
import uuid
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import Field

from narration.services.conversation import Conversation
from narration.services.envelope import Json, Misshapen, encoded
from narration.services.pcm import bare_samples, wav_file
from narration.services.reading import Part, text_of, usage_count, validated
from narration.services.socket import Line, SaidNo
from narration.take import SpeechAsk

PATH: Final = "/inference"
TASK: Final[Json] = {"task_group": "audio", "task": "tts", "function": "SpeechSynthesizer"}


class _Header(Part):
    event: Annotated[str, Field(min_length=1)]
    task_id: str | None = None
    error_code: object = None
    error_message: object = None
    attributes: object = None


class _Event(Part):
    header: _Header
    payload: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What a task came to.

    Attributes:
        wav: the file, its sizes exact.
        characters: billed; None where the service did not say.
    """

    wav: bytes
    characters: int | None


def conversation(ask: SpeechAsk, fields: Json) -> Conversation[Sound]:
    """The conversation that has a text spoken.

    Args:
        ask: what is asked.
        fields: how it is to be spoken, as `cosyvoice_asks.speech_fields` gives them.

    Raises:
        TextRefused: the text holds half a character; nothing was sent.
    """
    encoded({"text": ask.text})
    return Conversation(
        action="synthesize",
        model=ask.model,
        path=PATH,
        terms=PATH,
        greet=_greet,
        hold=functools.partial(_hold, ask, fields),
    )


async def _greet(_line: Line) -> None:
    """Nothing is agreed upon with a connection: every task brings its own terms."""


async def _hold(ask: SpeechAsk, fields: Json, line: Line) -> Sound:
    task = _Task(line=line, task_id=uuid.uuid4().hex)
    line.session_id = line.request_id = task.task_id
    started: Json = {**TASK, "model": ask.model, "parameters": {"text_type": "PlainText", **fields}, "input": {}}
    await task.say("run-task", started)
    await task.await_start()
    await task.say("continue-task", {"input": {"text": ask.text}}, billed=True)
    await task.say("finish-task", {"input": {}})
    while not task.finished:
        await task.next()
    rate_hz = fields["sample_rate"]
    assert isinstance(rate_hz, int)  # noqa: S101 — `speech_fields` says so
    sound = Sound(wav=wav_file(bare_samples(bytes(task.sound), rate_hz), rate_hz), characters=task.characters)
    line.reusable = True
    return sound


@dataclass(slots=True)
class _Task:
    """A task on a connection, as far as it went."""

    line: Line
    task_id: str
    sound: bytearray = field(default_factory=bytearray)
    characters: int | None = None
    finished: bool = False

    async def say(self, action: str, payload: Json, *, billed: bool = False) -> None:
        header: Json = {"action": action, "task_id": self.task_id, "streaming": "duplex"}
        await self.line.say({"header": header, "payload": payload}, billed=billed)

    async def await_start(self) -> None:
        """Hear the task's beginning.

        Raises:
            Misshapen: something else was heard.
            SaidNo: the task failed.
        """
        frame = await self.line.hear()
        if isinstance(frame, bytes):
            raise Misshapen("a sound comes before its task has started")
        kind = self._read(frame).header.event
        if kind != "task-started":
            raise Misshapen(f"the task begins with “{kind[:60]}” instead of task-started")

    async def next(self) -> None:
        """Hear one frame of a started task.

        Raises:
            Misshapen: it does not fit the documents.
            SaidNo: the task failed.
        """
        frame = await self.line.hear()
        if isinstance(frame, bytes):
            self.sound += frame
            self.line.sounded()
            return
        event = self._read(frame)
        kind = event.header.event
        if kind == "task-started":
            raise Misshapen("the task starts twice")
        if kind in {"result-generated", "task-finished"} and isinstance(event.payload, dict):
            counted = usage_count(event.payload, "characters")
            # It counts up from sentence to sentence, and the last event has the whole.
            self.characters = self.characters if counted is None else max(counted, self.characters or 0)
        self.finished = kind == "task-finished"

    def _read(self, frame: Json) -> _Event:
        event = validated(_Event, frame, "header")
        header = event.header
        if header.task_id not in {None, self.task_id}:
            raise Misshapen("an event is about another task")
        if isinstance(header.attributes, dict):
            self.line.request_id = text_of(header.attributes.get("request_uuid")) or self.line.request_id
        if header.event == "task-failed":
            code, message = text_of(header.error_code), text_of(header.error_message)
            raise SaidNo(code, message, may_be_billed=bool(self.sound))
        return event
