"""The sandbox's command line: `python -m narration.sandbox`.

Invariant: the standard output carries the ready line and nothing else; a key is never written anywhere.
"""

import argparse
import logging
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from narration.sandbox.app import Service
from narration.sandbox.engine import EngineKind, EngineMissingError, load_engine
from narration.sandbox.faults import NO_LIMITS, BadSwitchError, Switches, read_switches
from narration.sandbox.server import PortTakenError, listen, serve

EXIT_WRONG_INPUT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sandbox and return its exit code: 0 stopped, 2 wrong option, port in use or no engine."""
    options = parser().parse_args(argv)
    if options.verbose:
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        if options.state is not None:
            return _run(options, options.state.expanduser().absolute())
        with tempfile.TemporaryDirectory(prefix="narration-sandbox-") as folder:
            return _run(options, Path(folder))
    except (BadSwitchError, EngineMissingError, PortTakenError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return EXIT_WRONG_INPUT


def parser() -> argparse.ArgumentParser:
    """Return the parser: the options of the process, and one for every switch."""
    root = argparse.ArgumentParser(prog="narrate sandbox", description="An offline speech service that really speaks.")
    root.add_argument(
        "--port", type=int, default=0, help="TCP port (default: the last one of this state, or a free one)"
    )
    root.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    root.add_argument("--state", type=Path, metavar="DIR", help="folder of voices, files and bill (default: temporary)")
    root.add_argument("--reset", action="store_true", help="empty the state first")
    root.add_argument(
        "--engine", type=EngineKind, choices=list(EngineKind), default=EngineKind.ESPEAK, metavar="espeak|tone"
    )
    root.add_argument("--no-limits", action="store_true", help="no limits per minute, second or at once")
    root.add_argument("--seed", type=int, help="seed of the faults, and of the voices that are designed")
    root.add_argument("--exit-with-stdin", action="store_true", help="stop when the standard input ends")
    root.add_argument("--verbose", action="store_true", help="log each request to the standard error")
    switches = root.add_argument_group("switches", "Also changed at run time by PATCH /sandbox/faults.")
    for name, field in Switches.model_fields.items():
        text = f"{field.description or name} (default: {_shown(field.default)})".replace("%", "%%")
        switches.add_argument(f"--{name.replace('_', '-')}", dest=f"switch_{name}", metavar="VALUE", help=text)
    return root


def _run(options: argparse.Namespace, folder: Path) -> int:
    given = {name: getattr(options, f"switch_{name}") for name in Switches.model_fields}
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    switches = read_switches({**(NO_LIMITS if options.no_limits else {}), **changes})
    engine = load_engine(options.engine)
    folder.mkdir(parents=True, exist_ok=True)
    listener = listen(options.host, options.port, folder)
    service = Service(folder, engine, switches, rng=random.Random(options.seed))  # noqa: S311 - faults and voices, not secrets
    if options.reset:
        service.reset()
    serve(service, listener, folder, exit_with_stdin=options.exit_with_stdin)
    return 0


def _shown(default: object) -> str:
    """Return a default as it is written on the command line."""
    match default:
        case None | () | {}:
            return "none"
        case tuple():
            return ",".join(map(str, default))
        case bool():
            return str(default).lower()
        case _:
            return f"{default:g}" if isinstance(default, float) else str(default)


if __name__ == "__main__":
    sys.exit(main())
