"""From JSON to frozen dataclasses: every value has the type that its class says, or the record is refused.

Invariant: whatever the bytes are, what comes out is a whole object or a `ValueError` whose words can be printed; no
other error, however deep, long or odd the text is.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

_Convert = Callable[[Any], Any]

MOST_INTEGER = 2**63 - 1
"""What a column of the ledger holds; nothing that is counted here is more."""


def object_of(data: bytes | str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: it is no JSON, or another value.
    """
    try:
        found = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"it is {_shown(found)}, no group of keys")  # noqa: TRY004 — one kind for whoever reads
    return found


def read_as(kind: type[T], data: bytes | str) -> T:
    """A JSON text as an object of a frozen dataclass, with what is nested in it.

    Raises:
        ValueError: it is no JSON, a key is missing or unknown, or a value is not of its type.
    """
    return made(kind, object_of(data))


def made(kind: type[T], record: object) -> T:
    """The same, of JSON that was read.

    Raises:
        ValueError: a key is missing or unknown, or a value is not of its type.
    """
    try:
        found: T = _converter(typing.cast("Any", kind))(record)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _wrong(value: object, expected: str) -> ValueError:
    return ValueError(f"{_shown(value)} is not {expected}")


@cache
def _converter(hint: Any) -> _Convert:  # noqa: ANN401 — a type of any form
    if dataclasses.is_dataclass(hint):
        return _of_class(typing.cast("type[object]", hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _of_enum(hint)
    if hint in _LEAVES:
        return _LEAVES[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (_converter(one) for one in arguments if one is not type(None))
        return lambda value: None if value is None else inner(value)
    if origin is tuple and arguments[1:] != (...,):
        return _of_pair(tuple(map(_converter, arguments)))
    if origin in (tuple, Sequence):
        return _of_list(_converter(arguments[0]))
    if origin is Mapping:
        return _of_mapping(_converter(arguments[1]))
    raise TypeError(f"no JSON is read as {hint}")


def _of_class(kind: type[object]) -> _Convert:
    """Fields by name; those with a default may be absent."""
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(typing.cast("Any", kind))
    converters = {field.name: _converter(hints[field.name]) for field in fields}
    missing = (dataclasses.MISSING, dataclasses.MISSING)
    needed = {field.name for field in fields if (field.default, field.default_factory) == missing}

    def convert(value: Any) -> object:  # noqa: ANN401
        if not isinstance(value, dict):
            raise _wrong(value, f"a {kind.__name__}")
        if unknown := value.keys() - converters.keys():
            raise ValueError(f"a {kind.__name__} has no key {_shown(min(unknown))}")
        if absent := needed - value.keys():
            raise ValueError(f"a {kind.__name__} lacks {min(absent)}")
        try:
            return kind(**{name: converters[name](inner) for name, inner in value.items()})
        except ValueError as error:
            raise ValueError(f"{kind.__name__}: {error}") from None

    return convert


def _of_enum(kind: type[Enum]) -> _Convert:
    def convert(value: Any) -> Enum:  # noqa: ANN401
        try:
            return kind(value)
        except (ValueError, TypeError):
            raise _wrong(value, f"a {kind.__name__}") from None

    return convert


def _of_list(inner: _Convert) -> _Convert:
    def convert(value: Any) -> tuple[Any, ...]:  # noqa: ANN401
        if not isinstance(value, list):
            raise _wrong(value, "a list")
        return tuple(map(inner, value))

    return convert


def _of_pair(inners: tuple[_Convert, ...]) -> _Convert:
    def convert(value: Any) -> tuple[Any, ...]:  # noqa: ANN401
        if not isinstance(value, list) or len(value) != len(inners):
            raise _wrong(value, f"a list of {len(inners)}")
        return tuple(inner(one) for inner, one in zip(inners, value, strict=True))

    return convert


def _of_mapping(inner: _Convert) -> _Convert:
    def convert(value: Any) -> dict[str, Any]:  # noqa: ANN401
        if not isinstance(value, dict):
            raise _wrong(value, "a group of keys")
        return {_text(key): inner(one) for key, one in value.items()}

    return convert


def _text(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise _wrong(value, "text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _wrong(value, "text that can be written") from None
    return value


def _integer(value: Any) -> int:  # noqa: ANN401
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST_INTEGER:
        raise _wrong(value, "a whole number") if not isinstance(value, int) else ValueError("a number is out of range")
    return value


def _number(value: Any) -> float:  # noqa: ANN401
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong(value, "a number")
    if (isinstance(value, int) and abs(value) > MOST_INTEGER) or not math.isfinite(value):
        raise ValueError("a number is out of range")
    return value


def _truth(value: Any) -> bool:  # noqa: ANN401
    if not isinstance(value, bool):
        raise _wrong(value, "true or false")
    return value


def _sound(value: Any) -> bytes:  # noqa: ANN401
    raise _wrong(value, "sound, which is kept beside its record")


_LEAVES: dict[Any, _Convert] = {str: _text, int: _integer, float: _number, bool: _truth, bytes: _sound}
