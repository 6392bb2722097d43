"""Speech over a WebSocket: `qwen3-tts-vd-realtime-*`, one session for each connection.

Invariant: each response is billed once, when its audio is there, before its first event leaves; a refused one never.

Source: alibabacloud.com model-studio, qwen-tts-realtime client events and server events; for the handshake field
reports. Where they are silent [assumed]: a response is what counts against the rate; an error about the order of events
or a value leaves the session as it is, one about a text or the account ends it with close code 1011; a session without
a frame for `socket_idle_s` is closed with 1000; in `server_commit` mode whole sentences are spoken from 60 billed
characters on.
"""

import asyncio
import base64
import hashlib
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from starlette.websockets import WebSocket

from narration.sandbox import audio, synthesis
from narration.sandbox.billing import billed_chars, length
from narration.sandbox.calls import House, worked
from narration.sandbox.engine import SAMPLE_RATE_HZ, Traits
from narration.sandbox.languages import BY_TYPE, guess
from narration.sandbox.models import MODELS, Family
from narration.sandbox.realtime_events import BadEventError, Terms, error_event, event, read_terms, response_events
from narration.sandbox.sockets import BROKEN, LOSING, UNSUITABLE, Line, serve
from narration.sandbox.state import CallRow, Voice
from narration.sandbox.wire import Body, RefusedError, invalid

SERVER_COMMIT_CHARS = 60
STARTED_ALREADY = "Session update error: session already started or finished or failed."
_SENTENCES = re.compile(r".*[.!?…。！？]['\"”’」』)）]*", re.DOTALL)


def endpoint(house: House) -> Callable[[WebSocket], Awaitable[None]]:
    """Return what answers at the realtime address."""

    def check(socket: WebSocket) -> None:
        if house.switchboard.now.retired.get(socket.query_params.get("model", "")) == 403:
            raise RefusedError(403, "Model.AccessDenied", "Model access denied.")

    async def answer(socket: WebSocket) -> None:
        model = socket.query_params.get("model", "")

        async def talk(line: Line) -> None:
            if not model:
                line.cut()
            if MODELS.get(model) is not Family.QWEN_REALTIME or model in house.switchboard.now.retired:
                await line.hang_up(UNSUITABLE, "Model not found")
            await Session(line, model).hold()

        await serve(socket, house, talk, check)

    return answer


@dataclass(slots=True)
class _Progress:
    """What a session holds: its terms once they are agreed upon, and the text that waits."""

    terms: Terms | None = None
    voice: Voice | None = None
    text: str = ""


