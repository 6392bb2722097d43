"""Voices of CosyVoice through `voice-enrollment`: design, clone, list, query, update, delete, and their review.

Invariant: a voice exists when, and only when, its creation is on the record; what becomes of its review is settled at
its creation, and shows itself when its time is over.

Source: alibabacloud.com, model-studio cosyvoice-clone-design-api (voice design API reference).
"""

import base64
import re
import secrets

from narration.sandbox import audio
from narration.sandbox.billing import billed_chars
from narration.sandbox.calls import Call, House, Outcome
from narration.sandbox.descriptions import design
from narration.sandbox.design import QUOTA_FULL
from narration.sandbox.languages import Language, is_chinese_or_english
from narration.sandbox.models import COSY_TARGETS, Family
from narration.sandbox.state import QuotaFullError, Voice
from narration.sandbox.wire import Body, RefusedError, envelope, invalid, require, whole_number

PROMPT_LIMIT_CHARS = 500
PREVIEW_LIMIT_CHARS = 200
PREFIX = re.compile(r"[A-Za-z0-9]{1,10}")
PREVIEW_RATES_HZ = (16_000, 24_000, 48_000)
PREVIEW_FORMATS = ("wav", "pcm", "mp3")
NOT_FOUND = "The resource does not exist."

ACTIONS = {
    "create_voice": "create",
    "list_voice": "list",
    "query_voice": "query",
    "update_voice": "query",
    "delete_voice": "delete",
}
"""The service's words for its actions, and what the record and the fault switches call them."""


async def answer(house: House, call: Call) -> Outcome:
    """Answer one of the five actions.

    Raises:
        RefusedError: as the documents say.
    """
    asked = call.fields.get("action")
    match asked:
        case "create_voice":
            return await _create(house, call)
        case "list_voice":
            return await _list(house, call)
        case "query_voice":
            return await _query(house, call)
        case "update_voice":
            return await _update(house, call)
        case "delete_voice":
            return await _delete(house, call)
        case None:
            raise invalid("Field required: input.action")
    raise invalid(f"Unsupported action: {asked}")


def status(house: House, voice: Voice) -> str:
    """Return where a voice is in its review: `DEPLOYING`, `OK` or `UNDEPLOYED`."""
    over_s, passed = house.state.review(voice.voice) or (0.0, True)
    if house.clock() < over_s:
        return "DEPLOYING"
    return "OK" if passed else "UNDEPLOYED"


async def _create(house: House, call: Call) -> Outcome:
    target_model, prefix, language = _target(house, call), _prefix(call), _language(call)
    cloned = call.fields.get("url") is not None and call.fields.get("voice_prompt") is None
    if cloned:
        prompt, preview_text = f"cloned from {require(call.fields, 'url')}", ""
    else:
        prompt, preview_text = require(call.fields, "voice_prompt"), require(call.fields, "preview_text")
        _check_texts(prompt, preview_text)
        house.inspect(prompt, preview_text)
    rate_hz, form = _preview_form(call)
    quota = house.switchboard.now.voice_quota
    if house.held(call.account, Family.COSY_DESIGN) >= quota:
        raise RefusedError(400, "Throttling.AllocationQuota", QUOTA_FULL)
    await house.latency(billed_chars(preview_text))

    traits = design(prompt, seed=house.chance.seed(call.account, prompt))
    now_s = house.clock()
    voice = Voice(
        account=call.account,
        family=Family.COSY_DESIGN,
        voice=f"{target_model}-{'' if cloned else 'vd-'}{prefix}-{secrets.token_hex(16)}",
        target_model=target_model,
        language=language,
        voice_prompt="" if cloned else prompt,
        preview_text=preview_text,
        created_s=now_s,
        traits=traits,
    )
    output: dict[str, object] = {"voice_id": voice.voice}
    if not cloned:
        data = await house.speaker.preview(traits, language, preview_text, rate_hz, form)
        preview = {"data": base64.b64encode(data).decode(), "sample_rate": rate_hz, "response_format": form}
        output |= {"target_model": target_model, "preview_audio": preview}
    try:
        house.state.add_voice(voice, call.row(voice=voice.voice, billed=True), quota, _review(house, prompt, now_s))
    except QuotaFullError:
        raise RefusedError(400, "Throttling.AllocationQuota", QUOTA_FULL) from None
    return Outcome(_body(output, call))


async def _list(house: House, call: Call) -> Outcome:
    page = whole_number(call.fields, "page_index", 0, low=0, high=2**31)
    size = whole_number(call.fields, "page_size", 10, low=1, high=2**31)
    prefix = call.fields.get("prefix")
    await house.latency(0)
    voices = house.state.voices(call.account, Family.COSY_DESIGN, 0, -1)
    if isinstance(prefix, str) and prefix:
        voices = tuple(voice for voice in voices if f"-{prefix}-" in voice.voice)
    house.state.record(call.row())
    return Outcome(_body({"voice_list": [_item(house, v) for v in voices[page * size : (page + 1) * size]]}, call))


