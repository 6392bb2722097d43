"""The service's rate limits: requests per minute, per second and at once, for each account and model.

Invariant: only admitted requests count; a refused one leaves no trace in any window. Each process counts for itself.

Source: alibabacloud.com model-studio rate-limit (limits per account and model; a gate per second of about RPM / 60).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from narration.sandbox.faults import Switches
from narration.sandbox.wire import RefusedError

MINUTE_S = 60.0
SECOND_S = 1.0
THROTTLED = "Requests rate limit exceeded, please try again later."


@dataclass(slots=True)
class _Meter:
    """Admission times (seconds) of one account and model, and how many of its requests are being answered."""

    admitted_s: deque[float] = field(default_factory=deque)
    in_flight: int = 0


class Limiter:
    """Sliding windows of 60 s and 1 s, and a count of requests in flight."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._meters: defaultdict[tuple[str, str], _Meter] = defaultdict(_Meter)

    def reset(self) -> None:
        """Forget every window."""
        for meter in self._meters.values():
            meter.admitted_s.clear()

    @contextmanager
    def admit(self, account: str, model: str, switches: Switches) -> Iterator[None]:
        """Admit one request for as long as the context lasts.

        Raises:
            RefusedError: 429 `Throttling.RateQuota` or `Throttling.Concurrency`.
        """
        meter = self._meters[account, model]
        now_s = self._clock()
        window = meter.admitted_s
        while window and now_s - window[0] >= MINUTE_S:
            window.popleft()
        if _full(window, now_s, MINUTE_S, switches.rpm) or _full(window, now_s, SECOND_S, switches.rps):
            raise throttled("Throttling.RateQuota", switches)
        if switches.concurrency is not None and meter.in_flight >= switches.concurrency:
            raise throttled("Throttling.Concurrency", switches)
        window.append(now_s)
        meter.in_flight += 1
        try:
            yield
        finally:
            meter.in_flight -= 1


def throttled(code: str, switches: Switches) -> RefusedError:
    """Return the 429 refusal, with `Retry-After` when the switches ask for it."""
    wait_s = switches.retry_after_s
    return RefusedError(429, code, THROTTLED, {} if wait_s is None else {"retry-after": f"{wait_s:g}"})


def _full(window: deque[float], now_s: float, span_s: float, limit: int | None) -> bool:
    """Say whether the last `limit` admissions all lie within the span."""
    if limit is None:
        return False
    return len(window) >= limit and (limit == 0 or now_s - window[-limit] < span_s)
