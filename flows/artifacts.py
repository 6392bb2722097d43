"""What a producer sees of a render in the Prefect UI: rows, a report, keys. Text only; Prefect is not needed for it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

from flows.endings import NightSummary
from flows.night import Night
from flows.progress import Progress
from narration.finding import Finding
from narration.plan import Plan, PlannedVoice
from narration.report.summary import REPORT, ChapterSummary, Summary


def key_of(plan: Plan, what: str) -> str:
    """Key of an artifact: the same for every render of a book, so that its history is one line."""
    return key_from(plan.production.name, what)


def key_from(name: str, what: str) -> str:
    """A key of Prefect's: lower case letters, digits and hyphens. A name that has other letters keeps its hash."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not name.isascii():
        plain = f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".strip("-")
    return f"{plain or 'book'}-{what}"


def night_rows(night: Night) -> list[dict[str, object]]:
    """The table of a night's books."""
    return [
        {
            "book": book.title,
            "became": str(book.became),
            "exit code": int(book.exit_code),
            "minutes": round(book.summary.audio_s / 60, 1) if book.summary else "",
            "cost USD": round(book.committed_usd, 4),
            "folder": str(book.folder),
            "why": str(book.error) if book.error else "",
        }
        for book in night.books.values()
    ]


def night_markdown(summary: NightSummary) -> str:
    """What became of a night, for a person who comes in the morning."""
    became = Counter(str(book.became) for book in summary.books)
    cap = f" of {summary.budget_usd:.2f}" if summary.budget_usd is not None else ""
    lines = [
        "# The night",
        "",
        f"{len(summary.books)} books: {', '.join(f'{count} {word}' for word, count in became.items()) or 'none'}.",
        f"Spent: {summary.committed_usd:.4f}{cap} USD.",
    ]
    if summary.stopped is not None:
        lines += ["", f"**Stopped:** {summary.stopped}"]
    lines += ["", "| book | became | minutes | USD | exit code |", "|---|---|---|---|---|"]
    lines += [
        f"| {_cell(book.title)} | {book.became} | {f'{book.summary.audio_s / 60:.1f}' if book.summary else ''} "
        f"| {book.committed_usd:.4f} | {int(book.exit_code)} |"
        for book in summary.books
    ]
    wrong = [book for book in summary.books if book.error is not None and str(book.error) != str(summary.stopped)]
    if wrong:
        lines += ["", "## What needs a person", ""]
        lines += [f"- `{book.folder}`: {book.error}" for book in wrong]
    found = [(book, finding) for book in summary.books if book.summary for finding in book.summary.findings]
    if found:
        lines += ["", "## To be looked at", ""]
        lines += [f"- {book.title}: {finding_words(finding)}" for book, finding in found]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text inside a Markdown table."""
    return text.replace("|", "\\|")


def progress_words(progress: Progress) -> str:
    """One sentence beside the progress bar."""
    plan = progress.plan
    eta_s = progress.eta_s
    left = (
        f", about {max(1, round(eta_s / 60))} min left" if eta_s and progress.chunks_there < plan.chunks_total else ""
    )
    return (
        f"{plan.production.title}: {progress.chunks_there} of {plan.chunks_total} chunks, "
        f"{len(progress.chapters)} of {len(plan.chapters)} chapters, {progress.cost_usd:.4f} USD{left}"
    )


def chapter_rows(progress: Progress) -> list[dict[str, object]]:
    """The table of chapters."""
    rows: list[dict[str, object]] = []
    for chapter in progress.plan.chapters:
        number = chapter.cut.chapter.number
        done = progress.chapters.get(number)
        there, total = progress.there(number), len(chapter.chunks)
        rows.append(
            {
                "chapter": number,
                "title": chapter.cut.chapter.title,
                "state": done.state if done else _state(there, total),
                "chunks": f"{there} of {total}",
                "minutes": round(done.audio_s / 60, 1) if done else "",
                "USD": round(progress.cost_by_chapter.get(number, 0.0), 4),
                "findings": finding_codes(done),
                "file": _link(done.file) if done and done.file else "",
                "why": str(done.error) if done and done.error else "",
            }
        )
    return rows


def finding_codes(done: ChapterSummary | None) -> str:
    """How many findings a chapter has of each kind; empty while it is not done."""
    if done is None:
        return ""
    codes = Counter(str(finding.code) for finding in done.findings)
    return ", ".join(f"{count} × {code}" if count > 1 else code for code, count in codes.items()) or "none"


def _link(path: str) -> str:
    """A file on the machine that rendered, as Markdown that the page turns into a link."""
    return f"[{Path(path).name}]({Path(path).absolute().as_uri()})"


def voice_rows(progress: Progress) -> list[dict[str, object]]:
    """The table of voices: who speaks, with what, how much, and where the voice came from."""
    plan = progress.plan
    spoken = Counter(planned.chunk.character for chapter in plan.chapters for planned in chapter.chunks)
    return [
        {
            "character": planned.character.name,
            "model": planned.design.target_model,
            "chunks": spoken[planned.character.name],
            "voice": _origin(planned, progress),
            "description": planned.design.voice_prompt[:120],
        }
        for planned in plan.voices
    ]


def _origin(planned: PlannedVoice, progress: Progress) -> str:
    """Where a voice came from; a second round finds in the store what the first has made."""
    if planned.refusal:
        return "refused"
    made = planned.voice is None or planned.character.name in progress.created
    return "created by this run" if made else "from the store"


def _state(there: int, total: int) -> str:
    if there >= total:
        return "put together"
    return "speaking" if there else "waiting"


def report_markdown(summary: Summary, *, sandbox: bool, left_usd: float | None = None) -> str:
    """The report at the end, in words that a producer uses.

    Args:
        summary: of the render.
        sandbox: whether the sandbox spoke, so that the cost is only what the vendor would ask.
        left_usd: what is left of the run's budget, or None.
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
    if left_usd is not None:
        lines.append(f"| left of this run's budget | {left_usd:.4f} USD |")
    made = [chapter.file for chapter in finished if chapter.file]
    if made:
        links = [_link(file) for file in (*made, *summary.files, str(Path(summary.out) / REPORT))]
        lines += ["", "## The files", "", *(f"- {link}" for link in links)]
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
