"""The guard around every test: no real service, no home of a user's, no server of Prefect's can be reached."""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis
import pytest

from narration.sandbox.launch import command

# How long an example takes, or to think it up, says more of the machine than of the law; benchmarks look at time.
_PATIENT = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("steady", _PATIENT, derandomize=True)
hypothesis.settings.register_profile("searching", _PATIENT, derandomize=False, print_blob=True)
# The same examples every time, so that a change is never blamed for what it did not do; others are found by
# `pytest --hypothesis-profile searching`.
hypothesis.settings.load_profile("steady")

_FORBIDDEN = ("DASHSCOPE_", "PREFECT_", "NARRATION_", "AWS_")


@pytest.fixture(scope="session", autouse=True)
def _guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For fixtures of every scope and for processes that tests start: a clean environment, and loopback only."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_FORBIDDEN)]:
            patch.delenv(name)
        patch.setenv("NARRATION_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        patch.setattr(socket.socket, "connect", _loopback_only(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _loopback_only(socket.socket.connect_ex))
        # The voices of the local sandbox are the same ones every time: one in some hundred fails its checks.
        patch.setattr("flows.sandbox_process.command", functools.partial(command, seed=1))
        yield


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the homes of the tests lie; pytest would look through all of them to name the next."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def _own_home(_homes: Path) -> Iterator[None]:
    """Each test has a store and an environment of its own: what a command or a page exports goes with the test."""
    with mock.patch.dict(os.environ, NARRATION_HOME=tempfile.mkdtemp(dir=_homes)):
        yield


def _loopback_only(connect: Any) -> Any:  # noqa: ANN401 — the signatures of socket's own methods
    def guarded(self: socket.socket, address: Any, /) -> Any:  # noqa: ANN401
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(str(address[0])):
            message = f"a test tried to reach {address[0]}: only this machine may be asked"
            raise RuntimeError(message)
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture
def demo() -> Path:
    """The demo production."""
    return Path(__file__).parents[1] / "data" / "demo"
