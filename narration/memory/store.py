"""The object store: the program's whole memory, on a local folder or on S3, by the same code.

This is obstore's only room. It knows keys and bytes; what they mean is the business of `claims`, `takes`, `voices`
and `usage`. Invariant: an object is there whole or not at all, and `create` makes at most one of its key, whoever asks.

On a folder an object's bytes are flushed to the disk (`fsync`) before it gets its name, and the name before `put` and
`create` return: a power cut loses only what had not returned yet, and what is there is whole. What was deleted may be
there again after a power cut; nothing here depends on its being gone. On S3 the service's own durability holds.

A remote store is asked by threads of its own, through obstore's blocking calls. Its asynchronous ones come back through
a runtime that is not shut down before Python is: a process that ends right after one is, now and then, aborted
(github.com/PyO3/pyo3-async-runtimes issue 40), and its exit status with it.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, from_url

from narration.errors import InputError, Problem, StoreError
from narration.folder import FULL, Room, sweep, write_whole
from narration.memory.again import CONFLICT, again, retrying

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from obstore.store import ObjectStore

T = TypeVar("T")

AT_ONCE = 64
"""How many objects are asked for at the same time; more does not help on a folder or on S3."""

EMPTIED = ("budget", "ledger", "open", "runs")
"""Where objects come and go; a killed writer may leave folders empty there."""

_REMOTE = re.compile(r"^(s3|s3a|gs|az|azure|memory)://", re.IGNORECASE)
_LISTED = 1000
"""Keys in one batch of a listing.

