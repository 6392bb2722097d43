"""Qwen voices that speak in a WebSocket session; they are designed, listed and deleted over HTTP as all others are.

Invariant: a receipt is given only for an answer heard to its last event, and holds the whole sound; a session that said
anything else is not used again.

In `commit` mode, the default here, one text is one response, and the session is kept for the next text of the same
voice. In `server_commit` mode the service cuts the text itself, and a session serves for one text.

Source: alibabacloud.com, model-studio qwen-tts-realtime, client events and server events; PyPI dashscope 2.0.2,
audio/qwen_tts_realtime. [assumed]: a commit is the first event that may be billed (in `server_commit` mode the first
text), and an error that comes before `response.created` costs nothing.
"""

from __future__ import annotations

import difflib
import functools
import uuid
from dataclasses import dataclass, fields, replace
from typing import Final, Literal
from urllib.parse import quote

from narration.errors import CallFacts, ServiceRefused
from narration.services.conversation import Conversation, SocketDoor
from narration.services.envelope import Json, encoded
from narration.services.limits import language_type, limits_of, options_of
from narration.services.pcm import wav_file
from narration.services.protocol import Designed, Gate, Listed, ServiceLimits, SpeechService, Spoken
from narration.services.qwen_realtime_answers import Hearing, hear_event
from narration.services.socket import Line
from narration.take import Receipt, SpeechAsk
from narration.voice import RemoteVoice, VoiceDesign

KIND: Final = "qwen-realtime"

