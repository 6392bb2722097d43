"""Settings: defaults.toml, the profile, the vendor's environment, book.yaml and options, into one frozen object.

Invariant: a Settings has no unknown key, and nothing reads a setting from anywhere else.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, TypeAdapter, ValidationError

from narration.errors import InputError, Problem
from narration.settings.audio import AudioSettings as AudioSettings
from narration.settings.audio import audio_problems
from narration.settings.chat import ChatSettings, chat_problems
from narration.settings.checks import CheckSettings
from narration.settings.presets import DEFAULT_PRESET, Preset, read_preset
from narration.settings.profiles import (
    API_PATHS,
    VENDOR_KEY,
    Layer,
    checked_url,
    defaults_text,
    environment_layer,
    is_loopback,
    read_layer,
    read_profile,
    region_of,
    websocket_beside,
)
from narration.settings.profiles import profiles_folder as profiles_folder
from narration.settings.recogniser import RecogniserSettings, recogniser_problems
from narration.sheets import nearest, shown

_Name = Annotated[str, Field(min_length=1, max_length=100)]
_Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
_T = TypeVar("_T")


class LengthUnit(StrEnum):
    """What a service's length limit counts.

    Source: the vendor's pages say "600 characters" and three field reports disagree on the unit.
    """

    CODEPOINTS = "codepoints"
    WEIGHTED = "weighted"
    """A Han ideograph counts 2, all else 1; this is also how the vendor bills."""
    BYTES = "bytes"
    """UTF-8."""


class Transport(StrEnum):
    """Over what a text goes to a service that can be asked over both."""

    HTTP = "http"
    """A request; the answer is a link."""
    WEBSOCKET = "websocket"
    """A task on a connection; the answer is the sound itself."""


class TagPolicy(StrEnum):
    """Who reads `said Mara`."""

    NARRATOR = "narrator"
    DROP = "drop"
    """Nobody, where it is nothing but a verb and the name or pronoun of whose voice is heard right beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Which service speaks, and where it is.

    Attributes:
        kind: a row of the services table (`qwen`).
        profile: name of the profile it came from.
        base_url: ends in `/api/v1` (a gateway's in `/v1`); empty for the sandbox until one runs.
        websocket_url: for services that speak over WebSocket; may be empty.
        region: `cn-beijing`, `ap-southeast-1`, `sandbox`, …
        workspace: sent as a header when not empty.
        design_model, speech_model: model names as the service spells them.
        download_hosts: hosts from which audio may be fetched (`*.aliyuncs.com`), beside the host of `base_url` itself.
        sandbox: the service is the local sandbox: no money, links are fetched at its present address.
        key_variable: the environment variable that holds the account's key.
        transport: over what a text is sent, where the service can be asked over both.
        streaming: ask for speech as a stream of events.
        callback_url: what a service of tasks is to call when one ends; may be empty.
        preview_format, preview_rate_hz: of the sound that comes with a designed voice.
    """

    kind: _Name
    profile: str
    base_url: str
    websocket_url: str
    region: str
    workspace: str
    design_model: _Name
    speech_model: _Name
    download_hosts: tuple[str, ...]
    sandbox: bool
    key_variable: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,99}$")] = VENDOR_KEY
    transport: Transport = Transport.HTTP
    streaming: bool = False
    callback_url: str = ""
    preview_format: Literal["wav", "mp3", "opus"] = "wav"
    preview_rate_hz: Literal[8000, 16000, 24000, 48000] = 24_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSettings:
    """How lines are cut.

    Attributes:
        target_chars: sentences are packed up to about this many code points.
        max_length: hard limit, in `unit`.
        unit: what `max_length` counts.
        tags: who reads the tags of quotations.
        join_short: whether a short line is joined to its neighbour of the same speaker and paragraph.
    """

    target_chars: Annotated[int, Field(ge=20, le=10_000)]
    max_length: Annotated[int, Field(ge=20, le=10_000)]
    unit: LengthUnit
    tags: TagPolicy = TagPolicy.NARRATOR
    join_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSettings:
    """How speech is to sound, where the service has the option; the defaults ask for nothing.

    Attributes:
        speed, pitch: factors, 1 as the service speaks by itself.
        volume: 0 to 100, 50 as the service speaks by itself.
        seed: the same seed and text give the same sound; -1 leaves it to chance.
        instructions: how to speak, in words.
        sample_rate_hz: of the takes; 0 leaves it to the service.
    """

    speed: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 1.0
    pitch: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 1.0
    volume: Annotated[int, Field(ge=0, le=100)] = 50
    seed: Annotated[int, Field(ge=-1)] = -1
    instructions: Annotated[str, Field(max_length=2000)] = ""
    sample_rate_hz: Annotated[int, Field(ge=0, le=96_000)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """How fast a service may be asked.

    Attributes:
        per_minute, per_second: requests started; 0 is no limit.
        in_flight: requests that one run has open at once.
        connect_s, read_s: timeouts of one attempt, in seconds.
        attempts: how often one call is sent at the most.
        total_s: how long all attempts of one call may take together, in seconds.
    """

    per_minute: Annotated[int, Field(ge=0)]
    per_second: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    in_flight: Annotated[int, Field(ge=1, le=256)]
    connect_s: _Seconds
    read_s: _Seconds
    attempts: Annotated[int, Field(ge=1, le=100)]
    total_s: _Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a run is told, once; `preset` is where part of `audio` comes from, and the rules for what it makes."""

    service: ServiceSettings
    chunks: ChunkSettings
    limits: LimitSettings
    audio: AudioSettings
    preset: Preset
    chat: ChatSettings
    speech: SpeechSettings = SpeechSettings()
    check: CheckSettings = field(default_factory=CheckSettings)
    recogniser: RecogniserSettings = field(default_factory=RecogniserSettings)


_TABLES: Mapping[str, type] = MappingProxyType(
    {name: kind for name, kind in typing.get_type_hints(Settings).items() if kind is not Preset}
)
_EXPECTED = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "text", "tuple": "a list"}
"""What a value of a wrong type should have been, by the family of pydantic's error."""
_DERIVED = frozenset({("service", "profile")})
_Key = tuple[str, str]


