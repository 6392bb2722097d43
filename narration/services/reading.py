"""How single values are taken out of an answer that nobody vouches for.

Invariant: what is asked for as needed is sound or the answer is `Misshapen`; what is only told beside it comes out as
an empty text, no bytes or None when it is missing or odd.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from narration.services.envelope import Json, Misshapen

M = TypeVar("M", bound=BaseModel)

COUNT_MOST: Final = 10_000_000
"""A billed count above this is no count: one request holds a few thousand characters."""

VoiceName = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]


class Part(BaseModel):
    """A part of an answer: what is not asked for is passed over."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


def validated(model: type[M], value: object, what: str) -> M:
    """A part of an answer that must be there.

    Raises:
        Misshapen: it is not, or it is not sound.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        message = f"the answer has no sound {what} ({where}: {first['msg']})"
    raise Misshapen(message)


def usage_count(content: Json, name: str) -> int | None:
    """A count of the answer's `usage`, or None."""
    usage = content.get("usage")
    return count_of(usage.get(name), COUNT_MOST) if isinstance(usage, dict) else None


def count_of(value: object, most: int) -> int | None:
    """A whole number from 0 to `most`, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= most and value == int(value) else None


def text_of(value: object) -> str:
    """A text, or an empty one."""
    return value if isinstance(value, str) else ""


def bytes_of(data: object) -> bytes:
    """The bytes of a base64 text; none when it is none."""
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except (binascii.Error, ValueError):
        return b""
