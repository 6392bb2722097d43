"""The account's key: how it is carried, named and kept out of sight.

Invariant: a key is spelled out by `ApiKey.bearer` alone, for one header of requests to one host; no `repr`, no pickle,
no message and no record holds it.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NoReturn

from narration.errors import InputError, Problem

FINGERPRINT_CHARS: Final = 12
"""Hex digits of a fingerprint: enough to tell a person's accounts apart, useless for finding the key."""

_SHAPE = re.compile(r"[\x21-\x7e]{4,512}")
_STAND_IN = "[key]"


def key_fingerprint(key: str) -> str:
    """Twelve hex digits that name a key, and the account whose first it is, without telling the key.

    The hash has a domain of its own, so that it equals no other hash of the same key.
    """
    return hashlib.sha256(b"narrate: fingerprint of an account key\0" + key.encode("utf-8")).hexdigest()[
        :FINGERPRINT_CHARS
    ]


class ApiKey:
    """A key that does not show itself.

    Args:
        value: as the user gave it; white space around it is dropped, since pasted keys come with line ends.
        account: that it is of; empty where the key is the only one that is known of it.

    Raises:
        InputError: it is empty, or holds what no key and no header can.
    """

    __slots__ = ("__value", "account", "fingerprint")

    def __init__(self, value: str, account: str = "") -> None:
        stripped = value.strip()
        if _SHAPE.fullmatch(stripped) is None:
            raise InputError(
                Problem(
                    what="The key is empty."
                    if not stripped
                    else "The key is not one word of 4 to 512 ASCII characters.",
                    where="API key",
                    expected="a key such as sk-…",
                    hint="Copy it again from the service's console; nothing was sent.",
                )
            )
        self.__value = stripped
        self.fingerprint = key_fingerprint(stripped)
        self.account = account or self.fingerprint

    def __repr__(self) -> str:
        return f"ApiKey({self.fingerprint})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: a key does not travel between processes.

        Raises:
            TypeError: always.
        """
        raise TypeError("a key is not pickled")

    def bearer(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self.__value}"

    def redact(self, text: str) -> str:
        """The text with every appearance of the key replaced: some services repeat the key in their error messages."""
        return text.replace(self.__value, _STAND_IN)


def readable(text: str, most_chars: int = 300) -> str:
    """Foreign words made fit for a message: one line, no control characters, not longer than `most_chars`."""
    one_line = " ".join("".join(c if c.isprintable() else " " for c in text[: most_chars * 8]).split())
    return one_line if len(one_line) <= most_chars else one_line[: most_chars - 1] + "…"
