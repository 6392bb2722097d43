"""CosyVoice over a WebSocket: what is said, what is understood, and what never becomes half a take."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narration.errors import AnswerUnclear, ServiceError, ServiceRefused, ServiceUnavailable, TextRefused, VoiceMissing
from narration.services import Ending, OpenGate, Spoken
from narration.take import Receipt, SpeechAsk
from tests.services.cosy import ASK, MODEL, VOICE, ask
from tests.services.fakes import KEY, Listening
from tests.services.tasks import (
    LATE,
    PCM,
    WAV,
    Frame,
    Script,
    Server,
    event,
    failed,
    listening,
    opened,
    result,
    whole,
)

STREAMED = WAV[:4] + b"\xff\xff\xff\x7f" + WAV[8:40] + b"\xdb\xff\xff\x7f" + WAV[44:]


async def spoken(server: Server, asked: SpeechAsk = ASK, gate: Listening | None = None, **limits: object) -> Spoken:
    async with listening(server) as url:
        service = opened(url, **limits)
        try:
            return await service.speak(asked, gate or Listening())
        finally:
            await service.aclose()


async def refused(server: Server, gate: Listening, asked: SpeechAsk = ASK, **limits: object) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await spoken(server, asked, gate, **limits)
    error = caught.value
    assert KEY not in f"{error} {error!r}"
    assert error.call is not None
    assert error.call.in_doubt == gate.endings.count(Ending.IN_DOUBT)
    assert len(gate.asked) == len(gate.ends) == error.call.attempts
    return error


async def test_a_task_says_everything_that_the_documents_ask_for_and_finishes_at_once() -> None:
    server = Server(whole)
    await spoken(server, ask("Nobody spoke.", "en", ("instruction", "softly"), ("rate", "1.1"), ("seed", "7")))
    run, text, finish = server.said[0]
    task_id = run["header"]["task_id"]
    assert len(task_id) == 32
    assert [message["header"] for message in server.said[0]] == [
        {"action": action, "task_id": task_id, "streaming": "duplex"}
        for action in ("run-task", "continue-task", "finish-task")
    ]
    assert run["payload"] == {
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "model": MODEL,
        "parameters": {
            "text_type": "PlainText",
            "voice": VOICE,
            "format": "wav",
            "sample_rate": 24000,
            "language_hints": ["en"],
            "instruction": "softly",
            "rate": 1.1,
            "seed": 7,
        },
        "input": {},
    }
    assert (text["payload"], finish["payload"]) == ({"input": {"text": "Nobody spoke."}}, {"input": {}})
    assert (server.paths, server.keys) == (["/api-ws/v1/inference"], [f"Bearer {KEY}"])


@pytest.mark.parametrize("data", [WAV, STREAMED, PCM], ids=["exact sizes", "streaming sizes", "no header"])
async def test_the_sound_is_joined_and_its_sizes_are_set_right(data: bytes) -> None:
    server = Server(lambda task_id: whole(task_id, data))
    gate = Listening()
    answer = await spoken(server, gate=gate)
    assert answer.receipt.audio == WAV
    assert (answer.receipt.billed_characters, answer.receipt.request_id) == (30, "r-7")
    assert answer.call.session_id == server.said[0][0]["header"]["task_id"]
    assert answer.call.first_audio_ms > 0
    assert (answer.call.action, answer.call.attempts, gate.endings) == ("synthesize", 1, [Ending.ANSWERED])


async def test_a_connection_serves_for_the_next_task_of_any_voice() -> None:
    server = Server(whole)
    async with listening(server) as url:
        service = opened(url)
        for text in ("One.", "Two.", "Three."):
            assert (await service.speak(ask(text), OpenGate())).receipt.audio == WAV
        await service.aclose()
    assert len(server.said) == 1
    ids = {message["header"]["task_id"] for message in server.said[0]}
    assert len(ids) == 3
    assert [m["payload"]["input"]["text"] for m in server.said[0] if m["header"]["action"] == "continue-task"] == [
        "One.",
        "Two.",
        "Three.",
    ]


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("InvalidParameter", "[tts:]Engine return error code: 418", VoiceMissing),
        ("InvalidParameter", "[cosyvoice:]Engine error [411]", VoiceMissing),
        ("DataInspectionFailed", "", TextRefused),
        ("InvalidParameter", "Please ensure input text is valid.", TextRefused),
        ("SomethingNew", "no", ServiceRefused),
    ],
)
async def test_a_task_that_is_refused_costs_nothing_and_is_not_repeated(
    code: str, message: str, kind: type[ServiceError]
) -> None:
    gate = Listening()
    start: Script = lambda task_id: [failed(task_id, code, message), "close"]  # noqa: E731
    error = await refused(Server(whole, start=start), gate)
    assert type(error) is kind
    assert gate.endings == [Ending.REFUSED]
    later = Listening()
    assert type(await refused(Server(lambda task_id: [failed(task_id, code, message), "close"]), later)) is kind
    assert later.endings == [Ending.REFUSED]


async def test_a_throttled_task_is_asked_again_on_a_new_connection() -> None:
    def throttled(task_id: str) -> list[Frame]:
        return [failed(task_id, "Throttling.RateQuota", "Requests rate limit exceeded"), "close"]

    server, gate = Server(throttled, throttled, whole), Listening()
    assert (await spoken(server, gate=gate)).receipt.audio == WAV
    assert gate.endings == [Ending.THROTTLED, Ending.THROTTLED, Ending.ANSWERED]
    assert len(server.said) == 3


async def test_a_task_that_fails_after_its_first_sound_may_be_billed() -> None:
    def halfway(task_id: str) -> list[Frame]:
        return [*whole(task_id)[:3], failed(task_id, "InternalError.Algo", "Inference internal error")]

    gate = Listening()
    answer = await spoken(Server(halfway, whole), gate=gate)
    assert gate.endings == [Ending.IN_DOUBT, Ending.ANSWERED]
    assert (answer.receipt.audio, answer.call.in_doubt) == (WAV, 1)


ODD: dict[str, Script] = {
    "starts twice": lambda task_id: [event("task-started", task_id), *whole(task_id)],
    "of another task": lambda _task_id: whole("another"),
    "a list": lambda _task_id: ["[]"],
    "no JSON": lambda _task_id: ["hello"],
    "no header": lambda _task_id: [{"payload": {}}],
    "no event": lambda task_id: [{"header": {"task_id": task_id}}],
    "no sound": lambda task_id: [event("task-finished", task_id)],
    "half a sample": lambda task_id: whole(task_id, PCM[:-1]),
    "another rate": lambda task_id: whole(task_id, WAV[:24] + b"\x22\x56\0\0" + WAV[28:]),
    "a header only": lambda task_id: whole(task_id, WAV[:36]),
}


@pytest.mark.parametrize("name", ODD)
async def test_an_answer_that_does_not_fit_the_documents_is_unclear_and_in_doubt(name: str) -> None:
    gate = Listening()
    error = await refused(Server(ODD[name]), gate)
    assert isinstance(error, AnswerUnclear)
    assert gate.endings == [Ending.IN_DOUBT]


EARLY: dict[str, Script] = {
    "a sound": lambda _task_id: [b"RIFF"],
    "a result": lambda task_id: [result(task_id, "sentence-begin")],
    "the end": lambda task_id: [event("task-finished", task_id)],
    "of another task": lambda _task_id: [event("task-started", "another")],
}


@pytest.mark.parametrize("name", EARLY)
async def test_what_comes_before_the_start_is_unclear_and_costs_nothing(name: str) -> None:
    gate, server = Listening(), Server(whole, start=EARLY[name])
    assert isinstance(await refused(server, gate), AnswerUnclear)
    assert gate.endings == [Ending.NOT_SENT]
    assert [message["header"]["action"] for message in server.said[0]] == ["run-task"]


@pytest.mark.parametrize("end", ["close", "abort"])
@pytest.mark.parametrize("heard", range(7))
async def test_a_connection_that_ends_early_never_gives_half_a_take(end: str, heard: int) -> None:
    gate = Listening()
    error = await refused(Server(lambda task_id: [*whole(task_id)[:heard], end]), gate)
    assert isinstance(error, ServiceUnavailable)
    assert gate.endings == [Ending.IN_DOUBT] * 3


async def test_a_task_that_never_finishes_ends_within_its_time() -> None:
    gate = Listening()
    server = Server(lambda task_id: [*whole(task_id)[:-1], LATE])
    error = await refused(server, gate, attempts=1)
    assert isinstance(error, ServiceUnavailable)
    assert gate.endings == [Ending.IN_DOUBT]


async def test_half_a_character_is_refused_before_anything_is_sent() -> None:
    server = Server(whole)
    async with listening(server) as url:
        service = opened(url)
        with pytest.raises(TextRefused, match="half a character"):
            await service.speak(ask("\ud800"), OpenGate())
        await service.aclose()
    assert server.said == []


async def test_a_sound_that_is_not_kept_any_more_is_lost_and_says_so() -> None:
    service = opened("ws://127.0.0.1:9/api-ws/v1")
    assert await service.collect(Receipt(request_id="r", audio=WAV)) == WAV
    with pytest.raises(ServiceError, match="not kept any more"):
        await service.collect(Receipt(request_id="r"))
    await service.aclose()


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=10), st.sampled_from(["{task}", "r-1"]))
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "header": st.one_of(
            LEAVES,
            st.fixed_dictionaries(
                {},
                optional={
                    "event": st.one_of(
                        LEAVES,
                        st.sampled_from(["task-started", "result-generated", "task-finished", "task-failed", "other"]),
                    ),
                    "task_id": LEAVES,
                    "error_code": LEAVES,
                    "error_message": LEAVES,
                    "attributes": st.one_of(LEAVES, st.fixed_dictionaries({"request_uuid": LEAVES})),
                },
            ),
        ),
        "payload": st.one_of(
            LEAVES, st.fixed_dictionaries({}, optional={"usage": st.fixed_dictionaries({"characters": LEAVES})})
        ),
    },
)
FRAMES = st.lists(
    st.one_of(EVENTS, st.binary(max_size=40), st.text(max_size=10), st.sampled_from([WAV, PCM, "close", "abort"])),
    max_size=6,
)


def _placed(frames: list[Frame], task_id: str) -> list[Frame]:
    return [json.loads(json.dumps(f).replace("{task}", task_id)) if isinstance(f, dict) else f for f in frames]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(start=st.one_of(st.none(), FRAMES), frames=FRAMES, kept=st.integers(0, 7))
def test_any_conversation_is_a_whole_take_or_a_typed_error_in_time(
    start: list[Frame] | None, frames: list[Frame], kept: int
) -> None:
    async def outcome() -> Spoken | ServiceError:
        begin: Script | None = None if start is None else (lambda task_id: _placed(start, task_id))
        server = Server(
            lambda task_id: [*whole(task_id)[:kept], *_placed(frames, task_id), "close"],
            start=None if begin is None else (lambda task_id: [*begin(task_id), "close"]),
        )
        try:
            return await spoken(server, gate=Listening(), attempts=2, read_s=2.0)
        except ServiceError as error:
            return error

    result = asyncio.run(asyncio.wait_for(outcome(), 300))
    match result:
        case Spoken(receipt=receipt):
            assert receipt.audio is not None
            assert receipt.audio.startswith(b"RIFF")
            assert len(receipt.audio) > 44
            assert receipt.billed_characters is None or receipt.billed_characters >= 0
        case ServiceError(call=facts):
            assert facts is not None
            assert KEY not in f"{result} {result!r}"
            assert str(result).isprintable()


async def test_events_without_attributes_or_counts_are_understood_all_the_same() -> None:
    def bare(task_id: str) -> list[Frame]:
        frames = whole(task_id)[:-1]
        return [*frames, event("task-finished", task_id, "nothing", attributes=None)]

    told = await spoken(Server(bare))
    assert told.receipt.billed_characters == 30, "as the last sentence counted"
    assert told.call.request_id == "r-7"
