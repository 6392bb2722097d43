"""What the vendor's documents allow, from `limits.toml`, and the vendor's names of the languages.

Invariant: every figure has its source beside it, in the table or here.
"""

from __future__ import annotations

import functools
import importlib.resources
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict

from narration.errors import InputError, Problem, TextRefused
from narration.services.protocol import ServiceLimits
from narration.settings.settings import ChunkSettings, LengthUnit, ServiceSettings

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

_COUNTS_MOST: Final = MappingProxyType({LengthUnit.CODEPOINTS: 1, LengthUnit.WEIGHTED: 2, LengthUnit.BYTES: 4})
"""What one code point counts at the most, by unit; each unit counts any text at least as high as those before it."""


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
        profile: of ours, which has the successor; may be empty.
    """

    model: str
    ends: str
    announced: str
    source: str
    successor: str
    profile: str = ""

    def sentence(self) -> str:
        """The announcement, in one sentence."""
        instead = f"; it names {self.successor} instead" if self.successor else ""
        instead += f" (profile {self.profile})" if self.profile else ""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechOption:
    """An option of synthesis that a service documents.

    Attributes:
        name: as the service spells it.
        least, most: of a number; both 0 for words.
        most_chars: of words, code points; 0 for a number.
        only: values that a number may have; empty where every one between `least` and `most` will do.
        source: where it stands.
    """

    name: str
    least: float
    most: float
    most_chars: int
    only: tuple[int, ...]
    source: str


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Option(_Table):
    name: str
    least: float = 0.0
    most: float = 0.0
    most_chars: int = 0
    only: tuple[int, ...] = ()
    source: str


class _Family(_Table):
    text_max: int
    text_unit: LengthUnit
    text_unit_settled: bool = True
    text_source: str
    prompt_max_chars: int
    preview_max_chars: int
    voices_max: int
    design_source: str
    prompt_languages: tuple[str, ...]
    languages: tuple[str, ...]
    options: dict[str, _Option] = {}
    regions: tuple[str, ...] = ()


class _Model(_Table):
    name: str
    family: str
    per_minute: int
    per_second: float
    rate_assumed: bool
    rate_source: str
    options: dict[str, _Option] = {}
    system_voices: tuple[str, ...] = ()
    system_voices_all: bool = False
    system_voices_source: str = ""
    ends: str = ""
    ends_announced: str = ""
    ends_source: str = ""
    successor: str = ""
    successor_profile: str = ""


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


def bounded(chunks: ChunkSettings, family: str) -> ChunkSettings:
    """How lines are cut for a family of models: within its limit, whatever is set.

    Where the documents do not settle what the limit counts, it is counted as set.

    Raises:
        KeyError: the table has no such family.
    """
    row = _limits().families[family]
    if row.text_unit_settled and row.text_unit is not chunks.unit:
        if chunks.max_length * _COUNTS_MOST[row.text_unit] <= row.text_max:
            return chunks
        # So many of the unit that counts more are no more of the other.
        chunks = replace(chunks, unit=max(row.text_unit, chunks.unit, key=lambda unit: _COUNTS_MOST[unit]))
    return replace(chunks, max_length=min(chunks.max_length, row.text_max))


def options_of(family: str, model: str) -> Mapping[str, SpeechOption]:
    """The options of synthesis that a model has, by the names of the table `speech` of the settings.

    Raises:
        KeyError: the table has no such family.
    """
    limits = _limits()
    of_model = next((row.options for row in limits.models if row.name == model), {})
    found = limits.families[family].options | of_model
    return {word: SpeechOption(**option.model_dump()) for word, option in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemVoices:
    """The voices that a model has for everybody.

    Attributes:
        names: those that are known.
        whole: whether the list is complete.
        source: where it stands.
    """

    names: tuple[str, ...]
    whole: bool
    source: str


def system_voices_of(model: str) -> SystemVoices | None:
    """The system voices of a model; None where it speaks with designed voices only, by the documents."""
    row = next((row for row in _limits().models if row.name == model and row.system_voices), None)
    if row is None:
        return None
    return SystemVoices(names=row.system_voices, whole=row.system_voices_all, source=row.system_voices_source)


def families() -> tuple[str, ...]:
    """The families of the table: the kinds of services."""
    return tuple(_limits().families)


def regions_of(family: str) -> tuple[str, ...]:
    """Where a family of models is offered at all; empty: wherever the vendor is, or the family is not in the table."""
    row = _limits().families.get(family)
    return () if row is None else row.regions


def check_region(service: ServiceSettings) -> None:
    """See that a service is offered where the profile looks for it; the sandbox offers everything.

    Raises:
        InputError: it is not.
    """
    regions = regions_of(service.kind)
    if regions and not service.sandbox and service.region not in regions:
        raise InputError(
            Problem(
                what=f"{service.kind} designs voices in {' and '.join(regions)} only, not in "
                f"{service.region or 'an unnamed region'}.",
                where=f"base_url and region of profile {service.profile}",
                expected=f"region {' or '.join(regions)}, an address there, and a key of that site",
                hint="Choose a profile of that region; nothing was sent.",
            )
        )


def rate_of(model: str) -> ModelRate | None:
    """How fast a model may be asked; None when the table does not know it."""
    row = next((row for row in _limits().models if row.name == model), None)
    if row is None:
        return None
    return ModelRate(
        per_minute=row.per_minute, per_second=row.per_second, assumed=row.rate_assumed, source=row.rate_source
    )


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
        profile=row.successor_profile,
    )
