"""A book of 20,000 lines spoken from nothing by a service that fails at random: memory and open files stay bounded."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.prove.harness import UNLUCKY, Studio, Vendor, bought_twice, vendor
from tests.prove.long_book import CAST

EVERY_S = 0.5
MOST_GROWTH = 1.35
MOST_GROWTH_MIB = 120.0
"""Between a quarter and the whole of the book, as a factor, or in MiB where that is more: every chunk leaves a few
kilobytes of plan, take and measures in memory, but never its sound."""
MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the process.

    Attributes:
        done: chunks on the service's bill.
        rss_mib: resident memory, in MiB.
        files: open file descriptors, sockets included.
    """

    done: int
    rss_mib: float
    files: int


BOOK = "title: The Soak\nauthor: Nobody\nlanguage: en\nmanuscript: book.md\ncast: cast.yaml\n"


def write_book(folder: Path, lines: int, chapters: int) -> None:
    """A production with that many lines, no two of them alike: half are quotations, half say who spoke."""
    folder.mkdir(parents=True)
    (folder / "cast.yaml").write_text(CAST)
    (folder / "book.yaml").write_text(BOOK)
    parts = []
    for chapter in range(chapters):
        parts.append(f"# Chapter {chapter + 1}\n")
        for number in range(lines // chapters // 2):
            where, name = f"{number} of wall {chapter}", ("Ann", "Bob")[number % 2]
            parts.append(f"“Stone {where} is here,” said {name}, and marked {where}.\n")
    (folder / "book.md").write_text("\n".join(parts))


def watched(process: subprocess.Popen[str], done: Callable[[], int], every_s: float = EVERY_S) -> list[Sample]:
    """Look at a process in the background until it ends; the list grows meanwhile."""
    samples: list[Sample] = []

    def look() -> None:
        try:
            eye = psutil.Process(process.pid)
            while process.poll() is None:
                count = done()
                samples.append(Sample(count, eye.memory_info().rss / 2**20, eye.num_fds()))
                time.sleep(every_s)
        except psutil.Error:
            return

    threading.Thread(target=look, daemon=True).start()
    return samples


def prove_soak(lines: int = 20_000, chapters: int = 40, *, every_s: float = EVERY_S) -> str:
    """Render a long book from an empty store while 5 % of answers are 500, 2 % dropped and 5 % of downloads cut.

    Returns:
        The figures, in one sentence.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_book(folder / "book", lines, chapters)
        with vendor(folder, fault_actions=("synthesize",)) as service:
            service.switch(rate_500=0.05, drop_before=0.02, cut=0.05)
            profile = service.profile(in_flight=24, attempts=UNLUCKY)
            studio = Studio(home=folder / "home", out=folder / "out", profile=profile)
            started = time.monotonic()
            process = studio.start(book=folder / "book")
            samples = watched(process, lambda: int(service.bill()["calls_by_action"].get("synthesize", 0)), every_s)
            out, err = process.communicate()
            took_s = time.monotonic() - started
            assert process.returncode == 0, err[-3000:]
            _lawful(service, studio, lines, out)
            assert len(list(studio.out.glob("*.mp3"))) == chapters
        return f"{lines} lines in {took_s:.0f} s: {_bounded(samples, lines)}; each spoken once, the ledger is the bill"


def _lawful(service: Vendor, studio: Studio, lines: int, out: str) -> None:
    rows = service.rows()
    assert bought_twice(rows) == 0, f"{bought_twice(rows)} lines were bought twice"
    assert len(rows) >= lines, (len(rows), lines, out[-500:])
    bill, usage = service.bill(), studio.usage()
    known, doubt = usage["characters_billed"], usage["characters_in_doubt"]
    assert known <= bill["characters"] <= known + doubt, (bill["characters"], known, doubt)
    left = studio.leftovers()
    assert not left, left[:5]


def _bounded(samples: list[Sample], whole: int) -> str:
    """The figures of memory and files; fails where they grow with the book."""
    # The last look is the only one where the process was too quick to be looked at twice.
    speaking = [sample for sample in samples if sample.done >= whole / 4] or samples[-1:]
    quarter = speaking[0].rss_mib
    last = max(sample.rss_mib for sample in speaking)
    files = max(sample.files for sample in samples)
    said = f"{quarter:.0f} MiB at a quarter, at most {last:.0f} MiB after it, at most {files} open files"
    assert last <= max(MOST_GROWTH * quarter, quarter + MOST_GROWTH_MIB), said
    assert files <= MOST_FILES, said
    return said
