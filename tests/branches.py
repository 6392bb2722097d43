"""`python -m tests.branches [PERCENT]`: how many branches of `narration` the last measured run took, room by room.

Reads the `.coverage` that `coverage combine` leaves.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path

import coverage

SHOWN = 15


def main(words: list[str]) -> int:
    """Print the share of branches and the modules that miss most; 1 if it is below so many percent."""
    least = float(words[0]) if words else 0.0
    measured = coverage.Coverage()
    measured.load()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        target = Path(folder, "coverage.json")
        measured.json_report(outfile=str(target))
        found = json.loads(target.read_text(encoding="utf-8"))
    missed = {
        name: (facts["summary"]["num_branches"] - facts["summary"]["covered_branches"], facts["missing_branches"])
        for name, facts in found["files"].items()
    }
    for name, (count, branches) in sorted(missed.items(), key=lambda item: -item[1][0])[:SHOWN]:
        shown = ", ".join(f"{start}→{end if end > 0 else 'end'}" for start, end in branches)
        sys.stdout.write(f"{count:4} {name}: {shown}\n")
    sums = found["totals"]
    share = 100 * sums["covered_branches"] / sums["num_branches"]
    sys.stdout.write(f"{share:.1f} % of {sums['num_branches']} branches; {sums['percent_covered']:.1f} % with lines\n")
    return int(share < least)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
