"""A row of the usage ledger: what one call to a service was, and what it cost.

Invariant: a row is made once, from the answer (or from the doubt), and never changed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from narration.errors import StoreError
from narration.typed import read_as


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One call to a service.

    Attributes:
        call_id: identity of the call, made before it is sent; of an attempt in doubt, the call's and its number.
        at: when the answer was read (or the doubt was found), ISO 8601, UTC.
        run_id: the run that made the call.
        flow_run_id: the Prefect flow run, or empty.
        production: name of the book's folder.
        chapter: its number; 0 for calls that belong to no chapter.
        character: for whom.
        service, region, model: where it went.
        action: `design`, `synthesize`, `ask`, `transcribe`, `list`, `query`, `delete`.
        voice: the service's name of the voice.
        take_id: what was asked for, a take (spoken or heard) or a question; empty for other actions.
        request_id: the service's id.
        characters: billed, as the service counted; for a row in doubt, as we count.
        price_usd: by `prices.toml` at the time of the call.
        status: HTTP status; 0 when no answer was read.
        code: the service's error code; empty on success.
        attempts: how often it was sent.
        latency_ms: until the answer.
        audio_s: length of the sound, of what was spoken or heard; 0 where there is none.
        in_doubt: sent, and no answer was read: it may be on the bill or not.
        input_tokens, output_tokens: billed, as the service counted; for a row in doubt, the most it can be.
        session_id: of the WebSocket session or task, where the service speaks in them.
        first_audio_ms: from the send to the first sound, where the sound comes piece by piece; else 0.
    """

    call_id: str
    at: str
    run_id: str
    flow_run_id: str = ""
    production: str = ""
    chapter: int = 0
    character: str = ""
    service: str = ""
    region: str = ""
    model: str = ""
    action: str = ""
    voice: str = ""
    take_id: str = ""
    request_id: str = ""
    characters: int = 0
    price_usd: float = 0.0
    status: int = 0
    code: str = ""
    attempts: int = 1
    latency_ms: int = 0
    audio_s: float = 0.0
    in_doubt: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    session_id: str = ""
    first_audio_ms: int = 0


def encode_row(row: Row) -> bytes:
    """The row as JSON."""
    return json.dumps(asdict(row), sort_keys=True, ensure_ascii=False).encode()


def decode_row(data: bytes, where: str = "a pending row") -> Row:
    """The row of a JSON record.

    Args:
        data: the record.
        where: what it is called in the error.

    Raises:
        StoreError: the record is not a row.
    """
    try:
        row = read_as(Row, data)
        datetime.fromisoformat(row.at)
    except ValueError as error:
        raise StoreError(
            f"{where} is not a row of the ledger: {error}.", "Move it away; the others are untouched."
        ) from error
    return row
