"""`python -m benchmarks [NAME …]`: run parts of the benchmark and renew them in `RESULTS.md`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    attribution,
    discovery,
    finish,
    first_audio,
    ledger,
    side_by_side,
    start_up,
    takes,
    throughput,
    voices,
    work,
)
from benchmarks.frame import RESULTS, Part, renewed, section

PARTS = (
    Part(name="start", title="Starting", measure=start_up.measure),
    Part(name="first-audio", title="First audio", measure=first_audio.measure),
    Part(name="throughput", title="Throughput", measure=throughput.measure),
    Part(name="work", title="The work on a chunk", measure=work.measure),
    Part(name="finish", title="Assembling and finishing", measure=finish.measure),
    Part(name="ledger", title="The ledger with a million rows", measure=ledger.measure),
    Part(name="takes", title="The take store", measure=takes.measure),
    Part(name="attribution", title="Who says a line", measure=attribution.measure),
    Part(name="side-by-side", title="Side by side", measure=side_by_side.measure),
    Part(name="discovery", title="Who is in a book", measure=discovery.measure, by_default=False),
    Part(name="voices", title="A stranger's take", measure=voices.measure, by_default=False),
)


def main(argv: Sequence[str]) -> int:
    """Run the parts that are named, or those that are quick enough for every day; 1 where a target is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts to run (default: all but the longest)")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    parser.add_argument("--tiny", action="store_true", help="only show that everything works; the figures mean nothing")
    parser.add_argument(
        "--out", type=Path, help="the page to renew (default: RESULTS.md beside this; none with --tiny)"
    )
    told = parser.parse_args(argv)
    if told.list:
        for part in PARTS:
            print(f"{part.name:<13} {part.title}{'' if part.by_default else ' (only by name)'}")
        return 0
    known = {part.name: part for part in PARTS}
    if strangers := [name for name in told.names if name not in known]:
        parser.error(f"no part {strangers[0]!r}; there are {', '.join(known)}")
    wanted = [known[name] for name in told.names] or [part for part in PARTS if part.by_default]
    out = told.out or (None if told.tiny else RESULTS)
    unmet = 0
    for part in wanted:
        unmet += _run(part, out, tiny=told.tiny)
    return 1 if unmet and not told.tiny else 0


def _run(part: Part, out: Path | None, *, tiny: bool) -> int:
    """Run a part, print it, and renew it on the page; how many targets are not met."""
    busy, started = os.getloadavg()[0], time.monotonic()
    print(f"\n{part.title}", flush=True)
    figures = []
    for figure in part.measure(tiny=tiny):
        figures.append(figure)
        verdict = {True: "met", False: "NOT MET", None: ""}[figure.met]
        print(
            f"  {figure.name:<58} {figure.value:>12}  {figure.target:<9} {verdict:<8} {figure.seen}".rstrip(),
            flush=True,
        )
    if out is not None:
        text = section(part, figures, took_s=time.monotonic() - started, busy=busy)
        page = out.read_text(encoding="utf-8") if out.exists() else ""
        out.write_text(renewed(page, [one.name for one in PARTS], {part.name: text}), encoding="utf-8")
    return sum(figure.met is False for figure in figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
