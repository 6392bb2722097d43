"""`narrate hear`: a recogniser hears what is spoken already, and its words are held against the book's."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
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
from narration.errors import ExitCode, Interrupted
from narration.hearing import RecogniserKind

if TYPE_CHECKING:
    from flows.hearing import HearPlan
    from flows.opening import Job, Request
    from narration.deliver.record import ChapterRecord
    from narration.finding import Finding
    from narration.plan import Plan

EXAMPLES = examples(
    "narrate hear my-book --recogniser offline       English, free, on this machine",
    "narrate hear my-book --profile international --recogniser dashscope --budget 1",
)

_MOST_SHOWN = 100

Kind = Annotated[
    RecogniserKind | None,
    typer.Option(
        "--recogniser",
        metavar="KIND",
        help="offline, dashscope or openai, instead of the one of book.yaml.",
        show_default=False,
    ),
]


def hear(
    folder: Folder = Path(),
    recogniser: Kind = None,
    profile: Profile = None,
    chapters: Chapters = None,
    out: Out = None,
    store: StoreOption = None,
    budget: Budget = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before spending.")] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Have a recogniser hear every take, and list the words that are missing, added or changed.

    Speaks nothing, and changes nothing that is delivered; what was heard before is not paid for again. Ends with exit
    code 3 where words are missing or added. `narrate retake` speaks such lines again; a render with `recogniser` set
    in book.yaml does so by itself.
    """
    from flows.hearing import findings_of, hear_book, make_hear_plan, recogniser_key
    from flows.opening import Request

    request = Request(folder=folder, profile=profile, chapters=chapters, out=out, store=store, budget_usd=budget)
    variables = environ()
    job = _job(request, variables, recogniser)
    recogniser_key(job.settings, variables)
    plan = console.wait(job.plan())
    planned = console.wait(make_hear_plan(job, plan))
    if not json:
        _show_plan(job, plan, planned)
    if not yes and not json:
        _confirm(job, planned)
    console.wait(hear_book(job, planned, variables))
    found = findings_of(plan, planned, _records(job), job.settings.audio.keep_ms)
    if json:
        console.show_json(_as_json(job, planned, found))
    else:
        _show_outcome(job, planned, found)
    if planned.listening.error is not None:
        raise planned.listening.error
    raise typer.Exit(ExitCode.FINDINGS if any(one.severity == "error" for one in found) else ExitCode.DONE)


def _job(request: Request, variables: dict[str, str], kind: RecogniserKind | None) -> Job:
    """The production, with the recogniser of the option.

    Raises:
        InputError: no recogniser is chosen, or anything else is wrong.
    """
    from flows.opening import open_job
    from narration.errors import InputError, Problem

    job = open_job(request, variables, needs_key=False, recogniser=kind)
    if job.settings.check.recogniser is RecogniserKind.NONE:
        hint = "Or write `recogniser: offline` into the table `check` of book.yaml."
        expected = "offline, dashscope or openai"
        raise InputError(Problem(what="no recogniser is chosen", where="--recogniser", expected=expected, hint=hint))
    return job


def _records(job: Job) -> tuple[ChapterRecord, ...]:
    from flows.proofing import delivered_in
    from narration.errors import InputError

    try:
        return delivered_in(job.out)
    except InputError:  # nothing is delivered yet: the findings have the time in the take only
        return ()


def _show_plan(job: Job, plan: Plan, planned: HearPlan) -> None:
    from narration.settings.recogniser import model_of

    check = job.settings.check.recogniser
    missing = plan.chunks_total - len(planned.spoken)
    known = len(planned.spoken) - planned.to_hear
    assumed = " (the price is assumed)" if planned.price.assumed and planned.to_hear else ""
    console.say(
        f"{console.count(len(planned.spoken), 'take')} for {model_of(check, job.settings.recogniser)}: "
        f"{planned.to_hear} to hear, {console.duration(planned.audio_s)}; {known} heard before, silent or not sampled. "
        f"At most {console.money(planned.most_usd)}{assumed}."
    )
    if missing:
        console.tell(f"[yellow]{console.count(missing, 'chunk is', 'chunks are')} not spoken yet[/] and not heard.")


def _confirm(job: Job, planned: HearPlan) -> None:
    from flows.hearing import is_free

    asks = planned.most_usd > 0 and not is_free(job.settings) and sys.stdin.isatty() and sys.stdout.isatty()
    if asks and not typer.confirm(f"Spend up to {console.money(planned.most_usd)}?"):
        raise Interrupted("Nothing was spent.", f"narrate hear {shlex.quote(str(job.request.folder))}")


def _show_outcome(job: Job, planned: HearPlan, found: list[Finding]) -> None:
    from flows.hearing import is_free

    listening = planned.listening
    if found:
        table(
            (
                Column(heading="line"),
                Column(heading="code"),
                Column(heading="weight"),
                Column(heading="what is the matter", gives_way=True),
            ),
            [(one.place, one.code, one.severity.value, one.message) for one in found[:_MOST_SHOWN]],
        )
    if len(found) > _MOST_SHOWN:
        console.tell(f"… and {len(found) - _MOST_SHOWN} more; --json has all of them.")
    followed, heard = _followed(planned)
    console.say(
        f"{followed} of {console.count(heard, 'take')} followed word by word, "
        f"{console.count(len(found), 'finding')}. {console.count(listening.heard, 'take')} heard now, "
        f"{console.money(listening.cost_usd)}"
        + (" by the vendor's prices; this recogniser charges nothing." if is_free(job.settings) else ".")
    )
    if listening.refused:
        refused = console.count(len(listening.refused), "take was", "takes were")
        console.tell(f"[yellow]{refused} refused[/] by the recogniser, and not heard.")
    if any(one.severity == "error" for one in found):
        folder = shlex.quote(str(job.request.folder))
        lines = " ".join(dict.fromkeys(one.place for one in found if one.severity == "error"))
        console.tell(f"To speak them again: [bold]narrate retake {escape(folder)} {escape(lines[:200])}[/]")


def _followed(planned: HearPlan) -> tuple[int, int]:
    hearings = [planned.listening.hearing(one.take) for one in planned.spoken]
    known = [one for one in hearings if one is not None]
    return sum(one.said.followed for one in known), len(known)


def _as_json(job: Job, planned: HearPlan, found: list[Finding]) -> dict[str, object]:
    followed, heard = _followed(planned)
    error = planned.listening.error
    return {
        "recogniser": job.settings.check.recogniser.value,
        "takes": len(planned.spoken),
        "takes_heard": heard,
        "takes_followed": followed,
        "takes_heard_now": planned.listening.heard,
        "takes_refused": len(planned.listening.refused),
        "most_usd": planned.most_usd,
        "cost_usd": planned.listening.cost_usd,
        "error": str(error) if error is not None else None,
        "findings": [asdict(one) for one in found],
    }
