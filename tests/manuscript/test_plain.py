"""The plain-text reader: paragraphs, wrapped lines, headings."""

from pathlib import Path

import pytest

from narration.book import Book, ParagraphKind
from narration.manuscript import read_manuscript

KIND = ParagraphKind

WRAPPED = """\
The lamp was out, but nobody in the house had slept, and the wind went
round it like somebody who had lost a key and could not ask anyone for
help.

Mara counted the steps and did not like their number. There were well-
known sounds among them, and one that she had not heard before, it was--
and she sat up.
"""


def read(tmp_path: Path, source: str, *, language: str | None = None, name: str = "book.txt") -> Book:
    path = tmp_path / name
    path.write_text(source, encoding="utf-8")
    return read_manuscript(path, language=language)


def paragraphs(book: Book) -> list[str]:
    return [paragraph.text for chapter in book.chapters for paragraph in chapter.paragraphs]


def test_hard_wrapped_lines_are_unwrapped(tmp_path: Path) -> None:
    first, second = paragraphs(read(tmp_path, WRAPPED))
    assert first.startswith("The lamp was out, but nobody in the house had slept, and the wind went round it like")
    assert second.endswith(
        "There were well-known sounds among them, and one that she had not heard before, it was--and she sat up."
    )


def test_chinese_lines_join_without_a_space_and_note_marks_go(tmp_path: Path) -> None:
    source = "　　“寂寞呀，”爱罗先珂⑵君说，“在沙漠上似的寂寞呀，这也就是他之所谓寂寞罢\n。”\n\n　　第二段①。\n"
    book = read(tmp_path, source)
    assert book.language == "zh"
    assert paragraphs(book) == ["“寂寞呀，”爱罗先珂君说，“在沙漠上似的寂寞呀，这也就是他之所谓寂寞罢。”", "第二段。"]


def test_numbers_that_count_things_are_no_note_marks(tmp_path: Path) -> None:
    assert paragraphs(read(tmp_path, "他说了三件事：①灯；②门；③井。\n")) == ["他说了三件事：①灯；②门；③井。"]


def test_lines_that_all_end_a_sentence_are_paragraphs(tmp_path: Path) -> None:
    lines = ["“Are you there?”", "“I am.”", "She closed the door.", "Nobody spoke.", "The lamp was out."]
    assert paragraphs(read(tmp_path, "\n".join(lines))) == lines


def test_an_indent_begins_a_paragraph(tmp_path: Path) -> None:
    first = "  The lamp was out, but nobody in the\nhouse had slept, and the wind went\nround it.\n"
    second = "  Mara counted the steps that she heard\nand did not like their number, which\nwas odd.\n"
    assert paragraphs(read(tmp_path, first + second)) == [
        "The lamp was out, but nobody in the house had slept, and the wind went round it.",
        "Mara counted the steps that she heard and did not like their number, which was odd.",
    ]


def test_verse_keeps_its_lines(tmp_path: Path) -> None:
    book = read(tmp_path, WRAPPED * 3 + "\n  Roses are red,\n  violets are blue,\n  nobody slept.\n")
    last = book.chapters[0].paragraphs[-1]
    assert (last.kind, last.text) == (KIND.VERSE, "Roses are red,\nviolets are blue,\nnobody slept.")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Chapter 1", "Chapter 2"),
        ("CHAPTER ONE", "CHAPTER TWO"),
        ("Chapter I.", "Chapter II."),
        ("CHAPTER I. THE LAMP", "CHAPTER II. THE DOOR"),
        ("Chapter 1: The Lamp", "Chapter 2: The Door"),
        ("Letter 1", "Letter 2"),
        ("I", "II"),
        ("_One_", "_Two_"),
        ("I. The Lamp", "II. The Door"),
        ("THE LAMP", "THE DOOR"),
        ("Part One", "Part Two"),
    ],
)
def test_headings_make_chapters(tmp_path: Path, first: str, second: str) -> None:
    book = read(tmp_path, f"{first}\n\n{WRAPPED}\n\n\n\n{second}\n\n{WRAPPED}")
    assert [chapter.title for chapter in book.chapters] == [first.strip("_"), second.strip("_")]
    assert all(chapter.paragraphs[0].kind is KIND.HEADING for chapter in book.chapters)


@pytest.mark.parametrize("headings", [("第一章", "第二章"), ("第1章　灯", "第2章　门"), ("第十回 灯", "第十一回 门")])
def test_chinese_headings_make_chapters(tmp_path: Path, headings: tuple[str, str]) -> None:
    book = read(tmp_path, "".join(f"{heading}\n\n　　灯灭了，谁也没有睡。\n\n　　她听着。\n\n" for heading in headings))
    assert [chapter.title for chapter in book.chapters] == [heading.replace("　", " ") for heading in headings]


def test_parts_hold_chapters_and_the_line_below_a_number_is_its_title(tmp_path: Path) -> None:
    source = f"PART ONE\n\nCHAPTER I\n\nThe Lamp\n\n{WRAPPED}\n\nCHAPTER II\n\nThe Door\n\n{WRAPPED}"
    book = read(tmp_path, source)
    assert [chapter.title for chapter in book.chapters] == ["CHAPTER I: The Lamp", "CHAPTER II: The Door"]
    assert [paragraph.kind for paragraph in book.chapters[0].paragraphs[:4]] == [KIND.HEADING] * 3 + [KIND.PROSE]


