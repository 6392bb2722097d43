"""Starting is cheap: a command loads what it uses, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import console
from flows.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
HEAVY = ("httpx", "lxml", "numpy", "obstore", "prefect", "pyarrow", "pydantic", "pydub", "ruamel", "tenacity")
"""Distributions that take longer to load than the rest of a help text."""

_RUN = """\
import contextlib, io, json, sys
from flows.cli.main import run
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    codes = [run(argv) for argv in json.loads(sys.argv[1])]
print(json.dumps([codes, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def _loaded(home: Path, *commands: tuple[str, ...]) -> frozenset[str]:
    """Top names of what is loaded once these commands have run in one process, each well."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, json.dumps(commands)],
        cwd=ROOT,
        env={"NARRATION_HOME": str(home), "PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    codes, names = json.loads(done.stdout)
    assert codes == [0] * len(commands)
    return frozenset(names)


def test_the_first_help_text_loads_nothing_but_what_prints_it(tmp_path: Path) -> None:
    assert not _loaded(tmp_path, ("--help",)).intersection(HEAVY)


def test_no_help_text_loads_what_only_work_needs(tmp_path: Path) -> None:
    helps = [(name, "--help") for name in COMMANDS if name != "sandbox"]  # that one asks a process of its own
    assert _loaded(tmp_path, *helps).intersection(HEAVY) <= {"pydantic"}  # the command line's own library reads with it


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        (("plan", "data/demo", "--json"), {"lxml", "obstore", "pydantic", "ruamel"}),
        (("chapters", "data/demo"), {"lxml", "pydantic", "ruamel"}),
        (("usage",), {"numpy", "obstore", "pyarrow", "pydantic"}),
    ],
)
def test_a_command_loads_only_what_it_uses(tmp_path: Path, command: tuple[str, ...], needed: set[str]) -> None:
    assert _loaded(tmp_path, command).intersection(HEAVY) <= needed


def test_what_was_waited_for_is_never_spelled_out() -> None:
    spelled = []

    class Plan:
        def __repr__(self) -> str:
            spelled.append(self)
            return "of a long book, which takes seconds"

    async def made() -> Plan:
        return Plan()

    assert isinstance(console.wait(made()), Plan)
    assert not spelled
