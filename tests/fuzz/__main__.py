"""`python -m tests.fuzz [--seconds N] [TARGET …]`: fuzz every reader, and keep what breaks one."""

from __future__ import annotations

import argparse
import hashlib
import secrets
import sys
import tempfile
from pathlib import Path

from tests.fuzz.hunt import hunted
from tests.fuzz.targets import TARGETS


def main(argv: list[str]) -> int:
    """Fuzz; 1 where the law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each target (default 10)")
    parser.add_argument("--seed", type=int, default=0, help="of chance; a new one by default")
    parser.add_argument("--keep", type=Path, default=Path("out/fuzz"), help="where finds are kept (default out/fuzz)")
    options = parser.parse_args(argv)
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)}")
    seed = options.seed or secrets.randbelow(10**9)
    sys.stdout.write(f"seed {seed}\n")
    broken = 0
    for name in options.targets or TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            count, finds = hunted(name, Path(folder), seconds=options.seconds, seed=seed)
        sys.stdout.write(f"{name}: {count} inputs, {len(finds)} finds\n")
        for find in finds:
            path = options.keep / name / hashlib.sha256(find.data).hexdigest()[:12]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(find.data)
            sys.stdout.write(f"  {path}: {find.why.strip()}\n")
        sys.stdout.flush()
        broken += len(finds)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
