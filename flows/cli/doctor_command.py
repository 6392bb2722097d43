"""`narrate doctor`: whether everything that a render needs is there, before it is needed. Costs nothing."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from flows.cli import console
from flows.cli.options import Json, LogFile, Profile, Quiet, StoreOption, Verbose, environ
from narration.errors import ExitCode, NarrationError

LEAST_FREE_GB = 2.0
"""Below this, a book of ten hours does not fit beside its takes (1.7 GB of 24 kHz mono)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: of the thing.
        good: whether it will do.
        says: what was found, in one sentence.
        exit_code: what a render would exit with because of it.
    """

    name: str
    good: bool
    says: str
    exit_code: ExitCode = ExitCode.DONE


def doctor(
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Check profile, key, service, store, disk and ffmpeg. Asks the service for its list of voices, which is free."""
    variables = environ()
    checks = asyncio.run(_all(profile or "sandbox", store, variables))
    if json:
        console.show_json([{**asdict(check), "exit_code": int(check.exit_code)} for check in checks])
    else:
        for check in checks:
            console.out.print("[green]✓[/]" if check.good else "[red]✗[/]", end=" ")
            console.out.print(f"{check.name}: {check.says}", markup=False)
    bad = [check.exit_code for check in checks if not check.good]
    if bad:
        raise typer.Exit(bad[0])


async def _all(profile: str, store: str | None, variables: Mapping[str, str]) -> list[Check]:
    checks = []
    for name, look in (
        ("service", lambda: _service(profile, variables)),
        ("store", lambda: _store(store, variables)),
        ("ffmpeg", _ffmpeg),
    ):
        checks.append(await _tried(name, look))
    return checks


async def _tried(name: str, look: Callable[[], Awaitable[str]]) -> Check:
    try:
        return Check(name=name, good=True, says=await look())
    except NarrationError as error:
        return Check(name=name, good=False, says=str(error), exit_code=error.exit_code)


async def _service(profile: str, variables: Mapping[str, str]) -> str:
    from flows.opening import speaking
    from narration.settings import load_settings

    settings = load_settings(profile, environ=variables)
    async with speaking(settings, variables) as (service, placed):
        listed = await service.voices()
    where = "the local sandbox" if settings.service.sandbox else placed.service.base_url
    return (
        f"profile {settings.service.profile}: {where} answers and takes the key; "
        f"{listed.total} of {service.limits.voices_max} voices in the account"
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
        raise NarrationError(
            f"{opened.url} has {free_gb:.1f} GB free.", f"A book wants {LEAST_FREE_GB:.0f} GB; choose another --store."
        )
    return f"{opened.url} can be written, {free_gb:.0f} GB free"


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)


async def _ffmpeg() -> str:
    from narration.audio.encode import ffmpeg_version

    return await asyncio.to_thread(ffmpeg_version)
