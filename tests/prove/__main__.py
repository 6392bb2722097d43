"""`python -m tests.prove [NAME …]`: run the proofs whole and print their figures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tests.prove.kills import prove_kills

PROOFS: dict[str, Callable[[], str]] = {
    "kills": lambda: prove_kills(50),
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
