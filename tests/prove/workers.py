"""Two workers that share a Prefect server and an S3-compatible store, and nothing else: each chunk is bought once."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.prove.harness import Vendor, bought_twice, vendor
from tests.prove.rush import bucket
from tests.prove.server import Server, prefect_server, stop_worker, worker

CHAPTERS, LINES = 20, 12
MOST_THROTTLED = 0.02

BOOK = """\
title: {title}
author: Nobody
language: en
manuscript: book.md
cast: cast.yaml
profile: {profile}
"""
CAST = """\
characters:
  - name: Narrator
    role: narrator
    voice: A calm middle-aged woman, low pitch, steady pace, for audiobook narration.
    preview: The lamp was out, but nobody in the house had slept.
"""


def _manuscript(title: str, chapters: int, lines: int) -> str:
    def line(chapter: int, number: int) -> str:
        return f"In {title}, the {number}th boat of day {chapter} went out with {chapter * number} nets."

    parts = [f"# {title}\n"]
    for chapter in range(1, chapters + 1):
        parts.append(f"## What the boats of {title} brought home on day {chapter}\n")
        parts += [line(chapter, number) + "\n" for number in range(1, lines + 1)]
    return "\n".join(parts)


def write_book(folder: Path, name: str, *, profile: Path, chapters: int, lines: int) -> None:
    """Write a production of so many chapters, each of so many chunks, spoken by one narrator."""
    folder.mkdir(parents=True)
    shutil.copy(profile, folder / "profile.toml")
    (folder / "book.yaml").write_text(BOOK.format(title=name.title(), profile="./profile.toml"))
    (folder / "cast.yaml").write_text(CAST)
    (folder / "book.md").write_text(_manuscript(name.title(), chapters, lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """Everything that is shared by workers.

    Attributes:
        server, service: Prefect, and the vendor.
        folder: where each worker has a folder of its own.
        variables: the store, and how it is reached.
    """

    server: Server
    service: Vendor
    folder: Path
    variables: dict[str, str]

    def book(
        self, name: str, worker_names: tuple[str, ...], *, profile: Path, chapters: int = CHAPTERS, lines: int = LINES
    ) -> None:
        """Put the same production on every worker."""
        for worker_name in worker_names:
            write_book(
                self.folder / worker_name / "books" / name, name, profile=profile, chapters=chapters, lines=lines
            )

    @contextlib.contextmanager
    def worker(self, name: str) -> Iterator[Any]:
        with worker(self.server, self.folder / name, **self.variables) as process:
            yield process

    def audio(self, name: str) -> list[Path]:
        return sorted(self.folder.glob(f"*/books/{name}/out/*.mp3"))


@contextlib.contextmanager
def works(**switches: Any) -> Iterator[Works]:  # noqa: ANN401
    """A server with its pool and deployment, a bucket, and a vendor."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        service = stack.enter_context(vendor(folder, **switches))
        store, reached = stack.enter_context(bucket())
        server = stack.enter_context(prefect_server(folder / "prefect"))
        server.prefect("work-pool", "create", "narrate", "--type", "process")
        server.prefect("--no-prompt", "deploy", "--name", "render-book")
        yield Works(server=server, service=service, folder=folder, variables={**reached, "NARRATION_STORE": store})


