"""How long the command takes to start: what it loads before it does anything."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.frame import BARE, NARRATE, Figure, at_most, in_turn, run, told

MOST = 4.0
"""`narrate --help` within so many times the bare imports."""

COMMANDS = (("plan", "data/demo", "--json"), ("usage",))

_COUNT = (
    "import sys, json, contextlib, io\n"
    "from flows.cli.main import run\n"
    "with contextlib.redirect_stdout(io.StringIO()): run(['--help'])\n"
    "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))))"
)


def measure(*, tiny: bool) -> Iterator[Figure]:
    """Compare the processor time of commands with that of the bare imports, in turn."""
    times = 1 if tiny else 7
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "NARRATION_HOME": home}
        ratio, ours_s, bare_s = in_turn([*NARRATE, "--help"], BARE, times, env)
        seen = f"{1000 * ours_s:.0f} ms and {1000 * bare_s:.0f} ms CPU"
        yield at_most("`narrate --help` against `import typer, rich.console`", ratio, MOST, seen=seen)
        loaded = json.loads(run([sys.executable, "-c", _COUNT]).out)
        heavy = {"httpx", "numpy", "obstore", "prefect", "pyarrow", "pydantic", "pydub"}.intersection(loaded)
        yield at_most("heavy libraries that `--help` loads", len(heavy), 0, "", digits=0, seen=", ".join(sorted(heavy)))
        for command in COMMANDS if not tiny else ():
            ratio, ours_s, _ = in_turn([*NARRATE, *command], BARE, max(1, times // 2), env)
            yield told(f"`narrate {' '.join(command[:2])}`", ratio, seen=f"{1000 * ours_s:.0f} ms CPU")
