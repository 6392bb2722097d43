"""The HTTP door: the library's exceptions are all understood, waits are bounded, and a real socket sees the bytes."""

from __future__ import annotations

import asyncio
import gzip
import inspect
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration.errors import InputError, ServiceUnavailable
from narration.services.http import (
    FAILURES,
    Passing,
    Persistence,
    Timing,
    Wire,
    WireFailure,
    WireRequest,
    asked_wait_s,
    failure_of,
    persist,
)
from narration.services.protocol import Ending

NEVER_RAISED_HERE = {
    httpx.HTTPStatusError: "raise_for_status is not called",
    httpx.InvalidURL: "handled beside the table",
    httpx.CookieConflict: "cookies are not kept",
    httpx.StreamError: "a fault of ours, not of the wire",
}


def exceptions_of_httpx() -> list[type[Exception]]:
    found = [member for _, member in inspect.getmembers(httpx, inspect.isclass) if issubclass(member, Exception)]
    return [kind for kind in found if not any(other is not kind and issubclass(other, kind) for other in found)]


@pytest.mark.parametrize("kind", exceptions_of_httpx(), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_library_is_in_the_map_or_cannot_be_raised(kind: type[Exception]) -> None:
    rows = [known for known, *_ in FAILURES]
    assert (kind in rows) != any(issubclass(kind, never) for never in NEVER_RAISED_HERE)


def test_no_row_of_the_map_stands_behind_a_wider_one() -> None:
    rows = [known for known, *_ in FAILURES]
    assert not [(a, b) for i, a in enumerate(rows) for b in rows[i + 1 :] if issubclass(b, a)]


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x"), httpx.ProxyError("x")]
)
def test_without_a_connection_nothing_was_sent(error: httpx.HTTPError) -> None:
    assert failure_of(error).ending is Ending.NOT_SENT


