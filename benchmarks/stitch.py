"""How long stitching takes and how much memory it needs, against the usual way with pydub.

    python benchmarks/stitch.py            # under a minute
    python benchmarks/stitch.py --hours 10 # the long form

Baseline: `combined += clip; combined += pause` over the same clips, which is what most programs do. Both only join,
without encoding. Every row is a process of its own; its figures are the CPU seconds of the work, ffmpeg included and
start-up left out, and the peak memory of the process (the median of three runs for ours). The last rows are the whole
finishing of a chapter, against the same ffmpeg command fed with sound of the same length.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from narration.audio.clips import measure_clip, open_clip, segment
from narration.audio.encode import ChapterEncoder, Output
from narration.audio.encodings import Tags, mastering, mp3
from narration.audio.measure import probe
from narration.audio.stitch import ASSEMBLY_RATE_HZ, Part, stitch
from narration.book import Gap
from narration.settings import load_settings
from narration.take import ClipMeasures

CLIP_S = 4.0
"""Length of a clip, as in a novel with much dialogue cut line by line."""
CLIPS = 8
"""Different clips; they come again and again, under different levels."""
AUDIO = load_settings("sandbox", environ={}).audio


@lru_cache
def clip(number: int) -> tuple[bytes, ClipMeasures]:
    """A WAV file of noise in the rhythm of syllables, between two silences; and its measures."""
    frames = round((CLIP_S - 0.4) * ASSEMBLY_RATE_HZ)
    noise = np.random.default_rng(number).normal(0, 0.03 * (1 + number / 4), frames)
    rhythm = 0.55 + 0.45 * np.sin(np.arange(frames) * 2 * np.pi * 4 / ASSEMBLY_RATE_HZ)
    quiet = np.zeros(ASSEMBLY_RATE_HZ // 5)
    samples = np.rint(np.concatenate([quiet, noise * rhythm, quiet]) * 32_768).clip(-32_768, 32_767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(ASSEMBLY_RATE_HZ)
        writer.writeframes(samples.tobytes())
    return file.getvalue(), measure_clip(file.getvalue())


def parts(count: int) -> Iterator[Part]:
    """That many takes."""
    for index in range(count):
        wav, measures = clip(index % CLIPS)
        yield Part(name="take", gap=Gap.PARAGRAPH, measures=measures, read=partial(bytes, wav))


def naive(count: int) -> None:
    """The usual way."""
    pause = segment(bytes(2 * ASSEMBLY_RATE_HZ * AUDIO.paragraph_ms // 1000), ASSEMBLY_RATE_HZ)
    combined = segment(b"", ASSEMBLY_RATE_HZ)
    for part in parts(count):
        combined += open_clip(part.read())
        combined += pause


def ours(count: int) -> None:
    """Stitching into nothing."""
    stitch(parts(count), AUDIO, len)


def encoder_of(target: Path) -> ChapterEncoder:
    """An encoder as a render has it."""
    tags = Tags(title="T", album="A", artist="B", track=1, tracks=1, language="en")
    outputs = [Output(target=target, encoding=mp3(AUDIO, tags))]
    return ChapterEncoder(outputs, rate_hz=ASSEMBLY_RATE_HZ, filters=mastering(AUDIO))


def finish(count: int) -> None:
    """Stitching into an MP3 file, ffmpeg included."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "x.mp3")
        with encoder_of(target) as encoder:
            stitch(parts(count), AUDIO, encoder.write)
            encoder.complete()
            encoder.publish()


