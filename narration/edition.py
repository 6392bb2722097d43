"""The edition: what a finished audiobook says about itself, in every format's own spelling.

Invariant: nothing here changes from run to run; the identifier is a function of the words, so that two renders of one
book are one publication to every library that sees them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

_NAMESPACE = uuid.UUID("6b1d8f5e-6f0f-5a7e-9c2b-1f6f4f1b7a10")
"""Of identifiers that are made here; any constant serves. Source: RFC 9562, section 5.5 (version 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """Bibliographic facts of a book; an empty one is left out of what is delivered.

    Attributes:
        title, author: as on the cover.
        language: ISO 639-1.
        subtitle: below the title.
        narrator: who reads, as it is shown to listeners.
        series: name of the series.
        series_index: its place in the series, as a reader would write it (`2`, `2.5`).
        description: of the book, plain text, paragraphs between blank lines.
        publisher: who publishes the audiobook.
        year: of publication, four digits.
        isbn: 10 or 13 digits, without hyphens.
        copyright: one line.
    """

    title: str
    author: str
    language: str
    subtitle: str = ""
    narrator: str = ""
    series: str = ""
    series_index: str = ""
    description: str = ""
    publisher: str = ""
    year: str = ""
    isbn: str = ""
    copyright: str = ""

    @property
    def identifier(self) -> str:
        """A URN: of the ISBN, or made from author, title and language."""
        if self.isbn:
            return f"urn:isbn:{self.isbn}"
        return (
            f"urn:uuid:{uuid.uuid5(_NAMESPACE, chr(0).join((self.author, self.title, self.subtitle, self.language)))}"
        )


def isbn_digits(written: str) -> str:
    """An ISBN without hyphens and spaces, checked.

    Raises:
        ValueError: it is not one; the check digit is looked at too. Source: ISO 2108.
    """
    digits = written.replace("-", "").replace(" ", "").upper()
    body, check = digits[:-1], digits[-1:]
    if not body.isdecimal() or not (check.isdecimal() or (check == "X" and len(digits) == 10)):
        raise ValueError("an ISBN of 10 or 13 digits")
    values = [int(digit) for digit in body] + [10 if check == "X" else int(check)]
    if len(values) == 10:
        valid = sum(weight * value for weight, value in zip(range(10, 0, -1), values, strict=True)) % 11 == 0
    else:
        valid = len(values) == 13 and sum(value * (1, 3)[place % 2] for place, value in enumerate(values)) % 10 == 0
    if not valid:
        raise ValueError("an ISBN whose check digit is right")
    return digits
