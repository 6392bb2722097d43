"""`narrate render`: speak what is missing, and deliver the audiobook."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import console
from flows.cli.options import Chapters, Folder, Json, LogFile, Profile, Quiet, StoreOption, Verbose, environ
from narration.errors import ExitCode, Interrupted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.opening import Job
    from flows.rendering import Progress
    from narration.desk import Halt
    from narration.plan import Plan
    from narration.report.summary import Summary


def render(
    folder: Folder = Path(),
    profile: Profile = None,
    chapters: Chapters = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Where the audiobook goes. Default: `out` in the production.", show_default=False
        ),
    ] = None,
    store: StoreOption = None,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            min=0.0,
            help="The most that this run may spend, in USD; beside `budget_usd` of the book.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before spending.")] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Speak what is missing and deliver the audiobook. What is in the store is never paid for again.

    With PREFECT_API_URL set the render runs as a flow on that server and can be watched there; without, it runs here,
    and nothing of Prefect is started.
    """
    from flows.opening import Request, open_job

    request = Request(folder=folder, profile=profile, chapters=chapters, out=out, store=store, budget_usd=budget)
    variables = environ()
    job = open_job(request, variables, needs_key=True)
    plan = asyncio.run(job.plan())
    if not yes and not json and _asks(job, plan):
        _ask(job, plan)
    watched = _on_server if variables.get("PREFECT_API_URL", "").strip() else _watched
    summary = asyncio.run(watched(job, plan, variables))
    if json:
        console.show_json(summary.as_json())
    else:
        _show(summary)
    raise typer.Exit(summary.exit_code)


def _asks(job: Job, plan: Plan) -> bool:
    paid = not job.settings.service.sandbox
    return paid and plan.cost_usd > 0 and sys.stdin.isatty() and sys.stdout.isatty()


def _ask(job: Job, plan: Plan) -> None:
    from flows.cli.plan_command import show_plan

    show_plan(job, plan)
    typer.confirm("Spend that?", abort=True)


async def _watched(job: Job, plan: Plan, variables: Mapping[str, str]) -> Summary:
    from flows.rendering import Progress, render
    from narration.desk import Halt

    progress, halt = Progress(plan=plan), Halt()
    with _interruptible(halt), _shown(progress):
        return await render(job, plan, variables, progress=progress, halt=halt)


async def _on_server(job: Job, plan: Plan, variables: Mapping[str, str]) -> Summary:
    from flows.render import Watch, render_watched, server_trouble
    from flows.rendering import Progress
    from narration.desk import Halt

    trouble = await server_trouble()
    if trouble:
        console.err.print(f"No Prefect server at PREFECT_API_URL ({trouble}): rendering without it.", markup=False)
        return await _watched(job, plan, variables)
    watch = Watch(progress=Progress(plan=plan), halt=Halt())
    with _interruptible(watch.halt), _shown(watch.progress):
        return await render_watched(job, watch)


@contextlib.contextmanager
def _interruptible(halt: Halt) -> Iterator[None]:
    """The first Ctrl-C finishes what is in flight; a second one stops at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def stop() -> None:
        if halt.reason is None:
            halt.stop(
                Interrupted(
                    "Stopped by you: what was in flight is finished and stored.",
                    "The same command goes on from there and pays for nothing twice.",
                )
            )
            console.err.print("Finishing what is in flight; Ctrl-C again stops at once.")
        elif task is not None:
            task.cancel()

    signals = (signal.SIGINT, signal.SIGTERM)
    installed = []
    for number in signals:
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not on Windows, not outside the main thread
            loop.add_signal_handler(number, stop)
            installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _shown(progress: Progress) -> Iterator[None]:
    """A progress bar on a terminal; in a pipe, nothing."""
    if console.settings.quiet or not console.err.is_terminal:
        yield
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        console=console.err,
        transient=True,
        auto_refresh=False,
    ) as bars:
        task: TaskID = bars.add_task(progress.plan.production.title, total=progress.plan.chunks_total, note="")

        async def follow() -> None:
            while True:
                eta = progress.eta_s
                left = f", {console.duration(eta)} left" if eta is not None else ""
                stage = "making voices, " if progress.stage == "voices" else ""
                note = f"{stage}{console.money(progress.cost_usd)}{left}"
                bars.update(task, completed=progress.chunks_done, note=note, refresh=True)
                await asyncio.sleep(0.2)

        follower = asyncio.get_running_loop().create_task(follow())
        try:
            yield
        finally:
            follower.cancel()


def _show(summary: Summary) -> None:
    console.table(
        summary.title,
        (("", "right"), ("chapter", "left"), ("length", "right"), ("spoken", "right"), ("file", "left")),
        (
            (
                str(chapter.number),
                chapter.title or "—",
                console.duration(chapter.audio_s) if chapter.file else "",
                f"{chapter.spoken} of {chapter.chunks}",
                Path(chapter.file).name if chapter.file else f"not finished: {chapter.error}",
            )
            for chapter in summary.chapters
        ),
    )
    for finding in summary.findings:
        console.err.print(
            f"{finding.severity} {finding.code}: chapter {finding.chapter}, line {finding.line + 1} "
            f"({finding.character}): {finding.message} “{finding.text[:80]}”",
            markup=False,
        )
    if summary.lost_usd:
        console.err.print(
            f"An earlier run had paid {console.money(summary.lost_usd)} for audio whose links are dead: spoken again."
        )
    console.say(
        f"Spoken: {summary.chunks_spoken} chunks; reused: {summary.chunks_reused}; "
        f"voices created: {summary.voices_created}."
    )
    console.say(f"Cost: {console.money(summary.cost_usd)}. Audio: {console.duration(summary.audio_s)}.")
    if summary.stopped is not None:
        console.err.print(str(summary.stopped), markup=False)
    if summary.exit_code in (ExitCode.DONE, ExitCode.FINDINGS):
        console.result(summary.out)