@pytest.mark.parametrize(
    "line",
    [
        "Part one of the wall fell.",
        "Chapter 2 was the one that she liked best, and she read it twice.",
        "One night--it was in June--she came.",
        "I am going.",
        "第一章的故事很长。",
    ],
)
def test_prose_that_begins_like_a_heading_is_prose(tmp_path: Path, line: str) -> None:
    book = read(tmp_path, f"{WRAPPED}\n\n\n{line}\n\n{WRAPPED}", language="en")
    assert [chapter.number for chapter in book.chapters] == [1]
    assert line in paragraphs(book)
    assert all(paragraph.kind is KIND.PROSE for paragraph in book.chapters[0].paragraphs)


def test_a_lone_number_that_does_not_count_is_prose(tmp_path: Path) -> None:
    book = read(tmp_path, f"{WRAPPED}\n7\n\n{WRAPPED}")
    assert len(book.chapters) == 1
    assert "7" in paragraphs(book)


@pytest.mark.parametrize("mark", ["***", "* * *", "---", "⁂", "＊", "* * * * *", "#", "—————"])
def test_scene_breaks_are_told(tmp_path: Path, mark: str) -> None:
    book = read(tmp_path, f"{WRAPPED}\n{mark}\n\n{WRAPPED}")
    breaks = [paragraph.text for paragraph in book.chapters[0].paragraphs if paragraph.kind is KIND.SCENE_BREAK]
    assert breaks == [mark]


def test_silence_in_a_dialogue_is_no_scene_break(tmp_path: Path) -> None:
    book = read(tmp_path, "“Well?”\n\n“……”\n\n“Well?”\n")
    assert [paragraph.kind for paragraph in book.chapters[0].paragraphs] == [KIND.PROSE] * 3


def test_the_wrapper_of_project_gutenberg_is_not_read(tmp_path: Path) -> None:
    source = (
        "The Project Gutenberg eBook of The Lamp\n\nTitle: The Lamp\n\nAuthor: Ann Other\n\n"
        "*** START OF THE PROJECT GUTENBERG EBOOK THE LAMP ***\n\nCHAPTER I\n\n"
        + WRAPPED
        + "\n\nCHAPTER II\n\n"
        + WRAPPED
        + "\n*** END OF THE PROJECT GUTENBERG EBOOK THE LAMP ***\n\nLicence: do as you like.\n"
    )
    book = read(tmp_path, source)
    assert (book.title, book.author, len(book.chapters)) == ("The Lamp", "Ann Other", 2)
    assert not any("GUTENBERG" in text or "Licence" in text for text in paragraphs(book))
    assert book.chapters[0].paragraphs[0].source_line == 9


def test_an_unknown_suffix_is_read_as_text(tmp_path: Path) -> None:
    assert paragraphs(read(tmp_path, "One *word*.\n", name="book.xyz")) == ["One *word*."]


def test_underscores_of_emphasis_go_and_others_stay(tmp_path: Path) -> None:
    assert paragraphs(read(tmp_path, "“_You_ want to tell me,” she said_so a_b_c.\n")) == [
        "“You want to tell me,” she said_so a_b_c."
    ]


def test_a_title_below_a_number_belongs_to_the_heading(tmp_path: Path) -> None:
    book = read(tmp_path, "Chapter 1\nThe Boat\n\nText of it.\n\n\nChapter 2\nThe Lamp\n\nMore of it.\n")
    assert [chapter.title for chapter in book.chapters] == ["Chapter 1 The Boat", "Chapter 2 The Lamp"]
    assert paragraphs(book)[1] == "Text of it."


def test_a_title_that_goes_on_in_the_next_line_is_one_heading(tmp_path: Path) -> None:
    book = read(tmp_path, "Chapter 1. The Boat that\nCame Late\n\nText of it.\n")
    assert book.chapters[0].title == "Chapter 1. The Boat that Came Late"


def test_chapters_that_are_counted_in_words_are_found_and_small_letters_make_none(tmp_path: Path) -> None:
    book = read(tmp_path, "The First Chapter\n\nText.\n\nfirst chapter\n\nMore.\n\nSecond Chapter\n\nText.\n")
    assert [chapter.title for chapter in book.chapters] == ["The First Chapter", "Second Chapter"]
    assert paragraphs(book)[2:4] == ["first chapter", "More."]


def test_the_lines_above_a_by_line_are_the_title_of_the_book(tmp_path: Path) -> None:
    book = read(tmp_path, "The Boat\n\nby Nobody At All\n\nChapter One\n\nText.\n\nChapter Two\n\nText.\n")
    assert (book.title, book.author) == ("The Boat", "Nobody At All")


def test_chinese_words_that_a_line_parts_join_without_a_space_in_an_english_book(tmp_path: Path) -> None:
    book = read(tmp_path, "He wrote the name 阿\n山 upon the wall, and the word was in the book of all.\n")
    assert paragraphs(book) == ["He wrote the name 阿山 upon the wall, and the word was in the book of all."]


def test_korean_is_known_by_its_letters(tmp_path: Path) -> None:
    assert read(tmp_path, "등불이 꺼졌다. 배는 늦게 왔다.\n").language == "ko"
