"""What a recogniser is asked to hear, and what it heard, as it is asked, billed and kept.

Invariant: an ask id is the hash of the sound and of everything that the recogniser was told, and of nothing else; the
same id means the same question, whoever computes it. What was heard is kept as it came; nothing here believes it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from narration.take import canonical_hash

KIND: Final = "recogniser"
"""What the ledger calls the service."""

ACTION: Final = "transcribe"
"""What the ledger calls one hearing."""


class RecogniserKind(StrEnum):
    """Who hears the words of a take."""

    NONE = "none"
    OFFLINE = "offline"
    """pocketsphinx, on this machine: English only."""
    DASHSCOPE = "dashscope"
    """The vendor's recogniser."""
    OPENAI = "openai"
    """Any OpenAI-compatible transcription endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HearingAsk:
    """Everything that one hearing asks.

    Attributes:
        kind: of the recogniser (`offline`, `dashscope`, `openai`).
        place: where the sound goes: the region of the speech service's own host, another host's name, or `offline`.
        model: as the endpoint spells it.
        sha256: of the sound, a WAV file.
        language: ISO 639-1.
        expected: the words that the sound should hold; empty for recognisers that are not told them.
    """

    kind: str
    place: str
    model: str
    sha256: str
    language: str
    expected: str = ""

    @property
    def ask_id(self) -> str:
        """The identity of the hearing."""
        return canonical_hash({"service": KIND, **asdict(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardWord:
    """One word, or one Chinese character, that was heard.

    Attributes:
        text: as the recogniser writes it.
        start_ms, end_ms: where it is in the sound; None where the recogniser does not say.
        confidence: 0 to 1; None where the recogniser does not say.
    """

    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What a recogniser heard.

    Attributes:
        request_id: the endpoint's id of the answer; empty where it has none.
        words: in order.
        followed: False where the recogniser could not make out what is said, so that its words prove nothing.
        billed_s: seconds of sound as billed; None where the answer does not say.
    """

    request_id: str
    words: tuple[HeardWord, ...]
    followed: bool = True
    billed_s: float | None = None

    @property
    def text(self) -> str:
        """The words, divided by blanks."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """A question with what was heard, paid for where that costs money.

    Attributes:
        ask: the question; its `ask_id` is the hearing's.
        said: what was heard.
        price_usd: what the ledger holds for it.
        created_at: ISO 8601, UTC, when it was read.
        run_id: the run that had it heard.
    """

    ask: HearingAsk
    said: Transcript
    price_usd: float
    created_at: str
    run_id: str
