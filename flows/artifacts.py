"""What a producer sees of a render in the Prefect UI: rows, a report, keys. Text only; Prefect is not needed for it."""

from __future__ import annotations

import re

from flows.rendering import Progress
from narration.plan import Plan
from narration.report.summary import Summary


def key_of(plan: Plan, what: str) -> str:
    """Key of an artifact: the same for every render of a book, so that its history is one line."""
    name = re.sub(r"[^a-z0-9]+", "-", plan.production.name.lower()).strip("-") or "book"
    return f"{name}-{what}"


def progress_words(progress: Progress) -> str:
    """One sentence beside the progress bar."""
    return (
        f"{progress.plan.production.title}: {progress.chunks_done} of {progress.plan.chunks_total} chunks, "
        f"{len(progress.chapters)} of {len(progress.plan.chapters)} chapters, {progress.cost_usd:.4f} USD"
    )


def chapter_rows(progress: Progress) -> list[dict[str, object]]:
    """The table of chapters."""
    rows: list[dict[str, object]] = []
    for chapter in progress.plan.chapters:
        number = chapter.cut.chapter.number
        done = progress.chapters.get(number)
        rows.append(
            {
                "chapter": number,
                "title": chapter.cut.chapter.title,
                "state": done.state if done else "speaking",
                "chunks": f"{progress.chunks_by_chapter.get(number, 0)} of {len(chapter.chunks)}",
                "minutes": round(done.audio_s / 60, 1) if done else "",
                "findings": len(done.findings) if done else "",
                "file": done.file if done else "",
            }
        )
    return rows


def report_markdown(summary: Summary) -> str:
    """The report at the end, in words that a producer uses."""
    finished = [chapter for chapter in summary.chapters if chapter.error is None]
    lines = [
        f"# {summary.title}",
        "",
        f"{len(finished)} of {len(summary.chapters)} chapters, {summary.audio_s / 60:.1f} minutes, in `{summary.out}`.",
        "",
        "| what | how much |",
        "|---|---|",
        f"| spent by this run | {summary.cost_usd:.4f} USD |",
        f"| characters billed | {summary.characters_billed} |",
        f"| chunks spoken | {summary.chunks_spoken} |",
        f"| chunks that were there already | {summary.chunks_reused} |",
        f"| voices created | {summary.voices_created} |",
    ]
    if summary.stopped is not None:
        lines += ["", f"**Stopped:** {summary.stopped}"]
    for chapter in summary.chapters:
        if chapter.error is not None:
            lines += ["", f"**Chapter {chapter.number}, {chapter.title}, is not finished:** {chapter.error}"]
    if summary.findings:
        lines += ["", "## To be looked at", ""]
        for finding in summary.findings:
            place = f"chapter {finding.chapter}, line {finding.line + 1} ({finding.character})"
            lines.append(f"- {finding.code}, {place}: {finding.message}")
    return "\n".join(lines) + "\n"
