"""Real books: chapters as in the book's own table of contents, and not a word more or less than the body has."""

import re
import zipfile
from collections import Counter
from html import unescape
from pathlib import Path

import pytest

from narration.book import Book, LeftOutKind
from narration.manuscript import read_manuscript
from tests.manuscript.making import BOOKS

PLAY = BOOKS / "oscar-wilde_the-importance-of-being-earnest.epub"
CHAPTERS = {
    "arthur-conan-doyle_the-adventures-of-sherlock-holmes": 12,
    "charles-dickens_great-expectations": 59,
    "jane-austen_pride-and-prejudice": 61,
    "oscar-wilde_the-importance-of-being-earnest": 3,
}
MATTER = {"Titlepage", "Imprint", "Colophon", "Uncopyright", "Dramatis Personae", "The Scenes of the Play"}
INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")


def book_file(name: str) -> Path:
    path = BOOKS / f"{name}.epub"
    if not path.exists():
        pytest.skip(f"the corpus is not here: {path.name}")
    return path


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", INVISIBLE.sub("", text).casefold()))


def naive_pages(path: Path, *, matter: bool) -> dict[str, str]:
    """The text of each file of the book by tags cut out, names of speakers apart; told by the type of its body."""
    pages = {}
    with zipfile.ZipFile(path) as archive:
        opf = archive.read("epub/content.opf").decode()
        for reference in re.findall(r'<itemref idref="([^"]+)"', opf):
            source = archive.read(f"epub/text/{reference}").decode()
            is_matter = re.search(r'<body[^>]*type="(?:front|back)matter', source) is not None
            if is_matter == matter:
                body = re.sub(r"<td epub:type=\"z3998:persona\">.*?</td>", " ", source[source.index("<body") :])
                body = re.sub(r"</?(?:p|td|h\d|br|li)\b[^>]*>", " ", body)
                pages[reference] = unescape(re.sub(r"<[^>]+>", "", body))
    return pages


def spoken(book: Book) -> str:
    return "\n".join(paragraph.text for chapter in book.chapters for paragraph in chapter.paragraphs)


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_are_those_of_the_table_of_contents(name: str) -> None:
    path = book_file(name)
    book = read_manuscript(path)
    with zipfile.ZipFile(path) as archive:
        toc = archive.read("epub/toc.xhtml").decode().partition('id="landmarks"')[0]
    # Entries that lead into the middle of a file are parts of one story.
    links = re.findall(r'<a href="text/([^"#]+)"[^>]*>(.*?)</a>', toc)
    labels = [unescape(re.sub(r"<[^>]+>", "", label)) for _, label in links]
    assert [chapter.title for chapter in book.chapters] == [
        label for label in labels if label not in MATTER | {book.title}
    ]
    assert len(book.chapters) == CHAPTERS[name]


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_words_read_are_the_words_of_the_body(name: str) -> None:
    path = book_file(name)
    body = words(" ".join(naive_pages(path, matter=False).values()))
    assert words(spoken(read_manuscript(path))) == body
    assert body.total() > 15_000


@pytest.mark.parametrize("name", CHAPTERS)
def test_told_to_keep_all_the_reader_reads_every_page(name: str) -> None:
    path = book_file(name)
    keep = frozenset(kind.value for kind in LeftOutKind if kind is not LeftOutKind.IMAGES)
    book = read_manuscript(path, keep=keep)
    pages = naive_pages(path, matter=False) | naive_pages(path, matter=True)
    assert words(spoken(book)) == words(" ".join(pages.values()))
    assert {item.kind for item in book.left_out} <= {LeftOutKind.IMAGES}


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_is_left_out_is_counted_to_the_letter(name: str) -> None:
    path = book_file(name)
    book = read_manuscript(path)
    counted = {item.kind: item for item in book.left_out}
    assert set(counted) == {LeftOutKind.FRONT_MATTER, LeftOutKind.BACK_MATTER}
    pages = naive_pages(path, matter=True)
    assert sum(item.count for item in counted.values()) == len(pages)
    flat = sum(len(" ".join(INVISIBLE.sub("", text).split())) for text in pages.values())
    assert sum(item.characters for item in counted.values()) == pytest.approx(flat, rel=0.02)


def test_the_play_gives_every_speaker_row() -> None:
    path = book_file(PLAY.stem)
    with zipfile.ZipFile(path) as archive:
        source = "".join(archive.read(f"epub/text/act-{act}.xhtml").decode() for act in (1, 2, 3))
    gold = re.findall(r'<td epub:type="z3998:persona">(.*?)</td>', source)
    book = read_manuscript(path)
    read = [paragraph.speaker for chapter in book.chapters for paragraph in chapter.paragraphs if paragraph.speaker]
    assert read == [name.replace(" and ", " + ") for name in gold]
    assert len(read) == 879
    assert {"Jack + Algernon", "Gwendolen + Cecily"} <= set(read)


def test_the_play_marks_its_stage_directions() -> None:
    path = book_file(PLAY.stem)
    with zipfile.ZipFile(path) as archive:
        source = "".join(archive.read(f"epub/text/act-{act}.xhtml").decode() for act in (1, 2, 3))
    gold = re.findall(r'<i epub:type="z3998:stage-direction">(.*?)</i>', source, re.DOTALL)
    book = read_manuscript(path)
    read = [
        paragraph.text[start:end]
        for chapter in book.chapters
        for paragraph in chapter.paragraphs
        for start, end in paragraph.directions
    ]
    assert [words(text) for text in read] == [words(unescape(re.sub(r"<[^>]+>", "", text))) for text in gold]
    assert len(read) > 300


def test_letters_and_verse_are_told_from_prose() -> None:
    pride = read_manuscript(book_file("jane-austen_pride-and-prejudice"))
    quotes = {paragraph.text for paragraph in pride.chapters[12].paragraphs if paragraph.kind == "quote"}
    assert {"Hunsford, near Westerham, Kent,", "15th October", "Dear Sir,", "William Collins."} <= quotes
    expectations = read_manuscript(book_file("charles-dickens_great-expectations"))
    songs = [
        paragraph.text
        for chapter in expectations.chapters
        for paragraph in chapter.paragraphs
        if paragraph.kind == "verse"
    ]
    assert [song.partition("\n")[0] for song in songs] == ["When I went to Lunnon town sirs,"]
