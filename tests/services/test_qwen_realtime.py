"""Qwen realtime: what is said and what comes of it, options, both modes, and conversations that are none."""

from __future__ import annotations

import asyncio
import io
import json
import wave

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from narration.errors import AnswerUnclear, ServiceError, ServiceRefused, ServiceUnavailable, TextRefused, VoiceMissing
from narration.services import Ending, Spoken
from narration.services.http import Timing
from narration.services.pcm import bare_samples, wav_file
from narration.services.qwen_realtime import OPTIONS, session_of
from tests.services.fakes import VOICE, Listening
from tests.services.leaping import leap
from tests.services.sockets import (
    PCM,
    TEXT,
    Server,
    ask,
    created,
    error,
    event,
    listening,
    opened,
    response,
    speaking,
    updated,
)


async def spoken(server: Server, **options: str) -> Spoken:
    service = opened(server.url)
    try:
        return await service.speak(ask(**options), Listening())
    finally:
        await service.aclose()


def sound(take: Spoken) -> tuple[int, bytes]:
    assert take.receipt.audio is not None
    with wave.open(io.BytesIO(take.receipt.audio)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), file.readframes(file.getnframes())


async def test_a_text_is_said_as_documented_and_the_answer_is_a_wav_file() -> None:
    async with listening(speaking(response())) as server:
        take = await spoken(server)
    said = server.said[0]
    assert [told["type"] for told in said] == [
        "session.update",
        "input_text_buffer.append",
        "input_text_buffer.commit",
    ]
    assert said[0]["session"] == {
        "voice": VOICE,
        "language_type": "English",
        "mode": "commit",
        "response_format": "pcm",
        "sample_rate": 24_000,
        "speech_rate": 1.0,
        "pitch_rate": 1.0,
        "volume": 50,
    }
    assert said[1]["text"] == TEXT
    assert len({told["event_id"] for told in said}) == 3
    assert sound(take) == (24_000, PCM)
    assert (take.receipt.request_id, take.receipt.billed_characters, take.receipt.url) == ("resp_1", 30, "")
    assert (take.call.session_id, take.call.status, take.call.code) == ("sess_1", 200, "")
    assert take.call.first_audio_ms >= 1


async def test_what_is_collected_is_the_sound_that_came() -> None:
    async with listening(speaking(response())) as server:
        service = opened(server.url)
        take = await service.speak(ask(), Listening())
        assert await service.collect(take.receipt) == take.receipt.audio
        await service.aclose()


async def test_in_server_commit_mode_the_responses_are_joined_and_counted_together() -> None:
    async def talk(server: Server, socket: ServerConnection) -> None:
        await server.greet(socket)
        await server.hear(socket, "session.finish")
        frames = [*response(PCM[:100]), *response(PCM[100:], name="resp_2", characters=12)]
        for frame in [*frames, event("session.finished")]:
            await socket.send(frame)
        await socket.close()

    async with listening(talk) as server:
        take = await spoken(server, mode="server_commit")
    assert sound(take) == (24_000, PCM)
    assert (take.receipt.billed_characters, take.receipt.request_id) == (42, "resp_1")
    assert server.kinds == [["session.update", "input_text_buffer.append", "session.finish"]]


async def test_options_are_said_as_the_vendor_spells_them() -> None:
    wav = wav_file(PCM, 16_000)
    async with listening(speaking(response(wav))) as server:
        take = await spoken(
            server,
            speech_rate="1.25",
            pitch_rate="0.5",
            volume="80",
            sample_rate="16000",
            response_format="wav",
        )
    told = server.said[0][0]["session"]
    assert (told["speech_rate"], told["pitch_rate"], told["volume"]) == (1.25, 0.5, 80)
    assert (told["sample_rate"], told["response_format"]) == (16_000, "wav")
    assert sound(take) == (16_000, PCM)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("speech_rate", "2.01", "0.5 to 2"),
        ("speech_rate", "fast", "0.5 to 2"),
        ("pitch_rate", "nan", "0.5 to 2"),
        ("volume", "101", "0 to 100"),
        ("volume", "1.5", "a whole number"),
        ("sample_rate", "22050", "24000"),
        ("response_format", "mp3", "pcm, wav"),
        ("mode", "client_commit", "server_commit"),
        ("pitch", "1.0", "Did you mean pitch_rate?"),
        ("seed", "7", ", ".join(OPTIONS)),
    ],
)
async def test_an_option_out_of_its_range_is_refused_before_anything_is_sent(name: str, value: str, hint: str) -> None:
    gate = Listening()
    service = opened("ws://127.0.0.1:9/api-ws/v1")
    with pytest.raises(ServiceRefused, match="nothing was sent") as caught:
        await service.speak(ask(**{name: value}), gate)
    await service.aclose()
    assert hint in caught.value.hint
    assert gate.asked == []


