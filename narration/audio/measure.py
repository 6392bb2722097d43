"""Measuring what is delivered: a file is decoded from end to end, and its levels, length and tags are read back.

Invariant: nothing here trusts a header; a duration is what was decoded. Memory does not grow with the length, but for
two numbers for every hundredth of a second.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import av
import av.error
import numpy as np
import numpy.typing as npt

from narration.audio.encode import ffmpeg_program
from narration.audio.levels import SILENCE_DBFS, Powers, decibels
from narration.audio.loudness import integrated_lufs, weighted_powers
from narration.audio.mp3_frames import Frames, read_frames
from narration.audio.peaks import PeakMeter, clipped_dbfs, decibels_of
from narration.errors import ToolError

Floats = npt.NDArray[np.float32]

FLOOR_WINDOW_MS = 500
"""The noise floor of a delivered file is the RMS of its quietest stretch of this length."""
SOUND_BELOW_LOUD_DB, SOUND_ABOVE_FLOOR_DB = 40.0, 8.0
"""What is nearer than this to the loud parts, and clear of the floor, is no longer the silence at head or tail."""
_BATCH_TENTHS = 64
"""How much is measured at a time: six seconds."""
_MAX_CHANNELS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a delivered audio file is, as decoded.

    Attributes:
        codec: as libav names the decoder's codec (`mp3`).
        rate_hz, channels: of the decoded sound.
        bitrate_kbps: on the average, of the sound alone.
        constant_bitrate: every frame has the same one; only known of MP3 files.
        frames: decoded length.
        rms_dbfs: over the whole file.
        lufs: integrated loudness.
        peak_dbfs: highest sample; may be above 0 for a lossy codec.
        true_peak_dbtp: highest point between samples as well.
        floor_dbfs: RMS of the quietest half second.
        head_ms, tail_ms: silence before the first and after the last sound.
        clipped_dbfs: where peaks are cut off; None where they are whole.
        faults: kinds of complaints of the decoder, and one more where an MP3 file lacks frames that it announces.
        chapters: how many the file has.
        tags: names as ffmpeg spells them, sorted.
    """

    codec: str
    rate_hz: int
    channels: int
    bitrate_kbps: int
    constant_bitrate: bool
    frames: int
    rms_dbfs: float
    lufs: float
    peak_dbfs: float
    true_peak_dbtp: float
    floor_dbfs: float
    head_ms: int
    tail_ms: int
    clipped_dbfs: float | None
    faults: int
    chapters: int
    tags: tuple[tuple[str, str], ...]

    @property
    def duration_s(self) -> float:
        """Decoded length in seconds."""
        return self.frames / self.rate_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What the container says."""

    codec: str
    rate_hz: int
    channels: int
    chapters: int
    tags: tuple[tuple[str, str], ...]


def probe(path: Path) -> Delivered:
    """Decode an audio file and measure it, in flat memory.

    Raises:
        ToolError: it cannot be opened or decoded, or holds no sound.
    """
    facts = _facts(path)
    meter = _Meter(facts.rate_hz, facts.channels)
    try:
        with _decoded(path) as (stream, complaints):
            while block := stream.read(meter.batch_bytes):
                meter.add(np.frombuffer(block[: len(block) // meter.frame_bytes * meter.frame_bytes], dtype="<f4"))
        frames = read_frames(path) if facts.codec == "mp3" else None
        size_bytes = path.stat().st_size
    except OSError as error:
        raise ToolError(f"{path.name} cannot be read back: {error}.") from error
    if not meter.frames:
        said = f": {complaints[0]}" if complaints else ""
        raise ToolError(f"{path.name} holds no sound{said}.")
    meter.end()
    return Delivered(
        codec=facts.codec,
        rate_hz=facts.rate_hz,
        channels=facts.channels,
        bitrate_kbps=_kbps(frames, size_bytes, meter.frames / facts.rate_hz),
        constant_bitrate=frames is not None and len(frames.kbps) == 1,
        frames=meter.frames,
        rms_dbfs=round(meter.rms_dbfs, 3),
        lufs=round(meter.lufs, 2),
        peak_dbfs=round(meter.peak_dbfs, 3),
        true_peak_dbtp=round(meter.true_peak_dbtp, 3),
        floor_dbfs=round(meter.floor_dbfs, 3),
        head_ms=meter.silence_ms[0],
        tail_ms=meter.silence_ms[1],
        clipped_dbfs=meter.clipped_dbfs,
        faults=len(complaints) + (frames is not None and frames.is_cut_short),
        chapters=facts.chapters,
        tags=facts.tags,
    )


def _facts(path: Path) -> _Facts:
    """What the container says of a file.

    Raises:
        ToolError: it is none, or holds no sound.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise ToolError(f"{path.name} holds no sound.")
            stream = container.streams.audio[0]
            tags = {name.lower(): value for name, value in {**stream.metadata, **container.metadata}.items()}
            codec = stream.codec_context
            if codec.sample_rate < 1 or not 1 <= codec.channels <= _MAX_CHANNELS:
                raise ToolError(f"{path.name} holds no sound.")
            return _Facts(
                codec=stream.codec.canonical_name,
                rate_hz=codec.sample_rate,
                channels=codec.channels,
                chapters=len(container.chapters()),
                tags=tuple(sorted(tags.items())),
            )
    except (av.error.FFmpegError, OSError) as error:
        raise ToolError(f"{path.name} cannot be read back: {error}.") from error


