"""A first look at a WAV file as it arrived: is it one, and is it whole?

Invariant: reads sizes only and changes nothing; what the samples say is measured elsewhere.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from narration.services.keys import readable

STREAMING_FROM: Final = 0x7FFF_0000
"""A declared size from here on (0x7FFFFFFF, 0xFFFFFFFF and what writers take off them) means "until the end"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with a file.

    Attributes:
        what: a clause.
        torn: the rest may come when it is fetched again.
    """

    what: str
    torn: bool


def wav_flaw(data: bytes) -> Flaw | None:
    """The first thing wrong with a WAV file, or None.

    Sizes of 0, 0x7FFFFFFF or 0xFFFFFFFF, which writers of streams leave in the header, stand for "until the end".
    """
    if len(data) < 12 and b"RIFF"[: len(data)] == data[:4]:
        return Flaw(what=f"it ends after {len(data)} bytes", torn=True)
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        start = readable(data[:400].decode("utf-8", "replace"), 80)
        return Flaw(what=f"it is not a WAV file; it starts “{start}”", torn=False)
    declared = int.from_bytes(data[4:8], "little")
    if 0 < declared < STREAMING_FROM and declared + 8 > len(data) + 1:
        return Flaw(what=f"it has {len(data)} of {declared + 8} bytes", torn=True)
    return _chunk_flaw(data)


def _chunk_flaw(data: bytes) -> Flaw | None:
    at, block = 12, 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        left = len(data) - at - 8
        if name == b"data":
            return _data_flaw(size, left, block)
        if size > left:
            return Flaw(what=f"it ends within its {readable(name.decode('latin-1'))!r} part", torn=True)
        if name == b"fmt ":
            if size < 16:
                return Flaw(what="its format part is too short", torn=False)
            block = struct.unpack_from("<H", data, at + 8 + 12)[0]
        at += 8 + size + size % 2
    return Flaw(what="it has no samples", torn=True)


def _data_flaw(size: int, left: int, block: int) -> Flaw | None:
    if block == 0:
        return Flaw(what="its samples come before their format", torn=False)
    streamed = size == 0 or size >= STREAMING_FROM
    if not streamed and size > left:
        return Flaw(what=f"it has {left} of {size} bytes of samples", torn=True)
    length = left if streamed else size
    if length == 0:
        return Flaw(what="it has no samples", torn=True)
    if length % block:
        return Flaw(what="it ends within a sample", torn=True)
    return None


def pcm_of(data: bytes, rate_hz: int) -> tuple[int, bytes]:
    """Sample rate and samples of a sound that is bare PCM, or begins with a WAV header as some streams do.

    Args:
        data: the sound.
        rate_hz: of bare PCM.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return rate_hz, data
    at, found_hz = 12, rate_hz
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"data":
            return found_hz, data[at + 8 :]
        if name == b"fmt " and at + 16 <= len(data):
            found_hz = int.from_bytes(data[at + 12 : at + 16], "little") or rate_hz
        at += 8 + size + size % 2
    return found_hz, b""
