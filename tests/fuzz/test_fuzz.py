"""Fuzzing in short form: every input that ever broke a reader, and some dozens of new ones of each kind.

`python -m tests.fuzz --seconds 600` is the long form.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.hunt import MOST_S, Find, hunted, limited, tried
from tests.fuzz.targets import SEEDS, TARGETS, Target, seeds_of

SLOW = ("mp3", "socket-", "answer-", "events", "download")
"""One input of these needs a program, a connection or a client."""
QUICK_COUNT, SLOW_COUNT = 120, 8
"""So many inputs are tried, the same ones each time, however long that takes."""
LONG_S = 3600.0


def _told(finds: list[Find]) -> str:
    return "\n\n".join(f"{find.data[:200]!r}\n{find.why}" for find in finds)


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_broke_a_reader_breaks_it_no_more(name: str, tmp_path: Path) -> None:
    for data in seeds_of(name):
        with limited(MOST_S):
            assert tried(TARGETS[name], data, tmp_path) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_no_mutated_input_breaks_a_reader(name: str, tmp_path: Path) -> None:
    count = SLOW_COUNT if name.startswith(SLOW) else QUICK_COUNT
    done, finds = hunted(name, tmp_path, seconds=LONG_S, seed=20261121, count=count)
    assert done == count or finds
    assert not finds, _told(finds)


def test_every_folder_of_seeds_belongs_to_a_target() -> None:
    assert {path.name for path in SEEDS.iterdir()} <= set(TARGETS)


def test_a_reader_that_breaks_hangs_or_eats_memory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hunter is one that can find."""

    def hangs(_data: bytes, _folder: Path) -> object:
        while True:
            pass

    readers = {
        "breaks": lambda _data, _folder: [][0],
        "hangs": hangs,
        "eats": lambda _data, _folder: bytearray(40 << 30),
    }
    monkeypatch.setattr("tests.fuzz.hunt.MOST_S", 1.0)
    monkeypatch.setattr("tests.fuzz.hunt.START", "fork")  # so that the targets below are there
    for name, read in readers.items():
        monkeypatch.setitem(TARGETS, name, Target(read, lambda: iter([b"seed"])))
        seeds_of.cache_clear()
        _done, finds = hunted(name, tmp_path / name, seconds=LONG_S, count=1)
        assert [find.target for find in finds] == [name]
        assert {"breaks": "IndexError", "hangs": "TooSlow", "eats": "MemoryError"}[name] in finds[0].why
    seeds_of.cache_clear()
