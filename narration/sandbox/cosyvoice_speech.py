"""Speech with a CosyVoice voice: what may be asked, what is spoken, and the answer over HTTP, plain or as events.

Invariant: a synthesis is billed once, when its audio is on disk, and never when it is refused; over HTTP and over a
WebSocket the same ask is the same sound.

Source: alibabacloud.com, model-studio cosyvoice-tts-http-api, cosyvoice-client-events, cosyvoice-server-events.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from narration.sandbox import audio
from narration.sandbox.billing import billed_chars
from narration.sandbox.calls import Call, House, Outcome
from narration.sandbox.cosyvoice_design import status
from narration.sandbox.languages import guess
from narration.sandbox.models import Family
from narration.sandbox.speaker import Form
from narration.sandbox.state import Voice
from narration.sandbox.synthesis import EVENT_BYTES, NOT_SPEAKABLE
from narration.sandbox.wire import Body, invalid, require

MESSAGE_LIMIT_CHARS = 20_000
TASK_LIMIT_CHARS = 200_000
INSTRUCTION_LIMIT_CHARS = 100
SEED_MOST = 65_535
RATES_HZ = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
FORMATS = ("pcm", "wav", "mp3", "opus")
LANGUAGES = ("zh", "en", "fr", "de", "ja", "ko", "ru", "pt", "th", "id", "vi")

VOICE_UNKNOWN = "[tts:]Engine return error code: 418"
VOICE_OTHER_MODEL = "[cosyvoice:]Engine error [411]"
VOICE_NOT_READY = "Request voice is invalid!"
TOO_LONG = f"Text length exceeds the maximum length of {MESSAGE_LIMIT_CHARS} characters."
NO_MARKUP = "SSML text is not supported at the moment!"

_TAG = re.compile(r"<[^<>]*>")
_SENTENCE = re.compile(r"[^。！？.!?\n]*(?:[。！？.!?\n]+[”’」』\"')）]*|$)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a text is to be spoken, all of it valid."""

    voice: Voice
    form: Form
    rate: float
    pitch: float
    words: bool
    ssml: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence of a synthesis: its text, its part of the file, and when its words are heard, in ms."""

    index: int
    text: str
    data: bytes
    characters: int
    words: tuple[Body, ...]


async def answer(house: House, call: Call) -> Outcome:
    """Speak one text that came over HTTP.

    Raises:
        RefusedError: as the documents say.
    """
    if not house.switchboard.now.cosy_http:
        raise invalid("url error, please check url!")
    manner = read_manner(house, call.account, call.model, call.fields)
    text = require(call.fields, "text")
    key, chars = await spoken(house, call, manner, text)

    life_s = -1 if "expired_url" in call.faults else house.switchboard.now.url_life_s
    expires_s = int(house.clock() + life_s)
    url = house.links.make(call.origin, key, call.request_id, expires_s, manner.form.name)
    rest = {"id": f"audio_{call.request_id}", "expires_at": expires_s}
    usage = {"characters": chars}
    output = {"finish_reason": "stop", "audio": {"data": "", "url": url, **rest}}
    last = {"request_id": call.request_id, "output": output, "usage": usage}
    if not call.wants_events:
        return Outcome(last)
    events: list[Body] = []
    for sentence in sentences(manner, text, house.speaker.fetch(key) or b""):
        parts = [(kind, b"") for kind in ("sentence-begin", "sentence-end")]
        parts[1:1] = [("sentence-synthesis", part) for part in frames(sentence.data)]
        for kind, data in parts:
            sound = {"audio": {"data": base64.b64encode(data).decode(), **rest}, "finish_reason": "null"}
            body = {"output": {**told(sentence, kind), **sound}, "request_id": call.request_id}
            events.append({**body, "usage": {"characters": sentence.characters}} if kind == "sentence-end" else body)
    return Outcome(last, (*events, last))


def read_manner(house: House, account: str, model: str, fields: Mapping[str, object]) -> Manner:
    """Return how a text is to be spoken.

    Raises:
        RefusedError: a field is missing or out of range, or the voice cannot be spoken with.
    """
    name = require(fields, "voice")
    form = "mp3" if fields.get("format") in (None, "", "Default") else fields["format"]
    rate_hz = fields.get("sample_rate") or 22_050
    if form not in FORMATS:
        raise invalid(f"Unsupported format: {form}")
    if rate_hz not in RATES_HZ or not isinstance(rate_hz, int):
        raise invalid(f"Unsupported sample_rate: {rate_hz}")
    volume = _number(fields, "volume", 50, 0, 100)
    rate, pitch = _number(fields, "rate", 1.0, 0.5, 2.0), _number(fields, "pitch", 1.0, 0.5, 2.0)
    _number(fields, "seed", 0, 0, SEED_MOST)
    instruction = fields.get("instruction") or ""
    if not isinstance(instruction, str) or len(instruction) > INSTRUCTION_LIMIT_CHARS:
        raise invalid(f"instruction should be at most {INSTRUCTION_LIMIT_CHARS} characters")
    hints = fields.get("language_hints") or []
    if not isinstance(hints, list) or (hints and hints[0] not in LANGUAGES):
        raise invalid(f"Unsupported language_hints: {hints}")
    return Manner(
        voice=_voice(house, account, model, name),
        form=Form(name=str(form), rate_hz=rate_hz, volume=int(volume)),
        rate=rate,
        pitch=pitch,
        words=fields.get("word_timestamp_enabled") is True,
        ssml=fields.get("enable_ssml") is True,
    )


async def spoken(house: House, call: Call, manner: Manner, text: str) -> tuple[str, int]:
    """Speak a text and put it on the bill; return the key of its file, and the billed characters.

    Raises:
        RefusedError: too long, nothing to speak, or refused by content inspection.
    """
    said = plain(manner, text)
    if billed_chars(said) > MESSAGE_LIMIT_CHARS:
        raise invalid(TOO_LONG)
    if not any(char.isalnum() for char in said):
        raise invalid(NOT_SPEAKABLE)
    house.inspect(said)
    chars = billed_chars(said)
    await house.latency(chars)
    voice = manner.voice
    traits = replace(
        voice.traits,
        rate_wpm=round(min(450, max(80, voice.traits.rate_wpm * manner.rate))),
        pitch=round(min(99, max(1, voice.traits.pitch * manner.pitch))),
    )
    key = await house.speaker.speak(traits, guess(said, voice.language), said, call.faults, manner.form)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    house.state.record(call.row(voice=voice.voice, characters=chars, text_sha256=digest, billed=True))
    return key, chars


def plain(manner: Manner, text: str) -> str:
    """Return what is spoken of a text: without its markup, where markup is on and the text has some.

    Raises:
        RefusedError: markup that is not one `<speak>`.
    """
    if not manner.ssml or not text.lstrip().startswith("<"):
        return text
    if not re.fullmatch(r"\s*<speak\b.*</speak>\s*", text, re.DOTALL):
        raise invalid(NO_MARKUP)
    return _TAG.sub("", text)


def sentences(manner: Manner, text: str, data: bytes) -> tuple[Sentence, ...]:
    """Return the sentences of a text, each with its share of the file, the header of a WAV file in the first."""
    texts = [part for part in _SENTENCE.findall(plain(manner, text)) if part.strip()]
    total = sum(map(billed_chars, texts))
    head = audio.HEADER_BYTES if manner.form.name == "wav" else 0
    found, counted, at = [], 0, 0
    ms = 1_000 * (len(data) - head) // 2 / manner.form.rate_hz if manner.form.name in ("wav", "pcm") else 0.0
    for index, part in enumerate(texts):
        begin_ms = ms * counted / total
        counted += billed_chars(part)
        end = len(data) if index == len(texts) - 1 else head + (len(data) - head) * counted // total // 2 * 2
        words = _words(part, begin_ms, ms * counted / total) if _has_words(manner) else ()
        found.append(Sentence(index=index, text=part, data=data[at:end], characters=counted, words=words))
        at = end
    return tuple(found)


def frames(data: bytes) -> tuple[bytes, ...]:
    """Return the pieces in which a sentence's sound goes over the wire."""
    return tuple(data[at : at + EVENT_BYTES] for at in range(0, len(data), EVENT_BYTES))


