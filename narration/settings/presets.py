"""Presets: how finished files are mastered, and what they are held against afterwards.

A preset is a TOML file with two tables: `audio` is a layer of settings, below the profile's and book.yaml's, so that
single keys of a book overrule it; `rules` is what `narrate check` measures against, and nothing overrules that.
Invariant: a preset promises numbers, never that a store accepts a file.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from narration.errors import InputError, Problem
from narration.settings.profiles import Layer, profiles_folder, read_layer
from narration.sheets import nearest, read_text, shown

DEFAULT_PRESET = "acx"

_Decibels = Annotated[float, Field(ge=-120, le=0, allow_inf_nan=False)]
_Range = tuple[Annotated[int, Field(ge=0, le=60_000)], Annotated[int, Field(ge=0, le=60_000)]]


class LoudnessUnit(StrEnum):
    """What a loudness is measured in."""

    RMS = "rms"
    """dBFS, over the whole file."""
    LUFS = "lufs"
    """ITU-R BS.1770-4, gated."""
    NONE = "none"
    """Nothing is measured: takes stay as loud as they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a delivered file is held against; None, zero and empty are no rule.

    Attributes:
        lowest_db, highest_db: loudness of the whole file, in the preset's unit.
        peak_dbtp: highest true peak.
        floor_dbfs: highest noise floor.
        head_ms, tail_ms: shortest and longest silence before the first and after the last word.
        rates_hz: sample rates that are accepted.
        bitrate_kbps: lowest bit rate.
        constant_bitrate: whether every frame has one bit rate.
        longest_s: longest file.
    """

    lowest_db: _Decibels | None = None
    highest_db: _Decibels | None = None
    peak_dbtp: _Decibels | None = None
    floor_dbfs: _Decibels | None = None
    head_ms: _Range | None = None
    tail_ms: _Range | None = None
    rates_hz: tuple[int, ...] = ()
    bitrate_kbps: Annotated[int, Field(ge=0, le=512)] = 0
    constant_bitrate: bool = False
    longest_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One way of mastering. Every delivered file is mono.

    Attributes:
        name: `acx`, or the stem of its file.
        title: what people call it (`ACX-spec mastering`).
        note: what it does not promise.
        unit: what the rules' loudness is measured in.
        rules: what files are held against.
        layer: its settings, a table `audio`.
    """

    name: str
    title: str
    note: str
    unit: LoudnessUnit
    rules: Rules
    layer: Layer


def presets_folder() -> Path:
    """The packaged presets."""
    return profiles_folder() / "presets"


def preset_names() -> tuple[str, ...]:
    """The names of the packaged presets."""
    return tuple(sorted(path.stem for path in presets_folder().glob("*.toml")))


def read_preset(preset: str = DEFAULT_PRESET) -> Preset:
    """A preset.

    Args:
        preset: the name of a packaged preset, or the path of a TOML file.

    Raises:
        InputError: there is no such preset, or it is wrong.
    """
    path = Path(preset)
    if "/" not in preset and "\\" not in preset and not preset.endswith(".toml"):
        names = preset_names()
        if preset not in names:
            expected = f"one of {', '.join(names)}, or the path of a .toml file"
            what = f"there is no preset `{preset}`"
            raise InputError(Problem(what=what, where="preset", expected=expected, hint=nearest(preset, names)))
        path = presets_folder() / f"{preset}.toml"
    layer = read_layer(read_text(path, path.name), path.name)
    problems: list[Problem] = []
    texts = {key: _text(layer, key, problems) for key in ("title", "note")}
    audio, written = _table(layer, "audio", problems), _table(layer, "rules", problems)
    known = ("title", "note", "audio", "rules")
    problems += [
        Problem(what=f"unknown key `{key}`", where=layer.where(key), expected=f"one of {', '.join(known)}")
        for key in layer.tables
        if key not in known
    ]
    rules = _rules(written, layer, problems)
    unit = audio.get("loudness_unit")
    if unit not in tuple(LoudnessUnit):
        where = layer.where("audio", "loudness_unit")
        problems.append(Problem(what=f"found {shown(unit)}", where=where, expected=", ".join(LoudnessUnit)))
    if problems:
        raise InputError(*problems)
    return Preset(
        name=path.stem,
        title=texts["title"],
        note=texts["note"],
        unit=LoudnessUnit(str(unit)),
        rules=rules,
        layer=Layer(label=layer.label, tables={"audio": audio}, places=layer.places),
    )


def _text(layer: Layer, key: str, problems: list[Problem]) -> str:
    value = layer.tables.get(key)
    if not isinstance(value, str) or not value.strip():
        problems.append(Problem(what=f"`{key}` is missing", where=layer.label, expected="text"))
    return str(value)


def _table(layer: Layer, key: str, problems: list[Problem]) -> Mapping[str, object]:
    table = layer.tables.get(key)
    if isinstance(table, Mapping):
        return table
    problems.append(Problem(what=f"the table [{key}] is missing", where=layer.label))
    return {}


@cache
def _adapters() -> Mapping[str, TypeAdapter[Any]]:
    hints = typing.get_type_hints(Rules, include_extras=True)
    return {name: TypeAdapter(hint) for name, hint in hints.items()}


def _rules(written: Mapping[str, object], layer: Layer, problems: list[Problem]) -> Rules:
    typed: dict[str, Any] = {rule.name: rule.default for rule in fields(Rules) if rule.default is not MISSING}
    for key, value in written.items():
        where = layer.where("rules", key)
        if key not in _adapters():
            names = tuple(_adapters())
            expected = f"one of {', '.join(names)}"
            problems.append(
                Problem(what=f"unknown key `{key}`", where=where, expected=expected, hint=nearest(key, names))
            )
            continue
        try:
            typed[key] = _adapters()[key].validate_json(json.dumps(value, default=str), strict=True)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"].removeprefix("Input should be ")
            problems.append(Problem(what=f"found {shown(value)}", where=where, expected=reason))
    return Rules(**typed)
