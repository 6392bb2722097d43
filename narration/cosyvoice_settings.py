"""The table `cosyvoice` of the settings: how that service is asked, and how its voices are to speak.

Invariant: what is at the vendor's default is not sent, so that it is not part of a take's identity either.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

INSTRUCTION_CHARS: Final = 100
"""Longest instruction. Source: alibabacloud.com model-studio, cosyvoice-client-events (the vendor's SDK says 128)."""

SEED_MOST: Final = 65_535
"""Source: alibabacloud.com model-studio, cosyvoice-client-events."""

_Factor = Annotated[float, Field(ge=0.5, le=2.0, allow_inf_nan=False)]


class Transport(StrEnum):
    """Over what a text goes to the service."""

    HTTP = "http"
    """One request; the answer is a link that lives 24 hours."""
    WEBSOCKET = "websocket"
    """One task on a connection; the answer is the sound itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CosyVoiceSettings:
    """How CosyVoice is asked.

    Attributes:
        transport: over what.
        rate, pitch: 0.5 to 2; 1 is the voice's own.
        volume: 0 to 100; 50 is the service's own.
        seed: 1 to 65535 makes an answer repeatable (a retake counts up); 0 leaves it to chance.
        instruction: how every line is to be said that has no direction of its own; may be empty.
    """

    transport: Transport = Transport.HTTP
    rate: _Factor = 1.0
    pitch: _Factor = 1.0
    volume: Annotated[int, Field(ge=0, le=100)] = 50
    seed: Annotated[int, Field(ge=0, le=SEED_MOST)] = 0
    instruction: Annotated[str, Field(max_length=INSTRUCTION_CHARS)] = ""

    def options(self) -> tuple[tuple[str, str], ...]:
        """What differs from the vendor's defaults, by the vendor's names, sorted."""
        given = {
            "instruction": self.instruction,
            "pitch": f"{self.pitch:g}" if self.pitch != 1 else "",
            "rate": f"{self.rate:g}" if self.rate != 1 else "",
            "seed": str(self.seed) if self.seed else "",
            "volume": str(self.volume) if self.volume != 50 else "",
        }
        return tuple((name, value) for name, value in given.items() if value)
