"""Runs that overlap: a night and another night, a schedule's run and one by hand: nothing twice, and it is told."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from tests.prove.harness import KEY, NARRATE, ROOT, Studio, bought_twice, vendor
from tests.prove.workers import works, write_book

SLOW_MS, QUICK_MS = 8000, 50
"""So long an answer takes until both runs are at work, and then."""

TOLD = "is being rendered by another run"


def prove_nights(*, books: int = 2, chapters: int = 2, lines: int = 8) -> str:
    """Start two nights at the same moment on the same shelf, with the same store and the same output folders.

    Returns:
        The figures, in one sentence.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        service = stack.enter_context(vendor(folder, latency_ms=SLOW_MS))
        profile = service.profile(in_flight=4)
        for number in range(books):
            book = f"boats-{number}"
            write_book(folder / "shelf" / book, book, profile=profile, chapters=chapters, lines=lines)
        nights = [stack.enter_context(_ended(_night(folder))) for _ in range(2)]
        _wait_for(lambda: len(list((folder / "home" / "store" / "runs").glob("*.json"))) == 2, "both are at work")
        service.switch(latency_ms=QUICK_MS)
        told = 0
        for night in nights:
            out, err = night.communicate(timeout=300)
            told += TOLD in err
            assert night.returncode == 0, out + err
            assert json.loads(out)["stopped"] is None, err
        assert told >= 1, "one of both came second, and says so"
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
    with works(latency_ms=QUICK_MS) as hall:
        profile = hall.service.profile(in_flight=4)
        hall.book("boats", ("one",), profile=profile, chapters=chapters, lines=lines)
        with hall.worker("one"):
            run_id = hall.server.run("render-book", production="boats")
            _wait_for(lambda: len(hall.service.rows()) >= 3, "the worker's run speaks")
            hall.service.switch(latency_ms=SLOW_MS)
            by_hand = Studio(
                home=hall.folder / "hand",
                out=hall.folder / "by-hand",
                profile=profile,
                store=hall.variables["NARRATION_STORE"],
                variables=hall.variables,
            )
            with _ended(by_hand.start(book=hall.folder / "one" / "books" / "boats")) as process:
                _wait_for(lambda: _runs(hall.variables["AWS_ENDPOINT"]) == 2, "both are at work")
                hall.service.switch(latency_ms=QUICK_MS)
                _out, err = process.communicate(timeout=300)
            found = hall.server.wait(run_id)
        assert process.returncode == 0, err
        assert TOLD in err, err
        assert found["state_type"] == "COMPLETED", found["state"]
        rows = hall.service.rows()
        assert bought_twice(rows) == 0
        theirs = _hashes(hall.folder / "one" / "books" / "boats" / "out")
        assert theirs == by_hand.files() != {}
        return (
            f"a worker's run and one by hand at once: {len(rows)} takes, none bought twice; "
            f"{len(theirs)} files identical by their hashes"
        )


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that is no more when the block ends, whatever happened in it."""
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _runs(endpoint: str) -> int:
    """How many runs are announced in the bucket."""
    query = {"list-type": "2", "prefix": "store/runs/"}
    answer = httpx.get(f"{endpoint}/proof", params=query, headers={"authorization": "AWS proof:proof"}, timeout=30)
    return answer.text.count("<Key>")


def _wait_for(there: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not there():
        assert time.monotonic() < deadline, f"not in two minutes: {what}"
        time.sleep(0.2)


def _hashes(out: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.glob("*.mp3"))}