FORMATS: Final = ("pcm", "wav")
"""Of the four documented ones (mp3 and opus too) those from which a take can be kept without loss."""
MODES: Final = ("commit", "server_commit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a session is agreed to speak like; options of `SpeechAsk` have these names.

    Attributes:
        voice, language_type: as the service spells them.
        mode: `commit` or `server_commit`.
        response_format: `pcm` or `wav`; both become the same file here.
        sample_rate: in Hz.
        speech_rate, pitch_rate: factors, 0.5 to 2.0.
        volume: 0 to 100; 50 is the voice's own.
    """

    voice: str
    language_type: str
    mode: str = "commit"
    response_format: str = "pcm"
    sample_rate: int = 24_000
    speech_rate: float = 1.0
    pitch_rate: float = 1.0
    volume: int = 50

    def event(self) -> Json:
        """The `session.update` that says so; what is at the vendor's default is said too."""
        return _event("session.update", session={field.name: getattr(self, field.name) for field in fields(self)})


OPTIONS: Final = tuple(field.name for field in fields(Session) if field.name not in {"voice", "language_type"})


class QwenRealtimeService:
    """One account's realtime Qwen voices and speech.

    Args:
        voices: the account's voices; designs go through it with a realtime `target_model`.
        door: conversations with the service.
    """

    def __init__(self, *, voices: SpeechService, door: SocketDoor) -> None:
        self._voices, self._door = voices, door

    @property
    def kind(self) -> str:
        """Row of the services table."""
        return KIND

    @property
    def account(self) -> str:
        """Fingerprint of the key."""
        return self._voices.account

    @property
    def limits(self) -> ServiceLimits:
        """What one request may hold."""
        return limits_of(KIND)

    def preferred_name(self, character: str) -> str:
        """A name for a new voice: letters, digits, underscores, 16 of them; distinct for distinct characters."""
        return self._voices.preferred_name(character)

    async def design(self, design: VoiceDesign, preferred_name: str, gate: Gate) -> Designed:
        """Create a voice for a realtime model; an attempt that ends in doubt is not repeated.

        Raises:
            TextRefused: the service does not speak the language; nothing was sent.
            ServiceError: its refusal, or no answer; `call.in_doubt` is 1 when the voice may exist nevertheless.
        """
        return await self._voices.design(design, preferred_name, gate)

    async def query(self, voice: str) -> tuple[RemoteVoice | None, CallFacts]:
        """What the service knows of a voice; None when it has none of that name.

        Raises:
            ServiceError: it did not say.
        """
        return await self._voices.query(voice)

    async def voices(self) -> Listed:
        """All designed voices of the account, those for other Qwen models too.

        Raises:
            ServiceError: a page could not be had.
        """
        return await self._voices.voices()

    async def delete(self, voice: str) -> CallFacts:
        """Delete a voice; one that is gone already is no error.

        Raises:
            ServiceError: it may still be there.
        """
        return await self._voices.delete(voice)

    async def speak(self, ask: SpeechAsk, gate: Gate) -> Spoken:
        """Have one text spoken; transient failures are retried, those in doubt too, and counted.

        Raises:
            TextRefused: the service does not speak the language, or no event can carry the text; nothing was sent.
            ServiceRefused: an option that it does not know, or a value out of range; nothing was sent. Or its refusal.
            ServiceError: no whole answer.
        """
        session = session_of(ask)
        append = _event("input_text_buffer.append", text=ask.text)
        encoded(append)  # so that half a character is found before anything is sent
        hold = _hold_commit if session.mode == "commit" else _hold_server_commit
        heard, call = await self._door.converse(
            Conversation(
                action="synthesize",
                model=ask.model,
                path=f"/realtime?model={quote(ask.model, safe='')}",
                terms=session,
                greet=functools.partial(_greet, session),
                hold=functools.partial(hold, session, append),
            ),
            gate,
        )
        receipt = Receipt(
            request_id=call.request_id,
            billed_characters=heard.characters,
            audio=wav_file(heard.samples, session.sample_rate),
        )
        return Spoken(receipt=receipt, call=call)

    async def collect(self, receipt: Receipt) -> bytes:
        """The sound of a receipt, which came with the answer.

        Raises:
            AudioRefused: the receipt has none.
        """
        return await self._voices.collect(receipt)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._door.aclose()
        await self._voices.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A whole answer: 16-bit mono samples, and what was billed for them, where the service said so."""

    samples: bytes
    characters: int | None


def session_of(ask: SpeechAsk) -> Session:
    """What a request asks of its session.

    Raises:
        TextRefused: the service does not speak the language.
        ServiceRefused: an option that the service does not know, or a value out of its range.
    """
    session = Session(voice=ask.voice, language_type=language_type(ask.language))
    for name, value in ask.options:
        match name:
            case "mode":
                session = replace(session, mode=_one_of(ask, name, value, MODES))
            case "response_format":
                session = replace(session, response_format=_one_of(ask, name, value, FORMATS))
            case "sample_rate":
                session = replace(session, sample_rate=round(_number(ask, name, value, whole=True)))
            case "volume":
                session = replace(session, volume=round(_number(ask, name, value, whole=True)))
            case "speech_rate":
                session = replace(session, speech_rate=_number(ask, name, value))
            case "pitch_rate":
                session = replace(session, pitch_rate=_number(ask, name, value))
            case _:
                nearest = difflib.get_close_matches(name, OPTIONS, n=1, cutoff=0.5)
                hint = f"Did you mean {nearest[0]}?" if nearest else "It has " + ", ".join(OPTIONS) + "."
                raise ServiceRefused(f"{ask.model} has no option {name}; nothing was sent.", hint)
    return session


def _one_of(ask: SpeechAsk, name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ServiceRefused(
            f"{ask.model} cannot be asked for {name} {value!r}; nothing was sent.", f"Use {', '.join(allowed)}."
        )
    return value


def _number(ask: SpeechAsk, name: str, value: str, *, whole: bool = False) -> float:
    """A number within what `limits.toml` has for the option of that name."""
    option = next(option for option in options_of(KIND, ask.model).values() if option.name == name)
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    fits = number in option.only if option.only else option.least <= number <= option.most
    if not fits or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        span = f"{kind} from {option.least:g} to {option.most:g}"
        of = f"one of {', '.join(map(str, option.only))}" if option.only else span
        raise ServiceRefused(f"{ask.model} cannot be asked for {name} {value!r}; nothing was sent.", f"Use {of}.")
    return number


async def _greet(session: Session, line: Line) -> None:
    """Agree on the session's terms."""
    line.session_id = (await hear_event(line, "session.created")).session_id
    await line.say(session.event())
    await hear_event(line, "session.updated")


async def _hold_commit(session: Session, append: Json, line: Line) -> Heard:
    """Have one text spoken in one response."""
    hearing = Hearing(line, session.sample_rate)
    await line.say(append)
    await line.say(_event("input_text_buffer.commit"), billed=True)
    while not hearing.responses:
        await hearing.next()
    line.reusable = True
    return _heard(hearing)


async def _hold_server_commit(session: Session, append: Json, line: Line) -> Heard:
    """Have one text spoken in as many responses as the service likes, and the session finished."""
    hearing = Hearing(line, session.sample_rate)
    await line.say(append, billed=True)
    await line.say(_event("session.finish"))
    while await hearing.next() != "session.finished":
        pass
    return _heard(hearing)


def _heard(hearing: Hearing) -> Heard:
    counts = [response.characters for response in hearing.responses]
    known = [count for count in counts if count is not None]
    return Heard(
        samples=b"".join(response.samples for response in hearing.responses),
        characters=sum(known) if len(known) == len(counts) else None,
    )


_ClientEvent = Literal["session.update", "input_text_buffer.append", "input_text_buffer.commit", "session.finish"]


def _event(kind: _ClientEvent, **more: object) -> Json:
    return {"event_id": f"event_{uuid.uuid4().hex}", "type": kind, **more}
