"""`narrate voices adopt|delete|prune|migrate|check|rekey`: what an account holds, and what a cast sounds like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import completing, console
from flows.cli.audition_command import Candidates, Characters, Page
from flows.cli.here import profile_or_here
from flows.cli.options import (
    Budget,
    Json,
    LogFile,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    Yes,
    environ,
    examples,
)
from flows.cli.voices_command import Book, Name, voices_app
from narration.errors import ExitCode, InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.casting import Seat
    from narration.memory.store import Store
    from narration.upkeep import Kept
    from narration.voice import Voice

RemoteName = Annotated[
    str, typer.Argument(metavar="VOICE", help="The service's own name of the voice.", show_default=False)
]


@voices_app.command("adopt", epilog=examples("narrate voices adopt Mara qwen-tts-vd-mara-voice-20260101120000000-9f3c"))
def adopt_voice(
    character: Name,
    voice: RemoteName,
    book: Book = Path(),
    profile: Profile = None,
    store: StoreOption = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Take over a voice that is in the account already: the character has it from now on, locked.

    Costs nothing. The service keeps no preview, so there is none; description and words are what the service tells.
    """
    from flows.casting import seat_of

    seat = seat_of(book, character, environ(), profile=profile, store=store, needs_key=True)
    adopted = console.wait(_adopted(seat, voice))
    console.say(f"{escape(seat.character.name)} has it from now on: locked.")
    console.result(adopted.voice)


