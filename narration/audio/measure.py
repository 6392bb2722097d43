"""Measuring what is delivered: a file is decoded from end to end, and its levels, length and tags are read back.

Invariant: nothing here trusts a header; a duration is what was decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import av.audio.frame
import av.error
import numpy as np

from narration.audio.levels import Powers, decibels
from narration.errors import ToolError

FLOOR_WINDOW_MS = 500
"""The noise floor of a delivered file is the RMS of its quietest stretch of this length."""
_BATCH_FRAMES = 64
"""Decoded packets that are measured together: about two seconds of MP3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a delivered audio file is, as decoded.

    Attributes:
        codec: as libav names the decoder's codec (`mp3`).
        rate_hz, channels: of the decoded sound.
        bitrate_kbps: nominal.
        frames: decoded length.
        rms_dbfs: over the whole file.
        peak_dbfs: highest sample; may be above 0 for a lossy codec.
        floor_dbfs: RMS of the quietest half second.
        tags: names as ffmpeg spells them, sorted.
    """

    codec: str
    rate_hz: int
    channels: int
    bitrate_kbps: int
    frames: int
    rms_dbfs: float
    peak_dbfs: float
    floor_dbfs: float
    tags: tuple[tuple[str, str], ...]

    @property
    def duration_s(self) -> float:
        """Decoded length in seconds."""
        return self.frames / self.rate_hz


def probe(path: Path) -> Delivered:
    """Decode an audio file and measure it, in flat memory.

    Raises:
        ToolError: it cannot be opened or decoded, or holds no sound.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise ToolError(f"{path.name} holds no sound.")
            stream = container.streams.audio[0]
            tags = {name.lower(): value for name, value in {**stream.metadata, **container.metadata}.items()}
            meter = _Meter(stream.codec_context.sample_rate)
            for batch in _batches(container.decode(stream)):
                meter.add(batch)
            if not meter.frames:
                raise ToolError(f"{path.name} holds no sound.")
            return Delivered(
                codec=stream.codec.canonical_name,
                rate_hz=stream.codec_context.sample_rate,
                channels=stream.codec_context.channels,
                bitrate_kbps=round((stream.bit_rate or 0) / 1000),
                frames=meter.frames,
                rms_dbfs=round(meter.rms_dbfs, 3),
                peak_dbfs=round(meter.peak_dbfs, 3),
                floor_dbfs=round(meter.floor_dbfs, 3),
                tags=tuple(sorted(tags.items())),
            )
    except (av.error.FFmpegError, OSError) as error:
        raise ToolError(f"{path.name} cannot be read back: {error}.") from error


def _batches(frames: Iterator[av.audio.frame.AudioFrame]) -> Iterator[Powers]:
    """Decoded samples, channels by frames, 1.0 at full scale, a few packets at a time."""
    held: list[Powers] = []
    for frame in frames:
        samples = frame.to_ndarray()
        if not frame.format.is_planar:
            samples = samples.reshape(-1, frame.layout.nb_channels).T
        if samples.dtype.kind == "i":
            samples = samples / float(1 << (samples.dtype.itemsize * 8 - 1))
        held.append(samples.astype(np.float64, copy=False))
        if len(held) == _BATCH_FRAMES:
            yield np.concatenate(held, axis=1)
            held.clear()
    if held:
        yield np.concatenate(held, axis=1)


class _Meter:
    """Sums up what passes by; the floor is found in windows that follow one another."""

    def __init__(self, rate_hz: int) -> None:
        self.frames = 0
        self._window = rate_hz * FLOOR_WINDOW_MS // 1000
        self._squares = 0.0
        self._peak = 0.0
        self._quietest = float("inf")
        self._rest = np.zeros(0)

    def add(self, samples: Powers) -> None:
        """Take in the next stretch, channels by frames."""
        self.frames += samples.shape[1]
        self._peak = max(self._peak, float(np.abs(samples).max(initial=0.0)))
        power = np.square(samples).mean(axis=0)
        self._squares += float(power.sum())
        joined = np.concatenate([self._rest, power])
        whole = len(joined) // self._window
        if whole:
            windows = joined[: whole * self._window].reshape(whole, self._window).mean(axis=1)
            self._quietest = min(self._quietest, float(windows.min()))
        self._rest = joined[whole * self._window :]

    @property
    def rms_dbfs(self) -> float:
        return decibels(self._squares / self.frames)

    @property
    def peak_dbfs(self) -> float:
        return decibels(self._peak**2)

    @property
    def floor_dbfs(self) -> float:
        """A file shorter than a window has its own RMS for a floor."""
        return decibels(self._quietest) if self._quietest < float("inf") else self.rms_dbfs
