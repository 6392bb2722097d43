"""What the parts of the benchmark share: figures with targets, processes that are measured, the page of results.

Invariant: a figure is a ratio or a count of one run on one machine; seconds and megabytes stand beside it for whoever
wants to know, and nothing is judged by them, the ledger's promise of a second aside.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psutil

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
NARRATE = (sys.executable, "-c", "from flows.cli import main; main()")
BARE = (sys.executable, "-c", "import typer, rich.console")
"""The least that a command line of this kind has to load: the unit in which processor time is told."""

_HEAD = """\
# Results

What `make bench` found. Every figure is a ratio or a count of one run on one machine, so that it holds on another; what is
in brackets are the seconds and megabytes of that run. CPU is processor time of a whole process and of those that it
waited for (ffmpeg); MiB is the peak memory of the largest of them. The speech service is the sandbox in a process of its
own, which is never counted. A unit of CPU is that of `python -c "import typer, rich.console"` in the same run.

`python -m benchmarks NAME` renews one part, `python -m benchmarks --list` names them all.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the results.

    Attributes:
        name: what was measured.
        value: as it is to be read, with its unit.
        target: what it should be, or empty.
        met: whether it is; None without a target.
        seen: the absolute figures behind it, or why there is none.
    """

    name: str
    value: str
    target: str = ""
    met: bool | None = None
    seen: str = ""


class Measure(Protocol):
    """A part: measures, and yields what it found."""

    def __call__(self, *, tiny: bool) -> Iterable[Figure]:
        """Measure; `tiny` only shows that all of it works, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part by name.

    Attributes:
        name: on the command line.
        title: in the results.
        measure: does it.
        by_default: whether a run without names includes it; the others take minutes.
    """

    name: str
    title: str
    measure: Measure
    by_default: bool = True


def at_most(name: str, value: float, limit: float, unit: str = "×", *, seen: str = "", digits: int = 2) -> Figure:
    """A figure that should not be above its target."""
    shown = f"{value:.{digits}f} {unit}"
    return Figure(name=name, value=shown, target=f"≤ {limit:g} {unit}", met=value <= limit, seen=seen)


def at_least(name: str, value: float, limit: float, unit: str = "×", *, seen: str = "", digits: int = 2) -> Figure:
    """A figure that should not be below its target."""
    shown = f"{value:.{digits}f} {unit}"
    return Figure(name=name, value=shown, target=f"≥ {limit:g} {unit}", met=value >= limit, seen=seen)


def told(name: str, value: float, unit: str = "×", *, seen: str = "", digits: int = 2) -> Figure:
    """A figure without a target."""
    return Figure(name=name, value=f"{value:,.{digits}f} {unit}", seen=seen)


def skipped(name: str, why: str) -> Figure:
    """A figure that cannot be had here."""
    return Figure(name=name, value="skipped", seen=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a process took.

    Attributes:
        code: its exit code; minus the signal that ended it.
        wall_s, cpu_s: seconds.
        peak_mib: of memory.
        out: what it printed.
    """

    code: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    out: str

    def __str__(self) -> str:
        return f"{self.cpu_s:.2f} s CPU, {self.peak_mib:.0f} MiB"


def run(argv: Sequence[str], *, env: Mapping[str, str] | None = None, until: Callable[[], None] | None = None) -> Used:
    """Run a command in the repository, as a process group of its own.

    Args:
        argv: the command.
        env: its environment, instead of this one's.
        until: waits for the moment at which the whole group is killed, with no chance to say goodbye.

    Raises:
        RuntimeError: it failed, and was not killed.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.monotonic()
        process = subprocess.Popen(
            argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        if until is not None:
            until()
            os.killpg(process.pid, signal.SIGKILL)
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - started
        process.returncode = code = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if code and until is None:
            raise RuntimeError(f"{' '.join(argv[:3])} …: exit code {code}: {err.read()[-2000:]}")
        cpu_s, peak_mib = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
        return Used(code=code, wall_s=wall_s, cpu_s=cpu_s, peak_mib=peak_mib, out=out.read())


def child(module: str, *arguments: object, env: Mapping[str, str] | None = None) -> Used:
    """Run a module of the benchmarks in a process of its own."""
    return run([sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)], env=env)


def middle(values: Iterable[float]) -> float:
    """The median, the upper of both where there are two."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def in_turn(
    one: Sequence[str], other: Sequence[str], times: int, env: Mapping[str, str] | None = None
) -> tuple[float, float, float]:
    """Run two commands in turn, once unmeasured.

    Returns:
        The median of the ratios of their processor times, pair by pair, and the median seconds of either.
    """
    pairs = [(run(one, env=env).cpu_s, run(other, env=env).cpu_s) for _ in range(times + 1)][1:]
    return middle(a / b for a, b in pairs), middle(a for a, _ in pairs), middle(b for _, b in pairs)


def unit_s(times: int = 3) -> float:
    """Processor seconds of the bare imports: the unit of the figures without a rival."""
    return middle(run(BARE).cpu_s for _ in range(times))


@contextmanager
def cpu(taken: list[float]) -> Iterator[None]:
    """Note how much processor time this process takes for the block, in seconds."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    yield
    after = resource.getrusage(resource.RUSAGE_SELF)
    taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def machine() -> str:
    """The machine in a line: no name, no path."""
    memory_gib = psutil.virtual_memory().total / 2**30
    system, python = platform.system(), platform.python_version()
    return f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, {system} {platform.machine()}, Python {python}"


def section(part: Part, figures: Sequence[Figure], *, took_s: float, busy: float) -> str:
    """The part of the page that one part writes.

    Args:
        part: which.
        figures: what it found.
        took_s: how long that took.
        busy: how many processes wanted a core as it began, by the system's count.
    """
    busy_note = f"; {busy:.1f} other processes wanted a core" if busy > 0.5 else ""
    lines = [f"{datetime.now(UTC):%Y-%m-%d}: {machine()}; {took_s:.0f} s{busy_note}.", ""]
    lines += ["| figure | here | target | |", "|---|---|---|---|"]
    for figure in figures:
        verdict = {True: "met", False: "**not met**", None: ""}[figure.met]
        seen = f" ({figure.seen})" if figure.seen else ""
        lines.append(f"| {figure.name} | {figure.value}{seen} | {figure.target} | {verdict} |")
    return f"<!-- part: {part.name} -->\n## {part.title}\n\n" + "\n".join(lines) + f"\n<!-- end: {part.name} -->\n"


def renewed(page: str, names: Sequence[str], sections: Mapping[str, str]) -> str:
    """The page of results with some parts written anew, all in the order of the names."""
    known = {name: text + "\n" for name, text in sections.items()}
    for found in re.finditer(r"<!-- part: (\S+) -->\n.*?<!-- end: \1 -->\n", page, re.DOTALL):
        known.setdefault(found[1], found[0] + "\n")
    return "\n".join([_HEAD, *(known[name] for name in names if name in known)]).rstrip() + "\n"
