"""How to start the sandbox as a process of its own. Light: importing it loads neither a web server nor an engine."""

import contextlib
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ACCOUNT_FILE = "account"
"""Where a state folder keeps the key of whoever renders with it; emptied with the state."""

Switch = str | float | bool | Sequence[str] | Mapping[str, int] | None


def command(
    *,
    state: Path | None = None,
    port: int | None = None,
    host: str = "127.0.0.1",
    reset: bool = False,
    engine: str = "espeak",
    limits: bool = True,
    exit_with_stdin: bool = False,
    verbose: bool = False,
    seed: int | None = None,
    switches: Mapping[str, Switch] | None = None,
) -> list[str]:
    """Return the argv that starts a sandbox.

    Args:
        state: folder of voices, files and bill; a temporary one when None.
        port: TCP port; None or 0 prefers the port this state used last, else a free one.
        host: address to listen on.
        reset: empty the state first.
        engine: `espeak` (real speech) or `tone` (cheap tones for throughput tests).
        limits: False switches off the limits per minute and second.
        exit_with_stdin: stop when the standard input ends, so that the sandbox dies with its parent.
        verbose: log each request to the standard error.
        seed: seed of the faults, and of the voices that are designed.
        switches: values of `faults.Switches` by name, e.g. `{"rate_500": 0.1, "poison_words": ("murder",)}`.
    """
    argv = [sys.executable, "-m", "narration.sandbox", "--host", host, "--engine", engine]
    for name, value in (("--state", state), ("--port", port), ("--seed", seed)):
        if value is not None:
            argv += [name, str(value)]
    flags = (
        ("--reset", reset),
        ("--no-limits", not limits),
        ("--exit-with-stdin", exit_with_stdin),
        ("--verbose", verbose),
    )
    argv += [flag for flag, on in flags if on]
    for name, switch in (switches or {}).items():
        argv += [f"--{name.replace('_', '-')}", _spell(switch)]
    return argv


def account_key(state: Path) -> str:
    """The key for renders on a state folder: made once for each, so that its voices are its own account's.

    A state that was reset, or another machine's, is another account: its voices are made anew rather than missed.

    Raises:
        OSError: the folder cannot be written.
    """
    path = state / ACCOUNT_FILE
    state.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Under a name of its own first, so that nobody reads half a key; the link is made by one of several.
        draft = state / f"{ACCOUNT_FILE}.{secrets.token_hex(4)}"
        draft.write_text(secrets.token_hex(12), encoding="ascii")
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return f"sk-sandbox-{path.read_text(encoding='ascii').strip()}"


def _spell(value: Switch) -> str:
    """Spell a switch's value as the command line reads it."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case Mapping():
            return ",".join(f"{key}={number}" for key, number in value.items())
        case Sequence():
            return ",".join(value)
        case _:
            return str(value)
