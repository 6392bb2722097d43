"""Every command of README, docs and CONTRIBUTING is run, in the order of its page, offline and in an empty home."""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, chdir
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from flows.cli.main import app
from narration.sandbox.__main__ import parser
from tests.docs_console import PAGES, WRITE, Command, File, Shell, fits, masked, steps_of, with_shown
from tests.docs_stage import KEY, ROOT, Ready, Scene, profiles_of_vendor, write_scene
from tests.prove.harness import Vendor, vendor

ELSEWHERE = (
    (r"make ", "it would install a second environment, or run these very tests"),
    (r"prefect ", "it needs a server that is there, or stays in the foreground; tests/flows/test_prefect.py has one"),
    (r"narrate serve\b", "it stays in the foreground, and needs a Prefect server"),
    (r"narrate --(install|show)-completion", "it asks which shell it is in, and changes its files"),
    (r"narrate sandbox\b", "it stays in the foreground"),
    (r"aws |rsync |docker |git |pip |gh |pipx |uv ", "a program of others, with another machine behind it"),
    (r"sed .*automations", "the id is the reader's"),
    (r"python -m (tests|pytest)|python benchmarks/", "CI runs it, or its short form"),
    (r"apt-get |runuser ", "it changes this machine; python -m tests.prove postgres has a cluster of its own"),
    (r"(sudo |)systemctl |journalctl |crontab ", "it changes this machine"),
    (r"source ", "the reader's own shell"),
)
"""What is not run here, and why. It is still held against the options that there are."""

SCENES = {
    "README.md": Scene(ready=Ready.MANUSCRIPT, key=False),
    "CONTRIBUTING.md": Scene(ready=Ready.MANUSCRIPT, key=False),
    "docs/tutorial.md": Scene(ready=Ready.MANUSCRIPT, key=False),
    "docs/howto/cast-spreadsheet.md": Scene(ready=Ready.MANUSCRIPT, key=False),
    "docs/howto/real-key.md": Scene(ready=Ready.BOOK, key=False),
    "docs/proofing.md": Scene(profile="sandbox-cosyvoice"),
    "docs/operations.md": Scene(s3=True),
    "docs/howto/s3.md": Scene(s3=True),
}
"""Pages that begin otherwise than with a rendered `my-book` and a key in the environment."""

_EXPORTED = (
    "DASHSCOPE_API_KEY",
    "EVOLINK_API_KEY",
    "PREFECT_API_URL",
    "NARRATION_STORE",
    "NARRATION_HOME",
    "AWS_REGION",
)

CODES = {
    "narrate render my-book --profile international --budget 0.50": 4,
}
"""Commands of which the page says that they end otherwise than with 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """What the pages of one process share.

    Attributes:
        shop: the sandbox that stands in for all services.
        folder: for all that is made once.
    """

    shop: Vendor
    folder: Path

    @property
    def profiles(self) -> Path:
        """A copy of the profiles that leads to the shop."""
        return self.folder / "configs"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One sandbox with speech for all pages."""
    folder = tmp_path_factory.mktemp("studio")
    # With the voices of this seed pocketsphinx hears no word too many; it does with those of some others.
    with vendor(folder, engine="espeak", seed=2) as shop:
        made = Studio(shop=shop, folder=folder)
        profiles_of_vendor(made.profiles, shop.base_url)
        yield made


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    """The variables that lead to an S3 server with the bucket `studio`."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    where = f"http://{host}:{port}/studio"
    asked = urllib.request.Request(where, method="PUT", headers={"authorization": "AWS a:b"})
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 — the server above
        assert answer.status == 200
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "AKIADOCS",
        "AWS_SECRET_ACCESS_KEY": "docs",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    server.stop()


@pytest.fixture
def shell(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A terminal of a reader who has installed the program and nothing else."""

    @asynccontextmanager
    async def standing(*_: object, **__: object) -> AsyncIterator[str]:
        yield studio.shop.base_url

    monkeypatch.setattr("flows.booths.sandbox", standing)
    monkeypatch.setattr("narration.settings.profiles.profiles_folder", lambda: studio.profiles)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in _EXPORTED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NARRATION_HOME", str(tmp_path / "narration"))
    here = tmp_path / "here"
    with chdir(tmp_path):
        yield Shell(folder=here, home=here)


