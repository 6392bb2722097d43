"""Questions to a language model and its answers, as they are asked, billed and kept.

Invariant: an ask id is the hash of everything that was asked, and of nothing else; the same id means the same question,
whoever computes it, wherever and whenever. What a model said is kept as it came; nothing here believes it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from narration.take import canonical_hash

KIND: Final = "chat"
"""What the ledger calls the service."""

ACTION: Final = "ask"
"""What the ledger calls a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAsk:
    """Everything that one question says.

    Attributes:
        place: where it goes: the region of the speech service's own host, or the name of another host.
        model: as the endpoint spells it.
        system: what the model is to do.
        user: what it is to read, JSON.
        schema: of the answer, JSON Schema as canonical JSON.
        form: how the answer's form is asked for (`json_schema`, `json_object`).
        max_tokens: the answer's length at the most.
    """

    place: str
    model: str
    system: str
    user: str
    schema: str
    form: str
    max_tokens: int

    @property
    def ask_id(self) -> str:
        """The identity of the question."""
        return canonical_hash({"service": KIND, **asdict(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSaid:
    """What a model answered, not yet believed.

    Attributes:
        request_id: the endpoint's id of the answer.
        content: its words; empty where it used none (a tool call, a refusal).
        finish_reason: `stop` where it came to its end.
        input_tokens, output_tokens: as billed; None where the answer does not say.
    """

    request_id: str
    content: str
    finish_reason: str
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """A question with its answer, paid for.

    Attributes:
        ask: the question; its `ask_id` is the answer's.
        said: the answer.
        price_usd: what the ledger holds for it.
        created_at: ISO 8601, UTC, when it was read.
        run_id: the run that bought it.
    """

    ask: ChatAsk
    said: ChatSaid
    price_usd: float
    created_at: str
    run_id: str
