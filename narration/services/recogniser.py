"""What a recogniser is, whoever it is: a service, or a program of this machine.

Invariant: what was heard is handed on as it came; nothing here judges it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from narration.errors import CallFacts
    from narration.hearing import HearingAsk, Transcript
    from narration.services.protocol import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A sound that was heard; `call` is None where nothing was sent anywhere."""

    said: Transcript
    call: CallFacts | None


class Recogniser(Protocol):
    """Whoever hears sounds, for one account."""

    @property
    def account(self) -> str:
        """Fingerprint of the key; empty where there is none."""

    async def transcribe(self, sound: bytes, ask: HearingAsk, gate: Gate) -> Told:
        """Hear a WAV file.

        Args:
            sound: the file, whole.
            ask: what is asked; of it the model, the language and the expected words go with the sound.
            gate: stands before every attempt.

        Raises:
            ServiceError: the recogniser refused, or did not answer.
            ToolError: the program of this machine failed.
        """

    async def aclose(self) -> None:
        """Close every connection, and end every process."""
