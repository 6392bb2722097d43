"""Zip archives (EPUB, DOCX): opened, searched and read within bounds.

Invariant: no member is unpacked beyond its bound, whatever the archive says of its size, and every fault of an archive
is an InputError that names it.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from typing import Final
from urllib.parse import unquote

from narration.errors import InputError, Problem

_MEMBER_BYTES: Final = 256 << 20
"""A novel is 1 MB; 256 MB in one file is no book."""
_TOTAL_BYTES: Final = 512 << 20
_BOMB_BYTES: Final = 8 << 20
_BOMB_RATIO: Final = 400
"""Prose packs to a third, one sentence repeated to a 300th; from 8 MB on, more than 400:1 is an attack."""

_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, IndexError)
_AGAIN: Final = "It is damaged or incomplete: copy or download it again."


class Archive:
    """One zip archive in memory.

    Args:
        data: the whole file.
        where: the file as the user would name it.

    Raises:
        InputError: it is no whole zip archive.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self.where = where
        self._read = 0
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            names = self._zip.namelist()
        except _BROKEN as error:
            problem = Problem(what=f"this is no whole zip archive ({error})", where=where, hint=_AGAIN)
            raise InputError(problem) from None
        self._names = {name.replace("\\", "/").removeprefix("./"): name for name in names if not name.endswith("/")}
        self._folded = {name.casefold(): name for name in reversed(self._names)}

    @property
    def names(self) -> tuple[str, ...]:
        """All files, in the order of the archive."""
        return tuple(self._names)

    def find(self, name: str) -> str | None:
        """The name of a member as the archive spells it; links are often wrong in case or escapes."""
        for candidate in (name, unquote(name)):
            if candidate in self._names:
                return candidate
            if candidate.casefold() in self._folded:
                return self._folded[candidate.casefold()]
        return None

    def read(self, name: str) -> bytes:
        """The bytes of a member.

        Raises:
            InputError: it is damaged, encrypted, or unpacks to more than any book holds.
        """
        place = f"{self.where}: {name}"
        info = self._zip.getinfo(self._names[name])
        bound = min(_MEMBER_BYTES, _TOTAL_BYTES - self._read)
        if info.compress_size:
            bound = min(bound, max(_BOMB_BYTES, info.compress_size * _BOMB_RATIO))
        if info.flag_bits & 1:
            raise InputError(
                Problem(what="the file is encrypted", where=place, hint="Save the book without a password.")
            )
        try:
            with self._zip.open(info) as member:
                data = member.read(bound + 1)
        except _BROKEN as error:
            problem = Problem(what=f"the file cannot be unpacked ({error})", where=place, hint=_AGAIN)
            raise InputError(problem) from None
        except RuntimeError as error:
            raise InputError(Problem(what=f"the file cannot be unpacked ({error})", where=place)) from None
        if len(data) > bound:
            what = f"it unpacks from {info.compress_size:,} bytes to more than {bound:,}: no book does"
            raise InputError(Problem(what=what, where=place, hint="Make the file again from its source."))
        self._read += len(data)
        return data


def resolve(base: str, link: str) -> tuple[str, str]:
    """`(file, fragment)` of a link, relative to the file that it stands in; outside addresses give an empty file."""
    target, _, fragment = link.strip().partition("#")
    if ":" in target.split("/", 1)[0] or target.startswith("//"):
        return "", ""
    if not target:
        return base, unquote(fragment)
    path = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(target.partition("?")[0])))
    return path.lstrip("/").removeprefix("../"), unquote(fragment)
