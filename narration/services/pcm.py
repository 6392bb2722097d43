"""Samples that came in pieces, made into a WAV file.

Invariant: no sample is added, lost or changed; a file made here has exact sizes in its header.
"""

from __future__ import annotations

import struct
from typing import Final

from narration.services.envelope import Misshapen

SAMPLE_BYTES: Final = 2
"""16-bit little-endian, mono. Source: alibabacloud.com, model-studio qwen-tts-realtime, response_format pcm."""


def bare_samples(data: bytes, rate_hz: int) -> bytes:
    """The samples of one piece of sound, without the RIFF header that some services put before them.

    Args:
        data: PCM, or a WAV file whose sizes may be those of a stream that was not finished.
        rate_hz: as it was asked for.

    Raises:
        Misshapen: nothing, half a sample, or another format than 16-bit mono at that rate.
    """
    samples = _without_header(data, rate_hz) if data[:4] == b"RIFF" and data[8:12] == b"WAVE" else data
    if not samples:
        raise Misshapen("the answer has no audio")
    if len(samples) % SAMPLE_BYTES:
        raise Misshapen("the audio ends within a sample")
    return samples


def wav_file(samples: bytes, rate_hz: int) -> bytes:
    """A WAV file of 16-bit mono samples."""
    rest = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, SAMPLE_BYTES * rate_hz, SAMPLE_BYTES, 16)
    head = struct.pack("<4sI4s", b"RIFF", len(samples) + 36, b"WAVE")
    return head + rest + struct.pack("<4sI", b"data", len(samples)) + samples


def _without_header(data: bytes, rate_hz: int) -> bytes:
    at, found = 12, b""
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"data":
            if found[:8] != struct.pack("<HHI", 1, 1, rate_hz) or found[14:16] != struct.pack("<H", 16):
                raise Misshapen(f"the audio is not 16-bit mono PCM at {rate_hz} Hz")
            # Sizes beyond what came are those of a stream whose length nobody knew when it began.
            return data[at + 8 : at + 8 + size] if 0 < size <= len(data) - at - 8 else data[at + 8 :]
        if name == b"fmt ":
            found = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise Misshapen("the audio has a header and no samples")