@voices_app.command("delete", epilog=examples("narrate voices delete VOICE --profile international"))
def delete_voice(
    voice: RemoteName,
    also_spoken: Annotated[
        bool, typer.Option("--also-spoken", help="Delete it although a production was spoken with it.")
    ] = False,
    profile: Profile = None,
    store: StoreOption = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Delete one voice at the service. Its record, its preview and its takes stay in the store.

    One that is chosen for a character is refused.
    """
    from flows.places import default_store
    from narration.memory.store import open_store

    opened = open_store(store or default_store(environ()))
    console.wait(_deleted(opened, profile_or_here(profile), voice, also_spoken))
    console.say(f"Deleted {escape(voice)}.")


@voices_app.command(
    "prune", epilog=examples("narrate voices prune --profile international", "narrate voices prune --yes")
)
def prune_voices(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete them; without it they are only listed.")] = False,
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """List the voices of this store that nobody needs, and with --yes delete them at the service.

    Never one that is chosen or locked, never one that a production was spoken with, none younger than 30 days, and none
    that this store did not make or adopt.
    """
    from flows.places import default_store
    from narration.memory.store import open_store

    opened = open_store(store or default_store(environ()))
    found = console.wait(_pruned(opened, profile_or_here(profile), environ(), really=yes))
    if json:
        console.show_json({"deleted": yes, "voices": [kept.voice.voice for kept in found]})
        return
    for kept in found:
        made = f"{kept.voice.character}, made {kept.voice.created_at[:10]}"
        console.say(f"{escape(kept.voice.voice)}  [dim]{escape(made)}[/]")
    said = "deleted" if yes else "could go; `--yes` deletes them"
    console.say(f"{console.count(len(found), 'voice')} {said}." if found else "Nothing could go.")


@voices_app.command("migrate", epilog=examples("narrate voices migrate --to china-cosyvoice --book my-book"))
def migrate_voices(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="NAME",
            help="The profile to go to: a name or a path.",
            show_default=False,
            autocompletion=completing.profiles,
        ),
    ],
    character: Characters = None,
    candidates: Candidates = 3,
    page: Page = None,
    book: Book = Path(),
    profile: Profile = None,
    store: StoreOption = None,
    budget: Budget = None,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Make a cast again at another service, from the kept descriptions, as candidates to be heard.

    Says beforehand what is spoken in the old voices and what it costs to speak it in new ones. Changes nothing by
    itself: choose with `narrate voices choose NAME N --profile NAME`, then render with that profile.
    """
    from flows.auditioning import audition
    from flows.cli.audition_command import ask, record, say_held
    from flows.migrating import plan_migration

    variables = environ()
    moving = console.wait(
        plan_migration(
            book,
            variables,
            to=to,
            profile=profile,
            store=store,
            budget_usd=budget,
            characters=tuple(character or ()),
            candidates=candidates,
        )
    )
    if not json:
        for one in moving.moves:
            console.say(
                f"{escape(one.character)}: {console.count(one.spoken.chunks, 'chunk')} spoken in the old voice; "
                f"{console.count(one.all.chunks, 'chunk')}, {console.count(one.all.characters, 'character')} billed, "
                f"{console.money(one.all.usd)} to speak in the new one"
            )
        total = sum(one.all.usd for one in moving.moves)
        console.say(
            f"cost    {console.money(moving.audition.price_usd)} for candidates now, {console.money(total)} for speech "
            "when you render"
        )
        ask(moving.audition, yes=yes)
    held = console.wait(audition(moving.audition, variables, page=page))
    if json:
        console.show_json({**record(held), "to_speak_usd": sum(one.all.usd for one in moving.moves)})
        return
    say_held(held)
    console.say(f"Choose with `--profile {escape(to)}`.")


@voices_app.command("check", epilog=examples("narrate voices check --book my-book"))
def check_voices(
    book: Book = Path(),
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Measure the voices of a book: which would blend, and which takes are not like their voice.

    Measures what is in the store; asks nobody and costs nothing. Exits with 3 where there is something to hear.
    """
    import dataclasses

    from flows.opening import Request, open_job
    from narration.check.voices import check_plan

    job = open_job(Request(folder=book, profile=profile, store=store), environ(), needs_key=False)
    plan = console.wait(job.plan())
    checked = console.wait(check_plan(plan, job.store))
    if json:
        console.show_json(
            {
                "takes": checked.takes,
                "pairs": [dataclasses.asdict(pair) for pair in checked.pairs],
                "findings": [dataclasses.asdict(finding) for finding in checked.findings],
            }
        )
    else:
        console.say(f"Measured {console.count(checked.takes, 'take')} of {console.count(checked.voices, 'voice')}.")
        for pair in checked.pairs[:3]:
            console.say(f"  {escape(pair.one)} and {escape(pair.other)}: {pair.distance:.1f} apart")
        for finding in checked.findings:
            console.tell(f"[yellow]{finding.code}[/] {escape(finding.message)}")
            console.tell(f"  → {escape(finding.hint)}")
    raise typer.Exit(ExitCode.FINDINGS if checked.findings else ExitCode.DONE)


@voices_app.command("rekey", epilog=examples("narrate voices rekey --profile international"))
def rekey_account(
    same_as: Annotated[
        str | None,
        typer.Option("--same-as", metavar="ACCOUNT", help="Ask nobody: it is this account's.", show_default=False),
    ] = None,
    other_account: Annotated[
        bool, typer.Option("--other-account", help="Ask nobody: it is of an account that the store does not know.")
    ] = False,
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Say whose the key is that is set now: after a change of keys the voices of the account are found again.

    Asks the account for its list of voices, which costs nothing: one that this store made shows whose the key is. A
    fingerprint is remembered in the store, never the key; all workers on the store know it from then on.
    """
    from flows.places import default_store
    from flows.rekeying import rekey
    from narration.memory.store import open_store

    if same_as and other_account:
        what = "--same-as and --other-account exclude each other"
        raise InputError(Problem(what=what, where="the command line", expected="one of them"))
    opened = open_store(store or default_store(environ()))
    found = console.wait(
        rekey(opened, environ(), profile=profile or "sandbox", account=same_as or "", other=other_account)
    )
    if json:
        told = {"key": found.fingerprint, "account": found.belonging.account, "because": found.belonging.because}
        console.show_json({**told, "voices": found.voices})
        return
    whose = "an account of its own" if found.is_own else f"account {found.belonging.account}"
    kept = console.count(found.voices, "voice")
    console.say(f"The key is of {whose}, with {kept} in this store ({found.belonging.because}).")


async def _adopted(seat: Seat, name: str) -> Voice:
    from datetime import UTC, datetime

    from flows.casting import asking
    from narration.upkeep import adopt
    from narration.voice import Choice

    async with asking(seat.store, environ(), seat=seat) as (desk, booth):
        remote, call = await booth.service.query(name)
        await desk.note_free(booth, call, voice=name)
        if remote is None:
            raise InputError(
                Problem(
                    what=f"the account has no voice {name}",
                    where=f"profile {booth.profile}",
                    expected="a voice of `narrate voices list --remote`",
                )
            )
        voice = await adopt(desk, booth, remote, seat.character.name, seat.design)
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    await seat.voices.choose(Choice(role=seat.role, design_id=voice.design.design_id, locked=True, at=at))
    return voice


async def _deleted(store: Store, profile: str, name: str, also_spoken: bool) -> None:
    from flows.casting import asking
    from narration.upkeep import at_home, kept_voices
    from narration.upkeep import delete_voice as delete

    async with asking(store, environ(), profile=profile) as (desk, booth):
        for kept in await kept_voices(desk.voices, desk.ledger):
            if kept.voice.voice == name and at_home(kept.voice, booth):
                return await delete(desk, booth, kept, why="deleted by a person", also_spoken=also_spoken)
    raise InputError(
        Problem(
            what=f"no voice {name} is kept of that account",
            where=f"profile {profile}",
            expected="a voice of `narrate voices list`",
        )
    )


async def _pruned(store: Store, profile: str, variables: Mapping[str, str], *, really: bool) -> tuple[Kept, ...]:
    from flows.casting import asking
    from narration.upkeep import delete_voice as delete
    from narration.upkeep import look

    async with asking(store, variables, profile=profile) as (desk, booth):
        found = (await look(desk, booth)).prunable
        for kept in found if really else ():
            await delete(desk, booth, kept, why="pruned: nobody needed it")
    return found
