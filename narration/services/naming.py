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

PREFIX_CHARS: Final = 10
"""Letters and digits. Source: alibabacloud.com, model-studio cosyvoice-clone-design-api, `prefix`."""

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_SLUG_CHARS: Final = 8
_SHORT_SLUG_CHARS: Final = 3


def preferred_name(character: str) -> str:
    """A name of `NAME_CHARS` letters, digits and underscores for any name of a character (阿Q, Old Wen).

    What ASCII holds of the name comes first, to be recognised in lists; a hash of the whole name fills the rest: seven
    digits of base 36 or more, so that two of a thousand characters with the same beginning share a name once in 150,000
    books. Upper and lower case are not told apart by the slug, only by the hash.
    """
    slug = re.sub(r"[^a-z0-9]+", "_", _folded(character)).strip("_")[:_SLUG_CHARS].rstrip("_") or "v"
    digest = hashlib.sha256(b"narrate: preferred name\0" + character.encode("utf-8", "surrogatepass")).digest()
    return f"{slug}_{_spelled(digest, NAME_CHARS - len(slug) - 1)}"


def voice_prefix(character: str) -> str:
    """A name of `PREFIX_CHARS` small letters and digits for any name of a character.

    Up to three letters of the name, to be recognised in lists, and a hash of the whole name: seven digits of base 36 or
    more, as in `preferred_name`.
    """
    slug = re.sub(r"[^a-z0-9]+", "", _folded(character))[:_SHORT_SLUG_CHARS] or "v"
    digest = hashlib.sha256(b"narrate: voice prefix\0" + character.encode("utf-8", "surrogatepass")).digest()
    return slug + _spelled(digest, PREFIX_CHARS - len(slug))


def _folded(character: str) -> str:
    """What ASCII holds of a name, in small letters."""
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii").lower()


def _spelled(digest: bytes, count: int) -> str:
    """The first digits of a hash in base 36, the last one first."""
    number, digits = int.from_bytes(digest, "big"), ""
    while len(digits) < count:
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    return digits
