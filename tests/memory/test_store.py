"""The store: one winner for each key, whole objects or none, on a folder and on S3."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import obstore
import pytest
from moto.s3.responses import S3Response
from obstore.exceptions import BaseError

from narration.errors import InputError, StoreError
from narration.folder import Room
from narration.memory.store import AT_ONCE, Store, _to_its_end, at_once, open_store
from tests.memory.conftest import SECRET, Place
from tests.memory.worlds import Cabinet, no_leftovers


@pytest.fixture
def folder_store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


async def test_an_object_reads_back_and_may_be_overwritten(store: Store) -> None:
    await store.put("a/b.json", b"one")
    assert await store.get("a/b.json") == b"one"
    await store.put("a/b.json", b"")
    assert await store.get("a/b.json") == b""
    assert await store.exists("a/b.json")


async def test_what_is_not_there_reads_as_nothing_and_may_be_deleted(store: Store) -> None:
    assert await store.get("a/b") is None
    assert not await store.exists("a/b")
    assert await store.keys("a/") == []
    assert await store.folders("a") == []
    await store.delete("a/b")
    await store.delete_all(["a/b", "a/c"])
    await store.put("a/b", b"1")
    await store.delete("a/b")
    assert await store.get("a/b") is None


async def test_a_listing_is_sorted_and_takes_its_prefix_for_a_folder(store: Store) -> None:
    for key in ("open/b/2", "open/b/10", "open/a/1", "opened/x/1", "open/c"):
        await store.put(key, b"1")
    assert await store.keys("open/") == ["open/a/1", "open/b/10", "open/b/2", "open/c"]
    assert await store.keys("open/b") == ["open/b/10", "open/b/2"]
    assert await store.folders("open") == ["a", "b"]
    await store.delete_all(await store.keys("open/"))
    assert await store.keys("open/") == []
    assert await store.keys("opened") == ["opened/x/1"]


@pytest.mark.slow
async def test_a_listing_is_whole_beyond_one_page(place: Place) -> None:
    store = place.open()
    names = [f"many/{number:05d}" for number in range(1100)]
    if place.folder is not None:
        (place.folder / "many").mkdir()
        for name in names:
            (place.folder / name).touch()
    else:
        await at_once(store.put(name, b"") for name in names)
    assert await store.keys("many/") == names
    await store.delete_all(names)
    assert await store.keys("many/") == []


async def test_the_cabinet_of_these_tests_does_as_the_stores_do() -> None:
    cabinet = Cabinet()
    await test_an_object_reads_back_and_may_be_overwritten(cabinet)
    await test_what_is_not_there_reads_as_nothing_and_may_be_deleted(Cabinet())
    await test_a_listing_is_sorted_and_takes_its_prefix_for_a_folder(Cabinet())
    assert [await cabinet.create("new", b"1"), await cabinet.create("new", b"1")] == [True, False]


async def test_of_many_that_create_at_once_exactly_one_wins(store: Store) -> None:
    for number in range(10):
        made = await asyncio.gather(*(store.create(f"open/{number}/claim", f"{who}".encode()) for who in range(16)))
        assert made.count(True) == 1
        assert await store.get(f"open/{number}/claim") == f"{made.index(True)}".encode()


CREATOR = """
import asyncio, sys, time
from narration.memory.store import open_store
async def main():
    store, wins = open_store(sys.argv[1]), []
    await store.create("ready/" + sys.argv[2], b"")
    while len(await store.keys("ready/")) < int(sys.argv[3]):
        await asyncio.sleep(0.01)
    for number in range(25):
        if await store.create(f"open/{number}/claim", sys.argv[2].encode()):
            wins.append(number)
    print(wins)
