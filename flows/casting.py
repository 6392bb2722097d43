"""What the commands and flows of the voice bible share: who is meant, where, and a desk to ask an account from.

Invariant: a name that is not cast is refused with the names that are, before anything is asked or changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.booths import linked, lone_booth, speaking
from flows.opening import Request, open_job
from narration.booth import Booth, Seating
from narration.cast import Character
from narration.desk import Desk, open_desk
from narration.errors import InputError, Problem
from narration.memory.claims import this_run
from narration.memory.store import Store
from narration.memory.voices import Voices
from narration.plan import design_of, role_in
from narration.production import Production
from narration.sheets import nearest
from narration.voice import Role, VoiceDesign


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A character of a production, and where it sits.

    Attributes:
        production: the book.
        character: of its cast.
        seating: who sits in which booth.
        design: what the cast sheet describes.
        role: for which a voice is chosen.
        store: open.
    """

    production: Production
    character: Character
    seating: Seating
    design: VoiceDesign
    role: Role
    store: Store

    @property
    def voices(self) -> Voices:
        """Of the store."""
        return Voices(self.store)


def seat_of(
    folder: Path, name: str, environ: Mapping[str, str], *, profile: str | None, store: str | None, needs_key: bool
) -> Seat:
    """Find a character of a production.

    Args:
        folder: the production.
        name: of the character, in any case.
        environ: the process's environment.
        profile: instead of the production's, or None.
        store: folder or URL, or None for the default.
        needs_key: whether a missing key is a mistake.

    Raises:
        InputError: there is no such character, it has a system voice, or the production has mistakes.
    """
    job = open_job(Request(folder=folder, profile=profile, store=store), environ, needs_key=needs_key)
    character = next((one for one in job.cast.characters if one.name.casefold() == name.strip().casefold()), None)
    if character is None:
        names = [one.name for one in job.cast.characters]
        what, where = f"{name!r} is not in the cast", str(job.production.cast)
        raise InputError(Problem(what=what, where=where, expected=", ".join(names), hint=nearest(name, names)))
    if character.system_voice:
        what = f"{character.name} speaks with the system voice {character.system_voice}"
        raise InputError(Problem(what=what, where=str(job.production.cast), expected="a description of the sound"))
    booth = job.seating.booth_of(character.name)
    design = design_of(character, job.production, booth.settings, booth.account or "")
    return Seat(
        production=job.production,
        character=character,
        seating=job.seating,
        design=design,
        role=role_in(job.production, character.name, design),
        store=job.store,
    )


@asynccontextmanager
async def asking(
    store: Store,
    environ: Mapping[str, str],
    *,
    profile: str = "",
    seat: Seat | None = None,
    budget_usd: float | None = None,
    flow_run_id: str = "",
) -> AsyncIterator[tuple[Desk, Booth]]:
    """A desk, and the booth of a profile or of a character's seat.

    Raises:
        InputError: no such profile, or no key.
        StoreError: the store cannot be read or written.
    """
    seating = seat.seating if seat is not None else linked(lone_booth(profile, environ), environ, store)
    key = seat.seating.key_of(seat.character.name) if seat is not None else seating.main
    async with (
        speaking(seating, environ) as services,
        open_desk(
            store=store,
            services=services,
            main=seating.main,
            run=this_run(),
            production=seat.production.name if seat is not None else "",
            flow_run_id=flow_run_id,
            run_cap_usd=budget_usd,
        ) as desk,
    ):
        yield desk, desk.booths[key]
