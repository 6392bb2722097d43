"""The guard itself: what a test cannot do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("198.51.100.7", 80)])
def test_no_test_reaches_another_machine(address: tuple[str, int]) -> None:
    with socket.socket() as caller, pytest.raises(RuntimeError, match="only this machine"):
        caller.connect(address)


def test_no_test_sees_a_key_or_a_server_of_the_users() -> None:
    names = {name for name in os.environ if name.startswith(("DASHSCOPE_", "PREFECT_", "AWS_"))}
    assert names <= {"PREFECT_HOME"}


@pytest.mark.parametrize("test", ["one", "another"])
def test_what_a_test_exports_is_forgotten_with_it(test: str) -> None:
    assert "AWS_GUARD" not in os.environ
    os.environ["AWS_GUARD"] = test


def test_no_test_writes_into_the_users_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert Path(os.environ["NARRATION_HOME"]).is_relative_to(tmp_path_factory.getbasetemp())
