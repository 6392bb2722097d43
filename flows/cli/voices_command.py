"""`narrate voices …`: the voice bible: what is kept, what was chosen, and what an account holds."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.text import Text

from flows.cli import completing, console
from flows.cli.here import profile_or_here
from flows.cli.options import (
    Json,
    LogFile,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    environ,
    examples,
)
from narration.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from narration.memory.store import Store
    from narration.upkeep import Kept, State

voices_app = typer.Typer(
    help="The voices that were designed and are kept.", no_args_is_help=True, rich_markup_mode=None
)

Book = Annotated[
    Path,
    typer.Option("--book", "-b", metavar="DIR", help="The production. Default: where you are.", show_default=False),
]
Name = Annotated[
    str,
    typer.Argument(
        metavar="CHARACTER",
        help="A name of the cast, in any case.",
        show_default=False,
        autocompletion=completing.characters,
    ),
]

_PLAYERS = (
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
    ("mpv", "--really-quiet"),
    ("afplay",),
    ("aplay", "-q"),
)
"""Programs that play a file and end, the more able first."""


@voices_app.callback()
def voices(
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """The voices that were designed and are kept."""


@voices_app.command(
    "list", epilog=examples("narrate voices list", "narrate voices list --remote --profile international")
)
def list_voices(
    remote: Annotated[
        bool, typer.Option("--remote", help="Compare with what the profile's account holds; free of charge.")
    ] = False,
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """List every voice, with what it was made from, what it is chosen for, and when it was last used.

    With --json also where its preview is, and the account and model that it belongs to.
    """
    from flows.places import default_store
    from narration.memory.store import open_store

    opened = open_store(store or default_store(environ()))
    if remote:
        state = console.wait(_state(opened, profile_or_here(profile), environ()))
        _show_state(state, json=json)
        return
    kept = console.wait(_kept(opened))
    if json:
        console.show_json({"voices": [_record(one, opened) for one in kept]})
        return
    for one in kept:
        _say(one)
    if kept:
        console.say(f"{console.count(len(kept), 'voice')}. Their previews (`--json` says whose is whose):")
        console.say(escape(f"{opened.url}/voices"))
    else:
        console.say("No voice yet in this store: `narrate render` makes those that a book needs.")


@voices_app.command("show", epilog=examples("narrate voices show Mara --book my-book"))
def show_voice(
    character: Name,
    book: Book = Path(),
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Show every voice that a character has or had, with the numbers of the last audition."""
    from flows.casting import seat_of

    seat = seat_of(book, character, environ(), profile=profile, store=store, needs_key=False)
    kept = [one for one in console.wait(_kept(seat.store)) if one.voice.character == seat.character.name]
    numbered = {
        voice.design.design_id: place for place, voice in enumerate(console.wait(seat.voices.audition(seat.role)), 1)
    }
    now = console.wait(seat.voices.sitting(seat.role, seat.design)).voice
    if json:
        records = [
            {
                **_record(one, seat.store),
                "number": numbered.get(one.voice.design.design_id),
                "speaks": now is not None and one.voice.voice == now.voice,
            }
            for one in kept
        ]
        console.show_json({"character": seat.character.name, "voices": records})
        return
    for one in kept:
        number = numbered.get(one.voice.design.design_id)
        speaks = now is not None and one.voice.voice == now.voice
        console.say(f"{'[green]speaks[/]  ' if speaks else ''}{f'candidate {number}' if number else ''}".rstrip())
        _say(one)
    if not kept:
        console.say(f"{escape(seat.character.name)} has no voice yet.")


