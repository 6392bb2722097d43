"""A disk that fills up while a book is bought: nothing is lost, nothing is bought twice, and the message says so."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from narration.deliver.writing import write_text
from narration.errors import ExitCode, NarrationError, StoreError
from narration.folder import Room, write_whole
from narration.keep import recover
from narration.memory.store import Store, open_store
from tests.faults.conftest import lawful, went_on
from tests.stages.conftest import World, speak_all

ROOM = 3 << 20
MOMENTS = 6


class Disk:
    """So many bytes, for files and for the room that a run keeps.

    Attributes:
        free: bytes that are left.
        written: bytes of all files that were written.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 1 << 50
        self.written = 0
        self._lock = threading.Lock()
        disk = self

        class Held:
            def __init__(self, _folder: Path, size_bytes: int) -> None:
                disk.take(size_bytes)
                self._size = size_bytes

            def give(self) -> None:
                disk.take(-self._size)

        monkeypatch.setattr("narration.memory.store.Room", Held)
        monkeypatch.setattr("narration.memory.store.ROOM_BYTES", ROOM)
        monkeypatch.setattr("narration.memory.store.write_whole", self.write)

    def take(self, size: int) -> None:
        with self._lock:
            if size > self.free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.free -= size

    def write(self, path: Path, data: bytes, *, create: bool) -> bool:
        self.take(len(data))
        self.written += len(data)
        return write_whole(path, data, create=create)


@pytest.mark.parametrize("sounding", [False, True], ids=["links", "the sound in the answer"])
async def test_a_disk_that_fills_up_at_any_moment_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, sounding: bool
) -> None:
    disk = Disk(monkeypatch)
    calm = World(folder=world.folder / "calm", service=world.service, wire=world.wire, dead_pid=world.dead_pid)
    calm.folder.mkdir()
    calm.write()
    await went_on(calm)
    whole, full = disk.written, 0
    for moment in range(MOMENTS):
        world.service.house.state.reset()
        here = World(
            folder=world.folder / f"at-{moment}", service=world.service, wire=world.wire, dead_pid=world.dead_pid
        )
        here.sounding = sounding
        here.folder.mkdir()
        here.write()
        disk.free = ROOM + whole * moment // MOMENTS
        try:
            async with here.desk() as desk:
                await recover(desk)
                await speak_all(desk, await here.plan())
        except StoreError as error:
            full += 1
            assert error.what.startswith("The disk is full: the store")  # noqa: PT017 — a late moment is no failure
            assert "Free 6 MB or more there, and run the same command again" in error.hint  # noqa: PT017
            assert error.exit_code is ExitCode.OUR_FAULT  # noqa: PT017
        disk.free = 1 << 50
        await went_on(here)
        await lawful(here)
    assert full > MOMENTS // 2


async def test_nothing_is_bought_on_a_disk_that_is_full_already(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    disk.free = ROOM - 1
    with pytest.raises(StoreError, match="The disk is full"):
        async with world.desk():
            pass
    assert world.asked() == 0
    disk.free = 1 << 50
    await went_on(world)
    await lawful(world)


def test_room_is_held_without_a_name_and_can_be_given(tmp_path: Path) -> None:
    room = Room(tmp_path, 1 << 20)
    assert list(tmp_path.iterdir()) == []
    room.give()
    room.give()


def test_room_that_is_not_there_is_a_full_disk(tmp_path: Path) -> None:
    told: list[StoreError] = []
    with (
        pytest.raises(StoreError, match="The disk is full") as caught,
        open_store(tmp_path).room(told.append, 1 << 60),
    ):
        pass
    assert "run the same command again" in caught.value.hint
    assert told == []


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "The disk is full"), (errno.EROFS, "cannot be written"), (errno.EACCES, "--out")],
)
def test_an_output_folder_that_cannot_be_written_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    (tmp_path / "old.json").write_text("old")
    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(NarrationError) as caught:
        write_text(tmp_path / "old.json", "new")
    assert said in str(caught.value)
    assert "--out" in str(caught.value)
    assert str(tmp_path / "old.json") in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]
    assert (tmp_path / "old.json").read_text() == "old"


def test_a_store_elsewhere_keeps_no_room() -> None:
    store = Store.__new__(Store)
    store.folder = None
    with store.room(lambda _: None):
        assert not hasattr(store, "_room")


def test_runs_of_one_process_hold_one_room_until_the_last_ends(tmp_path: Path) -> None:
    store, told = open_store(tmp_path), list[StoreError]()
    with store.room(told.append):
        with store.room(lambda _: None):
            room = store._room
        assert room is not None
        assert store._room is room
    assert store._room is None
