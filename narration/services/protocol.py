"""What every speech service is to the stages: one Protocol, whatever wire is behind it.

Invariant: nothing here names a vendor. A design may come back pending or rejected; the sound of a synthesis may be
behind a link, behind a task to poll, or in the answer itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from narration.errors import CallFacts, ServiceError
from narration.settings.settings import LengthUnit
from narration.take import Receipt, SpeechAsk
from narration.voice import DesignAnswer, RemoteVoice, VoiceDesign


class Ending(StrEnum):
    """How one attempt ended, as far as money and rate are concerned."""

    ANSWERED = "answered"
    """The service took it, and the answer was read."""
    REFUSED = "refused"
    """The service said no; nothing is billed."""
    THROTTLED = "throttled"
    """Too fast; nothing is billed."""
    FAILED = "failed"
    """The service failed and said so; nothing is billed."""
    NOT_SENT = "not_sent"
    """No connection was made; nothing can be billed."""
    IN_DOUBT = "in_doubt"
    """It was sent, and no answer was read: it may be billed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """How one attempt ended.

    Attributes:
        ending: the class of the ending.
        status: HTTP status, 0 when none came.
        code: the service's error code.
        retry_after_s: what the service asked for, or None.
    """

    ending: Ending
    status: int = 0
    code: str = ""
    retry_after_s: float | None = None


class Gate(Protocol):
    """Stands before every attempt of a call: rate, claim and money are asked there."""

    async def before(self, attempt: int) -> None:
        """Wait until the attempt (1-based) may be sent.

        Raises:
            BudgetReached: the money for it is not there.
            WindowClosed: the run is to stop.
        """

    async def after(self, attempt: int, end: AttemptEnd) -> None:
        """Take note of how the attempt ended."""


class OpenGate:
    """A gate that stands open: for free calls (list, query, delete) and for tests."""

    async def before(self, attempt: int) -> None:
        """Let the attempt pass."""

    async def after(self, attempt: int, end: AttemptEnd) -> None:
        """Take no note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLimits:
    """What the service's documents allow.

    Attributes:
        text_max: length of one synthesis text, counted in `text_unit`.
        text_unit: what `text_max` counts.
        prompt_max_chars, preview_max_chars: of a voice design, code points.
        voices_max: designed voices an account may hold.
        prompt_languages: languages in which a voice may be described.
        languages: languages it speaks, ISO 639-1.
    """

    text_max: int
    text_unit: LengthUnit
    prompt_max_chars: int
    preview_max_chars: int
    voices_max: int
    prompt_languages: tuple[str, ...]
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one thing costs.

    Attributes:
        usd: the price.
        per_characters: for that many billed characters; 0 means per piece.
        per_tokens: for that many input tokens, where tokens are billed; else 0.
        output_usd: for as many output tokens.
        per_seconds: for that many seconds of sound, where sound is billed; else 0.
        as_of: ISO date at which it was read.
        source: where it was read.
        assumed: the vendor's figure is not known.
    """

    usd: float
    per_characters: int
    as_of: str
    source: str
    assumed: bool
    per_tokens: int = 0
    output_usd: float = 0.0
    per_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Designed:
    """An answered design."""

    answer: DesignAnswer
    call: CallFacts
    price_usd: float | None = None
    """Where the service tells the price itself; None: the price list's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """An answered synthesis."""

    receipt: Receipt
    call: CallFacts
    price_usd: float | None = None
    """Where the service tells the price itself; None: that of the billed characters."""


class TaskFailed(Exception):
    """The task that a receipt leads to has ended without a result; asking for it again gives the same.

    Args:
        error: what that means, as the service's door words it.
        again: a new task for the same thing may fare better.
        billed: whether it may be on the bill nevertheless.
    """

    def __init__(self, error: ServiceError, *, again: bool, billed: bool = False) -> None:
        super().__init__(error, again, billed)
        self.error, self.again, self.billed = error, again, billed


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An answered list call: all voices of the account, over all pages; `told` is False where it lists none."""

    voices: tuple[RemoteVoice, ...]
    total: int
    call: CallFacts
    told: bool = True


class SpeechService(Protocol):
    """One speech service for one account. Every method raises `narration.errors.ServiceError` subclasses only."""

    @property
    def kind(self) -> str:
        """Row of the services table."""

    @property
    def account(self) -> str:
        """Fingerprint of the key."""

    @property
    def limits(self) -> ServiceLimits:
        """What one request may hold."""

    def preferred_name(self, character: str) -> str:
        """A name for a new voice that the service accepts; distinct for distinct characters."""

    async def design(self, design: VoiceDesign, preferred_name: str, gate: Gate) -> Designed:
        """Create a voice. Sent at most once: an attempt that ends in doubt is not repeated.

        Raises:
            ServiceError: `call.in_doubt` is 1 when the voice may exist nevertheless.
        """

    async def query(self, voice: str) -> tuple[RemoteVoice | None, CallFacts]:
        """What the service knows of a voice; None when it has none of that name."""

    async def voices(self) -> Listed:
        """All designed voices of the account."""

    async def delete(self, voice: str) -> CallFacts:
        """Delete a voice; one that is gone already is no error."""

    async def speak(self, ask: SpeechAsk, gate: Gate) -> Spoken:
        """Ask for one text to be spoken; transient failures are retried, each attempt through the gate."""

    async def collect(self, receipt: Receipt) -> bytes:
        """Get the audio file that a receipt's link or task leads to; costs nothing and is repeated freely.

        A receipt that has the sound already (`audio`) is not brought here.

        Raises:
            LinkExpired: the link's time is over: what was paid for cannot be had.
            AudioRefused: what came is not audio, or the link leads where it must not.
            ServiceUnavailable: the file could not be had.
            TaskFailed: the receipt leads to a task that failed.
        """

    async def aclose(self) -> None:
        """Close every connection."""


@runtime_checkable
class DesignsByTask(Protocol):
    """A service whose answer to a design is a task: `design` returns as soon as the task is known and may be billed."""

    async def designed(self, task_id: str, request_id: str) -> DesignAnswer:
        """Poll the task to its end; costs nothing and may be repeated, by another run too.

        Returns:
            The voice, READY or REJECTED.

        Raises:
            TaskFailed: the task failed, and no voice will come of it.
            LinkExpired: the service has forgotten the task.
            ServiceUnavailable: it has not come to its end in time, or the service does not answer.
            ServiceError: the service does not say.
        """
