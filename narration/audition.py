"""Auditions: several candidate voices for a character, of which a person chooses one.

A candidate is a version of the character's design, so it is claimed, journalled, budgeted and kept as every voice is,
and an audition that was killed goes on where it was. Invariant: nobody's voice changes by an audition; it changes by
`choose`, which also locks it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from narration.cast import Character
from narration.chunks import billed_characters
from narration.design import check_quota, voice_for
from narration.desk import Desk
from narration.errors import InputError, NarrationError, Problem, TextRefused
from narration.memory.takes import Takes
from narration.memory.voices import Voices
from narration.plan import Plan, design_of, role_in, spoken_s
from narration.planned import PlannedChunk, PlannedVoice
from narration.services.pricing import cost_usd, price_of
from narration.sheets import nearest
from narration.speak import take_of
from narration.take import Take
from narration.voice import Choice, Role, Voice

log = logging.getLogger("narration.audition")

BEST_LINE_S = 6.0
"""How long the line of the book is at best, in seconds."""
MOST = 20
"""Candidates for one character; more than anybody compares by ear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """What is spoken in a voice, and what speaking it again costs.

    Attributes:
        chunks: spoken, or to be spoken, by the character.
        characters: billed for all of them.
        usd: their price.
    """

    chunks: int
    characters: int
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tryout:
    """A character who is auditioned.

    Attributes:
        character: of the cast.
        booth: key of the booth in which it sits.
        role: for which a voice is chosen.
        candidates: in the order of their numbers; those without a voice are to be made.
        voice: the one that it has now, or None.
        locked: whether that one is locked.
        stale: what would be spoken again if another were chosen.
        line: words of the book that each candidate speaks, to be heard in character; None where there are none, or the
            preview says words of the book already. Of the candidate that is chosen, it is a take of the book.
        unspoken: candidates that have not spoken it.
    """

    character: Character
    booth: str
    role: Role
    candidates: tuple[PlannedVoice, ...]
    voice: Voice | None
    locked: bool
    stale: Stale
    line: PlannedChunk | None = None
    unspoken: int = 0

    @property
    def to_make(self) -> tuple[PlannedVoice, ...]:
        """Candidates that are not there yet."""
        return tuple(one for one in self.candidates if one.voice is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """From which words a voice is made."""

    voice_prompt: str
    preview_text: str


async def plan_audition(
    plan: Plan,
    voices: Voices,
    *,
    characters: Collection[str] = (),
    candidates: int,
    takes: Takes | None = None,
    wordings: Mapping[str, Wording] | None = None,
) -> tuple[Tryout, ...]:
    """Who is auditioned with how many candidates, and what is there already. Spends nothing.

    Args:
        plan: of the production, with the account's fingerprint in its seating.
        voices: of the store.
        characters: names in the cast; empty is everybody who speaks with a designed voice.
        candidates: for each, 1 to `MOST`.
        takes: of the store, for lines of the book; None speaks none.
        wordings: instead of the cast sheet's, by name; only those who have one are auditioned.

    Raises:
        InputError: a name is not in the cast, does not speak, or speaks with a system voice.
        StoreError: the store cannot be read.
    """
    wanted = _wanted(plan, characters)
    found = []
    for planned in plan.voices:
        name = planned.character.name
        if planned.character.system_voice or (wanted and name not in wanted):
            continue
        if wordings is not None and name not in wordings:
            continue
        booth = plan.seating.booths[planned.booth]
        design = design_of(planned.character, plan.production, booth.settings, booth.account or "")
        if wordings is not None:
            words = wordings[name]
            design = replace(design, voice_prompt=words.voice_prompt, preview_text=words.preview_text)
        places: list[PlannedVoice] = []
        while len(places) < candidates:
            if not await voices.given_up(design.design_id):
                voice = await voices.get(design.design_id)
                places.append(
                    PlannedVoice(character=planned.character, booth=planned.booth, design=design, voice=voice)
                )
            design = replace(design, version=design.version + 1)
        tryout = Tryout(
            character=planned.character,
            booth=planned.booth,
            role=role_in(plan.production, name, design),
            candidates=tuple(places),
            voice=planned.voice,
            locked=planned.locked,
            stale=stale_of(plan, name),
        )
        found.append(tryout if takes is None else await _with_line(tryout, plan, takes))
    return tuple(found)


async def _with_line(tryout: Tryout, plan: Plan, takes: Takes) -> Tryout:
    design = tryout.candidates[0].design
    line = None if is_quoted(plan, design.preview_text) else line_of(plan, tryout.character.name)
    if line is None:
        return tryout
    asks = [line.ask_with(one.voice).take_id for one in tryout.candidates if one.voice is not None]
    return replace(tryout, line=line, unspoken=len(tryout.candidates) - len(await takes.find(asks)))


def is_quoted(plan: Plan, text: str) -> bool:
    """Whether a text stands in the book, whatever its spaces and its last mark."""
    wanted = " ".join(text.split()).rstrip(".,;:!?…。！？")
    return any(wanted in " ".join(chapter.text.split()) for chapter in plan.book.chapters)


def line_of(plan: Plan, character: str) -> PlannedChunk | None:
    """What a character says in the book that is best heard: about two breaths long, alone, and not refused."""
    said = [
        chunk
        for chapter in plan.chapters
        for chunk in chapter.chunks
        if chunk.chunk.character == character and not chunk.chunk.unison and chunk.refusal is None
    ]
    return min(said, key=lambda chunk: abs(spoken_s(chunk.ask.text) - BEST_LINE_S), default=None)


def price_usd(plan: Plan, tryouts: Collection[Tryout]) -> float:
    """What the candidates cost that are not there yet."""
    usd = 0.0
    for tryout in tryouts:
        design, speech = plan.prices(tryout.booth)
        usd += cost_usd(design, 1) * len(tryout.to_make)
        if tryout.line is not None:
            usd += cost_usd(speech, billed_characters(tryout.line.ask.text)) * tryout.unspoken
    return usd


def stale_of(plan: Plan, character: str, *, spoken_only: bool = True) -> Stale:
    """The takes of a character, those in the store or all, and what it costs to have them again."""
    asks = {
        (chunk.design_id, chunk.ask): chunk
        for chapter in plan.chapters
        for chunk in chapter.chunks
        if chunk.chunk.character == character and (chunk.take is not None or not spoken_only)
    }
    usd = 0.0
    for chunk in asks.values():
        service = plan.seating.booths[chunk.booth].settings.service
        usd += cost_usd(price_of(service.speech_model, service.region), billed_characters(chunk.ask.text))
    characters = sum(billed_characters(chunk.ask.text) for chunk in asks.values())
    return Stale(chunks=len(asks), characters=characters, usd=usd)


async def hold(desk: Desk, tryouts: Collection[Tryout]) -> tuple[tuple[Voice, bool], ...]:
    """Make the candidates that are not there, and number them all.

    The first one is made alone, since a wrong key or a full quota shows there. What was made before something went
    wrong is kept and numbered.

    Returns:
        Every candidate, and whether this call made it.

    Raises:
        NarrationError: as `narration.design.voice_for`; the first thing that went wrong.
    """
    queues = [tryout.to_make for tryout in tryouts if tryout.to_make]
    made: list[tuple[Voice, bool]] = []
    wrong: list[NarrationError] = []

    async def one_by_one(queue: tuple[PlannedVoice, ...]) -> None:
        # Not side by side: a creation whose answer was lost is looked for by its description, which siblings share.
        for planned in queue:
            if wrong:
                return
            try:
                made.append(await voice_for(desk, planned))
            except NarrationError as error:
                wrong.append(error)

    if queues:
        await check_quota(desk, [planned for queue in queues for planned in queue])
        await one_by_one(queues[0][:1])
        await asyncio.gather(*map(one_by_one, (queues[0][1:], *queues[1:])))
    for tryout in tryouts:
        ids = [planned.design.design_id for planned in tryout.candidates]
        there = [design_id for design_id in ids if await desk.voices.get(design_id) is not None]
        await desk.voices.note_audition(tryout.role, tuple(there))
    if wrong:
        raise wrong[0]
    kept = [(one.voice, False) for tryout in tryouts for one in tryout.candidates if one.voice is not None]
    return (*kept, *made)


async def speak_lines(desk: Desk, tryouts: Collection[Tryout]) -> tuple[Take, ...]:
    """Have every candidate speak its character's line of the book, where it has not.

    Returns:
        The takes that were bought now. A line that the service refuses is left out: the preview is there.

    Raises:
        NarrationError: as `narration.speak.take_of`, but for a refused text.
    """
    bought = []
    for tryout in tryouts:
        for voice in await desk.voices.audition(tryout.role) if tryout.line is not None and tryout.unspoken else ():
            if tryout.line is None or await desk.voices.given_up(voice.design.design_id):
                continue
            ask, booth = tryout.line.ask_with(voice), desk.booths[tryout.booth]
            try:
                take, new = await take_of(
                    desk, booth, ask, chapter=tryout.line.chunk.chapter, character=tryout.character.name
                )
            except TextRefused as error:
                log.warning("%s: the line of the book is not heard: %s", tryout.character.name, error)
                break
            if new:
                bought.append(take)
    return tuple(bought)


async def choose(voices: Voices, role: Role, number: int, at: str) -> Voice:
    """Choose a candidate by its number, and lock it.

    Args:
        voices: of the store.
        role: who is cast.
        number: from 1, as on the audition's page.
        at: ISO 8601, UTC.

    Raises:
        InputError: there was no audition, no candidate of that number, or it was deleted.
        StoreError: the store cannot be read or written.
    """
    candidates = await voices.audition(role)
    if not 1 <= number <= len(candidates):
        expected = f"a number from 1 to {len(candidates)}" if candidates else "an audition before a choice"
        raise InputError(
            Problem(
                what=f"there is no candidate {number} for this character",
                where="the number",
                expected=expected,
                hint="" if candidates else "Hold one: `narrate audition`.",
            )
        )
    chosen = candidates[number - 1]
    if await voices.given_up(chosen.design.design_id):
        raise InputError(
            Problem(
                what=f"Candidate {number} for {role.character} was deleted.",
                where="the number",
                expected="one that is still there",
                hint="`narrate audition` makes another.",
            )
        )
    await voices.choose(Choice(role=role, design_id=chosen.design.design_id, locked=True, at=at))
    return chosen


def _wanted(plan: Plan, characters: Collection[str]) -> frozenset[str]:
    """Names of the cast for what a person wrote.

    Raises:
        InputError: with all that cannot be auditioned.
    """
    problems, wanted = [], set()
    speaking = {planned.character.name: planned for planned in plan.voices}
    for written in characters:
        name = next((name for name in speaking if name.casefold() == written.strip().casefold()), "")
        if not name:
            expected = f"one of those who speak: {', '.join(speaking)}"
            what, hint = f"{written!r} is not cast here", nearest(written, speaking)
            problems.append(Problem(what=what, where="the character", expected=expected, hint=hint))
        elif speaking[name].character.system_voice:
            what = f"{name} speaks with a system voice"
            problems.append(Problem(what=what, where="the cast sheet", expected="a description of the sound"))
        else:
            wanted.add(name)
    if problems:
        raise InputError(*problems)
    return frozenset(wanted)
