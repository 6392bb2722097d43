"""`narrate voices choose|lock|unlock`: which voice a character has, and whether that stays."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.options import (
    LogFile,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    environ,
    examples,
)
from flows.cli.voices_command import Book, Name, voices_app
from narration.errors import InputError, Problem

if TYPE_CHECKING:
    from flows.casting import Seat
    from narration.voice import Voice


@voices_app.command("choose", epilog=examples("narrate voices choose Mara 2", "narrate voices choose Mara 2 --release"))
def choose_voice(
    character: Name,
    number: Annotated[int, typer.Argument(metavar="N", help="As on the audition's page.", min=1, show_default=False)],
    release: Annotated[
        bool, typer.Option("--release", help="Delete the other candidates at the service, to make room.")
    ] = False,
    book: Book = Path(),
    profile: Profile = None,
    store: StoreOption = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Give a character one of its candidates, and lock it.

    It holds for the book, or for all books of its series. Lines in another voice are stale from now on, those of
    nobody else. The other candidates stay unless told; one that was spoken with is never deleted here.
    """
    from flows.casting import seat_of
    from narration.audition import choose

    variables = environ()
    seat = seat_of(book, character, variables, profile=profile, store=store, needs_key=True)
    voice = console.wait(choose(seat.voices, seat.role, number, _now()))
    console.say(f"{escape(seat.character.name)} speaks with candidate {number} from now on: locked.")
    console.result(voice.voice)
    if release:
        gone, stay = console.wait(_released(seat, voice))
        console.say(f"Deleted {console.count(gone, 'other candidate')}.")
        if stay:
            console.say(f"Kept, since they were spoken with or chosen: {escape(', '.join(stay))}.")


@voices_app.command("lock", epilog=examples("narrate voices lock Mara --book my-book"))
def lock_voice(
    character: Name,
    book: Book = Path(),
    profile: Profile = None,
    store: StoreOption = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Lock the voice that a character has: it stays, whatever the cast sheet says later."""
    from flows.casting import seat_of

    seat = seat_of(book, character, environ(), profile=profile, store=store, needs_key=True)
    voice = console.wait(_locked(seat))
    console.say(f"{escape(seat.character.name)} is locked.")
    console.result(voice.voice)


@voices_app.command("unlock", epilog=examples("narrate voices unlock Mara --book my-book"))
def unlock_voice(
    character: Name,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget the choice as well: the description alone decides again.")
    ] = False,
    book: Book = Path(),
    profile: Profile = None,
    store: StoreOption = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Unlock a character's voice: it stays as long as its description does, and no longer."""
    from flows.casting import seat_of

    seat = seat_of(book, character, environ(), profile=profile, store=store, needs_key=True)
    if not console.wait(_unlocked(seat, forget=forget)):
        console.say(f"{escape(seat.character.name)} was not locked.")
        return
    console.say(f"{escape(seat.character.name)} is unlocked.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


async def _locked(seat: Seat) -> Voice:
    from narration.voice import Choice

    sitting = await seat.voices.sitting(seat.role, seat.design)
    if sitting.voice is None:
        raise InputError(
            Problem(
                what=f"{seat.character.name} has no voice yet",
                where=f"profile {seat.seating.booth_of(seat.character.name).settings.service.profile}",
                expected="a voice to be locked",
                hint="`narrate audition` or `narrate render` makes one.",
            )
        )
    choice = Choice(role=seat.role, design_id=sitting.voice.design.design_id, locked=True, at=_now())
    await seat.voices.choose(choice)
    return sitting.voice


async def _unlocked(seat: Seat, *, forget: bool) -> bool:
    from dataclasses import replace

    choice = await seat.voices.choice(seat.role)
    if choice is None:
        return False
    if forget:
        await seat.voices.forget_choice(seat.role)
    else:
        await seat.voices.choose(replace(choice, locked=False))
    return choice.locked or forget


async def _released(seat: Seat, chosen: Voice) -> tuple[int, list[str]]:
    """Delete the other candidates; how many went, and the names of those that stay."""
    from flows.casting import asking
    from narration.upkeep import delete_voice, kept_voices

    ids = {voice.design.design_id for voice in await seat.voices.audition(seat.role)} - {chosen.design.design_id}
    gone, stay = 0, list[str]()
    async with asking(seat.store, environ(), seat=seat) as (desk, booth):
        for kept in await kept_voices(desk.voices, desk.ledger):
            if kept.voice.design.design_id not in ids or kept.given_up:
                continue
            if kept.needed:
                stay.append(kept.voice.voice)
                continue
            await delete_voice(desk, booth, kept, why="another candidate was chosen")
            gone += 1
    return gone, stay
