"""Waveforms to be drawn: the highest sample of each twentieth of a second, a byte each.

Invariant: an hour of them is 72,000 bytes, 96 kB as text on a page, and they are made in flat memory.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from narration.audio.encode import ffmpeg_program
from narration.errors import ToolError

POINTS_PER_S = 20
_RATE_HZ = 8000
"""Decoded at this rate: a drawing needs no treble, and a quarter of the samples is quicker."""
_POINT = _RATE_HZ // POINTS_PER_S
_BATCH_BYTES = 2 * _POINT * POINTS_PER_S * 60


def waveform(path: Path) -> bytes:
    """The peaks of an audio file, 0 to 255 being full scale.

    Raises:
        ToolError: it cannot be decoded, or holds no sound.
    """
    command = [ffmpeg_program(), "-hide_banner", "-nostats", "-loglevel", "error", "-threads", "1"]
    command += ["-i", f"file:{path.absolute()}", "-map", "0:a:0", "-ac", "1", "-ar", str(_RATE_HZ)]
    found: list[bytes] = []
    with subprocess.Popen(
        [*command, "-f", "s16le", "pipe:1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker; it is a pipe
        while batch := process.stdout.read(_BATCH_BYTES):
            found.append(_peaks(batch))
    if process.returncode or not any(found):
        raise ToolError(f"{path.name} cannot be decoded to draw it.", "`narrate deliver` makes a damaged file anew.")
    return b"".join(found)


def _peaks(batch: bytes) -> bytes:
    """One byte for each point; the last one may be of fewer samples."""
    samples = np.abs(np.frombuffer(batch[: len(batch) // 2 * 2], dtype="<i2").astype(np.int32))
    rest = -len(samples) % _POINT
    points = np.pad(samples, (0, rest)).reshape(-1, _POINT).max(axis=1)
    return bytes(np.minimum(255, points * 256 // 32768).astype(np.uint8))
