"""Bytes to text: which encoding a manuscript is in, and what is no text at all.

Invariant: a byte that fits no encoding without doubt is an error that names its place; nothing is replaced by a guess.
"""

from __future__ import annotations

import codecs
import re
from functools import cache
from typing import Final

from narration.errors import InputError, Problem

READ_KINDS: Final = "EPUB, DOCX, HTML, FictionBook, Fountain, Markdown or plain text"
"""What there are readers for, as messages say it."""

_CONVERT: Final = "Open it in the program that made it and save it as DOCX, Markdown or plain text."

_PICTURE: Final = "Name the text itself; a scan must first be turned into text."

_MAGIC: Final = (
    (
        b"%PDF",
        "a PDF",
        "Convert it: export EPUB, DOCX or plain text from the program that made it; a PDF has pages, not paragraphs.",
    ),
    (b"{\\rtf", "a rich text (RTF) file", _CONVERT),
    (b"\xd0\xcf\x11\xe0", "an old Word document (.doc)", _CONVERT),
    (b"\x89PNG", "a PNG image", _PICTURE),
    (b"\xff\xd8\xff", "a JPEG image", _PICTURE),
    (b"GIF8", "a GIF image", _PICTURE),
    (b"ID3", "an MP3 file", ""),
    (b"RIFF", "a RIFF (WAV) file", ""),
    (b"OggS", "an Ogg file", ""),
    (b"fLaC", "a FLAC file", ""),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"\x7fELF", "a program", ""),
)

_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_UTF8_SEQUENCE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH_RUN: Final = re.compile(rb"[\x80-\xff]+")

_CHINESE_SHARE: Final = 0.8
"""Least share of common Chinese among the characters beyond ASCII for a file to be GB18030 without doubt."""

_LATIN_MOST_BYTES: Final = 0.15
"""Western prose has few bytes beyond ASCII; other 8-bit alphabets (Cyrillic, Greek) have mostly such bytes."""

_LATIN_LONGEST_RUN: Final = 3

_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")


def decode(data: bytes, where: str) -> str:
    """The text of a manuscript's bytes.

    UTF-8, or UTF-16 and UTF-32 with a byte order mark; else GB18030 or Windows-1252 where nothing else fits.

    Args:
        data: the whole file.
        where: the file as the user would name it, for messages.

    Raises:
        InputError: it is no text, it holds no text, or its encoding is in doubt.
    """
    _refuse_binary(data, where)
    text = _decode(data, where)
    if not text.strip("\ufeff\u200b\u2060\u00ad \t\r\n\u3000\u00a0\x0c\x1a"):
        raise InputError(
            Problem(what="the manuscript is empty", where=where, expected="at least one paragraph of text"),
        )
    return text


def _refuse_binary(data: bytes, where: str) -> None:
    for magic, kind, hint in _MAGIC:
        # Only what is no text goes by its first letters: a novel may well begin with "RIFF" or "ID3".
        if data.startswith(magic) and (magic in {b"%PDF", b"{\\rtf"} or not _is_utf8(data)):
            raise InputError(Problem(what=f"this is {kind}", where=where, expected=READ_KINDS, hint=hint))
    if data.startswith(tuple(bom for bom, _ in _BOMS)):
        return
    offset = data.find(b"\0")
    if offset >= 0:
        zeros = (data[0:4096:2].count(0), data[1:4096:2].count(0))
        half = min(len(data), 4096) // 2
        wide = max(zeros) > half * 0.3 and min(zeros) <= half * 0.05
        raise InputError(
            Problem(
                what=f"NUL byte at byte {offset} ({_line(data, offset)}): this is no text"
                + (", or UTF-16 without a byte order mark" if wide else ""),
                where=where,
                expected=READ_KINDS,
                hint="Save it as UTF-8." if wide else "",
            ),
        )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def _line(data: bytes, offset: int) -> str:
    return f"line {data[:offset].count(10) + 1}"


def _decode(data: bytes, where: str) -> str:
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            for candidate in (_as_gb18030(data), _as_cp1252(data)):
                if candidate is not None:
                    return candidate
        name = encoding.removesuffix("-sig").upper()
        lines = data[: error.start].decode(encoding, "replace").count("\n") + 1
        raise InputError(
            Problem(
                what=f"byte {error.start} (line {lines}) does not fit {name}: {error.reason}",
                where=where,
                expected="text in UTF-8 (or UTF-16 with a byte order mark)",
                hint="Open it in an editor that shows it rightly, and save it as UTF-8.",
            ),
        ) from None


def _as_gb18030(data: bytes) -> str | None:
    """The text if it is Chinese in GB18030 beyond doubt: nearly all of it common characters."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    beyond = [letter for letter in text if not letter.isascii()]
    common = _common_chinese()
    return text if sum(letter in common for letter in beyond) >= _CHINESE_SHARE * len(beyond) else None


@cache
def _common_chinese() -> frozenset[str]:
    """The 3,755 characters of GB 2312 level 1, with its punctuation and full-width forms.

    Source: GB/T 2312-1980, rows 1, 3 and 16 to 55.
    """
    rows = (0xA1, 0xA3, *range(0xB0, 0xD8))
    pairs = (bytes((row, cell)) for row in rows for cell in range(0xA1, 0xFF))
    return frozenset("".join(pair.decode("gb2312", "ignore") for pair in pairs))


def _as_cp1252(data: bytes) -> str | None:
    """The text if it is Western prose in Windows-1252 beyond doubt: a few lone bytes among ASCII, and no UTF-8."""
    if _UTF8_SEQUENCE.search(data) or _CONTROLS.search(data):
        return None
    runs = [len(run) for run in _HIGH_RUN.findall(data)]
    if max(runs) > _LATIN_LONGEST_RUN or sum(runs) > _LATIN_MOST_BYTES * len(data):
        return None
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return None
