"""How long it takes from the command to the first stored take, on a machine that has never seen the book.

The bound is what cannot be saved: loading the libraries that a render speaks and stores with, and the answers that follow
from each other: what voices the account has (so that none is made twice), the voice, the words.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.frame import NARRATE, Figure, at_most, middle, run
from benchmarks.service import PREVIEW, USUAL, Latency, slow_vendor, write_monologue
from tests.prove.harness import Studio

LIBRARIES = "typer, rich.console, pydantic, ruamel.yaml, lxml.etree, obstore, httpx, tenacity, pyarrow.parquet, numpy"
BARE_RENDER = (sys.executable, "-c", f"import {LIBRARIES}")
MOST = 1.5
"""A person who waits does not notice half as much again."""


def measure(*, tiny: bool) -> Iterator[Figure]:
    """Render a book of one voice twice: everything new; and the next book, whose voice is kept."""
    lines, times = (4, 1) if tiny else (40, 3)
    latency = Latency(fixed_ms=20.0) if tiny else USUAL
    bare_s = middle(run(BARE_RENDER).wall_s for _ in range(times))
    for name, kept in (("a new voice and a first take", False), ("a first take in a kept voice", True)):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            with slow_vendor(folder, latency) as service:
                studio = Studio(home=folder / "home", out=folder / "out", profile=service.profile())
                if kept:
                    write_monologue(folder / "before", 1, of="the book before")
                    _render(studio, folder / "before")
                write_monologue(folder / "book", lines)
                waited_s = _render(studio, folder / "book")
                voice_s = 0.0 if kept else latency.of(0) + latency.of(len(PREVIEW))
                # In order of the time at which they came: the first of this book is the earliest of its chapter's.
                spoken = service.rows()[1:] if kept else service.rows()
        bound_s = bare_s + voice_s + latency.of(spoken[0]["characters"])
        seen = f"{waited_s:.2f} s; loading {bare_s:.2f} s, answers {bound_s - bare_s:.2f} s"
        yield at_most(f"{name}, against loading and latency", waited_s / bound_s, MOST, seen=seen)


def _render(studio: Studio, book: Path) -> float:
    """Render; seconds from the command to the first take that this added."""
    takes = studio.home / "store" / "takes"
    before = set(takes.rglob("take.json"))
    started = time.time()
    argv = [
        *NARRATE,
        "render",
        str(book),
        "--profile",
        str(studio.profile),
        "--out",
        str(studio.out),
        "--json",
        "--yes",
    ]
    run(argv, env=studio.environment())
    return min(path.stat().st_mtime for path in set(takes.rglob("take.json")) - before) - started
