"""The realtime half of the sandbox over a real socket: events in their order, modes, refusals, faults, the bill."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.sandbox.conftest import PATIENCE_S, near

Start = Callable[..., Any]

MODEL = "qwen3-tts-vd-realtime-2026-01-15"
TEXT = "Nobody spoke until the kettle began to sing."
WHOLE = [
    "input_text_buffer.committed",
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.audio.delta",
    "response.audio.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]


@dataclass
class Caller:
    """One end of a session; every event comes as a mapping."""

    socket: Connection

    def say(self, kind: str, **more: object) -> None:
        self.socket.send(json.dumps({"event_id": f"event_{kind}", "type": kind, **more}))

    def hear(self) -> dict[str, Any]:
        frame = self.socket.recv(timeout=PATIENCE_S)
        assert isinstance(frame, str)
        told = json.loads(frame)
        assert isinstance(told, dict)
        assert told["event_id"].startswith("event_")
        return told

    def until(self, last: str) -> list[dict[str, Any]]:
        heard = [self.hear()]
        while heard[-1]["type"] != last:
            heard.append(self.hear())
        return heard

    def agreed(self, voice: str, **more: object) -> Caller:
        assert self.hear()["type"] == "session.created"
        self.say("session.update", session={"voice": voice, "mode": "commit", **more})
        assert self.hear()["type"] == "session.updated"
        return self

    def refusal(self) -> tuple[str, str]:
        told = self.hear()
        assert told["type"] == "error"
        return str(told["error"]["code"]), str(told["error"]["message"])

    def left_alone(self, text: str) -> list[str | bytes]:
        """Ask, and hear frames until the connection ends."""
        self.say("input_text_buffer.append", text=text)
        self.say("input_text_buffer.commit")
        frames: list[str | bytes] = []
        with contextlib.suppress(ConnectionClosedError):
            frames.extend(self.socket)
        return frames

    def speak(self, text: str = TEXT) -> list[dict[str, Any]]:
        self.say("input_text_buffer.append", text=text)
        self.say("input_text_buffer.commit")
        return self.until("response.done")


@dataclass
class Place:
    """A running sandbox and a voice in it."""

    process: Any
    voice: str

    @contextlib.contextmanager
    def call(self, model: str = MODEL, key: str = "sk-test") -> Iterator[Caller]:
        root = self.process.root.replace("http", "ws", 1)
        query = f"?model={model}" if model else ""
        headers = {"Authorization": f"Bearer {key}"}
        with connect(f"{root}/api-ws/v1/realtime{query}", additional_headers=headers, proxy=None) as socket:
            yield Caller(socket)

    @contextlib.contextmanager
    def session(self, **more: object) -> Iterator[Caller]:
        with self.call() as caller:
            yield caller.agreed(self.voice, **more)


def place_of(process: Any) -> Place:  # noqa: ANN401
    answer = process.create(target_model=MODEL)
    assert answer.status_code == 200, answer.text
    return Place(process, answer.json()["output"]["voice"])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with near(tmp_path) as running:
        yield place_of(running)


def sound(events: list[dict[str, Any]]) -> bytes:
    return b"".join(base64.b64decode(e["delta"]) for e in events if e["type"] == "response.audio.delta")


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """Types in order, a run of one type as one."""
    found: list[str] = []
    for event in events:
        if not found or found[-1] != event["type"]:
            found.append(event["type"])
    return found


def test_a_session_in_commit_mode_speaks_in_the_documented_order(place: Place) -> None:
    with place.call() as caller:
        created = caller.hear()
        assert created["type"] == "session.created"
        assert created["session"]["object"] == "realtime.session"
        assert created["session"]["id"].startswith("sess_")
        assert created["session"]["mode"] == "server_commit"
        caller.say("session.update", session={"voice": place.voice, "mode": "commit", "language_type": "English"})
        updated = caller.hear()
        assert (updated["session"]["mode"], updated["session"]["voice"]) == ("commit", place.voice)
        events = caller.speak()
        assert kinds(events) == WHOLE
        ids = {event.get("response_id") or event.get("response", {}).get("id") for event in events[1:]}
        assert len(ids) == 1
        done = events[-1]["response"]
        assert (done["status"], done["usage"], done["modalities"]) == (
            "completed",
            {"characters": 44},
            ["text", "audio"],
        )
        assert len(sound(events)) > 24_000
        again = caller.speak()
        assert (sound(again), again[-1]["response"]["id"] != done["id"]) == (sound(events), True)
        caller.say("session.finish")
        assert caller.hear()["type"] == "session.finished"
        with pytest.raises(ConnectionClosed):
            caller.hear()
        assert caller.socket.close_code == 1000
    bill = place.process.bill()
    assert (bill["synthesized"], bill["characters"]) == (2, 88)


def test_in_server_commit_mode_whole_sentences_are_spoken_and_finish_speaks_the_rest(place: Place) -> None:
    first = "Nobody spoke until the kettle began to sing, and then nobody wanted to. "
    with place.session(mode="server_commit") as caller:
        caller.say("input_text_buffer.append", text=first + "Then")
        heard = caller.until("response.done")
        assert heard[-1]["response"]["usage"]["characters"] == len(first) - 1
        caller.say("input_text_buffer.append", text=" Mara did.")
        caller.say("session.finish")
        rest = caller.until("session.finished")
    assert [event["response"]["usage"]["characters"] for event in rest if event["type"] == "response.done"] == [15]
    assert place.process.bill()["characters"] == len(first) + len("Then Mara did.")


def test_in_commit_mode_the_buffer_can_be_cleared_and_finish_speaks_what_is_left(place: Place) -> None:
    with place.session() as caller:
        caller.say("input_text_buffer.append", text="Not this.")
        caller.say("input_text_buffer.clear")
        assert caller.hear()["type"] == "input_text_buffer.cleared"
        caller.say("input_text_buffer.append", text="But this.")
        caller.say("session.finish")
        assert kinds(caller.until("session.finished")) == [*WHOLE, "session.finished"]
    assert place.process.bill()["characters"] == 9


def test_what_comes_in_the_wrong_order_is_an_invalid_value_and_the_session_goes_on(place: Place) -> None:
    with place.call() as caller:
        caller.hear()
        for kind in ("input_text_buffer.append", "input_text_buffer.commit", "input_text_buffer.clear"):
            caller.say(kind, text="Too early.")
            assert caller.refusal()[0] == "invalid_value"
        caller.say("session.update", session={"voice": place.voice})
        assert caller.hear()["type"] == "session.updated"
        caller.say("session.update", session={"voice": place.voice})
        already = "Session update error: session already started or finished or failed."
        assert caller.refusal() == ("invalid_value", already)
        caller.say("input_text_buffer.clear")
        assert caller.refusal() == ("invalid_value", "only client commit mode supports clear operation")
        caller.say("input_text_buffer.commit")
        assert caller.refusal()[0] == "invalid_value"
        caller.say("no.such.event")
        assert caller.refusal()[0] == "invalid_value"
        for frame in ("[1]", "{", b"\x00\x01", '"\\ud800"'):
            caller.socket.send(frame)
            assert caller.refusal()[0] == "invalid_value"
        assert caller.speak()[-1]["type"] == "response.done"


WRONG_TERMS: tuple[dict[str, object], ...] = (
    {"voice": ""},
    {"mode": "client_commit"},
    {"language_type": "Klingon"},
    {"response_format": "flac"},
    {"sample_rate": 11_025},
    {"speech_rate": 2.1},
    {"pitch_rate": 0.4},
    {"volume": 101},
    {"volume": "loud"},
    {"bit_rate": 5},
    {"instructions": "Whisper."},
)


def test_terms_out_of_the_documented_ranges_are_refused(place: Place) -> None:
    with place.call() as caller:
        caller.hear()
        for wrong in WRONG_TERMS:
            caller.say("session.update", session={"voice": place.voice, **wrong})
            code, message = caller.refusal()
            assert (code, next(iter(wrong)) in message) == ("invalid_value", True), wrong


def test_a_handshake_needs_a_key_and_a_realtime_model(place: Place) -> None:
    with pytest.raises(InvalidStatus) as refused, place.call(key="ak-wrong"):
        pass
    assert refused.value.response.status_code == 401
    assert json.loads(bytes(refused.value.response.body or b""))["code"] == "InvalidApiKey"
    for model in ("qwen9-tts", "qwen3-tts-vd-2026-01-26"):
        with place.call(model=model) as caller, pytest.raises(ConnectionClosedError):
            caller.hear()
        assert (caller.socket.close_code, caller.socket.close_reason) == (1007, "Model not found")
    with place.call(model="") as caller, pytest.raises(ConnectionClosedError):
        caller.hear()
    assert caller.socket.close_code == 1006
    place.process.switch(retired={MODEL: 403})
    with pytest.raises(InvalidStatus) as gone, place.call():
        pass
    assert gone.value.response.status_code == 403


def test_another_models_voice_a_system_voice_and_an_unknown_one_are_refused(place: Place) -> None:
    plain = place.process.create().json()["output"]["voice"]
    for voice, code in ((plain, 418), ("Cherry", 411), ("nobody", 418)):
        with place.call() as caller:
            caller.hear()
            caller.say("session.update", session={"voice": voice})
            assert str(code) in caller.refusal()[1]
            with pytest.raises(ConnectionClosedError):
                caller.hear()


def test_texts_that_cannot_be_spoken_are_refused_and_not_billed(place: Place) -> None:
    place.process.switch(poison_words=["murder"])
    for text, message in (("…", "ensure input text"), ("A murder.", "inappropriate"), ("x" * 601, "[0, 600]")):
        with place.session() as caller:
            caller.say("input_text_buffer.append", text=text)
            caller.say("input_text_buffer.commit")
            heard = caller.until("error")
            assert message in heard[-1]["error"]["message"]
    bill = place.process.bill()
    assert (bill["synthesized"], bill["characters"]) == (0, 0)


def test_responses_count_against_the_rate_of_the_account(tmp_path: Path) -> None:
    with near(tmp_path, limits=True, switches={"rps": 2}) as running:
        place = place_of(running)
        _asked_too_fast(place)
        assert place.process.bill()["synthesized"] == 2


def _asked_too_fast(place: Place) -> None:
    with place.session() as caller:
        caller.speak()
        caller.speak()
        caller.say("input_text_buffer.append", text="Too fast.")
        caller.say("input_text_buffer.commit")
        assert caller.until("error")[-1]["error"]["code"] == "Throttling.RateQuota"


def test_an_idle_session_is_closed(tmp_path: Path) -> None:
    with near(tmp_path) as running:
        with place_of(running).session() as caller:
            running.switch(socket_idle_s=0.2)
            caller.say("response.cancel")  # which has no answer; from now on the session waits only so long
            with pytest.raises(ConnectionClosed):
                caller.hear()
        assert caller.socket.close_code == 1000


def samples_of(place: Place, **terms: object) -> np.ndarray[Any, np.dtype[np.int16]]:
    with place.session(**terms) as caller:
        return np.frombuffer(sound(caller.speak()), "<i2")


@pytest.mark.slow
def test_rate_pitch_volume_and_sample_rate_are_heard(start: Start) -> None:
    place = place_of(start(engine="espeak"))
    plain = samples_of(place)
    assert len(samples_of(place, speech_rate=2.0)) < 0.75 * len(plain)
    assert len(samples_of(place, sample_rate=48_000)) == pytest.approx(2 * len(plain), rel=0.01)
    quiet = samples_of(place, volume=10)
    assert float(np.abs(quiet).max()) == pytest.approx(float(np.abs(plain).max()) / 5, rel=0.05)
    assert not np.array_equal(samples_of(place, pitch_rate=1.8)[:4000], plain[:4000])


@pytest.mark.slow
def test_each_format_is_one_file_over_the_deltas_of_a_response(place: Place) -> None:
    with place.session(response_format="wav", sample_rate=16_000) as caller:
        data = sound(caller.speak())
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
    for form, magic in (("mp3", (b"ID3", b"\xff\xf3", b"\xff\xfb")), ("opus", (b"OggS",))):
        with place.session(response_format=form) as caller:
            assert sound(caller.speak()).startswith(magic)


ENDING_FAULTS = {
    "drop_before": 0,
    "hang_before": 0,
    "cut": 1,
    "drop_after": 1,
    "hang_after": 1,
    "socket_early_close": 1,
    "socket_no_finish": 1,
}
"""And whether what was lost is on the bill."""


def test_a_fault_that_ends_the_socket_leaves_no_whole_answer(place: Place) -> None:
    for fault, billed in ENDING_FAULTS.items():
        place.process.switch(**{fault: 1}, hang_s=0.05)
        before = place.process.bill()
        with place.session() as caller:
            heard = "\n".join(str(frame) for frame in caller.left_alone(TEXT))
        assert "response.done" not in heard, fault
        assert caller.socket.close_code == (1000 if fault == "socket_early_close" else 1006), fault
        bill = place.process.bill()
        assert [bill[name] - before[name] for name in ("synthesized", "answers_lost")] == [billed, billed], fault
        place.process.switch(**{fault: 0})


def test_a_fault_may_upset_the_order_or_send_binary_or_come_late(place: Place) -> None:
    place.process.switch(socket_wrong_order=1)
    with place.session() as caller:
        caller.say("input_text_buffer.append", text=TEXT)
        caller.say("input_text_buffer.commit")
        heard = kinds(caller.until("response.output_item.done"))
        assert heard[:3] == [WHOLE[0], "response.done", "response.created"]
    place.process.switch(socket_wrong_order=0, socket_binary=1, socket_late=1, socket_late_s=0.1)
    with place.session() as caller:
        caller.say("input_text_buffer.append", text=TEXT)
        caller.say("input_text_buffer.commit")
        frames = [caller.socket.recv(timeout=PATIENCE_S)]
        while b"response.done" not in (frames[-1] if isinstance(frames[-1], bytes) else frames[-1].encode()):
            frames.append(caller.socket.recv(timeout=PATIENCE_S))
        assert [isinstance(frame, bytes) for frame in frames].count(True) == 1


def test_faults_strike_at_run_time_and_429_and_500_are_errors_that_are_not_billed(place: Place) -> None:
    for fault, code in (("rate_429", "Throttling.RateQuota"), ("rate_500", "InternalError.Algo")):
        place.process.switch(**{fault: 1})
        with place.session() as caller:
            caller.say("input_text_buffer.append", text=TEXT)
            caller.say("input_text_buffer.commit")
            assert caller.until("error")[-1]["error"]["code"] == code
        place.process.switch(**{fault: 0})
    bill = place.process.bill()
    assert (bill["synthesized"], bill["refused_by_code"]) == (0, {"InternalError.Algo": 1, "Throttling.RateQuota": 1})


def test_a_session_that_its_caller_leaves_is_forgotten(place: Place) -> None:
    for _ in range(3):
        with place.session() as caller:
            caller.say("input_text_buffer.append", text=TEXT)
    with place.session() as caller:
        assert caller.speak()[-1]["type"] == "response.done"
    assert place.process.bill()["synthesized"] == 1


FRAMES = st.one_of(
    st.sampled_from(
        [
            {"type": "session.update", "session": {"voice": "VOICE", "mode": "commit"}},
            {"type": "session.update", "session": {"voice": "VOICE"}},
            {"type": "session.update", "session": {"voice": 7}},
            {"type": "session.update"},
            {"type": "input_text_buffer.append", "text": "Nobody spoke until the kettle began to sing, and then. "},
            {"type": "input_text_buffer.append", "text": "没人说话。"},
            {"type": "input_text_buffer.append"},
            {"type": "input_text_buffer.commit"},
            {"type": "input_text_buffer.clear"},
            {"type": "response.cancel"},
            {"type": ["session.finish"]},
            {},
        ]
    ).map(json.dumps),
    st.sampled_from(["", "null", "[[]]", '{"type": "session.update", "session": "\\udc00"}', b"", b"\xff\x00"]),
)


def test_whatever_a_client_says_is_answered_by_events_and_billed_when_it_was_spoken(place: Place) -> None:
    billed = 0

    @settings(max_examples=60, deadline=None)
    @given(frames=st.lists(FRAMES, max_size=8))
    def hold(frames: list[str | bytes]) -> None:
        nonlocal billed
        heard: list[dict[str, Any]] = []
        with place.call() as caller:
            for frame in [*frames, json.dumps({"type": "session.finish"})]:
                caller.socket.send(frame.replace("VOICE", place.voice) if isinstance(frame, str) else frame)
            with contextlib.suppress(ConnectionClosed):
                while True:
                    heard.append(caller.hear())
        assert heard[0]["type"] == "session.created"
        assert (heard[-1]["type"], caller.socket.close_code) == ("session.finished", 1000)
        billed += sum(e["response"]["usage"]["characters"] for e in heard if e["type"] == "response.done")

    hold()
    assert place.process.bill()["characters"] == billed
