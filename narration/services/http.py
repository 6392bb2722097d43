"""The HTTP door: the one place that knows httpx and tenacity.

Invariant: what leaves `Wire.exchange` is a whole `Reply` or a `WireFailure` that says whether the request may have been
acted upon; what leaves `persist` has been sent `Persistence.attempts` times at the most, within `Persistence.total_s`.

A proxy of the environment (`HTTPS_PROXY`) is used where the caller allows it, and callers allow it for https only:
there it sees a tunnel, with plain http it would read the key. A `.netrc` is never read, cookies are never kept,
redirects are never followed here.
"""

from __future__ import annotations

import asyncio
import email.utils
import math
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, TypeAlias, TypeVar

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from narration.errors import InputError, Problem, ServiceError
from narration.services.keys import readable
from narration.services.protocol import Ending

T = TypeVar("T")

Transport: TypeAlias = httpx.AsyncBaseTransport
"""What carries requests; a test passes a fake one."""

KEEPALIVE_S: Final = 15.0
"""An idle connection is dropped before usual servers drop it (60 s), so that few requests meet a closed one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time and chance, as the doors see them; tests pass their own.

    Attributes:
        clock: seconds that never run backwards.
        now: Unix seconds.
        sleep: waits so many seconds.
        random: uniform in [0, 1).
    """

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A request, prepared once and sent whole as often as it takes.

    Attributes:
        method: `GET`, `POST`.
        url: absolute.
        headers: never shown, as one may hold the key.
        body: the bytes to send.
        target: path and query exactly as they are to stand in the request line, or empty to take them from `url`.
        most_bytes: a longer answer is refused.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    target: bytes = field(default=b"", repr=False)
    most_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer.

    Attributes:
        status: of HTTP.
        headers: names in lower case.
        body: decoded from its content encoding.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class WireFailure(Exception):
    """No whole answer came.

    Args:
        what: in a few words.
        ending: NOT_SENT when the request cannot have arrived, else IN_DOUBT.
        transient: the same request may fare better.
    """

    def __init__(self, what: str, ending: Ending, *, transient: bool) -> None:
        super().__init__(what, ending)
        self.what, self.ending, self.transient = what, ending, transient


FAILURES: Final[tuple[tuple[type[httpx.HTTPError], Ending, bool, str], ...]] = (
    (httpx.ConnectTimeout, Ending.NOT_SENT, True, "no connection came about in time"),
    (httpx.PoolTimeout, Ending.NOT_SENT, True, "no connection was free in time"),
    (httpx.ConnectError, Ending.NOT_SENT, True, "no connection came about"),
    (httpx.ProxyError, Ending.NOT_SENT, True, "the proxy made no connection"),
    (httpx.UnsupportedProtocol, Ending.NOT_SENT, False, "the address is neither http nor https"),
    (httpx.ReadTimeout, Ending.IN_DOUBT, True, "no answer came in time"),
    (httpx.WriteTimeout, Ending.IN_DOUBT, True, "the request could not be sent in time"),
    (httpx.ReadError, Ending.IN_DOUBT, True, "the connection broke before the answer was read"),
    (httpx.WriteError, Ending.IN_DOUBT, True, "the connection broke while the request was sent"),
    (httpx.CloseError, Ending.IN_DOUBT, True, "the connection broke while it was closed"),
    (httpx.RemoteProtocolError, Ending.IN_DOUBT, True, "the connection ended before the answer did"),
    (httpx.LocalProtocolError, Ending.IN_DOUBT, False, "the request could not be put in HTTP"),
    (httpx.DecodingError, Ending.IN_DOUBT, False, "the answer's content encoding is broken"),
    (httpx.TooManyRedirects, Ending.IN_DOUBT, False, "the answer leads in circles"),
    (httpx.HTTPError, Ending.IN_DOUBT, False, "the exchange failed"),
)
"""How the library's exceptions are understood; the first class that fits, most particular first."""

_TELLING = (httpx.ConnectError, httpx.ProxyError)
"""Only these have words of use to a person; others may quote the request's headers."""


