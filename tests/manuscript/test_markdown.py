"""The Markdown reader: structure by the tokens, words intact."""

from pathlib import Path

import pytest

from narration.book import Book, ParagraphKind
from narration.manuscript import read_manuscript

KIND = ParagraphKind


def read(tmp_path: Path, source: str, *, language: str | None = None) -> Book:
    path = tmp_path / "manuscript.md"
    path.write_text(source, encoding="utf-8")
    return read_manuscript(path, language=language)


def kinds(book: Book, chapter: int = 0) -> list[tuple[ParagraphKind, str]]:
    return [(paragraph.kind, paragraph.text) for paragraph in book.chapters[chapter].paragraphs]


def test_a_top_heading_is_the_title_and_the_next_level_makes_the_chapters(tmp_path: Path) -> None:
    book = read(tmp_path, "# The Lamp\n\n## One\n\nFirst.\n\n### A part\n\nMore.\n\n## Two\n\nSecond.\n")
    assert (book.title, book.language) == ("The Lamp", "en")
    assert [(chapter.number, chapter.title) for chapter in book.chapters] == [(1, "One"), (2, "Two")]
    assert kinds(book) == [
        (KIND.HEADING, "The Lamp"),
        (KIND.HEADING, "One"),
        (KIND.PROSE, "First."),
        (KIND.HEADING, "A part"),
        (KIND.PROSE, "More."),
    ]


def test_many_top_headings_are_the_chapters(tmp_path: Path) -> None:
    book = read(tmp_path, "# One\n\nFirst.\n\n## inner\n\nMore.\n\n# Two\n\nSecond.\n")
    assert [chapter.title for chapter in book.chapters] == ["One", "Two"]
    assert book.title == ""


def test_headings_of_parts_go_with_the_chapter_that_follows(tmp_path: Path) -> None:
    book = read(tmp_path, "# Part One\n\n## I\n\na.\n\n## II\n\nb.\n\n# Part Two\n\n## III\n\nc.\n")
    assert [chapter.title for chapter in book.chapters] == ["I", "II", "III"]
    assert kinds(book, 2)[:2] == [(KIND.HEADING, "Part Two"), (KIND.HEADING, "III")]


def test_a_file_without_headings_is_one_chapter(tmp_path: Path) -> None:
    book = read(tmp_path, "First.\n\nSecond.\n")
    assert len(book.chapters) == 1
    assert book.chapters[0].text == "First.\n\nSecond."


def test_a_chapter_heading_alone_at_the_top_is_no_title(tmp_path: Path) -> None:
    book = read(tmp_path, "# Chapter 1\n\nText.\n\n## A scene\n\nMore.\n\n## Another\n\nEnd.\n")
    assert [chapter.title for chapter in book.chapters] == ["Chapter 1"]


def test_a_by_line_is_the_author_and_a_long_front_a_chapter_of_its_own(tmp_path: Path) -> None:
    book = read(tmp_path, "# The Lamp\n\n*by Ann Other*\n\n## One\n\nFirst.\n\n## Two\n\nSecond.\n")
    assert (book.title, book.author, len(book.chapters)) == ("The Lamp", "Ann Other", 2)
    assert kinds(book)[1] == (KIND.PROSE, "by Ann Other")
    long = read(tmp_path, f"# The Lamp\n\n{'Foreword. ' * 40}\n\n## One\n\nFirst.\n")
    assert [chapter.title for chapter in long.chapters] == ["The Lamp", "One"]


def test_front_matter_names_title_and_author_and_is_not_read(tmp_path: Path) -> None:
    book = read(tmp_path, '---\ntitle: "The Lamp"\nauthor: Ann Other\ntags: [a, b]\n---\n\nText.\n')
    assert (book.title, book.author) == ("The Lamp", "Ann Other")
    assert book.chapters[0].text == "Text."
    assert book.chapters[0].paragraphs[0].source_line == 7


@pytest.mark.parametrize("mark", ["***", "---", "* * *", "⁂", r"\* \* \*", "＊", "# # #", "~~~", "<hr/>"])
def test_a_scene_break_keeps_its_place(tmp_path: Path, mark: str) -> None:
    book = read(tmp_path, f"One.\n\n{mark}\n\nTwo.\n")
    assert [kind for kind, _ in kinds(book)] == [KIND.PROSE, KIND.SCENE_BREAK, KIND.PROSE]
    assert not any(letter.isalnum() for letter in book.chapters[0].paragraphs[1].text)