asyncio.run(main())
"""


async def test_of_many_processes_that_create_at_once_exactly_one_wins(place: Place) -> None:
    async def create(who: int) -> list[int]:
        command = [sys.executable, "-c", CREATOR, place.url, str(who), "4"]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, check=True, env={**os.environ, **place.variables}
        )
        numbers: list[int] = json.loads(done.stdout)
        return numbers

    wins = await asyncio.gather(*(create(who) for who in range(4)))
    assert sorted(number for won in wins for number in won) == list(range(25))
    store = place.open()
    for who, won in enumerate(wins):
        for number in won:
            assert await store.get(f"open/{number}/claim") == str(who).encode()


async def test_a_reader_sees_one_whole_object_or_another(store: Store) -> None:
    """It is read for as long as it is written, and written for as long as it is read, however fast either goes."""
    whole = [bytes([number]) * 200_000 for number in range(8)]
    await store.put("takes/aa", whole[-1])
    writes, read_enough = 0, asyncio.Event()

    async def write() -> None:
        nonlocal writes
        while not read_enough.is_set():
            await store.put("takes/aa", whole[writes % len(whole)])
            writes += 1

    writer = asyncio.create_task(write())
    found = list[bytes | None]()
    while not writer.done() and (writes < 24 or len(found) < 24):
        found.append(await store.get("takes/aa"))
        await asyncio.sleep(0)
    read_enough.set()
    await writer
    assert set(found) <= set(whole)


async def test_a_file_has_its_name_only_when_its_bytes_are_on_the_disk(
    folder_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await folder_store.put("old", b"old")

    def broken_disk(_file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken_disk)
    for write in (folder_store.create("new", b"new"), folder_store.put("old", b"new")):
        with pytest.raises(StoreError, match="Input/output error"):
            await write
    monkeypatch.undo()
    assert await folder_store.get("new") is None
    assert await folder_store.get("old") == b"old"
    assert folder_store.folder is not None
    assert no_leftovers(folder_store.folder)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which file is open")
async def test_the_folders_made_for_a_file_are_on_the_disk_too(
    folder_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    fsync = os.fsync

    def note(file: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{file}").readlink()))
        fsync(file)

    monkeypatch.setattr(os, "fsync", note)
    await folder_store.put("takes/aa/bb/take.json", b"1")
    assert folder_store.folder is not None
    root = folder_store.folder
    assert {str(root), str(root / "takes"), str(root / "takes/aa"), str(root / "takes/aa/bb")} <= set(flushed)


async def test_nothing_but_the_objects_is_left_after_use(folder_store: Store) -> None:
    keys = [f"takes/{number % 3}/{number}/take.json" for number in range(20)]
    await asyncio.gather(*(folder_store.create(key, b"1") for key in [*keys, *keys]))
    await asyncio.gather(*(folder_store.put(f"open/{number}/claim", b"1") for number in range(20)))
    await asyncio.gather(*(folder_store.delete(f"open/{number}/claim") for number in range(20)))
    assert folder_store.folder is not None
    files = {str(path.relative_to(folder_store.folder)) for path in folder_store.folder.rglob("*") if path.is_file()}
    assert files == set(keys)
    assert not (folder_store.folder / "open").exists()


async def test_writers_and_removers_of_one_folder_do_not_trip_each_other(folder_store: Store) -> None:
    async def come_and_go(who: int) -> None:
        for number in range(60):
            key = f"open/subject-{number % 2}/claim-{who}"
            await folder_store.put(key, b"1")
            await folder_store.delete(key)

    await asyncio.gather(*(come_and_go(who) for who in range(6)))
    assert await folder_store.keys("open/") == []


async def test_a_cancelled_write_is_done_or_not_but_not_later(
    folder_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled at each of the first turns of the loop, while the disk still works at it."""
    fsync, cancelled = os.fsync, threading.Event()

    def busy_disk(file: int) -> None:
        cancelled.wait()
        fsync(file)

    monkeypatch.setattr(os, "fsync", busy_disk)
    assert folder_store.folder is not None
    outcomes = set()
    for steps in range(8):
        store = open_store(folder_store.folder)
        cancelled.clear()
        task = asyncio.create_task(store.put(f"runs/{steps}", b"1" * 3_000_000))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        asyncio.get_running_loop().call_soon(cancelled.set)
        with pytest.raises(asyncio.CancelledError):
            await task
        now = await store.get(f"runs/{steps}")
        assert no_leftovers(folder_store.folder)
        store._threads.shutdown()  # when all is done that was begun
        assert await store.get(f"runs/{steps}") == now
        outcomes.add(now is not None)
    assert outcomes == {False, True}, "some were cancelled before they began, and some after"


