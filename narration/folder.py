"""Files of a local store: written whole and durable, or not at all; and what killed writers leave, swept away.

A writer locks its unfinished file (`flock`) until that has its name; the system lets go of the lock of a process that
dies, and of no other. So whoever sweeps knows what nobody writes any more, whatever runs have begun since it looked.

Invariant: a file that has its name has all its bytes, and they are on the disk; the file of a living writer stays.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import tempfile
import time
import uuid
from pathlib import Path

_STAGED = re.compile(r"#\d{30,}$")
"""How a file is named that is not finished: so that no file of the user's is taken for one.

Source: object_store's `LocalFileSystem`, whose listings leave out every name that ends in `#` and digits.
"""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a disk says that has no room: for anybody, for this user, for so large a file."""

_TRIES = 64
"""How often a folder is made again that another process, finding it empty, removed before our file was in it."""


_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL})
"""What a file system says that knows no locks; there the age of a file alone decides."""


def write_whole(path: Path, data: bytes, *, create: bool) -> bool:
    """Write a file, and the folders it needs, to the disk.

    Returns:
        False where `create` finds a file of that name, which then stays as it is.

    Raises:
        OSError: it cannot be written; there is no file of that name, or the older one.
    """
    staged, file, made = _stage(path)
    with os.fdopen(file, "wb") as handle:  # and its lock
        try:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
            if create:
                try:
                    os.link(staged, path)
                except FileExistsError:
                    return False
            else:
                staged.replace(path)
        finally:
            staged.unlink(missing_ok=True)
    for folder in (path.parent, *(folder.parent for folder in made)):
        _flush_folder(folder)
    return True


class Room:
    """Space on a disk that is held for the time when there is no other.

    The file that holds it has no name, so that a killed run leaves nothing.

    Args:
        folder: on that disk.
        size_bytes: how much.

    Raises:
        OSError: there is not so much.
    """

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 — it is held until it is given
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file.fileno(), 0, size_bytes)
            else:
                self._file.write(bytes(size_bytes))
                self._file.flush()
        except OSError:
            self._file.close()
            raise

    def give(self) -> None:
        """Let others have it; once."""
        self._file.close()


def sweep(root: Path, older_than_s: float, emptied: tuple[str, ...]) -> int:
    """Remove unfinished files and empty folders.

    Args:
        root: of the store.
        older_than_s: files last written to within so many seconds stay; so do those that somebody is writing.
        emptied: names of the folders in `root` below which empty folders go, too.

    Returns:
        How many files were removed.
    """
    removed, before = 0, time.time() - older_than_s
    for where, _, names in os.walk(root, topdown=False):
        for path in (Path(where, name) for name in names if _STAGED.search(name)):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                removed += _remove_left(path, before)
        if Path(where).relative_to(root).parts[:1] in {(name,) for name in emptied}:
            with contextlib.suppress(OSError):  # something is in it
                Path(where).rmdir()
    return removed


def _remove_left(path: Path, before: float) -> bool:
    """Remove an unfinished file that is old enough and that nobody writes; whether it was."""
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        if os.fstat(file).st_mtime > before or not _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return False
        path.unlink()
    finally:
        os.close(file)
    return True


def _lock(file: int, how: int) -> bool:
    """Lock an opened file, or find that another has locked it."""
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _stage(path: Path) -> tuple[Path, int, list[Path]]:
    """An empty file beside `path` under a name of its own, opened and locked; and the folders it had to have made."""
    staged = path.with_name(f"{path.name}#{uuid.uuid4().int:039d}")
    made: list[Path] = []
    for _ in range(_TRIES):
        try:
            file = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            made = [folder for folder in path.parents if not folder.exists()]
        else:
            try:
                _lock(file, fcntl.LOCK_EX)
            except OSError:
                os.close(file)
                staged.unlink(missing_ok=True)
                raise
            if os.fstat(file).st_nlink:
                return staged, file, made
            os.close(file)  # it was swept before it was locked
            continue
        # Another process may remove a folder that it finds empty while we make the next one in it.
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True)
    raise FileNotFoundError(errno.ENOENT, "the folder is removed again and again", str(path.parent))


def _flush_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # another process cleaned up meanwhile
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network folders cannot
            raise
    finally:
        os.close(handle)
