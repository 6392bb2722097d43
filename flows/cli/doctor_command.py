"""`narrate doctor`: whether everything that a render needs is there, before it is needed. Costs nothing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from flows.cli import console, doctor_machine
from flows.cli.doctor_services import ask_service, booths_of
from flows.cli.here import is_production
from flows.cli.options import Json, LogFile, Profile, Quiet, StoreOption, Verbose, Version, environ, examples
from narration.errors import ExitCode, NarrationError

EXAMPLES = examples(
    "narrate doctor                          this machine, with the sandbox",
    "narrate doctor my-book                  the production, and its profile",
    "narrate doctor --profile international  the key and the region",
)


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

    Production, profile, key, service, limits, store, who else is at work on the store, disk, ffmpeg, and where
    PREFECT_API_URL is set, Prefect's server, deployments and workers. Each service that speaks is asked for its list
    of voices, and what the vendor has announced of its models is told. Exits with the code of the first thing that
    will not do.
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
    booths = booths_of(folder, profile, variables)
    looks += [(name, partial(ask_service, booth, variables)) for name, booth in booths]
    looks += [
        ("limits", lambda: doctor_machine.limits(booths, store, variables)),
        ("store", lambda: _store(store, variables)),
        ("runs", lambda: _runs(store, variables)),
        ("disk", lambda: doctor_machine.disk(folder, store, variables)),
        ("ffmpeg", _ffmpeg),
    ]
    if variables.get("PREFECT_API_URL", "").strip():
        looks.append(("server", lambda: doctor_machine.server(variables["PREFECT_API_URL"])))
        looks.append(("worker", doctor_machine.worker))
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
    from narration.memory.store import open_store

    opened = open_store(store or default_store(variables))
    probe = "doctor/probe"
    await opened.put(probe, b"written by narrate doctor")
    await opened.delete(probe)
    return f"{opened.url} can be written"


async def _runs(store: str | None, variables: Mapping[str, str]) -> str:
    from flows.places import default_store
    from narration.memory.claims import Claims, this_run
    from narration.memory.store import open_store

    opened = open_store(store or default_store(variables))
    claims = Claims(opened, this_run())
    ids = [key.rpartition("/")[2].removesuffix(".json") for key in await opened.keys("runs/")]
    living = sum([await claims.run_lives(run_id) for run_id in ids])
    open_calls = len({key.split("/")[1] for key in await opened.keys("open/")})
    left = f"; {console.count(open_calls, 'call')} open, which the next run settles" if open_calls else ""
    return f"{console.count(living, 'run')} on this store now, which share each account's rate{left}"


async def _ffmpeg() -> str:
    import asyncio

    from narration.audio.encode import ffmpeg_version

    said = await asyncio.to_thread(ffmpeg_version)
    version = re.search(r"\d+(\.\d+)+", said)
    return f"ffmpeg {version[0]}" if version else said
