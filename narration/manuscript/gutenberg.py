"""The wrapper of a Project Gutenberg text: its header and licence are not the book.

Invariant: only what stands outside the two marker lines is blanked; line numbers stay.
"""

from __future__ import annotations

import re
from typing import Final

_START: Final = re.compile(
    r"^[ \t]*\*{3} ?START OF (?:THE|THIS) PROJECT GUTENBERG[^*]*\*{3}[^\n]*$", re.MULTILINE | re.IGNORECASE
)
_END: Final = re.compile(
    r"^[ \t]*(?:\*{3} ?END OF (?:THE|THIS) PROJECT GUTENBERG|End of (?:the )?Project Gutenberg['’]s? )",
    re.MULTILINE | re.IGNORECASE,
)
_FIELD: Final = re.compile(r"^(Title|Author):[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)


def unwrap_gutenberg(text: str) -> tuple[str, str, str]:
    """`(text, title, author)`: the text without header and licence, and what the header says of it."""
    start = _START.search(text)
    if start is None:
        return text, "", ""
    fields = dict(reversed(_FIELD.findall(text[: start.end()])))
    end = _END.search(text, start.end())
    body = text[start.end() : end.start() if end else len(text)]
    return "\n" * text.count("\n", 0, start.end()) + body, fields.get("Title", ""), fields.get("Author", "")


def is_licence_start(line: str) -> bool:
    """Whether a paragraph is the marker after which the book begins."""
    return bool(_START.search(line))


def is_licence_end(line: str) -> bool:
    """Whether a paragraph is the marker before which the book has ended."""
    return bool(_END.search(line))
