"""What a producer sees of a render in the Prefect UI: rows, a report, keys. Text only; Prefect is not needed for it."""

from __future__ import annotations

import re
from pathlib import Path

from flows.rendering import Progress
from narration.finding import Finding
from narration.plan import Plan
from narration.report.summary import Summary


def key_of(plan: Plan, what: str) -> str:
    """Key of an artifact: the same for every render of a book, so that its history is one line."""
    name = re.sub(r"[^a-z0-9]+", "-", plan.production.name.lower()).strip("-") or "book"
    return f"{name}-{what}"


def progress_words(progress: Progress) -> str:
    """One sentence beside the progress bar."""
    plan = progress.plan
    eta_s = progress.eta_s
    left = f", about {max(1, round(eta_s / 60))} min left" if eta_s and progress.chunks_done < plan.chunks_total else ""
    return (
        f"{plan.production.title}: {progress.chunks_done} of {plan.chunks_total} chunks, "
        f"{len(progress.chapters)} of {len(plan.chapters)} chapters, {progress.cost_usd:.4f} USD{left}"
    )


def chapter_rows(progress: Progress) -> list[dict[str, object]]:
    """The table of chapters."""
    rows: list[dict[str, object]] = []
    for chapter in progress.plan.chapters:
        number = chapter.cut.chapter.number
        done = progress.chapters.get(number)
        there, total = progress.chunks_by_chapter.get(number, 0), len(chapter.chunks)
        rows.append(
            {
                "chapter": number,
                "title": chapter.cut.chapter.title,
                "state": done.state if done else _state(there, total),
                "chunks": f"{there} of {total}",
                "minutes": round(done.audio_s / 60, 1) if done else "",
                "findings": len(done.findings) if done else "",
                "file": Path(done.file).name if done else "",
                "why": str(done.error) if done and done.error else "",
            }
        )
    return rows


def _state(there: int, total: int) -> str:
    if there >= total:
        return "put together"
    return "speaking" if there else "waiting"


def report_markdown(summary: Summary, *, sandbox: bool) -> str:
    """The report at the end, in words that a producer uses.

    Args:
        summary: of the render.
        sandbox: whether the sandbox spoke, so that the cost is only what the vendor would ask.
    """
    finished = [chapter for chapter in summary.chapters if chapter.error is None]
    asked = " by the vendor's prices; the sandbox charges nothing" if sandbox else ""
    lines = [
        f"# {summary.title}",
        "",
        f"{len(finished)} of {len(summary.chapters)} chapters, {summary.audio_s / 60:.1f} minutes, in `{summary.out}`.",
        "",
        "| what | how much |",
        "|---|---|",
        f"| cost of this run | {summary.cost_usd:.4f} USD{asked} |",
        f"| characters billed | {summary.characters_billed:,} |",
        f"| chunks spoken now | {summary.chunks_spoken:,} |",
        f"| chunks from the store | {summary.chunks_reused:,} |",
        f"| new voices | {summary.voices_created} |",
    ]
    if summary.stopped is not None:
        lines += ["", f"**Stopped:** {summary.stopped}"]
    for chapter in summary.chapters:
        if chapter.error is not None and str(chapter.error) != str(summary.stopped):
            lines += ["", f"**Chapter {chapter.number}, {chapter.title}, is not finished:** {chapter.error}"]
    if summary.findings:
        lines += ["", "## To be looked at", ""]
        lines += [f"- {finding_words(finding)}" for finding in summary.findings]
    return "\n".join(lines) + "\n"


def finding_words(finding: Finding) -> str:
    """A finding on one line, with its place."""
    who = f" ({finding.character})" if finding.character else ""
    hint = f" {finding.hint}" if finding.hint else ""
    return f"{finding.code}, {finding.place}{who}: {finding.message}{hint}"
