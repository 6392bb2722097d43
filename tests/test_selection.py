"""Which chapters a selection names, and what is told where it names none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.book import Book, Chapter, Paragraph
from narration.errors import InputError
from narration.selection import select_chapters

TITLES = ("Steam", "The Lamp", "The Lamp again", "", "3 Men")


def book(titles: tuple[str, ...] = TITLES) -> Book:
    chapters = [
        Chapter(number=number, title=title, paragraphs=(Paragraph(text="It rained."),))
        for number, title in enumerate(titles, start=1)
    ]
    return Book(title="A Book", author="Nobody", language="en", chapters=tuple(chapters))


@pytest.mark.parametrize(
    ("selection", "numbers"),
    [
        ("2", {2}),
        ("1-3", {1, 2, 3}),
        (" 2 - 3 ", {2, 3}),
        ("4-", {4, 5}),
        ("-2", {1, 2}),
        ("1,,3,", {1, 3}),
        ("steam", {1}),
        ("The Lamp", {2}),
        ("the la", {2, 3}),
        ("3 m, 1", {1, 5}),
    ],
)
def test_numbers_ranges_and_titles_name_chapters(selection: str, numbers: set[int]) -> None:
    assert select_chapters(selection, book()) == numbers


@pytest.mark.parametrize(
    "selection", ["0", "6", "2-9", "9-", "3-2", "-", "Nowhere", "", " , ", "²", "9" * 5000, f"1-{'9' * 5000}"]
)
def test_what_names_no_chapter_is_refused_with_what_may_be_written(selection: str) -> None:
    with pytest.raises(InputError) as caught:
        select_chapters(selection, book())
    (problem,) = caught.value.problems
    assert problem.where == "--chapters"
    assert problem.expected == "numbers from 1 to 5, ranges such as 1-3, or titles"


def test_every_part_that_is_wrong_is_told_with_the_nearest_title() -> None:
    with pytest.raises(InputError) as caught:
        select_chapters("1,Steem,9", book())
    first, second = caught.value.problems
    assert first.hint == "Did you mean “Steam”? `narrate chapters` lists them."
    assert (second.what, second.hint) == ("no chapter “9” in a book of 5", "`narrate chapters` lists them.")


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_a_range_within_the_book_is_its_numbers(chapters: int, one: int, other: int) -> None:
    first, last = sorted((min(one, chapters), min(other, chapters)))
    assert select_chapters(f"{first}-{last}", book(("",) * chapters)) == set(range(first, last + 1))