def begin(scene: Scene, shell: Shell, studio: Studio) -> None:
    """Make what lies about when a page begins; a book is rendered once for all pages that begin with it."""
    if scene.ready is not Ready.RENDERED:
        write_scene(shell.folder, scene)
        os.chdir(shell.folder)
        return
    kept, home = studio.folder / scene.profile, Path(os.environ["NARRATION_HOME"])
    if not kept.exists():
        write_scene(kept / "here", scene)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NARRATION_HOME", str(kept / "home"))
            code, said = shell.run(f"narrate render {kept / 'here' / 'my-book'}")
            assert code == 0, said
    shutil.copytree(kept / "here", shell.folder)
    shutil.copytree(kept / "home", home)
    os.chdir(shell.folder)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(isinstance(one, Command) for one in steps_of(page))])
def test_every_command_of_a_page_does_what_the_page_says(
    page: str, shell: Shell, studio: Studio, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = SCENES.get(page, Scene())
    begin(scene, shell, studio)
    variables = request.getfixturevalue("bucket") if scene.s3 else {}
    for name, value in {**variables, **({"DASHSCOPE_API_KEY": KEY} if scene.key else {})}.items():
        monkeypatch.setenv(name, value)
    outputs: dict[int, list[str]] = {}
    for step in steps_of(page):
        if isinstance(step, File):
            shell.write(step)
            continue
        why = elsewhere(step.bare)
        if why:
            for part in re.split(r"&&|\|", step.bare):
                hold_against_options(part)
            continue
        where = f"{page}:{step.line}: {step.typed}"
        code, printed = shell.run(shell.typed(step))
        assert code == CODES.get(step.bare, 0), f"{where}\nended with {code}:\n{printed}"
        if step.shown:
            found = [row.replace(str(shell.home), "/home/you") for row in printed.rstrip().splitlines()]
            both = "\n".join(["shown:", *map(masked, step.shown), "printed:", *map(masked, found)])
            if os.environ.get(WRITE):
                outputs |= {} if fits(step.shown, found) else {step.line: found}
                continue
            assert fits(step.shown, found), f"{where}\n{both}\nrun: python -m tests.docs_console {page}"
    if outputs:
        path = ROOT / page
        path.write_text(with_shown(path.read_text(encoding="utf-8"), outputs), encoding="utf-8")


def elsewhere(line: str) -> str:
    """Why a line is not run here; empty: it is."""
    line = re.sub(r"^(\w+=\S+ )+", "", line)
    return next((why for pattern, why in ELSEWHERE if re.match(pattern, line)), "")


def hold_against_options(line: str) -> None:
    """See that a command which is not run has the options that are typed."""
    words = shlex.split(re.sub(r"^\s*(\w+=\S+ )+", "", line))
    match words:
        case ["narrate", "sandbox", *arguments]:
            parser().parse_args(arguments)
        case ["narrate", option] if option.startswith("--"):
            root = typer.main.get_command(app)
            assert option in {word for parameter in root.params for word in parameter.opts}
        case ["narrate", name, *arguments]:
            command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
            with command.make_context(name, arguments):
                pass
        case ["make", *targets]:
            known = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
            assert set(targets) <= set(known), line
        case _:
            pass


def test_a_page_that_shows_something_else_is_noticed() -> None:
    assert fits(("3 min 4 s  5 of 6", "…", "done"), ["3 min 9 s   5 of 6", "a", "b", "done"])
    assert not fits(("3 min 4 s  5 of 6",), ["3 min 4 s  5 of 7"])
    assert not fits(("done",), ["done", "and more"])
