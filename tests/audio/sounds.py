"""Sounds for tests: noise with the spectrum and the rhythm of speech, and files of it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from narration.audio.encode import ffmpeg_program

Floats = npt.NDArray[np.float64]


def speech_like(
    seconds: float,
    rate_hz: int = 44_100,
    seed: int = 1,
    *,
    dbfs: float = -20,
    head_s: float = 0.7,
    tail_s: float = 1.5,
    floor_dbfs: float = -75,
) -> Floats:
    """Noise with the spectrum and the rhythm of speech, with pauses, over a faint noise."""
    chance = np.random.default_rng(seed)
    frames = round(seconds * rate_hz)
    spectrum = np.fft.rfft(chance.normal(0, 1, frames))
    hz = np.fft.rfftfreq(frames, 1 / rate_hz)
    shaped = np.fft.irfft(spectrum * (hz > 80) / (1 + (hz / 500) ** 2), n=frames)
    at = np.arange(frames) / rate_hz
    spoken = shaped * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * at))
    spoken *= ((at - head_s) % 3 < 2.3) * (at > head_s) * (at < seconds - tail_s)
    spoken *= 10 ** (dbfs / 20) / np.sqrt(np.mean(spoken**2))
    return np.asarray(spoken + chance.normal(0, 10 ** (floor_dbfs / 20), frames))


def encoded(path: Path, channels: Sequence[Floats], rate_hz: int, *options: str) -> Path:
    """A file of that sound, as ffmpeg makes it with those options."""
    interleaved = np.stack(channels, axis=1).astype("<f4").tobytes()
    command = [ffmpeg_program(), "-v", "error", "-f", "f32le", "-ar", str(rate_hz), "-ac", str(len(channels))]
    subprocess.run([*command, "-i", "pipe:0", *options, "-y", str(path)], input=interleaved, check=True)
    return path
