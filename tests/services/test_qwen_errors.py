"""The error map: every row has an answer of the documents that it speaks of, and the order of the rows holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.errors import (
    AccountBlocked,
    KeyRefused,
    ModelGone,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
    TextRefused,
    TextTooLong,
    VoiceMissing,
    VoiceQuotaFull,
)
from narration.services.error_map import first_fit
from narration.services.protocol import Ending
from narration.services.qwen_errors import TABLE, judge

REFUSED, THROTTLED, FAILED = Ending.REFUSED, Ending.THROTTLED, Ending.FAILED
LENGTH = "<400> InternalError.Algo.InvalidParameter: Range of input length should be [0, 600]"
FREE = "Free allocated quota exceeded."
CLONES = "Maximum voice-clone voice limit exceeded."
ELSEWHERE = "Invalid API-key provided: the API key belongs to another region."
ASYNC = "current user api does not support asynchronous calls."
CONTENT = "Input data may contain inappropriate content."
QUOTA = "Allocated quota exceeded, please increase your quota limit."
CAPACITY = "Too many requests. Your requests are being throttled due to system capacity limits."
STORAGE = "Maximum voice storage limit exceeded, please delete existing voices."

ANSWERS: list[tuple[int, str, str, str, type[ServiceError], Ending]] = [
    (400, "InvalidParameter", LENGTH, "length", TextTooLong, REFUSED),
    (500, "InternalError.Algo", LENGTH, "length", TextTooLong, REFUSED),
    (400, "Throttling.AllocationQuota", STORAGE, "voice quota", VoiceQuotaFull, REFUSED),
    (429, "Throttling.AllocationQuota", CLONES, "voice quota", VoiceQuotaFull, REFUSED),
    (403, "AllocationQuota.FreeTierOnly", "The free tier is exhausted.", "free tier", AccountBlocked, REFUSED),
    (429, "Throttling.AllocationQuota", FREE, "free quota", AccountBlocked, REFUSED),
    (400, "InvalidParameter", "This model does not support streaming output.", "streaming", ServiceRefused, REFUSED),
    (400, "Arrearage", "Access denied, your account is overdue.", "billing", AccountBlocked, REFUSED),
    (429, "CommodityNotPurchased", "", "billing", AccountBlocked, REFUSED),
    (429, "PrepaidBillOverdue", "", "billing", AccountBlocked, REFUSED),
    (429, "PostpaidBillOverdue", "", "billing", AccountBlocked, REFUSED),
    (403, "AccessDenied.Unpurchased", "", "not activated", AccountBlocked, REFUSED),
    (401, "InvalidApiKey", "Invalid API-key provided.", "key", KeyRefused, REFUSED),
    (200, "InvalidApiKey", "", "key", KeyRefused, REFUSED),
    (401, "InvalidApiKey", ELSEWHERE, "key of another region", KeyRefused, REFUSED),
    (401, "", "NOT AUTHORIZED", "key, by message", KeyRefused, REFUSED),
    (403, "AccessDenied", ASYNC, "asynchronous", ServiceRefused, REFUSED),
    (400, "InvalidParameter", "This model does not support stream output.", "streaming", ServiceRefused, REFUSED),
    (404, "WorkSpaceNotFound", "", "workspace", KeyRefused, REFUSED),
    (403, "Workspace.AccessDenied", "", "workspace", KeyRefused, REFUSED),
    (403, "Endpoint.AccessDenied", "", "workspace", KeyRefused, REFUSED),
    (403, "Model.AccessDenied", "Model access denied.", "model access", ModelGone, REFUSED),
    (404, "ModelNotFound", "Model can not be found.", "model", ModelGone, REFUSED),
    (404, "NotFound", "", "model", ModelGone, REFUSED),
    (400, "InvalidParameter", "Model not exist.", "model, by message", ModelGone, REFUSED),
    (400, "InvalidParameter", "url error, please check url!", "model, by message", ModelGone, REFUSED),
    (400, "VoiceNotFound", "Voice not found: x", "voice not found", VoiceMissing, REFUSED),
    (200, "VoiceNotFound", "Voice not found: x", "voice not found", VoiceMissing, REFUSED),
    (400, "BadRequest.VoiceNotFound", "Voice 'x' not found.", "voice not found", VoiceMissing, REFUSED),
    (400, "BadRequest.ResourceNotExist", "", "voice not found", VoiceMissing, REFUSED),
    (400, "InvalidParameter", "[tts:]Engine return error code: 418", "engine 418", VoiceMissing, REFUSED),
    (400, "InvalidParameter", "[cosyvoice:]Engine error [418]", "engine 418", VoiceMissing, REFUSED),
    (400, "InvalidParameter", "[qwen-tts:]Engine return error code: 411", "engine 411", VoiceMissing, REFUSED),
    (400, "InvalidParameter", "[cosyvoice:]Engine error [411]", "engine 411", VoiceMissing, REFUSED),
    (400, "InvalidParameter", "Request voice is invalid!", "engine 411", VoiceMissing, REFUSED),
    (400, "DataInspectionFailed", "", "inspection", TextRefused, REFUSED),
    (400, "data_inspection_failed", "", "inspection", TextRefused, REFUSED),
    (400, "InvalidParameter", CONTENT, "inspection, by message", TextRefused, REFUSED),
    (400, "InvalidParameter", "Please ensure input text is valid.", "nothing to speak", TextRefused, REFUSED),
    (429, "Throttling.AllocationQuota", QUOTA, "allocated quota", ServiceUnavailable, THROTTLED),
    (429, "Throttling.BurstRate", "Request rate increased too quickly.", "burst", ServiceUnavailable, THROTTLED),
    (429, "Throttling", "Requests throttling triggered.", "throttled", ServiceUnavailable, THROTTLED),
    (429, "Throttling.RateQuota", "Requests rate limit exceeded", "throttled", ServiceUnavailable, THROTTLED),
    (429, "Throttling.Concurrency", "", "throttled", ServiceUnavailable, THROTTLED),
    (429, "LimitRequests", "", "throttled", ServiceUnavailable, THROTTLED),
    (503, "ServiceUnavailable", CAPACITY, "capacity", ServiceUnavailable, THROTTLED),
    (408, "RequestTimeOut", "", "timed out there", ServiceUnavailable, FAILED),
    (500, "ResponseTimeout", "", "timed out there", ServiceUnavailable, FAILED),
    (500, "InternalError.Timeout", "", "timed out there", ServiceUnavailable, FAILED),
    (504, "GatewayTimeout", "", "timed out there", ServiceUnavailable, FAILED),
    (400, "InvalidParameter", "Field required: input.voice", "parameter", ServiceRefused, REFUSED),
    (400, "InternalError.Algo.InvalidParameter", "", "parameter", ServiceRefused, REFUSED),
    (400, "BadRequest.EmptyInput", "", "parameter", ServiceRefused, REFUSED),
    (400, "InvalidURL", "", "parameter", ServiceRefused, REFUSED),
    (400, "ClientDisconnect", "", "parameter", ServiceRefused, REFUSED),
    (430, "Audio.PreprocessError", "", "parameter", ServiceRefused, REFUSED),
    (500, "InternalError", "", "failed there", ServiceUnavailable, FAILED),
    (500, "InternalError.Algo", "Inference internal error", "failed there", ServiceUnavailable, FAILED),
    (500, "InternalError.Upload", "", "failed there", ServiceUnavailable, FAILED),
    (500, "SystemError", "", "failed there", ServiceUnavailable, FAILED),
    (500, "ModelServiceFailed", "", "failed there", ServiceUnavailable, FAILED),
    (503, "ModelUnavailable", "", "failed there", ServiceUnavailable, FAILED),
    (409, "Conflict", "", "failed there", ServiceUnavailable, FAILED),
    (403, "AccessDenied", "", "access", KeyRefused, REFUSED),
    (401, "", "", "401, 403", KeyRefused, REFUSED),
    (403, "", "<html>Forbidden</html>", "401, 403", KeyRefused, REFUSED),
    (404, "", "", "404", ModelGone, REFUSED),
    (429, "", "", "429", ServiceUnavailable, THROTTLED),
    (502, "", "", "408, 409, 5xx", ServiceUnavailable, FAILED),
    (408, "", "", "408, 409, 5xx", ServiceUnavailable, FAILED),
    (418, "", "I am a teapot", "anything else", ServiceRefused, REFUSED),
    (200, "SomethingNew", "", "anything else", ServiceRefused, REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "message", "name", "error", "ending"), ANSWERS)
def test_an_answer_of_the_documents_finds_its_row(
    status: int, code: str, message: str, name: str, error: type[ServiceError], ending: Ending
) -> None:
    row = first_fit(TABLE, status, code, message)
    assert (row.name, row.error, row.ending) == (name, error, ending)


def test_every_row_is_tested() -> None:
    assert {row.name for row in TABLE} == {name for _, _, _, name, _, _ in ANSWERS}
    assert len({row.name for row in TABLE}) == len(TABLE)


@given(status=st.integers(100, 999), code=st.text(max_size=30), message=st.text(max_size=80))
def test_any_answer_has_a_verdict_whose_words_can_be_filled_in(status: int, code: str, message: str) -> None:
    verdict = judge(status, code, message, "m")
    assert verdict.hint.format(model="m", profile="p", host="h")
    assert verdict.repeat == (verdict.ending in {Ending.THROTTLED, Ending.FAILED})
    assert issubclass(verdict.error, ServiceUnavailable) == verdict.repeat


@pytest.mark.parametrize("code", ["AccessDenied", "Model.AccessDenied", "ModelNotFound", ""])
def test_the_refusal_of_a_model_whose_end_is_announced_says_so(code: str) -> None:
    verdict = judge(404 if code in {"ModelNotFound", ""} else 403, code, "", "qwen-voice-design")
    assert verdict.error is ModelGone
    hint = verdict.hint.format(model="qwen-voice-design", profile="international", host="h")
    assert "2026-10-10" in hint
    assert "cosyvoice-v3.5-flash" in hint
    assert "international" in hint


def test_a_wrong_key_is_not_blamed_on_the_end_of_a_model() -> None:
    verdict = judge(401, "InvalidApiKey", "", "qwen-voice-design")
    assert verdict.error is KeyRefused
    assert "region" in verdict.hint
