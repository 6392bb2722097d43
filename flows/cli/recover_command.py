"""`narrate recover`: fetch what was paid for and not fetched, in the whole store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flows.cli import console
from flows.cli.here import profile_or_here
from flows.cli.options import Json, LogFile, Profile, Quiet, StoreOption, Verbose, Version, environ, examples

if TYPE_CHECKING:
    from narration.keep import Recovered

EXAMPLES = examples("narrate recover --profile international")


def recover(
    profile: Profile = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Fetch everything that dead runs paid for and did not fetch. Pays for nothing.

    A link lives for 24 hours. What expired is told as money lost; what was sent and never answered goes into the
    ledger as in doubt. Every render does the same when it begins, for its own service.
    """
    import dataclasses

    outcome = console.wait(_recovered(profile_or_here(profile), store, environ()))
    if json:
        console.show_json(dataclasses.asdict(outcome))
        return
    if outcome == type(outcome)():
        console.say("Nothing was left open.")
        return
    console.say(f"fetched   {outcome.kept}")
    console.say(f"waiting   {outcome.waiting} (paid for, and not to be had now: run it again within 24 hours)")
    for away in outcome.away:
        console.say(f"          {away}")
    console.say(f"in doubt  {outcome.in_doubt} (sent and never answered: they may be on the bill)")
    console.say(f"lost      {outcome.lost} (their links are dead), {console.money(outcome.lost_usd)}")


async def _recovered(profile: str, store: str | None, variables: Mapping[str, str]) -> Recovered:
    from flows.booths import linked, lone_booth, speaking
    from flows.places import default_store
    from narration.desk import open_desk
    from narration.keep import recover as recover_all
    from narration.memory.claims import this_run
    from narration.memory.store import open_store

    opened = open_store(store or default_store(variables))
    seating = linked(lone_booth(profile, variables), variables, opened)
    async with (
        speaking(seating, variables) as services,
        open_desk(store=opened, services=services, main=seating.main, run=this_run(), production="") as desk,
    ):
        return await recover_all(desk)
