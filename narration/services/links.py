"""Which links may be followed, and to what exactly.

Invariant: a link leads to an allowed host or nowhere; its path and query are never re-spelt: a signature covers them.

Allowed are the hosts of the profile's patterns (`*.aliyuncs.com`), always by https on its own port and never at an
address that is not public, and the very host and port of the base URL. The certificate check of https is what holds
against a name that changes its address between this check and the connection.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin, urlsplit

from narration.services.keys import readable
from narration.settings.settings import ServiceSettings

LINK_MOST_CHARS: Final = 8192

_LINK = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<where>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(#.*)?")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_TUNNEL_NAMES: Final = ipaddress.ip_network("198.18.0.0/15")
"""Local tunnels answer every name with an address of this block (RFC 2544's, of no network); such users are many."""


class LinkRefused(Exception):
    """A link that must not be followed.

    Args:
        why: a clause.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that may be followed.

    Attributes:
        scheme: `http` only for the host of an http base URL.
        host: lower case.
        port: always told.
        target: path and query, byte for byte as given.
        by_pattern: allowed by a pattern, so its addresses are to be checked too.
    """

    scheme: str
    host: str
    port: int
    target: bytes = field(repr=False)
    by_pattern: bool

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a URL without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}")


@dataclass(frozen=True, slots=True)
class _Parts:
    scheme: str
    host: str
    port: int
    told_port: bool
    target: bytes


class LinkRules:
    """The rules of one profile.

    Args:
        service: its base URL, patterns, and whether it is the sandbox, whose links are followed to its present address.
    """

    def __init__(self, service: ServiceSettings) -> None:
        base = urlsplit(service.base_url)
        self._scheme = base.scheme
        self._host = (base.hostname or "").lower()
        self._port = base.port or _DEFAULT_PORTS.get(base.scheme, 0)
        self._patterns = tuple(pattern.lower() for pattern in service.download_hosts)
        self._sandbox = service.sandbox

    def check(self, url: str) -> Link:
        """The link that a URL stands for.

        Raises:
            LinkRefused: it must not be followed.
        """
        parts = _split(url)
        if self._sandbox:
            return Link(scheme=self._scheme, host=self._host, port=self._port, target=parts.target, by_pattern=False)
        own = self._own(parts)
        if own is not None:
            return own
        if not any(_fits(parts.host, pattern) for pattern in self._patterns):
            raise LinkRefused(f"its host {readable(parts.host, 80)} is not one of the profile's")
        if parts.port != _DEFAULT_PORTS[parts.scheme]:
            raise LinkRefused(f"it names port {parts.port} of {parts.host}")
        return Link(scheme="https", host=parts.host, port=443, target=parts.target, by_pattern=True)

    def follow(self, link: Link, location: str) -> Link:
        """The link that a redirect leads to, under the same rules.

        Raises:
            LinkRefused: it must not be followed.
        """
        if _LINK.match(location) is None:
            location = urljoin(link.origin + link.target.decode("ascii"), location)
        return self.check(location)

    def _own(self, parts: _Parts) -> Link | None:
        if parts.host != self._host:
            return None
        upgraded = self._scheme == "https" and parts.scheme == "http" and not parts.told_port
        port = 443 if upgraded else parts.port
        if port != self._port:
            return None
        scheme = "https" if "https" in {parts.scheme, self._scheme} else "http"
        return Link(scheme=scheme, host=parts.host, port=port, target=parts.target, by_pattern=False)


def public_only(host: str, addresses: Iterable[str]) -> None:
    """Refuse a name that leads to an address which is not of the public internet.

    Raises:
        LinkRefused: one of the addresses is private, loopback, link-local, shared or reserved.
    """
    for text in addresses:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            raise LinkRefused(f"its host {host} has no usable address") from None
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped if mapped is not None else address
        if address in _TUNNEL_NAMES:
            continue
        if not address.is_global or address.is_multicast:
            raise LinkRefused(f"its host {host} leads to {address}, which is not a public address")


def _split(url: str) -> _Parts:
    match = _LINK.fullmatch(url) if len(url) <= LINK_MOST_CHARS and _PRINTABLE.fullmatch(url) else None
    if match is None:
        raise LinkRefused("it is not a URL")
    scheme = match["scheme"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise LinkRefused(f"its scheme is {readable(scheme, 20)}")
    if "@" in match["where"]:
        raise LinkRefused("it carries a user name")
    try:
        where = urlsplit(f"//{match['where']}")
        host, port = (where.hostname or "").lower(), where.port
    except ValueError:
        raise LinkRefused("its host or port cannot be read") from None
    if not host or port == 0:
        raise LinkRefused("its host or port is missing")
    target = ((match["path"] or "/") + (match["query"] or "")).encode("ascii")
    return _Parts(scheme, host, port or _DEFAULT_PORTS[scheme], port is not None, target)


def _fits(host: str, pattern: str) -> bool:
    """Whether a host is the pattern, or below it where it begins with `*.`; an address never is."""
    if _NAME.fullmatch(host) is None or host.rpartition(".")[2].isdigit():
        return False
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(pattern) > 3
    return host == pattern
