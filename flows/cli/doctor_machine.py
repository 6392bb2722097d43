"""What `narrate doctor` sees of this machine, the limits, the Prefect server and its workers.

Invariant: nothing is asked of a speech service here, and nothing is left behind where something was tried.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from flows.cli import console
from flows.cli.doctor_services import Find
from narration.errors import ServiceUnavailable, StoreError

LEAST_FREE_GB = 2.0
"""Below this, a book of ten hours does not fit beside its takes (1.7 GB of 24 kHz mono)."""

LEAST_WORK_GB = 0.5
"""Below this, a chapter of two hours cannot be put together: its sound, once as PCM and once as files."""


async def disk(folder: Path | None, store: str | None, variables: Mapping[str, str]) -> str:
    """Where sound is written on this machine, and how much room is there.

    Raises:
        StoreError: there is too little somewhere.
    """
    from flows.places import default_store
    from narration.memory.store import open_store

    opened = open_store(store or default_store(variables))
    places = {"for files of work": (Path(tempfile.gettempdir()), LEAST_WORK_GB)}
    if opened.folder is not None:
        places["the store"] = (opened.folder, LEAST_FREE_GB)
    if folder is not None:
        places["the audiobook"] = ((folder / "out").absolute(), LEAST_WORK_GB)
    said = []
    for what, (place, least_gb) in places.items():
        free_gb = shutil.disk_usage(_existing(place)).free / 1e9
        if free_gb < least_gb:
            raise StoreError(
                f"{place} ({what}) has {free_gb:.1f} GB free.",
                f"A book wants {least_gb:g} GB there; make room, or choose another place (--store, --out, TMPDIR).",
            )
        said.append(f"{free_gb:.0f} GB free for {what}" if what.startswith("the") else f"{free_gb:.0f} GB free {what}")
    return ", ".join(said)


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)


async def limits(booths: list[tuple[str, Find]], store: str | None, variables: Mapping[str, str]) -> str:
    """How fast each profile asks, and what earlier runs learnt of the account.

    Raises:
        NarrationError: a profile or the store cannot be read.
    """
    from flows.booths import linked
    from flows.places import default_store
    from narration.memory.rates import Rates
    from narration.memory.store import open_store

    opened = open_store(store or default_store(variables))
    said = []
    for _, find in booths:
        seating = linked(find(), variables, opened)
        booth = seating.booths[seating.main]
        set_to = booth.settings.limits
        words = f"{booth.settings.service.profile}: at most {_rate(set_to.per_minute, set_to.per_second)}, "
        words += f"{set_to.in_flight} open at once"
        if booth.account is not None:
            learnt = await Rates(opened, booth.account, booth.settings.service.speech_model).load()
            if 0 < 60 * learnt.rate_hz < (set_to.per_minute or float("inf")):
                words += f"; the account was seen to bear {60 * learnt.rate_hz:.0f} a minute"
            if learnt.in_flight:
                words += f"; it was seen to bear {learnt.in_flight} at once"
        said.append(words)
    return ". ".join(said)


def _rate(per_minute: int, per_second: float) -> str:
    parts = [f"{per_minute} a minute"] if per_minute else []
    parts += [f"{per_second:g} a second"] if per_second else []
    return " and ".join(parts) or "as many as are answered"


async def server(url: str) -> str:
    """Whether the Prefect server answers, and what it offers.

    Raises:
        ServiceUnavailable: no server answers.
    """
    from flows.render import server_trouble, what_is_offered

    trouble = await server_trouble()
    if trouble:
        hint = "Start it (`prefect server start`), or unset PREFECT_API_URL; a render goes on without it."
        raise ServiceUnavailable(f"No Prefect server answers at {url} ({trouble}).", hint)
    names = ", ".join(sorted(await what_is_offered()))
    return f"{url} answers; deployments: {names or 'none (`prefect deploy --all`, or `narrate serve`)'}"


async def worker() -> str:
    """Whether every deployment that waits for workers has one.

    Raises:
        ServiceUnavailable: a pool has deployments, and no worker is online.
    """
    from flows.render import server_trouble, what_is_offered, workers_online

    if await server_trouble():
        raise ServiceUnavailable("Without the Prefect server nothing is known of workers.")
    waiting = {pool for pool in (await what_is_offered()).values() if pool}
    online = {pool: await workers_online(pool) for pool in sorted(waiting)}
    idle = [pool for pool, count in online.items() if not count]
    if idle:
        raise ServiceUnavailable(
            f"No worker is online for {', '.join(idle)}: its runs stay `Late`.",
            "\n".join(f"prefect worker start --pool {pool}" for pool in idle),
        )
    if not online:
        return "none is needed: no deployment waits for one"
    return ", ".join(f"{console.count(count, 'worker')} online for {pool}" for pool, count in online.items())