def told(sentence: Sentence, kind: str) -> Body:
    """Return the `output` of an event about a sentence: `sentence-begin`, `sentence-synthesis`, `sentence-end`."""
    words = list(sentence.words) if kind == "sentence-end" else []
    output: dict[str, object] = {"sentence": {"index": sentence.index, "words": words}, "type": kind}
    return output if kind == "sentence-synthesis" else {**output, "original_text": sentence.text}


def _has_words(manner: Manner) -> bool:
    """Say whether words come with their times: documented for cloned voices, not for designed ones."""
    return manner.words and not manner.voice.voice_prompt


def _words(text: str, begin_ms: float, end_ms: float) -> tuple[Body, ...]:
    matches = list(re.finditer(r"[^\W_]+(?:['’][^\W_]+)*", text)) or []
    step = (end_ms - begin_ms) / max(len(matches), 1)
    return tuple(
        {
            "text": match[0],
            "begin_index": match.start(),
            "end_index": match.end(),
            "begin_time": round(begin_ms + step * place),
            "end_time": round(begin_ms + step * (place + 1)),
        }
        for place, match in enumerate(matches)
    )


def _voice(house: House, account: str, model: str, name: str) -> Voice:
    """Return the caller's voice, if it was made for this model and its review is over.

    Raises:
        RefusedError: in the engine's words.
    """
    voice = house.state.voice(account, Family.COSY_DESIGN, name)
    if voice is None:
        raise invalid(VOICE_UNKNOWN)
    if voice.target_model != model:
        raise invalid(VOICE_OTHER_MODEL)
    if status(house, voice) != "OK":
        raise invalid(VOICE_NOT_READY)
    return voice


def _number(fields: Mapping[str, object], name: str, default: float, low: float, high: float) -> float:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise invalid(f"{name} should be in [{low:g}, {high:g}]")
    return value