def encode_alone(count: int) -> None:
    """The same ffmpeg, fed with one stitched minute again and again."""
    minute = bytearray()
    per_minute = round(60 / CLIP_S)
    stitch(parts(per_minute), AUDIO, minute.extend)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "x.mp3")
        with encoder_of(target) as encoder:
            for _ in range(count // per_minute):
                encoder.write(bytes(minute))
            encoder.complete()
            encoder.publish()


def measure(count: int) -> None:
    """Stitching, encoding, and reading the file back; what that adds to `finish` is measuring."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "x.mp3")
        with encoder_of(target) as encoder:
            stitch(parts(count), AUDIO, encoder.write)
            probe(encoder.complete()[target])
            encoder.publish()


WAYS: dict[str, Callable[[int], None]] = {way.__name__: way for way in (naive, ours, finish, encode_alone, measure)}


def child(way: str, count: int) -> None:
    """Run one way in this process and print what it took."""
    WAYS["ours"](CLIPS)
    start_s, before_s = time.perf_counter(), cpu_s()
    WAYS[way](count)
    figures = {"cpu_s": cpu_s() - before_s, "wall_s": time.perf_counter() - start_s}
    print(json.dumps({**figures, "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def cpu_s() -> float:
    """CPU seconds of this process and of those that it waited for."""
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def run(way: str, count: int) -> dict[str, float]:
    """Run one way in a process of its own."""
    command = [sys.executable, __file__, "--child", way, "--count", str(count)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(answer.stdout))


def row(name: str, hours: float, figures: dict[str, float]) -> None:
    """Print one line of a table."""
    per_hour_s = figures["cpu_s"] / hours
    print(
        f"{name:<28} {hours:>6.2f} h {figures['cpu_s']:>8.2f} s CPU {per_hour_s:>8.3f} s/h "
        f"{figures['wall_s']:>8.2f} s wall {figures['rss_mib']:>7.0f} MiB"
    )


def hours_of(count: int) -> float:
    """How much audio that many clips are."""
    return count * CLIP_S / 3600


def main() -> None:
    """Run everything and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=3.0, help="length of the long run, in hours of audio")
    parser.add_argument("--naive-clips", type=int, default=500, help="clips for the baseline, which is quadratic")
    parser.add_argument("--child", choices=sorted(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=0, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.child:
        child(told.child, told.count)
        return

    def net(way: str, count: int, times: int = 1) -> dict[str, float]:
        return sorted((run(way, count) for _ in range(times)), key=lambda found: found["cpu_s"])[times // 2]

    base, few, many = told.naive_clips, round(3600 / CLIP_S), round(told.hours * 3600 / CLIP_S)
    slow, slower = net("naive", base // 2), net("naive", base)
    row(f"combined += , {base // 2} clips", hours_of(base // 2), slow)
    row(f"combined += , {base} clips", hours_of(base), slower)
    same = net("ours", base)
    row(f"stitch, {base} clips", hours_of(base), same)
    one, long = net("ours", few, times=3), net("ours", many, times=3)
    row("stitch, 1 h", hours_of(few), one)
    row(f"stitch, {told.hours:g} h", hours_of(many), long)
    quarter = few // 4
    whole, alone, read = (net(way, quarter) for way in ("finish", "encode_alone", "measure"))
    row("stitch and encode", hours_of(quarter), whole)
    row("the same ffmpeg alone", hours_of(quarter), alone)
    row("stitch, encode, measure", hours_of(quarter), read)
    print(
        f"\nbaseline, twice the clips:      {slower['cpu_s'] / slow['cpu_s']:.1f} times the CPU\n"
        f"baseline / stitch, {base} clips: {slower['cpu_s'] / same['cpu_s']:.0f} times the CPU, "
        f"{slower['rss_mib'] / same['rss_mib']:.1f} times the memory\n"
        f"stitch, {told.hours:g} h / 1 h, per hour:    "
        f"{long['cpu_s'] / hours_of(many) / (one['cpu_s'] / hours_of(few)):.2f} times the CPU, "
        f"{long['rss_mib'] / one['rss_mib']:.2f} times the memory\n"
        f"finishing / ffmpeg alone:       {whole['cpu_s'] / alone['cpu_s']:.2f} times the CPU; "
        f"measuring adds {(read['cpu_s'] - whole['cpu_s']) / hours_of(quarter):.1f} s an hour"
    )


if __name__ == "__main__":
    main()
