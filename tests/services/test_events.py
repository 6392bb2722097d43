"""Speech as a stream of events: whole or not at all, in every shape that servers give it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.errors import AnswerUnclear, ServiceError, ServiceRefused, ServiceUnavailable, TextRefused
from narration.services import Ending, OpenGate, SpeechService, Spoken, open_service
from narration.services.riff import pcm_of, wav_flaw
from narration.settings.settings import load_settings
from tests.services.fakes import ASK, BASE, KEY, LINK, FakeTime, Listening, Wire
from tests.services.gateway_fakes import wav

PCM = bytes(range(256)) * 8


def streaming(wire: object, time: FakeTime | None = None) -> SpeechService:
    overrides: dict[str, dict[str, object]] = {
        "service": {"base_url": BASE, "streaming": True},
        "limits": {"attempts": 3, "total_s": 120.0},
    }
    found = load_settings("international", environ={}, overrides=overrides)
    transport = httpx.MockTransport(wire)  # type: ignore[arg-type]
    return open_service(found, KEY, timing=(time or FakeTime()).timing(), transport=transport)


def event(data: bytes, finish: str = "null", url: str | None = None) -> dict[str, object]:
    audio: dict[str, object] = {"data": base64.b64encode(data).decode(), "expires_at": 1_795_255_812, "id": "audio_r"}
    if url is not None:
        audio["url"] = url
    return {
        "output": {"finish_reason": finish, "audio": audio},
        "usage": {"input_tokens": 0, "output_tokens": 0, "characters": 44},
        "request_id": "r-1",
    }


def spelled(*events: dict[str, object], name: str = "result", status: int = 200) -> bytes:
    return b"".join(
        f"id:{number}\nevent:{name}\n:HTTP_STATUS/{status}\ndata:{json.dumps(body)}\n\n".encode()
        for number, body in enumerate(events, 1)
    )


def stream(body: bytes, **headers: str) -> httpx.Response:
    return httpx.Response(200, content=body, headers={"content-type": "text/event-stream;charset=UTF-8", **headers})


WHOLE = (event(PCM[:100]), event(PCM[100:]), event(b"", "stop", LINK))


async def test_a_stream_is_asked_for_with_its_header_and_gives_link_sound_and_bill() -> None:
    wire = Wire(stream(spelled(*WHOLE)))
    spoken = await streaming(wire).speak(ASK, OpenGate())
    headers = wire.seen[0].headers
    assert (headers["x-dashscope-sse"], headers["accept"]) == ("enable", "text/event-stream")
    receipt = spoken.receipt
    assert (receipt.url, receipt.expires_at, receipt.billed_characters) == (LINK, 1_795_255_812, 44)
    assert receipt.audio is not None
    assert wav_flaw(receipt.audio) is None
    assert pcm_of(receipt.audio, 0) == (24_000, PCM)
    assert spoken.call.request_id == "r-1"


async def test_without_the_setting_no_stream_is_asked_for() -> None:
    from tests.services.fakes import opened, spoken

    wire = Wire(spoken())
    await opened(wire).speak(ASK, OpenGate())
    assert "x-dashscope-sse" not in wire.seen[0].headers
    assert wire.seen[0].headers["accept"] == "application/json"


SHAPES = {
    "as documented": spelled(*WHOLE),
    "a missing last blank line": spelled(*WHOLE).rstrip(),
    "only data lines": b"".join(f"data: {json.dumps(body)}\n\n".encode() for body in WHOLE),
    "carriage returns": spelled(*WHOLE).replace(b"\n", b"\r\n"),
    "comments between": spelled(*WHOLE).replace(b"\n\n", b"\n\n: keep-alive\n\n"),
    "data over two lines": spelled(*WHOLE).replace(b', "usage"', b',\ndata:"usage"'),
    "a status line": spelled(*WHOLE).replace(b":HTTP_STATUS/", b"status:"),
    "plain JSON under its own name": json.dumps(event(PCM, "stop", LINK)).encode(),
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
async def test_every_shape_that_servers_give_a_stream_is_understood(body: bytes) -> None:
    receipt = (await streaming(Wire(stream(body))).speak(ASK, OpenGate())).receipt
    assert (receipt.url, receipt.billed_characters) == (LINK, 44)


async def test_plain_json_in_place_of_a_stream_is_an_answer() -> None:
    plain = httpx.Response(200, json=event(b"", "stop", LINK))
    receipt = (await streaming(Wire(plain)).speak(ASK, OpenGate())).receipt
    assert (receipt.url, receipt.audio) == (LINK, None)


async def test_a_wav_header_at_the_head_of_the_first_piece_is_taken_off() -> None:
    head = wav(0)[:-4] + b"\xff\xff\xff\x7f"
    body = spelled(event(head + PCM[:100]), event(PCM[100:]), event(b"", "stop", ""))
    receipt = (await streaming(Wire(stream(body))).speak(ASK, OpenGate())).receipt
    assert receipt.audio is not None
    assert pcm_of(receipt.audio, 0) == (24_000, PCM)
    assert receipt.url == ""


@pytest.mark.parametrize("piece", [PCM[:101], b""], ids=["half a sample", "no sound"])
async def test_a_sound_that_is_not_whole_gives_way_to_the_link(piece: bytes) -> None:
    receipt = (await streaming(Wire(stream(spelled(event(piece), WHOLE[-1])))).speak(ASK, OpenGate())).receipt
    assert (receipt.url, receipt.audio) == (LINK, None)


CUTS = {
    "before the last event": spelled(*WHOLE[:2]),
    "within an event": spelled(*WHOLE)[:-40],
    "at once": b"",
    "neither sound nor link": spelled(event(b"", "stop")),
    "half a sample and no link": spelled(event(PCM[:101]), event(b"", "stop")),
}


@pytest.mark.parametrize("body", CUTS.values(), ids=CUTS)
async def test_a_cut_stream_is_in_doubt_asked_for_again_and_never_half_a_take(body: bytes) -> None:
    gate = Listening()
    spoken = await streaming(Wire(stream(body), stream(spelled(*WHOLE)))).speak(ASK, gate)
    assert gate.endings == [Ending.IN_DOUBT, Ending.ANSWERED]
    assert spoken.receipt.audio is not None
    assert pcm_of(spoken.receipt.audio, 0)[1] == PCM
    with pytest.raises(ServiceUnavailable):
        await streaming(Wire(*[stream(body)] * 3)).speak(ASK, OpenGate())


class Breaking(httpx.AsyncByteStream):
    """Bytes, and then a connection that breaks."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise httpx.RemoteProtocolError("peer closed connection")


