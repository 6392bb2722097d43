"""The recogniser that a book asks for: which one, where it is, what it costs, what its error answers mean.

Invariant: what a recogniser heard leaves this door as it came, as data; what it proves is judged by
`narration.check.words`. A sound goes to the configured host and nowhere else, and so does the key.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from narration.errors import (
    FormRefused,
    InputError,
    KeyRefused,
    ModelGone,
    Problem,
    ServiceRefused,
    TextTooLong,
)
from narration.hearing import RecogniserKind
from narration.services import qwen_errors
from narration.services.api import ApiDoor
from narration.services.envelope import Verdict
from narration.services.error_map import Row
from narration.services.http import Timing, Wire
from narration.services.keys import ApiKey
from narration.services.pricing import price_of
from narration.services.protocol import Price
from narration.services.recogniser import Recogniser
from narration.settings.chat import chat_place, is_own_host
from narration.settings.recogniser import model_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from narration.services.http import Transport
    from narration.settings.settings import Settings

OFFLINE_PLACE: Final = "offline"
"""Where sounds go that leave this machine not at all."""

FREE: Final = Price(usd=0.0, per_characters=0, as_of="", source="a program of this machine", assumed=False)

_TABLE: Final = (
    Row(
        name="form",
        message=r"response_format|verbose_json|timestamp_granularit",
        statuses=frozenset({400, 404, 422}),
        error=FormRefused,
        why="the model does not answer in the form that was asked for",
        hint="Choose a model that transcribes: `model` of the table [recogniser].",
    ),
    Row(
        name="too long",
        message=r"(file|audio|duration|content|payload|body).{0,40}(too (large|long)|exceed|maximum|larger)",
        statuses=frozenset({400, 413, 422}),
        error=TextTooLong,
        why="the sound is longer than the recogniser takes",
        hint="Lower target_chars of the table [chunks], or choose another recogniser.",
    ),
    Row(
        name="sound",
        message=r"(decode|invalid|unsupported|cannot).{0,40}(audio|file)|audio.{0,40}(empty|invalid|short|format)",
        statuses=frozenset({400, 415, 422}),
        error=ServiceRefused,
        why="the recogniser cannot read the sound",
        hint="Listen to the take; the others are heard all the same.",
    ),
)
"""What only recognisers answer; all else is as `qwen_errors.TABLE` has it."""

_HINTS: Final[Mapping[type[Exception], str]] = {
    KeyRefused: "{host} is asked with the speech service's key where it is that service's own host, else with the "
    "variable that key_variable of the table [recogniser] names (profile {profile}).",
    ModelGone: "Model {model} may be retired, misspelt or not offered by {host}: see model and base_url of the table "
    "[recogniser] (profile {profile}).",
    ServiceRefused: "Its words above are all that is known; model and base_url stand in the table [recogniser].",
}
"""The next step, where that of a speech request would mislead."""


def judge(status: int, code: str, message: str, model: str) -> Verdict:
    """The verdict on an error answer."""
    row = next((row for row in _TABLE if row.fits(status, code, message)), None)
    if row is not None:
        return row.verdict(model)
    verdict = qwen_errors.judge(status, code, message, model)
    return replace(verdict, hint=_HINTS.get(verdict.error, verdict.hint))


def recogniser_place(settings: Settings) -> str:
    """Where sounds go, for the ledger: the service's region, the name of another host, or `offline`."""
    if settings.check.recogniser is RecogniserKind.OFFLINE:
        return OFFLINE_PLACE
    return chat_place(settings.recogniser, settings.service.base_url, settings.service.region)


def is_own(settings: Settings) -> bool:
    """Whether the recogniser is at the host of the speech service."""
    return is_own_host(settings.recogniser, settings.service.base_url)


def check_recogniser(settings: Settings, language: str) -> None:
    """Find out before anything is spent whether the recogniser of the settings can hear a book.

    Raises:
        InputError: not in this language, or no price of it is known.
    """
    if settings.check.recogniser is RecogniserKind.OFFLINE:
        from narration.services.transcribe_offline import check_language

        check_language(language)
    recogniser_price(settings)


