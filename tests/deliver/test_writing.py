"""Delivered files are whole, also where several threads write the same one, as chapters do with the cover."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from narration.deliver.cover import write_cover
from narration.deliver.writing import staged


def test_two_threads_that_write_the_same_file_both_end_well(tmp_path: Path) -> None:
    target, together = tmp_path / "parts" / "cover.jpg", Barrier(2, timeout=300)

    def write(data: bytes) -> None:
        with staged(target) as part:
            part.write_bytes(data)
            together.wait()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, [b"cover", b"cover"]))
    assert target.read_bytes() == b"cover"
    assert [path.name for path in target.parent.iterdir()] == ["cover.jpg"]


def test_a_cover_is_written_by_many_at_once(tmp_path: Path) -> None:
    target = tmp_path / ".parts" / "cover.jpg"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: write_cover(target, b"cover" * 1000), range(64)))
    assert target.read_bytes() == b"cover" * 1000
    assert [path.name for path in target.parent.iterdir()] == ["cover.jpg"]
