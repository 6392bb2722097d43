"""`narrate doctor`: whether everything that a render needs is there, before it is needed. Costs nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.doctor_services import ask_service, booths_of
from flows.cli.here import is_production
from flows.cli.options import Json, LogFile, Profile, Quiet, StoreOption, Verbose, Version, environ, examples
from narration.errors import ExitCode, NarrationError, ServiceUnavailable, StoreError

EXAMPLES = examples(
    "narrate doctor                          this machine, with the sandbox",
    "narrate doctor my-book                  the production, and its profile",
    "narrate doctor --profile international  the key and the region",
)

LEAST_FREE_GB = 2.0
"""Below this, a book of ten hours does not fit beside its takes (1.7 GB of 24 kHz mono)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: of the thing.
        good: whether it will do.
        says: what was found, and what to do where it will not do.
        exit_code: what a render would exit with because of it.
    """

    name: str
    good: bool
    says: str
    exit_code: ExitCode = ExitCode.DONE


def doctor(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="A production to check as well, with its profile. Default: that where you are, if any.",
            show_default=False,
        ),
    ] = None,
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Check everything that a render needs; free of charge.

    Production, profile, key, service, store, disk, who else is at work on the store, ffmpeg, and where PREFECT_API_URL
    is set, Prefect's server, deployments and workers. Each service that
    speaks is asked for its list of voices, and what the vendor has announced of its models is told. Exits with the code
    of the first thing that will not do.
    """
    if folder is None and is_production(Path()):
        folder = Path()
    checks = console.wait(_all(folder, profile, store, environ()))
    failed = next((check.exit_code for check in checks if not check.good), ExitCode.DONE)
    if json:
        listed = [{**asdict(check), "exit_code": int(check.exit_code)} for check in checks]
        console.show_json({"checks": listed, "exit_code": int(failed)})
    else:
        for check in checks:
            if check.good:
                console.say(f"[green]✓[/] {check.name}: {escape(check.says)}")
            else:
                console.tell(f"[red]✗[/] {check.name}: {escape(check.says)}")
    raise typer.Exit(failed)


async def _all(
    folder: Path | None, profile: str | None, store: str | None, variables: Mapping[str, str]
) -> list[Check]:
    looks: list[tuple[str, Callable[[], Awaitable[str]]]] = []
    if folder is not None:
        looks.append(("production", lambda: _production(folder, profile, store, variables)))
    looks += [(name, partial(ask_service, booth, variables)) for name, booth in booths_of(folder, profile, variables)]
    looks += [
        ("store", lambda: _store(store, variables)),
        ("runs", lambda: _runs(store, variables)),
        ("ffmpeg", _ffmpeg),
    ]
    if variables.get("PREFECT_API_URL", "").strip():
        looks.append(("prefect", lambda: _prefect(variables["PREFECT_API_URL"])))
    return [await _tried(name, look) for name, look in looks]


async def _tried(name: str, look: Callable[[], Awaitable[str]]) -> Check:
    try:
        return Check(name=name, good=True, says=await look())
    except NarrationError as error:
        return Check(name=name, good=False, says=" ".join(str(error).split()), exit_code=error.exit_code)


async def _production(folder: Path, profile: str | None, store: str | None, variables: Mapping[str, str]) -> str:
    from flows.opening import Request, open_job

    job = open_job(Request(folder=folder, profile=profile, store=store), variables, needs_key=False)
    plan = await job.plan()
    chapters = console.count(len(job.book.chapters), "chapter")
    voices = console.count(len(plan.voices), "voice")
    return (
        f"{job.production.title}: {chapters}, {voices}, {plan.chunks_to_speak} of {plan.chunks_total} chunks to speak"
    )


async def _store(store: str | None, variables: Mapping[str, str]) -> str:
    from flows.places import default_store
    from narration.store import open_store

    opened = open_store(store or default_store(variables))
    probe = "doctor/probe"
    await opened.put(probe, b"written by narrate doctor")
    await opened.delete(probe)
    if opened.folder is None:
        return f"{opened.url} can be written"
    free_gb = shutil.disk_usage(_existing(opened.folder)).free / 1e9
    if free_gb < LEAST_FREE_GB:
        raise StoreError(
            f"{opened.url} has {free_gb:.1f} GB free.", f"A book wants {LEAST_FREE_GB:.0f} GB; choose another --store."
        )
    return f"{opened.url} can be written, {free_gb:.0f} GB free"


async def _runs(store: str | None, variables: Mapping[str, str]) -> str:
    from flows.places import default_store
    from narration.claims import Claims, this_run
    from narration.store import open_store

    opened = open_store(store or default_store(variables))
    claims = Claims(opened, this_run())
    ids = [key.rpartition("/")[2].removesuffix(".json") for key in await opened.keys("runs/")]
    living = sum([await claims.run_lives(run_id) for run_id in ids])
    open_calls = len({key.split("/")[1] for key in await opened.keys("open/")})
    left = f"; {console.count(open_calls, 'call')} open, which the next run settles" if open_calls else ""
    return f"{console.count(living, 'run')} on this store now, which share each account's rate{left}"


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)


async def _ffmpeg() -> str:
    import asyncio

    from narration.audio.encode import ffmpeg_version

    said = await asyncio.to_thread(ffmpeg_version)
    version = re.search(r"\d+(\.\d+)+", said)
    return f"ffmpeg {version[0]}" if version else said


async def _prefect(url: str) -> str:
    from flows.render import server_trouble, what_is_offered

    trouble = await server_trouble()
    if trouble:
        hint = "Start it (`prefect server start`), or unset PREFECT_API_URL; a render goes on without it."
        raise ServiceUnavailable(f"No Prefect server answers at {url} ({trouble}).", hint)
    return f"the server at {url} answers; {await what_is_offered()}"
