"""`narrate recover`: fetch what was paid for and not fetched, in the whole store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flows.cli import console
from flows.cli.options import Json, LogFile, Profile, Quiet, StoreOption, Verbose, environ

if TYPE_CHECKING:
    from narration.keep import Recovered


def recover(
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Fetch everything that dead runs paid for and did not fetch. Pays for nothing.

    A link lives for 24 hours. What expired is told as money lost; what was sent and never answered goes into the
    ledger as in doubt. Every render does the same when it begins, for its own service.

    Example: narrate recover --profile international
    """
    import dataclasses

    outcome = asyncio.run(_recovered(profile or "sandbox", store, environ()))
    if json:
        console.show_json(dataclasses.asdict(outcome))
        return
    if outcome == type(outcome)():
        console.say("Nothing was left open.")
        return
    console.say(f"Fetched: {outcome.kept}. Still to be had, not now: {outcome.waiting}. In doubt: {outcome.in_doubt}.")
    if outcome.lost:
        console.say(f"Lost, because the links are dead: {outcome.lost} takes, {console.money(outcome.lost_usd)}.")


async def _recovered(profile: str, store: str | None, variables: Mapping[str, str]) -> Recovered:
    from flows.opening import speaking
    from flows.places import default_store
    from narration.claims import this_run
    from narration.desk import open_desk
    from narration.keep import recover as recover_all
    from narration.settings import load_settings
    from narration.store import open_store

    settings = load_settings(profile, environ=variables)
    opened = open_store(store or default_store(variables))
    async with (
        speaking(settings, variables) as (service, placed),
        open_desk(store=opened, service=service, settings=placed, run=this_run(), production="") as desk,
    ):
        return await recover_all(desk)
