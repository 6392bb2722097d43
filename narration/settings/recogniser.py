"""Settings of the recogniser: which one hears the takes, where it is, whose key it gets, what it costs.

Invariant: the key of the speech service goes to the speech service's own host only; another host has a key of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import Field

from narration.errors import Problem
from narration.hearing import RecogniserKind
from narration.settings.profiles import checked_url, is_loopback

TRANSCRIPTIONS: Final = "/audio/transcriptions"

DEFAULT_MODELS: Final[Mapping[RecogniserKind, str]] = {
    RecogniserKind.DASHSCOPE: "qwen3-asr-flash",
    RecogniserKind.OPENAI: "whisper-1",
    RecogniserKind.OFFLINE: "pocketsphinx en-us",
}
"""Source: alibabacloud.com model-studio, qwen-asr-api-reference; OpenAI's API reference, create transcription."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecogniserSettings:
    """Where takes are heard; which kind of recogniser hears them is `check.recogniser`.

    Attributes:
        base_url: of an OpenAI-compatible interface, without `/audio/transcriptions`, or of the vendor's API on another
            host; empty is the service's own host.
        model: as the endpoint spells it; empty is the usual one of its kind.
        key_variable: holds the key of another host.
        per_minute: hearings started; 0 is no limit.
        usd_per_minute: of sound; below 0 by the price table.
        sample: share of the takes that are heard.
    """

    base_url: str = ""
    model: Annotated[str, Field(max_length=100)] = ""
    key_variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")] = "NARRATION_RECOGNISER_API_KEY"
    per_minute: Annotated[int, Field(ge=0)] = 100
    usd_per_minute: Annotated[float, Field(ge=-1, allow_inf_nan=False)] = -1.0
    sample: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0


def recogniser_problems(values: dict[tuple[str, str], Any], places: Mapping[tuple[str, str], str]) -> list[Problem]:
    """Checks the address of the table `recogniser`, and writes it in one spelling."""
    where = places["recogniser", "base_url"]
    url = str(values["recogniser", "base_url"]).strip().rstrip("/").removesuffix(TRANSCRIPTIONS)
    kind = values["check", "recogniser"]
    if not url:
        if kind is RecogniserKind.OPENAI and not values["service", "sandbox"]:
            what = "a recogniser of the kind openai has no address"
            hint = "The vendor's own host does not serve /audio/transcriptions: use the kind dashscope there."
            return [Problem(what=what, where=where, expected="https://HOST/v1", hint=hint)]
        return []
    path_end = "/api/v1" if kind is RecogniserKind.DASHSCOPE else ""
    values["recogniser", "base_url"], problem = checked_url(url, where, schemes=("http", "https"), path_end=path_end)
    if problem is None and values["service", "sandbox"] and not is_loopback(urlsplit(url).hostname or ""):
        what = "a recogniser that may cost money, beside a sandbox that never does"
        problem = Problem(what=what, where=where, expected="an address of this machine, or another profile")
    return [problem] if problem else []


def model_of(kind: RecogniserKind, settings: RecogniserSettings) -> str:
    """The model that hears."""
    return settings.model or DEFAULT_MODELS[kind]
