"""The part of `narrate script` that asks a language model: what it costs at the most, whether to, what came of it.

Invariant: nothing is sent before its price at the most was shown, and, at a terminal, agreed to.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from flows.cli import console
from narration.errors import Interrupted

if TYPE_CHECKING:
    from pathlib import Path

    from flows.asking import AskJob, Labelled
    from narration.ask import Asked, Asking
    from narration.errors import NarrationError
    from narration.write_script import Written


def asked_and_written(
    job: AskJob, folder: Path, environ: dict[str, str], *, explain: bool, yes: bool, json: bool
) -> tuple[Written, dict[str, object], NarrationError | None]:
    """Ask, and write the scripts with the answers.

    Returns:
        What was written, the facts for programs, and what stopped the asking, to be raised once all is shown.

    Raises:
        Interrupted: the user does not want to spend, or stopped it.
        NarrationError: the asking could not begin.
    """
    from flows.asking import ask, label, write_labelled

    asking = console.wait(job.asking())
    sandbox = job.is_sandbox
    if not json:
        _show(job, asking)
    if asking.most_usd > 0 and not sandbox and not yes and not json and sys.stdin.isatty() and sys.stdout.isatty():
        _confirm(asking, folder)
    asked = console.wait(ask(job, asking, environ))
    labelled = label(job, asked)
    written = write_labelled(job, labelled, explain=explain)
    if not json:
        _show_outcome(asked, labelled, sandbox=sandbox)
    return written, _facts(job, asking, asked, labelled), asked.error


def written_json(written: Written, facts: dict[str, object]) -> dict[str, object]:
    """The document of `--json`."""
    return {**asdict(written), "model": facts}


def _show(job: AskJob, asking: Asking) -> None:
    known = len(asking.questions) - len(asking.to_ask)
    before = f", {known} of them answered before" if known else ""
    assumed = " (the price is assumed)" if asking.price.assumed and asking.to_ask else ""
    console.say(
        f"{console.count(job.open_lines, 'doubtful line')} for {job.settings.chat.model}: "
        f"{console.count(len(asking.questions), 'question')}{before}. "
        f"At most {console.money(asking.most_usd)}{assumed}."
    )


def _confirm(asking: Asking, folder: Path) -> None:
    if not typer.confirm(f"Spend up to {console.money(asking.most_usd)}?"):
        raise Interrupted("Nothing was spent.", f"narrate script {shlex.quote(str(folder))}")


def _show_outcome(asked: Asked, labelled: Labelled, *, sandbox: bool) -> None:
    console.say(
        f"It named a speaker for {console.count(labelled.named, 'line')}; "
        f"{labelled.accepted} of them, where the rules agree, lost their `?`. "
        f"{console.count(asked.bought, 'question')} asked now, {console.money(asked.cost_usd)}"
        + (" by the vendor's prices; the sandbox charges nothing." if sandbox else ".")
    )
    if sandbox and labelled.named:
        console.tell("[yellow]The sandbox reads nothing:[/] its names are for trying this out, and none is accepted.")
    if labelled.rejected:
        what = console.count(labelled.rejected, "answer was", "answers were")
        console.tell(f"[yellow]{what} no list of labels[/] and rejected: those lines are as they were.")
    if asked.refused:
        what = console.count(asked.refused, "question was", "questions were")
        console.tell(f"[yellow]{what} refused[/] by the service: those lines are as they were.")


def _facts(job: AskJob, asking: Asking, asked: Asked, labelled: Labelled) -> dict[str, object]:
    return {
        "model": job.settings.chat.model,
        "lines_doubtful": job.open_lines,
        "questions": len(asking.questions),
        "questions_asked": asked.bought,
        "questions_refused": asked.refused,
        "answers_rejected": labelled.rejected,
        "lines_named": labelled.named,
        "lines_accepted": labelled.accepted,
        "most_usd": asking.most_usd,
        "cost_usd": asked.cost_usd,
    }
