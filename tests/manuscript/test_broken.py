"""Damaged, hostile and odd files: a clear error or a right reading, never a traceback, never a lost word."""

import re
from functools import partial
from pathlib import Path

import pytest
from lxml import etree

from narration.book import Book
from narration.errors import InputError
from narration.manuscript import read_manuscript, trees
from tests.growth import is_about, processor_s
from tests.manuscript.making import docx, epub, epub_files, fb2, page, typed, zipped

LONG = "<p>" + "The lamp was out and the boat was late, and nobody in the house had slept. " * 12 + "</p>"


def read(folder: Path, data: bytes, name: str = "book.epub") -> Book:
    path = folder / name
    path.write_bytes(data)
    return read_manuscript(path)


def refusal(folder: Path, data: bytes, name: str = "book.epub") -> str:
    with pytest.raises(InputError) as caught:
        read(folder, data, name)
    return str(caught.value)


def text_of(book: Book) -> str:
    return "\n".join(chapter.text for chapter in book.chapters)


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    data = epub({"a.xhtml": LONG}, {"a.xhtml": "One"})
    assert "copy or download it again" in refusal(tmp_path, data[: len(data) // 2])
    assert "empty" in refusal(tmp_path, b"", "book.docx")
    assert "export it again" in refusal(tmp_path, b"once upon a time", "book.docx")


def test_a_damaged_member_is_refused_by_name(tmp_path: Path) -> None:
    files = epub_files({"a.xhtml": page(LONG)}, {"a.xhtml": "One"})
    data = bytearray(zipped(files))
    place = data.index(b"a.xhtml", data.index(b"nav.xhtml", 60) + 20)
    data[place + 30] ^= 0xFF
    data[place + 40] ^= 0xFF
    assert "book.epub" in refusal(tmp_path, bytes(data))


def test_a_spine_that_names_a_missing_file_is_refused(tmp_path: Path) -> None:
    files = epub_files({"a.xhtml": page(LONG), "b.xhtml": page(LONG)}, {"a.xhtml": "One"})
    del files["b.xhtml"]
    said = refusal(tmp_path, zipped(files))
    assert "b.xhtml" in said
    assert "lost" in said


def test_a_missing_cover_is_no_loss(tmp_path: Path) -> None:
    files = epub_files({"cover.xhtml": page(""), "a.xhtml": page(LONG)}, {"a.xhtml": "One"})
    del files["cover.xhtml"]
    book = read(tmp_path, zipped(files))
    assert [chapter.title for chapter in book.chapters] == ["One"]
    assert "cover.xhtml" in book.left_out[0].example


def test_an_archive_that_unpacks_to_far_more_than_a_book_is_refused(tmp_path: Path) -> None:
    big, small = (
        epub({"a.xhtml": "<p>" + " " * (megabytes << 20) + "</p>"}, {"a.xhtml": "One"}) for megabytes in (60, 15)
    )
    assert "no book does" in refusal(tmp_path, big)
    assert "no book does" in refusal(tmp_path, small)
    big_s, small_s = processor_s(partial(refusal, tmp_path, big), partial(refusal, tmp_path, small))
    assert is_about(big_s, small_s, 4), f"four times the size takes {big_s} s, and not {small_s}"


def test_a_size_that_the_archive_lies_about_does_not_matter(tmp_path: Path) -> None:
    data = bytearray(epub({"a.xhtml": "<p>" + " " * (20 << 20) + "</p>"}, {"a.xhtml": "One"}))
    central = data.rindex(b"a.xhtml") - 46
    data[central + 24 : central + 28] = (1000).to_bytes(4, "little")
    assert "book.epub" in refusal(tmp_path, bytes(data))


@pytest.mark.parametrize("lock", ["META-INF/rights.xml", "META-INF/sinf.xml", "META-INF/license.lcpl"])
def test_copy_protection_is_named(tmp_path: Path, lock: str) -> None:
    files = epub_files({"a.xhtml": page(LONG)}, {"a.xhtml": "One"}) | {lock: "<rights/>"}
    assert "copy protection" in refusal(tmp_path, zipped(files))


def encryption(algorithm: str, file: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData '
        f'xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="{algorithm}"/><CipherData>'
        f'<CipherReference URI="{file}"/></CipherData></EncryptedData></encryption>'
    )


def test_encrypted_text_is_refused_and_obfuscated_fonts_are_not(tmp_path: Path) -> None:
    files = epub_files({"a.xhtml": page(LONG)}, {"a.xhtml": "One"})
    locked = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "a.xhtml")
    assert "copy protection" in refusal(tmp_path, zipped(files | {"META-INF/encryption.xml": locked}))
    fonts = encryption("http://www.idpf.org/2008/embedding", "font.otf")
    assert "The lamp" in text_of(read(tmp_path, zipped(files | {"META-INF/encryption.xml": fonts})))


def test_entities_that_multiply_or_reach_outside_are_refused(tmp_path: Path) -> None:
    laughs = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    for entities, name in ((laughs, "l9"), (f'<!ENTITY x SYSTEM "{secret.as_uri()}">', "x")):
        hostile = f"<!DOCTYPE html [{entities}]>" + page(f"{LONG}<p>&{name};</p>")
        files = epub_files({"a.xhtml": hostile}, {"a.xhtml": "One"})
        said = refusal(tmp_path, zipped(files))
        assert "a.xhtml" in said
        assert "the secret" not in said


def test_entities_of_html_and_of_the_file_itself_are_read(tmp_path: Path) -> None:
    own = '<!DOCTYPE html [<!ENTITY hero "Mara">]>' + page("<p>&hero; slept.</p>")
    files = epub_files({"a.xhtml": own, "b.xhtml": page("<p>caf&eacute;&hellip; &mdash; &nothing; A&amp;B</p>")})
    text = text_of(read(tmp_path, zipped(files)))
    assert "Mara slept." in text
    assert "café… — &nothing; A&B" in text


def test_malformed_pages_are_read_whole(tmp_path: Path) -> None:
    bodies = {
        "a.xhtml": "<p>one<b>two</p><p>three <i>four",
        "b.xhtml": "<p>five & six < seven</p></div></section>",
        "c.xhtml": '<p class=x>eight<br>nine</p><p id="1" id="1">ten</p>',
        "d.xhtml": "<p>eleven<script/>twelve<a/>thirteen</p><td/>fourteen",
    }
    book = read(tmp_path, epub(bodies))
    said = re.findall(r"\w+", text_of(book))
    wanted = "onetwo three four five six seven eight nine ten eleventwelvethirteen fourteen"
    assert said == wanted.split()


def test_a_page_nested_without_end_is_refused_or_read_whole(tmp_path: Path) -> None:
    for depth in (300, 1500):
        body = "<div>" * depth + "deep" + "</div>" * depth + "<p>end</p>"
        assert text_of(read(tmp_path, epub({"a.xhtml": body}))).split() == ["deep", "end"]
    body = "<div>" * 100_000 + "deep"
    assert "depth" in refusal(tmp_path, epub({"a.xhtml": body}))


def test_an_archive_without_its_parts_is_refused(tmp_path: Path) -> None:
    assert "package file" in refusal(tmp_path, zipped({"mimetype": "application/epub+zip"}))
    files = epub_files({})
    assert "no text" in refusal(tmp_path, zipped(files))
    assert "no text to read" in refusal(tmp_path, epub({"a.xhtml": "<p> </p>"}))
    without = epub_files({"a.xhtml": page(LONG)})
    without["content.opf"] = "<package><<"
    assert "content.opf" in refusal(tmp_path, zipped(without))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<x/>"}, "DOCX"),
        ({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"}, "no Word document"),
        ({"Index/Document.iwa": "x"}, "Pages"),
        ({"a.txt": "x"}, "Unpack"),
    ],
)
def test_other_archives_are_refused_with_advice(tmp_path: Path, files: dict[str, str | bytes], said: str) -> None:
    assert said in refusal(tmp_path, zipped(files))


def test_kindle_books_and_pictures_are_refused_with_advice(tmp_path: Path) -> None:
    assert "Calibre" in refusal(tmp_path, b"\0" * 60 + b"BOOKMOBI" + b"\0" * 60, "book.mobi")
    assert "scan" in refusal(tmp_path, b"\x89PNG\r\n\x1a\n\0\0", "page.png")
    assert "Convert it" in refusal(tmp_path, b"%PDF-1.7\n", "book.html")


def test_a_wrong_suffix_does_not_matter(tmp_path: Path) -> None:
    assert "The lamp" in text_of(read(tmp_path, epub({"a.xhtml": LONG}), "book.txt"))
    assert "Hello" in text_of(read(tmp_path, docx(typed("Hello.")), "book.epub"))
    assert text_of(read(tmp_path, b"<!DOCTYPE html><p>Hello.", "book.txt")) == "Hello."


def test_broken_word_documents_are_refused(tmp_path: Path) -> None:
    assert "no text" in refusal(tmp_path, docx("<w:p/>"), "book.docx")
    assert "document.xml" in refusal(tmp_path, zipped({"word/document.xml": "<w:document"}), "book.docx")
    outside = docx(typed("Hello.") + '<w:altChunk xmlns:r="r" r:id="x"/>')
    assert "another file" in refusal(tmp_path, outside, "book.docx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_pages_in_several_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    files = epub_files({"a.xhtml": page("<p>ascii</p>"), "b.xhtml": ""})
    files["b.xhtml"] = (declared + page("<p>Café – “naïve”</p>")).encode(encoding)
    assert "Café – “naïve”" in text_of(read(tmp_path, zipped(files)))


def test_right_to_left_text_and_emoji_stay_as_they_are(tmp_path: Path) -> None:
    lines = ["הספינה איחרה „שוב”, אמרה מרה.", "تأخر القارب مرة أخرى.", "She smiled 👩‍👩‍👧‍👦 and left 🏴󠁧󠁢󠁳󠁣󠁴󠁿.", "é e\u0301"]
    body = "".join(f"<p>{line}</p>" for line in lines)
    wanted = [*lines[:3], "é é"]
    for data, name in (
        (epub({"a.xhtml": body}), "a.epub"),
        (docx("".join(map(typed, lines))), "a.docx"),
        (body.encode(), "a.html"),
        (fb2(f"<section>{body}</section>"), "a.fb2"),
        ("\n\n".join(lines).encode(), "a.fountain"),
    ):
        book = read(tmp_path, data, name)
        assert [paragraph.text for chapter in book.chapters for paragraph in chapter.paragraphs] == wanted


def long_paragraphs(text: str) -> dict[str, bytes]:
    """A text as one paragraph of every format, and as one word."""
    return {
        "a.epub": epub({"a.xhtml": f"<p>{text}</p>"}),
        "a.docx": docx(typed(text)),
        "a.html": f"<p>{text}".encode(),
        "a.fb2": fb2(f"<section><p>{text}</p></section>"),
        "a.txt": text.encode(),
        "a.md": text.encode(),
        "a.fountain": text.encode(),
        "b.html": b"A" * (len(text) + 1),
    }


def test_one_paragraph_of_200_000_characters_is_read(tmp_path: Path) -> None:
    text = ("A boat, a lamp. " * 12_500).strip()
    whole = long_paragraphs(text)
    for name, data in whole.items():
        assert len(text_of(read(tmp_path, data, name))) in {len(text), 200_000}
    for name, part in long_paragraphs(text[:50_000].strip()).items():
        whole_s, part_s = processor_s(*(partial(read, tmp_path, data, name) for data in (whole[name], part)))
        assert is_about(whole_s, part_s, 4), f"{name}: four times the text takes {whole_s} s, and not {part_s}"


MEGABYTES = [(".txt", 50), (".md", 5), (".html", 10), (".epub", 10), (".docx", 10), (".fb2", 10), (".fountain", 10)]


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "megabytes"), MEGABYTES)
def test_far_more_text_than_a_novel_is_read(tmp_path: Path, suffix: str, megabytes: int) -> None:
    paragraph = "Mara said that the boat was late, and number {} was the lamp’s; nobody in the house had slept."
    lines = [paragraph.format(number) for number in range(megabytes * (1 << 20) // 98)]
    if suffix == ".docx":
        data = docx("".join(map(typed, lines)))
    elif suffix == ".epub":
        starts = range(0, len(lines), 5000)
        chapters = {f"c{at}.xhtml": "".join(f"<p>{line}</p>" for line in lines[at : at + 5000]) for at in starts}
        data = epub(chapters, {name: name for name in chapters})
    elif suffix == ".fb2":
        data = fb2("<section>" + "".join(f"<p>{line}</p>" for line in lines) + "</section>")
    else:
        data = "\n\n".join(f"<p>{line}</p>" if suffix == ".html" else line for line in lines).encode()
    book = read(tmp_path, data, f"long{suffix}")
    assert [paragraph.text for chapter in book.chapters for paragraph in chapter.paragraphs] == lines


def test_an_encrypted_member_says_so_and_what_to_do(tmp_path: Path) -> None:
    data = bytearray(zipped(epub_files({"a.xhtml": page(LONG)}, {"a.xhtml": "One"})))
    place = -1
    while (place := data.find(b"PK\x01\x02", place + 1)) >= 0:  # the flags of each entry of the directory
        data[place + 8] |= 1
    assert "encrypted" in (said := refusal(tmp_path, bytes(data)))
    assert "without a password" in said


def test_links_that_are_never_closed_are_not_read_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0

    def counted(element: etree._Element) -> str:
        nonlocal looked_at
        looked_at += sum(1 for _ in element.iter())
        return trees.text_of(element)

    monkeypatch.setattr("narration.manuscript.signs.text_of", counted)
    links = 300
    path = tmp_path / "book.html"
    path.write_text(f"<h1>One</h1><div>{'<a id=fn1 href=#fn1><b>1 ' * links}end.</div>", encoding="utf-8")
    read_manuscript(path, language="en")
    assert looked_at < 20 * links
