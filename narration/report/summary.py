"""The summary of a render: what was spoken, what it cost, where it is, what is to be looked at.

Invariant: the exit code is that of the gravest thing that happened; a book with an open finding is never a success.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from narration.errors import ExitCode, NarrationError, StoreError
from narration.finding import Finding, Severity
from narration.report.coverage import Coverage

REPORT = "report.json"
"""Name of the summary in the output folder."""

GRAVITY = (
    ExitCode.OUR_FAULT,
    ExitCode.WRONG_INPUT,
    ExitCode.REFUSED,
    ExitCode.UNAVAILABLE,
    ExitCode.INTERRUPTED,
    ExitCode.BUDGET,
    ExitCode.WINDOW,
    ExitCode.FINDINGS,
    ExitCode.DONE,
)
"""Exit codes, the gravest first."""


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """The gravest of several exit codes; of none, that all is well."""
    return min(codes, key=GRAVITY.index, default=ExitCode.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterSummary:
    """What became of one chapter.

    Attributes:
        number, title: of the chapter.
        chunks: how many it has.
        spoken: how many of those were bought by this run.
        file, timeline: what was delivered, or empty.
        audio_s: its length, in seconds.
        reused: it was there already, made from the same takes and settings.
        findings: what a person should look at.
        unattributed: quotations read by the narrator because nobody was found for them.
        error: why it is not finished, or None.
        coverage: what of its text is heard; None where it is not known.
    """

    number: int
    title: str
    chunks: int
    spoken: int = 0
    file: str = ""
    timeline: str = ""
    audio_s: float = 0.0
    reused: bool = False
    findings: tuple[Finding, ...] = ()
    unattributed: int = 0
    error: NarrationError | None = None
    coverage: Coverage | None = None

    @property
    def state(self) -> str:
        """`finished`, `finished with findings` or `not finished`."""
        if self.error is not None:
            return "not finished"
        return "finished with findings" if self.findings else "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What became of a render.

    Attributes:
        title, profile: of what was rendered, and how.
        out: the folder it is in.
        chapters: in order.
        voices_created, chunks_spoken, chunks_reused, characters_billed, cost_usd: of this run.
        lost_usd: paid by earlier runs for answers that cannot be fetched any more.
        recovered: takes and voices paid by earlier runs that this one fetched.
        in_doubt: calls of earlier runs that were sent and never answered.
        stopped: what stopped the run, or None.
        files: what was delivered beside the chapters' own files.
        book_findings: what a person should look at, of no one chapter.
        took_s: how long it took, in seconds.
        takes_heard: by a recogniser, in this run.
        retakes: takes bought by this run beside `chunks_spoken`, as others had failed their checks, or were doubted.
        second_opinions: how many of those, of takes that had passed their checks and are far from usual.
    """

    title: str
    profile: str
    out: str
    chapters: tuple[ChapterSummary, ...]
    voices_created: int
    chunks_spoken: int
    chunks_reused: int
    characters_billed: int
    cost_usd: float
    lost_usd: float
    recovered: int
    in_doubt: int
    stopped: NarrationError | None
    files: tuple[str, ...] = ()
    book_findings: tuple[Finding, ...] = ()
    took_s: float = 0.0
    retakes: int = 0
    second_opinions: int = 0
    takes_heard: int = 0

    @property
    def exit_code(self) -> ExitCode:
        """What the command exits with."""
        codes = {chapter.error.exit_code for chapter in self.chapters if chapter.error is not None}
        if self.stopped is not None:
            codes.add(self.stopped.exit_code)
        if any(finding.severity is Severity.ERROR for finding in self.findings):
            codes.add(ExitCode.FINDINGS)
        return gravest(codes)

    @property
    def failure(self) -> NarrationError | None:
        """Why it is not finished: what stopped the run, or the first chapter's trouble; None where all are there."""
        return self.stopped or next((chapter.error for chapter in self.chapters if chapter.error is not None), None)

    @property
    def audio_s(self) -> float:
        """Length of the finished chapters, in seconds."""
        return sum(chapter.audio_s for chapter in self.chapters)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in order."""
        return (*(finding for chapter in self.chapters for finding in chapter.findings), *self.book_findings)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "title": self.title,
            "profile": self.profile,
            "out": self.out,
            "exit_code": int(self.exit_code),
            "stopped": str(self.stopped) if self.stopped else None,
            "chapters": [_chapter_json(chapter) for chapter in self.chapters],
            "voices_created": self.voices_created,
            "chunks_spoken": self.chunks_spoken,
            "chunks_reused": self.chunks_reused,
            "retakes": self.retakes,
            "second_opinions": self.second_opinions,
            "takes_heard": self.takes_heard,
            "characters_billed": self.characters_billed,
            "cost_usd": self.cost_usd,
            "lost_usd": self.lost_usd,
            "recovered": self.recovered,
            "calls_in_doubt": self.in_doubt,
            "audio_s": self.audio_s,
            "files": list(self.files),
            "findings": [asdict(finding) for finding in self.book_findings],
            "metrics": self.metrics(),
        }

    def metrics(self) -> dict[str, float]:
        """Figures of the run for a monitoring system; each name has its unit, and each value is a number."""
        spoken = self.chunks_spoken
        return {
            "took_s": round(self.took_s, 3),
            "chapters_finished": sum(chapter.error is None for chapter in self.chapters),
            "chapters_unfinished": sum(chapter.error is not None for chapter in self.chapters),
            "chunks_spoken": spoken,
            "chunks_from_store": self.chunks_reused,
            "chunks_per_minute": round(60 * spoken / self.took_s, 2) if self.took_s else 0.0,
            "cost_usd": self.cost_usd,
            "cost_per_chunk_usd": self.cost_usd / spoken if spoken else 0.0,
            "audio_s": self.audio_s,
            "findings": len(self.findings),
            "exit_code": int(self.exit_code),
        }


def _chapter_json(chapter: ChapterSummary) -> dict[str, object]:
    return {
        "number": chapter.number,
        "title": chapter.title,
        "state": chapter.state,
        "chunks": chapter.chunks,
        "spoken": chapter.spoken,
        "file": chapter.file or None,
        "timeline": chapter.timeline or None,
        "audio_s": chapter.audio_s,
        "reused": chapter.reused,
        "unattributed": chapter.unattributed,
        "coverage": chapter.coverage.as_json() if chapter.coverage else None,
        "findings": [asdict(finding) for finding in chapter.findings],
        "error": str(chapter.error) if chapter.error else None,
    }


def write_summary(folder: Path, summary: Summary) -> Path:
    """Write `report.json`, whole or not at all.

    Raises:
        StoreError: the folder cannot be written.
    """
    target = folder / REPORT
    # Two runs may deliver to one folder at the same time, each its own summary.
    staged = folder / f".{REPORT}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staged.write_text(json.dumps(summary.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        staged.replace(target)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise StoreError(f"The report cannot be written to {target}: {error.strerror}.") from error
    return target
