"""What refusals have taught of how fast one account may ask one model.

Invariant: only what differs from the settings is kept; 0 says that nothing was learnt.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """Limits of one account and model that no document states.

    Attributes:
        rate_hz: requests started per second, by all runs together, with which the service was content.
        in_flight: requests open at once, of all runs together, with which it was content.
        ramp_s: seconds from half the rate to the whole of it that were not too quick.
    """

    rate_hz: float = 0.0
    in_flight: int = 0
    ramp_s: float = 0.0


def asked_id(account: str, model: str) -> str:
    """Names what a rate limit is counted for.

    Source: alibabacloud.com, model-studio rate-limit: limits are per main account and per model.
    """
    return hashlib.sha256(f"{account} {model}".encode()).hexdigest()[:16]
