"""The deployments: which flows are offered on a Prefect server, under which names, with which tags.

Invariant: `prefect.yaml` (for workers) and `narrate serve` (for one process) offer the same; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from prefect import Flow, serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron


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
)
"""In the order of the UI."""


def serve_here(*, nightly_parameters: Mapping[str, object], cron: str | None, zone: str, limit: int) -> None:
    """Offer all flows from this process, and run what is started, until it is interrupted.

    Args:
        nightly_parameters: of the nightly deployment; a run from the UI may change them.
        cron: when the nightly run starts, or None: by hand only.
        zone: IANA name of the time zone of `cron`.
        limit: runs at the same time.
    """
    serve(*(_deployment(offer, nightly_parameters, cron, zone) for offer in OFFERS), limit=limit)


def _deployment(
    offer: Offer, nightly_parameters: Mapping[str, object], cron: str | None, zone: str
) -> RunnerDeployment:
    alone = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    is_nightly = offer.name == "nightly"
    made = offer.flow().to_deployment(
        name=offer.name,
        description=offer.description,
        tags=list(offer.tags),
        parameters=dict(nightly_parameters) if is_nightly else {},
        schedule=Cron(cron, timezone=zone) if cron and is_nightly else None,
        concurrency_limit=alone if offer.alone else None,
    )
    if not isinstance(made, RunnerDeployment):  # a coroutine, inside a running event loop only
        raise TypeError("serve_here is called where no event loop runs")
    return made