@given(
    speed=st.floats(0.5, 2.0), pitch=st.floats(0.5, 2.0), volume=st.integers(0, 100), mode=st.sampled_from(["commit"])
)
def test_every_value_in_the_documented_ranges_is_taken(speed: float, pitch: float, volume: int, mode: str) -> None:
    session = session_of(ask(speech_rate=str(speed), pitch_rate=str(pitch), volume=str(volume), mode=mode))
    assert (session.speech_rate, session.pitch_rate, session.volume) == (speed, pitch, volume)


async def test_half_a_character_and_a_foreign_language_are_refused_before_anything_is_sent() -> None:
    gate = Listening()
    service = opened("ws://127.0.0.1:9/api-ws/v1")
    with pytest.raises(TextRefused, match="half a character"):
        await service.speak(ask("a\ud800"), gate)
    await service.aclose()
    assert gate.asked == []


async def test_a_voice_of_another_model_is_a_missing_voice() -> None:
    async def talk(server: Server, socket: ServerConnection) -> None:
        await socket.send(created())
        await server.hear(socket, "session.update")
        await socket.send(error("InvalidParameter", "[tts:]Engine return error code: 418"))
        await socket.close(1011)

    gate = Listening()
    async with listening(talk) as server:
        service = opened(server.url)
        with pytest.raises(VoiceMissing):
            await service.speak(ask(), gate)
        await service.aclose()
    assert gate.endings == [Ending.REFUSED]


async def test_an_answer_without_a_count_is_kept_and_has_none() -> None:
    async with listening(speaking(response(characters=None))) as server:
        assert (await spoken(server)).receipt.billed_characters is None


async def test_events_of_kinds_that_nobody_knows_are_passed_over() -> None:
    frames = response()
    frames.insert(3, event("response.mood.delta", delta=3))
    async with listening(speaking(frames)) as server:
        assert sound(await spoken(server)) == (24_000, PCM)


def without(frames: list[str], kind: str) -> list[str]:
    return [frame for frame in frames if json.loads(frame)["type"] != kind]


def changed(frames: list[str], kind: str, **fields: object) -> list[str]:
    told = [json.loads(frame) for frame in frames]
    return [json.dumps({**one, **fields} if one["type"] == kind else one) for one in told]


BROKEN: dict[str, list[str | bytes]] = {
    "no response.created": [*without(response(), "response.created")],
    "no audio.done": [*without(response(), "response.audio.done")],
    "no audio": [*without(response(), "response.audio.delta")],
    "audio of another response": [*changed(response(), "response.audio.delta", response_id="resp_2")],
    "audio that is no base64": [*changed(response(), "response.audio.delta", delta="%%%")],
    "audio that is no text": [*changed(response(), "response.audio.delta", delta=7)],
    "half a sample": [*response(PCM[:-1])],
    "done as something else": [*changed(response(), "response.done", response={"id": "resp_1", "status": 3})],
    "done without a status": [*changed(response(), "response.done", response={"id": "resp_1", "status": ""})],
    "done without an id": [*changed(response(), "response.done", response={"status": "completed"})],
    "the end first": [response()[-1], *response()[:-1]],
    "created twice": [response()[1], *response()],
    "finished too early": [*response()[:4], event("session.finished")],
    "begun anew": [*response()[:4], created()],
    "binary": [*response()[:4], b"\x00\x01"],
    "wav of another rate": [*response(wav_file(PCM, 16_000))],
    "a header and nothing else": [*response(wav_file(b"", 24_000))],
}


@pytest.mark.parametrize("frames", BROKEN.values(), ids=BROKEN)
async def test_an_answer_that_does_not_fit_the_documents_is_no_take(frames: list[str | bytes]) -> None:
    gate = Listening()
    async with listening(speaking(frames)) as server:  # type: ignore[arg-type]
        service = opened(server.url)
        with pytest.raises(AnswerUnclear):
            await service.speak(ask(), gate)
        await service.aclose()
    assert gate.endings == [Ending.IN_DOUBT]


@pytest.mark.parametrize("status", ["failed", "incomplete", "cancelled"])
async def test_a_response_that_is_not_completed_is_no_take(status: str) -> None:
    gate = Listening()
    frames = changed(response(), "response.done", response={"id": "resp_1", "status": status})
    async with listening(speaking(frames)) as server:
        service = opened(server.url)
        with pytest.raises(ServiceError, match=status):
            await service.speak(ask(), gate)
        await service.aclose()
    assert gate.endings == [Ending.IN_DOUBT] * 3


