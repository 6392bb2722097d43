"""One round of housekeeping for the accounts of some profiles: quota, keep-alive, vanished voices, the ledger.

Invariant: it deletes nothing at a service. What could go is proposed; a person tells.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.casting import asking
from narration.booth import Booth
from narration.desk import Desk
from narration.errors import NarrationError
from narration.keep import recover
from narration.memory.store import Store
from narration.upkeep import Kept, State, keep_alive, look, speaks_here

log = logging.getLogger("narration.housekeeping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What was found in one account, and done.

    Attributes:
        state: of the account.
        kept_alive: voices that were spoken with now.
        waiting: those that are due and could not be spoken with, each with the reason.
        cost_usd: of what was spoken.
        warnings: sentences for a person, the gravest first.
    """

    state: State
    kept_alive: tuple[str, ...]
    waiting: tuple[tuple[str, str], ...]
    cost_usd: float
    warnings: tuple[str, ...] = field(default=())


async def keep_house(
    profile: str,
    store: Store,
    environ: Mapping[str, str],
    *,
    speak: bool = True,
    budget_usd: float | None = None,
    flow_run_id: str = "",
) -> Round:
    """Look after one profile's account.

    Args:
        profile: name or path.
        store: the memory.
        environ: the process's environment, for the key.
        speak: whether voices that are due are spoken with, which costs a few characters each.
        budget_usd: the most that may be spent.
        flow_run_id: of the Prefect flow run, for the ledger.

    Raises:
        NarrationError: the account or the store cannot be asked.
    """
    async with asking(store, environ, profile=profile, budget_usd=budget_usd, flow_run_id=flow_run_id) as (desk, booth):
        await recover(desk)
        return await tend(desk, booth, speak=speak)


async def tend(desk: Desk, booth: Booth, *, speak: bool) -> Round:
    """Look at one account, and speak with what is due.

    Raises:
        NarrationError: the account or the store cannot be asked.
    """
    state = await look(desk, booth)
    done, waiting, cost = list[str](), list[tuple[str, str]](), 0.0
    for kept in state.due:
        if not speak or not speaks_here(kept, booth):
            model = kept.voice.design.target_model
            waiting.append((kept.voice.voice, f"a profile of {model} speaks with it" if speak else "not asked"))
            continue
        try:
            take, bought = await keep_alive(desk, booth, kept)
        except NarrationError as error:
            log.warning("%s could not be kept alive: %s", kept.voice.voice, error)
            waiting.append((kept.voice.voice, error.what))
            continue
        if bought:
            done.append(kept.voice.voice)
            cost += take.price_usd
    return Round(
        state=state,
        kept_alive=tuple(done),
        waiting=tuple(waiting),
        cost_usd=cost,
        warnings=tuple(_warnings(state, waiting)),
    )


def _warnings(state: State, waiting: list[tuple[str, str]]) -> list[str]:
    said = [_vanished(kept) for kept in sorted(state.vanished, key=lambda kept: not kept.needed)]
    if state.nearly_full:
        share = 100 * state.total / state.most
        said.append(
            f"The account of profile {state.profile} holds {state.total:,} of {state.most:,} voices ({share:.0f} %); "
            f"{len(state.prunable):,} of this store's could go (`narrate voices prune`)."
        )
    said += [f"{voice} is soon cleaned away by the vendor, and was not spoken with: {why}." for voice, why in waiting]
    if not state.told:
        said.append(f"Profile {state.profile} does not list its voices, so what vanished is not known.")
    return said


def _vanished(kept: Kept) -> str:
    state = "locked" if kept.locked else "chosen" if kept.chosen else "used" if kept.spoken else "never used"
    return (
        f"{kept.voice.voice}, of {kept.voice.character} in {kept.voice.production or 'no book'} ({state}), is no "
        "longer at the service."
    )