def failure_of(error: httpx.HTTPError) -> WireFailure:
    """What a library exception means for the request."""
    for kind, ending, transient, what in FAILURES:
        if isinstance(error, kind):
            words = readable(str(error), 200) if isinstance(error, _TELLING) else ""
            lasting = "CERTIFICATE_VERIFY_FAILED" in words
            return WireFailure(f"{what} ({words})" if words else what, ending, transient=transient and not lasting)
    raise AssertionError(type(error))  # pragma: no cover - the last row holds every class


class Wire:
    """Keep-alive connections for one purpose.

    Args:
        connect_s, read_s: timeouts of one attempt.
        in_flight: connections kept open.
        proxies: whether a proxy named in the environment may be used.
        tls: what connections are encrypted with, where several share it: reading certificates takes its time.
        transport: a fake one for tests.

    Raises:
        InputError: a proxy or certificate setting of the environment cannot be used.
    """

    def __init__(
        self,
        *,
        connect_s: float,
        read_s: float,
        in_flight: int,
        proxies: bool,
        tls: ssl.SSLContext | None = None,
        transport: Transport | None = None,
    ) -> None:
        no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        try:
            self._client = httpx.AsyncClient(
                transport=transport,
                verify=tls or tls_context(variables=proxies),
                trust_env=proxies,
                follow_redirects=False,
                cookies=no_cookies,
                timeout=httpx.Timeout(read_s, connect=connect_s),
                limits=httpx.Limits(
                    max_connections=None, max_keepalive_connections=max(in_flight, 1), keepalive_expiry=KEEPALIVE_S
                ),
                headers={"User-Agent": "narrate", "Accept-Encoding": "identity"},
            )
        except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
            problem = Problem(
                what=f"Connections cannot be set up: {readable(str(error), 200)}",
                where="HTTPS_PROXY or ALL_PROXY of the environment",
                expected="an http:// or https:// proxy",
            )
        else:
            return
        raise InputError(problem)

    async def exchange(self, request: WireRequest, deadline_s: float) -> Reply:
        """Send a request once and read its whole answer.

        Args:
            request: what to send.
            deadline_s: seconds for all of it; an answer that drips in does not hold the run for ever.

        Raises:
            WireFailure: no whole answer came.
        """
        try:
            async with asyncio.timeout(max(deadline_s, 0.001)):
                return await self._send(request)
        except TimeoutError:
            failure = WireFailure(f"no whole answer came within {deadline_s:.0f} s", Ending.IN_DOUBT, transient=True)
        except httpx.HTTPError as error:
            failure = failure_of(error)
        except OSError as error:  # a TLS record that breaks late comes through the library as it is
            failure = WireFailure(f"the connection broke ({type(error).__name__})", Ending.IN_DOUBT, transient=True)
        except (httpx.InvalidURL, UnicodeError):
            failure = WireFailure("the address cannot be used", Ending.NOT_SENT, transient=False)
        raise failure  # outside of the handler: the library's exception holds the request, and so the key

    async def _send(self, request: WireRequest) -> Reply:
        prepared = self._client.build_request(
            request.method,
            request.url,
            headers=list(request.headers),
            content=request.body or None,
            extensions={"target": request.target} if request.target else None,
        )
        answer = await self._client.send(prepared, stream=True, auth=None)
        body = bytearray()
        try:
            declared = answer.headers.get("content-length", "")
            if declared.isascii() and declared.isdigit() and int(declared[:18]) > request.most_bytes:
                raise _oversize(request)
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > request.most_bytes:
                    raise _oversize(request)
        except httpx.TransportError:
            if answer.status_code < 400 and not _tells_its_end(answer):
                raise  # of an error answer the status says enough, however much of its body came
        finally:
            await answer.aclose()
        if answer.status_code < 400 and not _tells_its_end(answer) and _is_short(answer, len(body)):
            raise WireFailure("the answer is shorter than it says", Ending.IN_DOUBT, transient=True)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(status=answer.status_code, headers=headers, body=bytes(body))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def tls_context(*, variables: bool = True) -> ssl.SSLContext:
    """What connections are encrypted with: the certificates of the libraries, or those that the environment names.

    Args:
        variables: whether those of the environment count.

    Raises:
        InputError: a certificate setting of the environment cannot be used.
    """
    try:
        return httpx.create_ssl_context(trust_env=variables)
    except (ValueError, OSError) as error:
        problem = Problem(
            what=f"Connections cannot be set up: {readable(str(error), 200)}",
            where="SSL_CERT_FILE or SSL_CERT_DIR of the environment",
            expected="readable certificates",
        )
    raise InputError(problem)


