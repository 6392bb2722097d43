"""Plays without markup: names in capitals at the head of each speech, in any format."""

from pathlib import Path

import pytest

from narration.book import Book
from narration.manuscript import read_manuscript
from tests.manuscript.making import docx, typed

PLAY = """\
THE HARBOUR

ACT I

[A quay. Night.]

LANE. The boat is late, sir.

MRS. QUILL. [Without looking up.] It is always late. [She laughs.] Go on.

LANE.
There is a lamp
on the quay.

MRS. QUILL (coldly). I see it (I think).

LANE and MRS. QUILL. Listen!

A bell rings.

LANE: It is the tide.

MRS. QUILL: It is time.
"""


def read(folder: Path, data: bytes, name: str) -> Book:
    path = folder / name
    path.write_bytes(data)
    return read_manuscript(path)


@pytest.mark.parametrize("suffix", [".txt", ".md", ".docx"])
def test_names_in_capitals_before_each_speech_are_its_speakers(tmp_path: Path, suffix: str) -> None:
    blocks = [" ".join(block.split()) for block in PLAY.strip().split("\n\n")]
    data = docx("".join(map(typed, blocks))) if suffix == ".docx" else PLAY.encode()
    book = read(tmp_path, data, f"play{suffix}")
    paragraphs = [paragraph for chapter in book.chapters for paragraph in chapter.paragraphs]
    told = [
        (
            paragraph.speaker,
            " ".join(paragraph.text.split()),
            [" ".join(paragraph.text[start:end].split()) for start, end in paragraph.directions],
        )
        for paragraph in paragraphs
        if paragraph.kind != "heading"
    ]
    assert told[-9:] == [
        ("", "[A quay. Night.]", ["[A quay. Night.]"]),
        ("LANE", "The boat is late, sir.", []),
        (
            "MRS. QUILL",
            "[Without looking up.] It is always late. [She laughs.] Go on.",
            ["[Without looking up.]", "[She laughs.]"],
        ),
        ("LANE", "There is a lamp on the quay.", []),
        ("MRS. QUILL", "(coldly). I see it (I think).", ["(coldly)."]),
        ("LANE + MRS. QUILL", "Listen!", []),
        ("", "A bell rings.", []),
        ("LANE", "It is the tide.", []),
        ("MRS. QUILL", "It is time.", []),
    ]


def test_a_novel_with_a_few_such_lines_stays_as_it_is(tmp_path: Path) -> None:
    story = "\n\n".join(["It was late, and nobody came. LANE. It said so on the door."] * 20)
    text = f"{story}\n\nLANE. A name.\n\nQUILL. Another.\n\nLANE. A name.\n\nQUILL. Another.\n\n{story}"
    book = read(tmp_path, text.encode(), "novel.txt")
    paragraphs = [paragraph for chapter in book.chapters for paragraph in chapter.paragraphs]
    assert not any(paragraph.speaker for paragraph in paragraphs)
    assert "\n\n".join(paragraph.text for paragraph in paragraphs) == text


def test_numbers_and_openings_in_capitals_are_no_speakers(tmp_path: Path) -> None:
    text = "\n\n".join(f"{number}. It was the day of the {number} lamp." for number in ("I", "II", "III", "IV") * 4)
    book = read(tmp_path, text.encode(), "list.txt")
    assert not any(paragraph.speaker for chapter in book.chapters for paragraph in chapter.paragraphs)