def recogniser_url(settings: Settings) -> str:
    """The address that the recogniser's path stands behind.

    Raises:
        InputError: the vendor's recogniser is asked for at a third party's host.
    """
    if settings.recogniser.base_url:
        return settings.recogniser.base_url
    service = settings.service
    host = service.base_url.rstrip("/").removesuffix("/api/v1").removesuffix("/v1")
    if settings.check.recogniser is RecogniserKind.OPENAI:
        return f"{host}/v1"
    if service.kind == "gateway" and not service.sandbox:
        what = f"{urlsplit(host).netloc} is no host of the vendor's recogniser"
        where = f"base_url of the table [recogniser] (profile {service.profile})"
        raise InputError(Problem(what=what, where=where, expected="https://HOST/api/v1 of the vendor"))
    return f"{host}/api/v1"


def open_recogniser(
    settings: Settings, api_key: str, *, timing: Timing | None = None, transport: Transport | None = None
) -> Recogniser:
    """Open the recogniser that the settings name; nothing is sent yet.

    Args:
        settings: of the run; where the recogniser is at the service's own host, its `base_url` must be known by now.
        api_key: of that host; goes there and nowhere else. Empty for the offline one.
        timing: time, sleep and chance; the real ones by default.
        transport: a fake wire for tests.

    Raises:
        InputError: a key, base URL, proxy or certificate setting that cannot be used.
        ToolError: the offline recogniser is not installed.
    """
    from narration.services.transcribe_dashscope import DashScopeRecogniser
    from narration.services.transcribe_offline import OfflineRecogniser
    from narration.services.transcribe_openai import OpenAiRecogniser

    match settings.check.recogniser:
        case RecogniserKind.NONE:
            where = "recogniser of the table [check]"
            raise InputError(
                Problem(what="no recogniser is chosen", where=where, expected="offline, dashscope or openai")
            )
        case RecogniserKind.OFFLINE:
            return OfflineRecogniser()
        case RecogniserKind.DASHSCOPE:
            key, door = _door(settings, api_key, "/api/v1", timing, transport)
            return DashScopeRecogniser(key=key, door=door)
        case RecogniserKind.OPENAI:
            key, door = _door(settings, api_key, "/v1", timing, transport)
            return OpenAiRecogniser(key=key, door=door)


def _door(
    settings: Settings, api_key: str, path_end: str, timing: Timing | None, transport: Transport | None
) -> tuple[ApiKey, ApiDoor]:
    url, limits = recogniser_url(settings), settings.limits
    workspace = settings.service.workspace if is_own(settings) else ""
    service = replace(settings.service, base_url=url, workspace=workspace)
    wire = Wire(
        connect_s=limits.connect_s,
        read_s=limits.read_s,
        in_flight=limits.in_flight,
        # A proxy sees a tunnel when the endpoint speaks https; with plain http it would read the key.
        proxies=url.startswith("https://") and not service.sandbox,
        transport=transport,
    )
    key = ApiKey(api_key)
    door = ApiDoor(
        service=service, key=key, limits=limits, judge=judge, wire=wire, timing=timing or Timing(), path_end=path_end
    )
    return key, door


def recogniser_price(settings: Settings) -> Price:
    """What hearing costs.

    Raises:
        InputError: no price of the model is known, so nothing could be budgeted.
    """
    kind, own = settings.check.recogniser, settings.recogniser
    if kind in (RecogniserKind.NONE, RecogniserKind.OFFLINE):
        return FREE
    if own.usd_per_minute >= 0:
        source = "usd_per_minute of the table [recogniser]"
        return Price(usd=own.usd_per_minute, per_characters=0, as_of="", source=source, assumed=False, per_seconds=60)
    model = model_of(kind, own)
    try:
        price = price_of(model, recogniser_place(settings))
    except InputError:
        price = None
    if price is not None and price.per_seconds:
        return price
    raise InputError(
        Problem(
            what=f"no price is known for the seconds of {model}, so no cost could be planned or capped",
            where="model of the table [recogniser]",
            expected="a model of the price table, or usd_per_minute (0 for an endpoint of your own)",
        )
    )


def most_seconds(audio_s: float) -> int:
    """What a sound is billed as at the most: its length in whole seconds, rounded up.

    Source: alibabacloud.com model-studio, qwen-asr-api-reference (`usage.seconds` is a whole number).
    """
    return max(1, math.ceil(audio_s))
