"""Recognition: what the sandbox hears in the sounds that it made, in the vendor's form and in OpenAI's.

It knows a sound by its samples and how it was made, and finds out from that which words are in it and when: of a take
that was cut, the words that remain; of one with a sentence dropped or said twice, what is really said. Noise, clipping
and another voice do not keep it from hearing, silence does. In a sound that it did not make it hears nothing.

Invariant: what is answered depends on the samples and on how they were made, not on what anybody says should be there;
a hearing is billed once, by its seconds, and never when it is refused.

Source: alibabacloud.com model-studio, qwen-asr-api-reference; OpenAI's API reference, create transcription.
"""

import base64
import binascii
import hashlib
import json
import math
import random
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from narration.sandbox.calls import Call, House, Outcome
from narration.sandbox.damage import Damage, remains, text_said
from narration.sandbox.engine import SAMPLE_RATE_HZ, Engine, Traits
from narration.sandbox.languages import Language
from narration.sandbox.wire import Body, invalid

# Source: docs.qwencloud.com, Qwen-ASR: 10 MB as base64, 5 minutes. OpenAI: 25 MB.
VENDOR_BYTES, VENDOR_S, OPENAI_BYTES = 10_000_000, 300, 25_000_000
HEARD_SHARE = 0.6
"""A word that was cut is heard if so much of it remains."""
UNTIMED_MODELS = frozenset({"gpt-4o-transcribe", "gpt-4o-mini-transcribe"})
LANGUAGES: Mapping[str, str] = {language.value: language.name.lower() for language in Language}
NOT_AUDIO = "The audio file could not be decoded or its format is not supported."