def breaking(body: bytes) -> httpx.Response:
    return httpx.Response(200, stream=Breaking(body), headers={"content-type": "text/event-stream"})


async def test_a_connection_that_breaks_after_the_last_event_loses_nothing() -> None:
    gate = Listening()
    spoken = await streaming(Wire(breaking(spelled(*WHOLE)))).speak(ASK, gate)
    assert (gate.endings, spoken.receipt.url) == ([Ending.ANSWERED], LINK)
    assert spoken.receipt.audio is not None
    assert pcm_of(spoken.receipt.audio, 0)[1] == PCM


@pytest.mark.parametrize("cut", [1, 40, 200])
async def test_a_connection_that_breaks_within_a_stream_yields_nothing(cut: int) -> None:
    broken = breaking(spelled(*WHOLE).rstrip()[:-cut])
    gate = Listening()
    await streaming(Wire(broken, stream(spelled(*WHOLE)))).speak(ASK, gate)
    assert gate.endings == [Ending.IN_DOUBT, Ending.ANSWERED]


ERRORS: list[tuple[bytes, type[ServiceError]]] = [
    (
        spelled({"code": "DataInspectionFailed", "message": "no", "request_id": "r-9"}, name="error", status=400),
        TextRefused,
    ),
    (spelled(WHOLE[0], {"code": "DataInspectionFailed", "message": "no"}), TextRefused),
    (spelled({"code": "InternalError.Algo", "message": "no"}, name="error", status=500), ServiceUnavailable),
    (spelled({"message": "no"}, name="error", status=500), ServiceUnavailable),
    (spelled({"error": {"code": "InvalidParameter", "message": "no"}}, name="error"), ServiceRefused),
]


@pytest.mark.parametrize(("body", "kind"), ERRORS)
async def test_an_error_in_a_stream_is_the_error_that_it_would_be_outside(
    body: bytes, kind: type[ServiceError]
) -> None:
    with pytest.raises(ServiceError) as caught:
        await streaming(Wire(*[stream(body)] * 3)).speak(ASK, OpenGate())
    assert type(caught.value) is kind


async def test_a_model_that_does_not_stream_names_the_setting() -> None:
    body = {"code": "InvalidParameter", "message": "This model does not support streaming output."}
    with pytest.raises(ServiceRefused, match="streaming = false"):
        await streaming(Wire(httpx.Response(400, json=body))).speak(ASK, OpenGate())


PIECES = st.lists(
    st.one_of(
        st.sampled_from([b"data:", b"event:error\n", b":HTTP_STATUS/400\n", b"\n", b"\r\n\r\n", b"{}", b"id:1\n"]),
        st.sampled_from([spelled(body) for body in WHOLE]),
        st.binary(max_size=20),
        st.builds(lambda value: json.dumps(value).encode(), st.recursive(
            st.one_of(st.none(), st.integers(), st.text(max_size=8)),
            lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(
                st.sampled_from(["output", "audio", "data", "url", "finish_reason", "code"]), inner, max_size=3)),
            max_leaves=6)),
    ),
    max_size=8,
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(pieces=PIECES)
def test_any_stream_is_a_whole_take_or_a_typed_error(pieces: list[bytes]) -> None:
    async def outcome() -> Spoken | ServiceError:
        service = streaming(lambda _: stream(b"".join(pieces)))
        try:
            return await service.speak(ASK, OpenGate())
        except ServiceError as error:
            return error
        finally:
            await service.aclose()

    found = asyncio.run(outcome())
    if isinstance(found, Spoken):
        assert found.receipt.url or found.receipt.audio
        assert found.receipt.audio is None or wav_flaw(found.receipt.audio) is None
    else:
        assert isinstance(found, ServiceRefused | ServiceUnavailable | AnswerUnclear)