def test_a_certificate_that_does_not_fit_is_not_tried_again() -> None:
    failure = failure_of(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"))
    assert (failure.ending, failure.transient) == (Ending.NOT_SENT, False)


@given(
    attempt=st.integers(1, 10_000),
    least_s=st.floats(-10, 1e9),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_jittered_and_bounded(attempt: int, least_s: float, chance: float) -> None:
    rules = Persistence(attempts=5, total_s=60)
    wait_s = rules.wait_s(attempt, least_s, chance)
    asked_s = min(max(least_s, 0.0), rules.asked_longest_s)
    assert asked_s <= wait_s <= asked_s + min(rules.longest_s, rules.step_s * 2.0 ** min(attempt - 1, 30))


@given(value=st.text(max_size=40), name=st.sampled_from(["retry-after", "retry-after-ms"]))
def test_any_retry_after_is_a_number_of_seconds_or_nothing(value: str, name: str) -> None:
    wait_s = asked_wait_s({name: value}, now=0.0)
    assert wait_s is None or 0.0 <= wait_s < float("inf")


async def test_one_owner_repeats_passing_failures_only() -> None:
    calls: list[int] = []
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def attempt() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise Passing(ServiceUnavailable("busy"), 2.0)
        if len(calls) == 3:
            raise ValueError("a fault of ours")
        return "never"

    timing = Timing(clock=lambda: 0.0, sleep=sleep, random=lambda: 0.0)
    with pytest.raises(ValueError, match="ours"):
        await persist(attempt, persistence=Persistence(attempts=9, total_s=99), timing=timing, spent_s=lambda: 0.0)
    assert (len(calls), waits) == (3, [2.0, 2.0])


async def test_the_last_error_comes_out_without_the_machinery_of_retries() -> None:
    async def attempt() -> str:
        raise Passing(ServiceUnavailable("busy"))

    with pytest.raises(ServiceUnavailable, match="busy") as caught:
        await persist(attempt, persistence=Persistence(attempts=1, total_s=9), timing=Timing(), spent_s=lambda: 0.0)
    assert caught.value.__context__ is None


class RawServer:
    """A socket that answers every connection with the same bytes and keeps what it read."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heard: list[bytes] = []

    async def __aenter__(self) -> RawServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


PATIENT_S = 120.0
"""Nothing here is waited for; this only ends a test that hangs."""


def wire(*, proxies: bool = False) -> Wire:
    return Wire(connect_s=PATIENT_S, read_s=PATIENT_S, in_flight=2, proxies=proxies)


def get(port: int, target: bytes = b"") -> WireRequest:
    return WireRequest(method="GET", url=f"http://127.0.0.1:{port}/a.wav", target=target, most_bytes=10_000)


AWKWARD = b"/a%2fb/./../c%7E.wav?Expires=1&Signature=a%2Bb%2F+/c%3D==&x=~!*'();:@,$[]|^`{}\"<>"


async def test_path_and_query_reach_the_server_byte_for_byte() -> None:
    async with RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as server:
        door = wire()
        reply = await door.exchange(get(server.port, AWKWARD), PATIENT_S)
        await door.aclose()
    assert server.heard[0].split(b"\r\n")[0] == b"GET " + AWKWARD + b" HTTP/1.1"
    assert (reply.status, reply.body) == (200, b"ok")


async def test_a_body_cut_short_is_a_failure_in_doubt() -> None:
    async with RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok") as server:
        door = wire()
        with pytest.raises(WireFailure) as caught:
            await door.exchange(get(server.port), PATIENT_S)
        await door.aclose()
    assert (caught.value.ending, caught.value.transient) == (Ending.IN_DOUBT, True)
    assert caught.value.__context__ is None


async def test_an_error_answer_cut_short_still_counts_by_its_status() -> None:
    async with RawServer(b"HTTP/1.1 500 Oops\r\nContent-Length: 20\r\n\r\nno") as server:
        door = wire()
        reply = await door.exchange(get(server.port), PATIENT_S)
        await door.aclose()
    assert (reply.status, reply.body) == (500, b"no")


@pytest.mark.parametrize(
    "answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip"]
)
async def test_garbage_on_the_wire_is_a_failure_in_doubt(answer: bytes) -> None:
    async with RawServer(answer) as server:
        door = wire()
        with pytest.raises(WireFailure) as caught:
            await door.exchange(get(server.port), PATIENT_S)
        await door.aclose()
    assert caught.value.ending is Ending.IN_DOUBT


async def test_a_port_where_nobody_listens_means_not_sent() -> None:
    async with RawServer(b"") as server:
        port = server.port
    door = wire()
    with pytest.raises(WireFailure) as caught:
        await door.exchange(get(port), PATIENT_S)
    await door.aclose()
    assert (caught.value.ending, caught.value.transient) == (Ending.NOT_SENT, True)


async def test_a_proxy_of_the_environment_is_used_only_where_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    async with RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as server:
        door = wire()
        assert (await door.exchange(get(server.port), PATIENT_S)).body == b"ok"
        await door.aclose()
        proxied = wire(proxies=True)
        with pytest.raises(WireFailure):
            await proxied.exchange(get(server.port), PATIENT_S)
        await proxied.aclose()


def test_a_proxy_setting_that_cannot_be_used_is_the_users_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(InputError, match="HTTPS_PROXY"):
        Wire(connect_s=1, read_s=1, in_flight=1, proxies=True)


@pytest.mark.parametrize("counts", [True, False])
def test_certificates_that_cannot_be_read_are_the_users_mistake_where_they_count(
    counts: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing.pem"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="SSL_CERT_FILE") if counts else nullcontext():
        Wire(connect_s=1, read_s=1, in_flight=1, proxies=counts)


async def test_a_packed_answer_is_not_measured_by_its_length_on_the_wire() -> None:
    packed = gzip.compress(b"words " * 99)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with RawServer(head + packed) as server:
        door = wire()
        reply = await door.exchange(get(server.port), PATIENT_S)
        await door.aclose()
    assert reply.body == b"words " * 99
