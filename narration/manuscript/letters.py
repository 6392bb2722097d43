"""Characters of a manuscript: what is dropped, what becomes a space, how two lines join, which language it is.

Invariant: nothing here removes a letter, a digit or a mark that a reader could speak.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Final

_DROPPED: Final = "\u00ad\u200b\u2060\ufeff"
"""Soft hyphen, zero-width space, word joiner, byte order mark."""

_SPACES: Final = "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"

_LINE_ENDS: Final = {"\r": "\n", "\x0b": "\n", "\x0c": "\n\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n\n"}

_CONTROLS: Final = "".join(
    chr(code) for code in (*range(9), *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0))
)

_ODD_LINES: Final = re.compile(f"[{re.escape(''.join(_LINE_ENDS) + _CONTROLS)}]")
_INVISIBLE: Final = re.compile(f"[{_DROPPED}]+")
_ODD_SPACE: Final = re.compile(f"[{_SPACES}]")

_BLANKS: Final = re.compile(" {2,}")
_AROUND_BREAK: Final = re.compile(r" *\n[ \n]*")

_HAN_BLOCKS: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_CJK_LETTER: Final = re.compile(f"[\u3001-\u303f\u3040-\u30ff\u31f0-\u31ff\ufe30-\ufe4f\uff00-\uffef{_HAN_BLOCKS}]")
_HAN: Final = re.compile(f"[{_HAN_BLOCKS}]")
_KANA: Final = re.compile("[\u3041-\u30ff]")
_HANGUL: Final = re.compile("[\uac00-\ud7a3]")
_CYRILLIC: Final = re.compile("[\u0400-\u04ff]")
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f]")
_NO_SPACE_LANGUAGES: Final = frozenset({"zh", "ja"})
_GUESSING_CHARS: Final = 200_000

_BREAK_SYMBOLS: Final = re.compile(r"[*＊⁂※#＃~～=＝_\-–—•·◆◇○●☆★□■△▲▽▼✻✽❖❦❧♦+.。…〇◎ ]+")
_BREAK_MARKS: Final = re.compile(r"[*＊⁂※#＃~～=＝_•◆◇○●☆★□■△▲▽▼✻✽❖❦❧♦+◎]|[-–—][ –—-]*[-–—]")

_SCRIPT_LINE: Final = re.compile(r"[^\W\d_][^:：“”\"「」\n]{0,40}[:：]\s*[“\"„«「『‘]")
_LINE_ENDINGS: Final = tuple(".!?…—-”\"’'」』»)）。！？*_")
_PLAIN_SCRIPT_LINE: Final = re.compile(r"[A-Z][\w.'’-]*(?: [\w.'’-]+){0,3}(?: ?\([^()]{1,60}\))?: \S")


def unify_lines(text: str) -> str:
    """The text with line feeds for all line ends and without control characters; tabs stay."""
    return _ODD_LINES.sub(lambda match: _LINE_ENDS.get(match[0], ""), text.replace("\r\n", "\n"))


def clean(text: str) -> str:
    """A paragraph's text: NFC, invisible characters dropped, odd spaces and runs of them one space, ends stripped.

    Line feeds stay, without blanks around them.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ODD_SPACE.sub(" ", _INVISIBLE.sub("", text)))
    elif "\t" in text:
        text = text.replace("\t", " ")
    if "\n" in text:
        text = _AROUND_BREAK.sub("\n", text)
    return _BLANKS.sub(" ", text).strip()


def unwrap(lines: list[str], language: str) -> str:
    """Hard-wrapped lines as one.

    They join with a space; without one in Chinese and Japanese, and after a hyphen or a dash that ends a line.
    """
    kept = [line for line in (line.strip() for line in lines) if line]
    if not kept:
        return ""
    parts = [kept[0]]
    for before, after in pairwise(kept):
        parts += [_glue(before, after, language), after]
    return "".join(parts)


def _glue(before: str, after: str, language: str) -> str:
    last, first = before[-1], after[0]
    if language in _NO_SPACE_LANGUAGES:
        return " " if last.isascii() and first.isascii() and (last.isalnum() or first.isalnum()) else ""
    if _CJK_LETTER.match(last) and _CJK_LETTER.match(first):
        return ""
    if last in "-—" and len(before) > 1 and not before[-2].isspace() and first.isalnum():
        return ""
    return " "


def width(line: str) -> int:
    """Columns the line takes: 2 for a Chinese, Japanese or full-width character, else 1."""
    return len(line) if line.isascii() else len(line) + len(_CJK_LETTER.findall(line)) + line.count("\u3000")


def guess_language(text: str) -> str:
    """The language by its script, ISO 639-1: `zh`, `ja`, `ko`, `ru`; `en` for Latin letters and for none."""
    sample = text[:_GUESSING_CHARS]
    if sample.isascii():
        return "en"
    han, kana, hangul, cyrillic, latin = (
        len(pattern.findall(sample)) for pattern in (_HAN, _KANA, _HANGUL, _CYRILLIC, _LATIN)
    )
    # A Chinese character stands for about as much as three Latin letters.
    east, west = 3 * (han + kana + hangul), latin + cyrillic
    if east <= west:
        return "ru" if cyrillic > latin else "en"
    if hangul > han + kana:
        return "ko"
    return "ja" if 10 * kana > han + kana else "zh"


def is_scene_break(text: str) -> bool:
    """Whether a whole paragraph is a mark between scenes (`***`, `* * *`, `---`, `⁂`)."""
    return bool(_BREAK_SYMBOLS.fullmatch(text)) and bool(_BREAK_MARKS.search(text))


def starts_script_line(line: str) -> bool:
    """Whether a line begins with a speaker's label and a quotation (`Mara: “…`)."""
    return bool(_SCRIPT_LINE.match(line))


def split_script_lines(lines: list[str]) -> list[list[str]]:
    """The lines of one paragraph, cut before every line that begins with a speaker's label and a quotation.

    The line before must have ended: after `At last she said to` the next line's `Tom: “…”` is no label. Labels without
    a quotation (`Mara: Hello.`) cut only where every line has one: elsewhere a colon is a colon.
    """
    every = len(lines) > 1 and all(_PLAIN_SCRIPT_LINE.match(line) for line in lines)
    groups: list[list[str]] = []
    for line in lines:
        if not groups or every or (starts_script_line(line) and groups[-1][-1].rstrip().endswith(_LINE_ENDINGS)):
            groups.append([line])
        else:
            groups[-1].append(line)
    return groups
