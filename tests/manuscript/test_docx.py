"""Word documents: what Word shows is read, whatever its files call it."""

from pathlib import Path

import pytest

from narration.book import Book, LeftOutKind
from narration.errors import InputError
from narration.manuscript import read_manuscript
from narration.manuscript.docx import read_docx
from narration.manuscript.leavings import Leavings
from tests.manuscript.making import docx, typed, zipped


def read(folder: Path, data: bytes, *, keep: frozenset[str] = frozenset()) -> Book:
    path = folder / "book.docx"
    path.write_bytes(data)
    return read_manuscript(path, keep=keep)


def lines(book: Book) -> list[str]:
    return [f"{paragraph.kind}: {paragraph.text}" for chapter in book.chapters for paragraph in chapter.paragraphs]


def styled(style: str, text: str) -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'


def style(identity: str, name: str, more: str = "") -> str:
    return f'<w:style w:type="paragraph" w:styleId="{identity}"><w:name w:val="{name}"/>{more}</w:style>'


def test_a_style_based_on_a_heading_is_a_heading(tmp_path: Path) -> None:
    styles = style("K1", "heading 1") + style("Mine", "My Chapter", '<w:basedOn w:val="K1"/>')
    book = read(
        tmp_path, docx(styled("Mine", "One") + typed("Text.") + styled("Mine", "Two") + typed("Text."), styles=styles)
    )
    assert [chapter.title for chapter in book.chapters] == ["One", "Two"]


def test_an_outline_level_makes_a_heading(tmp_path: Path) -> None:
    heading = '<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>'
    book = read(tmp_path, docx(heading.format("One") + typed("Text.") + heading.format("Two") + typed("Text.")))
    assert [chapter.title for chapter in book.chapters] == ["One", "Two"]


def test_chapters_are_found_where_no_style_is_used(tmp_path: Path) -> None:
    body = typed("Chapter One") + typed("Text.") + typed("CHAPTER TWO") + typed("Text.")
    assert [chapter.title for chapter in read(tmp_path, docx(body)).chapters] == ["Chapter One", "CHAPTER TWO"]


def test_runs_of_one_word_join_without_a_space(tmp_path: Path) -> None:
    body = "<w:p><w:r><w:t>T</w:t></w:r><w:r><w:t>he b</w:t></w:r><w:proofErr/><w:r><w:t>oat.</w:t></w:r></w:p>"
    assert lines(read(tmp_path, docx(body))) == ["prose: The boat."]


def test_lines_of_a_table_of_contents_are_left_out_by_their_style(tmp_path: Path) -> None:
    book = read(tmp_path, docx(styled("V1", "One ... 3") + typed("Text."), styles=style("V1", "toc 1")))
    assert lines(book) == ["prose: Text."]
    assert [(item.kind, item.example) for item in book.left_out] == [(LeftOutKind.CONTENTS, "One ... 3")]


def test_notes_that_are_kept_follow_their_paragraph(tmp_path: Path) -> None:
    body = '<w:p><w:r><w:t>Late</w:t><w:footnoteReference w:id="1"/><w:t>.</w:t></w:r></w:p>' + typed("Later.")
    notes = '<w:footnote w:id="1"><w:p><w:r><w:t>By an hour.</w:t></w:r></w:p></w:footnote>'
    data = docx(body, footnotes=notes)
    assert lines(read(tmp_path, data)) == ["prose: Late.", "prose: Later."]
    assert lines(read(tmp_path, data, keep=frozenset({"notes"}))) == [
        "prose: Late.",
        "prose: By an hour.",
        "prose: Later.",
    ]


def test_one_empty_paragraph_parts_scenes_and_one_after_each_does_not(tmp_path: Path) -> None:
    text = typed("Text.") * 5
    assert "scene_break: ***" in lines(read(tmp_path, docx(text + "<w:p/>" + text)))
    assert "scene_break: ***" not in lines(read(tmp_path, docx((typed("Text.") + "<w:p/>") * 5)))


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("decimal", ["Part 1", "Part 2"]),
        ("upperRoman", ["Part I", "Part II"]),
        ("lowerLetter", ["Part a", "Part b"]),
        ("cardinalText", ["Part One", "Part Two"]),
    ],
)
def test_automatic_numbers_of_headings_are_read(tmp_path: Path, form: str, wanted: list[str]) -> None:
    numbered = '<w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="4"/></w:numPr></w:pPr>'
    numbering = (
        f'<w:abstractNum w:abstractNumId="9"><w:lvl w:ilvl="0"><w:numFmt w:val="{form}"/><w:lvlText w:val="Part %1"/>'
        '</w:lvl></w:abstractNum><w:num w:numId="4"><w:abstractNumId w:val="9"/></w:num>'
    )
    body = (styled("H", "") + typed("Text.")) * 2
    book = read(tmp_path, docx(body, styles=style("H", "heading 1", numbered), numbering=numbering))
    assert [chapter.title for chapter in book.chapters] == wanted


