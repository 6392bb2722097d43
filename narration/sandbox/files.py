"""The audio files of a state folder, named by what they hold.

Invariant: a file is either whole or not there; it is written beside its place and moved in.
"""

import contextlib
import os
import shutil
import threading
from pathlib import Path


class Shelf:
    """`<folder>/files/<2 hex>/<key>.wav`."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "files"

    def path(self, key: str) -> Path:
        """Return where the file of a key is or would be."""
        return self._root / key[:2] / f"{key}.wav"

    def touch(self, key: str) -> bool:
        """Say whether a file is there, and keep it from being pruned."""
        try:
            os.utime(self.path(key))
        except FileNotFoundError:
            return False
        return True

    def put(self, key: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        path = self.path(key)
        draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        try:
            draft.write_bytes(data)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data)
        draft.replace(path)

    def get(self, key: str) -> bytes | None:
        """Return a file's content, None when it is not there."""
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            return None

    def reset(self) -> None:
        """Remove every file."""
        shutil.rmtree(self._root, ignore_errors=True)

    def prune(self, before_s: float) -> None:
        """Remove files not asked for since a time: their links have expired."""
        if not self._root.is_dir():
            return
        for path in self._root.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):  # another process prunes too
                if path.stat().st_mtime < before_s:
                    path.unlink()