WRITER = """
import asyncio, os, sys, time
from pathlib import Path
from narration.memory.store import open_store
where, what, owner, name = sys.argv[1:]
def stop(*_args, **_named):
    print("there", flush=True)
    time.sleep(600)
async def main():
    store = open_store(where)
    setattr({"os": os, "Path": Path}[owner], name, stop)
    await getattr(store, what)("open/again", bytes([2]) * 4_000_000)
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("what", "moment"),
    [
        ("create", "os.fsync"),
        ("create", "os.link"),
        ("create", "Path.unlink"),
        ("put", "os.fsync"),
        ("put", "Path.replace"),
    ],
)
async def test_a_writer_killed_in_the_middle_leaves_a_whole_object_and_what_the_sweep_takes(
    folder_store: Store, what: str, moment: str
) -> None:
    """Killed as it is about to flush the file, to give it its name, or to take the other one away."""
    assert folder_store.folder is not None
    before = None if what == "create" else bytes([1]) * 4_000_000
    if before is not None:
        await folder_store.put("open/again", before)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, folder_store.url, what, *moment.split("."), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"there\n"
    assert folder_store.sweep() == 0, "its writer lives"
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    whole = bytes([2]) * 4_000_000 if moment == "Path.unlink" else before
    assert await folder_store.get("open/again") == whole
    assert await folder_store.keys("open/") == ["open/again"] * (whole is not None)
    assert folder_store.sweep() == 1
    assert no_leftovers(folder_store.folder)
    assert await folder_store.get("open/again") == whole


async def test_the_sweep_spares_what_is_young_and_what_is_not_ours(folder_store: Store) -> None:
    assert folder_store.folder is not None
    staged = folder_store.folder / "takes" / f"take.json#{'7' * 39}"
    users = folder_store.folder / "takes" / "notes#1"
    (folder_store.folder / "takes" / "empty").mkdir(parents=True)
    (folder_store.folder / "open" / "emptied").mkdir(parents=True)
    staged.touch()
    users.touch()
    assert await folder_store.keys("takes/") == []
    assert folder_store.sweep(older_than_s=60) == 0
    assert staged.exists()
    os.utime(staged, (time.time() - 61, time.time() - 61))
    assert folder_store.sweep(older_than_s=60) == 1
    assert users.exists()
    assert (folder_store.folder / "takes" / "empty").exists()
    assert not (folder_store.folder / "open").exists()


async def test_no_sweep_takes_what_is_being_written_whoever_believes_to_be_alone(folder_store: Store) -> None:
    """Eight write and two sweep until each has done so often enough, however fast the others are."""
    sweeps = [0, 0]
    over = threading.Event()

    def sweep_on(who: int) -> None:
        while not over.is_set():
            folder_store.sweep()
            sweeps[who] += 1

    async def write(number: int) -> int:
        written = 0
        while written < 40 or (min(sweeps) <= 10 and not any(one.done() for one in sweeping)):
            await folder_store.put(f"runs/{number}.json", b"{}")
            await folder_store.create(f"open/{number}/{uuid.uuid4().hex}", b"{}")
            written += 1
        return written

    with ThreadPoolExecutor(2) as pool:
        sweeping = [pool.submit(sweep_on, who) for who in range(2)]
        try:
            written = await asyncio.gather(*map(write, range(8)))
        finally:
            over.set()
        for one in sweeping:
            one.result()
    assert min(sweeps) > 10
    assert len(await folder_store.keys("open/")) == sum(written)


def test_there_is_nothing_to_sweep_on_s3(s3_variables: dict[str, str]) -> None:
    assert s3_variables
    assert open_store("s3://narrate/x").sweep() == 0


async def test_a_folder_that_cannot_be_written_is_a_clear_error(folder_store: Store) -> None:
    assert folder_store.folder is not None
    (folder_store.folder / "takes").write_text("a file where the folder should be")
    for write in (folder_store.put("takes/aa", b"1"), folder_store.create("takes/aa", b"1")):
        with pytest.raises(
            StoreError, match=r"cannot write takes/aa: .*Check the disk's space and the permissions"
        ) as told:
            await write
        assert str(told.value).count("\n") == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not hold for this user")
async def test_a_read_only_folder_is_a_clear_error(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    await store.put("a", b"1")
    (tmp_path / "store").chmod(0o500)
    try:
        with pytest.raises(StoreError, match="Permission denied"):
            await store.put("b/c", b"1")
        with pytest.raises(StoreError, match=r"[Pp]ermission denied"):
            await store.delete("a")
        with pytest.raises(InputError, match="cannot be used as a store"):
            open_store(tmp_path / "store" / "below")
    finally:
        (tmp_path / "store").chmod(0o700)


async def test_a_missing_bucket_is_a_clear_error_whatever_is_asked(s3_variables: dict[str, str]) -> None:
    assert s3_variables
    store = open_store("s3://no-such-bucket/store")
    for work in (store.put("a", b"1"), store.create("a", b"1"), store.get("a"), store.keys("a"), store.folders("a")):
        with pytest.raises(StoreError, match="NoSuchBucket: The specified bucket does not exist") as told:
            await work
        assert "AWS_" in str(told.value)
        assert len(str(told.value)) < 300
        assert SECRET not in repr(told.value.__cause__)
    with pytest.raises(StoreError, match="NoSuchBucket"):
        store.read_now("a")
    assert open_store("s3://narrate/store").read_now("not-there") is None


async def test_a_server_that_is_away_is_a_clear_error(
    s3_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3_variables
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("narration.memory.again.RETRY_S", 0.2)
    store = open_store("s3://narrate/store")
    with pytest.raises(StoreError, match=r"cannot write a: .*http://127\.0\.0\.1:9") as told:
        await store.put("a", b"1")
    assert SECRET not in repr(told.value.__cause__)


VISITOR = """
import asyncio, sys
from narration.memory.store import open_store
async def main():
    store = open_store("s3://narrate/visits")
    for number in range(5):
        await store.put(f"{sys.argv[1]}/{number}", b"1")
        await store.keys(sys.argv[1])
        await store.get(f"{sys.argv[1]}/{number}")
