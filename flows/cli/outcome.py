"""What became of a render, for a person: chapters, findings, money, and where everything is.

Invariant: an error is told once, however many chapters it stopped; the folder's path is the last line, whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from flows.cli import console
from flows.cli.tables import Column, table

if TYPE_CHECKING:
    from narration.finding import Finding
    from narration.report.summary import ChapterSummary, Summary


def show_summary(summary: Summary, *, sandbox: bool) -> None:
    """Print it.

    Args:
        summary: of the render.
        sandbox: whether the sandbox spoke, so that the cost is only what the vendor would ask.
    """
    finished = [chapter for chapter in summary.chapters if chapter.error is None]
    if finished:
        _say_chapters(finished)
        console.say()
    if finished or summary.cost_usd:
        _say_sums(summary, sandbox=sandbox)
    if summary.lost_usd:
        console.tell(
            f"[yellow]warning:[/] an earlier run had paid {console.money(summary.lost_usd)} for audio whose links are "
            "dead by now; it was spoken again."
        )
    for finding in summary.findings:
        _tell_finding(finding)
    _tell_errors(summary)
    if finished:
        done = f"{len(finished)} of {console.count(len(summary.chapters), 'chapter')}"
        for file in summary.files:
            console.say(f"  {_beside(file, summary.out)}")
        console.say(f"{done}, {console.duration(summary.audio_s)}, with timelines, report.json and proof.html, in:")
        console.result(summary.out)


def _beside(file: str, out: str) -> str:
    """A file's path, seen from the output folder where it is in it."""
    path = Path(file)
    return str(path.relative_to(out)) if path.is_relative_to(out) else file


def _say_sums(summary: Summary, *, sandbox: bool) -> None:
    spoken = console.count(summary.chunks_spoken, "chunk")
    voices = console.count(summary.voices_created, "new voice")
    console.say(f"Spoken now: {spoken}, {voices}. From the store: {console.count(summary.chunks_reused, 'chunk')}.")
    if summary.retakes:
        console.say(spoken_again(summary.retakes, summary.second_opinions, summary.chunks_spoken))
    asked = " by the vendor's prices; the sandbox charges nothing" if sandbox and summary.cost_usd else ""
    console.say(f"Cost of this run: {console.money(summary.cost_usd)}{asked}.")


def spoken_again(retakes: int, second_opinions: int, spoken: int) -> str:
    """How many takes were spoken again, why, and what share of all that was spoken they add."""
    some = "" if second_opinions == retakes else f", {second_opinions} of them"
    doubted = f"{some} for a second opinion" if second_opinions else ""
    return f"Spoken again: {console.count(retakes, 'take')}{doubted} ({retakes / max(1, spoken):.0%} more requests)."


def _say_chapters(finished: list[ChapterSummary]) -> None:
    table(
        (
            Column(heading="length", right=True),
            Column(heading="spoken", right=True),
            Column(heading="file", gives_way=True),
        ),
        [
            (
                console.duration(chapter.audio_s),
                f"{chapter.spoken} of {chapter.chunks}",
                Path(chapter.file).name,
            )
            for chapter in finished
        ],
    )


def _tell_finding(finding: Finding) -> None:
    place = f"{finding.place} ({finding.character})" if finding.character else finding.place
    text = f" “{finding.text[:77]}{'…' if len(finding.text) > 77 else ''}”" if finding.text else ""
    console.tell(
        f"[yellow]{finding.severity} {escape(finding.code)}:[/] {escape(f'{place}: {finding.message}{text}')}"
        f"{escape(' → ' + finding.hint) if finding.hint else ''}"
    )


def _tell_errors(summary: Summary) -> None:
    """Each error once, with the chapters that it keeps from being finished."""
    stopped_by: dict[str, list[int]] = {}
    errors = {}
    if summary.stopped is not None:
        errors[str(summary.stopped)] = summary.stopped
        stopped_by[str(summary.stopped)] = []
    for chapter in summary.chapters:
        if chapter.error is not None:
            errors.setdefault(str(chapter.error), chapter.error)
            stopped_by.setdefault(str(chapter.error), []).append(chapter.number)
    for words, error in errors.items():
        numbers = stopped_by[words]
        chapters = f" Not finished: chapter{'s' if len(numbers) > 1 else ''} {spans(numbers)}." if numbers else ""
        console.tell(f"[bold red]error:[/] {escape(error.what)}{chapters}")
        if error.hint:
            console.tell(f"→ {escape(error.hint)}")


def spans(numbers: list[int]) -> str:
    """Numbers as a person writes them, and as `--chapters` reads them: `1-3,5`."""
    parts: list[str] = []
    first = last = numbers[0]
    for number in [*numbers[1:], None]:
        if number is not None and number == last + 1:
            last = number
            continue
        parts.append(str(first) if first == last else f"{first}-{last}")
        if number is not None:
            first = last = number
    return ",".join(parts)
