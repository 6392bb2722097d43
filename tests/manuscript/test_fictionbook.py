"""FictionBook: what the golden novel does not show."""

from pathlib import Path

import pytest

from narration.book import Book, LeftOutKind, ParagraphKind
from narration.errors import InputError
from narration.manuscript import read_manuscript
from tests.manuscript.making import fb2

ONE = "<section><title><p>One</p></title><p>The boat was late.</p></section>"


def read(folder: Path, data: bytes, name: str = "book.fb2", keep: frozenset[str] = frozenset()) -> Book:
    path = folder / name
    path.write_bytes(data)
    return read_manuscript(path, keep=keep)


def refusal(folder: Path, data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, data)
    return str(caught.value)


def texts(book: Book) -> list[str]:
    return [paragraph.text for chapter in book.chapters for paragraph in chapter.paragraphs]


def test_sections_inside_of_parts_are_the_chapters_whatever_the_parts_are_called(tmp_path: Path) -> None:
    parts = "".join(f"<section><title><p>{name}</p></title>{ONE}{ONE}</section>" for name in ("The Sea", "The Land"))
    book = read(tmp_path, fb2(parts))
    assert [chapter.title for chapter in book.chapters] == ["One"] * 4
    assert texts(book)[0] == "The Sea"


def test_numbered_sections_inside_of_a_chapter_are_no_chapters(tmp_path: Path) -> None:
    scenes = "".join(f"<section><title><p>{number}</p></title><p>Text.</p></section>" for number in (1, 2))
    chapters = "".join(f"<section><title><p>Chapter {word}</p></title>{scenes}</section>" for word in ("One", "Two"))
    titles = [chapter.title for chapter in read(tmp_path, fb2(chapters)).chapters]
    assert titles == ["Chapter One", "Chapter Two"]


def test_a_prologue_beside_parts_is_a_chapter(tmp_path: Path) -> None:
    prologue = "<section><title><p>Prologue</p></title><p>It was dark.</p></section>"
    book = read(tmp_path, fb2(f"{prologue}<section><title><p>The Sea</p></title>{ONE}</section>"))
    assert [chapter.title for chapter in book.chapters] == ["Prologue", "One"]


def test_sections_without_titles_are_scenes(tmp_path: Path) -> None:
    inner = "<section><p>A.</p></section><section><p>B.</p></section>"
    book = read(tmp_path, fb2(f"<section><title><p>One</p></title>{inner}</section>"))
    assert texts(book) == ["One", "A.", "***", "B."]


def test_a_stanza_is_one_paragraph_with_its_lines(tmp_path: Path) -> None:
    poem = (
        "<poem><stanza><v>The lamp</v>\n<v>was <emphasis>low</emphasis>.</v></stanza><stanza><v>So.</v></stanza></poem>"
    )
    paragraphs = read(tmp_path, fb2(f"<section>{poem}</section>")).chapters[0].paragraphs
    assert [paragraph.text for paragraph in paragraphs] == ["The lamp\nwas low.", "So."]
    assert {paragraph.kind for paragraph in paragraphs} == {ParagraphKind.VERSE}


def test_notes_and_pictures_are_left_out_and_counted(tmp_path: Path) -> None:
    note = '<p>It was late.<a l:href="#n" type="note">see there</a></p><image l:href="#map"/>'
    after = '<body name="notes"><section id="n"><p>By an hour.</p></section></body>'
    pictures = '<binary id="map" content-type="image/png">AAAA</binary><binary id="cover">BBBB</binary>'
    data = fb2(f"<section>{note}</section>", after=after + pictures)
    book = read(tmp_path, data)
    assert texts(book) == ["It was late."]
    assert {item.kind: item.count for item in book.left_out} == {
        LeftOutKind.NOTES: 1,
        LeftOutKind.NOTE_MARKS: 1,
        LeftOutKind.IMAGES: 2,
    }
    assert texts(read(tmp_path, data, keep=frozenset({"notes"}))) == ["It was late.", "By an hour."]


def test_title_authors_and_language_are_those_of_the_description(tmp_path: Path) -> None:
    named = "<author><first-name>Лев</first-name><last-name>Толстой</last-name></author>"
    authors = f"{named}<author><nickname>x</nickname></author>"
    book = read(tmp_path, fb2(ONE, facts=f"{authors}<book-title>Война</book-title><lang>ru-RU</lang>"))
    assert (book.title, book.author, book.language) == ("Война", "Лев Толстой, x", "ru")
    assert read(tmp_path, fb2("<section><p>Да, это так.</p></section>")).language == "ru"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1251", "koi8-r"])
def test_a_declared_encoding_is_believed(tmp_path: Path, encoding: str) -> None:
    text = fb2("<section><p>Лодка опоздала.</p></section>").decode().replace("utf-8", encoding, 1)
    assert texts(read(tmp_path, text.encode(encoding))) == ["Лодка опоздала."]


def test_it_is_known_by_its_content_whatever_it_is_called(tmp_path: Path) -> None:
    assert texts(read(tmp_path, fb2(ONE), "book.txt")) == ["One", "The boat was late."]
    assert texts(read(tmp_path, fb2(ONE), "book.xml")) == ["One", "The boat was late."]
    assert texts(read(tmp_path, b"<!DOCTYPE html><p>Hello.", "page.fb2")) == ["Hello."]


def test_entities_depth_and_size_have_their_bounds(tmp_path: Path) -> None:
    laughs = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    for entities, name in ((laughs, "l9"), (f'<!ENTITY x SYSTEM "{secret.as_uri()}">', "x")):
        hostile = fb2(f"<section><p>A &{name};</p></section>", doctype=f"<!DOCTYPE FictionBook [{entities}]>")
        said = refusal(tmp_path, hostile)
        assert "book.fb2" in said
        assert "the secret" not in said
    assert "depth" in refusal(tmp_path, fb2("<section>" * 100_000 + "deep"))
    assert "too long" in refusal(tmp_path, fb2(f"<section><p>{'A' * (11 << 20)}</p></section>"))
    deep = "<section>" * 200 + "<p>deep</p>" + "</section>" * 200
    assert texts(read(tmp_path, fb2(deep))) == ["deep"]


def test_what_is_broken_or_no_book_is_refused(tmp_path: Path) -> None:
    assert "line 1" in refusal(tmp_path, fb2("<section><p>A & B</p></section>"))
    assert "<library>" in refusal(tmp_path, b"<library/>")
    assert "no text" in refusal(tmp_path, fb2("<section><p> </p></section>"))
    assert "XML" in refusal(tmp_path, b"")


def test_each_of_two_bodies_is_a_part_of_the_book(tmp_path: Path) -> None:
    after = "<body><title><p>Book Two</p></title><section><title><p>Two</p></title><p>It came.</p></section></body>"
    book = read(tmp_path, fb2(f"<title><p>Book One</p></title>{ONE}", after=after))
    assert [chapter.title for chapter in book.chapters] == ["One", "Two"]
    assert texts(book) == ["Book One", "One", "The boat was late.", "Book Two", "Two", "It came."]
