"""What CosyVoice's refusals mean: its own rows first, then those of the vendor's whole family of speech models.

Invariant: as of the family's table: the first row that fits decides, and no answer is left without a class.

Source: alibabacloud.com, model-studio error-code page (CosyVoice, speech synthesis).
"""

from __future__ import annotations

from typing import Final

from narration.errors import ServiceRefused, ServiceUnavailable, TextRefused, TextTooLong, VoiceMissing
from narration.services import qwen_errors
from narration.services.envelope import Verdict
from narration.services.error_map import Row
from narration.services.protocol import Ending

OWN: Final[tuple[Row, ...]] = (
    Row(
        name="cosyvoice length",
        message=r"text (length )?(is )?(too long|exceeds)|exceed(s|ed)? (the )?(max(imum)? )?(length|characters)",
        error=TextTooLong,
        why="the text is longer than the service takes",
        hint="Lower max_length of the chunks.",
    ),
    Row(
        name="cosyvoice voice",
        message=r"engine (return )?error( code:)? ?\[?41[18]\b|request voice is invalid",
        error=VoiceMissing,
        why="the voice is unknown here, not released by its review, or was made for another model",
        hint="A CosyVoice voice belongs to one account and one model; see `narrate voices list`. "
        "It may have been deleted, or cleaned up after a year without use.",
    ),
    Row(
        name="markup",
        message=r"ssml text is not supported|invalid ssml|parse ssml",
        error=TextRefused,
        why="the service takes the text for markup that it does not know",
        hint="Take angle brackets and ampersands out of the line.",
    ),
    Row(
        name="idle",
        message=r"request timeout after \d+ seconds",
        error=ServiceUnavailable,
        why="the service waited too long for the next piece of text",
        hint="Run the same command again later: what is paid for is kept.",
        ending=Ending.FAILED,
    ),
    Row(
        name="sample",
        code=r"(.*\.)?Audio\..+",
        statuses=frozenset({0, 400, 430}),
        error=ServiceRefused,
        why="the service cannot use the sound that it was given",
        hint="narrate gives it none: this is a fault of narrate's, or of what stands between here and {host}.",
    ),
)
"""Codes 411, 418 and 430 as that page explains them for CosyVoice."""


def judge(status: int, code: str, message: str, model: str) -> Verdict:
    """The verdict on an error answer."""
    row = next((row for row in OWN if row.fits(status, code, message)), None)
    return qwen_errors.judge(status, code, message, model) if row is None else row.verdict(model)
