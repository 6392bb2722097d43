"""What the task gateway's refusals and failed tasks mean.

Invariant: as for the vendor's own error map: the first row that fits decides, and no answer is left without a class.

Source: docs.evolink.ai, Error Codes Reference (codes of failed tasks). The HTTP error table is not published: the
statuses are read as their names say.
"""

from __future__ import annotations

from typing import Final

from narration.errors import AccountBlocked, KeyRefused, ModelGone, ServiceRefused, ServiceUnavailable, TextRefused
from narration.services import qwen_errors
from narration.services.envelope import Verdict
from narration.services.error_map import Row, by_status, first_fit
from narration.services.protocol import Ending

TASK_UNKNOWN: Final = frozenset({"invalid_task_id", "resource_not_found", "task_not_found"})
"""Codes by which the gateway says that it has no such task."""

_LATER = "Run the same command again later: what is paid for is kept, and a failed task is not billed."
_KEY_HINT = "Set the key of {host} for profile {profile}; a key of the vendor's own sites does not open the gateway."
_ADDRESS_HINT = "Check the model ({model}) and the base URL ({host}), which must end in /v1, of profile {profile}."
_REWORD = "Reword the sentence; the same text will be refused again."

_ENGINE: Final = frozenset(
    {
        "length",
        "voice not found",
        "engine 418",
        "engine 411",
        "inspection",
        "inspection, by message",
        "nothing to speak",
    }
)
"""Rows of the vendor's own map whose messages the gateway may hand through."""

TABLE: Final[tuple[Row, ...]] = (
    *(row for row in qwen_errors.TABLE if row.name in _ENGINE),
    Row(
        name="policy",
        code=r"content_policy.*|.*moderation.*|sensitive_.*",
        error=TextRefused,
        why="the gateway's content policy refuses the text",
        hint=_REWORD,
    ),
    Row(
        name="no content",
        code=r"generation_failed_no_content",
        error=TextRefused,
        why="the model made nothing of the text",
        hint=_REWORD,
    ),
    Row(
        name="key",
        code=r"invalid_api_key|authentication_error|unauthorized|invalid_token",
        error=KeyRefused,
        why="the gateway does not accept the key",
        hint=_KEY_HINT,
    ),
    Row(
        name="credits",
        code=r"insufficient_.*|payment_required|balance_.*",
        error=AccountBlocked,
        why="the account has not enough credits",
        hint="Add credits in the gateway's console, or use another key or profile (now: {profile}).",
    ),
    Row(
        name="model",
        code=r"model_not_(found|available|supported)|model_error|invalid_model",
        error=ModelGone,
        why="the gateway does not offer the model",
        hint="Model {model} may be retired or misspelt: change the model or the profile (now: {profile}).",
    ),
    Row(
        name="task",
        code="|".join(sorted(TASK_UNKNOWN)),
        error=ServiceRefused,
        why="the gateway has no such task in this account",
        hint="A task belongs to the account of the key that made it.",
    ),
    Row(
        name="busy",
        code=r"quota_exceeded|resource_exhausted|rate_limit.*|too_many_requests",
        error=ServiceUnavailable,
        why="too many requests for the gateway or the service behind it",
        hint=_LATER + " The limits of profile {profile} may be set too high.",
        ending=Ending.THROTTLED,
        least_s=1.0,
    ),
    Row(
        name="failed there",
        code=r"service_(error|unavailable)|generation_timeout|unknown_error|request_cancelled|internal_.*|upstream_.*"
        r"|server_error",
        error=ServiceUnavailable,
        why="the gateway, or the service behind it, failed",
        hint=_LATER,
        ending=Ending.FAILED,
    ),
    Row(
        name="parameter",
        code=r"invalid_(parameters?|request.*|callback.*|params?)",
        error=ServiceRefused,
        why="the gateway finds the request wrong",
        hint="Its words above say which field. If the book's own settings are right, this is a fault of narrate's.",
    ),
    Row(
        name="402",
        statuses=frozenset({402}),
        error=AccountBlocked,
        why="the account has not enough credits",
        hint="Add credits in the gateway's console, or use another key or profile (now: {profile}).",
    ),
    *by_status("the gateway", key=_KEY_HINT, address=_ADDRESS_HINT, later=_LATER),
)
"""Read from top to bottom."""


def judge(status: int, code: str, message: str, model: str) -> Verdict:
    """The verdict on an error answer or a failed task."""
    return first_fit(TABLE, status, code, message).verdict(model)
