"""Learnt limits, remembered from run to run in the store.

Invariant: a record that cannot be understood costs a warning and nothing else; what was learnt fades, so that a limit
that was raised meanwhile is found again.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from narration.learnt import Learnt, asked_id

if TYPE_CHECKING:
    from narration.memory.store import Store

log = logging.getLogger(__name__)

DOUBLED_DAYS: Final = 2.0
"""In so many days a learnt limit doubles, until the configured one is the lower."""

MOST_DAYS: Final = 60.0
"""An older record says nothing any more."""

DAY_S: Final = 86_400.0


class Rates:
    """Learnt limits of one account and model.

    Args:
        store: where they are kept.
        account: fingerprint of the key.
        model: as the service spells it.
        clock: Unix seconds.
    """

    def __init__(self, store: Store, account: str, model: str, *, clock: Callable[[], float] = time.time) -> None:
        self._store, self._model, self._clock = store, model, clock
        self.asked = asked_id(account, model)
        self._key = f"limits/{self.asked}/rate.json"
        self._saved = Learnt()

    async def load(self) -> Learnt:
        """What is remembered, faded by its age.

        Raises:
            StoreError: the store cannot be read.
        """
        data = await self._store.get(self._key)
        if data is None:
            return Learnt()
        try:
            learnt, at = _decode(data)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            log.warning("what was learnt of %s's limits cannot be read and is left out: %s", self._model, error)
            return Learnt()
        self._saved = learnt
        days = max(0.0, (self._clock() - at) / DAY_S)
        if days > MOST_DAYS:
            return Learnt()
        longer = 2.0 ** (days / DOUBLED_DAYS)
        return Learnt(
            rate_hz=learnt.rate_hz * longer, in_flight=int(learnt.in_flight * longer), ramp_s=learnt.ramp_s / longer
        )

    async def save(self, learnt: Learnt) -> None:
        """Remember, if there is news of at least a hundredth.

        Raises:
            StoreError: the store cannot be written.
        """
        old = self._saved
        if (
            learnt.in_flight == old.in_flight
            and math.isclose(learnt.rate_hz, old.rate_hz, rel_tol=0.01)
            and math.isclose(learnt.ramp_s, old.ramp_s, rel_tol=0.01)
        ):
            return
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        record = {**asdict(learnt), "model": self._model, "at": at}
        await self._store.put(self._key, json.dumps(record, sort_keys=True).encode())
        self._saved = learnt


def _decode(data: bytes) -> tuple[Learnt, float]:
    record = json.loads(data)
    learnt = Learnt(
        rate_hz=float(record["rate_hz"]), in_flight=int(record["in_flight"]), ramp_s=float(record["ramp_s"])
    )
    if not all(math.isfinite(value) and value >= 0 for value in (learnt.rate_hz, learnt.in_flight, learnt.ramp_s)):
        raise ValueError(f"no limits: {learnt}")
    return learnt, datetime.fromisoformat(record["at"]).timestamp()
