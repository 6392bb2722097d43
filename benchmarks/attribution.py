"""How well quotations are found and attributed, on LitBank.

    python -m benchmarks.attribution            # both halves, about two minutes
    python -m benchmarks.attribution --dev      # the half that is tuned on
    python -m benchmarks.attribution --only 1342 --wrong

Whole novels are read; the annotated 2,000 words of each are scored. The cast list of a novel is its annotated speakers
and whoever its tags name (`litbank.py`, `sheets.toml`). "Named" leaves out speakers without a name, as "a girl".
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import Pool
from statistics import mean

from benchmarks import litbank
from benchmarks.frame import Figure, at_most, skipped, told, unit_s
from narration.script import Quotation, attribute

KINDS = {
    "tag": "explicit",
    "first person": "explicit",
    "script label": "explicit",
    "pronoun": "anaphoric",
    "noun": "anaphoric",
    "other name": "anaphoric",
}
MOST_S = 10.0
"""So that a novel is read in seconds."""
BINS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """An annotated quotation and what was made of it; `found` is None where its span was not found."""

    novel: litbank.Novel
    gold: litbank.Gold
    found: Quotation | None

    @property
    def is_right(self) -> bool:
        """Whether the speaker is right."""
        return self.found is not None and self.found.character == self.gold.speaker

    @property
    def kind(self) -> str:
        """What the speaker is told by: explicit, anaphoric or implicit."""
        return KINDS.get(self.found.evidence.split(":")[0], "implicit") if self.found else "missed"


def score(novel: litbank.Novel, quotations: Sequence[Quotation]) -> list[Scored]:
    """Every annotated quotation with the one found that overlaps it most."""
    rows = []
    for gold in novel.gold:
        best = max(quotations, key=lambda one: min(one.end, gold.end) - max(one.start, gold.start), default=None)
        if best is not None and min(best.end, gold.end) <= max(best.start, gold.start):
            best = None
        rows.append(Scored(novel=novel, gold=gold, found=best))
    return rows


def share(rows: Iterable[Scored]) -> str:
    """Accuracy of some rows."""
    right = [row.is_right for row in rows]
    return f"{100 * mean(right):5.1f} % of {len(right):5,}" if right else "    - "


def report(title: str, rows: Sequence[Scored]) -> None:
    """Prints accuracy by evidence, and the calibration."""
    named = [row for row in rows if row.gold.named]
    found = [row for row in named if row.found]
    print(f"\n{title}")
    print(f"  all quotations           {share(rows)}")
    print(f"  speakers with a name     {share(named)}")
    print(f"  of spans that are found  {share(found)}")
    for kind in ("explicit", "anaphoric", "implicit"):
        print(f"    {kind:22} {share(row for row in found if row.kind == kind)}")
    novels = sorted({row.novel.key for row in found})
    per_novel = [mean(row.is_right for row in found if row.novel.key == key) for key in novels]
    print(f"  mean over {len(novels):2} novels       {100 * mean(per_novel):5.1f} %")
    print("  calibration: predicted   right       quotations")
    for low, high in pairwise(BINS):
        inside = [row for row in found if row.found and low <= row.found.probability < high]
        if inside:
            predicted = mean(row.found.probability for row in inside if row.found)
            right = mean(row.is_right for row in inside)
            print(f"    {low:4.2f} - {min(high, 1.0):4.2f}    {predicted:6.3f}   {right:6.3f} {len(inside):10,}")


def spans(novels: Sequence[tuple[litbank.Novel, Sequence[Quotation]]]) -> None:
    """Prints recall and precision of the spans within the annotated stretches."""
    gold_count = hit = found_count = matched = 0
    scare = letters = 0
    for novel, quotations in novels:
        inside = [one for one in quotations if one.start >= novel.start - 3 and one.end <= novel.end + 3]
        gold_count += len(novel.gold)
        found_count += len(inside)
        for gold in novel.gold:
            hit += any(_overlap(one, gold) > 0.5 * (gold.end - gold.start) for one in inside)
        for one in inside:
            if any(_overlap(one, gold) > 0.5 * (one.end - one.start) for gold in novel.gold):
                matched += 1
            elif len(novel.text[one.start : one.end].split()) <= 4:
                scare += 1
            else:
                letters += 1
    print(f"spans: recall {100 * hit / gold_count:.1f} % of {gold_count:,}")
    print(f"       precision {100 * matched / found_count:.1f} % of {found_count:,}; not annotated:")
    print(f"       {scare} of at most four words (titles, scare quotes)")
    print(f"       {letters} longer (letters, speech that LitBank leaves out)")


def _overlap(one: Quotation, gold: litbank.Gold) -> int:
    return min(one.end, gold.end) - max(one.start, gold.start)


def read(key: str) -> tuple[litbank.Novel, tuple[Quotation, ...], float]:
    """A novel, the quotations found in it, and the seconds of one core that it took."""
    novel = litbank.novel(key)
    began = time.process_time()
    quotations = attribute(novel.text, novel.cast)
    return novel, quotations, time.process_time() - began


def measure(*, tiny: bool) -> Iterator[Figure]:
    """The time of a novel, and how many speakers are right, of every tenth novel."""
    if not litbank.CORPUS.is_dir():
        yield skipped("attribution", "LitBank is not beside the repository (`../shared/corpus/litbank`)")
        return
    keys, unit = litbank.novel_keys()[:: 50 if tiny else 10], unit_s()
    read_ones = [read(key) for key in keys]
    seconds = [taken for _, _, taken in read_ones]
    chars = sum(len(novel.text) for novel, _, _ in read_ones)
    seen = f"{mean(seconds):.2f} s CPU, {max(seconds):.2f} s the slowest of {len(keys)}"
    yield told("a novel, units of CPU", mean(seconds) / unit, seen=seen, digits=1)
    yield at_most("a million characters", sum(seconds) / chars * 1e6, MOST_S, "s", seen="processor time")
    rows = [
        row for novel, found, _ in read_ones for row in score(novel, found) if row.gold.named and row.novel.held_out
    ]
    if rows:
        right = 100 * mean(row.is_right for row in rows)
        yield told("right, of the held-out novels among these", right, "%", digits=1, seen=f"{len(rows)} quotations")


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dev", action="store_true", help="only the novels that are tuned on")
    parser.add_argument("--jobs", type=int, default=2, help="novels read at a time")
    parser.add_argument("--only", default="", help="novels whose key contains this")
    parser.add_argument("--wrong", action="store_true", help="list the mistakes")
    options = parser.parse_args()
    if not litbank.CORPUS.is_dir():
        print("skipped: ../shared/corpus/litbank is not there")
        return
    rows: list[Scored] = []
    found: list[tuple[litbank.Novel, Sequence[Quotation]]] = []
    seconds: list[float] = []
    chars = 0
    keys = [key for key in litbank.novel_keys(options.only) if not (options.dev and litbank.is_held_out(key))]
    with Pool(options.jobs) as pool:
        for novel, quotations, taken in pool.imap(read, keys):
            seconds.append(taken)
            chars += len(novel.text)
            rows += score(novel, quotations)
            found.append((novel, quotations))
    spans(found)
    for title, held_out in (("development half (tuned on)", False), ("held-out half", True)):
        half = [row for row in rows if row.novel.held_out is held_out]
        if half:
            report(title, half)
    rate = sum(seconds) / chars * 1e6
    print(
        f"\ntime: {mean(seconds):.2f} s a novel, {max(seconds):.2f} s the slowest, {rate:.2f} s per million characters"
    )
    if options.wrong:
        for row in rows:
            if not row.is_right:
                got = f"{row.found.character} {row.found.probability:.2f} {row.found.evidence}" if row.found else "-"
                print(f"{row.novel.key[:24]} | {row.gold.speaker} | {got} | {beginning(row)!r}")


def beginning(row: Scored) -> str:
    """The first words of an annotated quotation."""
    return row.novel.text[row.gold.start : row.gold.start + 60]


if __name__ == "__main__":
    main()
