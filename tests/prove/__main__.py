"""`python -m tests.prove [NAME …]`: run the proofs whole and print their figures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tests.prove.checks import prove_checks
from tests.prove.far import prove_far_store
from tests.prove.hearing import prove_hearing
from tests.prove.kills import prove_kills
from tests.prove.long_book import prove_long_book
from tests.prove.long_sound import prove_long_sound
from tests.prove.mending import prove_mending
from tests.prove.money import prove_budget
from tests.prove.overhead import prove_overhead
from tests.prove.overlap import prove_nights, prove_same_files
from tests.prove.pickups import prove_pickups
from tests.prove.postgres import prove_postgres
from tests.prove.rush import prove_rush
from tests.prove.scripts import prove_scripts
from tests.prove.soak import prove_soak
from tests.prove.storm import prove_storm
from tests.prove.strangers import prove_strangers
from tests.prove.workers import prove_killed_worker, prove_server_restart, prove_speed, prove_workers

PROOFS: dict[str, Callable[[], str]] = {
    "kills": lambda: prove_kills(50),
    "rush": lambda: prove_rush(on_s3=False, chapters="1-3"),
    "rush-s3": lambda: prove_rush(on_s3=True, chapters="1-3"),
    "storm": lambda: prove_storm(chapters="1-3"),
    "budget": lambda: prove_budget(100),
    "checks": lambda: prove_checks() + prove_hearing(),
    "hearing": prove_hearing,
    "mending": prove_mending,
    "mending-heard": lambda: prove_mending(recogniser="dashscope"),
    "strangers": prove_strangers,
    "pickups": prove_pickups,
    "long-book": prove_long_book,
    "soak": prove_soak,
    "scripts": prove_scripts,
    "long-sound": prove_long_sound,
    "far-store": prove_far_store,
    "workers": prove_workers,
    "workers-speed": prove_speed,
    "worker-killed": prove_killed_worker,
    "overhead": prove_overhead,
    "nights": prove_nights,
    "same-files": prove_same_files,
    "postgres": prove_postgres,
    "server-restarted": prove_server_restart,
}


def main(names: list[str]) -> int:
    """Run the named proofs, or all of them."""
    for name in names or list(PROOFS):
        started = time.monotonic()
        sys.stdout.write(f"{name}: ")
        sys.stdout.flush()
        sys.stdout.write(f"{PROOFS[name]()} ({time.monotonic() - started:.0f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
