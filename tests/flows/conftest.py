"""`narrate` in this process, and a vendor that stands alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.cli.main import run
from tests.flows.stage import KEY, Said
from tests.prove.harness import Vendor, vendor
from tests.prove.server import Server, prefect_server

Narrate = Callable[..., Said]


@pytest.fixture
def narrate(capsys: pytest.CaptureFixture[str]) -> Narrate:
    """Run a command in this process."""

    def go(*arguments: object) -> Said:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Said(code=code, out=captured.out, err=captured.err)

    return go


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    """A vendor: a sandbox with tones, without limits, as a process of its own."""
    with vendor(tmp_path_factory.mktemp("vendor")) as started:
        yield started


@pytest.fixture
def paid(shop: Vendor, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile of that vendor's, with a key in the environment."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    return shop.profile()


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Prefect server of our own, for all tests that need one; they are in one group, since it takes seconds."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as started:
        yield started
