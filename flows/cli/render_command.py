"""`narrate render`: speak what is missing, and deliver the audiobook."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator
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
    Yes,
    environ,
    examples,
)
from flows.cli.outcome import show_summary
from flows.cli.unattended import interruptible, server_answers
from narration.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.opening import Job
    from flows.progress import Progress
    from narration.plan import Plan
    from narration.report.summary import Summary

EXAMPLES = examples(
    "narrate render                      the production you are in",
    "narrate render my-book --chapters 1-3 --out listen",
    "narrate render my-book --profile international --budget 5 --yes",
)


def render(
    folder: Folder = Path(),
    profile: Profile = None,
    chapters: Chapters = None,
    out: Out = None,
    store: StoreOption = None,
    budget: Budget = None,
    redesign_missing: Annotated[
        bool,
        typer.Option(
            "--redesign-missing",
            help="Make a new version of each voice that the service lost, and speak all of its lines again.",
        ),
    ] = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Speak what is missing and deliver the audiobook.

    What is in the store is never paid for again. Ctrl-C finishes what is in flight; the same command goes on from
    there.

    With PREFECT_API_URL set the render is a flow run on that server and can be watched there. Without it nothing of
    Prefect is started.
    """
    from flows.opening import Request, open_job

    request = Request(
        folder=folder,
        profile=profile,
        chapters=chapters,
        out=out,
        store=store,
        budget_usd=budget,
        redesign_missing=redesign_missing,
    )
    variables = environ()
    job = open_job(request, variables, needs_key=True)
    plan = console.wait(job.plan())
    if not yes and not json:
        confirmed(job, plan)
    for end in plan.endings() if job.seating.costs_money else ():
        console.tell(f"[yellow]{escape(end.sentence())}[/]")
    shown = _on_server if variables.get("PREFECT_API_URL", "").strip() else watched
    summary = console.wait(shown(job, plan, variables))
    if json:
        console.show_json(summary.as_json())
    else:
        show_summary(summary, sandbox=not job.seating.costs_money)
    raise typer.Exit(summary.exit_code)


def confirmed(job: Job, plan: Plan) -> None:
    """At a terminal, show what a paid render costs and ask once.

    Raises:
        Interrupted: the answer was no.
    """
    if not job.seating.costs_money or not sys.stdin.isatty() or not sys.stdout.isatty():
        return
    from flows.cli.plan_command import hearing_usd, show_plan

    most_usd = plan.cost_usd + hearing_usd(job, plan)
    if not most_usd:
        return

    show_plan(job, plan)
    console.say()
    if not typer.confirm(f"Spend up to {console.money(most_usd)}?"):
        raise Interrupted("Nothing was spent.", f"narrate plan {shlex.quote(str(job.request.folder))}")


async def watched(job: Job, plan: Plan, variables: Mapping[str, str]) -> Summary:
    """Render with a progress bar; the first Ctrl-C finishes what is in flight."""
    from flows.progress import Progress
    from flows.rendering import render
    from narration.desk import Halt

    progress, halt = Progress(plan=plan), Halt()
    with interruptible(halt.stop), _shown(progress):
        return await render(job, plan, variables, progress=progress, halt=halt)


async def _on_server(job: Job, plan: Plan, variables: Mapping[str, str]) -> Summary:
    if not await server_answers():
        return await watched(job, plan, variables)
    from flows.progress import Progress
    from flows.render import Watch, render_watched
    from narration.desk import Halt

    watch = Watch(job=job, progress=Progress(plan=plan), halt=Halt())
    with interruptible(watch.halt.stop), _shown(watch.progress):
        return await render_watched(watch)


@contextlib.contextmanager
def _shown(progress: Progress) -> Iterator[None]:
    """A progress bar on a terminal; in a pipe, nothing."""
    import asyncio

    if console.settings.quiet or not console.err.is_terminal:
        yield
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console.err,
        transient=True,
        auto_refresh=False,
    ) as bars:
        title = progress.plan.production.title
        shown = title if len(title) <= 20 else title[:19] + "…"
        task = bars.add_task(shown, total=progress.plan.chunks_total, note="")

        async def follow() -> None:
            while True:
                bars.update(task, completed=progress.chunks_done, note=_note(progress), refresh=True)
                await asyncio.sleep(0.2)

        follower = asyncio.get_running_loop().create_task(follow())
        try:
            yield
        finally:
            follower.cancel()


def _note(progress: Progress) -> str:
    """What stands beside the bar: money so far, and the time that is left or what is still to be put together."""
    plan = progress.plan
    if progress.chunks_done >= plan.chunks_total:
        return f"{console.money(progress.cost_usd)}, {len(progress.chapters)} of {len(plan.chapters)} chapters ready"
    eta = progress.eta_s
    left = f", {console.duration(eta)} left" if eta is not None else ""
    stage = "making voices, " if progress.stage == "voices" and plan.voices_to_create() else ""
    return f"{stage}{console.money(progress.cost_usd)}{left}"
