"""Writing a delivered file: whole or not at all, and the same bytes from the same contents.

Invariant: a name in the output folder stands for a whole file; a zip holds no date and no order but its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from narration.errors import StoreError
from narration.folder import FULL

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip can hold: the same in every archive."""


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes `target` when the block ends well and is removed when it does not.

    Raises:
        StoreError: the folder cannot be written, or the disk is full.
    """
    # Chapters are delivered side by side, each in a thread, and what belongs to the book is written by more than one.
    part = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(target)
    except OSError as error:
        hint = "Choose another folder with --out; what is paid for is kept in the store."
        if error.errno in FULL:
            what = f"The disk is full: {target} cannot be written ({error.strerror})."
            raise StoreError(what, f"Make room and run the same command again. {hint}") from error
        raise StoreError(f"{target} cannot be written: {error.strerror or error}.", hint) from error
    finally:
        part.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write a text file in UTF-8; one that says the same already is left as it is.

    Raises:
        StoreError: it cannot be written.
    """
    with contextlib.suppress(OSError):
        if target.read_bytes() == text.encode():
            return
    with staged(target) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def copy_file(source: Path, target: Path) -> None:
    """Give a file a second place; as a link to the same bytes where the disk can.

    Raises:
        StoreError: it cannot be put there.
    """
    with staged(target) as part:
        try:
            part.hardlink_to(source)
        except OSError:
            shutil.copyfile(source, part)


def write_zip(target: Path, entries: Iterable[tuple[str, bytes | Path]]) -> None:
    """Write a zip archive, its entries in the order given; sound and pictures are stored, text is deflated.

    Args:
        target: the file.
        entries: name in the archive, and its bytes or the file that holds them. A name `mimetype` is stored.

    Raises:
        StoreError: it cannot be written.
    """
    with staged(target) as part, zipfile.ZipFile(part, "w", allowZip64=True) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            info.create_system = 3  # as on Unix, wherever it is written
            packed = isinstance(content, Path) or name == "mimetype"
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            if isinstance(content, Path):
                info.file_size = content.stat().st_size
                with content.open("rb") as source, archive.open(info, "w") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
            else:
                archive.writestr(info, content)
