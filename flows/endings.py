"""What became of a night and of each of its books: in words, for programs, and as an exit code.

Invariant: a book that is not finished says why, and no night is better than the gravest of its books.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from narration.errors import ExitCode, InputError, NarrationError, Problem, ToolError
from narration.report.summary import Summary, gravest

log = logging.getLogger("narration.night")


class Became(StrEnum):
    """What became of a book in a night."""

    UNCHANGED = "unchanged"
    DELIVERED = "delivered anew"
    RENDERED = "rendered"
    UNFINISHED = "not finished"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOfNight:
    """What became of one book.

    Attributes:
        folder, title: of the production.
        became: in a word.
        summary: of its render, or None where that did not begin.
        error: why it is not finished, or None.
        committed_usd: what it spent, or may have spent.
    """

    folder: Path
    title: str
    became: Became
    summary: Summary | None = None
    error: NarrationError | None = None
    committed_usd: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """What `narrate render` would have exited with."""
        if self.error is not None:
            return self.error.exit_code
        return self.summary.exit_code if self.summary is not None else ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class NightSummary:
    """What became of a night.

    Attributes:
        books: in the order of the shelf.
        stopped: what ended the night before its work was done, or None.
        budget_usd: of the night, or None.
    """

    books: tuple[BookOfNight, ...]
    stopped: NarrationError | None
    budget_usd: float | None

    @property
    def exit_code(self) -> ExitCode:
        """The gravest of the books' codes, and of what stopped the night."""
        codes = {book.exit_code for book in self.books}
        return gravest(codes | ({self.stopped.exit_code} if self.stopped is not None else set()))

    @property
    def committed_usd(self) -> float:
        """What the night spent, or may have spent."""
        return sum(book.committed_usd for book in self.books)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "exit_code": int(self.exit_code),
            "stopped": str(self.stopped) if self.stopped else None,
            "budget_usd": self.budget_usd,
            "committed_usd": self.committed_usd,
            "books": [
                {
                    "folder": str(book.folder),
                    "title": book.title,
                    "became": str(book.became),
                    "exit_code": int(book.exit_code),
                    "committed_usd": book.committed_usd,
                    "error": str(book.error) if book.error else None,
                    "summary": book.summary.as_json() if book.summary else None,
                }
                for book in self.books
            ],
        }


def became_of(summary: Summary) -> Became:
    """What a render made of its book."""
    if summary.failure is not None:
        return Became.UNFINISHED
    if summary.chunks_spoken or summary.voices_created:
        return Became.RENDERED
    return Became.UNCHANGED if all(chapter.reused for chapter in summary.chapters) else Became.DELIVERED


def failure_of(error: BaseException, folder: Path) -> NarrationError:
    """Why a book failed. What is no error of ours is a bug, and no reason to leave the others unspoken.

    Raises:
        BaseException: what ends a process, such as a cancellation.
    """
    if isinstance(error, NarrationError):
        return _placed(error, folder)
    if not isinstance(error, Exception):
        raise error
    log.debug("a bug, met in %s", folder, exc_info=error)
    return ToolError(
        f"{folder}: a bug of ours, {type(error).__name__}: {error}.",
        "`narrate render` of that folder writes a report of it; the other books are not touched by it.",
    )


def _placed(error: NarrationError, folder: Path) -> NarrationError:
    """The error with whole paths: among many books, `cast.yaml, line 7` says too little."""
    if not isinstance(error, InputError):
        return error
    return InputError(*(_placed_problem(problem, folder) for problem in error.problems))


def _placed_problem(problem: Problem, folder: Path) -> Problem:
    name = problem.where.partition(",")[0]
    if name and not Path(name).is_absolute() and (folder / name).exists():
        return replace(problem, where=str(folder / problem.where))
    return problem if str(folder) in str(problem) else replace(problem, where=f"{folder}: {problem.where}".strip(": "))
