"""CosyVoice tasks over a real socket: events in their order, refusals, faults, time, and the bill."""

from __future__ import annotations

import contextlib
import io
import json
import uuid
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.sandbox.conftest import DESIGN, PATIENCE_S, Running, near

MODEL = "cosyvoice-v3.5-flash"
TEXT = "Nobody spoke. Then the kettle sang!"


@dataclass
class Caller:
    """One end of a connection and the task that runs on it."""

    socket: Connection
    task_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def say(self, action: str, **payload: object) -> None:
        header = {"action": action, "task_id": self.task_id, "streaming": "duplex"}
        self.socket.send(json.dumps({"header": header, "payload": payload}))

    def run(self, voice: str, *, model: str = MODEL, **parameters: Any) -> None:  # noqa: ANN401 — as they go out
        given = {"text_type": "PlainText", "voice": voice, "format": "wav", "sample_rate": 24000, **parameters}
        task = {"task_group": "audio", "task": "tts", "function": "SpeechSynthesizer"}
        self.say("run-task", **task, model=model, parameters=given, input={})

    def hear(self) -> dict[str, Any] | bytes:
        frame = self.socket.recv(timeout=PATIENCE_S)
        if isinstance(frame, bytes):
            return frame
        told = json.loads(frame)
        assert isinstance(told, dict)
        return told

    def event(self) -> dict[str, Any]:
        told = self.hear()
        assert isinstance(told, dict)
        return told

    def started(self, voice: str, **parameters: Any) -> Caller:  # noqa: ANN401 — likewise
        self.run(voice, **parameters)
        assert self.event() == {
            "header": {"task_id": self.task_id, "event": "task-started", "attributes": {}},
            "payload": {},
        }
        return self

    def finish(self, *texts: str) -> None:
        for text in texts:
            self.say("continue-task", input={"text": text})
        self.say("finish-task", input={})

    def rest(self) -> list[dict[str, Any] | bytes]:
        """Frames to the end of the task, or of the connection."""
        heard: list[dict[str, Any] | bytes] = []
        with contextlib.suppress(ConnectionClosed):
            while True:
                heard.append(self.hear())
                last = heard[-1]
                if isinstance(last, dict) and last["header"]["event"] in ("task-finished", "task-failed"):
                    break
        return heard

    def failure(self) -> tuple[str, str]:
        last = self.rest()[-1]
        assert isinstance(last, dict)
        header = last["header"]
        assert (header["event"], header["task_id"], last["payload"]) == ("task-failed", self.task_id, {})
        with pytest.raises(ConnectionClosed):
            self.socket.recv(timeout=PATIENCE_S)
        return header["error_code"], header["error_message"]


@dataclass
class Place:
    """A running sandbox and a CosyVoice voice in it."""

    process: Any
    voice: str

    @contextlib.contextmanager
    def call(self, key: str = "sk-test") -> Iterator[Caller]:
        root = self.process.root.replace("http", "ws", 1)
        headers = {"Authorization": f"Bearer {key}"}
        with connect(f"{root}/api-ws/v1/inference", additional_headers=headers, proxy=None) as socket:
            yield Caller(socket)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with near(tmp_path) as running:
        yield place_of(running)


def place_of(process: Running) -> Place:
    fields = {
        "action": "create_voice",
        "target_model": MODEL,
        "voice_prompt": "A calm woman.",
        "preview_text": "Good evening.",
        "prefix": "calm",
        "language_hints": ["en"],
    }
    answer = process.post(DESIGN, {"model": "voice-enrollment", "input": fields})
    assert answer.status_code == 200, answer.text
    return Place(process, answer.json()["output"]["voice_id"])


def sound(frames: list[dict[str, Any] | bytes]) -> bytes:
    return b"".join(frame for frame in frames if isinstance(frame, bytes))


def kinds(frames: list[dict[str, Any] | bytes]) -> list[str]:
    """What came, in order: the type of a result, the event, or `sound`."""
    return [
        "sound" if isinstance(f, bytes) else f["payload"].get("output", {}).get("type") or f["header"]["event"]
        for f in frames
    ]