def load_settings(
    profile: str,
    *,
    environ: Mapping[str, str],
    overrides: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    preset: str = DEFAULT_PRESET,
) -> Settings:
    """Every setting of a run: defaults, the preset, the profile, the environment, what book.yaml and options say.

    Args:
        profile: the name of a packaged profile, or the path of one.
        environ: the process's environment; only a profile whose key is the vendor's own looks at it.
        overrides: what book.yaml and options change, as nested keys, already typed.
        preset: the name of a packaged preset, or the path of one.

    Raises:
        InputError: with every mistake of every layer.
    """
    name, profile_layer = read_profile(profile)
    values: dict[_Key, object] = {}
    places: dict[_Key, str] = {}
    problems: list[Problem] = []
    mastering = read_preset(preset)
    for layer in (read_layer(defaults_text(), "defaults.toml"), mastering.layer, profile_layer):
        problems += _lay(layer, values, places)
    if not values["service", "sandbox"] and values["service", "key_variable"] == VENDOR_KEY:
        problems += _lay(environment_layer(environ), values, places)
    problems += _lay(Layer(label="", tables=overrides), values, places)
    problems += [] if problems else _missing_keys(values, mastering)
    if not problems:
        missing = profile_layer.where("service", "base_url")
        problems += [
            *_address_problems(values, places, missing),
            *audio_problems(values, places),
            *chat_problems(values, places),
            *recogniser_problems(values, places),
        ]
    if problems:
        raise InputError(*problems)
    return Settings(
        service=_built(ServiceSettings, "service", values | {("service", "profile"): name}),
        chunks=_built(ChunkSettings, "chunks", values),
        limits=_built(LimitSettings, "limits", values),
        audio=_built(AudioSettings, "audio", values),
        preset=mastering,
        chat=_built(ChatSettings, "chat", values),
        speech=_built(SpeechSettings, "speech", values),
        check=_built(CheckSettings, "check", values),
        recogniser=_built(RecogniserSettings, "recogniser", values),
    )


def typed_overrides(
    table: str, written: Mapping[str, object], places: Mapping[str, str]
) -> tuple[dict[str, object], tuple[Problem, ...]]:
    """Settings as book.yaml has them, where every value is text, in their own types.

    Args:
        table: `audio`, `check`, `chunks` or `speech`.
        written: key and text.
        places: where each key stands, for messages.
    """
    typed: dict[str, object] = {}
    problems: list[Problem] = []
    for key, value in written.items():
        problem = _unknown_key(table, key, places[key])
        if problem is None:
            typed[key], problem = _typed(table, key, value, places[key], text=True)
        problems += [problem] if problem else []
    return ({}, tuple(problems)) if problems else (typed, ())


@cache
def _adapters(table: str) -> Mapping[str, TypeAdapter[Any]]:
    hints = typing.get_type_hints(_TABLES[table], include_extras=True)
    return MappingProxyType({key: TypeAdapter(hint) for key, hint in hints.items() if (table, key) not in _DERIVED})


