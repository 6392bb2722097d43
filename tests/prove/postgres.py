"""The Prefect server on PostgreSQL: a private cluster, a render that is told there."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.prove.harness import Studio, vendor
from tests.prove.server import START_S, free_port, prefect_server
from tests.prove.workers import write_book

NOBODY = "nobody"
"""Who runs a cluster where we are root, whom `initdb` refuses."""


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, or None where it is not installed."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))  # Debian keeps them out of the path
    return folders[-1].parent if folders else Path(found).resolve().parent if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A PostgreSQL server of our own.

    Attributes:
        bin: folder of its programs.
        folder: where its data lie.
        port: on 127.0.0.1.
    """

    bin: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """As the Prefect server wants it."""
        return f"postgresql+asyncpg://prefect@127.0.0.1:{self.port}/postgres"

    def ask(self, question: str) -> str:
        """The answer to a question in SQL."""
        address = f"postgresql://prefect@127.0.0.1:{self.port}/postgres"
        argv = [str(self.bin / "psql"), "--no-psqlrc", "-Atc", question, address]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=START_S).stdout.strip()

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL, as somebody else where we are root."""
        as_nobody = ["runuser", "-u", NOBODY, "--"] if os.geteuid() == 0 else []
        argv = [*as_nobody, str(self.bin / program), *arguments]
        log = self.folder.parent / f"{self.folder.name}.log"
        with log.open("ab") as said:
            # A file and no pipe: the server that is started keeps it open.
            done = subprocess.run(argv, cwd=self.folder, stdout=said, stderr=said, check=False, timeout=2 * START_S)
        assert done.returncode == 0, log.read_text(errors="replace")
        log.unlink()


@contextlib.contextmanager
def postgres() -> Iterator[Cluster]:
    """Run a cluster for as long as the block lasts; it trusts whoever comes from this machine."""
    found = programs()
    assert found is not None, "PostgreSQL is not installed"
    with tempfile.TemporaryDirectory(prefix="narrate-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        cluster = Cluster(bin=found, folder=folder, port=free_port())
        if os.geteuid() == 0:
            user = pwd.getpwnam(NOBODY)
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = str(folder / "data")
        cluster.run("initdb", "-D", data, "-U", "prefect", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-p {cluster.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        cluster.run("pg_ctl", "-D", data, "-w", "-t", f"{START_S:.0f}", "-o", options, "start")
        try:
            yield cluster
        finally:
            cluster.run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _written(cluster: Cluster, least: int) -> int:
    """How many tasks are in the database, once there are so many: the server writes them down after it was told."""
    deadline = time.monotonic() + START_S
    while (found := int(cluster.ask("SELECT count(*) FROM task_run"))) < least and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def prove_postgres(*, chapters: int = 3, lines: int = 4) -> str:
    """Render a small book that is told on a Prefect server with PostgreSQL behind it.

    Returns:
        The figures, in one sentence.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        cluster = stack.enter_context(postgres())
        server = stack.enter_context(prefect_server(folder / "prefect", database=cluster.url))
        service = stack.enter_context(vendor(folder))
        write_book(folder / "book", "boats", profile=service.profile(), chapters=chapters, lines=lines)
        variables = {"PREFECT_API_URL": server.url, "PREFECT_HOME": str(folder / "client")}
        studio = Studio(home=folder / "home", out=folder / "out", profile=service.profile(), variables=variables)
        code, summary, err = studio.render(book=folder / "book")
        assert code == 0, err
        (run,) = server.post("flow_runs/filter")
        assert run["state_type"] == "COMPLETED", run["state"]
        listed = server.post("artifacts/filter", {"sort": "CREATED_DESC"})
        newest = {found["key"]: found["data"] for found in reversed(listed)}
        assert float(newest["book-progress"]) == 100.0, newest.keys()
        assert f"{summary['cost_usd']:.4f}" in newest["book-report"]
        assert cluster.ask("SELECT count(*) FROM flow_run WHERE state_type = 'COMPLETED'") == "1"
        tasks = _written(cluster, chapters)
        assert tasks == chapters
        version = cluster.ask("SHOW server_version").split()[0]
        assert not list((folder / "prefect").rglob("prefect.db*")), "nothing is in SQLite"
        return f"PostgreSQL {version}: run Completed with {tasks} chapters and {len(newest)} artifacts, no SQLite file"
