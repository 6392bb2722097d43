"""Names for voices, made from the names of characters.

Invariant: distinct characters get distinct names, and the same character always the same one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

NAME_CHARS: Final = 16
"""Letters, digits and underscores. Source: docs.qwencloud.com, Voice design, `preferred_name`."""

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_SLUG_CHARS: Final = 8


def preferred_name(character: str) -> str:
    """A name of `NAME_CHARS` letters, digits and underscores for any name of a character (阿Q, Old Wen).

    What ASCII holds of the name comes first, to be recognised in lists; a hash of the whole name fills the rest: seven
    digits of base 36 or more, so that two of a thousand characters with the same beginning share a name once in 150,000
    books. Upper and lower case are not told apart by the slug, only by the hash.
    """
    folded = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub(r"[^a-z0-9]+", "_", folded).strip("_")[:_SLUG_CHARS].rstrip("_") or "v"
    digest = hashlib.sha256(b"narrate: preferred name\0" + character.encode("utf-8", "surrogatepass")).digest()
    number, digits = int.from_bytes(digest, "big"), ""
    while len(slug) + 1 + len(digits) < NAME_CHARS:
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    return f"{slug}_{digits}"
