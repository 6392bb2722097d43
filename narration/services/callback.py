"""The address that a service of tasks may call when a task ends: whether it can be named at all.

Invariant: a request that names a callback is sent only when the address is https, not longer than documented, and
leads to the public internet, however its host is spelled and whatever its name resolves to.

Source: docs.evolink.ai, Qwen Voice Design, `callback_url` (https only, no internal addresses, 2,048 characters).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from narration.errors import InputError, Problem
from narration.services.download import Resolve
from narration.services.keys import readable

URL_MOST_CHARS: Final = 2048

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_INNER: Final = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test", ".example", ".invalid", ".onion")
"""Ends of names that no public resolver knows. Source: RFC 2606, RFC 6761, RFC 6762, RFC 8375, ICANN on `.internal`."""

_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 in which an IPv4 address stands last. Source: RFC 6052."""

_TUNNEL_NAMES: Final = ipaddress.ip_network("198.18.0.0/15")
"""What local tunnels answer for every name (RFC 2544's block): it says nothing about where the name leads."""

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def callback_flaw(url: str) -> str:
    """What is wrong with an address as it is written, in a clause; empty when nothing is."""
    if len(url) > URL_MOST_CHARS:
        return f"it has {len(url)} characters, {URL_MOST_CHARS} are the most"
    if _PRINTABLE.fullmatch(url) is None or "\\" in url:
        return "it holds a character that no address has (a space, a backslash or a foreign letter)"
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "its host or port cannot be read"
    if parts.scheme != "https":
        return f"its scheme is {readable(parts.scheme, 20) or 'missing'}, not https"
    if "@" in parts.netloc:
        return "it carries a user name"
    if parts.fragment:
        return "it has a fragment, which is never sent"
    if not host or port == 0:
        return "its host or port is missing"
    return _host_flaw(host)


def _host_flaw(host: str) -> str:
    address = _address(host)
    if address is not None:
        return "" if _is_public(address) else f"its host {host} is {address}, which is not a public address"
    if host == "localhost" or host.endswith(_INNER):
        return f"its host {readable(host, 80)} is not of the public internet"
    if _NAME.fullmatch(host) is None:
        return f"its host {readable(host, 80)} is not a full name of the public internet"
    return ""


def _address(host: str) -> _Address | None:
    """The address that a host spells, in any of the ways that resolvers read; None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))  # 2130706433, 0x7f.1, 0177.0.0.1, 127.1
    except (OSError, UnicodeError):
        return None


def _is_public(address: _Address) -> bool:
    """Whether an address is of the public internet, and so is every address within it."""
    inner: list[_Address | None] = []
    if isinstance(address, ipaddress.IPv6Address):
        number = int(address)
        is_translated = address in _TRANSLATED or number >> 32 == 0
        inner = [
            address.ipv4_mapped,
            address.sixtofour,
            *(address.teredo or ()),
            ipaddress.IPv4Address(number & 0xFFFFFFFF) if is_translated else None,
        ]
    within = [one for one in inner if one is not None]
    own = address.is_global and not address.is_multicast
    return (own or getattr(address, "ipv4_mapped", None) is not None) and all(_is_public(one) for one in within)


class Callback:
    """The callback of one profile.

    Args:
        url: the address; empty for none.
        profile: name for messages.
        resolve: looks names up.

    Raises:
        InputError: the address cannot be used as it is written.
    """

    def __init__(self, url: str, profile: str, resolve: Resolve) -> None:
        self.url, self._profile, self._resolve = url, profile, resolve
        self._resolved = not url
        if url and (flaw := callback_flaw(url)):
            raise self._error(flaw)

    async def check(self) -> None:
        """See where the name leads, once, before anything is sent.

        A name that cannot be looked up here is let pass: the service has a resolver of its own, and checks as well.

        Raises:
            InputError: it leads to an address that is not public.
        """
        if self._resolved:
            return
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        for text in await self._resolve(host, parts.port or 443):
            address = _address(text)
            if address is None or not (_is_public(address) or address in _TUNNEL_NAMES):
                raise self._error(f"its host {host} leads to {readable(text, 60)}, which is not a public address")
        self._resolved = True

    def _error(self, flaw: str) -> InputError:
        return InputError(
            Problem(
                what=f"The callback address cannot be used: {flaw}.",
                where=f"callback_url of profile {self._profile}",
                expected="https://HOST/… of the public internet, 2,048 characters at the most",
                hint="Nothing was sent. Leave it empty: tasks are asked for in any case.",
            )
        )
