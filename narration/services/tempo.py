"""What a service's refusals say about its limits: additive increase, multiplicative decrease.

Invariant: one burst of refusals lowers a limit once, and nothing raises it above the configured one.

Both limits know a *content* value, the highest with which the service was last seen content. Below it they climb
quickly, above it they feel their way, so that a stray refusal costs seconds and a lower limit of the account is
met about once in a hundred requests.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

SLOW_START: Final = 0.5
"""Fraction of the rate at which asking begins, and to which a refusal lowers it."""

RAMP_S: Final = 3.0
"""Seconds from there to the whole rate. The service refuses rates that rise too quickly, and does not say what that is.

Source: alibabacloud.com, model-studio rate-limit and error-code (`Throttling.BurstRate`).
"""

RAMP_MOST_S: Final = 60.0
"""Refusals of bursts stretch the ramp up to this."""

BACK_OFF: Final = 0.95
"""A rate that was refused once counts as this much too high."""

FEEL: Final = 0.0005
"""Each admitted request raises a rate above the content one by this fraction: two hundred requests undo `BACK_OFF`."""

LOWEST: Final = 0.125
"""No refusals lower the rate below this fraction of the configured one."""

CALM_HZ: Final = 1.0
"""Nor, where none is configured, below this; and no start is slower."""

SEEN_S: Final = 60.0
"""Admitted requests are counted over so long: the vendor's limits are per minute."""

GLANCE_S: Final = 2.0
"""Where no rate is configured, that of so many last seconds is what was refused."""


class Tempo:
    """Requests started per second, by all runs together.

    Args:
        ceiling_hz: the configured rate; infinite without one.
        content_hz: what was learnt before; 0 for nothing.
        ramp_s: as learnt before; 0 for nothing.

    Attributes:
        runs: how many runs share the rate.
    """

    def __init__(self, *, ceiling_hz: float, content_hz: float = 0.0, ramp_s: float = 0.0) -> None:
        self.runs = 1
        self._ceiling_hz = ceiling_hz
        self._lowest_hz = CALM_HZ if math.isinf(ceiling_hz) else LOWEST * ceiling_hz
        self._content_hz = min(max(content_hz, self._lowest_hz) if content_hz else math.inf, ceiling_hz)
        self._ramp_s = min(max(ramp_s, RAMP_S), RAMP_MOST_S)
        self._rate_hz = self._content_hz
        self._at = self._lowered_at = -math.inf
        self._admitted: deque[float] = deque(maxlen=4096)
        self._in_vain = False

    @property
    def learnt_hz(self) -> float:
        """The rate with which the service is content; 0 when that is the configured one."""
        return self._content_hz if self._content_hz < self._ceiling_hz else 0.0

    @property
    def learnt_ramp_s(self) -> float:
        """How long the ramp had to become; 0 when it did not."""
        return self._ramp_s if self._ramp_s > RAMP_S else 0.0

    def rate_hz(self, now: float) -> float:
        """The rate at this moment."""
        if self._rate_hz < self._content_hz:
            ramps = (now - self._at) / self._ramp_s
            if math.isinf(self._content_hz):  # nobody knows how high it may be: doubled each ramp, until it is refused
                self._rate_hz *= 2.0 ** min(ramps, 10.0)
            else:
                self._rate_hz = min(self._content_hz, self._rate_hz + (1.0 - SLOW_START) * self._content_hz * ramps)
        self._at = now
        return self._rate_hz

    def rested(self, now: float) -> None:
        """Nothing was asked for a while: begin slowly."""
        if math.isfinite(self._content_hz):
            self._rate_hz = min(self._rate_hz, max(SLOW_START * self._content_hz, CALM_HZ))
        self._at = now

    def admitted(self, now: float, sent_at: float) -> None:
        """A request was let in, whatever became of it then."""
        if self._admitted and self._admitted[0] <= now - SEEN_S:
            self._admitted.popleft()
        self._admitted.append(now)
        if sent_at > self._lowered_at:
            self._in_vain = False
            if self.rate_hz(now) >= self._content_hz:
                self._rate_hz = self._content_hz = min(self._ceiling_hz, self._content_hz * (1.0 + FEEL))

    def throttled(self, now: float, sent_at: float, *, burst: bool) -> bool:
        """A request was refused as one too many.

        Args:
            now: by the pacer's clock, in seconds.
            sent_at: likewise.
            burst: the service says that the rate rose too quickly.

        Returns:
            Whether the rate was lowered: a refusal of what was sent before that was no news.
        """
        if sent_at <= self._lowered_at:
            return False
        rate_hz = self.rate_hz(now)
        if math.isinf(rate_hz):
            rate_hz = self._seen_hz(now, GLANCE_S)
        else:
            # Alone, it was this rate that was too high; among others it may as well have been how their turns fell.
            alone = self.runs == 1 or math.isinf(self._content_hz)
            content_hz = BACK_OFF * (rate_hz if alone else self._content_hz)
            if self._in_vain:
                # Refused even when halved: the minute may be full, and what went into it is what may.
                content_hz = max(content_hz, self._seen_hz(now, SEEN_S))
            self._content_hz = max(self._lowest_hz, min(self._content_hz, content_hz))
        self._rate_hz = max(self._lowest_hz, min(self._content_hz, SLOW_START * rate_hz))
        self._lowered_at, self._in_vain = now, True
        if burst:
            self._ramp_s = min(RAMP_MOST_S, 2.0 * self._ramp_s)
        return True

    def _seen_hz(self, now: float, span_s: float) -> float:
        """How much was admitted over the last seconds, reckoned for all runs."""
        return self.runs * sum(1 for at in self._admitted if at > now - span_s) / span_s