@contextmanager
def _decoded(path: Path) -> Iterator[tuple[IO[bytes], list[str]]]:
    """The samples of a file as 32-bit floats, channels interleaved; what the decoder complains of, at the end.

    A process of its own, since it decodes several times as fast as a loop over packets does here.
    """
    complaints: list[str] = []
    command = [ffmpeg_program(), "-hide_banner", "-nostats", "-loglevel", "error", "-threads", "1"]
    command += ["-i", f"file:{path.absolute()}", "-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - for the type checker; it is a pipe
        try:
            yield process.stdout, complaints
        except BaseException:
            process.kill()
            raise
        process.wait()
        said.seek(0)
        kinds = {line.split("] ")[-1] for line in said.read(100_000).decode("utf-8", "replace").splitlines()}
        complaints += sorted(kinds)


def _kbps(frames: Frames | None, size_bytes: int, seconds: float) -> int:
    return round(frames.mean_kbps if frames else size_bytes * 8 / 1000 / seconds)


class _Meter:
    """Sums up what passes by, in hundredths of a second."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self.frames = 0
        self.frame_bytes = 4 * channels
        self._rate_hz = rate_hz
        self._channels = channels
        self._hundredth = max(1, round(rate_hz / 100))
        self._tenth = 10 * self._hundredth
        self.batch_bytes = _BATCH_TENTHS * self._tenth * self.frame_bytes
        self._squares = 0.0
        self._powers: list[Floats] = []
        self._weighted: list[Powers] = []
        self._rest = np.zeros((channels, 0), dtype=np.float32)
        self._meters = [PeakMeter() for _ in range(channels)]

    def add(self, interleaved: Floats) -> None:
        """Take in the next stretch."""
        samples = np.ascontiguousarray(interleaved.reshape(-1, self._channels).T)
        self.frames += samples.shape[1]
        for meter, channel in zip(self._meters, samples, strict=True):
            meter.add(channel)
        samples = np.concatenate([self._rest, samples], axis=1) if self._rest.shape[1] else samples
        whole = samples.shape[1] // self._tenth * self._tenth
        self._sum_up(samples[:, :whole])
        self._rest = samples[:, whole:].copy()

    def end(self) -> None:
        """The sound is over: what is left is shorter than a tenth of a second."""
        for meter in self._meters:
            meter.end()
        left = self._rest.shape[1]
        if left:
            self._squares += float(np.square(self._rest, dtype=np.float64).sum())
            hundredths = self._rest[:, : left // self._hundredth * self._hundredth]
            self._powers.append(self._means(hundredths))
            if not self._weighted:
                self._weigh([row[None, :] for row in self._rest])

    def _sum_up(self, samples: Floats) -> None:
        if not samples.shape[1]:
            return
        means = self._means(samples)
        self._powers.append(means)
        self._squares += float(means.sum(dtype=np.float64)) * self._hundredth * self._channels
        self._weigh([channel.reshape(-1, self._tenth) for channel in samples])

    def _weigh(self, channels: Sequence[Floats]) -> None:
        """Take in the weighted powers of rows, a tenth of a second each, of all channels."""
        self._weighted.append(np.sum([weighted_powers(rows, self._rate_hz) for rows in channels], axis=0))

    def _means(self, samples: Floats) -> Floats:
        """Mean square of each hundredth of a second, over all channels."""
        parts = samples.reshape(self._channels, -1, self._hundredth)
        means = np.einsum("cnk,cnk->n", parts, parts) / (self._hundredth * self._channels)
        return np.asarray(means, dtype=np.float32)

    @property
    def rms_dbfs(self) -> float:
        return decibels(self._squares / (self.frames * self._channels))

    @property
    def lufs(self) -> float:
        return integrated_lufs(np.concatenate(self._weighted)) if self._weighted else SILENCE_DBFS

    @property
    def peak_dbfs(self) -> float:
        return decibels_of(max(meter.sample for meter in self._meters))

    @property
    def true_peak_dbtp(self) -> float:
        return decibels_of(max(meter.true_peak for meter in self._meters))

    @property
    def clipped_dbfs(self) -> float | None:
        return clipped_dbfs(np.sum([meter.levels for meter in self._meters], axis=0))

    @property
    def floor_dbfs(self) -> float:
        """A file shorter than a window has its own RMS for a floor."""
        powers = self._all()
        window = FLOOR_WINDOW_MS // 10
        whole = len(powers) // window
        if not whole:
            return self.rms_dbfs
        means = powers[: whole * window].reshape(whole, window).mean(axis=1, dtype=np.float64)
        return decibels(float(means.min()))

    @property
    def silence_ms(self) -> tuple[int, int]:
        """Silence at both ends, to a hundredth of a second."""
        powers = self._all()
        if not len(powers):
            return 0, 0
        loud_dbfs = decibels(float(np.percentile(powers, 95)))
        threshold_dbfs = max(loud_dbfs - SOUND_BELOW_LOUD_DB, self.floor_dbfs + SOUND_ABOVE_FLOOR_DB)
        heard = powers >= np.float32(10 ** (min(threshold_dbfs, loud_dbfs) / 10) * 0.999)
        if not heard.any():
            return 0, 0
        each_ms = 1000 * self._hundredth / self._rate_hz
        return round(int(heard.argmax()) * each_ms), round(int(heard[::-1].argmax()) * each_ms)

    def _all(self) -> Floats:
        """Mean squares of all hundredths, in one piece."""
        if len(self._powers) > 1:
            self._powers = [np.concatenate(self._powers)]
        return self._powers[0] if self._powers else np.zeros(0, dtype=np.float32)
