"""Runs that overlap: a night and another night, a schedule's run and one by hand: nothing twice, and it is told."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx

from tests.prove.harness import KEY, NARRATE, PATIENCE_S, ROOT, Studio, bought_twice, vendor
from tests.prove.workers import works, write_book

HELD_MS, QUICK_MS = 1000 * PATIENCE_S, 50
"""So long an answer takes until both runs are at work and one of them has said so, and from then on."""

TOLD = "is being rendered by another run"


def prove_nights(*, books: int = 2, chapters: int = 2, lines: int = 8) -> str:
    """Start two nights at the same moment on the same shelf, with the same store and the same output folders.

    Returns:
        The figures, in one sentence.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        service = stack.enter_context(vendor(folder, latency_ms=HELD_MS))
        profile = service.profile(in_flight=4)
        for number in range(books):
            book = f"boats-{number}"
            write_book(folder / "shelf" / book, book, profile=profile, chapters=chapters, lines=lines)
        nights = [stack.enter_context(_heard(_night(folder))) for _ in range(2)]
        # One of both comes second and says so; nothing is answered before.
        _wait_for(lambda: any(TOLD in night.err for night in nights), "both are at work", nights)
        service.switch(latency_ms=QUICK_MS)
        for night in nights:
            assert night.ended() == 0, night.out + night.err
            assert json.loads(night.out)["stopped"] is None, night.err
        rows, bill = service.rows(), service.bill()
        assert bought_twice(rows) == 0
        assert bill["voices_created"] == 1
        whole = sorted(path.name for path in (folder / "shelf").rglob("*.mp3"))
        assert len(whole) == books * chapters, whole
        alone = Studio(home=folder / "home", out=folder / "again", profile=profile)
        for number in range(books):
            code, summary, err = alone.render(book=folder / "shelf" / f"boats-{number}")
            assert (code, summary["chunks_spoken"]) == (0, 0), err
            assert alone.files() == _hashes(folder / "shelf" / f"boats-{number}" / "out")
        return f"two nights at once: {books} books, {len(rows)} takes, none bought twice, files as of one run alone"


def _night(folder: Path) -> subprocess.Popen[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "NARRATION_", "AWS_"))}
    return subprocess.Popen(
        [*NARRATE, "nightly", str(folder / "shelf"), "--json"],
        cwd=ROOT,
        env={**kept, "NARRATION_HOME": str(folder / "home"), "DASHSCOPE_API_KEY": KEY},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def prove_same_files(*, chapters: int = 3, lines: int = 8) -> str:
    """Render one book by a deployment's run on a worker, and by hand at the same time, on one S3 store.

    Returns:
        The figures, in one sentence.
    """
    with works(latency_ms=HELD_MS) as hall:
        profile = hall.service.profile(in_flight=4)
        hall.book("boats", ("one",), profile=profile, chapters=chapters, lines=lines)
        with hall.worker("one"):
            run_id = hall.server.run("render-book", production="boats")
            _wait_for(lambda: _runs(hall.variables["AWS_ENDPOINT"]) == 1, "the worker's run is at work")
            by_hand = Studio(
                home=hall.folder / "hand",
                out=hall.folder / "by-hand",
                profile=profile,
                store=hall.variables["NARRATION_STORE"],
                variables=hall.variables,
            )
            with _heard(by_hand.start(book=hall.folder / "one" / "books" / "boats")) as second:
                _wait_for(lambda: TOLD in second.err, "both are at work", [second])
                hall.service.switch(latency_ms=QUICK_MS)
                assert second.ended() == 0, second.err
            found = hall.server.wait(run_id)
        assert found["state_type"] == "COMPLETED", found["state"]
        rows = hall.service.rows()
        assert bought_twice(rows) == 0
        theirs = _hashes(hall.folder / "one" / "books" / "boats" / "out")
        assert theirs == by_hand.files() != {}
        return (
            f"a worker's run and one by hand at once: {len(rows)} takes, none bought twice; "
            f"{len(theirs)} files identical by their hashes"
        )


class _Heard:
    """A process, and what it has said so far.

    Attributes:
        out, err: all that was written to either stream.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.out = self.err = ""
        self._process = process
        self._ears = [threading.Thread(target=self._listen, args=(name,), daemon=True) for name in ("out", "err")]
        for ear in self._ears:
            ear.start()

    def _listen(self, name: str) -> None:
        stream = self._process.stdout if name == "out" else self._process.stderr
        assert stream is not None
        with stream:
            for line in stream:
                setattr(self, name, getattr(self, name) + line)

    def is_over(self) -> bool:
        return self._process.poll() is not None

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        code = self._process.wait(timeout=PATIENCE_S)
        for ear in self._ears:
            ear.join()
        return code

    def kill(self) -> None:
        self._process.kill()
        self.ended()


@contextlib.contextmanager
def _heard(process: subprocess.Popen[str]) -> Iterator[_Heard]:
    """A process that is no more when the block ends, whatever happened in it."""
    heard = _Heard(process)
    try:
        yield heard
    finally:
        heard.kill()


def _runs(endpoint: str) -> int:
    """How many runs are announced in the bucket."""
    query = {"list-type": "2", "prefix": "store/runs/"}
    answer = httpx.get(f"{endpoint}/proof", params=query, headers={"authorization": "AWS proof:proof"}, timeout=30)
    return answer.text.count("<Key>")


def _wait_for(there: Callable[[], bool], what: str, at_work: Iterable[_Heard] = ()) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline, f"not in {PATIENCE_S:.0f} s: {what}"
        assert not (over := [one.err for one in at_work if one.is_over()]), over
        time.sleep(0.1)


def _hashes(out: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.glob("*.mp3"))}
