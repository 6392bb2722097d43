"""RIFF/WAVE headers, read with suspicion, since pydub opens a torn or streamed file without a word.

Invariant: the samples that `read_wave` points at are all there and whole; a file that was cut short never passes as a
shorter one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from narration.errors import AudioRefused

MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000
MAX_CHANNELS = 8

STREAMED_FROM = 0x7FFF_F000
"""A data size from here up is a stand-in of a writer that did not know the length: no clip has 2 GiB.

Source: ffmpeg writes 0xFFFFFFFF into a pipe; speech services send 0x7FFFFFFF, less the header in some.
"""

_EXTENSIBLE = 0xFFFE
_SUBFORMAT_AT = 24


class Encoding(IntEnum):
    """How a sample is written; the values are those of the `fmt ` chunk."""

    PCM = 1
    FLOAT = 3


_WIDTHS = {Encoding.PCM: (8, 16, 24, 32), Encoding.FLOAT: (32, 64)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Where the sound is in a WAV file.

    Attributes:
        encoding: how a sample is written.
        bits: of one sample of one channel.
        channels: 1 to 8.
        rate_hz: frames a second.
        offset: of the first sample, in bytes.
        frames: whole frames that are there.
    """

    encoding: Encoding
    bits: int
    channels: int
    rate_hz: int
    offset: int
    frames: int

    @property
    def frame_bytes(self) -> int:
        """Size of one frame, all channels."""
        return self.bits // 8 * self.channels

    @property
    def end(self) -> int:
        """One past the last byte of the last whole frame."""
        return self.offset + self.frames * self.frame_bytes


def read_wave(wav: bytes) -> Wave:
    """Find the samples of a WAV file.

    A header written before the length was known (data size 0 or near 2^31 or 2^32) means "until the end"; an
    incomplete frame at the end is left out.

    Raises:
        AudioRefused: it is not a WAV file, is cut short, holds no sound, or is written in a way we do not read.
    """
    if len(wav) < 12 or wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        raise AudioRefused(f"This is not a WAV file: {_beginning(wav)}.")
    format_chunk: bytes | None = None
    position = 12
    while position + 8 <= len(wav):
        name, size = wav[position : position + 4], struct.unpack_from("<I", wav, position + 4)[0]
        position += 8
        if name == b"data":
            if format_chunk is None:
                raise AudioRefused("The WAV file has no format chunk before its sound.")
            return _wave(format_chunk, position, _data_bytes(wav, position, size))
        if name == b"fmt ":
            format_chunk = wav[position : position + size]
        position += size + size % 2
    raise AudioRefused(f"The WAV file has no sound in it: its {len(wav)} bytes hold no data chunk.")


def _beginning(wav: bytes) -> str:
    """How the file begins, for a message; services send errors as JSON or XML in place of the sound."""
    if not wav:
        return "it is empty"
    shown = "".join(character if character.isprintable() else "." for character in wav[:40].decode("latin-1"))
    return f"its {len(wav)} bytes begin with {shown!r}"


def _data_bytes(wav: bytes, position: int, size: int) -> int:
    """How many bytes of sound there are from `position` on."""
    there = len(wav) - position
    riff_size = struct.unpack_from("<I", wav, 4)[0]
    never_patched = size == 0 and riff_size + 8 != len(wav)
    if never_patched or size >= STREAMED_FROM:
        return there
    if size > there:
        raise AudioRefused(f"The WAV file is cut short: {size} bytes of sound are announced, {there} came.")
    return size


def _wave(chunk: bytes, offset: int, data_bytes: int) -> Wave:
    if len(chunk) < 16:
        raise AudioRefused(f"The WAV file's format chunk has {len(chunk)} bytes, it needs 16.")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= _SUBFORMAT_AT + 2:
        tag = struct.unpack_from("<H", chunk, _SUBFORMAT_AT)[0]
    if tag not in (Encoding.PCM, Encoding.FLOAT) or bits not in _WIDTHS[Encoding(tag)]:
        raise AudioRefused(f"The WAV file's samples are of format {tag:#06x} with {bits} bits, which is not read here.")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioRefused(f"The WAV file has {channels} channels, expected 1 to {MAX_CHANNELS}.")
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise AudioRefused(f"The WAV file's rate is {rate_hz} Hz, expected {MIN_RATE_HZ} to {MAX_RATE_HZ}.")
    frames = data_bytes // (bits // 8 * channels)
    if frames == 0:
        raise AudioRefused("The WAV file has no sound in it: its data chunk is empty.")
    return Wave(encoding=Encoding(tag), bits=bits, channels=channels, rate_hz=rate_hz, offset=offset, frames=frames)
