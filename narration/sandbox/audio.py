"""Samples to files: WAV with exact or streaming sizes, the preview formats, and the spoilt audio of the faults.

Invariant: audio is 24 kHz, mono, 16-bit little-endian until the asked format is made from it.
"""

import struct
import subprocess
from typing import Literal

import numpy as np

from narration.sandbox.engine import SAMPLE_RATE_HZ, Samples

HEADER_BYTES = 44
STREAMING_SIZE = 0x7FFFFFFF
PREVIEW_RATES_HZ = (8_000, 16_000, 24_000, 48_000)
PREVIEW_FORMATS = ("wav", "pcm", "mp3", "opus")

HeaderStyle = Literal["exact", "streaming"]


def wav(samples: Samples, rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    """Return a WAV file of mono 16-bit samples, its sizes exact."""
    pcm = np.ascontiguousarray(samples, dtype="<i2")
    return b"".join((_header(pcm.nbytes, rate_hz, "exact"), pcm.data))


def restyled(data: bytes, style: HeaderStyle) -> bytes:
    """Return one of our files, a WAV file with the sizes in its header as asked."""
    if style == "exact" or not data.startswith(b"RIFF"):
        return data
    (rate_hz,) = struct.unpack_from("<I", data, 24)
    return _header(len(data) - HEADER_BYTES, rate_hz, style) + data[HEADER_BYTES:]


def louder(samples: Samples, factor: float) -> Samples:
    """Return audio made louder or softer; what would be too loud is clipped."""
    if factor == 1:
        return samples
    return np.asarray(np.clip(samples.astype(np.float64) * factor, -32_768, 32_767), dtype=np.int16)


def silence(samples: Samples) -> Samples:
    """Return as much digital silence."""
    return np.zeros_like(samples)


def runaway(samples: Samples) -> Samples:
    """Return the audio followed by half a minute of its own babble, backwards and over again."""
    if not len(samples):
        return samples
    extra = 30 * SAMPLE_RATE_HZ
    babble = np.tile(samples[::-1], extra // len(samples) + 1)[:extra]
    return np.concatenate((samples, babble))


def preview(samples: Samples, rate_hz: int, form: str) -> bytes:
    """Return audio in one of the asked rates and formats.

    Source: docs.qwencloud.com "Voice design" (sample_rate and response_format of the preview).
    """
    if rate_hz != SAMPLE_RATE_HZ and len(samples):
        import soxr

        samples = np.asarray(soxr.resample(samples, SAMPLE_RATE_HZ, rate_hz), dtype=np.int16)
    if form == "wav":
        return wav(samples, rate_hz)
    pcm = samples.astype("<i2").tobytes()
    match form:
        case "pcm":
            return pcm
        case "mp3":
            return _encoded(pcm, rate_hz, ("-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3"))
        case _:
            return _encoded(pcm, rate_hz, ("-c:a", "libopus", "-b:a", "32k", "-f", "ogg"))


def _encoded(pcm: bytes, rate_hz: int, output: tuple[str, ...]) -> bytes:
    """Return PCM encoded by ffmpeg, run as a program of its own."""
    import imageio_ffmpeg

    source = ("-f", "s16le", "-ar", str(rate_hz), "-ac", "1", "-i", "pipe:0")
    argv = (imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, *output, "pipe:1")
    return subprocess.run(argv, input=pcm, capture_output=True, check=True).stdout


def _header(data_bytes: int, rate_hz: int, style: HeaderStyle) -> bytes:
    riff_size, data_size = (data_bytes + 36, data_bytes) if style == "exact" else (STREAMING_SIZE, STREAMING_SIZE - 36)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", riff_size, b"WAVE") + form + struct.pack("<4sI", b"data", data_size)
