"""`narrate plan`: what a render would do and cost. Spends nothing, needs neither key nor network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from flows.cli import console
from flows.cli.options import Chapters, Folder, Json, LogFile, Profile, Quiet, StoreOption, Verbose, environ

if TYPE_CHECKING:
    from flows.opening import Job
    from narration.plan import Plan


def plan(
    folder: Folder = Path(),
    profile: Profile = None,
    chapters: Chapters = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Show what a render would speak, reuse and cost. Spends nothing; needs neither key nor network."""
    from flows.opening import Request, open_job

    request = Request(folder=folder, profile=profile, chapters=chapters, store=store)
    job = open_job(request, environ(), needs_key=False)
    made = asyncio.run(job.plan())
    if json:
        console.show_json(plan_json(made))
    else:
        show_plan(job, made)


def plan_json(plan: Plan) -> dict[str, object]:
    """The plan, for programs."""
    design, speech = plan.prices
    return {
        "title": plan.production.title,
        "language": plan.production.language,
        "profile": plan.settings.service.profile,
        "service": plan.settings.service.kind,
        "model": plan.settings.service.speech_model,
        "chapters": len(plan.chapters),
        "lines": sum(len(chapter.cut.script.lines) for chapter in plan.chapters),
        "quotations": sum(chapter.cut.script.quotations for chapter in plan.chapters),
        "quotations_unattributed": sum(chapter.cut.script.unattributed for chapter in plan.chapters),
        "chunks_total": plan.chunks_total,
        "chunks_to_speak": plan.chunks_to_speak,
        "chunks_reused": plan.chunks_reused,
        "characters_billed": plan.characters_billed,
        "voices_to_create": len(plan.voices_to_create()),
        "voices_reused": sum(1 for voice in plan.voices if voice.voice is not None),
        "cost_usd": plan.cost_usd,
        "prices_assumed": [name for name, price in (("design", design), ("speech", speech)) if price.assumed],
        "budget_usd": plan.production.budget_usd,
        "audio_s_estimate": plan.audio_s_estimate,
        "time_s_estimate": plan.time_s_estimate,
        "chapter_list": [
            {
                "number": chapter.cut.chapter.number,
                "title": chapter.cut.chapter.title,
                "lines": len(chapter.cut.script.lines),
                "chunks": len(chapter.chunks),
                "chunks_reused": sum(1 for planned in chapter.chunks if planned.take is not None),
                "quotations_unattributed": chapter.cut.script.unattributed,
            }
            for chapter in plan.chapters
        ],
        "voice_list": [
            {
                "character": voice.character.name,
                "voice": voice.voice.voice if voice.voice else None,
                "lines": sum(
                    1
                    for chapter in plan.chapters
                    for line in chapter.cut.script.lines
                    if line.character == voice.character.name
                ),
            }
            for voice in plan.voices
        ],
    }


def show_plan(job: Job, plan: Plan) -> None:
    """The plan, for a person."""
    service = plan.settings.service
    console.say(f"[bold]{plan.production.title}[/] by {plan.production.author or 'unknown'}, profile {service.profile}")
    console.say()
    console.table(
        "Chapters",
        (
            ("", "right"),
            ("title", "left"),
            ("lines", "right"),
            ("chunks", "right"),
            ("reused", "right"),
            ("to narrator", "right"),
        ),
        (
            (
                str(chapter.cut.chapter.number),
                chapter.cut.chapter.title or "—",
                str(len(chapter.cut.script.lines)),
                str(len(chapter.chunks)),
                str(sum(1 for planned in chapter.chunks if planned.take is not None)),
                str(chapter.cut.script.unattributed or ""),
            )
            for chapter in plan.chapters
        ),
    )
    console.say()
    lines = {voice.character.name: 0 for voice in plan.voices}
    for chapter in plan.chapters:
        for line in chapter.cut.script.lines:
            lines[line.character] = lines.get(line.character, 0) + 1
    console.table(
        "Voices",
        (("character", "left"), ("lines", "right"), ("voice", "left")),
        (
            (
                voice.character.name,
                str(lines[voice.character.name]),
                voice.voice.voice if voice.voice else "to be created",
            )
            for voice in plan.voices
        ),
    )
    console.say()
    _show_sums(job, plan)


def _show_sums(job: Job, plan: Plan) -> None:
    design, speech = plan.prices
    quotations = sum(chapter.cut.script.quotations for chapter in plan.chapters)
    unattributed = sum(chapter.cut.script.unattributed for chapter in plan.chapters)
    if unattributed:
        console.say(
            f"{unattributed} of {quotations} quotations have no speaker's name beside them: the narrator reads them. "
            "Write `Name: “…”` to give one to somebody."
        )
    silent = [
        character.name
        for character in plan.cast.characters
        if character.name not in {v.character.name for v in plan.voices}
    ]
    if silent:
        console.say(f"In the cast, and without a line here: {', '.join(silent)}.")
    console.say(
        f"To speak: {plan.chunks_to_speak} chunks ({plan.characters_billed} characters billed) "
        f"and {len(plan.voices_to_create())} voices; reused: {plan.chunks_reused} of {plan.chunks_total} chunks."
    )
    assumed = [name for name, price in (("a voice", design), ("speech", speech)) if price.assumed]
    note = f" (the price of {' and '.join(assumed)} is assumed: the vendor's is not known)" if assumed else ""
    free = " The sandbox costs nothing; this is what the vendor would ask." if plan.settings.service.sandbox else ""
    console.say(f"Cost: [bold]{console.money(plan.cost_usd)}[/]{note}.{free}")
    budget = plan.production.budget_usd
    if budget is not None and plan.cost_usd > budget:
        console.say(
            f"[yellow]That is more than the book's budget of {console.money(budget)}: the render will stop there.[/]"
        )
    took = f", about {console.duration(plan.time_s_estimate)} to make" if plan.time_s_estimate else ""
    console.say(f"Audio: about {console.duration(plan.audio_s_estimate)}{took}. Output: {job.out}")
