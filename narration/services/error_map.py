"""What a map of errors is made of: rows that are read from top to bottom, and the verdict of the one that fits.

Invariant: the first row that fits decides; every service's map has a last row that fits everything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from narration.errors import KeyRefused, ModelGone, ServiceError, ServiceRefused, ServiceUnavailable
from narration.services.envelope import Verdict
from narration.services.protocol import Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the map. An empty pattern fits everything; statuses likewise.

    Attributes:
        name: for tests and logs.
        code: a pattern for the whole code, case ignored.
        message: a pattern to be found in the message, case ignored.
        statuses: of HTTP.
        error: class to raise.
        why, hint: as in `Verdict`.
        ending: as in `Verdict`; only THROTTLED and FAILED are repeated.
        least_s: as in `Verdict`.
    """

    name: str
    code: str = ""
    message: str = ""
    statuses: frozenset[int] = frozenset()
    error: type[ServiceError]
    why: str
    hint: str
    ending: Ending = Ending.REFUSED
    least_s: float = 0.0

    def fits(self, status: int, code: str, message: str) -> bool:
        """Whether the row speaks of such an answer."""
        return (
            (not self.statuses or status in self.statuses)
            and (not self.code or re.fullmatch(self.code, code, re.IGNORECASE) is not None)
            and (not self.message or re.search(self.message, message, re.IGNORECASE) is not None)
        )

    def verdict(self, model: str) -> Verdict:
        """What the row says of such an answer to a call with that model."""
        return Verdict(
            error=self.error,
            ending=self.ending,
            repeat=self.ending in {Ending.THROTTLED, Ending.FAILED},
            why=self.why.replace("{model}", model or "this model"),
            hint=self.hint,
            least_s=self.least_s,
        )


def first_fit(table: Sequence[Row], status: int, code: str, message: str) -> Row:
    """The first row that speaks of such an answer, or of a task that failed (status 0).

    Args:
        table: a map of errors, whose last row fits everything.
        status: of HTTP.
        code: the service's own.
        message: its words.
    """
    return next(row for row in table if row.fits(status, code, message))


def by_status(who: str, *, key: str, address: str, later: str) -> tuple[Row, ...]:
    """The rows that close a map: what a status of HTTP says where no code and no message has said more.

    Args:
        who: the service in a sentence (`the service`).
        key: the hint for a refused key.
        address: the hint for an address where nothing answers.
        later: the hint for a failure that passes.
    """
    return (
        Row(
            name="401, 403",
            statuses=frozenset({401, 403}),
            error=KeyRefused,
            why=f"{who} does not accept the key, or the key may not do this",
            hint=key,
        ),
        Row(
            name="404",
            statuses=frozenset({404, 405, 410}),
            error=ModelGone,
            why="nothing answers at this address",
            hint=address,
        ),
        Row(
            name="429",
            statuses=frozenset({429}),
            error=ServiceUnavailable,
            why="too many requests",
            hint=later + " The limits of profile {profile} may be set too high.",
            ending=Ending.THROTTLED,
            least_s=1.0,
        ),
        Row(
            name="408, 409, 5xx",
            statuses=frozenset({408, 409, *range(500, 600)}),
            error=ServiceUnavailable,
            why=f"{who} failed",
            hint=later,
            ending=Ending.FAILED,
        ),
        Row(
            name="anything else",
            error=ServiceRefused,
            why=f"{who} refuses the request",
            hint="Its words above are all that is known.",
        ),
    )
