"""File names from titles as authors write them."""

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.deliver.names import chapter_file_name, chapter_title, numeral


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Chapter One", "03 - Chapter One.mp3"),
        ("", "03 - Chapter 3.mp3"),
        (" \n\t ", "03 - Chapter 3.mp3"),
        ("Either/Or", "03 - Either-Or.mp3"),
        ("..\\..\\etc", "03 - etc.mp3"),
        ("../../etc/passwd", "03 - etc-passwd.mp3"),
        ("What? Why: “Because”", "03 - What Why - “Because”.mp3"),
        ('"Quoted" <b>|*', "03 - 'Quoted' (b).mp3"),
        ("第三章　夜", "03 - 第三章 夜.mp3"),
        ("Fire 🔥 & 👩‍🚀", "03 - Fire 🔥 & 👩‍🚀.mp3"),
        ("Cafe\u0301", "03 - Café.mp3"),
        ("The End...", "03 - The End.mp3"),
        ("???", "03 - Chapter 3.mp3"),
        ("two\nlines\x07\u202e", "03 - two lines.mp3"),
        ("CON", "03 - CON.mp3"),
        ("lone \ud800 half", "03 - lone half.mp3"),
    ],
)
def test_odd_titles_become_sensible_names(title: str, name: str) -> None:
    assert chapter_file_name(3, title, 12) == name


@given(st.text(), st.integers(1, 2_000), st.integers(1, 2_000))
def test_any_title_gives_a_name_that_every_system_takes(title: str, number: int, total: int) -> None:
    name = chapter_file_name(number, title, total)
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name
    assert not set(name) & set('<>:"/\\|?*')
    assert all(unicodedata.category(c) not in ("Cc", "Cs") for c in name)
    assert len(name.encode()) < 200
    stem = name.removesuffix(".mp3")
    assert stem == stem.strip(" .")
    assert not stem.endswith("-")


@given(st.text(max_size=20), st.text(max_size=20), st.integers(1, 999), st.integers(1, 999))
def test_names_sort_by_number_whatever_the_titles(one: str, other: str, first: int, second: int) -> None:
    total = 999
    names = [chapter_file_name(first, one, total), chapter_file_name(second, other, total)]
    if first < second:
        assert names == sorted(names)
        assert names[0].casefold() != names[1].casefold()


def test_a_long_title_is_cut_between_letters() -> None:
    assert chapter_file_name(1, "x" * 500, 1) == f"01 - {'x' * 80}.mp3"
    assert chapter_file_name(1, "章" * 500, 1) == f"01 - {'章' * 53}.mp3"
    # No composed letter exists for q with a dot below: its mark must not be left behind, nor the letter without it.
    assert chapter_file_name(1, "x" * 79 + "q\u0323" + "y" * 9, 1) == f"01 - {'x' * 79}.mp3"


def test_numbers_have_the_digits_of_the_last() -> None:
    assert (numeral(1, 3), numeral(7, 99), numeral(7, 100), numeral(1234, 1234)) == ("01", "07", "007", "1234")


def test_a_chapter_without_a_title_is_called_by_its_number() -> None:
    assert chapter_title(4, "") == "Chapter 4"
    assert chapter_title(4, " A\n  Night ") == "A Night"
