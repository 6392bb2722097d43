"""`narrate store du|prune`: what the store holds, and what of it a book does not need any more."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.options import (
    Folder,
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
from flows.cli.tables import Column, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from narration.memory.store import Store
    from narration.storage import Share
    from narration.take import Take

store_app = typer.Typer(help="What the store holds.", no_args_is_help=True, rich_markup_mode=None)


@store_app.callback()
def store_group(
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """What the store holds."""


@store_app.command("du", epilog=examples("narrate store du", "narrate store du --store s3://bucket/prefix --json"))
def du(
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Show how much the store holds: by kind, and the takes by production."""
    from flows.places import default_store
    from narration.memory.store import open_store

    opened = open_store(store or default_store(environ()))
    parts, takes = console.wait(_shares(opened))
    if json:
        console.show_json(
            {
                "store": opened.url,
                "bytes": sum(share.size_bytes for share in parts),
                "parts": [dataclasses.asdict(share) for share in parts],
                "takes": [dataclasses.asdict(share) for share in takes],
            }
        )
        return
    for title, shares in (("part", parts), ("takes of", takes)):
        table(
            (
                Column(heading=title, gives_way=True),
                Column(heading="objects", right=True),
                Column(heading="MB", right=True),
            ),
            [(share.part, f"{share.objects:,}", f"{share.size_bytes / 1e6:,.1f}") for share in shares],
        )
        console.say()
    console.result(opened.url)


@store_app.command("prune", epilog=examples("narrate store prune my-book", "narrate store prune my-book --yes"))
def prune(
    folder: Folder = Path(),
    older_than: Annotated[
        int, typer.Option("--older-than", min=0, metavar="DAYS", help="Takes bought within so many days stay.")
    ] = 30,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove them; without it they are only counted.")] = False,
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Count the takes that a book has no use for any more, and with --yes remove them for good.

    Such are takes of lines that were reworded, of voices that were not chosen, and of earlier voices. Never one that
    the whole book uses as it is now, one that another production asked for, or one of another profile. What is removed
    must be paid for again if it is wanted again.
    """
    found = console.wait(_pruned(folder, profile, store, environ(), older_than=older_than, really=yes))
    cost = sum(take.price_usd for take in found)
    if json:
        console.show_json({"removed": yes, "takes": [take.take_id for take in found], "cost_usd": cost})
        return
    for take in found[:5]:
        console.say(f"  {take.created_at[:10]}  {escape(take.ask.text[:60])}")
    if len(found) > 5:
        console.say(f"  and {len(found) - 5:,} more")
    did = "removed" if yes else "could go; `--yes` removes them"
    count = console.count(len(found), "take")
    console.say(f"{count}, bought for {console.money(cost)}: {did}." if found else "Nothing could go.")


async def _shares(store: Store) -> tuple[tuple[Share, ...], tuple[Share, ...]]:
    from narration.memory.usage import Ledger
    from narration.storage import shares, shares_of_takes

    return await shares(store), await shares_of_takes(store, Ledger(store, ""))


async def _pruned(
    folder: Path, profile: str | None, store: str | None, variables: Mapping[str, str], *, older_than: int, really: bool
) -> list[Take]:
    from flows.opening import Request, open_job
    from narration.memory.takes import Takes
    from narration.memory.usage import Ledger
    from narration.storage import unneeded_takes

    # All chapters, whatever book.yaml selects, with their scripts; and the credits, which no selection names.
    job = open_job(Request(folder=folder, profile=profile, store=store, chapters="1-"), variables, needs_key=True)
    plan = await dataclasses.replace(job, chapters=None).plan()
    ledger, now = Ledger(job.store, ""), datetime.now(UTC).isoformat()
    found = await unneeded_takes(plan, job.store, ledger, older_than_days=older_than, now=now)
    for take in found if really else ():
        await Takes(job.store).remove(take)
    return found
