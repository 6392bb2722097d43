"""What a map of errors is made of: rows that are read from top to bottom, and the verdict of the one that fits.

Invariant: the first row that fits decides; every service's map has a last row that fits everything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from narration.errors import ServiceError
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
