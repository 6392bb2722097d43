"""Voice design with `qwen-voice-design`: create, list, query, delete.

Invariant: a voice exists when, and only when, its creation is on the bill.

Source: docs.qwencloud.com "Voice design" API page; alibabacloud.com "Voice Design API reference".
"""

import base64
import re
import secrets
from datetime import datetime

from narration.sandbox import audio
from narration.sandbox.billing import billed_chars
from narration.sandbox.calls import UNKNOWN_ACTION, Call, House, Outcome
from narration.sandbox.descriptions import design
from narration.sandbox.languages import Language, is_chinese_or_english
from narration.sandbox.models import DESIGN_TARGETS, Family
from narration.sandbox.state import SERVICE_ZONE, QuotaFullError, Voice
from narration.sandbox.wire import Body, RefusedError, envelope, invalid, require, whole_number

PROMPT_LIMIT_CHARS = 2_048
PREVIEW_LIMIT_CHARS = 1_024
LAST_PAGE_INDEX = 200
NAME = re.compile(r"[A-Za-z0-9_]{1,16}")
QUOTA_FULL = "Maximum voice storage limit exceeded, please delete existing voices."


async def answer(house: House, call: Call) -> Outcome:
    """Answer one of the four actions.

    Raises:
        RefusedError: as the documents say.
    """
    match call.action:
        case "create":
            return await _create(house, call)
        case "list":
            return await _list(house, call)
        case "query":
            return await _query(house, call)
        case "delete":
            return await _delete(house, call)
    if call.action == UNKNOWN_ACTION and "action" not in call.fields:
        raise invalid("Field required: input.action")
    raise invalid(f"Unsupported action: {call.fields.get('action')}")


async def _create(house: House, call: Call) -> Outcome:
    target_model = asked_target(house, call)
    prompt, preview_text = require(call.fields, "voice_prompt"), require(call.fields, "preview_text")
    name, language = asked_name(house, call), asked_language(call)
    rate_hz, form = asked_form(call)
    check_texts(prompt, preview_text)
    house.inspect(prompt, preview_text)
    quota = house.switchboard.now.voice_quota
    if house.held(call.account, Family.QWEN_DESIGN) >= quota:
        raise _quota_full()
    await house.latency(billed_chars(preview_text))

    traits = design(prompt, seed=house.chance.seed(call.account, prompt))
    data = await house.speaker.preview(traits, language, preview_text, rate_hz, form)
    now_s = house.clock()
    voice = Voice(
        account=call.account,
        family=Family.QWEN_DESIGN,
        voice=voice_name(name, now_s),
        target_model=target_model,
        language=language,
        voice_prompt=prompt,
        preview_text=preview_text,
        created_s=now_s,
        traits=traits,
    )
    try:
        house.state.add_voice(voice, call.row(voice=voice.voice, billed=True), quota)
    except QuotaFullError:
        raise _quota_full() from None
    preview = {"data": base64.b64encode(data).decode(), "sample_rate": rate_hz, "response_format": form}
    output = {"voice": voice.voice, "target_model": target_model, "preview_audio": preview}
    return Outcome({"output": output, "usage": {"count": 1}, "request_id": call.request_id})


async def _list(house: House, call: Call) -> Outcome:
    page = whole_number(call.fields, "page_index", 0, low=0, high=LAST_PAGE_INDEX)
    size = whole_number(call.fields, "page_size", 10, low=1, high=2**31)
    await house.latency(0)
    voices = house.state.voices(call.account, Family.QWEN_DESIGN, page * size, size)
    total = house.held(call.account, Family.QWEN_DESIGN)
    output = {
        "page_index": page,
        "page_size": size,
        "total_count": total,
        "voice_list": [_item(voice) for voice in voices],
    }
    house.state.record(call.row())
    return Outcome({"output": output, "usage": _usage(house), "request_id": call.request_id})


async def _query(house: House, call: Call) -> Outcome:
    name = require(call.fields, "voice")
    await house.latency(0)
    voice = house.state.voice(call.account, Family.QWEN_DESIGN, name)
    if voice is None:
        return _not_found(house, call, "VoiceNotFound", f"Voice not found: {name}")
    house.state.record(call.row(voice=name))
    return Outcome({"output": _item(voice), "usage": _usage(house), "request_id": call.request_id})