class Session:
    """One conversation, from `session.created` to `session.finished`."""

    def __init__(self, line: Line, model: str) -> None:
        self._line, self._house, self._model = line, line.house, model
        self._id = f"sess_{uuid.uuid4().hex[:22]}"
        self._now = _Progress()

    async def hold(self) -> None:
        """Answer events until the session is finished.

        Raises:
            GoneError: the connection is over.
        """
        await self._line.send(event("session.created", session=self._described(Terms())))
        while True:
            try:
                frame = await self._line.hear(self._house.switchboard.now.socket_idle_s)
            except TimeoutError:
                await self._line.hang_up(reason="idle for too long")
            told: Mapping[str, object] = {}
            try:
                told = _read(frame)
                await self._answer(told)
            except BadEventError as error:
                await self._line.send(error_event("invalid_value", str(error), told.get("event_id")))
            except RefusedError as error:
                await self._line.send(error_event(error.code, error.message, told.get("event_id")))
                await self._line.hang_up(BROKEN, error.code)

    async def _answer(self, told: Mapping[str, object]) -> None:
        match told.get("type"):
            case "session.update":
                await self._update(told)
            case "input_text_buffer.append":
                await self._append(told)
            case "input_text_buffer.commit":
                self._agreed()
                if not self._now.text:
                    raise BadEventError("input text buffer is empty")
                await self._commit(len(self._now.text))
            case "input_text_buffer.clear":
                if self._agreed().mode != "commit":
                    raise BadEventError("only client commit mode supports clear operation")
                self._now.text = ""
                await self._line.send(event("input_text_buffer.cleared"))
            case "response.cancel":
                self._agreed()
            case "session.finish":
                await self._finish()
            case other:
                raise BadEventError(f"Invalid event type: {str(other)[:100]}")

    async def _update(self, told: Mapping[str, object]) -> None:
        if self._now.terms is not None:
            raise BadEventError(STARTED_ALREADY)
        terms = read_terms(told.get("session"))
        self._now.voice = synthesis.voice_of(self._house, self._line.account, self._model, terms.voice)
        self._now.terms = terms
        await self._line.send(event("session.updated", session=self._described(terms)))

    async def _append(self, told: Mapping[str, object]) -> None:
        terms, text = self._agreed(), told.get("text")
        if not isinstance(text, str):
            raise BadEventError("Input should be a valid string: text")
        self._now.text += text
        self._measure()
        whole = _SENTENCES.match(self._now.text)
        if terms.mode == "server_commit" and whole and billed_chars(whole[0]) >= SERVER_COMMIT_CHARS:
            await self._commit(whole.end())

    async def _finish(self) -> None:
        if self._now.terms is not None and self._now.text.strip():
            await self._commit(len(self._now.text))
        faults = self._house.switchboard.draw(("socket_no_finish",), "synthesize")
        await self._line.play([event("session.finished")], faults)
        await self._line.hang_up()

    def _agreed(self) -> Terms:
        if self._now.terms is None:
            raise BadEventError("The session is not started: session.update comes first.")
        return self._now.terms

    def _measure(self) -> None:
        switches = self._house.switchboard.now
        if length(self._now.text, switches.length_unit) > switches.length_limit:
            raise invalid(synthesis.TOO_LONG.format(limit=switches.length_limit))

    async def _commit(self, until: int) -> None:
        """Speak the beginning of the buffer."""
        text, self._now.text = self._now.text[:until], self._now.text[until:]
        item_id = f"item_{uuid.uuid4().hex[:22]}"
        await self._line.send(event("input_text_buffer.committed", item_id=item_id))
        row = CallRow(
            at_s=self._house.clock(),
            account=self._line.account,
            model=self._model,
            action="synthesize",
            request_id=f"resp_{uuid.uuid4().hex[:22]}",
        )
        try:
            with self._house.limiter.admit(self._line.account, self._model, self._house.switchboard.now):
                await self._respond(text, item_id, row)
        except RefusedError as error:
            self._house.state.record(replace(row, status=error.status, code=error.code))
            raise

    async def _respond(self, text: str, item_id: str, row: CallRow) -> None:
        terms, voice, faults = self._agreed(), self._now.voice, self._line.draw()
        if voice is None:
            raise invalid(synthesis.VOICE_REFUSED)
        await self._line.before(faults, row)
        synthesis.speakable(text)
        self._house.inspect(text)
        chars = billed_chars(text)
        await self._house.latency(chars)

        language = BY_TYPE.get(terms.language_type.lower()) or guess(text, voice.language)
        key = await worked(self._house.speaker.speak(_told(voice.traits, terms), language, text, faults))
        sound = await worked(asyncio.to_thread(_encoded, self._house.speaker.fetch(key) or b"", terms))
        if terms.response_format == "wav":
            sound = audio.restyled(sound, self._house.switchboard.now.wav_header)
        self._house.state.record(
            replace(
                row,
                voice=voice.voice,
                characters=chars,
                text_sha256=hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
                billed=True,
                answered=not faults & LOSING,
            )
        )
        step = 2 * terms.sample_rate * 2 // 5  # 0.4 s of PCM
        parts = [base64.b64encode(sound[at : at + step]).decode() for at in range(0, len(sound), step)]
        frames = response_events(row.request_id, item_id, voice.voice, parts, chars)
        await self._line.play(frames, faults)

    def _described(self, terms: Terms) -> Body:
        return {
            "object": "realtime.session",
            "id": self._id,
            "model": self._model,
            "mode": terms.mode,
            "voice": terms.voice,
            "language_type": terms.language_type,
            "response_format": terms.response_format,
            "sample_rate": terms.sample_rate,
        }


def _read(frame: str | bytes) -> Mapping[str, object]:
    """Return the event in a frame.

    Raises:
        BadEventError: it is binary, or no JSON object, or holds half a surrogate pair.
    """
    try:
        told = json.loads(frame) if isinstance(frame, str) else None
        json.dumps(told, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise BadEventError("Invalid event: expected a JSON object in a text frame")
    return told


def _told(traits: Traits, terms: Terms) -> Traits:
    """Return the traits of a voice told to speak faster, slower, higher or lower."""
    if terms.speech_rate == 1 and terms.pitch_rate == 1:
        return traits
    pitch = max(0, min(100, round(traits.pitch * terms.pitch_rate)))
    return replace(traits, rate_wpm=max(1, round(traits.rate_wpm * terms.speech_rate)), pitch=pitch)


def _encoded(data: bytes, terms: Terms) -> bytes:
    """Return one of our WAV files as loud, at the rate and in the format that were asked for."""
    samples = np.frombuffer(data[audio.HEADER_BYTES :], dtype="<i2")
    if terms.volume != 50:
        samples = np.clip(samples * (terms.volume / 50), -32_768, 32_767).astype("<i2")
    if (terms.sample_rate, terms.response_format) == (SAMPLE_RATE_HZ, "pcm"):
        return samples.tobytes()
    return audio.preview(samples, terms.sample_rate, terms.response_format)
