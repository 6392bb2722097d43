"""A render goes over the book once more where only all takes show what is to be spoken again: one run, one account."""

from __future__ import annotations

from flows.rendering import _after
from narration.report.summary import ChapterSummary


def chapter(number: int, *, spoken: int, reused: bool) -> ChapterSummary:
    return ChapterSummary(number=number, title="", chunks=9, spoken=spoken, reused=reused)


def test_what_the_first_round_spoke_and_made_was_done_by_the_run() -> None:
    first = (chapter(1, spoken=7, reused=False), chapter(2, spoken=0, reused=True))
    second = (chapter(1, spoken=0, reused=True), chapter(2, spoken=1, reused=False))
    both = _after(_after((), first), second)
    assert [(one.spoken, one.reused) for one in both] == [(7, False), (1, False)]


def test_what_no_round_touched_is_from_the_store() -> None:
    nothing = (chapter(1, spoken=0, reused=True),)
    assert _after(nothing, nothing) == nothing
