"""The deployments: which flows are offered on a Prefect server, under which names, with which tags.

Invariant: `prefect.yaml` (for workers) and `narrate serve` (for one process) offer the same; a test compares them.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any
from zoneinfo import available_timezones

from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.schedules import Cron, Interval, RRule, Schedule
from prefect.types.entrypoint import EntrypointType

from narration.errors import InputError, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One deployment.

    Attributes:
        name: the same as the flow's.
        entrypoint: `module.function` of the flow.
        description: what a person reads beside the form.
        tags: by which runs are found.
        alone: whether a second run waits until the first is over.
    """

    name: str
    entrypoint: str
    description: str
    tags: tuple[str, ...]
    alone: bool = False

    def flow(self) -> Flow[..., Any]:
        """The flow, imported."""
        module, _, function = self.entrypoint.rpartition(".")
        found: Flow[..., Any] = getattr(import_module(module), function)
        return found


OFFERS = (
    Offer(
        name="render-book",
        entrypoint="flows.render.render_book",
        description="Speak what is missing of one book, and deliver it. What is in the store is never paid for again.",
        tags=("narrate", "book"),
    ),
    Offer(
        name="nightly",
        entrypoint="flows.nightly.nightly",
        description="Render what is new or changed on a shelf of books, inside a time window and under a budget.",
        tags=("narrate", "shelf"),
        alone=True,
    ),
    Offer(
        name="audition-cast",
        entrypoint="flows.audition.audition_cast",
        description="Make candidate voices for the characters of a book, and wait here until somebody has chosen.",
        tags=("narrate", "voices"),
    ),
    Offer(
        name="housekeeping",
        entrypoint="flows.housekeeping.housekeeping",
        description="Look after the voices of accounts, quota, vanished voices, one word before the yearly clean-up.",
        tags=("narrate", "voices"),
        alone=True,
    ),
)
"""In the order of the UI."""


def read_schedule(*, cron: str | None, rrule: str | None, every_min: int | None, zone: str) -> Schedule | None:
    """The schedule that somebody wrote; None where nothing was.

    Args:
        cron: five fields (`0 22 * * *`).
        rrule: as in a calendar file (`FREQ=WEEKLY;BYDAY=SA;BYHOUR=9;BYMINUTE=0`).
        every_min: minutes from one start to the next.
        zone: IANA name of the time zone of all of them.

    Raises:
        InputError: it is no schedule, more than one, or there is no such zone.
    """
    given = {"--cron": cron, "--rrule": rrule, "--every": every_min}
    named = [option for option, written in given.items() if written is not None]
    problems = list[Problem]()
    if len(named) > 1:
        problems.append(Problem(what="which of them?", where=", ".join(named), expected="one schedule"))
    if zone not in available_timezones():
        expected = "a name such as Europe/Vienna or UTC"
        problems.append(Problem(what=f"there is no time zone `{zone}`", where="--zone", expected=expected))
    if problems:
        raise InputError(*problems)
    try:
        if cron is not None:
            return Cron(cron, timezone=zone)
        if rrule is not None:
            return RRule(rrule, timezone=zone)
    except ValueError as error:
        what = f"`{given[named[0]]}` is no schedule: {error}"
        raise InputError(Problem(what=what, where=named[0], expected=_EXPECTED[named[0]])) from error
    return None if every_min is None else Interval(timedelta(minutes=every_min), timezone=zone)


_EXPECTED = {
    "--cron": "minute, hour, day, month and day of the week, such as 0 22 * * *",
    "--rrule": "a rule as in a calendar, such as FREQ=DAILY;BYHOUR=22;BYMINUTE=0",
}


async def serve_here(
    *,
    nightly_parameters: Mapping[str, object],
    schedule: Schedule | None,
    limit: int,
    ready: Callable[[], None],
) -> None:
    """Offer all flows from this process, and run what is started, until Ctrl-C or SIGTERM.

    Runs that are under way then are told to end, and schedules rest until the flows are served again.

    Args:
        nightly_parameters: of the nightly deployment; a run from the UI may change them.
        schedule: when the nightly run starts, or None: by hand only.
        limit: runs at the same time.
        ready: called once runs can be started.
    """
    runner = Runner(limit=limit)
    for offer in OFFERS:
        await runner.aadd_deployment(await _deployment(offer, nightly_parameters, schedule))
    serving = asyncio.create_task(runner.start())
    while not (runner.started or serving.done()):  # noqa: ASYNC110 - its own handler comes first; ours is to hold
        await asyncio.sleep(0.05)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows; Ctrl-C ends it there as well
            loop.add_signal_handler(number, serving.cancel)
    ready()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _deployment(
    offer: Offer, nightly_parameters: Mapping[str, object], schedule: Schedule | None
) -> RunnerDeployment:
    alone = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    is_nightly = offer.name == "nightly"
    return await offer.flow().ato_deployment(
        name=offer.name,
        description=offer.description,
        tags=list(offer.tags),
        parameters=dict(nightly_parameters) if is_nightly else {},
        schedule=schedule if is_nightly else None,
        concurrency_limit=alone if offer.alone else None,
        paused=False,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
