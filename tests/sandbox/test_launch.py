"""The command line: what `launch.command` writes, the parser reads."""

import sys
from pathlib import Path

from narration.sandbox.__main__ import parser
from narration.sandbox.faults import Switches, read_switches
from narration.sandbox.launch import command


def test_the_shortest_command_runs_the_module() -> None:
    assert command()[:3] == [sys.executable, "-m", "narration.sandbox"]


def test_every_argument_arrives(tmp_path: Path) -> None:
    argv = command(
        state=tmp_path,
        port=8765,
        reset=True,
        engine="tone",
        limits=False,
        exit_with_stdin=True,
        verbose=True,
        seed=4,
        switches={"rate_500": 0.1, "poison_words": ("a", "b"), "retired": {"m": 403}, "rpm": None, "sse": False},
    )
    options = parser().parse_args(argv[3:])
    assert (options.state, options.port, options.engine, options.seed) == (tmp_path, 8765, "tone", 4)
    assert options.reset
    assert options.no_limits
    assert options.exit_with_stdin
    assert options.verbose
    given = {name: getattr(options, f"switch_{name}") for name in Switches.model_fields}
    switches = read_switches({name: value for name, value in given.items() if value is not None})
    assert (switches.rate_500, switches.poison_words, switches.rpm, switches.sse) == (0.1, ("a", "b"), None, False)
    assert switches.retired == {"m": 403}


def test_the_help_names_every_switch() -> None:
    text = parser().format_help()
    for name in Switches.model_fields:
        assert f"--{name.replace('_', '-')} " in text