@pytest.mark.parametrize("strange", ["9" * 5000, "-1", "x"])
def test_numbers_that_are_none_are_those_of_a_first_item(tmp_path: Path, strange: str) -> None:
    numbered = f'<w:pPr><w:numPr><w:ilvl w:val="{strange}"/><w:numId w:val="4"/></w:numPr></w:pPr>'
    numbering = (
        f'<w:abstractNum w:abstractNumId="9"><w:lvl w:ilvl="{strange}"><w:start w:val="{strange}"/>'
        '<w:numFmt w:val="decimal"/><w:lvlText w:val="Part %1"/></w:lvl></w:abstractNum>'
        '<w:num w:numId="4"><w:abstractNumId w:val="9"/></w:num>'
    )
    body = styled("H", "") + typed("Text.")
    book = read(tmp_path, docx(body, styles=style("H", "heading 1", numbered), numbering=numbering))
    assert [chapter.title for chapter in book.chapters] == ["Part 1"]


def test_the_language_of_the_letters_goes_before_what_the_styles_say(tmp_path: Path) -> None:
    styles = '<w:docDefaults><w:lang w:val="de-DE" w:eastAsia="zh-CN"/></w:docDefaults>'
    assert read(tmp_path, docx(typed("Das Boot war spät."), styles=styles)).language == "de"
    assert read(tmp_path, docx(typed("夜里的灯灭了，船也没有来。"), styles=styles)).language == "zh"


def test_numbers_count_on_in_words_and_a_deeper_level_begins_anew_below_each(tmp_path: Path) -> None:
    def level(depth: int, form: str, start: int, shown: str) -> str:
        said = f'<w:numFmt w:val="{form}"/><w:lvlText w:val="{shown}"/><w:start w:val="{start}"/>'
        return f'<w:lvl w:ilvl="{depth}">{said}</w:lvl>'

    def numbered(depth: int) -> str:
        return f'<w:pPr><w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="4"/></w:numPr></w:pPr>'

    numbering = (
        f'<w:abstractNum w:abstractNumId="9">{level(0, "cardinalText", 99, "Part %1")}'
        f"{level(1, 'lowerRoman', 1, 'Chapter %2')}</w:abstractNum>"
        '<w:num w:numId="4"><w:abstractNumId w:val="9"/></w:num>'
    )
    styles = style("A", "heading 1", numbered(0)) + style("B", "heading 2", numbered(1))
    part, chapter = styled("A", ""), styled("B", "") + typed("Text.")
    book = read(tmp_path, docx(part + chapter * 2 + part + chapter, styles=styles, numbering=numbering))
    assert [line for line in lines(book) if line.startswith("heading")] == [
        "heading: Part Ninety-nine",
        "heading: Chapter i",
        "heading: Chapter ii",
        "heading: Part 100",
        "heading: Chapter i",
    ]


def test_an_archive_without_a_document_is_told_as_no_word_document(tmp_path: Path) -> None:
    data = zipped({"[Content_Types].xml": "<Types/>"})
    with pytest.raises(InputError, match="no Word document"):
        read(tmp_path, data)
    with pytest.raises(InputError, match="no whole Word document; expected word/"):
        read_docx(data, "book.docx", language=None, leavings=Leavings())


def test_the_reading_above_a_word_is_not_read_twice(tmp_path: Path) -> None:
    ruby = (
        "<w:r><w:ruby><w:rt><w:r><w:t>dēng</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>灯</w:t></w:r></w:rubyBase></w:ruby>"
        "</w:r>"
    )
    book = read(tmp_path, docx(f"<w:p>{ruby}<w:r><w:t>灭了。</w:t></w:r></w:p>"))
    assert lines(book) == ["prose: 灯灭了。"]
    assert [(item.kind, item.example) for item in book.left_out] == [(LeftOutKind.RUBY, "dēng")]


def test_a_rule_across_the_page_parts_scenes(tmp_path: Path) -> None:
    rule = (
        '<w:p><w:r><w:pict><v:rect xmlns:v="urn:schemas-microsoft-com:vml" '
        'xmlns:o="urn:schemas-microsoft-com:office:office" o:hr="t"/></w:pict></w:r></w:p>'
    )
    assert "scene_break: ***" in lines(read(tmp_path, docx(typed("Text.") * 3 + rule + typed("Text.") * 3)))


def test_styles_that_are_based_on_each_other_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    styles = style("A", "Mine", '<w:basedOn w:val="B"/>') + style("B", "Yours", '<w:basedOn w:val="A"/>')
    assert lines(read(tmp_path, docx(styled("A", "Text."), styles=styles))) == ["prose: Text."]
