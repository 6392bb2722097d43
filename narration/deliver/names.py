"""File names of what is delivered.

Invariant: a name is valid on Linux, macOS and Windows, sorts in reading order, and is one path component.
"""

from __future__ import annotations

import unicodedata

MAX_TITLE_CHARS = 80
MAX_TITLE_BYTES = 160
"""So that the whole name, and that of the file it is written under first, stays below 255 bytes of UTF-8."""
MIN_DIGITS = 2

_FORBIDDEN = {"/": "-", "\\": "-", "|": "-", ":": " -", '"': "'", "<": "(", ">": ")", "*": "", "?": ""}
"""What Windows allows in no name. Source: learn.microsoft.com, Naming Files, Paths, and Namespaces."""
_JOINERS = ("\u200c", "\u200d")
"""Invisible, but parts of letters (Persian, Indic) and of emoji."""


def numeral(number: int, total: int) -> str:
    """The number with as many digits as the last one of `total` has, two at the least."""
    return f"{number:0{max(MIN_DIGITS, len(str(total)))}d}"


def chapter_title(number: int, title: str) -> str:
    """What a chapter is called: its title on one line, or `Chapter 3` where it has none."""
    return " ".join(title.split()) or f"Chapter {number}"


def chapter_file_name(number: int, title: str, total: int, suffix: str = ".mp3") -> str:
    """`03 - The Title.mp3`: the number sorts and keeps it unique, the title is for people."""
    safe = safe_name(chapter_title(number, title)) or f"Chapter {number}"
    return f"{numeral(number, total)} - {safe}{suffix}"


def safe_name(title: str) -> str:
    """The title without what some file system refuses: separators, wildcards, control characters, great length."""
    composed = unicodedata.normalize("NFC", title)
    replaced = "".join(_FORBIDDEN.get(character, character) for character in composed)
    visible = "".join(character for character in replaced if _is_visible(character))
    return _shortened(" ".join(visible.split())).strip(" .-")


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return character in _JOINERS or category[0] != "C" or category == "Cn"


def _shortened(title: str) -> str:
    """At most `MAX_TITLE_CHARS` and `MAX_TITLE_BYTES`, not ending in the middle of a letter with its marks."""
    short = title[:MAX_TITLE_CHARS]
    while len(short.encode("utf-8")) > MAX_TITLE_BYTES:
        short = short[:-1]
    if len(short) < len(title):
        if unicodedata.combining(title[len(short)]):
            short = short.rstrip("".join({c for c in short if unicodedata.combining(c)}))[:-1]
        short = short.rstrip("".join(_JOINERS))
    return short
