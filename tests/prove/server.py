"""A Prefect server of our own that can be stopped and started again, and workers beside it."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.prove.harness import KEY, ROOT

Process = subprocess.Popen[bytes]
START_S = 300.0
FIRST_PORT, STRETCH = 20_000, 1_000
_given = itertools.count()
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def free_port() -> int:
    """A port that nobody else gets before it is taken.

    It lies below those that the system hands out by itself, each worker of the tests has a stretch of its own, and none
    is given twice.
    """
    stretch = FIRST_PORT + STRETCH * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8)
    for number in itertools.islice(_given, STRETCH):
        port = stretch + (os.getpid() * 101 + number) % STRETCH
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def _clean_environment() -> dict[str, str]:
    left_out = ("PREFECT_", "DASHSCOPE_", "NARRATION_", "AWS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


@dataclass(slots=True, kw_only=True)
class Server:
    """A server on a free port, with a home of its own.

    Attributes:
        home: PREFECT_HOME.
        port: stays the same when it is started again.
        database: URL of another database than SQLite in its home, or empty.
    """

    home: Path
    database: str = ""
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def variables(self, **more: str) -> dict[str, str]:
        return {
            **_clean_environment(),
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "PREFECT_EVENTS_PROACTIVE_GRANULARITY": "PT1S",
            "PYTHONPATH": str(ROOT),
            **more,
        }

    def start(self) -> None:
        argv = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        variables = {name: value for name, value in self.variables().items() if name != "PREFECT_API_URL"}
        if self.database:
            variables["PREFECT_API_DATABASE_CONNECTION_URL"] = self.database
        self._process = subprocess.Popen(
            argv, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", timeout=30).is_success:
                    return
            assert time.monotonic() < deadline, "the server did not start"
            assert self._process.poll() is None, "the server ended"
            time.sleep(0.25)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def cpu_s(self) -> float:
        """CPU seconds of its process so far."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def prefect(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *arguments],
            cwd=ROOT,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def post(self, path: str, record: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 — JSON of all shapes
        answer = self._asked("POST", path, record or {})
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:  # noqa: ANN401
        return self._asked("GET", path).json()

    def put(self, path: str, record: Mapping[str, Any]) -> None:
        self._asked("PUT", path, record)

    def delete(self, path: str) -> None:
        self._asked("DELETE", path)

    def _asked(self, method: str, path: str, record: Mapping[str, Any] | None = None) -> httpx.Response:
        """Ask as Prefect's own client does: a server whose database is locked for the moment answers with 503."""
        deadline = time.monotonic() + START_S
        while True:
            answer = httpx.request(method, f"{self.url}/{path}", json=record, timeout=START_S)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                assert answer.is_success, answer.text
                return answer
            time.sleep(0.5)

    def run(self, deployment: str, **parameters: object) -> str:
        """Start a run of a deployment; its id."""
        found = self.get(f"deployments/name/{deployment}/{deployment}")
        made = self.post(f"deployments/{found['id']}/create_flow_run", {"parameters": parameters})
        return str(made["id"])

    def state_of(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"flow_runs/{run_id}")
        return found

    def wait(self, run_id: str, *, timeout_s: float = 600) -> dict[str, Any]:
        """Wait until a run is over."""
        deadline = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(httpx.HTTPError):
                found = self.state_of(run_id)
                if found["state_type"] in FINAL:
                    return found
            assert time.monotonic() < deadline, f"run {run_id} is not over"
            time.sleep(0.5)


@contextlib.contextmanager
def prefect_server(home: Path, *, database: str = "") -> Iterator[Server]:
    """Run a server for as long as the block lasts."""
    server = Server(home=home, database=database)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def worker(server: Server, folder: Path, *, pool: str = "narrate", **variables: str) -> Iterator[Process]:
    """A process worker in a folder of its own: home, books, output."""
    folder.mkdir(parents=True, exist_ok=True)
    own = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "NARRATION_HOME": str(folder / "home"),
        "NARRATION_BOOKS": str(folder / "books"),
        "DASHSCOPE_API_KEY": KEY,
        "PREFECT_LOGGING_LEVEL": "INFO",
    }
    environment = server.variables(**{**own, **variables})
    argv = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    log = (folder / "worker.log").open("wb")
    process = subprocess.Popen(
        [*argv, "--name", folder.name],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        log.close()
        stop_worker(process)


def stop_worker(process: subprocess.Popen[bytes], *, kill: bool = False) -> None:
    """End a worker and the runs that it started: at once, as when its machine goes, or with a word before."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL if kill else signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
