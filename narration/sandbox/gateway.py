"""The third-party gateway: voices and speech as tasks that are asked for until they end, billed in credits.

Invariant: what will become of a task is settled when it is made; a task that succeeds is billed once, then, and one
that fails is not billed at all.

Source: docs.evolink.ai, Qwen Voice Design; Qwen3 TTS VD; Get Task Detail; Error Codes Reference. Error bodies outside
of tasks, and the rate in credits, are not documented.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.responses import Response

from narration.sandbox import callbacks, design, wire
from narration.sandbox.billing import billed_chars, length
from narration.sandbox.calls import Call, House, Outcome
from narration.sandbox.descriptions import design as designed
from narration.sandbox.languages import AUTO, BY_TYPE, guess
from narration.sandbox.models import SYSTEM_VOICES, Family
from narration.sandbox.state import QuotaFullError, Voice
from narration.sandbox.synthesis import NOT_SPEAKABLE, SYSTEM_VOICE_REFUSED, VOICE_REFUSED
from narration.sandbox.wire import Body, RefusedError, invalid, require

ACTIONS: Mapping[Family, str] = {Family.TASK_DESIGN: "create", Family.TASK_SPEECH: "synthesize"}

SPEAKS = "qwen3-tts-vd-2026-01-26"
PROMPT_LIMIT_CHARS = 600
CREDITS_PER_VOICE = 2.0
# The documents' example reserves 0.32 for 63 characters.
CREDITS_PER_CHARACTER = 0.0051
ESTIMATED_S: Mapping[str, int] = {"tts": 10, "voice_design": 15}
MEDIA_TYPES: Mapping[str, str] = {"wav": "audio/wav", "pcm": "audio/pcm", "mp3": "audio/mpeg", "opus": "audio/ogg"}

_TASK_ID = re.compile(r"task-unified-\d{1,12}-[0-9a-z]{1,32}")
_TYPES: Mapping[int, str] = {401: "authentication_error", 402: "insufficient_quota_error", 403: "permission_error",
                             404: "not_found_error", 429: "rate_limit_error"}  # fmt: skip
_CODES = (
    ("InvalidApiKey", "invalid_api_key"),
    ("Throttling.AllocationQuota", "quota_exceeded"),
    ("Throttling", "quota_exceeded"),
    ("Model", "model_not_found"),
    ("InternalError", "service_error"),
    ("DataInspectionFailed", "content_policy_violation"),
    ("InvalidParameter", "invalid_parameters"),
    ("BadRequest", "invalid_parameters"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a task: a failure, or an audio file and what is told of it.

    Attributes:
        code, message: of the failure; empty when it succeeds.
        key: of the audio file, or empty.
        data_uri: the result itself, where there is no link.
        result_data: what is told beside the results.
    """

    code: str = ""
    message: str = ""
    key: str = ""
    data_uri: str = ""
    result_data: Body | None = None


def refusal(error: RefusedError, request_id: str) -> Response:
    """Return the response of a refusal, in this interface's envelope."""
    code = next((ours for theirs, ours in _CODES if error.code.startswith(theirs)), error.code)
    kind = _TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    body = {"error": {"code": code, "message": error.message, "type": kind}}
    return wire.answer(body, request_id, error.status, error.headers)