# One delta in a response: that one of several is left out, nothing in the protocol would tell.
ODD_FRAMES: list[str | bytes] = [
    created(),
    updated(),
    *response(parts=1),
    *response(PCM[:31], name="resp_2"),
    error("invalid_value", "No."),
    error("Throttling.RateQuota"),
    error(""),
    event("session.finished"),
    event("response.cancelled"),
    '{"type": null}',
    "[]",
    "not json",
    b"\x00\x01\x02",
    b"",
    "",
]
MOVES = st.one_of(st.sampled_from(ODD_FRAMES), st.sampled_from(["close", "cut", "close 1011", "hear"]))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    moves=st.one_of(
        st.lists(MOVES, max_size=14),
        st.lists(MOVES, max_size=8).map(lambda more: [created(), updated(), *more]),
        st.permutations(response(parts=1)).map(lambda frames: [created(), updated(), *frames]),
        st.lists(st.integers(0, 8), max_size=3).map(
            lambda gone: [created(), updated(), *(f for at, f in enumerate(response(parts=1)) if at not in gone)]
        ),
    ),
    mode=st.sampled_from(["commit", "server_commit"]),
)
def test_any_conversation_ends_in_a_whole_take_or_a_typed_error(moves: list[str | bytes], mode: str) -> None:
    async def talk(_server: Server, socket: ServerConnection) -> None:
        for move in moves:
            match move:
                case "close":
                    await socket.close()
                case "close 1011":
                    await socket.close(1011, "broken")
                case "cut":
                    socket.transport.abort()
                case "hear":
                    await asyncio.wait_for(socket.recv(), 0.02)
                case _:
                    await socket.send(move)
        await asyncio.wait_for(socket.wait_closed(), 0.3)

    async def quietly(server: Server, socket: ServerConnection) -> None:
        try:
            await talk(server, socket)
        except TimeoutError:
            return

    async def hold() -> tuple[Spoken | ServiceError, Listening]:
        gate = Listening()
        async with listening(quietly) as server:
            service = opened(server.url, limits={"attempts": 2, "connect_s": 0.1, "read_s": 0.1})
            try:
                async with asyncio.timeout(300):  # hundreds of times what it takes
                    ended: Spoken | ServiceError = await service.speak(ask(mode=mode), gate)
            except ServiceError as refused:
                ended = refused
            await service.aclose()
        return ended, gate

    ended, gate = asyncio.run(hold())
    assert len(gate.asked) == len(gate.ends)
    if isinstance(ended, Spoken):
        assert gate.endings[-1] is Ending.ANSWERED
        _, samples = sound(ended)
        assert samples == PCM * (len(samples) // len(PCM))  # never a part
        assert samples
    else:
        assert Ending.ANSWERED not in gate.endings
        assert ended.call is not None
        assert ended.call.in_doubt == gate.endings.count(Ending.IN_DOUBT)


async def test_a_call_is_given_up_within_its_time_however_many_attempts_are_left() -> None:
    step_s = 4.0

    async def talk(server: Server, socket: ServerConnection) -> None:
        await server.greet(socket)
        await server.hear(socket, "input_text_buffer.commit")
        while socket.state is State.OPEN:
            await leap(step_s)

    async def no_sleep(_seconds: float) -> None:
        return None

    def clock() -> float:
        return asyncio.get_running_loop().time()

    gate = Listening()
    async with listening(talk) as server:
        # One attempt may take 60 s: the second is cut short, and no third begins.
        limits = {"attempts": 9, "connect_s": 20.0, "read_s": 40.0, "total_s": 96.0}
        service = opened(server.url, Timing(clock=clock, sleep=no_sleep), limits)
        began_s = clock()
        with pytest.raises(ServiceUnavailable):
            await service.speak(ask(), gate)
        took_s = clock() - began_s
        await service.aclose()
    assert gate.asked == [1, 2]
    assert gate.endings == [Ending.IN_DOUBT, Ending.IN_DOUBT]
    assert 86.0 < took_s < 96.0 + 3 * step_s


@given(samples=st.binary(min_size=2, max_size=400).filter(lambda data: len(data) % 2 == 0), rate=st.integers(1, 48_000))
def test_a_wav_file_holds_the_samples_and_gives_them_back(samples: bytes, rate: int) -> None:
    file = wav_file(samples, rate)
    with wave.open(io.BytesIO(file)) as read:
        assert (read.getframerate(), read.readframes(read.getnframes())) == (rate, samples)
    assert bare_samples(file, rate) == samples
    assert bare_samples(samples, rate) == samples


def test_the_sizes_of_an_unfinished_stream_mean_to_the_end() -> None:
    file = bytearray(wav_file(PCM, 24_000))
    for size in (0, 0x7FFF_FFFF - 36, 0xFFFF_FFFF):
        file[40:44] = size.to_bytes(4, "little")
        assert bare_samples(bytes(file), 24_000) == PCM


def test_what_else_stands_in_a_header_is_passed_over_before_the_samples() -> None:
    file = wav_file(PCM, 24_000)
    listed = file[:12] + b"LIST" + (3).to_bytes(4, "little") + b"abc\0" + file[12:]
    assert bare_samples(listed, 24_000) == PCM
