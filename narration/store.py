"""The object store: the program's whole memory, on a local folder or on S3, by the same code.

This is obstore's only room. It knows keys and bytes; what they mean is the business of `claims`, `takes`, `voices`
and `usage`. Invariant: an object is there whole or not at all, and `create` makes at most one of its key, whoever asks.

On a folder every object is flushed to the disk (`fsync`) before `put` and `create` return, its folder entry included;
a power cut can then lose only what had not returned yet. On S3 the service's own durability holds.
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, from_url

from narration.errors import InputError, Problem, StoreError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_REMOTE = re.compile(r"^(s3|s3a|gs|az|azure|memory)://", re.IGNORECASE)
_STAGED = re.compile(r"#\d+$")
"""How obstore names a file that it has not finished writing (object_store's `LocalFileSystem`)."""


class Store:
    """Keys and bytes.

    Attributes:
        url: where it is, as the user would name it.
        folder: the local folder, or None for a remote store.
    """

    def __init__(self, objects: ObjectStore, url: str, folder: Path | None) -> None:
        self._objects = objects
        self.url = url
        self.folder = folder

    async def create(self, key: str, data: bytes) -> bool:
        """Write an object that must not exist yet.

        Returns:
            Whether it was made; False when somebody else made it before.

        Raises:
            StoreError: the store cannot be written.
        """
        try:
            await self._put(key, data, create=True)
        except (AlreadyExistsError, FileExistsError):
            return False
        except (BaseError, OSError) as error:
            raise self._broken("write", key, error) from error
        return True

    async def put(self, key: str, data: bytes) -> None:
        """Write an object, over an older one if there is one.

        Raises:
            StoreError: the store cannot be written.
        """
        try:
            await self._put(key, data, create=False)
        except (BaseError, OSError) as error:
            raise self._broken("write", key, error) from error

    async def _put(self, key: str, data: bytes, *, create: bool) -> None:
        mode: Literal["create", "overwrite"] = "create" if create else "overwrite"
        if self.folder is None:
            await obstore.put_async(self._objects, key, data, mode=mode, use_multipart=False)
            return
        # A local write is quicker than the hop to obstore's threads; only the disk's flush is worth a thread.
        obstore.put(self._objects, key, data, mode=mode, use_multipart=False)
        await asyncio.to_thread(_flush, self.folder / key)

    async def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none.

        Raises:
            StoreError: the store cannot be read.
        """
        try:
            if self.folder is not None:
                return bytes(obstore.get(self._objects, key).bytes())
            answer = await obstore.get_async(self._objects, key)
            return bytes(await answer.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise self._broken("read", key, error) from error

    async def exists(self, key: str) -> bool:
        """Whether there is an object of that key.

        Raises:
            StoreError: the store cannot be read.
        """
        try:
            if self.folder is not None:
                obstore.head(self._objects, key)
            else:
                await obstore.head_async(self._objects, key)
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise self._broken("read", key, error) from error
        return True

    async def keys(self, prefix: str) -> list[str]:
        """All keys below a folder-like prefix, sorted.

        Raises:
            StoreError: the store cannot be read.
        """
        found: list[str] = []
        try:
            async for batch in obstore.list(self._objects, prefix):
                found.extend(item["path"] for item in batch)
        except FileNotFoundError:
            return []
        except (BaseError, OSError) as error:
            raise self._broken("list", prefix, error) from error
        return sorted(found)

    async def delete(self, key: str) -> None:
        """Remove an object; one that is gone already is no error.

        Raises:
            StoreError: the store cannot be written.
        """
        try:
            if self.folder is not None:
                obstore.delete(self._objects, key)
            else:
                await obstore.delete_async(self._objects, key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise self._broken("delete", key, error) from error

    def sweep(self) -> int:
        """Remove what killed writers left half-written in a local folder, and empty folders below `open/`.

        Returns:
            How many files were removed.

        Only call it when no other process writes: a staged file of a living writer looks the same.
        """
        if self.folder is None:
            return 0
        staged = [path for path in self.folder.rglob("*") if _STAGED.search(path.name) and path.is_file()]
        for path in staged:
            path.unlink(missing_ok=True)
        return len(staged)

    def _broken(self, verb: str, key: str, error: Exception) -> StoreError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return StoreError(
            f"The store {self.url} cannot {verb} {key}: {reason}.",
            "Check the disk's space, the permissions or the bucket's access; what is stored is kept.",
        )


def open_store(where: str | Path) -> Store:
    """Open (and, for a folder, make) the store.

    Args:
        where: a folder, or a URL such as `s3://bucket/prefix`. S3 credentials, region and endpoint come from the
            usual `AWS_…` variables, which obstore reads itself.

    Raises:
        InputError: the folder cannot be made, or the URL is not understood.
    """
    text = str(where)
    if _REMOTE.match(text):
        try:
            return Store(from_url(text), text, None)
        except (BaseError, ValueError, OSError) as error:
            raise InputError(
                Problem(
                    what=f"the store {text!r} cannot be opened: {str(error).splitlines()[0]}",
                    where="--store",
                    expected="a folder, or a URL such as s3://bucket/prefix",
                )
            ) from error
    if "://" in text:
        raise InputError(
            Problem(what=f"{text!r} is not a store", where="--store", expected="a folder, or s3://bucket/prefix")
        )
    folder = Path(text).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        objects = LocalStore(prefix=folder, mkdir=True, automatic_cleanup=True)
    except (OSError, BaseError) as error:
        raise InputError(
            Problem(
                what=f"the folder {folder} cannot be used as a store: {str(error).splitlines()[0]}",
                where="--store",
                expected="a folder that may be written",
                hint="Choose another with --store, or set NARRATION_HOME.",
            )
        ) from error
    return Store(objects, str(folder), folder)


def _flush(path: Path) -> None:
    for target in (path, path.parent):
        try:
            handle = os.open(target, os.O_RDONLY)
        except FileNotFoundError:  # another process may have cleaned up meanwhile
            continue
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
