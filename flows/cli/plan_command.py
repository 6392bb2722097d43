"""`narrate plan`: what a render would do and cost. Spends nothing, needs neither key nor network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.options import (
    Budget,
    Chapters,
    Folder,
    Json,
    LogFile,
    Out,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    environ,
    examples,
)
from flows.cli.tables import Column, table
from narration.hearing import RecogniserKind

if TYPE_CHECKING:
    from flows.opening import Job
    from narration.plan import Plan, PlannedVoice

EXAMPLES = examples(
    "narrate plan                        the production you are in",
    "narrate plan my-book --chapters 1-3",
    "narrate plan my-book --profile international --json",
    "narrate plan my-book --policies     what other ways of cutting lines would cost",
)

_MOST_STRANGERS = 8

Policies = Annotated[
    bool, typer.Option("--policies", help="Compare what each chunk policy would cost in requests, money and time.")
]


def plan(
    folder: Folder = Path(),
    profile: Profile = None,
    chapters: Chapters = None,
    out: Out = None,
    store: StoreOption = None,
    budget: Budget = None,
    policies: Policies = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Show what a render would speak, reuse and cost.

    Spends nothing; needs neither key nor network.
    """
    from flows.opening import Request, open_job

    request = Request(folder=folder, profile=profile, chapters=chapters, out=out, store=store, budget_usd=budget)
    job = open_job(request, environ(), needs_key=False)
    if policies:
        from flows.cli.policies import show_policies

        console.wait(show_policies(job, json=json))
        return
    made = console.wait(job.plan())
    if json:
        console.show_json({**plan_json(made), "hearing_usd": hearing_usd(job, made)})
    else:
        show_plan(job, made)


def plan_json(plan: Plan) -> dict[str, object]:
    """The plan, for programs."""
    return {
        "title": plan.production.title,
        "language": plan.production.language,
        "profile": plan.settings.service.profile,
        "service": plan.settings.service.kind,
        "model": plan.settings.service.speech_model,
        "announced_ends": [
            {"model": end.model, "ends": end.ends, "source": end.source, "profile": end.profile}
            for end in plan.endings()
        ],
        "booths": [
            {
                "profile": service.profile,
                "service": service.kind,
                "region": service.region,
                "model": service.speech_model,
            }
            for service in (plan.seating.booths[key].settings.service for key in plan.booths)
        ],
        "chapters": len(plan.chapters),
        "lines": sum(len(chapter.cut.script.lines) for chapter in plan.chapters),
        "quotations": sum(chapter.cut.script.quotations for chapter in plan.chapters),
        "quotations_unattributed": sum(chapter.cut.script.unattributed for chapter in plan.chapters),
        "speakers_not_in_cast": [{"name": name, "lines": lines} for name, lines in plan.strangers],
        "lines_doubtful": sum(chapter.cut.script.doubtful for chapter in plan.chapters),
        "lines_skipped": plan.removed("skipped-by-script"),
        "tags_dropped": plan.removed("dropped-tag"),
        "directions_carried": plan.directions[0],
        "directions_not_carried": plan.directions[1],
        "chunks_total": plan.chunks_total,
        "chunks_to_speak": plan.chunks_to_speak,
        "chunks_reused": plan.chunks_reused,
        "chunks_refused": plan.chunks_refused,
        "characters_billed": plan.characters_billed,
        "voices_to_create": len(plan.voices_to_create()),
        "voices_reused": sum(1 for voice in plan.voices if voice.voice is not None),
        "cost_usd": plan.cost_usd,
        "prices_assumed": _assumed_names(plan, ("design", "speech")),
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
                "profile": plan.seating.booths[voice.booth].settings.service.profile,
                "voice": voice.voice.voice if voice.voice else None,
                "refused": voice.refusal.message if voice.refusal else None,
                "locked": voice.locked,
                "described_otherwise": voice.changed,
                "lines": _lines_of(plan, voice.character.name),
            }
            for voice in plan.voices
        ],
    }


