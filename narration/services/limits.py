"""What the vendor's documents allow, from `limits.toml`, and the vendor's names of the languages.

Invariant: every figure has its source beside it, in the table or here.
"""

from __future__ import annotations

import functools
import importlib.resources
import tomllib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict

from narration.errors import TextRefused
from narration.services.protocol import ServiceLimits
from narration.settings import LengthUnit

LANGUAGE_TYPES: Final = MappingProxyType(
    {
        "zh": "Chinese",
        "en": "English",
        "de": "German",
        "it": "Italian",
        "pt": "Portuguese",
        "es": "Spanish",
        "ja": "Japanese",
        "ko": "Korean",
        "fr": "French",
        "ru": "Russian",
    }
)
"""ISO 639-1 to the `language_type` of a synthesis request. Source: alibabacloud.com, model-studio qwen-tts-api."""


def primary_language(language: str) -> str:
    """The ISO 639-1 part of a language tag: `en` of `en-GB`."""
    return language.partition("-")[0].strip().lower()


def language_type(language: str) -> str:
    """The vendor's name of a language.

    Raises:
        TextRefused: the service does not speak it.
    """
    found = LANGUAGE_TYPES.get(primary_language(language))
    if found is None:
        raise TextRefused(
            f"The service does not speak the language {language!r}; nothing was sent.",
            "It speaks " + ", ".join(LANGUAGE_TYPES) + ".",
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfService:
    """A vendor's announcement that a model ends.

    Attributes:
        model: which.
        ends: ISO date.
        announced: ISO date.
        source: where it stands.
        successor: what the vendor names instead; may be empty.
    """

    model: str
    ends: str
    announced: str
    source: str
    successor: str

    def sentence(self) -> str:
        """The announcement, in one sentence."""
        instead = f"; it names {self.successor} instead" if self.successor else ""
        return f"The vendor announced the end of {self.model} for {self.ends} ({self.source}){instead}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRate:
    """How fast a model may be asked.

    Attributes:
        per_minute, per_second: requests started.
        assumed: the vendor does not publish it.
        source: where it stands, or what it was taken from.
    """

    per_minute: int
    per_second: float
    assumed: bool
    source: str


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Family(_Table):
    text_max: int
    text_unit: LengthUnit
    text_source: str
    prompt_max_chars: int
    preview_max_chars: int
    voices_max: int
    design_source: str
    prompt_languages: tuple[str, ...]
    languages: tuple[str, ...]
    regions: tuple[str, ...] = ()


class _Model(_Table):
    name: str
    family: str
    per_minute: int
    per_second: float
    rate_assumed: bool
    rate_source: str
    instruction_max_chars: int = 0
    instruction_source: str = ""
    ends: str = ""
    ends_announced: str = ""
    ends_source: str = ""
    successor: str = ""


class _Limits(_Table):
    families: dict[str, _Family]
    models: tuple[_Model, ...]


@functools.cache
def _limits() -> _Limits:
    text = importlib.resources.files(__package__).joinpath("limits.toml").read_text("utf-8")
    return _Limits.model_validate(tomllib.loads(text))


def limits_of(family: str) -> ServiceLimits:
    """What one request to a family of models may hold (`qwen`, `cosyvoice`).

    Raises:
        KeyError: the table has no such family.
    """
    row = _limits().families[family]
    return ServiceLimits(
        text_max=row.text_max,
        text_unit=row.text_unit,
        prompt_max_chars=row.prompt_max_chars,
        preview_max_chars=row.preview_max_chars,
        voices_max=row.voices_max,
        prompt_languages=row.prompt_languages,
        languages=row.languages,
    )


def families() -> frozenset[str]:
    """Every family of models in the table."""
    return frozenset(_limits().families)


def regions_of(family: str) -> tuple[str, ...]:
    """Where a family of models is offered at all; empty: wherever the vendor is, or the family is not in the table."""
    row = _limits().families.get(family)
    return () if row is None else row.regions


def rate_of(model: str) -> ModelRate | None:
    """How fast a model may be asked; None when the table does not know it."""
    row = next((row for row in _limits().models if row.name == model), None)
    if row is None:
        return None
    return ModelRate(
        per_minute=row.per_minute, per_second=row.per_second, assumed=row.rate_assumed, source=row.rate_source
    )


def instruction_max_chars(model: str) -> int:
    """The longest instruction on how to say a text that a model takes with a designed voice; 0 where it takes none."""
    return next((row.instruction_max_chars for row in _limits().models if row.name == model), 0)


def end_of_service(model: str) -> EndOfService | None:
    """The announced end of a model; None when none is announced."""
    row = next((row for row in _limits().models if row.name == model and row.ends), None)
    if row is None:
        return None
    return EndOfService(
        model=row.name,
        ends=row.ends,
        announced=row.ends_announced,
        source=row.ends_source,
        successor=row.successor,
    )
