r"""Words of a script row with their escapes and respellings: `{Beauchamp|Beecham}`, `\{`.

Invariant: `read_spelling` undoes `write_spelling`.
"""

from __future__ import annotations

import re
from typing import Final

from narration.book import Respelling

_MOST_CHARS: Final = 200
_RESPELLING: Final = re.compile(r"\{((?:\\.|[^{}|\\])*)\|((?:\\.|[^{}|\\])*)\}", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


def read_spelling(body: str) -> tuple[str, tuple[Respelling, ...]]:
    """The words as written, and what of them is spoken otherwise.

    Raises:
        ValueError: a brace is not closed, or has not two sides.
    """
    parts: list[str] = []
    found: list[Respelling] = []
    length = position = 0
    while position < len(body):
        letter = body[position]
        if letter == "\\" and position + 1 < len(body):
            part, position = body[position + 1], position + 2
        elif letter == "{":
            match = _RESPELLING.match(body, position)
            written, say = (_plain(match[1]), _plain(match[2])) if match else ("", "")
            if match is None or not written or not say or max(len(written), len(say)) > _MOST_CHARS:
                what = f"{body[position : position + 40]!r} is not a respelling such as {{Beauchamp|Beecham}}"
                raise ValueError(f"{what}\nA brace that is text is written \\{{.")
            found.append(Respelling(start=length, end=length + len(written), say=say))
            part, position = written, match.end()
        else:
            part, position = letter, position + 1
        parts.append(part)
        length += len(part)
    return "".join(parts), tuple(found)


def _plain(side: str) -> str:
    return _ESCAPE.sub(r"\1", side).strip()


def write_spelling(text: str, respellings: tuple[Respelling, ...]) -> str:
    """Words with their respellings in braces, and a backslash before every brace and backslash of their own."""
    parts, position = [], 0
    for one in respellings:
        parts.append(_escaped(text[position : one.start], r"[\\{]"))
        parts.append(f"{{{_escaped(text[one.start : one.end], _SIDE)}|{_escaped(one.say, _SIDE)}}}")
        position = one.end
    return "".join([*parts, _escaped(text[position:], r"[\\{]")])


_SIDE: Final = r"[\\{}|]"


def _escaped(text: str, marks: str) -> str:
    return re.sub(marks, lambda match: "\\" + match.group(), text)
