"""What DashScope's error answers mean: a table of codes and messages, and the status only where both are silent.

Invariant: the first row that fits decides; what may pass is retried, what costs a person's action is not, and no answer
is left without a class.

Source: the vendor's model-studio `error-code` page and the API pages of voice design and speech synthesis; engine codes
411 and 418 as that page explains them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from narration.errors import (
    AccountBlocked,
    KeyRefused,
    ModelGone,
    ServiceRefused,
    ServiceUnavailable,
    TextRefused,
    TextTooLong,
    VoiceMissing,
    VoiceQuotaFull,
)
from narration.services.envelope import Verdict
from narration.services.error_map import Row, by_status, first_fit
from narration.services.limits import end_of_service
from narration.services.protocol import Ending

_LATER = "Run the same command again later: what is paid for is kept."
_OTHER_ACCOUNT = "Put the account in order in the vendor's console, or use another key or profile (now: {profile})."
_KEY_HINT = (
    "Keys belong to one region: a key of China (Beijing) fails on the international host and the reverse. "
    "Set DASHSCOPE_API_KEY to a key of {host}, or choose the other profile (now: {profile})."
)
_MODEL_HINT = (
    "Model {model} may be retired, misspelt or not offered in this region: "
    "change the model or the profile (now: {profile}), or the base URL ({host}), which must end in /api/v1."
)
_ENDED: Final = frozenset({"access", "model access", "model", "model, by message", "404"})
"""Rows that an announced end of the model explains."""
_VOICE_HINT = (
    "A voice belongs to one account, region and model; see `narrate voices list`. "
    "It may have been deleted, or cleaned up after a year without use."
)

TABLE: Final[tuple[Row, ...]] = (
    Row(
        name="length",
        message=r"range of input length",
        error=TextTooLong,
        why="the text is longer than the service takes",
        hint="Lower max_length of the chunks, or change the unit in which it counts.",
    ),
    Row(
        name="voice quota",
        code=r"(.*\.)?(Throttling\.)?AllocationQuota",
        message=r"voice (storage )?limit|maximum voice",
        error=VoiceQuotaFull,
        why="the account holds as many designed voices as it may",
        hint="Delete voices that no book uses (`narrate voices list` shows them), then run the same command again.",
    ),
    Row(
        name="free tier",
        code=r"(.*\.)?AllocationQuota\.FreeTierOnly",
        error=AccountBlocked,
        why="the free quota is used up, and the account is set to stop there",
        hint="Turn off “stop when the free quota ends” in the vendor's console, or use another key or profile.",
    ),
    Row(
        name="free quota",
        message=r"free (allocated )?quota (is )?(exceeded|exhausted|used up)",
        error=AccountBlocked,
        why="the free quota is used up",
        hint=_OTHER_ACCOUNT,
    ),
    Row(
        name="billing",
        code=r"(.*\.)?(Arrearage|CommodityNotPurchased|PrepaidBillOverdue|PostpaidBillOverdue)",
        error=AccountBlocked,
        why="the account is overdue, or has not bought the service",
        hint=_OTHER_ACCOUNT,
    ),
    Row(
        name="not activated",
        code=r"(.*\.)?AccessDenied\.Unpurchased",
        error=AccountBlocked,
        why="the account has not activated the service",
        hint="Activate it in the vendor's console, or use another key or profile (now: {profile}).",
    ),
    Row(
        name="key of another region",
        message=r"(key|workspace)\b.{0,60}\b(another|different|other|wrong) region|region (mismatch|does not match)",
        statuses=frozenset({400, 401, 403}),
        error=KeyRefused,
        why="the key is of another region than the host",
        hint="{host} wants a key of its own site; choose the profile of the key's (now: {profile}).",
    ),
    Row(
        name="key",
        code=r"(.*\.)?Invalid_?Api_?Key",
        error=KeyRefused,
        why="the service does not accept the key",
        hint=_KEY_HINT,
    ),
    Row(
        name="key, by message",
        message=r"not authorized|invalid api[- ]?key|incorrect api key",
        error=KeyRefused,
        why="the service does not accept the key",
        hint=_KEY_HINT,
    ),
    Row(
        name="streaming",
        message=r"does not support (stream|incremental|sse)|only support(s)? non-?stream",
        error=ServiceRefused,
        why="the model does not answer as a stream of events",
        hint="Set `streaming = false` under [service] of profile {profile}.",
    ),
    Row(
        name="asynchronous",
        code=r"(.*\.)?AccessDenied",
        message=r"asynchronous calls",
        error=ServiceRefused,
        why="the service takes this call only without the header X-DashScope-Async",
        hint="Something between here and {host} adds that header; go around it.",
    ),
    Row(
        name="workspace",
        code=r"(.*\.)?(WorkSpaceNotFound|Workspace\.AccessDenied|Endpoint\.AccessDenied)",
        error=KeyRefused,
        why="the workspace is unknown, or the key has no right in it",
        hint="Check the workspace of profile {profile} (DASHSCOPE_WORKSPACE) and its rights in the vendor's console.",
    ),
    Row(
        name="model access",
        code=r"(.*\.)?Model\.AccessDenied",
        error=ModelGone,
        why="this account may not use the model",
        hint="Model {model} is retired, or not activated for this key or workspace: "
        "activate it in the vendor's console, or change the model or the profile (now: {profile}).",
    ),
    Row(
        name="model",
        code=r"(.*\.)?(ModelNotFound|Model_not_found|NotFound)",
        error=ModelGone,
        why="the host does not know the model or the address",
        hint=_MODEL_HINT,
    ),
    Row(
        name="model, by message",
        message=r"model (does )?not (exist|found)|model can ?not be found|url error, please check",
        error=ModelGone,
        why="the host does not know the model, or not at this address",
        hint=_MODEL_HINT,
    ),
    Row(
        name="voice not found",
        code=r"(.*\.)?(VoiceNotFound|ResourceNotExist)",
        error=VoiceMissing,
        why="the account has no such voice",
        hint=_VOICE_HINT,
    ),
    Row(
        name="engine 418",
        message=r"engine (return )?error( code:)? ?\[?418\b",
        error=VoiceMissing,
        why="the voice is unknown here, or was designed for another model (engine code 418)",
        hint=_VOICE_HINT,
    ),
    Row(
        name="engine 411",
        message=r"engine (return )?error( code:)? ?\[?411\b|request voice is invalid",
        error=VoiceMissing,
        why="the voice is not of the kind that {model} speaks with (engine code 411)",
        hint="A model of designed voices takes no system voice (Cherry) and no cloned one; see `narrate voices list`.",
    ),
    Row(
        name="inspection",
        code=r"(.*\.)?(Data_?Inspection_?Failed|CustomRoleBlocked|IPInfringementSuspect)",
        error=TextRefused,
        why="the service's content inspection refuses the text",
        hint="Reword the sentence; the same text will be refused again.",
    ),
    Row(
        name="inspection, by message",
        message=r"data_?inspection_?failed|inappropriate content",
        error=TextRefused,
        why="the service's content inspection refuses the text",
        hint="Reword the sentence; the same text will be refused again.",
    ),
    Row(
        name="nothing to speak",
        message=r"please ensure input text is valid",
        error=TextRefused,
        why="the service finds nothing to speak in the text",
        hint="A line of symbols only is better cut, or written as a scene break.",
    ),
    Row(
        name="allocated quota",
        code=r"(.*\.)?(Throttling\.)?AllocationQuota",
        error=ServiceUnavailable,
        why="the account's allocated quota is used up for now",
        hint=_LATER,
        ending=Ending.THROTTLED,
        least_s=10.0,
    ),
    Row(
        name="burst",
        code=r"(.*\.)?Throttling\.BurstRate",
        error=ServiceUnavailable,
        why="the rate of requests rose too quickly",
        hint=_LATER,
        ending=Ending.THROTTLED,
        least_s=3.0,
    ),
    Row(
        name="throttled",
        code=r"(.*\.)?(Throttling(\..+)?|LimitRequests|limit_requests|rate_limit.*)",
        error=ServiceUnavailable,
        why="too many requests for the account's limit",
        hint=_LATER + " The limits of profile {profile} may be set too high.",
        ending=Ending.THROTTLED,
        least_s=1.0,
    ),
    Row(
        name="capacity",
        code=r"(.*\.)?(ServiceUnavailable|ModelUnavailable)",
        message=r"too many requests|throttled",
        error=ServiceUnavailable,
        why="the service is at its capacity",
        hint=_LATER,
        ending=Ending.THROTTLED,
        least_s=1.0,
    ),
    Row(
        name="timed out there",
        code=r"(.*\.)?(RequestTimeOut|ResponseTimeout|InternalError\.Timeout|GatewayTimeout|Timeout)",
        error=ServiceUnavailable,
        why="the service did not finish in time",
        hint=_LATER,
        ending=Ending.FAILED,
    ),
    Row(
        name="parameter",
        code=r"(.*\.)?(InvalidParameter(\..+)?|InvalidURL|BadRequest\..+|EmptyInput|EmptyModel|EmptyParameters"
        r"|ClientDisconnect|Audio\..+|invalid_value|close\.\d+)",
        error=ServiceRefused,
        why="the service finds the request wrong",
        hint="Its words above say which field. If the book's own settings are right, this is a fault of narrate's.",
    ),
    Row(
        name="failed there",
        code=r"(.*\.)?(InternalError(\..+)?|SystemError|ModelServiceFailed|ServiceUnavailable|ModelUnavailable|Conflict)",
        error=ServiceUnavailable,
        why="the service failed",
        hint=_LATER,
        ending=Ending.FAILED,
    ),
    Row(
        name="access",
        code=r"(.*\.)?AccessDenied(\..+)?",
        error=KeyRefused,
        why="the key has no right to do this",
        hint=_KEY_HINT,
    ),
    *by_status("the service", key=_KEY_HINT, address=_MODEL_HINT, later=_LATER),
)
"""Read from top to bottom. Messages stand above throttling codes, since the vendor sends some billing and storage
refusals with a throttling code or status."""


def judge(status: int, code: str, message: str, model: str) -> Verdict:
    """The verdict on an error answer, with the announced end of the model where that explains it."""
    row = first_fit(TABLE, status, code, message)
    verdict, ended = row.verdict(model), end_of_service(model)
    if ended is None or row.name not in _ENDED:
        return verdict
    instead = f"Change to `--profile {ended.profile}`; now it is {{profile}}." if ended.profile else _MODEL_HINT
    return replace(verdict, error=ModelGone, hint=f"{ended.sentence()} {instead}")
