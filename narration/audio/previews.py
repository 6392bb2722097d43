"""The previews of voices: sounds that a person approved, in whatever format the service made them.

Invariant: a preview is read as a take is, so that what is measured of both can be held against each other.
"""

from __future__ import annotations

import io

import av
import av.error
import numpy as np

from narration.audio.clips import open_clip, samples_of
from narration.audio.levels import Samples, find_speech
from narration.audio.traits import BAND_EDGES_HZ, measure_traits
from narration.errors import AudioRefused
from narration.take import ClipTraits


def preview_traits(data: bytes, form: str) -> ClipTraits | None:
    """What a preview sounds like; None where there is no speech in it, or not all the bands of a voice.

    Args:
        data: the file.
        form: `wav`, `mp3`, `opus`, …

    Raises:
        AudioRefused: it is not a sound that can be decoded.
    """
    samples, rate_hz = preview_samples(data, form)
    if rate_hz < 2 * BAND_EDGES_HZ[-1]:
        return None
    return measure_traits(samples, rate_hz, find_speech(samples, rate_hz))


def preview_samples(data: bytes, form: str) -> tuple[Samples, int]:
    """The samples of a sound file, mono, 16 bit, and their rate in Hz.

    Raises:
        AudioRefused: it is not a sound that can be decoded.
    """
    if form == "wav":
        clip = open_clip(data)
        return samples_of(clip), int(clip.frame_rate)
    return _decoded(data)


def _decoded(data: bytes) -> tuple[Samples, int]:
    """The samples of a compressed sound, mono, 16 bit, and their rate."""
    try:
        with av.open(io.BytesIO(data), mode="r") as container:
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="s16", layout="mono")
            parts = [part for frame in container.decode(stream) for part in resampler.resample(frame)]
    except (av.error.FFmpegError, IndexError, ValueError) as error:
        raise AudioRefused(f"The preview cannot be decoded: {error}.") from error
    if not parts:
        raise AudioRefused("The preview holds no sound.")
    samples = np.concatenate([part.to_ndarray().reshape(-1) for part in parts]).astype(np.int16)
    return samples, int(parts[0].sample_rate)