Source: docs.aws.amazon.com, S3 ListObjectsV2, MaxKeys.
"""
_S3_ERROR = re.compile(r"<Code>([^<]*)</Code>(?:\s*<Message>([^<]*)</Message>)?")


ROOM_BYTES = 8 << 20
"""Held on the disk of a local store while a run buys: enough for what is in flight, and for the run's rows."""


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
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="store")
        self._room: Room | None = None
        self._buyers: list[Callable[[StoreError], None]] = []

    @contextmanager
    def room(self, on_full: Callable[[StoreError], None], size_bytes: int = ROOM_BYTES) -> Iterator[None]:
        """Hold some space of a local store's disk meanwhile, for answers that come in when there is no more.

        Runs of one process hold it together: it is let go of when the last of them ends, or a write needs it.

        Args:
            on_full: told, from any thread, when a write needs it: nothing more is to be bought then.
            size_bytes: how much.

        Raises:
            StoreError: there is not so much, so that nothing should be bought at all.
        """
        if self.folder is None:
            yield
            return
        if not self._buyers:
            try:
                self._room = Room(self.folder, size_bytes)
            except OSError as error:
                raise self._broken("write", "what is to be bought", error) from error
        self._buyers.append(on_full)
        try:
            yield
        finally:
            self._buyers.remove(on_full)
            if not self._buyers:
                self._give_room()

    def _give_room(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.give()

    def _write_file(self, key: str, data: bytes, *, create: bool) -> bool:
        """Write into a local store, at last into the room that is kept."""
        path = self.folder / key if self.folder is not None else Path(key)
        try:
            # Not by obstore, which gives a file its name before its bytes are on the disk.
            return write_whole(path, data, create=create)
        except OSError as error:
            if error.errno not in FULL or not self._buyers:
                raise
            for on_full in tuple(self._buyers):
                on_full(self._broken("write", key, error))
            self._give_room()
            return write_whole(path, data, create=create)

    async def create(self, key: str, data: bytes) -> bool:
        """Write an object that must not exist yet.

        Returns:
            Whether it was made; False when somebody else made it before. Of a remote store, True also where the same
            bytes are there already: an answer that was lost, and another's, cannot be told apart.

        Raises:
            StoreError: the store cannot be written.
        """
        return await self._write(key, data, create=True)

    async def put(self, key: str, data: bytes) -> None:
        """Write an object, over an older one if there is one.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._write(key, data, create=False)

    async def _write(self, key: str, data: bytes, *, create: bool) -> bool:
        def write() -> bool:
            if self.folder is not None:
                return self._write_file(key, data, create=create)
            if create:
                return self._create_there(key, data)
            again(lambda: obstore.put(self._objects, key, data, mode="overwrite", use_multipart=False), BaseError)
            return True

        try:
            return await _to_its_end(self._in_thread(write))
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as error:
            raise self._broken("write", key, error) from error

    def _create_there(self, key: str, data: bytes) -> bool:
        """Create an object in a remote store. The library repeats what had no answer, too: the bytes tell whose."""

        def create() -> bool:
            try:
                obstore.put(self._objects, key, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                try:
                    return bytes(obstore.get(self._objects, key).bytes()) == data
                except FileNotFoundError:
                    raise BaseError(CONFLICT) from None
            return True

        return again(create, BaseError)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _look(self, work: Callable[[], T]) -> T:
        # A local look is quicker than the hop to a thread.
        return work() if self.folder is not None else await self._in_thread(lambda: again(work, BaseError))

    async def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none.

        Raises:
            StoreError: the store cannot be read.
        """
        try:
            if self.folder is not None:
                return (self.folder / key).read_bytes()
            return await self._look(lambda: bytes(obstore.get(self._objects, key).bytes()))
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self._broken("read", key, error) from error
            return None
        except (BaseError, OSError) as error:
            raise self._broken("read", key, error) from error

    def read_now(self, key: str) -> bytes | None:
        """The same, at once: for the few small records that are read before anything runs.

        Raises:
            StoreError: the store cannot be read.
        """
        try:
            return again(lambda: bytes(obstore.get(self._objects, key).bytes()), BaseError)
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self._broken("read", key, error) from error
            return None
        except (BaseError, OSError) as error:
            raise self._broken("read", key, error) from error

    async def exists(self, key: str) -> bool:
        """Whether there is an object of that key.

        Raises:
            StoreError: the store cannot be read.
        """
        try:
            await self._look(lambda: obstore.head(self._objects, key))
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

        def look() -> list[str]:
            batches = obstore.list(self._objects, prefix, chunk_size=_LISTED)
            return sorted(item["path"] for batch in batches for item in batch)

        try:
            return await self._look(look)
        except (BaseError, OSError) as error:
            raise self._broken("list", prefix, error) from error

    async def sizes(self, prefix: str) -> dict[str, int]:
        """Bytes of every object below a folder-like prefix, by key.

        Raises:
            StoreError: the store cannot be read.
        """

        def look() -> dict[str, int]:
            batches = obstore.list(self._objects, prefix or None, chunk_size=_LISTED)
            return {item["path"]: int(item["size"]) for batch in batches for item in batch}

        try:
            return await self._look(look)
        except (BaseError, OSError) as error:
            raise self._broken("list", prefix, error) from error

    async def folders(self, prefix: str) -> list[str]:
        """The names of what lies in folders directly below a folder-like prefix, sorted; what is in them is not read.

        Raises:
            StoreError: the store cannot be read.
        """
        try:
            listing = await self._look(lambda: obstore.list_with_delimiter(self._objects, prefix))
        except (BaseError, OSError) as error:
            raise self._broken("list", prefix, error) from error
        return sorted(name.rstrip("/").rpartition("/")[2] for name in listing["common_prefixes"])

    async def delete(self, key: str) -> None:
        """Remove an object; one that is gone already is no error.

        Raises:
            StoreError: the store cannot be written.
        """
        try:
            await _to_its_end(self._look(lambda: obstore.delete(self._objects, key)))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise self._broken("delete", key, error) from error

    async def delete_all(self, keys: Iterable[str]) -> None:
        """Remove objects, in no order; those that are gone already are no error.

        Raises:
            StoreError: the store cannot be written.
        """
        gone = list(keys)
        if self.folder is None and gone:
            try:
                # One request for many.
                await _to_its_end(self._look(lambda: obstore.delete(self._objects, gone)))
            except FileNotFoundError:
                pass  # where a missing one stops it
            except (BaseError, OSError) as error:
                raise self._broken("delete", f"{gone[0]} and others", error) from error
            else:
                return
        await at_once(self.delete(key) for key in gone)

    def sweep(self, older_than_s: float = 0.0) -> int:
        """Remove what killed writers left in a local folder: half-written files, and folders emptied of claims.

        Args:
            older_than_s: files written to within so many seconds stay. What a living writer of this machine has
                begun stays however old it is (see `narration.folder`); 0 is for when no other machine writes.

        Returns:
            How many files were removed.
        """
        return 0 if self.folder is None else sweep(self.folder, older_than_s, EMPTIED)

    def _broken(self, verb: str, key: str, error: Exception) -> StoreError:
        if isinstance(error, OSError) and error.errno in FULL:
            what = f"The disk is full: the store {self.url} cannot {verb} {key} ({_reason(error)})."
            hint = f"Free {2 * ROOM_BYTES >> 20} MB or more there, and run the same command again"
            return StoreError(what, f"What was answered is kept. {hint}: it goes on from there.")
        if self.folder is not None:
            hint = "Check the disk's space and the permissions; what is stored is kept."
        else:
            hint = "Check the bucket's name and access, and the AWS_… variables; what is stored is kept."
        return StoreError(f"The store {self.url} cannot {verb} {key}: {_reason(error)}.", hint)


def _reason(error: Exception) -> str:
    """The sentence in an error of obstore's, which goes on with pages for developers; or the code that S3 gave."""
    text = str(error)
    if found := _S3_ERROR.search(text):
        return ": ".join(part for part in found.groups() if part).rstrip(".")
    return text.splitlines()[0].rstrip(". ") if text else type(error).__name__


async def at_once(works: Iterable[Awaitable[T]]) -> list[T]:
    """Do all of it, no more than `AT_ONCE` at the same time; the results are in order."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(work: Awaitable[T]) -> T:
        async with slots:
            return await work

    return await asyncio.gather(*(one(work) for work in works))


async def _to_its_end(work: Awaitable[T]) -> T:
    """A write that was begun is finished before a cancellation takes effect: nothing lands after its writer is gone."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise


def open_store(where: str | Path) -> Store:
    """Open (and, for a folder, make) the store.

    Args:
        where: a folder, or a URL such as `s3://bucket/prefix`. For S3, obstore itself reads `AWS_ACCESS_KEY_ID`,
            `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` (or `AWS_DEFAULT_REGION`), and, for a server
            other than Amazon's, `AWS_ENDPOINT_URL` (or `AWS_ENDPOINT`), with `AWS_ALLOW_HTTP=true` where it has no
            TLS. The server must know conditional writes (`If-None-Match: *`). Nothing is sent yet.

    Raises:
        InputError: the folder cannot be made, or the URL is not understood.
    """
    text = str(where)
    if _REMOTE.match(text):
        try:
            return Store(from_url(text, retry_config=retrying()), text, None)
        except (BaseError, ValueError, OSError) as error:
            raise InputError(
                Problem(
                    what=f"the store {text!r} cannot be opened: {_reason(error)}",
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
                what=f"the folder {folder} cannot be used as a store: {_reason(error)}",
                where="--store",
                expected="a folder that may be written",
                hint="Choose another with --store, or set NARRATION_HOME.",
            )
        ) from error
    return Store(objects, str(folder), folder)
