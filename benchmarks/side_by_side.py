"""The same work done by what a user would pick instead, against the same service.

The vendor's SDK in a loop with pydub's `+=` (`rivals/sdk_loop.py`), without and with files that are kept, and
this program speak the same words; each is killed when half of them are paid for, and started again. Nobody can read an
answer that comes to a dead process: a loop loses one at the most, this program as many as are open at a time, and names
each in its ledger. Then the merge step
of an established converter (`rivals/converter_merge.py`) joins chapters that this program joins, too. What of
the others is not here (the SDK is, for the tests) is installed from the package index into a folder that is thrown away;
without a network it is skipped. Each runs as a program of its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from benchmarks import finish
from benchmarks.frame import NARRATE, ROOT, Figure, Used, at_most, run, skipped, told
from benchmarks.service import Latency, slow_vendor, write_monologue
from narration.audio.encode import ffmpeg_program
from narration.audio.stitch import ASSEMBLY_RATE_HZ
from tests.prove.harness import KEY, Studio, Vendor

LINES, CHAPTERS = 24, 2
LATENCY = Latency(fixed_ms=400.0, char_ms=2.0)
"""Half of what is usual, as the loop asks one thing after the other."""
IN_FLIGHT = 8
"""Requests that this program has open at a time. A kill loses the answers of those; the service bills them."""
INSTALL_S = 300.0
POLL_S = 0.05
HALF_S = 600.0


Argv: TypeAlias = Callable[[Vendor, Path], tuple[list[str], dict[str, str]]]
"""The command and the environment that make the book of one service in one folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to make the book.

    Attributes:
        name: of the figures.
        whole: what a run took that nobody disturbed.
        paid: syntheses that were billed for it.
        paid_again: syntheses beyond these that were billed where it was killed at half and started again.
        characters: billed in all where it was killed.
    """

    name: str
    whole: Used
    paid: int
    paid_again: int
    characters: int


def measure(*, tiny: bool) -> Iterator[Figure]:
    """Compare the ways to speak, then the ways to join."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines, latency = (8, Latency(fixed_ms=150.0)) if tiny else (LINES, LATENCY)
        write_monologue(folder / "book", lines, chapters=CHAPTERS)
        ours = _ours(folder, latency)
        seen = f"of {ours.paid}: what was on its way to us"
        yield at_most(
            "paid twice after a kill at half, this program", ours.paid_again, IN_FLIGHT, "", digits=0, seen=seen
        )
        yield at_most("characters of these that its ledger does not name", _unnamed(folder, ours), 0, "", digits=0)
        try:
            libraries = installed(folder / "sdk", "dashscope", "requests")
        except RuntimeError as error:
            yield skipped("the vendor's SDK in a loop", str(error))
        else:
            for title, more in (("the SDK's loop", ()), ("the loop with kept files", ("--keep",))):
                yield from _against(_loop(folder, libraries, title, latency, more), ours)
        try:
            libraries = installed(folder / "converter", "audiblez")
        except RuntimeError as error:
            yield skipped("a converter's merge step", str(error))
        else:
            yield from _merges(folder, libraries, hours=0.05 if tiny else 0.5)


def _against(way: Way, ours: Way) -> Iterator[Figure]:
    """A way to speak beside this program's."""
    one, other = way.whole, ours.whole
    waits = f"{one.wall_s:.1f} s and {other.wall_s:.1f} s"
    yield told(f"{way.name} against this program, time", one.wall_s / other.wall_s, seen=waits, digits=1)
    yield told(f"{way.name}, CPU", one.cpu_s / other.cpu_s, seen=f"{one.cpu_s:.1f} s and {other.cpu_s:.1f} s")
    yield told(
        f"{way.name}, memory", one.peak_mib / other.peak_mib, seen=f"{one.peak_mib:.0f} and {other.peak_mib:.0f} MiB"
    )
    yield told(f"{way.name}, paid twice after a kill at half", way.paid_again, "", digits=0, seen=f"of {way.paid}")


def _ours(folder: Path, latency: Latency) -> Way:
    def argv(service: Vendor, out: Path) -> tuple[list[str], dict[str, str]]:
        studio = Studio(home=out / "home", out=out / "out", profile=service.profile(in_flight=IN_FLIGHT))
        asked = [*NARRATE, "render", str(folder / "book"), "--profile", str(studio.profile), "--json", "--yes"]
        return [*asked, "--out", str(studio.out)], studio.environment()

    return _way("this program", folder / "ours", argv, latency)


def _unnamed(folder: Path, ours: Way) -> int:
    """Characters on the bill of the killed book that are neither known nor in doubt to the ledger."""
    place = folder / "ours" / "killed"
    sums = Studio(home=place / "home", out=place / "out", profile=place).usage()
    return max(0, ours.characters - int(sums["characters_billed"]) - int(sums["characters_in_doubt"]))