asyncio.run(main())
"""


@pytest.mark.slow
async def test_a_process_that_used_s3_ends_in_peace(s3_variables: dict[str, str]) -> None:
    slots = asyncio.Semaphore(3)

    async def visit(who: int) -> int:
        async with slots:
            command = [sys.executable, "-c", VISITOR, str(who)]
            done = await asyncio.to_thread(subprocess.run, command, env={**os.environ, **s3_variables}, check=False)
            return done.returncode

    assert set(await asyncio.gather(*(visit(who) for who in range(15)))) == {0}


async def test_the_endpoint_may_be_named_by_either_variable(
    s3_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", s3_variables["AWS_ENDPOINT_URL"])
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_REGION")
    store = open_store("s3://narrate/either")
    assert await store.create("a", b"1")
    assert not await store.create("a", b"2")
    assert await store.keys("") == ["a"]


@pytest.mark.parametrize("where", ["s3://", "ftp://host/store", "az://container/x", "https://host/store"])
def test_a_wrong_url_is_refused_with_what_was_expected(where: str) -> None:
    with pytest.raises(InputError, match="s3://bucket/prefix") as told:
        open_store(where)
    assert "\n" not in str(told.value)


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(InputError, match="cannot be used as a store"):
        open_store(tmp_path / "store")


async def test_no_more_is_asked_for_at_once_than_helps() -> None:
    open_now, most = 0, 0

    async def work(number: int) -> int:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        open_now -= 1
        return number

    assert await at_once(work(number) for number in range(500)) == list(range(500))
    assert 1 < most <= AT_ONCE


def _failing(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int, *, folders: bool, times: int = 1 << 30
) -> list[int]:
    """Have a call of the system fail for files or for folders, so many times; the failures."""
    real, failed = getattr(os, name) if name == "fsync" else getattr(fcntl, name), list[int]()

    def call(file: int, *rest: int) -> object:
        if stat.S_ISDIR(os.fstat(file).st_mode) == folders and len(failed) < times:
            failed.append(file)
            raise OSError(number, os.strerror(number))
        return real(file, *rest)

    monkeypatch.setattr(os if name == "fsync" else fcntl, name, call)
    return failed


async def test_a_write_onto_a_full_disk_takes_the_room_that_was_held_and_ends_the_buying(
    folder_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[StoreError] = []
    with folder_store.room(told.append, 1 << 16):
        _failing(monkeypatch, "fsync", errno.ENOSPC, folders=False, times=1)
        await folder_store.put("takes/a", b"paid for")
        assert folder_store._room is None
    assert await folder_store.get("takes/a") == b"paid for"
    assert [("The disk is full" in str(one)) for one in told] == [True]


async def test_a_file_system_without_locks_or_without_flushed_folders_serves_all_the_same(
    folder_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _failing(monkeypatch, "flock", errno.ENOLCK, folders=False) == []
    unflushed = _failing(monkeypatch, "fsync", errno.EINVAL, folders=True)
    await folder_store.put("takes/a", b"1")
    assert unflushed
    assert await folder_store.get("takes/a") == b"1"


@pytest.mark.parametrize(("name", "folders"), [("flock", False), ("fsync", True)])
async def test_a_disk_that_fails_in_earnest_is_told_and_leaves_nothing_unfinished(
    folder_store: Store, monkeypatch: pytest.MonkeyPatch, name: str, folders: bool
) -> None:
    _failing(monkeypatch, name, errno.EIO, folders=folders)
    with pytest.raises(StoreError, match="Input/output error"):
        await folder_store.put("takes/a", b"1")
    monkeypatch.undo()
    assert folder_store.folder is not None
    assert no_leftovers(folder_store.folder)
    assert await folder_store.get("takes/a") in (None, b"1")


async def test_a_folder_that_is_removed_again_and_again_ends_in_words_and_not_in_a_loop(
    folder_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "mkdir", lambda *_args, **_named: None)
    with pytest.raises(StoreError, match="removed again and again"):
        await folder_store.put("takes/aa/a", b"1")


def test_where_the_system_reserves_no_room_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate")
    room = Room(tmp_path, 1 << 16)
    assert os.fstat(room._file.fileno()).st_size == 1 << 16
    room.give()


async def test_a_write_that_was_itself_given_up_ends_as_cancelled() -> None:
    async def given_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await _to_its_end(given_up())


@pytest.mark.parametrize(
    ("words", "again"),
    [
        ("HTTP error: connection was not ready", True),
        ("HTTP error: request or response body error", True),
        ("HTTP error: error sending request", True),
        ("HTTP error: timed out", False),
    ],
)
async def test_a_request_whose_connection_broke_is_made_again_and_one_that_failed_otherwise_is_not(
    words: str, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, asked = open_store("memory://"), list[str]()

    def breaks_once(name: str) -> None:
        real = getattr(obstore, name)

        def ask(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 — as the library has it
            asked.append(name)
            if asked.count(name) == 1:
                raise BaseError(words)
            return real(*arguments, **named)

        monkeypatch.setattr(obstore, name, ask)

    await store.put("a", b"1")
    monkeypatch.setattr("narration.memory.again.FIRST_S", 0.001)
    works = {
        "put": store.create("b", b"1"),
        "head": store.exists("a"),
        "get": store.get("a"),
        "delete": store.delete("a"),
    }
    for name, work in works.items():
        breaks_once(name)
        if again:
            assert await work == {"put": True, "head": True, "get": b"1", "delete": None}[name]
        else:
            with pytest.raises(StoreError):
                await work
    assert asked == [name for name in works for _ in range(2 if again else 1)]


@pytest.mark.parametrize("there", [b"", b"ours", b"theirs"])
async def test_a_create_whose_connection_broke_is_ours_exactly_if_our_bytes_are_there(
    there: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to the first try is lost, and the try itself where it did not arrive or another's came before it."""
    store, real, tries = open_store("memory://"), obstore.put, list[bytes]()

    def put(objects: Any, key: str, data: bytes, **named: Any) -> Any:  # noqa: ANN401 — as the library has it
        tries.append(data)
        if len(tries) > 1:
            return real(objects, key, data, **named)
        if there:
            real(objects, key, there, **named)
        raise BaseError("HTTP error: error sending request")

    monkeypatch.setattr(obstore, "put", put)
    monkeypatch.setattr("narration.memory.again.FIRST_S", 0.001)
    assert await store.create("claim", b"ours") == (there != b"theirs")
    assert await store.get("claim") == (there or b"ours")
    assert tries == [b"ours"] * 2
    assert not await store.create("claim", b"another's"), "it is there already"


@pytest.mark.slow
@pytest.mark.parametrize("arrived", [True, False], ids=["done and 500", "409 and nothing there"])
async def test_a_create_that_a_server_did_or_refused_by_mistake_is_ours(
    s3_variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    """The library repeats a 500 by itself, and takes the second try's refusal, or a conflict, for another's object."""
    assert s3_variables
    real, tries = S3Response.put_object, list[str]()

    def put_object(self: S3Response) -> Any:  # noqa: ANN401 — as the server has it
        tries.append(self.path)
        if len(tries) > 1:
            return real(self)
        if arrived:
            real(self)
        conflict = "<Error><Code>ConditionalRequestConflict</Code><Message>Retry.</Message></Error>"
        return (500, {}, "") if arrived else (409, {}, conflict)

    monkeypatch.setattr(S3Response, "put_object", put_object)
    monkeypatch.setattr("narration.memory.again.FIRST_S", 0.001)
    store = open_store(f"s3://narrate/{uuid.uuid4().hex}")
    assert await store.create("claim", b"ours")
    assert len(tries) == 2
    assert await store.get("claim") == b"ours"
    assert not await store.create("claim", b"another's")