_WORD = re.compile(r"[㐀-鿿豈-﫿]|[^\W_㐀-鿿]+(?:['’.,-][^\W_㐀-鿿]+)*")
_URL = re.compile(r"data:audio/[\w.+-]+;base64,(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One word in a sound, with its time in seconds."""

    word: str
    start_s: float
    end_s: float


async def vendor_answer(house: House, call: Call) -> Outcome:
    """Answer the vendor's recogniser.

    Raises:
        RefusedError: as the documents say.
    """
    sound = _vendor_sound(call.fields)
    options = call.parameters.get("asr_options")
    language = options.get("language") if isinstance(options, dict) else None
    if language is not None and language not in LANGUAGES:
        raise invalid(f"Unsupported language: {language}")
    length_s = _length_s(sound)
    if length_s is None:
        raise invalid("The audio is invalid or its format is not supported.")
    if length_s > VENDOR_S:
        raise invalid(f"The audio is too long: {VENDOR_S} seconds at the most.")
    words = _words(house, sound)
    seconds = max(1, math.ceil(length_s))
    await house.latency(seconds)
    house.state.record(call.row(billed=True, seconds=seconds))
    text = _text(words)
    message = {
        "annotations": [{"language": language or "en", "type": "audio_info", "emotion": "neutral"}],
        "content": [{"text": text}] if text else [],
        "role": "assistant",
    }
    usage = {
        "input_tokens_details": {"text_tokens": 0},
        "output_tokens_details": {"text_tokens": len(words)},
        "seconds": seconds,
    }
    output = {"choices": [{"finish_reason": "stop", "message": message}]}
    return Outcome({"request_id": call.request_id, "output": output, "usage": usage})


async def openai_answer(house: House, call: Call) -> Outcome:
    """Answer an OpenAI-compatible transcription.

    Raises:
        RefusedError: as the documents say.
    """
    fields = call.fields
    sound, form = fields.get("file"), str(fields.get("response_format") or "json")
    if not isinstance(sound, bytes) or not sound:
        raise invalid("Missing required parameter: 'file'.")
    if len(sound) > OPENAI_BYTES:
        raise invalid(f"Maximum content size limit ({OPENAI_BYTES}) exceeded ({len(sound)} bytes read)")
    if form not in {"json", "verbose_json"} or (form == "verbose_json" and call.model in UNTIMED_MODELS):
        raise invalid(f"response_format '{form}' is not compatible with model '{call.model}'. Use 'json' instead.")
    timed = fields.get("timestamp_granularities[]") == "word"
    if timed and form != "verbose_json":
        raise invalid("timestamp_granularities needs response_format verbose_json.")
    language = fields.get("language")
    if language is not None and language not in LANGUAGES:
        raise invalid(f"Invalid language '{language}'. Language parameter must be specified in ISO-639-1 format.")
    length_s = _length_s(sound)
    if length_s is None:
        raise invalid(NOT_AUDIO)
    words = _words(house, sound)
    seconds = max(1, math.ceil(length_s))
    await house.latency(seconds)
    house.state.record(call.row(billed=True, seconds=seconds))
    body: dict[str, object] = {"text": _text(words), "usage": {"type": "duration", "seconds": seconds}}
    if form == "verbose_json":
        body |= {"task": "transcribe", "language": LANGUAGES.get(str(language), "english"), "duration": length_s}
        if timed:
            body["words"] = [
                {"word": one.word, "start": round(one.start_s, 2), "end": round(one.end_s, 2)} for one in words
            ]
    return Outcome(body)


def form_fields(content_type: str, data: bytes) -> Body:
    """Return the fields of a `multipart/form-data` body: text as text, a file as bytes. Source: RFC 7578.

    Raises:
        RefusedError: 400 when it is none.
    """
    kind, _, rest = content_type.partition(";")
    found = re.search(r'boundary="?([^";]+)"?', rest)
    if kind.strip().lower() != "multipart/form-data" or found is None:
        raise invalid("Content-Type must be multipart/form-data with a boundary.")
    fields: dict[str, object] = {}
    mark = b"--" + found[1].encode()
    for part in (b"\r\n" + data).split(b"\r\n" + mark)[1:]:
        if part.startswith(b"--"):
            return fields
        head, blank, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if not blank or name is None:
            break
        value = content if b"filename=" in head else content.decode("utf-8", "replace")
        fields[name[1].decode("utf-8", "replace")] = value
    raise invalid("The form is broken or cut off.")


def heard_in(engine: Engine, recipe: str) -> tuple[Heard, ...]:
    """Return the words that are in a sound, by how it was made."""
    _, traits, language, text, flaws, *_ = json.loads(recipe)
    if "silent_wav" in flaws:
        return ()
    matter = next((flaw.split() for flaw in flaws if " " in flaw), None)
    kind, seed = (Damage(matter[0]), int(matter[1])) if matter else (None, 0)
    if kind is Damage.SILENT:
        return ()
    own, spoken = Traits(**traits), Language(language)
    said, own = text_said(text, own, kind, seed)
    samples, starts = engine.score(own, spoken, said)
    first, last, faster = remains(samples, kind, seed)
    found = []
    for word, start, end in _spans(said, starts, len(samples)):
        kept = (max(start, first), min(end, last))
        if kept[1] - kept[0] >= HEARD_SHARE * (end - start) > 0:
            times = [(place - first) / faster / SAMPLE_RATE_HZ for place in kept]
            found.append(Heard(word=word, start_s=times[0], end_s=times[1]))
    return tuple(found)


def _spans(text: str, starts: Mapping[int, int], length: int) -> list[tuple[str, int, int]]:
    """Each word of a text with its first and one-past-last sample; `starts` tells when a character's word begins."""
    words = list(_WORD.finditer(text))
    told: list[tuple[int, int]] = []  # number of a word, and when it begins
    for number, match in enumerate(words):
        inside = [at for place, at in starts.items() if match.start() <= place < match.end()]
        if inside or not told:
            told.append((number, min(inside, default=0)))
    spans: list[tuple[str, int, int]] = []
    for (first, start), (last, end) in zip(told, [*told[1:], (len(words), length)], strict=True):
        # Words that are said as one (`for a`) have one beginning, and share its time by their letters.
        together = words[first:last]
        letters, at = sum(len(match[0]) for match in together), start
        for match in together:
            until = at + max(0, end - start) * len(match[0]) // letters
            spans.append((match[0], at, until))
            at = until
    return spans


def _words(house: House, sound: bytes) -> tuple[Heard, ...]:
    """What is heard in a file, some words of it wrongly where the switches say so."""
    digest = digest_of(sound)
    recipe = house.state.sound(digest)
    if recipe is None:
        return ()
    heard = heard_in(house.speaker.engine, recipe)
    rate = house.switchboard.now.mishear
    if not rate:
        return heard
    chance = random.Random(digest)  # noqa: S311 - mistakes, not secrets
    return tuple(
        Heard(word=one.word[::-1], start_s=one.start_s, end_s=one.end_s) if chance.random() < rate else one
        for one in heard
    )


def digest_of(wav: bytes) -> str:
    """Return what a sound is known by: the hash of its samples, whatever its header says of their number."""
    return hashlib.sha256(_samples(wav)).hexdigest()


def _samples(wav: bytes) -> bytes:
    place = wav.find(b"data", 12)
    return wav[place + 8 :] if wav.startswith(b"RIFF") and place >= 0 else b""


def _length_s(wav: bytes) -> float | None:
    """The length of a WAV file in seconds; None where it is none, or empty."""
    samples = _samples(wav)
    if not samples or wav[8:12] != b"WAVE" or len(wav) < 44:
        return None
    (bytes_per_s,) = struct.unpack_from("<I", wav, 28)
    return len(samples) / bytes_per_s if bytes_per_s else None


def _vendor_sound(fields: Body) -> bytes:
    """The sound of a request: the one `audio` of its last user message."""
    messages = fields.get("messages")
    users = (
        [one for one in messages if isinstance(one, dict) and one.get("role") == "user"]
        if isinstance(messages, list)
        else []
    )
    content = users[-1].get("content") if users else None
    parts = (
        [one["audio"] for one in content if isinstance(one, dict) and isinstance(one.get("audio"), str)]
        if (isinstance(content, list))
        else []
    )
    if len(parts) != 1:
        raise invalid("Field required: input.messages.content.audio")
    found = _URL.fullmatch(parts[0])
    if found is None:
        raise invalid("The sandbox hears data: URLs only.")
    if len(found[1]) > VENDOR_BYTES:
        raise invalid("The audio file is too large: 10 MB at the most.")
    try:
        return base64.b64decode(found[1], validate=True)
    except binascii.Error:
        raise invalid("The audio is not base64.") from None


def _text(words: tuple[Heard, ...]) -> str:
    """The words as a sentence; Chinese characters stand side by side."""
    text = " ".join(one.word for one in words)
    return re.sub(r"(?<=[㐀-鿿]) (?=[㐀-鿿])", "", text)
