"""The WebSocket door: the library's exceptions are all understood, the key stays hidden, doubt begins with the till."""

from __future__ import annotations

import asyncio
import http
import inspect
import json
import logging
from collections.abc import Awaitable, Callable

import pytest
import websockets.exceptions
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from narration.errors import (
    AnswerUnclear,
    InputError,
    KeyRefused,
    ModelGone,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
)
from narration.services import Ending
from narration.services.conversation import IDLE_S, socket_host
from narration.services.http import Timing
from narration.services.socket import FAILURES, failure_of
from tests.services.fakes import KEY, FakeTime, Listening
from tests.services.leaping import LATE_S, leap
from tests.services.sockets import (
    MODEL,
    Server,
    ask,
    created,
    error,
    event,
    listening,
    opened,
    response,
    speaking,
)

Talk = Callable[[Server, ServerConnection], Awaitable[None]]

HANDLED_BESIDE = {"InvalidStatus": "an answer, read as one"}
NEVER_RAISED_HERE = {"ConcurrencyError": "one conversation at a time"}


def exceptions_of_the_library() -> list[type[Exception]]:
    """Those of the present interface; asking for the deprecated ones would warn."""
    names = websockets.exceptions.__all__
    found = [getattr(websockets.exceptions, name) for name in names]
    return [kind for kind in found if inspect.isclass(kind) and issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", exceptions_of_the_library(), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_library_is_in_the_map(kind: type[Exception]) -> None:
    rows = [known for known, *_ in FAILURES]
    assert any(issubclass(kind, known) for known in rows) or kind.__name__ in {*HANDLED_BESIDE, *NEVER_RAISED_HERE}


def test_no_row_of_the_map_stands_behind_a_wider_one() -> None:
    rows = [known for known, *_ in FAILURES]
    assert not [(a, b) for i, a in enumerate(rows) for b in rows[i + 1 :] if issubclass(b, a)]


def test_a_certificate_that_does_not_fit_is_not_tried_again() -> None:
    failure = failure_of(OSError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"))
    assert (failure.ending, failure.transient) == (Ending.NOT_SENT, False)


async def refused(url: str, gate: Listening, **limits: object) -> ServiceError:
    service = opened(url, limits=limits)
    try:
        with pytest.raises(ServiceError) as caught:
            await service.speak(ask(), gate)
    finally:
        await service.aclose()
    error = caught.value
    assert KEY not in f"{error} {error!r}"
    assert error.__context__ is None
    assert error.call is not None
    assert error.call.in_doubt == gate.endings.count(Ending.IN_DOUBT)
    assert len(gate.asked) == len(gate.ends) == error.call.attempts
    return error


async def test_without_a_connection_nothing_was_sent_and_it_is_tried_again() -> None:
    gate = Listening()
    unavailable = await refused("ws://127.0.0.1:9/api-ws/v1", gate)
    assert isinstance(unavailable, ServiceUnavailable)
    assert gate.endings == [Ending.NOT_SENT] * 3


def answering(status: int, code: str = "", **headers: str) -> Callable[[ServerConnection, Request], Response]:
    def answer(_socket: ServerConnection, _request: Request) -> Response:
        body = json.dumps({"code": code, "message": "No.", "request_id": "r-7"}).encode() if code else b""
        given = Headers({name.replace("_", "-"): value for name, value in headers.items()})
        given["Content-Length"] = str(len(body))
        return Response(status, http.HTTPStatus(status).phrase, given, body)

    return answer


async def never(_server: Server, _socket: ServerConnection) -> None:
    raise AssertionError("no connection was to be opened")


@pytest.mark.parametrize(
    ("status", "code", "kind", "endings"),
    [
        (401, "InvalidApiKey", KeyRefused, [Ending.REFUSED]),
        (403, "", KeyRefused, [Ending.REFUSED]),
        (403, "Model.AccessDenied", ModelGone, [Ending.REFUSED]),
        (404, "", ModelGone, [Ending.REFUSED]),
        (429, "Throttling.RateQuota", ServiceUnavailable, [Ending.THROTTLED] * 3),
        (503, "", ServiceUnavailable, [Ending.FAILED] * 3),
        (302, "", AnswerUnclear, [Ending.NOT_SENT]),
    ],
)
async def test_a_handshake_that_is_answered_otherwise_is_read_as_an_answer(
    status: int, code: str, kind: type[ServiceError], endings: list[Ending]
) -> None:
    gate = Listening()
    redirect = {"Location": "ws://127.0.0.1:9/elsewhere"} if status == 302 else {"Retry_After": "7"}
    async with listening(never, process_request=answering(status, code, **redirect)) as server:
        caught = await refused(server.url, gate)
    assert type(caught) is kind
    assert gate.endings == endings
    assert caught.call is not None
    assert (caught.call.status, caught.call.code) == (status, code)
    if status == 429:
        assert [end.retry_after_s for end in gate.ends] == [7.0] * 3


async def test_the_key_and_the_model_go_into_the_handshake_and_nowhere_else() -> None:
    async with listening(speaking(response())) as server:
        service = opened(server.url)
        await service.speak(ask(), Listening())
        await service.aclose()
    assert server.handshakes[0]["Authorization"] == f"Bearer {KEY}"
    assert server.handshakes[0]["User-Agent"] == "narrate"
    assert server.paths == [f"/api-ws/v1/realtime?model={MODEL}"]
    assert KEY not in json.dumps(server.said)


async def test_the_key_is_in_no_log_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    quiet = logging.getLogger("tests.quiet")
    quiet.disabled = True  # the other side writes its headers down, as is its right
    with caplog.at_level(logging.DEBUG):
        async with listening(speaking(response()), logger=quiet) as server:
            service = opened(server.url)
            await service.speak(ask(), Listening())
            await service.aclose()
    assert KEY not in caplog.text


async def _after(server: Server, socket: ServerConnection) -> None:
    await server.greet(socket)
    await server.hear(socket, "input_text_buffer.commit")
    for frame in response()[:5]:
        await socket.send(frame)


async def _at_once(_server: Server, socket: ServerConnection) -> None:
    socket.transport.abort()


@pytest.mark.parametrize(
    ("talk", "ending"), [(_at_once, Ending.NOT_SENT), (_after, Ending.IN_DOUBT)], ids=["at once", "half way"]
)
async def test_a_connection_that_ends_is_in_doubt_only_after_the_commit(talk: Talk, ending: Ending) -> None:
    gate = Listening()
    async with listening(talk) as server:
        caught = await refused(server.url, gate)
    assert isinstance(caught, ServiceUnavailable)
    assert gate.endings == [ending] * 3


async def test_a_broken_conversation_is_held_again_on_a_new_connection() -> None:
    async def talk(server: Server, socket: ServerConnection) -> None:
        await (_after if len(server.said) == 1 else speaking(response()))(server, socket)

    gate = Listening()
    async with listening(talk) as server:
        service = opened(server.url)
        spoken = await service.speak(ask(), gate)
        await service.aclose()
    assert gate.endings == [Ending.IN_DOUBT, Ending.ANSWERED]
    assert (spoken.call.attempts, spoken.call.in_doubt) == (2, 1)


async def test_a_silent_service_is_given_up_at_the_deadline() -> None:
    async def talk(server: Server, socket: ServerConnection) -> None:
        await server.greet(socket)
        await server.hear(socket, "input_text_buffer.commit")
        await leap(LATE_S)
        await socket.wait_closed()

    gate = Listening()
    async with listening(talk) as server:
        caught = await refused(server.url, gate, attempts=1)
    assert isinstance(caught, ServiceUnavailable)
    assert gate.endings == [Ending.IN_DOUBT]


async def test_a_cancelled_conversation_is_told_to_the_gate_as_far_as_it_got() -> None:
    reached = asyncio.Event()

    async def talk(server: Server, socket: ServerConnection) -> None:
        if len(server.said) == 2:
            await server.greet(socket)
            await server.hear(socket, "input_text_buffer.commit")
        reached.set()
        await socket.wait_closed()

    async with listening(talk) as server:
        service = opened(server.url)
        endings = []
        for _ in range(2):
            gate = Listening()
            reached.clear()
            speaking_task = asyncio.create_task(service.speak(ask(), gate))
            await reached.wait()
            speaking_task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await speaking_task
            endings += gate.endings
        await service.aclose()
    assert endings == [Ending.NOT_SENT, Ending.IN_DOUBT]


@pytest.mark.parametrize(("code", "kind"), [(1007, ModelGone), (1008, ServiceRefused)])
async def test_a_close_that_blames_us_is_a_refusal(code: int, kind: type[ServiceError]) -> None:
    async def talk(_server: Server, socket: ServerConnection) -> None:
        await socket.close(code, "Model not found" if code == 1007 else "No such voice today")

    gate = Listening()
    async with listening(talk) as server:
        caught = await refused(server.url, gate)
    assert type(caught) is kind
    assert gate.endings == [Ending.REFUSED]


async def test_a_frame_beyond_all_measure_ends_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("narration.services.socket.FRAME_MOST_BYTES", 4096)
    gate = Listening()
    async with listening(speaking([event("new", padding="x" * 8192)])) as server:
        caught = await refused(server.url, gate)
    assert isinstance(caught, AnswerUnclear)
    assert gate.endings == [Ending.IN_DOUBT]


async def test_frames_without_end_end_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("narration.services.socket.CONVERSATION_MOST_BYTES", 100_000)
    gate = Listening()
    async with listening(speaking([event("new", padding="x" * 1000)] * 1000)) as server:
        caught = await refused(server.url, gate)
    assert isinstance(caught, AnswerUnclear)
    assert gate.endings == [Ending.IN_DOUBT]


async def test_an_error_before_the_response_is_refused_and_one_within_it_is_in_doubt() -> None:
    for frames, endings in (
        ([error("InvalidParameter", "No.")], [Ending.REFUSED]),
        ([*response()[:3], error("InvalidParameter", "No.")], [Ending.IN_DOUBT]),
        ([error("Throttling.RateQuota")], [Ending.THROTTLED] * 3),
        ([*response()[:3], error("InternalError")], [Ending.IN_DOUBT] * 3),
    ):
        gate = Listening()
        async with listening(speaking(frames)) as server:
            await refused(server.url, gate)
        assert gate.endings == endings


async def test_a_service_that_repeats_the_key_does_not_bring_it_into_the_message() -> None:
    async with listening(speaking([error("InvalidParameter", f"bad key {KEY}!")])) as server:
        caught = await refused(server.url, Listening())
    assert "bad key [key]!" in str(caught)


async def test_one_connection_serves_for_many_texts_of_one_voice_and_no_other() -> None:
    async with listening(speaking(*[response()] * 5)) as server:
        service = opened(server.url)
        for _ in range(3):
            await service.speak(ask(), Listening())
        await service.speak(ask(speech_rate="1.5"), Listening())
        await service.speak(ask(), Listening())
        await service.aclose()
    assert [kinds.count("input_text_buffer.commit") for kinds in server.kinds] == [4, 1]
    assert server.said[1][0]["session"]["speech_rate"] == 1.5


async def test_a_connection_that_died_while_idle_is_replaced_within_the_attempt() -> None:
    async def talk(server: Server, socket: ServerConnection) -> None:
        await server.greet(socket)
        await server.hear(socket, "input_text_buffer.commit")
        for frame in response():
            await socket.send(frame)
        if len(server.said) == 1:
            socket.transport.abort()
        await socket.wait_closed()

    gate = Listening()
    async with listening(talk) as server:
        service = opened(server.url)
        await service.speak(ask(), gate)
        ((_, _, line),) = service._door._pool._idle  # type: ignore[attr-defined]
        await line._connection.wait_closed()
        await service.speak(ask(), gate)
        await service.aclose()
    assert gate.endings == [Ending.ANSWERED, Ending.ANSWERED]
    assert len(server.said) == 2


async def test_a_connection_idle_for_too_long_is_not_used_again() -> None:
    time = FakeTime()
    timing = Timing(clock=lambda: time.at, now=lambda: time.at, sleep=time.sleep, random=lambda: 0.5)
    async with listening(speaking(*[response()] * 3)) as server:
        service = opened(server.url, timing)
        await service.speak(ask(), Listening())
        time.at += IDLE_S - 1
        await service.speak(ask(), Listening())
        time.at += IDLE_S + 1
        await service.speak(ask(), Listening())
        await service.aclose()
    assert [kinds.count("input_text_buffer.commit") for kinds in server.kinds] == [2, 1]


async def test_no_more_connections_are_kept_than_may_be_in_flight() -> None:
    async with listening(speaking(response())) as server:
        service = opened(server.url, limits={"in_flight": 2})
        voices = [ask(volume=str(volume)) for volume in range(4)]
        await asyncio.gather(*(service.speak(one, Listening()) for one in voices))
        assert len(service._door._pool._idle) == 2  # type: ignore[attr-defined]
        await service.aclose()
    assert len(server.said) == 4


async def test_an_idle_connection_makes_room_for_one_on_other_terms() -> None:
    there: list[int] = []
    answers, gone = speaking(response()), asyncio.Condition()

    async def talk(server: Server, socket: ServerConnection) -> None:
        there.append(there[-1] + 1 if there else 1)
        try:
            await answers(server, socket)
        finally:
            there.append(there[-1] - 1)
            async with gone:
                gone.notify_all()

    async with listening(talk) as server:
        service = opened(server.url, limits={"in_flight": 2})
        for volume in range(5):
            await service.speak(ask(volume=str(volume)), Listening())
            async with gone, asyncio.timeout(300):  # the goodbye is on its way
                await gone.wait_for(lambda: there[-1] <= 2)
        await service.aclose()
    assert len(server.said) == 5
    assert max(there) <= 3


async def test_a_proxy_sees_a_tunnel_and_never_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as running:
        address = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, address)
        gate = Listening()
        await refused("wss://speech.invalid/api-ws/v1", gate, attempts=1)
        assert gate.endings == [Ending.NOT_SENT]
        assert heard[0].startswith(b"CONNECT speech.invalid:443 ")
        assert KEY.encode() not in b"".join(heard)
        async with listening(speaking(response())) as server:  # plain ws goes straight to its host
            service = opened(server.url)
            await service.speak(ask(), Listening())
            await service.aclose()
        assert len(heard) == 1


@pytest.mark.parametrize("url", ["http://host/api-ws/v1", "wss://", "wss://u@host/x", "wss://host/x?y", "wss://h:0/"])
def test_a_websocket_url_that_cannot_be_used_is_a_mistake(url: str) -> None:
    with pytest.raises(InputError, match="websocket_url of profile p"):
        socket_host(url, "p")


async def test_a_frame_that_is_no_json_object_is_unclear() -> None:
    for frame in ("[1, 2]", "{", '{"type": 3}', b"\x00\x01"):
        gate = Listening()

        async def talk(_server: Server, socket: ServerConnection, frame: str | bytes = frame) -> None:
            await socket.send(created())
            await socket.send(frame)
            await socket.wait_closed()

        async with listening(talk) as server:
            caught = await refused(server.url, gate)
        assert isinstance(caught, AnswerUnclear)
        assert gate.endings == [Ending.NOT_SENT]


def test_a_connection_that_does_not_come_about_in_time_may_be_tried_again() -> None:
    failure = failure_of(TimeoutError())
    assert (failure.ending, failure.transient) == (Ending.NOT_SENT, True)
    assert "in time" in failure.what