def _lines_of(plan: Plan, name: str) -> int:
    lines = (line for chapter in plan.chapters for line in chapter.cut.script.lines)
    return sum(name in (line.character, *line.joint) for line in lines)


def show_plan(job: Job, plan: Plan) -> None:
    """The plan, for a person."""
    author = plan.production.author
    profile = ", ".join(plan.seating.booths[key].settings.service.profile for key in plan.booths)
    console.say(f"[bold]{escape(plan.production.title)}[/]{escape(f' by {author}' if author else '')}, {profile}")
    console.say()
    _chapters(plan)
    console.say()
    _voices(plan)
    console.say()
    _sums(job, plan)


def _chapters(plan: Plan) -> None:
    table(
        (
            Column(heading="", right=True),
            Column(heading="chapter", gives_way=True),
            Column(heading="lines", right=True),
            Column(heading="chunks", right=True),
            Column(heading="reused", right=True),
            Column(heading="no speaker", right=True),
        ),
        [
            (
                str(chapter.cut.chapter.number),
                chapter.cut.chapter.title or "—",
                str(len(chapter.cut.script.lines)),
                str(len(chapter.chunks)),
                str(sum(1 for planned in chapter.chunks if planned.take is not None)),
                str(chapter.cut.script.unattributed or ""),
            )
            for chapter in plan.chapters
        ],
    )


def _voices(plan: Plan) -> None:
    table(
        (
            Column(heading="character", gives_way=True),
            Column(heading="lines", right=True),
            Column(heading="voice", gives_way=True),
        ),
        [
            (
                voice.character.name,
                str(_lines_of(plan, voice.character.name)),
                _voice_words(voice),
            )
            for voice in plan.voices
        ],
    )


def _voice_words(planned: PlannedVoice) -> str:
    if planned.character.system_voice:
        return f"system voice {planned.character.system_voice}"
    if planned.refusal is not None:
        return "refused by the service: reword its description"
    if planned.voice is None:
        return "to be created"
    return f"{'locked' if planned.locked else 'kept'}, made {planned.voice.created_at[:10]}"


def _sums(job: Job, plan: Plan) -> None:
    _say_unattributed(plan)
    repeated = plan.chunks_total - plan.chunks_to_speak - plan.chunks_reused - plan.chunks_refused
    again = f", {repeated} said twice" if repeated else ""
    again += f", {plan.chunks_refused} refused by the service" if plan.chunks_refused else ""
    create, kept = len(plan.voices_to_create()), sum(1 for voice in plan.voices if voice.voice)
    characters = console.count(plan.characters_billed, "character")
    _row("speech", f"{plan.chunks_to_speak} of {plan.chunks_total} chunks to buy ({characters} billed)")
    _row("", f"{plan.chunks_reused} in the store{again}")
    _row("voices", f"{create} to create, {kept} kept")
    _say_cost(job, plan)
    _say_hearing(job, plan)
    took = f", about {console.duration(plan.time_s_estimate)} to make" if plan.time_s_estimate else ""
    _row("audio", f"about {console.duration(plan.audio_s_estimate)}{took}")
    _row("output", escape(str(job.out)))


def _say_unattributed(plan: Plan) -> None:
    quotations = sum(chapter.cut.script.quotations for chapter in plan.chapters)
    unattributed = sum(chapter.cut.script.unattributed for chapter in plan.chapters)
    # What the manuscript gives to somebody whom the cast does not know is told apart, with the names.
    unattributed -= min(unattributed, sum(lines for _, lines in plan.strangers))
    if unattributed:
        console.say(
            f"{unattributed} of {console.count(quotations, 'quotation')} without a speaker's name: the narrator reads "
            f"{'it' if unattributed == 1 else 'them'}. `narrate script` writes the lines out; `Name: “…”` gives one to "
            "somebody."
        )
    speaking = {voice.character.name for voice in plan.voices}
    silent = [character.name for character in plan.cast.characters if character.name not in speaking]
    if silent:
        console.say(f"In the cast, and without a line here: {escape(', '.join(silent))}.")
    notes = [*strangers_notes(plan.strangers), *_notes(plan)]
    for note in notes:
        console.say(note)
    if unattributed or silent or notes:
        console.say()