@voices_app.command("play", epilog=examples("narrate voices play Mara 2", "narrate voices play Mara --to mara.wav"))
def play_voice(
    character: Name,
    number: Annotated[
        int, typer.Argument(metavar="[N]", help="A candidate of the last audition; 0: the voice it has.", min=0)
    ] = 0,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Write the preview there instead of playing it.", show_default=False),
    ] = None,
    book: Book = Path(),
    profile: Profile = None,
    store: StoreOption = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Play the preview of a character's voice, or of a candidate.

    Plays with ffplay, mpv, afplay or aplay, whichever is there; without any it says where the file is.
    """
    from flows.casting import seat_of

    seat = seat_of(book, character, environ(), profile=profile, store=store, needs_key=False)
    candidates = console.wait(seat.voices.audition(seat.role))
    now = console.wait(seat.voices.sitting(seat.role, seat.design)).voice
    voice = now if number == 0 else candidates[number - 1] if number <= len(candidates) else None
    data = console.wait(seat.voices.preview(voice)) if voice is not None else b""
    if voice is None or not data:
        what = "no preview is kept" if voice is not None else "there is no such voice"
        expected = f"a number from 0 to {len(candidates)}"
        hint = "`narrate voices show` lists those that there are; `narrate audition` makes some."
        what = f"{seat.character.name} {number}: {what}"
        raise InputError(Problem(what=what, where="the number", expected=expected, hint=hint))
    if to is not None:
        to.write_bytes(data)
        console.result(str(to))
        return
    player = next((command for command in _PLAYERS if shutil.which(command[0])), None)
    if player is None:
        console.say("No player (ffplay, mpv, afplay, aplay) is on PATH; the preview is")
        console.result(f"{seat.store.url}/{seat.voices.preview_key(voice)}")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"preview.{voice.preview_format}"
        path.write_bytes(data)
        subprocess.run([*player, str(path)], check=False)


async def _kept(store: Store) -> tuple[Kept, ...]:
    from narration.memory.usage import Ledger
    from narration.memory.voices import Voices
    from narration.upkeep import kept_voices

    return await kept_voices(Voices(store), Ledger(store, ""))


async def _state(store: Store, profile: str, variables: Mapping[str, str]) -> State:
    from flows.casting import asking
    from narration.upkeep import look

    async with asking(store, variables, profile=profile) as (desk, booth):
        return await look(desk, booth)


def _show_state(state: State, *, json: bool) -> None:
    if json:
        console.show_json(
            {
                "profile": state.profile,
                "voices": state.total,
                "quota": state.most,
                "vanished": [kept.voice.voice for kept in state.vanished],
                "not_in_the_bible": [remote.voice for remote in state.strangers],
                "could_go": [kept.voice.voice for kept in state.prunable],
            }
        )
        return
    console.say(f"{state.profile} holds {state.total:,} of {state.most:,} voices.")
    for kept in state.vanished:
        console.say(f"[red]gone[/]     {escape(kept.voice.voice)} ({escape(kept.voice.character)})")
    for remote in state.strangers:
        console.say(f"[yellow]stranger[/] {escape(remote.voice)}  {escape(remote.voice_prompt[:60])}")
    if state.strangers:
        console.say("A stranger is taken over with `narrate voices adopt CHARACTER VOICE`.")


def _record(kept: Kept, store: Store) -> dict[str, object]:
    from narration.memory.voices import Voices

    voice = kept.voice
    return {
        "character": voice.character,
        "production": voice.production,
        "voice": voice.voice,
        "version": voice.design.version,
        "service": voice.design.service,
        "base_url": voice.design.base_url,
        "account": voice.design.account,
        "target_model": voice.design.target_model,
        "language": voice.design.language,
        "voice_prompt": voice.design.voice_prompt,
        "preview_text": voice.design.preview_text,
        "created_at": voice.created_at,
        "last_used": kept.last_used,
        "chosen_for": list(kept.chosen),
        "locked": kept.locked,
        "given_up": kept.given_up,
        "adopted": voice.adopted,
        "preview": f"{store.url}/{Voices(store).preview_key(voice)}",
    }


def _say(kept: Kept) -> None:
    """Three lines: whose it is, its name at the service, what it was made from (as much as fits)."""
    voice = kept.voice
    state = "locked" if kept.locked else "chosen" if kept.chosen else "given up" if kept.given_up else ""
    where = f"{voice.production}, {voice.design.language}, made {voice.created_at[:10]}"
    where += f", last used {kept.last_used[:10]}" if kept.spoken else ""
    console.say(f"[bold]{escape(voice.character)}[/] [dim]{escape(where)}[/]{f' [green]{state}[/]' if state else ''}")
    console.say(f"  {escape(voice.voice)}")
    prompt = Text("  " + " ".join(voice.design.voice_prompt.split()))
    if console.out.is_terminal:
        prompt.truncate(console.out.width, overflow="ellipsis")
    console.say(escape(prompt.plain))
    console.say()
