"""Planning a migration: the voices of a cast, to be made again at another service from what is kept of them.

Invariant: nothing is spent or changed here; what comes of it is an audition like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.auditioning import Audition
from flows.auditioning import plan as plan_audition
from flows.opening import Request, open_job
from narration.audition import Stale, Wording, stale_of
from narration.errors import InputError, Problem
from narration.services.limits import limits_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A character who moves.

    Attributes:
        character: the name.
        spoken: what the old voice has spoken, and would be spoken again.
        all: what is to be spoken in the new voice, at the new service's prices.
    """

    character: str
    spoken: Stale
    all: Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A migration that is planned.

    Attributes:
        audition: of the candidates at the new service.
        moves: who moves, and what becomes stale.
    """

    audition: Audition
    moves: tuple[Move, ...]


async def plan_migration(
    folder: Path,
    environ: Mapping[str, str],
    *,
    to: str,
    profile: str | None,
    store: str | None,
    budget_usd: float | None,
    characters: tuple[str, ...],
    candidates: int,
) -> Migration:
    """See who moves, with which words, and what that makes stale. Spends nothing.

    Args:
        folder: the production.
        environ: the process's environment.
        to: profile to go to.
        profile: to come from, instead of the production's.
        store: folder or URL, or None for the default.
        budget_usd: cap of the run that makes the candidates.
        characters: names; empty is everybody who has a voice there.
        candidates: for each.

    Raises:
        InputError: nobody has a voice to move, or the new service does not take a description as it is.
        StoreError: the store cannot be read.
    """
    old = open_job(Request(folder=folder, profile=profile, store=store), environ, needs_key=False)
    before = await old.plan()
    new = open_job(Request(folder=folder, profile=to, store=store, budget_usd=budget_usd), environ, needs_key=True)
    wordings, spoken = dict[str, Wording](), dict[str, Stale]()
    for planned in before.voices:
        name = planned.character.name
        old_place = before.seating.booth_of(name).settings.service
        new_place = new.seating.booth_of(name).settings.service
        same = (old_place.base_url, old_place.kind, old_place.speech_model) == (
            new_place.base_url,
            new_place.kind,
            new_place.speech_model,
        )
        if planned.voice is None or planned.character.system_voice or same:
            continue
        design = planned.voice.design
        wordings[name] = Wording(voice_prompt=design.voice_prompt, preview_text=design.preview_text)
        spoken[name] = stale_of(before, name)
    if not wordings:
        raise InputError(
            Problem(
                what="nobody has a voice that could move there",
                where=f"profile {old.settings.service.profile} to {new.settings.service.profile}",
                expected="voices that are kept, and another place or model",
                hint="`narrate audition --profile NAME` makes voices from the cast sheet.",
            )
        )
    _check_lengths(wordings, {name: new.seating.booth_of(name).settings.service.kind for name in wordings})
    audition = await plan_audition(new, characters, candidates, wordings)
    names = [tryout.character.name for tryout in audition.tryouts]
    moves = (
        Move(character=name, spoken=spoken[name], all=stale_of(audition.plan, name, spoken_only=False))
        for name in names
    )
    return Migration(audition=audition, moves=tuple(moves))


def _check_lengths(wordings: Mapping[str, Wording], kinds: Mapping[str, str]) -> None:
    """See that the new service takes the kept words.

    Raises:
        InputError: with all that are too long there.
    """
    problems = []
    for name, words in wordings.items():
        limits = limits_of(kinds[name])
        longest = (
            ("the description", words.voice_prompt, limits.prompt_max_chars),
            ("the preview", words.preview_text, limits.preview_max_chars),
        )
        problems += [
            Problem(
                what=f"{what} of {name} has {len(text):,} characters",
                where="the voice bible",
                expected=f"{most:,} at the most",
                hint="Shorten it in the cast sheet, and hold an audition there instead.",
            )
            for what, text, most in longest
            if len(text) > most
        ]
    if problems:
        raise InputError(*problems)