def _oversize(request: WireRequest) -> WireFailure:
    return WireFailure(f"the answer is longer than {request.most_bytes} bytes", Ending.IN_DOUBT, transient=False)


def _tells_its_end(answer: httpx.Response) -> bool:
    """Whether the content itself says where it ends: a stream's last event does, however the connection ended."""
    return str(answer.headers.get("content-type", "")).casefold().startswith("text/event-stream")


def _is_short(answer: httpx.Response, length: int) -> bool:
    declared = answer.headers.get("content-length", "")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        return False
    return declared.isascii() and declared.isdigit() and int(declared[:18]) != length


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """How long a call is tried.

    Attributes:
        attempts: sent so often at the most.
        total_s: all attempts and waits together.
        room_s: no further attempt begins with less than this left of `total_s`; it would be cut off, and be in doubt.
        step_s: the first wait is between 0 and this, then the range doubles (full jitter).
        longest_s: the range grows no further.
        asked_longest_s: a service's own `Retry-After` is honoured up to this.
    """

    attempts: int
    total_s: float
    room_s: float = 0.0
    step_s: float = 1.0
    longest_s: float = 20.0
    asked_longest_s: float = 60.0

    @property
    def last_start_s(self) -> float:
        """After so many seconds no further attempt begins."""
        return self.total_s - self.room_s

    def wait_s(self, attempt: int, least_s: float, chance: float) -> float:
        """Seconds to wait after the attempt of that number (1-based)."""
        jitter_s = chance * min(self.longest_s, self.step_s * 2.0 ** min(attempt - 1, 30))
        return min(max(least_s, 0.0), self.asked_longest_s) + jitter_s


class Passing(Exception):
    """One attempt failed in a way that may pass.

    Args:
        error: what to raise when patience ends.
        least_s: wait at least so long before the next attempt.
    """

    def __init__(self, error: ServiceError, least_s: float = 0.0) -> None:
        super().__init__(error, least_s)
        self.error, self.least_s = error, least_s


async def persist(
    attempt: Callable[[], Awaitable[T]], *, persistence: Persistence, timing: Timing, spent_s: Callable[[], float]
) -> T:
    """Repeat an attempt while it ends in `Passing`; the one owner of retries.

    Args:
        attempt: sends once.
        persistence: how long.
        timing: sleep and chance.
        spent_s: seconds that count against `total_s` so far.

    Raises:
        ServiceError: the last attempt's error.
    """

    def least_s(state: RetryCallState) -> float:
        ended = state.outcome.exception() if state.outcome is not None else None
        return ended.least_s if isinstance(ended, Passing) else 0.0

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(Passing),
        wait=lambda state: persistence.wait_s(state.attempt_number, least_s(state), timing.random()),
        stop=lambda state: (
            state.attempt_number >= persistence.attempts or spent_s() + state.upcoming_sleep > persistence.last_start_s
        ),
        sleep=timing.sleep,
        reraise=True,
    )
    try:
        return await retrying(attempt)
    except Passing as passing:
        error = passing.error
    raise error


def asked_wait_s(headers: Mapping[str, str], now: float) -> float | None:
    """What an answer's `retry-after-ms` or `Retry-After` (seconds or an HTTP date) asks for; None without a usable one.

    Source: RFC 9110 section 10.2.3; `retry-after-ms` as the vendor's own Python SDK 2.x reads it.
    """
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            wait_s = float(value) * unit_s
        except ValueError:
            try:
                wait_s = email.utils.parsedate_to_datetime(value).timestamp() - now
            except (ValueError, OverflowError, OSError):
                continue
        if math.isfinite(wait_s):
            return max(wait_s, 0.0)
    return None