async def design_task(house: House, call: Call) -> Outcome:
    """Make a task that makes a voice.

    Raises:
        RefusedError: a field is missing or wrong.
    """
    call = replace(call, fields={"target_model": SPEAKS, **call.fields})
    target = design.asked_target(house, call)
    prompt, preview_text = require(call.fields, "voice_prompt"), require(call.fields, "preview_text")
    name, language = design.asked_name(house, call), design.asked_language(call)
    rate_hz, form = design.asked_form(call)
    design.check_texts(prompt, preview_text)
    callback_url = callbacks.asked_url(house, call)
    await house.latency(billed_chars(preview_text))

    failure = _refused(house, prompt, preview_text) or _struck(house)
    if failure is not None:
        return _made(house, call, "voice_design", CREDITS_PER_VOICE, failure, callback_url)
    traits, now_s = designed(prompt, seed=house.chance.seed(call.account, prompt)), house.clock()
    voice = Voice(
        account=call.account,
        family=Family.TASK_DESIGN,
        voice=design.voice_name(name, now_s),
        target_model=target,
        language=language,
        voice_prompt=prompt,
        preview_text=preview_text,
        created_s=now_s,
        traits=traits,
    )
    told = {"voice": voice.voice, "target_model": target, "sample_rate": rate_hz, "response_format": form}
    if (rate_hz, form) == (24_000, "wav") and not house.switchboard.now.task_data_uri:
        fate = Fate(key=await house.speaker.speak(traits, language, preview_text, frozenset()), result_data=told)
    else:
        data = await house.speaker.preview(traits, language, preview_text, rate_hz, form)
        fate = Fate(data_uri=_data_uri(data, form), result_data=told)
    task_id = _new_id(now_s)
    try:
        row = replace(call.row(voice=voice.voice, billed=True), request_id=task_id)
        house.state.add_voice(voice, row, house.switchboard.now.voice_quota)
    except QuotaFullError:
        full = Fate(code="invalid_parameters", message=design.QUOTA_FULL)
        return _made(house, call, "voice_design", CREDITS_PER_VOICE, full, callback_url)
    return _made(house, call, "voice_design", CREDITS_PER_VOICE, fate, callback_url, task_id)


async def speech_task(house: House, call: Call) -> Outcome:
    """Make a task that speaks.

    Raises:
        RefusedError: a field is missing or wrong.
    """
    text, name = require(call.fields, "prompt"), require(call.fields, "voice")
    language_type = str(call.fields.get("language_type") or AUTO).lower()
    if language_type != AUTO and language_type not in BY_TYPE:
        raise invalid(f"Unsupported language_type: {call.fields['language_type']}")
    if len(text) > PROMPT_LIMIT_CHARS:
        raise invalid(f"prompt is too long: {len(text)} characters, the maximum is {PROMPT_LIMIT_CHARS}")
    callback_url = callbacks.asked_url(house, call)
    chars = billed_chars(text)
    await house.latency(chars)

    cost = round(chars * CREDITS_PER_CHARACTER, 6)
    voice = house.state.voice(call.account, Family.TASK_DESIGN, name)
    failure = _unspeakable(house, text, name, voice) or _refused(house, text) or _struck(house)
    if failure is not None or voice is None:
        return _made(house, call, "tts", cost, failure or Fate(code="unknown_error"), callback_url)
    language = BY_TYPE.get(language_type) or guess(text, voice.language)
    key = await house.speaker.speak(voice.traits, language, text, call.faults)
    task_id, digest = _new_id(house.clock()), hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    row = call.row(voice=name, characters=chars, text_sha256=digest, billed=True)
    house.state.record(replace(row, request_id=task_id))
    fate = Fate(key=key)
    if house.switchboard.now.task_data_uri:
        fate = Fate(data_uri=_data_uri(house.speaker.fetch(key) or b"", "wav"))
    return _made(house, call, "tts", cost, fate, callback_url, task_id)


def task(house: House, account: str, task_id: str, origin: str) -> Body:
    """Return a task as it is now.

    Raises:
        RefusedError: it is no id of a task, or the account has no such task.
    """
    if _TASK_ID.fullmatch(task_id) is None:
        raise RefusedError(400, "invalid_task_id", f"Invalid task ID: {task_id[:100]}")
    found = house.state.task(account, task_id)
    if found is None:
        raise RefusedError(404, "resource_not_found", "Task not found or expired.")
    created_s, ready_s, credits_reserved, text = found
    record = json.loads(text)
    fate = Fate(**record["fate"])
    status, progress = _progress(house, created_s, ready_s, record["is_stuck"], fate)
    body: dict[str, object] = {
        "id": task_id,
        "object": "audio.generation.task",
        "type": "audio",
        "model": record["model"],
        "created": int(created_s),
        "status": status,
        "progress": progress,
        "task_info": {"can_cancel": status in {"pending", "processing"}, **record["info"]},
        "usage": {"credits_reserved": credits_reserved},
    }
    if status == "failed":
        body["error"] = {"code": fate.code, "message": fate.message, "type": "task_error"}
    if status == "completed":
        life_s = -1 if record["is_expired"] else house.switchboard.now.url_life_s
        link = house.links.make(origin, fate.key, record["request_id"], int(ready_s + life_s)) if fate.key else ""
        body["results"] = [link or fate.data_uri]
        if fate.result_data is not None:
            body["result_data"] = fate.result_data
    return body


