"""Tasks of the gateway: made once, then looked at until they end.

Invariant: looking at a task costs nothing; what leaves `ended` is a completed task, and a task of which nobody knows
how it will end stays open.

Source: docs.evolink.ai, Get Task Detail; Qwen3 TTS VD.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from narration.errors import CallFacts, LinkExpired, ServiceRefused, ServiceUnavailable
from narration.services.api import ApiCall, ApiDoor, Repeat
from narration.services.download import ANEW_HINT
from narration.services.envelope import Json, Misshapen
from narration.services.gateway_answers import Task, TaskState, read_task
from narration.services.gateway_errors import TASK_UNKNOWN, judge
from narration.services.http import Timing
from narration.services.keys import readable
from narration.services.protocol import Gate, OpenGate, TaskFailed

log = logging.getLogger(__name__)

GENERATIONS: Final = "/audios/generations"
TASKS: Final = "/tasks"

LINK_LIFE_S: Final = 86_400
"""A task's links live a day. Source: docs.evolink.ai, Qwen3 TTS VD."""

LOOKS_S: Final = (0.5, 1.0, 2.0, 4.0, 5.0)
"""Waits before each look at a task; the last one again and again. The documents name no figure; they say that speech
takes about 10 s, a voice 15."""

_CREATED = re.compile(r"task-[a-z]+-(\d{9,11})-")


class Tasks:
    """Tasks of one account.

    Args:
        door: calls to it.
        profile: name for messages.
        timing: time and chance.
        patience_s: how long a task is waited for; then it stays open. Of a task that another run made its age counts,
            so that a run with many tasks of a dead one does not wait for each in turn.
        spacing_s: least time between two looks, whatever the tasks.
    """

    def __init__(self, *, door: ApiDoor, profile: str, timing: Timing, patience_s: float, spacing_s: float) -> None:
        self._door, self._profile, self._timing = door, profile, timing
        self._patience_s, self._spacing_s = patience_s, spacing_s
        self._next_look = 0.0
        self._ours: set[str] = set()

    async def create(self, action: str, model: str, body: Json, repeat: Repeat, gate: Gate) -> tuple[Task, CallFacts]:
        """Make a task; its id is the request id of the call.

        Raises:
            ServiceError: its refusal, or no answer.
        """
        call = ApiCall(
            action=action,
            model=model,
            path=GENERATIONS,
            body=body,
            repeat=repeat,
            read=lambda content, _: read_task(content),
        )
        task, facts = await self._door.ask(call, gate)
        self._ours.add(task.task_id)
        return task, replace(facts, request_id=task.task_id)

    async def ended(self, task_id: str, model: str, expires_at: int = 0) -> Task:
        """Look at a task until it is completed.

        Args:
            task_id: of the task.
            model: that it asks for something.
            expires_at: Unix seconds after which the gateway may forget it; by default a day after its id was made.

        Raises:
            TaskFailed: it has ended without a result.
            LinkExpired: the gateway has forgotten it.
            ServiceUnavailable: it has not ended in time, or the gateway does not answer.
            ServiceError: the gateway does not say.
        """
        started, patience_s = self._timing.clock(), self._patience_left_s(task_id)
        waits = _waits()
        while True:
            await self._timing.sleep(next(waits) if patience_s else 0.0)
            await self._turn()
            task = await self._known(task_id, model, expires_at)
            match task.state:
                case TaskState.COMPLETED:
                    return task
                case TaskState.FAILED | TaskState.CANCELLED:
                    raise self._failed(task, model)
                case TaskState.OPEN:
                    log.debug("task %s: %s, %d %%", task_id, readable(task.told, 20), task.progress)
            if self._timing.clock() - started >= patience_s:
                break
        raise ServiceUnavailable(
            f"The task {task_id} has not ended within {self._patience_s:.0f} s "
            f"({readable(task.told, 20) or 'no state'}, {task.progress} %).",
            "Run the same command again later: the task is kept, asked for again, and not paid for twice.",
            CallFacts(action="poll", model=model, status=200, request_id=task_id),
        )

    def _patience_left_s(self, task_id: str) -> float:
        """How long to wait for a task; for one of our own the gateway's clock is not asked, which may be wrong."""
        created = None if task_id in self._ours else _CREATED.match(task_id)
        age_s = self._timing.now() - int(created[1]) if created else 0.0
        return min(max(self._patience_s - age_s, 0.0), self._patience_s)

    async def _known(self, task_id: str, model: str, expires_at: int) -> Task:
        call = ApiCall(
            action="poll",
            model=model,
            path=f"{TASKS}/{task_id}",
            body=None,
            repeat=Repeat.FREE,
            read=lambda content, _: _own(read_task(content), task_id),
            method="GET",
            errors_inside=False,
        )
        try:
            return (await self._door.ask(call, OpenGate()))[0]
        except ServiceRefused as refused:
            if not _is_unknown(refused):
                raise
            facts = refused.call
        created = _CREATED.match(task_id)
        over_s = expires_at or (int(created[1]) + LINK_LIFE_S if created else 0)
        what = f"The gateway knows no task {task_id} in this account."
        if 0 < over_s <= self._timing.now():
            raise LinkExpired(f"{what} Its day is over.", ANEW_HINT, facts)
        raise ServiceUnavailable(
            what, "If it was made with another key, run the command with that one; the task is kept.", facts
        )

    async def _turn(self) -> None:
        """Wait until it is this look's turn: many tasks are open at once, and each is looked at."""
        now = self._timing.clock()
        at = max(now, self._next_look)
        self._next_look = at + self._spacing_s
        if at > now:
            await self._timing.sleep(at - now)

    def _failed(self, task: Task, model: str) -> TaskFailed:
        cancelled = task.state is TaskState.CANCELLED
        code, message = self._door.shown(task.code or task.told, 100), self._door.shown(task.message)
        verdict = judge(0, "request_cancelled" if cancelled else code, message, model)
        said = " ".join(part for part in (code, f"“{message}”" if message else "") if part)
        hint = verdict.hint.format(model=model, profile=self._profile, host=self._door.host)
        facts = CallFacts(action="poll", model=model, status=200, code=code, request_id=task.task_id)
        error = verdict.error(f"The task {task.task_id} failed: {verdict.why}. The gateway says: {said}.", hint, facts)
        # A failed task is not charged; of a cancelled one that is not documented.
        return TaskFailed(error, again=verdict.repeat and not cancelled, billed=cancelled)


def _own(task: Task, task_id: str) -> Task:
    """The task that was asked for, and no other.

    Raises:
        Misshapen: it is another.
    """
    if task.task_id != task_id:
        raise Misshapen(f"the answer tells of task {task.task_id}, not of {task_id}")
    return task


def _waits() -> Iterator[float]:
    yield from LOOKS_S
    while True:
        yield LOOKS_S[-1]


def _is_unknown(refused: ServiceRefused) -> bool:
    """Whether the gateway says that it has no such task."""
    call = refused.call
    return call is not None and (call.code.casefold() in TASK_UNKNOWN or call.status == 404)
