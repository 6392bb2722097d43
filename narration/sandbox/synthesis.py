"""Speech with a designed voice: `qwen3-tts-vd-*`, in one answer or as a stream of events.

Invariant: a synthesis is billed once, when its audio is on disk, and never when it is refused.

Source: alibabacloud.com model-studio qwen-tts-api; docs.qwencloud.com "Voice design".
"""

import base64
import hashlib

from narration.sandbox import audio
from narration.sandbox.billing import billed_chars, length
from narration.sandbox.calls import Call, House, Outcome
from narration.sandbox.languages import AUTO, BY_TYPE, guess
from narration.sandbox.models import FLASH_MODELS, INSTRUCT_VOICES, SYSTEM_VOICES, Family
from narration.sandbox.state import Voice
from narration.sandbox.system_voices import system_voice
from narration.sandbox.wire import Body, invalid, require

# How much PCM an event carries: 0.4 s.
EVENT_BYTES = 19_200
NOT_SPEAKABLE = "Please ensure input text is valid."
SYSTEM_VOICE_REFUSED = "[qwen-tts:]Engine return error code: 411"
VOICE_REFUSED = "[tts:]Engine return error code: 418"
TOO_LONG = "<400> InternalError.Algo.InvalidParameter: Range of input length should be [0, {limit}]"


async def answer(house: House, call: Call) -> Outcome:
    """Speak one text.

    Raises:
        RefusedError: as the documents say.
    """
    text, voice_name, language_type = _fields(house, call)
    voice = voice_of(house, call.account, call.model, voice_name)
    house.inspect(text)
    chars = billed_chars(text)
    await house.latency(chars)

    language = BY_TYPE.get(language_type) or guess(text, voice.language)
    key = await house.speaker.speak(voice.traits, language, text, call.faults)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    house.state.record(call.row(voice=voice.voice, characters=chars, text_sha256=digest, billed=True))

    life_s = -1 if "expired_url" in call.faults else house.switchboard.now.url_life_s
    expires_s = int(house.clock() + life_s)
    link = {
        "data": "",
        "url": house.links.make(call.origin, key, call.request_id, expires_s),
        "id": f"audio_{call.request_id}",
        "expires_at": expires_s,
    }
    usage = {"input_tokens": 0, "output_tokens": 0, "characters": chars}
    events, style = None, house.switchboard.now.sse_style
    if call.wants_events and style != "json":
        events = _events(link, usage, call.request_id, house.speaker.fetch(key) or b"", style)
    output = {"text": None, "choices": None, "finish_reason": "stop", "audio": link}
    return Outcome({"request_id": call.request_id, "output": output, "usage": usage}, events, style == "bare")


def _fields(house: House, call: Call) -> tuple[str, str, str]:
    """Return the text, the voice's name and the language type in lower case, all valid."""
    switches = house.switchboard.now
    if call.wants_events and not switches.sse:
        raise invalid("This model does not support streaming output.")
    text, voice_name = require(call.fields, "text"), require(call.fields, "voice")
    language_type = str(call.fields.get("language_type") or AUTO).lower()
    if language_type != AUTO and language_type not in BY_TYPE:
        raise invalid(f"Unsupported language_type: {call.fields['language_type']}")
    if length(text, switches.length_unit) > switches.length_limit:
        raise invalid(TOO_LONG.format(limit=switches.length_limit))
    speakable(text)
    return text, voice_name, language_type


def speakable(text: str) -> None:
    """Refuse a text in which there is nothing to speak.

    Raises:
        RefusedError: 400 `InvalidParameter`.
    """
    if not any(char.isalnum() for char in text):
        raise invalid(NOT_SPEAKABLE)


def voice_of(house: House, account: str, model: str, name: str) -> Voice:
    """Return an account's voice, if it was designed for this model.

    Raises:
        RefusedError: 400 `InvalidParameter` with the engine's code 411 or 418.
    """
    if model in FLASH_MODELS:
        return _system_voice(model, name)
    if name in SYSTEM_VOICES:
        raise invalid(SYSTEM_VOICE_REFUSED)
    voice = house.state.voice(account, Family.QWEN_DESIGN, name)
    if voice is None or voice.target_model != model:
        raise invalid(VOICE_REFUSED)
    return voice


def _system_voice(model: str, name: str) -> Voice:
    """The voice of everybody; half of them sound like women, half like men, each like itself."""
    known = INSTRUCT_VOICES if model.startswith("qwen3-tts-instruct") else SYSTEM_VOICES
    if name not in known:
        raise invalid(VOICE_REFUSED if name.startswith("qwen-tts-") else SYSTEM_VOICE_REFUSED)
    return system_voice(model, name, SYSTEM_VOICES.index(name))


def _events(link: Body, usage: Body, request_id: str, data: bytes, style: str) -> tuple[Body, ...]:
    """Return the bodies of the events: the PCM in parts, then the link to the whole file."""
    pcm = data if style == "riff" else data[audio.HEADER_BYTES :]
    parts = [base64.b64encode(pcm[at : at + EVENT_BYTES]).decode() for at in range(0, len(pcm), EVENT_BYTES)]
    rest = {"expires_at": link["expires_at"], "id": link["id"]}
    sounds: list[tuple[str, Body]] = [("null", {"data": part, **rest}) for part in parts]
    sounds.append(("stop", {"data": "", "url": "" if style == "nolink" else link["url"], **rest}))
    return tuple(
        {"output": {"finish_reason": reason, "audio": sound}, "usage": usage, "request_id": request_id}
        for reason, sound in sounds
    )
