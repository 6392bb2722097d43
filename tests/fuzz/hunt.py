"""One target tried with many inputs, in a process of its own with bounds on memory, and a limit on each input's time.

Invariant: the input that is tried is on disk before it is tried, so that one that kills or hangs the process is found.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from types import FrameType
from typing import Literal

from narration.errors import InputError, NarrationError
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS, Target, seeds_of

MOST_S = 10.0
"""Of processor time for one input, all its reading; a novel is read in less than one second."""
MOST_MORE_BYTES = 3 << 30
"""Address space beyond what the process has when it begins. (Only a tenth of it is ever used: most is libraries'.)"""
HARD_S = 600.0
"""Of time on the wall for one input, or for the process to begin, after which it is ended from outside."""


START: Literal["fork", "forkserver"] = "forkserver"
"""How processes begin: from one that has loaded everything and never had a thread, whose locks a fork would copy."""


class TooSlow(BaseException):
    """An input took longer than `MOST_S`; nothing that is tested catches this."""


@dataclass(frozen=True, slots=True)
class Find:
    """An input that broke the law.

    Attributes:
        target: name of the target.
        data: the input.
        why: the end of the traceback, or what happened to the process.
    """

    target: str
    data: bytes
    why: str


def tried(target: Target, data: bytes, folder: Path) -> str | None:
    """What is wrong with how a target takes an input; None where nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            target.read(data, folder)
    except InputError as error:
        pathless = [problem for problem in error.problems if not problem.where or not problem.what]
        return f"an error without its place: {error}" if pathless else _unprintable(error)
    except NarrationError as error:
        return _unprintable(error) if error.what else f"an error without words: {error!r}"
    except (Exception, TooSlow):  # noqa: BLE001 — this is what is looked for
        return traceback.format_exc(limit=-6)
    return None


def _unprintable(error: NarrationError) -> str | None:
    odd = [character for character in str(error) if character in "\0\x1b\x07\x08"]
    return f"control characters {odd!r} on the terminal: {str(error)!r}" if odd else None


def hunted(
    name: str, folder: Path, *, seconds: float, seed: int = 1, count: int = sys.maxsize
) -> tuple[int, list[Find]]:
    """Try mutated inputs for so long, or so many.

    Returns:
        How many were tried, and what broke the law.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done, finds, started = 0, list[Find](), time.monotonic()
    while done < count and time.monotonic() - started < seconds and len(finds) < 20:
        left_s = seconds - (time.monotonic() - started)
        tried_now, found = _in_process(name, folder, seconds=left_s, seed=seed + done * 7919, count=count - done)
        done += max(1, tried_now)
        finds += found
    return done, finds


def _in_process(name: str, folder: Path, *, seconds: float, seed: int, count: int) -> tuple[int, list[Find]]:
    context = multiprocessing.get_context("fork") if START == "fork" else multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.fuzz.hunt"])
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_hunt, args=(name, folder, seconds, seed, count, there))
    process.start()
    there.close()
    current, done, finds = folder / "current", 0, list[Find]()
    while True:
        if not here.poll(HARD_S):
            process.kill()
            data = current.read_bytes() if current.exists() else b""
            finds.append(Find(name, data, f"no end after {HARD_S:.0f} s"))
            break
        try:
            done, why = here.recv()
        except EOFError:
            process.join()
            if process.exitcode:
                finds.append(Find(name, current.read_bytes(), f"the process ended with {process.exitcode}"))
            break
        if why:
            finds.append(Find(name, current.read_bytes(), why))
            break
    process.join()
    here.close()
    return done, finds


def _hunt(name: str, folder: Path, seconds: float, seed: int, count: int, tell: Connection) -> None:
    target, chance = TARGETS[name], Random(seed)  # noqa: S311 — inputs, not secrets
    seeds = seeds_of(name)
    bounded()
    started = last = time.monotonic()
    number = 0
    while number < count and time.monotonic() - started < seconds:
        data = mutated(chance.choice(seeds), chance, seeds)
        (folder / "current").write_bytes(data)
        number += 1
        with limited(MOST_S):
            why = tried(target, data, folder)
        if why or time.monotonic() - last > 1:
            tell.send((number, why))
            last = time.monotonic()
        if why:
            break
    tell.send((number, None))
    os._exit(0)


def bounded() -> None:
    """Bound what this process may have of memory from now on."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_MORE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TooSlow` after so many seconds of processor time."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
