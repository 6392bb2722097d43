"""A circuit breaker: a service that always fails in the same way is tried once in a while, not hammered.

Invariant: of the requests that entered since it opened at most one is under way; the first success closes it.
"""

from __future__ import annotations

import logging
import math
from typing import Final

log = logging.getLogger(__name__)

FAILURES: Final = 8
"""So many failures of one kind in a row open it."""

PAUSE_S: Final = 1.0
"""Before the first probe; doubled after each that fails."""

PAUSE_MOST_S: Final = 30.0

PATIENCE_S: Final = 300.0
"""After so long nobody need be kept waiting any more."""


class Breaker:
    """Counts failures, and says when a request may be tried."""

    def __init__(self) -> None:
        self._kind = ""
        self._count = 0
        self._pause_s = 0.0
        self._opened_at = self._probe_at = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether the service is taken to be away."""
        return self._pause_s > 0

    def hopeless(self, now: float) -> str:
        """What the service has failed with for longer than `PATIENCE_S`; empty when it has not."""
        return self._kind if self.is_open and now - self._opened_at > PATIENCE_S else ""

    def wait_s(self, now: float) -> float:
        """Seconds until a request may be tried; infinite while a probe is under way."""
        if not self.is_open:
            return 0.0
        return math.inf if self._probing else self._probe_at - now

    def probe(self) -> bool:
        """A request is about to be tried; whether it is a probe, whose end is to be told by `given_up` or `failed`."""
        self._probing = self.is_open
        return self._probing

    def given_up(self, now: float) -> None:
        """A probe ended and told nothing."""
        self._probing = False
        self._probe_at = max(self._probe_at, now)

    def succeeded(self) -> None:
        """The service answered as it should."""
        if self.is_open:
            log.warning("the service answers again")
        self._kind, self._count, self._pause_s, self._probing = "", 0, 0.0, False

    def failed(self, kind: str, now: float, *, probe: bool) -> None:
        """The service failed.

        Args:
            kind: of failure, in a person's words or the service's.
            now: by the pacer's clock, in seconds.
            probe: whether the request was a probe.
        """
        if self.is_open:
            if probe:
                self._probing = False
                self._pause_s = min(PAUSE_MOST_S, 2.0 * self._pause_s)
                self._probe_at = now + self._pause_s
                log.info("the service still fails (%s): the next try is in %.0f s", kind, self._pause_s)
            return
        self._count = self._count + 1 if kind == self._kind else 1
        self._kind = kind
        if self._count >= FAILURES:
            self._pause_s = PAUSE_S
            self._opened_at, self._probe_at = now, now + PAUSE_S
            log.warning(
                "the service fails every time (%s): trying once every %.0f s, then less often, at last every %.0f s",
                kind,
                PAUSE_S,
                PAUSE_MOST_S,
            )