def _loop(folder: Path, libraries: Path, name: str, latency: Latency, more: Sequence[str]) -> Way:
    texts = (folder / "book" / "book.md").read_text().split("\n\n")
    chapters: list[list[str]] = []
    for text in texts:
        if heading := re.match("# (.*)\n*(.*)", text):
            chapters.append([heading[1], heading[2].strip()] if heading[2].strip() else [heading[1]])
        else:
            chapters[-1].append(text.strip())
    lines = folder / "lines.json"
    lines.write_text(json.dumps(chapters))
    loop = str(ROOT / "benchmarks" / "rivals" / "sdk_loop.py")

    def argv(service: Vendor, out: Path) -> tuple[list[str], dict[str, str]]:
        return [sys.executable, loop, service.base_url, KEY, str(lines), str(out / "out"), *more], _plain(
            folder, libraries
        )

    return _way(name, folder / f"loop{len(more)}", argv, latency)


def _way(name: str, folder: Path, argv: Argv, latency: Latency) -> Way:
    """Make the book once in peace; and once killed when half of it is paid for, and begun again."""
    results: list[tuple[Used, int]] = []
    characters = 0
    for killed in (False, True):
        place = folder / ("killed" if killed else "whole")
        place.mkdir(parents=True)
        with slow_vendor(place, latency) as service:
            command, env = argv(service, place)
            if killed:
                half = results[0][1] // 2
                run(command, env=env, until=partial(_wait_for, service, half))
            used = run(command, env=env)
            results.append((used, len(service.rows())))
            characters = service.bill()["characters"]
    (whole, paid), (_, paid_in_all) = results
    return Way(name=name, whole=whole, paid=paid, paid_again=paid_in_all - paid, characters=characters)


def _wait_for(service: Vendor, count: int) -> None:
    deadline = time.monotonic() + HALF_S
    while service.bill()["calls_by_action"].get("synthesize", 0) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"not half done in {HALF_S:.0f} s")
        time.sleep(POLL_S)


def _merges(folder: Path, libraries: Path, *, hours: float) -> Iterator[Figure]:
    """The converter joins two chapters that were joined before it; this program joins them from their takes."""
    place, clips = folder / "chapters", round(hours * 3600 / finish.CLIP_S)
    place.mkdir()
    for number in range(2):
        with wave.open(str(place / f"{number}.wav"), "wb") as file:
            file.setparams((1, 2, ASSEMBLY_RATE_HZ, 0, "NONE", ""))
            for part in finish.parts(clips // 2):
                file.writeframes(finish.samples_of(part.read()))
    script = str(ROOT / "benchmarks" / "rivals" / "converter_merge.py")
    theirs = run([sys.executable, script, str(place)], env=_plain(folder, libraries))
    made = place / "book.m4b"
    if not made.exists() or not made.stat().st_size:
        yield skipped("the converter's merge step", "it made no file with the ffmpeg that is here")
        return
    ours = finish.net("finish", hours)
    yield told("converter's merge against assembly, MP3 and M4B, CPU", theirs.cpu_s / ours["cpu_s"], seen=f"{theirs}")
    probed = subprocess.run([ffmpeg_program(), "-i", str(made)], capture_output=True, text=True, check=False)
    codec = re.search(r"Audio: (\w+)", probed.stderr)
    size = made.stat().st_size / 1e6 / hours
    yield told(
        "its M4B",
        size,
        "MB an hour",
        seen=f"holds {codec[1] if codec else '?'}; ours is AAC at its preset's rate",
        digits=0,
    )


def installed(folder: Path, *names: str) -> Path:
    """The folder, with these distributions in it; nothing is installed where they are here already.

    Raises:
        RuntimeError: they cannot be had.
    """
    folder.mkdir()
    if all(importlib.util.find_spec(name) for name in names):
        return folder
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        done = subprocess.run(
            [*pip, "--target", str(folder), *names], capture_output=True, text=True, check=False, timeout=INSTALL_S
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"cannot be installed within {INSTALL_S:.0f} s") from error
    if done.returncode:
        raise RuntimeError(f"{', '.join(names)} cannot be installed here")
    return folder


def _plain(folder: Path, libraries: Path) -> dict[str, str]:
    """An environment in which `ffmpeg` and the libraries are found, and this repository is not."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    if not (programs / "ffmpeg").exists():
        (programs / "ffmpeg").symlink_to(ffmpeg_program())
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DASHSCOPE_", "PYTHON"))}
    return {
        **kept,
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(libraries),
        "PYTHONWARNINGS": "ignore",
    }
