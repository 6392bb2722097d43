"""Coverage: exactly one, or what is missing is named."""

from __future__ import annotations

from narration.book import Chunk, Gap
from narration.report.coverage import coverage_of
from tests.check.test_takes import take


def chunk(line: int, text: str) -> Chunk:
    return Chunk(chapter=1, line=line, index=line, character="N", start=0, end=len(text), text=text, gap=Gap.LINE)


def test_a_chapter_of_which_all_is_heard_has_a_coverage_of_exactly_one() -> None:
    found = coverage_of([(chunk(0, "One."), take(0)), (chunk(1, "Two, three."), take(1)), (chunk(1, "Four."), take(0))])
    assert (found.share, found.missing) == (1.0, ())
    assert [(line.line, len(line.takes), line.by, line.retaken) for line in found.lines] == [
        (0, 1, "text, sound and voice", False),
        (1, 2, "text, sound and voice", True),
    ]


def test_what_nobody_speaks_is_named_and_counts_by_its_letters() -> None:
    found = coverage_of([(chunk(0, "One two."), take(0)), (chunk(1, "Bad?!"), None), (chunk(2, "Six."), take(2))])
    assert found.share == 9 / 12
    assert found.missing == ("Bad?!",)
    assert found.lines[1].by == "nothing"
    assert found.as_json()["missing"] == ["Bad?!"]


def test_an_older_take_is_said_to_be_verified_by_its_level_only() -> None:
    from dataclasses import replace

    (line,) = coverage_of([(chunk(0, "One."), replace(take(0), traits=None))]).lines
    assert line.by == "level only"
