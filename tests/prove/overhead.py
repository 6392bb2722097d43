"""What Prefect adds to a render: CPU and wall for each chapter, as a share of the time that its chunks take."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.prove.harness import Studio, vendor
from tests.prove.server import Server, prefect_server
from tests.prove.workers import write_book

CHAPTERS, LINES, PER_S = 60, 20, 3
MOST = 0.03
"""Of the time that the chunks take, by CPU and by wall."""

IDLE_S = 20.0
"""For so long the server is watched doing nothing, so that what it does anyhow is not counted."""

DRAIN_S = 10.0
"""The server writes events and logs down after it was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a render took.

    Attributes:
        wall_s: from its start to its end, imports included.
        cpu_s: of its process and all that it started and awaited.
        files: hash of every audio file, by name.
        takes: how many it bought.
    """

    wall_s: float
    cpu_s: float
    files: dict[str, str]
    takes: int


def prove_overhead(*, chapters: int = CHAPTERS, lines: int = LINES, per_s: int = PER_S) -> str:
    """Render the same book twice, side by side at the vendor's pace: on a Prefect server, and without Prefect.

    Returns:
        The figures, in one sentence.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with vendor(folder) as service, prefect_server(folder / "prefect") as server:
            profile = service.profile(per_minute=60 * per_s, per_second=per_s, in_flight=8)
            write_book(folder / "book", "boats", profile=profile, chapters=chapters, lines=lines)
            idle = _idle_share(server)
            variables = {"PREFECT_API_URL": server.url, "PREFECT_HOME": str(folder / "client")}
            watched = Studio(home=folder / "one", out=folder / "out1", profile=profile, variables=variables)
            alone = Studio(home=folder / "two", out=folder / "out2", profile=profile)
            before_s, started = server.cpu_s(), time.monotonic()
            with ThreadPoolExecutor(2) as both:
                first = both.submit(_rendered, watched, folder / "book")
                second = both.submit(_rendered, alone, folder / "book")
                with_it, without = first.result(), second.result()
            time.sleep(DRAIN_S)
            server_s = server.cpu_s() - before_s - idle * (time.monotonic() - started)
            assert with_it.files.keys() == without.files.keys() != set()
            assert len(service.rows()) == with_it.takes + without.takes, "each of both buys the whole book once"
        chunks_s = with_it.takes / per_s
        client_s, wall_s = with_it.cpu_s - without.cpu_s, with_it.wall_s - without.wall_s
        cpu, wall = (client_s + server_s) / chunks_s, wall_s / chunks_s
        assert cpu < MOST, f"Prefect's CPU is {cpu:.1%} of the chunks' time"
        assert wall < MOST, f"Prefect's wall is {wall:.1%} of the chunks' time"
        return (
            f"{chapters} chapters, {with_it.takes} chunks, {chunks_s:.0f} s at {per_s} a second: Prefect adds "
            f"{1000 * client_s / chapters:.0f} ms CPU a chapter here and {1000 * server_s / chapters:.0f} ms in its "
            f"server, {cpu:.1%}; and {1000 * wall_s / chapters:.0f} ms wall, {wall:.1%}"
        )


def _rendered(studio: Studio, book: Path) -> Cost:
    started = time.monotonic()
    process = studio.start(book=book)
    out, err = _read(process)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, err
    return Cost(
        wall_s=time.monotonic() - started,
        cpu_s=usage.ru_utime + usage.ru_stime,
        files=studio.files(),
        takes=int(json.loads(out)["chunks_spoken"]),
    )


def _read(process: subprocess.Popen[str]) -> tuple[str, str]:
    """All that a process says until it closes its mouth; it is left to be waited for."""
    assert process.stdout is not None
    assert process.stderr is not None
    heard: list[str] = []
    aside = threading.Thread(target=lambda: heard.append(process.stderr.read() if process.stderr else ""))
    aside.start()
    out = process.stdout.read()
    aside.join()
    process.stdout.close()
    process.stderr.close()
    return out, "".join(heard)


def _idle_share(server: Server) -> float:
    """Of a core, for what the server does when nobody asks it anything."""
    time.sleep(5.0)
    before_s = server.cpu_s()
    time.sleep(IDLE_S)
    return (server.cpu_s() - before_s) / IDLE_S