def test_a_task_answers_in_the_documented_order_and_is_billed_once(place: Place) -> None:
    with place.call() as caller:
        caller.started(place.voice).finish(TEXT)
        frames = caller.rest()
    order = kinds(frames)
    assert (order[0], order[-2:]) == ("sentence-begin", ["sentence-end", "task-finished"])
    assert order.count("sentence-begin") == order.count("sentence-end") == 2
    for at, kind in enumerate(order):
        assert (kind == "sound") == (at > 0 and order[at - 1] == "sentence-synthesis")
    events = [frame for frame in frames if isinstance(frame, dict)]
    assert events[0]["payload"]["output"] == {
        "sentence": {"index": 0, "words": []},
        "type": "sentence-begin",
        "original_text": "Nobody spoke. ",
    }
    ends = [event for event in events if event["payload"]["output"].get("type") == "sentence-end"]
    assert [end["payload"]["usage"]["characters"] for end in ends] == [14, 35]
    assert events[-1]["payload"] == {"output": {}, "usage": {"characters": 35}}
    assert len({event["header"]["attributes"]["request_uuid"] for event in events[:-1]}) == 1
    assert events[-1]["header"] == {"task_id": caller.task_id, "event": "task-finished", "attributes": {}}
    data = sound(frames)
    assert data[4:8] == b"\xff\xff\xff\x7f", "the size in the header of a stream is not final"
    with wave.open(io.BytesIO(data)) as heard:
        assert (heard.getframerate(), heard.getnchannels()) == (24000, 1)
    bill = place.process.bill()
    assert (bill["synthesized"], bill["characters"]) == (1, 35)


def test_one_connection_serves_task_after_task_and_pieces_are_one_text(place: Place) -> None:
    with place.call() as caller:
        caller.started(place.voice, format="pcm").finish("Nobody spoke. ", "Then the kettle sang!")
        first = sound(caller.rest())
        caller.task_id = uuid.uuid4().hex
        caller.started(place.voice, format="pcm")
        caller.say("continue-task", input={"text": "Nobody spoke. "})
        caller.say("continue-task", input={"flush": True})
        caller.finish("Then the kettle sang!")
        assert sound(caller.rest()) == first
    assert place.process.bill()["characters"] == 70


def test_a_cancelled_task_finishes_without_sound_and_costs_nothing(place: Place) -> None:
    with place.call() as caller:
        caller.started(place.voice)
        caller.say("continue-task", input={"text": TEXT})
        caller.say("finish-task", input={"directive": "cancel"})
        assert kinds(caller.rest()) == ["task-finished"]
    assert place.process.bill()["synthesized"] == 0


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"voice": "nobody"}, "InvalidParameter", "418"),
        ({"model": "cosyvoice-v3-flash"}, "InvalidParameter", "[411]"),
        ({"model": "cosyvoice-v9"}, "ModelNotFound", "can not be found"),
        ({"model": "qwen3-tts-vd-2026-01-26"}, "InvalidParameter", "url error"),
        ({"rate": 3}, "InvalidParameter", "rate should be in"),
        ({"format": "flac"}, "InvalidParameter", "Unsupported format"),
        ({"instruction": "x" * 101}, "InvalidParameter", "instruction"),
    ],
)
def test_a_task_that_cannot_be_fails_and_ends_the_connection(
    place: Place, changes: dict[str, Any], code: str, words: str
) -> None:
    with place.call() as caller:
        caller.run(**{"voice": place.voice, **changes})
        found = caller.failure()
    assert found[0] == code
    assert words in found[1]
    bill = place.process.bill()
    assert (bill["synthesized"], bill["refused_by_code"]) == (0, {code: 1})


@pytest.mark.parametrize(
    ("texts", "words"),
    [(("...",), "Please ensure input text is valid."), (("a" * 20_001,), "exceeds the maximum length"), ((), "valid")],
)
def test_a_text_that_cannot_be_spoken_fails_the_task(place: Place, texts: tuple[str, ...], words: str) -> None:
    with place.call() as caller:
        caller.started(place.voice).finish(*texts)
        assert words in caller.failure()[1]


def test_a_poison_word_fails_the_task(place: Place) -> None:
    place.process.switch(poison_words=["kettle"])
    with place.call() as caller:
        caller.started(place.voice).finish(TEXT)
        assert caller.failure()[0] == "DataInspectionFailed"


