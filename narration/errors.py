"""Every error the program raises on purpose, and the exit status that each one means.

::

    NarrationError
    ├── InputError                  2  a mistake in a file or an option; carries every problem found, not the first
    ├── BudgetReached               4  money would exceed the cap
    ├── ServiceRefused              5  the service answered, and the answer is no
    │   ├── KeyRefused                 the key is wrong, of another region, or may not do this
    │   ├── AccountBlocked             overdue, not activated, free quota used up
    │   ├── ModelGone                  the model is unknown or retired
    │   ├── VoiceMissing               the voice does not exist, or belongs to another model
    │   ├── FormRefused                the model does not answer in the form that was asked for
    │   ├── VoiceQuotaFull             the account holds as many voices as it may
    │   ├── VoiceRejected              the service reviewed the design and refused it
    │   ├── TextRefused                the text (or prompt) was refused by content inspection or is not speakable
    │   │   └── TextTooLong            the text is over the service's limit
    │   └── AudioRefused               what a link delivers is not audio, or the link leads elsewhere
    │       └── LinkExpired            the link's time is over: what it led to is lost
    ├── ServiceUnavailable          6  no answer, or only transient failures, until the retries ran out
    ├── AnswerUnclear               6  a reply that does not fit the documented shape
    ├── WindowClosed                7  the time window ended
    ├── Interrupted               130  the user asked to stop
    ├── TextLost                    1  chunks do not hold the chapter's text, whole and unchanged
    ├── StoreError                  1  the store cannot be read or written
    │   └── TakeDamaged                the audio of a take is gone or is not what was received
    └── ToolError                   1  a program that we run (ffmpeg) failed

Arguments are facts, so that errors pickle and travel between processes; `str()` says what, where and the next step.
An error that nobody foresaw is exit status 1, Ctrl-C is 130, a finished book with open findings is 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The exit statuses of the `narrate` command."""

    DONE = 0
    OUR_FAULT = 1
    WRONG_INPUT = 2
    FINDINGS = 3
    BUDGET = 4
    REFUSED = 5
    UNAVAILABLE = 6
    WINDOW = 7
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake of the user's.

    Attributes:
        what: what is wrong, in one sentence.
        where: file, line, key or option, as the user would name it (`cast.yaml, line 7, characters[2].voice`).
        expected: what would have been right, or an empty string.
        hint: what to do next, or an empty string.
    """

    what: str
    where: str = ""
    expected: str = ""
    hint: str = ""

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        rest = [f"expected {self.expected}"] if self.expected else []
        return "; ".join([head, *rest]) + (f". {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What is known of one logical call to a service, answered or not.

    Attributes:
        action: what was asked: `design`, `synthesize`, `ask`, `transcribe`, `list`, `query`, `delete`.
        model: the model named in the request.
        status: HTTP status of the last answer; 0 when none came.
        code: the service's own error code; empty on success.
        request_id: the service's id of the last answer; empty when none came.
        attempts: how many times the request was sent.
        in_doubt: how many of those may have been billed although no answer was read.
        latency_ms: from the first send to the last answer, waits between attempts included.
        session_id: of the connection or task, where a service speaks in sessions; else empty.
        first_audio_ms: from the send to the first sound, where the sound comes piece by piece; else 0.
    """

    action: str
    model: str = ""
    status: int = 0
    code: str = ""
    request_id: str = ""
    attempts: int = 1
    in_doubt: int = 0
    latency_ms: int = 0
    session_id: str = ""
    first_audio_ms: int = 0


