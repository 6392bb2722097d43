"""Bytes that are a manuscript, and bytes that are none."""

import codecs
from pathlib import Path

import pytest

from narration.errors import ExitCode, InputError
from narration.manuscript import read_manuscript

CHINESE = "　　灯灭了，可是屋里谁也没有睡。\n\n　　“谁在那里？”她问。\n"
WESTERN = "The café’s lamp was “out”, but nobody in the house had slept — not one.\n" * 3


def read_bytes(tmp_path: Path, data: bytes, name: str = "book.txt") -> str:
    path = tmp_path / name
    path.write_bytes(data)
    return "\n".join(chapter.text for chapter in read_manuscript(path).chapters)


def refusal(tmp_path: Path, data: bytes, name: str = "book.txt") -> str:
    with pytest.raises(InputError) as caught:
        read_bytes(tmp_path, data, name)
    assert caught.value.exit_code is ExitCode.WRONG_INPUT
    assert name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        CHINESE.encode(),
        codecs.BOM_UTF8 + CHINESE.encode(),
        CHINESE.encode("utf-16"),
        codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"),
        CHINESE.encode("gb18030"),
        CHINESE.replace("\n", "\r\n").encode("gb18030"),
    ],
)
def test_chinese_is_read_in_every_usual_encoding(tmp_path: Path, data: bytes) -> None:
    assert read_bytes(tmp_path, data) == "灯灭了，可是屋里谁也没有睡。\n\n“谁在那里？”她问。"


def test_windows_1252_is_read_where_nothing_else_fits(tmp_path: Path) -> None:
    assert "café’s lamp was “out”" in read_bytes(tmp_path, WESTERN.encode("cp1252"))


def test_a_damaged_utf_8_file_is_refused_with_its_place(tmp_path: Path) -> None:
    text = CHINESE.encode()
    message = refusal(tmp_path, b"One line.\n" + text[:12] + b"\xff" + text[12:])
    assert "byte 22" in message
    assert "line 2" in message
    assert "UTF-8" in message


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp1253", "shift_jis"])
def test_another_eight_bit_alphabet_is_refused_not_guessed(tmp_path: Path, encoding: str) -> None:
    texts = {
        "cp1253": "Η λάμπα είχε σβήσει, αλλά κανείς δεν κοιμόταν. ",
        "shift_jis": "ランプは消えていたが、誰も眠っていなかった。",
    }
    text = texts.get(encoding, "Лампа погасла, но никто в доме не спал. ")
    assert "byte 0" in refusal(tmp_path, (text * 4).encode(encoding))


def test_truncated_utf_16_is_refused(tmp_path: Path) -> None:
    assert "UTF-16" in refusal(tmp_path, CHINESE.encode("utf-16")[:-1])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \n\t\r\n", "empty"),
        (codecs.BOM_UTF8 + "\u3000\n".encode(), "empty"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "Convert it"),
        (b"PK\x03\x04" + b"\0" * 26 + b"a.txt", "no whole zip archive"),
        (b"{\\rtf1\\ansi Hello}", "RTF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"Some text\nwith a \0 in it", "byte 17 (line 2)"),
        ("Some text".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"![only a picture](x.png)", "no text to read"),
    ],
)
def test_what_is_no_manuscript_is_refused_with_advice(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in refusal(tmp_path, data, "book.md")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such manuscript"):
        read_manuscript(tmp_path / "none.md")
    with pytest.raises(InputError, match="folder"):
        read_manuscript(tmp_path)


def test_a_novel_may_begin_like_a_sound_file(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, b"RIFF was the name of the dog.") == "RIFF was the name of the dog."


def test_a_page_that_says_latin_1_is_read_with_the_quotation_marks_of_windows(tmp_path: Path) -> None:
    page = '<html><head><meta charset="iso-8859-1"></head><body><p>He said “Go” – and went.</p></body></html>'
    assert read_bytes(tmp_path, page.encode("cp1252"), "book.html") == "He said “Go” – and went."


def test_a_page_of_nothing_but_its_declaration_is_told_as_empty(tmp_path: Path) -> None:
    assert "the page is empty" in refusal(tmp_path, b'<?xml version="1.0"?>\n', "book.html")
