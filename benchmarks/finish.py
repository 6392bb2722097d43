"""How long finishing a book takes and how much memory it needs: this program, the usual ways with pydub, ffmpeg alone.

Joining only, without encoding, at 1 h and at 5 h: `combined += clip; combined += pause`, which is what most programs do
(1 h only: it is quadratic); one join of everything in memory; this program, which streams. Then the whole finishing stage
(assembling, mastering, MP3, AAC, and the M4B of all chapters) against the same ffmpeg commands alone, reading the same
samples from a file, resampling included, and joining the chapters; measuring the files is told apart. Each way is a process
of its own (`python -m benchmarks.finish WAY CLIPS`); its figures are the CPU seconds of the work, ffmpeg's included and
start-up left out, and the peak memory of this process and of the largest ffmpeg.
"""

from __future__ import annotations

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

from benchmarks.frame import Figure, at_most, told
from benchmarks.frame import child as in_child
from narration.audio import m4b
from narration.audio.clips import measure_clip, open_clip, segment
from narration.audio.encode import ChapterEncoder, Output, ffmpeg_program
from narration.audio.encodings import Tags, encoding_of, mastering
from narration.audio.measure import probe
from narration.audio.stitch import ASSEMBLY_RATE_HZ, Part, stitch
from narration.book import Gap
from narration.formats import Encoded
from narration.settings.settings import load_settings
from narration.take import ClipMeasures

CLIP_S = 12.0
"""Length of a clip: the mean of a novel in which narration is packed into requests of 320 characters."""
CLIPS = 8
"""Different clips; they come again and again, under different levels."""
AUDIO = load_settings("sandbox", environ={}).audio
TAGS = Tags(title="T", album="A", artist="B", track=1, tracks=1, language="en")
MADE = (Encoded.MP3, Encoded.M4A)
CHAPTER_CLIPS = round(1800 / CLIP_S)
"""A chapter of half an hour: a book is finished chapter by chapter."""


@lru_cache
def clip(number: int) -> tuple[bytes, ClipMeasures]:
    """A WAV file of noise in the rhythm of syllables, between two silences; and its measures."""
    frames = round((CLIP_S - 1.05) * ASSEMBLY_RATE_HZ)
    chance = np.random.default_rng(number)
    shape = 1 / (1 + (np.fft.rfftfreq(frames, 1 / ASSEMBLY_RATE_HZ) / 500) ** 2)
    noise = np.fft.irfft(np.fft.rfft(chance.normal(0, 1, frames)) * shape, n=frames)
    noise *= 0.05 * (1 + number / 4) / np.sqrt(np.mean(noise**2))
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


def samples_of(wav: bytes) -> bytes:
    """The samples of a clip."""
    with wave.open(io.BytesIO(wav)) as reader:
        return bytes(reader.readframes(reader.getnframes()))


def parts(count: int) -> Iterator[Part]:
    """That many takes."""
    for index in range(count):
        wav, measures = clip(index % CLIPS)
        yield Part(name="take", gap=Gap.PARAGRAPH, measures=measures, read=partial(bytes, wav))


