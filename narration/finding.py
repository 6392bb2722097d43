"""Findings: what a check, or the service, says about a take, a chapter or a package.

Invariant: a finding names its place so that a person can go there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a person should know.

    Attributes:
        code: stable, `room-number` (`speak-001`); listed in the docs.
        severity: how much it weighs; an error makes the run end with exit status 3.
        message: what is the matter, in one sentence.
        chapter: number of the chapter, 0 for the whole book.
        line: index of the line among the chapter's lines, -1 for the whole chapter.
        character: whose line it is.
        text: the words that it is about.
        hint: what to do next.
    """

    code: str
    severity: Severity
    message: str
    chapter: int = 0
    line: int = -1
    character: str = ""
    text: str = ""
    hint: str = ""
