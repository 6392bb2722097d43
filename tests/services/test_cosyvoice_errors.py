"""CosyVoice's error map: its own rows, and the family's behind them."""

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
from narration.services.cosyvoice_errors import OWN, judge
from narration.services.protocol import Ending

IDLE = "request timeout after 23 seconds."
LONG = "Text length exceeds the maximum length of 20000 characters."
STORAGE = "Maximum voice storage limit exceeded, please delete existing voices."

ANSWERS: list[tuple[int, str, str, type[ServiceError], bool]] = [
    (400, "InvalidParameter", "[tts:]Engine return error code: 418", VoiceMissing, False),
    (400, "InvalidParameter", "[cosyvoice:]Engine error [411]", VoiceMissing, False),
    (0, "InvalidParameter", "[cosyvoice:]Engine error [418]", VoiceMissing, False),
    (400, "InvalidParameter", "Request voice is invalid!", VoiceMissing, False),
    (400, "BadRequest.ResourceNotExist", "", VoiceMissing, False),
    (400, "InvalidParameter", LONG, TextTooLong, False),
    (400, "InvalidParameter", "SSML text is not supported at the moment!", TextRefused, False),
    (400, "InvalidParameter", "Please ensure input text is valid.", TextRefused, False),
    (0, "InvalidParameter", IDLE, ServiceUnavailable, True),
    (430, "Audio.PreprocessError", "", ServiceRefused, False),
    (430, "Audio.DurationLimitError", "too short", ServiceRefused, False),
    (400, "Throttling.AllocationQuota", STORAGE, VoiceQuotaFull, False),
    (429, "Throttling.RateQuota", "Requests rate limit exceeded", ServiceUnavailable, True),
    (0, "Throttling.RateQuota", "Requests rate limit exceeded", ServiceUnavailable, True),
    (0, "InternalError.Algo", "Inference internal error", ServiceUnavailable, True),
    (400, "DataInspectionFailed", "", TextRefused, False),
    (400, "Arrearage", "", AccountBlocked, False),
    (401, "InvalidApiKey", "Invalid API-key provided.", KeyRefused, False),
    (403, "Model.AccessDenied", "", ModelGone, False),
    (0, "ModelNotFound", "Model can not be found.", ModelGone, False),
    (400, "InvalidParameter", "url error, please check url!", ModelGone, False),
]


@pytest.mark.parametrize(("status", "code", "message", "error", "repeat"), ANSWERS)
def test_an_answer_of_the_documents_has_its_meaning(
    status: int, code: str, message: str, error: type[ServiceError], repeat: bool
) -> None:
    verdict = judge(status, code, message, "cosyvoice-v3.5-flash")
    assert (verdict.error, verdict.repeat) == (error, repeat)


def test_every_row_of_its_own_is_tested() -> None:
    hit = {
        next((row.name for row in OWN if row.fits(status, code, message)), "")
        for status, code, message, _, _ in ANSWERS
    }
    assert {row.name for row in OWN} <= hit


@given(status=st.integers(0, 999), code=st.text(max_size=30), message=st.text(max_size=80))
def test_any_answer_has_a_verdict_whose_words_can_be_filled_in(status: int, code: str, message: str) -> None:
    verdict = judge(status, code, message, "m")
    assert verdict.hint.format(model="m", profile="p", host="h")
    assert verdict.repeat == (verdict.ending in {Ending.THROTTLED, Ending.FAILED})
