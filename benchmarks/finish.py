"""How long finishing a book takes and how much memory it needs: this program, the usual ways with pydub, ffmpeg alone.

    python benchmarks/finish.py                # some minutes of one core
    python benchmarks/finish.py --finish 10    # the encoders, too, at 10 hours

Joining only, without encoding, at 1 h and at 10 h: `combined += clip; combined += pause`, which is what most programs do
(1 h only: it is quadratic); one join of everything in memory; this program, which streams. Then the whole finishing stage
(assembling, mastering, MP3, AAC, and the M4B of all chapters) against the same ffmpeg commands alone, reading the same
samples from a file, resampling included, and joining the chapters; measuring the files is reported apart. Every row is a process of its own; its figures
are the CPU seconds of the work, ffmpeg's included and start-up left out, and the peak memory of this process and of the
largest ffmpeg. Joining is the median of three runs.
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

from narration.audio import m4b
from narration.audio.clips import measure_clip, open_clip, segment
from narration.audio.encode import ChapterEncoder, Output, ffmpeg_program
from narration.audio.encodings import Tags, encoding_of, mastering
from narration.audio.measure import probe
from narration.audio.stitch import ASSEMBLY_RATE_HZ, Part, stitch
from narration.book import Gap
from narration.formats import Encoded
from narration.settings import load_settings
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


def finish(count: int, *, measured: bool = False) -> None:
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
                    if measured:
                        probe(part)
                encoder.publish()
        whole = Path(folder, "book.m4b")
        m4b.write_m4b(whole, m4b_parts, m4b.Facts(tags=(("title", "T"),), freeform=(), language="eng", cover=b""))
        if measured:
            probe(whole)


def measure(count: int) -> None:
    """The same, and the files read back; what that adds to `finish` is measuring."""
    finish(count, measured=True)


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
WAYS: dict[str, Callable[[int], None]] = {way.__name__: way for way in (naive, joined, ours, finish, alone, measure)}


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


def run(way: str, count: int) -> dict[str, float]:
    """Run one way in a process of its own."""
    command = [sys.executable, __file__, "--child", way, "--count", str(count)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(answer.stdout))


def row(name: str, hours: float, figures: dict[str, float]) -> None:
    """Print one line of a table."""
    ffmpeg = f"{figures['ffmpeg_mib']:>6.0f} MiB ffmpeg" if figures["ffmpeg_mib"] > 1 else ""
    print(
        f"{name:<34} {hours:>6.2f} h {figures['cpu_s']:>8.2f} s CPU {figures['cpu_s'] / hours:>8.2f} s/h "
        f"{figures['wall_s']:>8.2f} s wall {figures['rss_mib']:>6.0f} MiB {ffmpeg}",
        flush=True,
    )


def clips_of(hours: float) -> int:
    """How many clips that much audio is, pauses included."""
    return round(hours * 3600 / CLIP_S)


def main() -> None:
    """Run everything and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=10.0, help="length of the long joins, in hours of audio")
    parser.add_argument("--finish", type=float, default=1.0, help="length of what is encoded, in hours of audio")
    parser.add_argument("--child", choices=sorted(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=0, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.child:
        child(told.child, told.count)
        return

    def net(way: str, hours: float, times: int = 1) -> dict[str, float]:
        runs = [run(way, clips_of(hours)) for _ in range(times)]
        return sorted(runs, key=lambda found: found["cpu_s"])[times // 2]

    half, usual = net("naive", 0.5), net("naive", 1.0)
    row("pydub, combined += clip", 0.5, half)
    row("pydub, combined += clip", 1.0, usual)
    once, all_once = net("joined", 1.0, 3), net("joined", told.hours)
    row("one join in memory", 1.0, once)
    row("one join in memory", told.hours, all_once)
    one, long = net("ours", 1.0, 3), net("ours", told.hours, 3)
    row("this program, streaming", 1.0, one)
    row("this program, streaming", told.hours, long)
    whole, bare, read = (net(way, told.finish) for way in ("finish", "alone", "measure"))
    row("finishing: assemble, MP3, M4B", told.finish, whole)
    row("the same ffmpeg commands alone", told.finish, bare)
    row("finishing, and measuring", told.finish, read)
    print(
        f"\npydub, 1 h / half an hour:      {usual['cpu_s'] / half['cpu_s']:.1f} times the CPU\n"
        f"pydub / this program, 1 h:      {usual['cpu_s'] / one['cpu_s']:.0f} times the CPU, "
        f"{usual['rss_mib'] / one['rss_mib']:.1f} times the memory\n"
        f"in memory / this program, {told.hours:g} h: {all_once['rss_mib'] / long['rss_mib']:.0f} times the memory\n"
        f"this program, {told.hours:g} h / 1 h:       {long['cpu_s'] / told.hours / one['cpu_s']:.2f} times the CPU per "
        f"hour, {long['rss_mib'] / one['rss_mib']:.2f} times the memory\n"
        f"finishing / ffmpeg alone:       {whole['cpu_s'] / bare['cpu_s']:.2f} times the CPU; "
        f"measuring adds {(read['cpu_s'] - whole['cpu_s']) / told.finish:.1f} s an hour for two files"
    )


if __name__ == "__main__":
    main()