def _built(make: Callable[..., _T], table: str, values: Mapping[_Key, Any]) -> _T:
    return make(**{key: value for (of, key), value in values.items() if of == table})


def _lay(layer: Layer, values: dict[_Key, object], places: dict[_Key, str]) -> list[Problem]:
    """Puts one layer over what is there; a value that is wrong is reported and left out."""
    problems: list[Problem] = []
    laid: set[_Key] = set()
    for table, content in layer.tables.items():
        if table not in _TABLES or not isinstance(content, Mapping):
            expected = f"one of the tables {', '.join(_TABLES)}"
            what = f"unknown table `{table}`" if table not in _TABLES else "is not a table"
            hint = nearest(table, _TABLES)
            problems.append(Problem(what=what, where=layer.where(table), expected=expected, hint=hint))
            continue
        for key, value in content.items():
            where = layer.where(table, key)
            problem = _unknown_key(table, key, where)
            if problem is None:
                typed, problem = _typed(table, key, value, where, text=False)
            if problem is not None:
                problems.append(problem)
                continue
            values[table, key], places[table, key] = typed, where
            laid.add((table, key))
    _follow_address(laid, values)
    return problems


def _follow_address(laid: set[_Key], values: dict[_Key, object]) -> None:
    """A layer that moves the service takes along what depends on its address, unless it says so itself."""
    if ("service", "base_url") not in laid:
        return
    if ("service", "websocket_url") not in laid:
        values["service", "websocket_url"] = ""
    if ("service", "region") not in laid:
        values["service", "region"] = region_of(str(values["service", "base_url"])) or values["service", "region"]


def _unknown_key(table: str, key: str, where: str) -> Problem | None:
    names = tuple(_adapters(table))
    if key in names:
        return None
    return Problem(
        what=f"unknown key `{key}`", where=where, expected=f"one of {', '.join(names)}", hint=nearest(key, names)
    )


def _typed(table: str, key: str, value: object, where: str, *, text: bool) -> tuple[object, Problem | None]:
    adapter = _adapters(table)[key]
    try:
        # JSON's strict mode is the one that takes a list for a tuple and a name for an enum, and no text for a number.
        return adapter.validate_json(json.dumps(_scalar(value) if text else value, default=str), strict=True), None
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        reason = detail["msg"].removeprefix("Input should be ")
        expected = _EXPECTED.get(detail["type"].split("_")[0], reason)
        return None, Problem(what=f"found {shown(value)}", where=where, expected=expected)


def _scalar(value: object) -> object:
    """The number or truth value that a text spells, or the text itself."""
    try:
        scalar = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value
    return scalar if isinstance(scalar, bool | int | float) else value


def _address_problems(values: dict[_Key, object], places: Mapping[_Key, str], missing: str) -> list[Problem]:
    """Checks both addresses and writes them in one spelling."""
    sandbox = bool(values["service", "sandbox"])
    problems: list[Problem | None] = []
    base_end = API_PATHS.get(str(values["service", "kind"]), "/api/v1")
    rules = {"base_url": (("http", "https"), base_end), "websocket_url": (("ws", "wss"), "/api-ws/v1")}
    for key, (schemes, path_end) in rules.items():
        url, where = str(values["service", key]), places["service", key]
        if key == "websocket_url":
            # The vendor's SDK writes the interface's own path behind the address.
            url = url.rstrip("/").removesuffix("/inference").removesuffix("/realtime")
        if not url:
            continue
        values["service", key], problem = checked_url(url, where, schemes=schemes, path_end=path_end)
        if problem is None and sandbox and not is_loopback(urlsplit(url).hostname or ""):
            problem = Problem(what="a sandbox on another machine", where=where, expected="an address of this machine")
        problems.append(problem)
    base_url = str(values["service", "base_url"])
    if not base_url and not sandbox:
        problems.append(Problem(what="`base_url` is missing", where=missing, expected=f"https://HOST{base_end}"))
    found = [problem for problem in problems if problem]
    if base_url and not values["service", "websocket_url"] and not found and base_end == "/api/v1":
        values["service", "websocket_url"] = websocket_beside(base_url)
    return found


def _missing_keys(values: Mapping[_Key, object], preset: Preset) -> list[Problem]:
    """What a preset of the user's does not say."""
    missing = [key for key in _adapters("audio") if ("audio", key) not in values]
    where = preset.layer.where("audio")
    return [Problem(what=f"`{key}` is missing", where=where, expected="a value, as in acx.toml") for key in missing]
