"""Fetching the audio file that a link leads to.

Invariant: what is returned is a whole WAV file, byte for byte as it came; no key and no cookie ever travels with it,
and no request goes where the link rules do not lead.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from narration.errors import AudioRefused, CallFacts, LinkExpired, ServiceError, ServiceUnavailable
from narration.services.http import (
    Passing,
    Persistence,
    Reply,
    Timing,
    Wire,
    WireFailure,
    WireRequest,
    asked_wait_s,
    persist,
)
from narration.services.keys import readable
from narration.services.links import Link, LinkRefused, LinkRules, public_only
from narration.services.protocol import Ending
from narration.services.riff import wav_flaw

log = logging.getLogger(__name__)

AUDIO_MOST_BYTES: Final = 200 * 1024 * 1024
"""More than an hour of 24 kHz mono in 16 bits; one request speaks a minute at the most."""

DOWNLOAD: Final = Persistence(attempts=6, total_s=300.0)
"""Downloads cost nothing, so they have a patience of their own."""

ATTEMPTS_AT_LEAST: Final = 3
"""So many attempts have room in the whole time: one that drips in does not use it up."""

HOPELESS_AFTER: Final = 4
"""A missing or torn file is fetched so often before it is given up: fresh ones appear late, broken ones stay so."""

HOPS_MOST: Final = 3

ANEW_HINT: Final = "What was answered is lost; run the same command again to have it spoken anew."
_LATER_HINT: Final = "Run the same command again: the link is kept, and fetching it costs nothing."
_LINK_HINT: Final = "If the host is the service's own, add it to download_hosts of the profile ({profile})."

Resolve: TypeAlias = Callable[[str, int], Awaitable[tuple[str, ...]]]
"""From host and port to addresses; empty when the name cannot be looked up here (behind a proxy, say)."""

_TAG = re.compile(r"<[^>]*>")
_PLAIN_PATH = re.compile(rb"/[A-Za-z0-9/_~-]*(\.[A-Za-z0-9]+)?")


async def addresses_of(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a name, by the machine's own resolver; empty when it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(slots=True)
class _Record:
    started: float
    request_id: str
    attempts: int = 0
    status: int = 0


class Downloads:
    """Fetches files for one profile.

    Args:
        rules: which links may be followed.
        wire: connections that never carry the key.
        profile: name for messages.
        timing: time and chance.
        resolve: looks names up.
        persistence: attempts and seconds of one file.
    """

    def __init__(
        self,
        *,
        rules: LinkRules,
        wire: Wire,
        profile: str,
        timing: Timing,
        resolve: Resolve = addresses_of,
        persistence: Persistence = DOWNLOAD,
    ) -> None:
        self._rules, self._wire, self._profile = rules, wire, profile
        self._timing, self._resolve, self._persistence = timing, resolve, persistence

    async def fetch(self, url: str, *, expires_at: int, request_id: str) -> bytes:
        """The file behind a link.

        Args:
            url: as the service gave it.
            expires_at: Unix seconds; 0 when unknown.
            request_id: of the answer that gave it, for messages.

        Raises:
            LinkExpired: the link's time is over.
            AudioRefused: the link must not be followed, or what it leads to is no WAV file.
            ServiceUnavailable: the file could not be had.
        """
        record = _Record(started=self._timing.clock(), request_id=request_id)

        def spent_s() -> float:
            return self._timing.clock() - record.started

        async def attempt() -> bytes:
            record.attempts += 1
            total_s = self._persistence.total_s
            return await self._attempt(url, expires_at, record, min(total_s - spent_s(), total_s / ATTEMPTS_AT_LEAST))

        return await persist(attempt, persistence=self._persistence, timing=self._timing, spent_s=spent_s)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._wire.aclose()

    async def _attempt(self, url: str, expires_at: int, record: _Record, left_s: float) -> bytes:
        try:
            reply, link = await self._follow(url, record, left_s)
        except LinkRefused as refused:
            error = self._error(AudioRefused, f"the link is not followed: {refused.why}", _LINK_HINT, record)
        except WireFailure as failure:
            error = self._error(
                ServiceUnavailable if failure.transient or failure.ending is Ending.NOT_SENT else AudioRefused,
                failure.what,
                _LATER_HINT,
                record,
            )
            if failure.transient:
                raise Passing(error) from None
        else:
            return self._content(reply, link, expires_at, record)
        raise error

    async def _follow(self, url: str, record: _Record, left_s: float) -> tuple[Reply, Link]:
        link = self._rules.check(url)
        for _ in range(HOPS_MOST + 1):
            if link.by_pattern:
                public_only(link.host, await self._resolve(link.host, link.port))
            path = link.target.partition(b"?")[0]
            shown = path.decode("ascii") if _PLAIN_PATH.fullmatch(path) else "/"
            reply = await self._wire.exchange(
                WireRequest(
                    method="GET",
                    url=link.origin + shown,  # without the query: the library logs it, and a signed link is a secret
                    headers=(("Accept", "*/*"),),
                    target=link.target,
                    most_bytes=AUDIO_MOST_BYTES,
                ),
                left_s,
            )
            record.status = reply.status
            location = reply.headers.get("location", "")
            if not (300 <= reply.status < 400 and location):
                return reply, link
            link = self._rules.follow(link, location)
        raise LinkRefused(f"it leads on more than {HOPS_MOST} times")

    def _content(self, reply: Reply, link: Link, expires_at: int, record: _Record) -> bytes:
        if reply.status == 200:
            flaw = wav_flaw(reply.body)
            if flaw is None:
                return reply.body
            error = self._error(
                AudioRefused, f"what {link.host} sent is not the audio promised: {flaw.what}", ANEW_HINT, record
            )
            if flaw.torn and record.attempts < HOPELESS_AFTER:
                raise Passing(error)
            raise error
        raise self._refusal(reply, link, expires_at, record)

    def _refusal(self, reply: Reply, link: Link, expires_at: int, record: _Record) -> Passing | ServiceError:
        text = reply.body[:4096].decode("utf-8", "replace")
        words = readable(_TAG.sub(" ", text), 160)
        said = f"{link.host} answered {reply.status}" + (f": “{words}”" if words else "")
        over = 0 < expires_at <= self._timing.now()
        expired = "expired" in text.casefold() or reply.status == 410 or over
        if reply.status in {403, 404, 410} and expired:
            return self._error(LinkExpired, f"the link's time is over ({said})", ANEW_HINT, record)
        if reply.status == 404:
            missing = self._error(ServiceUnavailable, f"the file is not there ({said})", _LATER_HINT, record)
            return Passing(missing) if record.attempts < HOPELESS_AFTER else missing
        if reply.status in {408, 409, 425, 429} or reply.status >= 500:
            asked_s = asked_wait_s(reply.headers, self._timing.now())
            return Passing(self._error(ServiceUnavailable, said, _LATER_HINT, record), asked_s or 0.0)
        return self._error(AudioRefused, said, ANEW_HINT, record)

    def _error(self, kind: type[ServiceError], why: str, hint: str, record: _Record) -> ServiceError:
        tried = f" ({record.attempts} attempts)" if record.attempts > 1 else ""
        of = f" of request {record.request_id}" if record.request_id else ""
        facts = CallFacts(
            action="download",
            status=record.status,
            request_id=record.request_id,
            attempts=record.attempts,
            latency_ms=round((self._timing.clock() - record.started) * 1000),
        )
        return kind(f"The audio{of} could not be fetched{tried}: {why}.", hint.format(profile=self._profile), facts)
