"""Where things are on this machine: the home of the default store and of the sandbox's state.

Invariant: nothing but a default is decided here; all memory is in the store, wherever that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import platformdirs


def home(environ: Mapping[str, str]) -> Path:
    """`NARRATION_HOME`, or the user's data directory."""
    named = environ.get("NARRATION_HOME", "").strip()
    return (
        Path(named).expanduser().absolute() if named else Path(platformdirs.user_data_dir("narrate", appauthor=False))
    )


def default_store(environ: Mapping[str, str]) -> str:
    """`NARRATION_STORE`, or the folder `store` in the home."""
    return environ.get("NARRATION_STORE", "").strip() or str(home(environ) / "store")


def sandbox_state(environ: Mapping[str, str]) -> Path:
    """Where the sandbox keeps its voices, files and bill."""
    return home(environ) / "sandbox"


def books_folder(environ: Mapping[str, str]) -> Path:
    """What a flow's relative folders are seen from: `NARRATION_BOOKS`, or where the process is.

    A worker's processes are somewhere in a temporary folder, and each machine has its books elsewhere.
    """
    return Path(environ.get("NARRATION_BOOKS", "").strip() or ".").expanduser()


def log_folder(environ: Mapping[str, str]) -> Path:
    """Where the report of an unforeseen error goes."""
    return home(environ) / "logs"