async def _query(house: House, call: Call) -> Outcome:
    voice = await _found(house, call)
    if isinstance(voice, Outcome):
        return voice
    house.state.record(call.row(voice=voice.voice))
    link = {} if voice.voice_prompt else {"resource_link": "https://sandbox.invalid/sample.wav"}
    return Outcome(_body({**_item(house, voice), "target_model": voice.target_model, **link}, call))


async def _update(house: House, call: Call) -> Outcome:
    """Take another sample for a cloned voice; a designed one has none."""
    require(call.fields, "url")
    voice = await _found(house, call)
    if isinstance(voice, Outcome):
        return voice
    if voice.voice_prompt:
        raise invalid("A designed voice can not be updated.")
    house.state.record(call.row(voice=voice.voice))
    return Outcome(_body({}, call))


async def _delete(house: House, call: Call) -> Outcome:
    voice = await _found(house, call)
    if isinstance(voice, Outcome):
        return voice
    house.state.remove_voice(voice, call.row(voice=voice.voice))
    return Outcome(_body({}, call))


async def _found(house: House, call: Call) -> Voice | Outcome:
    """Return the caller's voice that `voice_id` names, or the answer that there is none.

    Raises:
        RefusedError: 400 `BadRequest.ResourceNotExist`, or no `voice_id`.
    """
    name = require(call.fields, "voice_id")
    await house.latency(0)
    voice = house.state.voice(call.account, Family.COSY_DESIGN, name)
    if voice is not None:
        return voice
    if house.switchboard.now.not_found_status == 400:
        raise RefusedError(400, "BadRequest.ResourceNotExist", NOT_FOUND)
    house.state.record(call.row(code="BadRequest.ResourceNotExist"))
    return Outcome(envelope("BadRequest.ResourceNotExist", NOT_FOUND, call.request_id))


def _item(house: House, voice: Voice) -> Body:
    told = {"voice_prompt": voice.voice_prompt, "preview_text": voice.preview_text} if voice.voice_prompt else {}
    times = {"gmt_create": voice.gmt_create, "gmt_modified": voice.gmt_create}
    return {"voice_id": voice.voice, **times, "status": status(house, voice), **told}


def _body(output: Body, call: Call) -> Body:
    """Return an answer; this family counts 1 in every one of them. Source: the samples of the documents."""
    return {"output": output, "usage": {"count": 1}, "request_id": call.request_id}


def _review(house: House, prompt: str, now_s: float) -> tuple[float, bool]:
    switches = house.switchboard.now
    passed = not any(word.casefold() in prompt.casefold() for word in switches.undeployed_words)
    return now_s + switches.deploying_s, passed


def _target(house: House, call: Call) -> str:
    target = require(call.fields, "target_model")
    if target not in COSY_TARGETS or target in house.switchboard.now.retired:
        raise invalid(f"Unsupported target_model: {target}")
    return target


def _prefix(call: Call) -> str:
    prefix = require(call.fields, "prefix")
    if PREFIX.fullmatch(prefix) is None:
        raise invalid("prefix should be 1 to 10 letters or digits")
    return prefix


def _language(call: Call) -> Language:
    """Return the language of the hints' first item, as the documents have it; Chinese without one."""
    hints = call.fields.get("language_hints") or [Language.CHINESE]
    first = hints[0] if isinstance(hints, list) and hints else hints
    if first not in (Language.CHINESE, Language.ENGLISH):
        raise invalid(f"Unsupported language_hints: {first}")
    return Language(str(first))


def _preview_form(call: Call) -> tuple[int, str]:
    """Return the preview's sample rate in Hz and its format."""
    rate_hz = whole_number(call.parameters, "sample_rate", 24_000, low=1, high=2**31)
    form = call.parameters.get("response_format", "wav")
    if rate_hz not in PREVIEW_RATES_HZ or rate_hz not in audio.PREVIEW_RATES_HZ:
        raise invalid(f"Unsupported sample_rate: {rate_hz}")
    if form not in PREVIEW_FORMATS:
        raise invalid(f"Unsupported response_format: {form}")
    return rate_hz, str(form)


def _check_texts(prompt: str, preview_text: str) -> None:
    for name, text, limit in (
        ("voice_prompt", prompt, PROMPT_LIMIT_CHARS),
        ("preview_text", preview_text, PREVIEW_LIMIT_CHARS),
    ):
        if len(text) > limit:
            raise invalid(f"{name} is too long: {len(text)} characters, the maximum is {limit}")
        if not is_chinese_or_english(text):
            raise invalid(f"{name} should be in Chinese or English")
