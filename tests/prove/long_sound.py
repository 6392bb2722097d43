"""A book of 20,000 takes and 60 hours, assembled as one stream: past 4 GiB, right to the sample, in flat memory."""

from __future__ import annotations

import io
import resource
import time
import wave
from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from narration.audio.clips import measure_clip
from narration.audio.stitch import ASSEMBLY_RATE_HZ, Part, stitch
from narration.book import Gap
from narration.settings.settings import load_settings
from narration.take import ClipMeasures

AUDIO = load_settings("sandbox", environ={}).audio
KINDS = 12
LEAD_FRAMES = ASSEMBLY_RATE_HZ // 5
MARK = 30_000
"""The first sample of the speech of every take, far above all others."""
GAPS = (Gap.WITHIN, Gap.LINE, Gap.PARAGRAPH, Gap.PARAGRAPH, Gap.SCENE)
MEMORY_MIB = 250


def _take(kind: int) -> tuple[bytes, ClipMeasures]:
    """A WAV file of some length and level whose speech begins with the mark."""
    chance = np.random.default_rng(kind)
    frames = round((7.25 + kind * 0.5371) * ASSEMBLY_RATE_HZ)
    spoken = np.rint(chance.normal(0, 800 * (1 + kind / 6), frames)).clip(-12_000, 12_000)
    spoken[0] = MARK
    quiet = np.zeros(LEAD_FRAMES)
    samples = np.concatenate([quiet, spoken, quiet]).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(ASSEMBLY_RATE_HZ)
        writer.writeframes(samples.tobytes())
    measures = measure_clip(file.getvalue())
    assert measures.speech_start == LEAD_FRAMES
    return file.getvalue(), measures


class _Listener:
    """Hears the whole stream, keeps nothing of it but where the marks are."""

    def __init__(self) -> None:
        self.frames = 0
        self.marks: list[int] = []

    def write(self, pcm: bytes) -> None:
        samples: npt.NDArray[np.int16] = np.frombuffer(pcm, dtype="<i2")
        loud = np.flatnonzero(samples > MARK // 2)
        self.marks += [self.frames + int(at) for at in loud]
        self.frames += len(samples)


def prove_long_sound(takes: int = 20_000) -> str:
    """Stitch that many takes into one stream and find every one of them where the spans say, to the sample.

    Returns:
        Hours, bytes, seconds and memory, in one sentence.
    """
    kinds = [_take(kind) for kind in range(KINDS)]

    def parts() -> Iterator[Part]:
        for number in range(takes):
            wav, measures = kinds[number % KINDS]
            yield Part(name=f"take {number}", gap=GAPS[number % len(GAPS)], measures=measures, read=partial(bytes, wav))

    listener, started_s = _Listener(), time.process_time()
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    stitched = stitch(parts(), AUDIO, listener.write)
    used_s = time.process_time() - started_s
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert listener.frames == stitched.frames, "frames are missing, or there are too many"
    assert listener.marks == [span.start_frame for span in stitched.spans], "a take is not where the timeline says"
    assert peak_mib < max(MEMORY_MIB, before_mib + 50), f"{peak_mib:.0f} MiB"
    hours = stitched.frames / ASSEMBLY_RATE_HZ / 3600
    return (
        f"{takes} takes, {hours:.1f} h, {2 * stitched.frames / 2**30:.1f} GiB of samples in one stream, "
        f"every take found to the sample; {used_s:.0f} s CPU, {peak_mib:.0f} MiB"
    )