def prove_workers(*, parts: int = 4, rpm: int = 180) -> str:
    """Render one book on two workers, at the account's rate.

    Returns:
        The figures, in one sentence.
    """
    with works(rpm=rpm, rps=max(1, rpm // 60)) as hall:
        profile = hall.service.profile(per_minute=rpm, per_second=rpm / 60, in_flight=16)
        hall.book("boats", ("one", "two"), profile=profile)
        with hall.worker("one"), hall.worker("two"):
            started = time.monotonic()
            found = hall.server.wait(hall.server.run("render-book", production="boats", parts=parts))
            took_s = time.monotonic() - started
        assert found["state_type"] == "COMPLETED", found["state"]
        rows, bill = hall.service.rows(), hall.service.bill()
        throttled = sum(count for code, count in bill["refused_by_code"].items() if "Throttling" in code)
        assert bought_twice(rows) == 0
        assert len(hall.audio("boats")) == CHAPTERS, hall.audio("boats")
        assert throttled <= MOST_THROTTLED * bill["calls"], bill
        runs = hall.server.post("flow_runs/filter")
        return (
            f"{CHAPTERS} chapters in {len(runs)} runs on two workers in {took_s:.0f} s: {len(rows)} takes, none bought "
            f"twice, {throttled} of {bill['calls']} requests throttled; the limit alone is {len(rows) / rpm * 60:.0f} s"
        )


def prove_speed(
    *, latency_ms: float = 800, latency_ms_per_char: float = 4, in_flight: int = 2, lines: int = 30, least: float = 1.8
) -> str:
    """Latency-bound: the same book by one worker, and by two, each with as many requests open; no rate is limited.

    Returns:
        The figures, in one sentence.
    """
    with works(latency_ms=latency_ms, latency_ms_per_char=latency_ms_per_char) as hall:
        profile = hall.service.profile(in_flight=in_flight)
        hall.book("alone", ("one",), profile=profile, lines=lines)
        hall.book("shared", ("one", "two"), profile=profile, lines=lines)
        took_s, ideal_s = [], 0.0
        with contextlib.ExitStack() as stack:
            stack.enter_context(hall.worker("one"))
            for book, parts in (("alone", 1), ("shared", 2)):
                if parts > 1:
                    stack.enter_context(hall.worker("two"))
                    _online(hall, parts)
                started = time.monotonic()
                found = hall.server.wait(hall.server.run("render-book", production=book, parts=parts), timeout_s=1200)
                took_s.append(time.monotonic() - started)
                assert found["state_type"] == "COMPLETED", found["state"]
                if parts == 1:
                    rows = hall.service.rows()
                    waited_ms = sum(latency_ms + latency_ms_per_char * row["characters"] for row in rows)
                    ideal_s = waited_ms / 1000 / in_flight
        assert bought_twice(hall.service.rows()) == 0
        by = {name: len(hall.audio(name)) for name in ("alone", "shared")}
        assert by == {"alone": CHAPTERS, "shared": CHAPTERS}, by
        times = took_s[0] / took_s[1]
        said = (
            f"{CHAPTERS} chapters, {len(rows)} chunks, {in_flight} requests open for each worker: one worker "
            f"{took_s[0]:.0f} s ({ideal_s:.0f} s are waiting), two {took_s[1]:.0f} s: {times:.2f} times as fast"
        )
        assert times >= least, said
        return said


def _online(hall: Works, workers: int) -> None:
    """Wait until so many workers have told the server that they are there."""
    deadline = time.monotonic() + 120
    while True:
        found = hall.server.post("work_pools/narrate/workers/filter")
        if sum(one["status"] == "ONLINE" for one in found) >= workers:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def prove_killed_worker(*, rpm: int = 180) -> str:
    """Kill a worker and all its processes in the middle of its chapters.

    Returns:
        The figures, in one sentence.
    """
    with works(rpm=rpm, rps=max(1, rpm // 60)) as hall:
        profile = hall.service.profile(per_minute=rpm, per_second=rpm / 60, in_flight=8)
        hall.book("boats", ("one", "two"), profile=profile)
        with hall.worker("one") as first, hall.worker("two") as second:
            run_id = hall.server.run("render-book", production="boats", parts=2)
            owner = _working(hall, run_id)
            victim, name = (second, "two") if owner == "one" else (first, "one")
            before = len(hall.service.rows())
            stop_worker(victim, kill=True)
            _mark_crashed(hall, run_id)
            found = hall.server.wait(run_id)
        assert found["state_type"] == "COMPLETED", found["state"]
        twice = bought_twice(hall.service.rows())
        assert twice <= 8, f"{twice} takes were bought twice, more than were in flight"
        assert len(hall.audio("boats")) == CHAPTERS
        return f"worker {name} killed after {before} takes: all chapters there, {twice} bought twice of 8 in flight"


def _working(hall: Works, parent: str) -> str:
    """Wait until both runs speak; the name of the worker that has the parent."""
    deadline = time.monotonic() + 120
    while True:
        runs = hall.server.post("flow_runs/filter")
        if len(runs) == 2 and all(run["state_type"] == "RUNNING" for run in runs) and len(hall.service.rows()) >= 40:
            break
        assert time.monotonic() < deadline, [(run["name"], run["state_name"]) for run in runs]
        time.sleep(0.5)
    log = (hall.folder / "one" / "worker.log").read_text(errors="replace")
    return "one" if parent in log else "two"


def _mark_crashed(hall: Works, parent: str) -> None:
    """What the server's automation on missing heartbeats does after 90 s."""
    for run in hall.server.post("flow_runs/filter"):
        if run["id"] != parent and run["state_type"] == "RUNNING":
            state = {"type": "CRASHED", "message": "no heartbeat"}
            hall.server.post(f"flow_runs/{run['id']}/set_state", {"state": state, "force": True})


def prove_server_restart(*, away_s: float = 8.0, rpm: int = 180) -> str:
    """Kill the Prefect server in the middle of a run, and start it again after a while.

    Returns:
        The figures, in one sentence.
    """
    with works(rpm=rpm, rps=max(1, rpm // 60)) as hall:
        profile = hall.service.profile(per_minute=rpm, per_second=rpm / 60, in_flight=8)
        hall.book("boats", ("one",), profile=profile, chapters=10)
        with hall.worker("one"):
            run_id = hall.server.run("render-book", production="boats")
            deadline = time.monotonic() + 120
            while len(hall.service.rows()) < 20:
                assert time.monotonic() < deadline, "nothing is spoken"
                time.sleep(0.5)
            before = len(hall.service.rows())
            hall.server.kill()
            time.sleep(away_s)
            during = len(hall.service.rows()) - before
            hall.server.start()
            found = hall.server.wait(run_id)
        assert found["state_type"] == "COMPLETED", found["state"]
        assert during > 0
        assert bought_twice(hall.service.rows()) == 0
        assert len(hall.audio("boats")) == 10
        return f"server killed after {before} takes and away for {away_s:.0f} s: {during} takes went on, run Completed"