class NarrationError(Exception):
    """The root of the tree; carries a sentence and, where there is one, the next step.

    Args:
        what: what happened, and to what.
        hint: what to do next, or an empty string.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.OUR_FAULT

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what, hint)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what} {self.hint}".strip() if self.hint else self.what


class InputError(NarrationError):
    """Mistakes in what the user wrote, all of them at once."""

    exit_code = ExitCode.WRONG_INPUT

    def __init__(self, *problems: Problem) -> None:
        Exception.__init__(self, *problems)
        self.problems = problems
        self.what = "; ".join(str(problem) for problem in problems)
        self.hint = ""

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class BudgetReached(NarrationError):
    """The next request would exceed the cap.

    Args:
        cap_usd: the cap that would be exceeded.
        committed_usd: what is spent, reserved or in doubt under it.
        wanted_usd: the price of the request that was held back.
        which: which cap it is (`budget_usd of book.yaml`, `--budget`).
    """

    exit_code = ExitCode.BUDGET

    def __init__(self, cap_usd: float, committed_usd: float, wanted_usd: float, which: str) -> None:
        Exception.__init__(self, cap_usd, committed_usd, wanted_usd, which)
        self.cap_usd, self.committed_usd, self.wanted_usd, self.which = cap_usd, committed_usd, wanted_usd, which
        self.what = (
            f"The budget is reached: {committed_usd:.4f} of {cap_usd:.4f} USD ({which}) are spent or reserved, "
            f"and the next request would cost {wanted_usd:.4f}."
        )
        self.hint = "Raise it and run the same command again: what is paid for is kept, and it goes on from there."

    @property
    def of_run(self) -> bool:
        """Whether it is the cap of one run, and not that of the book over all of them."""
        return self.which.startswith("--budget")


class ServiceError(NarrationError):
    """Something between us and a service; knows the call.

    Args:
        what: what happened.
        hint: what to do next.
        call: the facts of the call, or None when no request was sent.
    """

    def __init__(self, what: str, hint: str = "", call: CallFacts | None = None) -> None:
        Exception.__init__(self, what, hint, call)
        self.what = what
        self.hint = hint
        self.call = call


class ServiceRefused(ServiceError):
    """The service answered, and the answer is no; asking again would give the same."""

    exit_code = ExitCode.REFUSED


class KeyRefused(ServiceRefused):
    """The key is wrong, of another region, or has not the right."""


class AccountBlocked(ServiceRefused):
    """The account is overdue, the model not activated, or its free quota used up."""


class ModelGone(ServiceRefused):
    """The model is unknown to this host, or retired."""


class VoiceMissing(ServiceRefused):
    """The voice does not exist in this account, or belongs to another model."""


class FormRefused(ServiceRefused):
    """The model does not answer in the form that was asked for."""


class VoiceQuotaFull(ServiceRefused):
    """The account holds as many designed voices as it may."""


class VoiceRejected(ServiceRefused):
    """The service reviewed a voice design and refused it."""


class TextRefused(ServiceRefused):
    """The text was refused: content inspection, or nothing to speak in it."""


class TextTooLong(TextRefused):
    """The text is over the service's limit."""


class AudioRefused(ServiceRefused):
    """What a link delivers is not the audio that was promised, or the link leads where it must not."""


class LinkExpired(AudioRefused):
    """The link's time is over."""


class ServiceUnavailable(ServiceError):
    """No answer, or only transient failures, until the retries ran out."""

    exit_code = ExitCode.UNAVAILABLE


class AnswerUnclear(ServiceError):
    """A reply that does not fit the documented shape."""

    exit_code = ExitCode.UNAVAILABLE


class WindowClosed(NarrationError):
    """The time window ended before the work did."""

    exit_code = ExitCode.WINDOW


class Interrupted(NarrationError):
    """The user asked the run to stop."""

    exit_code = ExitCode.INTERRUPTED


class TextLost(NarrationError):
    """The chunks of a chapter do not hold its text, whole and unchanged: a fault of this program's."""


class StoreError(NarrationError):
    """The store cannot be read or written."""


class TakeDamaged(StoreError):
    """The audio of a take is gone from the store, or is not what was received."""


class ToolError(NarrationError):
    """A program that we run failed."""
