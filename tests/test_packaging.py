"""The wheel: everything that a run needs is in it, and it works from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.docs_blocks import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*argv, str(ROOT)], check=True, capture_output=True)
    (built,) = folder.glob("narrate-*.whl")
    return built


def test_the_wheel_holds_profiles_defaults_prices_and_limits(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "narration/configs/sandbox.toml",
        "narration/configs/international.toml",
        "narration/configs/china.toml",
        "narration/defaults.toml",
        "narration/services/prices.toml",
        "narration/services/limits.toml",
        "flows/cli/main.py",
    } <= names
    assert not [name for name in names if name.startswith(("tests/", "data/", "configs/"))]


def test_an_installed_wheel_plans_the_demo_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(argv, check=True, capture_output=True)
    code = "import narration, flows.cli as cli, sys; print(narration.__file__, file=sys.stderr); cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "plan", str(ROOT / "data" / "demo"), "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(target) in done.stderr, "it was the installed one that answered"
    assert '"chunks_total"' in done.stdout