def balance(house: House) -> Body:
    """Return what is left in an account, of a sum that never ends. Source: docs.evolink.ai, Get Credits Usage."""
    used = house.state.bill()["credits"]
    token = {"remaining_credits": 1_000_000.0, "unlimited_credits": True, "used_credits": used}
    user = {"remaining_credits": 1_000_000.0, "used_credits": used}
    return {"data": {"token": token, "user": user}, "message": "", "success": True}


def _progress(house: House, created_s: float, ready_s: float, is_stuck: bool, fate: Fate) -> tuple[str, int]:
    """Return status and percentage of a task at this moment."""
    now_s = house.clock()
    if is_stuck and house.switchboard.now.task_stuck:
        return "processing", 66
    if now_s >= ready_s:
        return ("failed", 0) if fate.code else ("completed", 100)
    share = (now_s - created_s) / (ready_s - created_s)
    return ("pending", 0) if share < 0.25 else ("processing", min(99, int(100 * share)))


def _made(
    house: House, call: Call, kind: str, cost: float, fate: Fate, callback_url: str, task_id: str = ""
) -> Outcome:
    """Keep a task, have its callback called when it ends, and answer with it as it begins."""
    now_s, switches = house.clock(), house.switchboard.now
    task_id = task_id or _new_id(now_s)
    info = {"estimated_time": ESTIMATED_S[kind], "audio_type": kind}
    record = {
        "model": call.model,
        "request_id": call.request_id,
        "info": info,
        "is_stuck": bool(house.switchboard.draw(("task_stuck",))),
        "is_expired": "expired_url" in call.faults,
        "fate": {name: getattr(fate, name) for name in Fate.__slots__},
    }
    house.state.add_task(
        {
            "id": task_id,
            "account": call.account,
            "created_s": now_s,
            "ready_s": now_s + switches.task_s,
            "credits": cost,
            "failed": bool(fate.code),
            "record": json.dumps(record),
        }
    )
    if fate.code:
        house.state.record(replace(call.row(code=fate.code), request_id=task_id))
    if callback_url:
        callbacks.promise(house, task_id, callback_url, lambda: task(house, call.account, task_id, call.origin))
    body: Body = {
        "id": task_id,
        "object": "audio.generation.task",
        "type": "audio",
        "model": call.model,
        "created": int(now_s),
        "status": "pending",
        "progress": 0,
        "task_info": {"can_cancel": True, **info},
        "usage": {"credits_reserved": cost},
    }
    return Outcome(body)


def _unspeakable(house: House, text: str, name: str, voice: Voice | None) -> Fate | None:
    """Return the failure of a text or a voice that the model behind the gateway does not take."""
    switches = house.switchboard.now
    if name in SYSTEM_VOICES:
        return Fate(code="invalid_parameters", message=SYSTEM_VOICE_REFUSED)
    if voice is None or voice.target_model != SPEAKS:
        return Fate(code="invalid_parameters", message=VOICE_REFUSED)
    if length(text, switches.length_unit) > switches.length_limit:
        inner = (
            f"<400> InternalError.Algo.InvalidParameter: Range of input length should be [0, {switches.length_limit}]"
        )
        return Fate(code="invalid_parameters", message=inner)
    if not any(char.isalnum() for char in text):
        return Fate(code="invalid_parameters", message=NOT_SPEAKABLE)
    return None


def _refused(house: House, *texts: str) -> Fate | None:
    """Return the failure of a text that content inspection refuses."""
    try:
        house.inspect(*texts)
    except RefusedError as error:
        return Fate(code="content_policy_violation", message=error.message)
    return None


def _struck(house: House) -> Fate | None:
    """Return the failure that chance brings."""
    if not house.switchboard.draw(("task_fail",)):
        return None
    return Fate(code=house.switchboard.now.task_fail_code, message="The task could not be completed.")


def _new_id(now_s: float) -> str:
    return f"task-unified-{int(now_s)}-{secrets.token_hex(4)}"


def _data_uri(data: bytes, form: str) -> str:
    return f"data:{MEDIA_TYPES[form]};base64,{base64.b64encode(data).decode()}"