async def _delete(house: House, call: Call) -> Outcome:
    name = require(call.fields, "voice")
    await house.latency(0)
    voice = house.state.voice(call.account, Family.QWEN_DESIGN, name)
    if voice is None:
        code = house.switchboard.now.missing_delete_code
        message = f"Voice not found: {name}" if code == "VoiceNotFound" else f"Voice '{name}' not found."
        return _not_found(house, call, code, message)
    house.state.remove_voice(voice, call.row(voice=name))
    return Outcome({"output": {"voice": name}, "usage": _usage(house), "request_id": call.request_id})


def _not_found(house: House, call: Call, code: str, message: str) -> Outcome:
    """Refuse, or answer 200 with a code, as one version of the documents has it."""
    if house.switchboard.now.not_found_status == 400:
        raise RefusedError(400, code, message)
    house.state.record(call.row(code=code))
    return Outcome(envelope(code, message, call.request_id))


def _quota_full() -> RefusedError:
    return RefusedError(400, "Throttling.AllocationQuota", QUOTA_FULL)


def _usage(house: House) -> Body:
    return {} if house.switchboard.now.usage_style == "empty" else {"count": 0}


def _item(voice: Voice) -> Body:
    return {
        "voice": voice.voice,
        "target_model": voice.target_model,
        "language": voice.language,
        "voice_prompt": voice.voice_prompt,
        "preview_text": voice.preview_text,
        "gmt_create": voice.gmt_create,
        "gmt_modified": voice.gmt_create,
    }


def asked_target(house: House, call: Call) -> str:
    """Return the model that the voice is for, if it is one that speaks with designed voices."""
    target = require(call.fields, "target_model")
    if target not in DESIGN_TARGETS or target in house.switchboard.now.retired:
        raise invalid(f"Unsupported target_model: {target}")
    return target


def asked_name(house: House, call: Call) -> str:
    """Return the asked name; without one a name of our own, since the voice's name has a place for it."""
    if call.fields.get("preferred_name") is None and not house.switchboard.now.preferred_name_required:
        return "custom"
    name = require(call.fields, "preferred_name")
    if NAME.fullmatch(name) is None:
        raise invalid("preferred_name should be 1 to 16 letters, digits or underscores")
    return name


def asked_language(call: Call) -> Language:
    """Return the language of the preview."""
    code = call.fields.get("language") or Language.CHINESE
    try:
        return Language(str(code))
    except ValueError:
        raise invalid(f"Unsupported language: {code}") from None


def asked_form(call: Call) -> tuple[int, str]:
    """Return the preview's sample rate in Hz and its format."""
    rate_hz = whole_number(call.parameters, "sample_rate", 24_000, low=1, high=2**31)
    form = call.parameters.get("response_format", "wav")
    if rate_hz not in audio.PREVIEW_RATES_HZ:
        raise invalid(f"Unsupported sample_rate: {rate_hz}")
    if form not in audio.PREVIEW_FORMATS:
        raise invalid(f"Unsupported response_format: {form}")
    return rate_hz, str(form)


def check_texts(prompt: str, preview_text: str) -> None:
    """Refuse a description or a preview that is too long, in another language, or nothing to speak."""
    for name, text, limit in (
        ("voice_prompt", prompt, PROMPT_LIMIT_CHARS),
        ("preview_text", preview_text, PREVIEW_LIMIT_CHARS),
    ):
        if len(text) > limit:
            raise invalid(f"{name} is too long: {len(text)} characters, the maximum is {limit}")
    if not is_chinese_or_english(prompt):
        raise invalid("voice_prompt should be in Chinese or English")
    if not any(char.isalnum() for char in preview_text):
        raise invalid("Please ensure input text is valid.")


def voice_name(name: str, now_s: float) -> str:
    """Return a voice's name: 17 digits of the service's local time in ms, and four of chance."""
    moment = datetime.fromtimestamp(now_s, SERVICE_ZONE)
    digits = f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1_000:03d}"
    return f"qwen-tts-vd-{name}-voice-{digits}-{secrets.token_hex(2)}"