def pause_bytes() -> bytes:
    """A pause of digital silence."""
    return bytes(2 * ASSEMBLY_RATE_HZ * AUDIO.paragraph_ms // 1000)


def naive(count: int) -> None:
    """The usual way: pydub copies everything that is there at each `+=`."""
    pause = segment(pause_bytes(), ASSEMBLY_RATE_HZ)
    combined = segment(b"", ASSEMBLY_RATE_HZ)
    for part in parts(count):
        combined += open_clip(part.read())
        combined += pause


def joined(count: int) -> None:
    """All clips in memory, joined once."""
    sounds: list[bytes] = []
    for part in parts(count):
        sounds += [open_clip(part.read()).raw_data, pause_bytes()]
    segment(b"".join(sounds), ASSEMBLY_RATE_HZ)


def ours(count: int) -> None:
    """Stitching into nothing, a chapter at a time."""
    for chapter in chapters(count):
        stitch(parts(chapter), AUDIO, len)


def chapters(count: int) -> Iterator[int]:
    """How many clips each chapter has."""
    for start in range(0, count, CHAPTER_CLIPS):
        yield min(CHAPTER_CLIPS, count - start)


def finish(count: int, *, reading: bool = False) -> None:
    """Stitching into an MP3 file and an AAC part for each chapter, and those into an M4B, ffmpeg included."""
    with tempfile.TemporaryDirectory() as folder:
        m4b_parts: list[m4b.Part] = []
        for number, chapter in enumerate(chapters(count)):
            outputs = [
                Output(target=Path(folder, f"{number}.{encoded}"), encoding=encoding_of(encoded, AUDIO, TAGS))
                for encoded in MADE
            ]
            m4b_parts.append(m4b.Part(path=outputs[-1].target, title=f"Chapter {number}"))
            with ChapterEncoder(outputs, rate_hz=ASSEMBLY_RATE_HZ, filters=mastering(AUDIO)) as encoder:
                stitch(parts(chapter), AUDIO, encoder.write)
                for part in encoder.complete().values():
                    if reading:
                        probe(part)
                encoder.publish()
        whole = Path(folder, "book.m4b")
        m4b.write_m4b(whole, m4b_parts, m4b.Facts(tags=(("title", "T"),), freeform=(), language="eng", cover=b""))
        if reading:
            probe(whole)


def measured(count: int) -> None:
    """The same, and the files read back; what that adds to `finish` is measuring."""
    finish(count, reading=True)


def alone(count: int) -> None:
    """The same ffmpeg commands, with the stitched samples in a file; the samples are not counted."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "list.txt")
        for number, chapter in enumerate(chapters(count)):
            samples = Path(folder, "x.raw")
            before_s = cpu_s()
            with samples.open("wb") as file:
                stitch(parts(chapter), AUDIO, file.write)
            NOT_COUNTED.append(cpu_s() - before_s)
            command = [ffmpeg_program(), "-v", "error", "-f", "s16le", "-ar", str(ASSEMBLY_RATE_HZ), "-ac", "1"]
            command += ["-i", str(samples), "-filter_complex", f"[0:a]{','.join(mastering(AUDIO))},asplit=2[a][b]"]
            for name, encoded in zip("ab", MADE, strict=True):
                options = encoding_of(encoded, AUDIO, TAGS).options
                command += ["-map", f"[{name}]", *options, "-y", str(Path(folder, f"{number}.{encoded}"))]
            subprocess.run(command, check=True)
            with listed.open("a") as names:
                names.write(f"file '{number}.{Encoded.M4A}'\n")
        joining = [
            "-f",
            "concat",
            "-safe",
            "0",
            "-i",
            str(listed),
            "-c",
            "copy",
            "-f",
            "mp4",
            "-movflags",
            "+faststart",
        ]
        subprocess.run([ffmpeg_program(), "-v", "error", *joining, "-y", str(Path(folder, "book.m4b"))], check=True)


NOT_COUNTED: list[float] = []
WAYS: dict[str, Callable[[int], None]] = {way.__name__: way for way in (naive, joined, ours, finish, alone, measured)}


def child(way: str, count: int) -> None:
    """Run one way in this process and print what it took."""
    WAYS["ours"](CLIPS)
    start_s, before_s = time.perf_counter(), cpu_s()
    WAYS[way](count)
    figures = {"cpu_s": cpu_s() - before_s - sum(NOT_COUNTED), "wall_s": time.perf_counter() - start_s}
    for name, whose in (("rss_mib", resource.RUSAGE_SELF), ("ffmpeg_mib", resource.RUSAGE_CHILDREN)):
        figures[name] = resource.getrusage(whose).ru_maxrss / 1024
    print(json.dumps(figures))


def cpu_s() -> float:
    """CPU seconds of this process and of those that it waited for."""
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def net(way: str, hours: float, times: int = 1) -> dict[str, float]:
    """The median of some runs of one way, each in a process of its own, without what its start took."""
    count = max(2 * CLIPS, round(hours * 3600 / CLIP_S))
    runs = [dict[str, float](json.loads(in_child("finish", way, count).out)) for _ in range(times)]
    return sorted(runs, key=lambda found: found["cpu_s"])[times // 2]


def seen(*runs: dict[str, float]) -> str:
    """The absolute figures of some runs, one after the other."""
    return "; ".join(f"{run['cpu_s']:.1f} s CPU, {max(run['rss_mib'], run['ffmpeg_mib']):.0f} MiB" for run in runs)


def measure(*, tiny: bool) -> Iterator[Figure]:
    """Join and finish by every way; this program's figures against the others'."""
    hour, long, finished = (0.05, 0.2, 0.05) if tiny else (1.0, 5.0, 1.0)
    times = 1 if tiny else 3
    usual, one = net("naive", hour), net("ours", hour, times)
    faster = usual["cpu_s"] / one["cpu_s"]
    yield told(f"`combined += clip` against this program, {hour:g} h", faster, seen=seen(usual, one), digits=0)
    half = net("naive", hour / 2)
    yield told("`combined += clip`, twice as much", usual["cpu_s"] / half["cpu_s"], seen=seen(half, usual), digits=1)
    far = net("ours", long)
    linear = far["cpu_s"] / long / (one["cpu_s"] / hour)
    yield at_most(f"joining {long:g} h against {hour:g} h, an hour", linear, 1.2, seen=seen(far, one))
    memory = far["rss_mib"] / one["rss_mib"]
    yield at_most(f"memory for {long:g} h against {hour:g} h", memory, 1.1)
    together = net("joined", long)
    yield told(f"memory of one join of {long:g} h, against that", together["rss_mib"] / far["rss_mib"], digits=0)
    whole, bare = net("finish", finished), net("alone", finished)
    share = whole["cpu_s"] / bare["cpu_s"]
    yield at_most("assembly, MP3 and M4B, against ffmpeg alone", share, 1.25, seen=seen(whole, bare))
    read = net("measured", finished)
    yield told("and measured by the program", read["cpu_s"] / bare["cpu_s"], seen=seen(read))


if __name__ == "__main__":
    child(sys.argv[1], int(sys.argv[2]))
