"""Sign-offs: who approved which master of a production, by hash, and what has changed since.

They are in `signoff.json` in the production, the newest last. Invariant: an approval is of bytes; a file that was made
anew with the same bytes is still approved, and any other is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from narration.errors import InputError, Problem, StoreError
from narration.folder import write_whole
from narration.typed import made, object_of

FILE: Final = "signoff.json"
VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Signoff:
    """One approval.

    Attributes:
        by: who approved.
        at: when, ISO 8601, UTC.
        note: what they said.
        masters: SHA-256 of each file, by name.
        heard: what was heard, as `narration.report.heard` has it.
    """

    by: str
    at: str
    note: str
    masters: Mapping[str, str]
    heard: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterState:
    """What became of the masters since an approval.

    Attributes:
        approved: files that are as they were approved.
        changed: files of the same name with other bytes.
        new: files that were not there then.
        gone: files that were approved and are not there now.
    """

    approved: tuple[str, ...]
    changed: tuple[str, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the approval is of just what is there."""
        return not (self.changed or self.new or self.gone)


def state_since(signoff: Signoff, masters: Mapping[str, str]) -> MasterState:
    """What became of the masters since an approval.

    Args:
        signoff: the approval.
        masters: SHA-256 of each file that is there, by name.
    """
    then = signoff.masters
    return MasterState(
        approved=tuple(name for name, sha256 in masters.items() if then.get(name) == sha256),
        changed=tuple(name for name, sha256 in masters.items() if name in then and then[name] != sha256),
        new=tuple(name for name in masters if name not in then),
        gone=tuple(name for name in then if name not in masters),
    )


def load_signoffs(production: Path) -> tuple[Signoff, ...]:
    """The approvals of a production, the newest last.

    Raises:
        InputError: the file is not one of ours.
    """
    path = production / FILE
    try:
        return _decoded(object_of(path.read_bytes()))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        hint = "Restore it from a backup: it says who approved what."
        problem = Problem(what=f"cannot be read: {error}", where=str(path), expected=f"version {VERSION}", hint=hint)
        raise InputError(problem) from error


def save_signoffs(production: Path, signoffs: Sequence[Signoff]) -> Path:
    """Write them, whole or not at all.

    Raises:
        StoreError: the folder cannot be written.
    """
    path = production / FILE
    text = json.dumps({"version": VERSION, "signoffs": [asdict(one) for one in signoffs]}, ensure_ascii=False, indent=1)
    try:
        write_whole(path, f"{text}\n".encode(), create=False)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def _decoded(data: dict[str, Any]) -> tuple[Signoff, ...]:
    if data.get("version") != VERSION:
        raise ValueError(f"version {data.get('version')!a}")
    return made(tuple[Signoff, ...], data.get("signoffs"))