def strangers_notes(strangers: tuple[tuple[str, int], ...]) -> list[str]:
    """Whom the manuscript names as a speaker and the cast lacks, in a sentence that says what to do; or nothing."""
    if not strangers:
        return []
    named = ", ".join(f"{name} ({console.count(lines, 'line')})" for name, lines in strangers[:_MOST_STRANGERS])
    more = len(strangers) - _MOST_STRANGERS
    rest = f" and {more} more" if more > 0 else ""
    found = (
        f"[yellow]Not in the cast:[/] {escape(named)}{rest}. The narrator reads their lines, or those who speak with"
    )
    return [f"{found} them. `narrate cast --write` adds them; or write the name among somebody's `aliases`."]


def _notes(plan: Plan) -> list[str]:
    """What the script and the policies make of the text."""
    skipped, dropped, (carried, directions) = (
        plan.removed("skipped-by-script"),
        plan.removed("dropped-tag"),
        plan.directions,
    )
    notes = []
    if skipped:
        notes.append(f"{console.count(skipped, 'line')} skipped by the script (`~`, `#!`).")
    if dropped:
        notes.append(f"{console.count(dropped, 'tag')} dropped, where the voice tells already (`tags: drop`).")
    changed = [voice.character.name for voice in plan.voices if voice.changed]
    if changed:
        notes.append(
            f"[yellow]Locked, and described otherwise now:[/] {escape(', '.join(changed))}. The locked voice speaks; "
            "`narrate audition` makes the new description heard."
        )
    if carried:
        notes.append(f"{console.count(carried, 'direction')} {'goes' if carried == 1 else 'go'} along as instructions.")
    if directions:
        verb = "is" if directions == 1 else "are"
        notes.append(f"{console.count(directions, 'direction')} {verb} not carried by this service, nor spoken.")
    if plan.seating.costs_money:
        notes += [
            f"[yellow]{escape(end.sentence())}[/] `narrate doctor` asks whether it still answers."
            for end in plan.endings()
        ]
    return notes


def _say_cost(job: Job, plan: Plan) -> None:
    _row("cost", f"[bold]{console.money(plan.cost_usd)}[/]{_assumed(plan) if plan.cost_usd else ''}")
    if plan.cost_usd and not plan.seating.costs_money:
        _row("", "the sandbox charges nothing; this is what the vendor would ask")
    caps = [cap for cap in (plan.production.budget_usd, job.request.budget_usd) if cap is not None]
    if caps and plan.cost_usd > min(caps):
        _row("", f"[yellow]that is more than the budget of {console.money(min(caps))}: the render will stop there[/]")


def hearing_usd(job: Job, plan: Plan) -> float:
    """What the recogniser costs beside the plan; what tells that is loaded only where the book asks for one."""
    if job.settings.check.recogniser is RecogniserKind.NONE:
        return 0.0
    from flows import hearing

    return console.wait(hearing.hearing_usd(job, plan))


def _say_hearing(job: Job, plan: Plan) -> None:
    """What the recogniser costs beside that, where the book asks for one."""
    from narration.settings.recogniser import model_of

    kind = job.settings.check.recogniser
    if kind is not RecogniserKind.NONE:
        model = model_of(kind, job.settings.recogniser)
        _row("words", f"heard by {escape(model)}: about {console.money(hearing_usd(job, plan))} more")


def _assumed(plan: Plan) -> str:
    assumed = _assumed_names(plan, ("a voice", "speech"))
    return f"; the price of {' and '.join(assumed)} is assumed (the vendor's is not known)" if assumed else ""


def _assumed_names(plan: Plan, names: tuple[str, str]) -> list[str]:
    """Those of the two names, for designs and for speech, of which a price is assumed in any booth."""
    prices = [plan.prices(booth) for booth in plan.booths]
    return [name for place, name in enumerate(names) if any(pair[place].assumed for pair in prices)]


def _row(label: str, text: str) -> None:
    console.say(f"{label:<8}{text}")
