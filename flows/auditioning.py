"""One audition, from a job to its page: candidates made, measured and shown. Driven by the command line and by Prefect.

Invariant: the page is written from what is in the store, so that an audition that was stopped half way has one as well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.booths import speaking
from flows.opening import Job
from narration.audio.voiceprint import VoicePrint, print_of
from narration.audition import (
    Tryout,
    Wording,
    choose,
    hold,
    is_quoted,
    plan_audition,
    price_usd,
    speak_lines,
)
from narration.desk import open_desk
from narration.errors import AudioRefused, InputError, Problem, StoreError
from narration.folder import write_whole
from narration.keep import recover
from narration.memory.claims import this_run
from narration.memory.takes import Takes
from narration.memory.voices import Voices
from narration.plan import Plan
from narration.report.audition_page import Heard, Part, audition_page
from narration.take import Take
from narration.voice import Voice

PAGE = "audition.html"
"""Name of the page in the output folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audition:
    """An audition that is planned.

    Attributes:
        job: the production, opened.
        plan: of the book.
        tryouts: who is auditioned.
        price_usd: of the candidates that are to be made.
    """

    job: Job
    plan: Plan
    tryouts: tuple[Tryout, ...]
    price_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What became of an audition.

    Attributes:
        page: where it is.
        parts: what stands on it.
        made: how many voices were made.
        cost_usd: what they cost.
    """

    page: Path
    parts: tuple[Part, ...]
    made: int
    cost_usd: float


async def plan(
    job: Job,
    characters: Collection[str],
    candidates: int,
    wordings: Mapping[str, Wording] | None = None,
    *,
    lines: bool = True,
) -> Audition:
    """See who is to be auditioned, and what that costs. Spends nothing.

    Args:
        job: the production, opened.
        characters: names; empty is everybody.
        candidates: for each.
        wordings: instead of the cast sheet's, by name.
        lines: whether a candidate also speaks a line of the book, where its preview is none.

    Raises:
        InputError: a name cannot be auditioned, or nobody can.
        StoreError: the store cannot be read.
    """
    made = await job.plan()
    tryouts = await plan_audition(
        made,
        Voices(job.store),
        characters=characters,
        candidates=candidates,
        takes=Takes(job.store) if lines else None,
        wordings=wordings,
    )
    if not tryouts:
        raise InputError(
            Problem(
                what="nobody speaks with a designed voice",
                where=str(job.production.cast),
                expected="a description of a voice for somebody who speaks",
            )
        )
    return Audition(job=job, plan=made, tryouts=tryouts, price_usd=price_usd(made, tryouts))


async def audition(
    planned: Audition, environ: Mapping[str, str], *, page: Path | None = None, flow_run_id: str = ""
) -> Held:
    """Make what is missing, and write the page.

    Args:
        planned: what to do.
        environ: the process's environment, for the key.
        page: where the page goes; by default `audition.html` in the production's output folder.
        flow_run_id: of the Prefect flow run, for the ledger.

    Raises:
        NarrationError: what stopped it; what was made before is kept, and is on the page.
    """
    job, to_make = planned.job, any(tryout.to_make or tryout.unspoken for tryout in planned.tryouts)
    where = page or job.out / PAGE
    if not to_make:
        for tryout in planned.tryouts:
            ids = tuple(one.design.design_id for one in tryout.candidates)
            await Voices(job.store).note_audition(tryout.role, ids)
        return await _shown(planned, where, 0, 0.0)
    made: list[Voice] = []
    spoken: tuple[Take, ...] = ()
    async with (
        speaking(job.seating, environ) as services,
        open_desk(
            store=job.store,
            services=services,
            main=job.seating.main,
            run=this_run(),
            production=job.production.name,
            flow_run_id=flow_run_id,
            book_cap_usd=job.production.budget_usd,
            run_cap_usd=job.request.budget_usd,
        ) as desk,
    ):
        await recover(desk)
        try:
            made = [voice for voice, new in await hold(desk, planned.tryouts) if new]
            spoken = await speak_lines(desk, planned.tryouts)
        finally:
            with contextlib.suppress(StoreError):
                cost_usd = sum(voice.price_usd for voice in made) + sum(take.price_usd for take in spoken)
                held = await _shown(planned, where, len(made), cost_usd)
    return held


async def _shown(planned: Audition, page: Path, made: int, cost_usd: float) -> Held:
    """Write the page from what the store has."""
    voices = Voices(planned.job.store)
    parts = tuple([await _part(planned, voices, tryout) for tryout in planned.tryouts])
    parts = tuple(part for part in parts if part.heard)
    cost = f"{made} voices made for ${cost_usd:.2f}; {sum(len(part.heard) for part in parts)} to be heard."
    request, folder = planned.job.request, str(planned.plan.production.folder)
    elsewhere = (("--profile", request.profile), ("--store", request.store))
    options = ("--book", folder, *(word for name, given in elsewhere if given for word in (name, given)))
    text = audition_page(planned.plan.production.title, parts, cost=cost, options=options)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_whole(page, text.encode(), create=False)
    except OSError as error:
        raise StoreError(f"{page} cannot be written: {error.strerror}.", "Choose another with --page.") from error
    return Held(page=page, parts=parts, made=made, cost_usd=cost_usd)


async def _part(planned: Audition, voices: Voices, tryout: Tryout) -> Part:
    heard = [
        await _heard(planned, voices, voice, number, tryout)
        for number, voice in enumerate(await voices.audition(tryout.role), start=1)
        if not await voices.given_up(voice.design.design_id)
    ]
    now = tryout.voice
    if now is not None and all(one.voice.voice != now.voice for one in heard):
        heard.append(await _heard(planned, voices, now, 0, tryout))
    design = tryout.candidates[0].design
    lines = sum(
        tryout.character.name in (line.character, *line.joint)
        for chapter in planned.plan.chapters
        for line in chapter.cut.script.lines
    )
    return Part(
        character=tryout.character.name,
        lines=lines,
        profile=planned.plan.seating.booths[tryout.booth].settings.service.profile,
        prompt=design.voice_prompt,
        preview_text=design.preview_text,
        quoted=is_quoted(planned.plan, design.preview_text),
        line=tryout.line.ask.text if tryout.line is not None else "",
        locked=tryout.locked,
        heard=tuple(heard),
    )


async def _heard(planned: Audition, voices: Voices, voice: Voice, number: int, tryout: Tryout) -> Heard:
    preview, takes = await voices.preview(voice), Takes(planned.job.store)
    take = await takes.get(tryout.line.ask_with(voice).take_id) if tryout.line is not None else None
    return Heard(
        number=number,
        voice=voice,
        preview=preview,
        line=await takes.audio(take) if take is not None else b"",
        measured=measured(preview, voice.preview_format),
        chosen=tryout.voice is not None and tryout.voice.voice == voice.voice,
    )


def measured(preview: bytes, form: str) -> VoicePrint | None:
    """The voiceprint of a preview; None where it is missing, silent or cannot be decoded."""
    try:
        return print_of(preview, form) if preview else None
    except AudioRefused:
        return None


async def chosen(planned: Audition, numbers: Mapping[str, int]) -> tuple[Voice, ...]:
    """Choose candidates, by character and number, and lock them.

    Raises:
        InputError: there is no such candidate.
        StoreError: the store cannot be read or written.
    """
    voices, at = Voices(planned.job.store), datetime.now(UTC).isoformat(timespec="milliseconds")
    roles = {tryout.character.name: tryout.role for tryout in planned.tryouts}
    return tuple([await choose(voices, roles[name], number, at) for name, number in numbers.items()])
