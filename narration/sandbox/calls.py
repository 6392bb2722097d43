"""One request to the service: what was asked, the house it was asked in, and how its answer is put.

Invariant: a family answers a `Call` and records its own success; refusals are recorded by `app`.
"""

import asyncio
import hashlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from narration.sandbox.descriptions import Chance
from narration.sandbox.engine import EngineError
from narration.sandbox.faults import Switchboard, Switches
from narration.sandbox.limits import Limiter
from narration.sandbox.links import Links
from narration.sandbox.models import Family
from narration.sandbox.speaker import Speaker
from narration.sandbox.state import CallRow, State
from narration.sandbox.wire import Body, DroppedError, RefusedError

log = logging.getLogger(__name__)

T = TypeVar("T")

UNKNOWN_ACTION = "unknown"
BLOCKED = "Input text data may contain inappropriate content."


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer: a JSON body, or the bodies of a stream of events; bare events have `data:` lines only."""

    body: Body
    events: tuple[Body, ...] | None = None
    is_bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all requests share."""

    state: State
    speaker: Speaker
    links: Links
    limiter: Limiter
    switchboard: Switchboard
    chance: Chance
    clock: Callable[[], float]
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    errands: set[asyncio.Task[None]] = field(default_factory=set)

    def held(self, account: str, family: Family) -> int:
        """How many voices of a family an account holds, those beside ours included."""
        return self.state.voice_count(account, family) + self.switchboard.now.voices_beside

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the service.

        Raises:
            DroppedError: the service ends.
        """
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return
        raise DroppedError

    async def latency(self, chars: int) -> None:
        """Wait as long as the switches say for a text of this many billed characters, also when they change meanwhile.

        Raises:
            DroppedError: the service ends.
        """
        began_s, waited_s = asyncio.get_running_loop().time(), 0.0
        while (left_s := self._latency_s(chars) - waited_s) > 0:
            pausing = asyncio.ensure_future(self.pause(left_s))
            changing = asyncio.ensure_future(self.switchboard.changed.wait())
            try:
                await asyncio.wait({pausing, changing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                changing.cancel()
                pausing.cancel()
            if pausing.done():
                return await pausing
            waited_s = asyncio.get_running_loop().time() - began_s
        return None

    def _latency_s(self, chars: int) -> float:
        switches = self.switchboard.now
        return (switches.latency_ms + switches.latency_ms_per_char * chars) / 1_000

    def inspect(self, *texts: str) -> None:
        """Refuse texts that hold a poison word.

        Raises:
            RefusedError: 400 `DataInspectionFailed`.
        """
        for word in self.switchboard.now.poison_words:
            if any(word.casefold() in text.casefold() for text in texts):
                raise RefusedError(400, "DataInspectionFailed", BLOCKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorised request.

    Attributes:
        fields: `input`, and what is found only in `parameters`, as the older SDK sends it; of a chat, the whole body.
        faults: the faults drawn for it.
        origin: scheme, host and port under which the caller sees the service.
    """

    request_id: str
    account: str
    model: str
    action: str
    fields: Mapping[str, object]
    parameters: Mapping[str, object]
    wants_events: bool
    faults: frozenset[str]
    origin: str
    at_s: float

    @property
    def answered(self) -> bool:
        """Whether the caller will be sent the answer."""
        return not self.faults & {"drop_after", "hang_after"}

    def row(
        self,
        *,
        voice: str = "",
        characters: int = 0,
        text_sha256: str = "",
        billed: bool = False,
        code: str = "",
        input_tokens: int = 0,
        output_tokens: int = 0,
        seconds: int = 0,
    ) -> CallRow:
        """Return its row for the record."""
        return CallRow(
            at_s=self.at_s,
            account=self.account,
            model=self.model,
            action=self.action,
            request_id=self.request_id,
            code=code,
            voice=voice,
            characters=characters,
            text_sha256=text_sha256,
            billed=billed,
            answered=self.answered,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            seconds=seconds,
        )


def account_of(authorization: str, switches: Switches | None = None) -> str:
    """Return the account of a key: a hash, never the key. Keys that differ after a dot are of one account.

    Args:
        authorization: the header.
        switches: say which keys are of another region; None knows of no regions.

    Raises:
        RefusedError: 401 `InvalidApiKey`; the sandbox knows keys by their `sk-`.
    """
    scheme, _, key = authorization.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key.startswith("sk-") or len(key) <= len("sk-"):
        raise RefusedError(401, "InvalidApiKey", "Invalid API-key provided.")
    if switches is not None and switches.foreign_keys and key.startswith(switches.foreign_keys):
        told = ": the API key belongs to another region." if switches.region_told else "."
        raise RefusedError(401, "InvalidApiKey", f"Invalid API-key provided{told}")
    return hashlib.sha256(key.partition(".")[0].encode("utf-8", "replace")).hexdigest()[:16]


async def worked(work: Awaitable[T]) -> T:
    """Return the outcome of work; what fails on our side is a 500 that is not billed.

    Raises:
        RefusedError: 500 `InternalError`: no engine, no room on the disk, a locked state.
    """
    try:
        return await work
    except (EngineError, OSError, sqlite3.Error) as error:
        log.exception("internal error")
        raise RefusedError(500, "InternalError", "An internal error has occurred, please try again later.") from error
