"""A render goes over the book once more where only all takes show what is to be spoken again: one run, one account."""

from __future__ import annotations

import pytest

from flows.cli.outcome import spoken_again
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


@pytest.mark.parametrize(
    ("retakes", "second_opinions", "said"),
    [
        (2, 0, "Spoken again: 2 takes (2% more requests)."),
        (1, 1, "Spoken again: 1 take for a second opinion (1% more requests)."),
        (5, 1, "Spoken again: 5 takes, 1 of them for a second opinion (5% more requests)."),
    ],
)
def test_takes_that_were_spoken_again_are_told_with_their_reason(retakes: int, second_opinions: int, said: str) -> None:
    assert spoken_again(retakes, second_opinions, 100) == said