def test_what_comes_in_the_wrong_order_fails_the_task(place: Place) -> None:
    with place.call() as caller:
        caller.say("continue-task", input={"text": TEXT})
        last = caller.rest()[-1]
        assert isinstance(last, dict)
        assert last["header"]["error_message"] == "Invalid action: continue-task"
    with place.call() as caller:
        caller.started(place.voice)
        caller.run(place.voice)
        assert caller.failure()[1] == "Invalid action: run-task"
    with place.call() as caller:
        caller.started(place.voice)
        ours, caller.task_id = caller.task_id, "another"
        caller.say("continue-task", input={"text": TEXT})
        caller.task_id = ours
        assert "task_id" in caller.failure()[1]
    with place.call() as caller:
        caller.socket.send(b"RIFF")
        last = caller.rest()[-1]
        assert isinstance(last, dict)
        assert last["header"]["event"] == "task-failed"


def test_a_task_that_waits_too_long_for_text_fails(place: Place) -> None:
    place.process.switch(task_text_wait_s=0.2)
    with place.call() as caller:
        caller.started(place.voice)
        with contextlib.suppress(ConnectionClosed):  # who is slow finds the task failed already
            caller.say("continue-task", input={"text": TEXT})
        assert caller.failure() == ("InvalidParameter", "request timeout after 0.2 seconds.")
    assert place.process.bill()["synthesized"] == 0


def test_a_voice_under_review_does_not_speak(place: Place) -> None:
    place.process.switch(deploying_s=60)
    fields = {"target_model": MODEL, "voice_prompt": "A man.", "preview_text": "Good evening.", "prefix": "new"}
    made = place.process.post(DESIGN, {"model": "voice-enrollment", "input": {"action": "create_voice", **fields}})
    with place.call() as caller:
        caller.run(made.json()["output"]["voice_id"])
        assert caller.failure() == ("InvalidParameter", "Request voice is invalid!")


def test_a_wrong_key_is_refused_in_the_handshake(place: Place) -> None:
    with pytest.raises(InvalidStatus) as caught, place.call(key="ak-wrong"):
        pass
    assert caught.value.response.status_code == 401


@pytest.mark.parametrize(
    ("fault", "billed"),
    [
        ("rate_429", 0),
        ("rate_500", 0),
        ("drop_before", 0),
        ("drop_after", 1),
        ("cut", 1),
        ("socket_early_close", 1),
    ],
)
def test_a_fault_costs_what_it_costs_over_http(place: Place, fault: str, billed: int) -> None:
    place.process.switch(**{fault: 1})
    with place.call() as caller:
        caller.run(place.voice)
        with contextlib.suppress(ConnectionClosed):
            caller.finish(TEXT)
        order = kinds(caller.rest())
    assert "task-finished" not in order
    bill = place.process.bill()
    assert (bill["synthesized"], bill["answers_lost"]) == (billed, billed)


def test_limits_hold_for_tasks_too(place: Place) -> None:
    place.process.switch(rps=1)
    refused = []
    for _ in range(3):
        with place.call() as caller:
            caller.run(place.voice)
            told = caller.event()
            refused.append(told["header"].get("error_code"))
    assert "Throttling.RateQuota" in refused


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({}, "Field required: header"),
        ({"header": {"action": "run-task", "task_id": "a", "streaming": "out"}}, "streaming should be duplex"),
        ({"header": {"action": "run-task", "streaming": "duplex"}}, "task_id"),
        ({"header": {"action": "run-task", "task_id": "a b", "streaming": "duplex"}}, "task_id"),
        ({"header": {"action": "run-task", "task_id": "a", "streaming": "duplex"}}, "Field required: payload"),
        ([], "Required body invalid"),
    ],
)
def test_a_message_that_lacks_what_the_protocol_asks_for_says_what(place: Place, message: object, words: str) -> None:
    with place.call() as caller:
        caller.socket.send(json.dumps(message))
        last = caller.rest()[-1]
        assert isinstance(last, dict)
        assert words in last["header"]["error_message"]
    assert place.process.bill()["synthesized"] == 0


def test_a_task_of_another_kind_and_text_that_is_none_are_refused(place: Place) -> None:
    with place.call() as caller:
        caller.say("run-task", task_group="audio", task="asr", function="SpeechSynthesizer", model=MODEL, input={})
        assert caller.failure() == ("InvalidParameter", "task should be tts")
    with place.call() as caller:
        caller.started(place.voice)
        caller.say("continue-task", input={"text": None})
        assert caller.failure()[1] == "Field required: payload.input.text"


def test_text_with_markup_comes_in_one_piece(place: Place) -> None:
    with place.call() as caller:
        caller.started(place.voice, enable_ssml=True)
        caller.say("continue-task", input={"text": "<speak>Nobody "})
        caller.say("continue-task", input={"text": "spoke.</speak>"})
        assert "SSML" in caller.failure()[1]