class Breadth:
    """Requests open at once: as many as each run is given, and of all runs together no more than the account bears.

    Args:
        ceiling: the configured number, of one run.
        content: what was learnt of the account before; 0 for nothing.
    """

    def __init__(self, *, ceiling: int, content: int = 0) -> None:
        self._ceiling = ceiling
        self._content = float(content or math.inf)
        self._lowered_at = -math.inf
        self._credit = 0.0
        self._most = self._content
        self.runs = 1

    def part(self, rank: int) -> int:
        """How many one run may have open.

        Args:
            rank: its place among the runs, 0-based.
        """
        if math.isinf(self._most):
            return self._ceiling
        return max(1, min(self._ceiling, (self.most + self.runs - 1 - rank) // self.runs))

    @property
    def most(self) -> int:
        """How many all runs together may have open."""
        return int(min(self._most, self._ceiling * self.runs))

    @property
    def learnt(self) -> int:
        """The number with which the service is content; 0 when nothing told of one."""
        return 0 if math.isinf(self._content) else int(self._content)

    def admitted(self) -> None:
        """A request was let in: a round of them makes room for one more, beyond the content number a hundred do."""
        if self._most >= self._ceiling * self.runs:
            return
        self._credit += 1.0 / (self.most if self._most < self._content else 100)
        if self._credit >= 1.0:
            self._credit = 0.0
            self._most += 1
            self._content = max(self._content, self._most)
            if self._most >= self._ceiling * self.runs:
                # All that is configured is let in: what was learnt is no limit any more.
                self._most = self._content = math.inf

    def crowded(self, now: float, sent_at: float, there: int) -> bool:
        """A request was refused because too many were open.

        Args:
            now: by the pacer's clock, in seconds.
            sent_at: likewise.
            there: how many were open when it was sent, itself included.

        Returns:
            Whether the number was lowered.
        """
        self._content = max(1, min(self._content, there - 1))
        if sent_at <= self._lowered_at:
            return False
        self._most = max(1, min(self._content, int(SLOW_START * there)))
        self._lowered_at, self._credit = now, 0.0
        return True
