"""The law of the readers: every letter and digit of the file is in the book, in the same order."""

import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narration.book import Book, LeftOutKind, ParagraphKind
from narration.manuscript import read_manuscript

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
PRIDE = CORPUS / "books" / "jane-austen_pride-and-prejudice.epub"
NAHAN = CORPUS / "books" / "lu-xun_nahan.zh.txt"
NOVELS = sorted((CORPUS / "litbank" / "original").glob("*.txt"))[::12]

ALL = frozenset(kind.value for kind in LeftOutKind)

PARAGRAPHS = {"p", "h2", "h3"}


class Paragraphs(HTMLParser):
    """The paragraphs of one XHTML file, note marks and the like left in."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in PARAGRAPHS:
            self.inside += 1
            self.found.append("")
        elif tag == "br" and self.inside:
            self.found[-1] += "\n"

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag in PARAGRAPHS

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found[-1] += data


def chapters_of_pride() -> list[list[str]]:
    if not PRIDE.exists():
        pytest.skip(f"the corpus is not here: {PRIDE.name}")
    chapters = []
    with zipfile.ZipFile(PRIDE) as book:
        for number in (1, 2, 3):
            parser = Paragraphs()
            parser.feed(book.read(f"epub/text/chapter-{number}.xhtml").decode())
            chapters.append([" ".join(text.split()) for text in parser.found if text.strip()])
    return chapters


def letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def letters_of(book: Book) -> str:
    return letters("".join(paragraph.text for chapter in book.chapters for paragraph in chapter.paragraphs))


def as_markdown(chapters: list[list[str]]) -> str:
    return "# Pride and Prejudice\n\n" + "\n\n".join(
        f"## Chapter {heading}\n\n" + "\n\n".join(rest) for heading, *rest in chapters
    )


def as_text(chapters: list[list[str]]) -> str:
    return "\n\n\n".join(f"Chapter {heading}\n\n" + "\n\n".join(rest) for heading, *rest in chapters) + "\n"


@pytest.mark.parametrize("suffix", [".md", ".txt"])
def test_three_chapters_of_pride_and_prejudice_are_whole(tmp_path: Path, suffix: str) -> None:
    chapters = chapters_of_pride()
    path = tmp_path / f"pride{suffix}"
    path.write_text(as_markdown(chapters) if suffix == ".md" else as_text(chapters), encoding="utf-8")
    book = read_manuscript(path)
    assert len(book.chapters) == 3
    assert letters_of(book) == letters(path.read_text(encoding="utf-8"))
    read = [[paragraph.text for paragraph in chapter.paragraphs] for chapter in book.chapters]
    assert [text[-len(source) + 1 :] for text, source in zip(read, chapters, strict=True)] == [
        [paragraph.replace("\u2060", "").replace("\ufeff", "") for paragraph in source[1:]] for source in chapters
    ]


@pytest.mark.parametrize("path", NOVELS, ids=lambda path: path.stem)
def test_every_letter_of_a_wrapped_novel_is_read(path: Path) -> None:
    assert letters_of(read_manuscript(path, keep=ALL)) == letters(path.read_text(encoding="utf-8"))


def test_a_chinese_collection_loses_its_note_marks_only() -> None:
    if not NAHAN.exists():
        pytest.skip(f"the corpus is not here: {NAHAN.name}")
    book = read_manuscript(NAHAN, keep=frozenset({"notes", "contents"}))
    marks = re.compile("[\u2460-\u249b]")
    source = letters(NAHAN.read_text(encoding="utf-8"))
    assert marks.sub("", letters_of(book)) == marks.sub("", source)
    (left,) = book.left_out
    assert left.kind is LeftOutKind.NOTE_MARKS
    assert left.count > 100
    titles = [chapter.title for chapter in book.chapters]
    assert {"鸭的喜剧", "故乡", "孔乙己: 鲁迅", "狂人日记", "阿Ｑ正传", "药"} <= set(titles)
    assert "久而不闻其香”，只以为很是嚷嚷罢了。然而我之所谓嚷嚷，或者也就是他之所谓寂寞罢。" in book.chapters[0].text


def test_the_editors_notes_of_a_chinese_collection_are_left_out() -> None:
    if not NAHAN.exists():
        pytest.skip(f"the corpus is not here: {NAHAN.name}")
    book = read_manuscript(NAHAN)
    assert not re.search("[\u2460-\u249b]|注释", "".join(chapter.text for chapter in book.chapters))
    counted = {item.kind: item.count for item in book.left_out}
    assert counted[LeftOutKind.NOTES] == 15
    assert counted[LeftOutKind.CONTENTS] == 1
    assert "目录" not in [chapter.title for chapter in book.chapters]


WORDS = st.sampled_from(
    [
        "lamp",
        "Mara",
        "“Yes,”",
        "said",
        "x",
        "12.",
        "Chapter",
        "I",
        "—",
        "'tis",
        "“",
        "...",
        "_so_",
        "夜里",
        "。",
        "#",
        "*",
    ]
)
LINES = st.lists(WORDS, min_size=1, max_size=14).map(" ".join)
TEXTS = st.lists(
    st.tuples(LINES, st.sampled_from(["\n", "\n\n", "\n\n\n\n", "\n  ", "\n\n    "])), min_size=1, max_size=14
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(pieces=TEXTS, suffix=st.sampled_from([".md", ".txt"]), language=st.sampled_from(["en", "zh"]))
def test_no_text_loses_a_letter(tmp_path: Path, pieces: list[tuple[str, str]], suffix: str, language: str) -> None:
    source = "lamp " + "".join(line + gap for line, gap in pieces)
    path = tmp_path / f"book{suffix}"
    path.write_text(source, encoding="utf-8")
    book = read_manuscript(path, language=language)
    assert letters_of(book) == letters(source)
    for chapter in book.chapters:
        for paragraph in chapter.paragraphs:
            assert paragraph.text == paragraph.text.strip() != ""
            assert "\n" not in paragraph.text or paragraph.kind in {ParagraphKind.VERSE, ParagraphKind.LIST_ITEM}
    assert [chapter.number for chapter in book.chapters] == list(range(1, len(book.chapters) + 1))
