"""The two kinds of store: a local folder, and S3 (moto's server, on a free port of this machine)."""

from __future__ import annotations

import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from narration.memory.store import Store, open_store
from tests.memory.worlds import Machine
from tests.s3_server import s3_server

SECRET = "a-secret-that-nobody-may-see"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a store is.

    Attributes:
        url: what `open_store` takes.
        folder: on a local folder; None on S3.
        variables: of the environment, that a process needs to reach it.
    """

    url: str
    folder: Path | None
    variables: dict[str, str]

    def open(self) -> Store:
        """Open it once more, as another process would."""
        return open_store(self.url)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3 server with an empty bucket, `narrate`."""
    with s3_server() as endpoint:
        request = urllib.request.Request(f"{endpoint}/narrate", method="PUT", headers={"authorization": "AWS a:b"})  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310 — the server above
            assert answer.status == 200
        yield endpoint


@pytest.fixture
def s3_variables(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment that leads to the S3 server, set."""
    variables = {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty store of either kind, to be opened as often as needed."""
    if request.param == "folder":
        return Place(url=str(tmp_path / "store"), folder=tmp_path / "store", variables={})
    variables = request.getfixturevalue("s3_variables")
    return Place(url=f"s3://narrate/{uuid.uuid4().hex}", folder=None, variables=variables)


@pytest.fixture
def store(place: Place) -> Store:
    """An empty store of either kind."""
    return place.open()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose processes the test starts and kills."""
    return Machine(monkeypatch)