def test_a_rule_right_below_a_sentence_is_a_scene_break_not_a_heading(tmp_path: Path) -> None:
    book = read(tmp_path, "The lamp went out.\n---\nIt was dark.\n")
    assert kinds(book) == [(KIND.PROSE, "The lamp went out."), (KIND.SCENE_BREAK, "---"), (KIND.PROSE, "It was dark.")]


def test_marks_of_emphasis_and_links_go_and_their_words_stay(tmp_path: Path) -> None:
    source = "A *very* **dark** `night`, [she](http://x.y) <i>said</i>&amp; ![a picture](p.png)snake_case_word.\n"
    assert read(tmp_path, source).chapters[0].text == "A very dark night, she said& snake_case_word."


def test_quotes_lists_and_verse_are_told_apart(tmp_path: Path) -> None:
    book = read(
        tmp_path, "> A letter.\n>\n> Yours.\n\n1. Salt.\n2. Bread.\n\n- Oil.\n\nRoses are red,  \nviolets are blue.\n"
    )
    assert kinds(book) == [
        (KIND.QUOTE, "A letter."),
        (KIND.QUOTE, "Yours."),
        (KIND.LIST_ITEM, "1. Salt."),
        (KIND.LIST_ITEM, "2. Bread."),
        (KIND.LIST_ITEM, "Oil."),
        (KIND.VERSE, "Roses are red,\nviolets are blue."),
    ]


def test_soft_line_breaks_become_spaces_but_not_in_chinese(tmp_path: Path) -> None:
    assert read(tmp_path, "One line\nand another.\n").chapters[0].text == "One line and another."
    assert read(tmp_path, "夜里很黑\n，谁也没有睡\n。\n").chapters[0].text == "夜里很黑，谁也没有睡。"


def test_what_only_looks_like_markup_is_not_lost(tmp_path: Path) -> None:
    source = "[Mara]: Hello.\n\n<Mara> said so.\n\n1984. It was cold.\n\n    Indented, not code.\n"
    assert read(tmp_path, source).chapters[0].text == (
        "[Mara]: Hello.\n\n<Mara> said so.\n\n1984. It was cold.\n\nIndented, not code."
    )


def test_the_number_of_an_empty_list_item_is_a_word_too(tmp_path: Path) -> None:
    assert read(tmp_path, "* 12.\n\nEnd.\n").chapters[0].text == "12.\n\nEnd."


def test_a_reference_link_is_still_a_link(tmp_path: Path) -> None:
    assert read(tmp_path, "See [the lamp][l].\n\n[l]: https://example.org/lamp\n").chapters[0].text == "See the lamp."


def test_each_script_line_is_a_paragraph(tmp_path: Path) -> None:
    book = read(tmp_path, "Mara: “Hello.”\nTom: “Hi.”\nThey sat.\n")
    assert [text for _, text in kinds(book)] == ["Mara: “Hello.”", "Tom: “Hi.” They sat."]
    assert [paragraph.source_line for paragraph in book.chapters[0].paragraphs] == [1, 2]


def test_a_name_that_a_wrapped_line_begins_with_is_no_script_line(tmp_path: Path) -> None:
    assert read(tmp_path, "At last she said to\nTom: “Hi.”\n").chapters[0].text == "At last she said to Tom: “Hi.”"


def test_html_blocks_give_their_words_and_comments_nothing(tmp_path: Path) -> None:
    book = read(tmp_path, "<div class='x'>\nOne.<br>Two.\n</div>\n\n<!-- a note -->\n\nThree.\n")
    assert [text for _, text in kinds(book)] == ["One.\nTwo.", "Three."]


def test_invisible_characters_go_and_odd_spaces_are_spaces(tmp_path: Path) -> None:
    book = read(tmp_path, "\ufeffco\u00adop\u2060er\u200bate\u00a0now\u2009e\u0301\n")
    assert book.chapters[0].text == "cooperate now é"


@pytest.mark.parametrize("marks", ["> " * 500, "- " * 90, "> - " * 90])
def test_words_behind_any_number_of_marks_are_read(tmp_path: Path, marks: str) -> None:
    assert read(tmp_path, f"One.\n\n{marks}nested\n").chapters[0].paragraphs[-1].text == "nested"
