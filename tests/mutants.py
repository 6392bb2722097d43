"""`python -m tests.mutants [NAME …]`: change a module in every small way and see whether its fast tests notice.

The work is mutmut's, in `build/mutants/<name>`, where `mutmut browse` shows what survived. Invariant: the tree itself
is never changed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "mutants"
LEAST = 0.85
"""The share that has to be killed, of every module."""

KILLED = ("killed", "timeout", "segfault", "suspicious")
"""What is slower than fifteen times the tests is taken for noticed: it hangs."""

_FOLDERS = ("narration", "flows", "configs", "data", "tests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is mutated, and by what it is held.

    Attributes:
        files: to be mutated.
        tests: the fast ones, of these files alone.
    """

    files: tuple[str, ...]
    tests: tuple[str, ...]


SUBJECTS = {
    "chunks": Subject(files=("narration/chunks.py",), tests=("tests/test_chunk_edges.py", "tests/test_chunks.py")),
    "takes": Subject(
        files=("narration/memory/takes.py",), tests=("tests/memory/test_take_records.py", "tests/memory/test_takes.py")
    ),
    "speak": Subject(files=("narration/speak.py", "narration/once.py"), tests=("tests/stages/test_pieces.py",)),
    "usage": Subject(
        files=("narration/memory/usage.py", "narration/memory/totals.py"),
        tests=("tests/memory/test_sums.py", "tests/memory/test_usage.py"),
    ),
}


def prepare(name: str) -> Path:
    """A folder in which mutmut finds the tree and a configuration for one subject."""
    subject, folder = SUBJECTS[name], WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for each in _FOLDERS:
        (folder / each).symlink_to(ROOT / each)
    options = {
        "source_paths": ["narration"],
        "only_mutate": list(subject.files),
        "also_copy": list(_FOLDERS[1:]),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-k", "not s3"],  # a folder tells as much of these modules
        "pytest_add_cli_args_test_selection": list(subject.tests),
        "process_isolation": "forkserver",  # obstore and pyarrow have threads, which a fork does not take along
        "track_dependencies": False,
    }
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items())
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(f"{text}\n[tool.mutmut]\n{table}", encoding="utf-8")
    return folder


def mutate(name: str) -> tuple[Counter[str], tuple[str, ...]]:
    """Run one subject: how many mutants ended how, and the names of those that lived."""
    folder = prepare(name)
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    mutmut = [sys.executable, "-m", "mutmut"]
    subprocess.run([*mutmut, "run", "--max-children", "2"], cwd=folder, env=environ, check=True, stdout=sys.stderr)
    done = subprocess.run(
        [*mutmut, "results", "--all", "true"], cwd=folder, env=environ, check=True, capture_output=True, text=True
    )
    ends = re.findall(r"^\s*(\S+): (.+)$", done.stdout, re.MULTILINE)
    lived = tuple(mutant for mutant, end in ends if end not in KILLED)
    return Counter(end for _, end in ends), lived


def main(names: list[str]) -> int:
    """Run the named subjects, or all of them; 1 if too many mutants of one lived."""
    poor = False
    for name in names or list(SUBJECTS):
        ends, lived = mutate(name)
        share = 1 - len(lived) / max(1, ends.total())
        poor = poor or share < LEAST
        how = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
        sys.stdout.write(f"{name}: {share:.1%} of {ends.total()} killed ({how})\n")
        sys.stdout.writelines(f"    {mutant}\n" for mutant in lived)
        sys.stdout.flush()
    return int(poor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
