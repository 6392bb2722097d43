"""The switches of the sandbox: injected faults, latency, limits, and the points where the documents disagree.

Invariant: a name or value that no switch knows changes nothing and is refused with a clear sentence.

All can be given as options at the start and changed at run time by `PATCH /sandbox/faults`.
"""

import asyncio
import difflib
import random
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from narration.sandbox.billing import LengthUnit
from narration.sandbox.damage import KINDS, Damage

CALL_FAULTS = ("drop_before", "hang_before", "rate_429", "rate_500", "drop_after", "hang_after")
SPEECH_FAULTS = ("silent_wav", "runaway_wav", "expired_url", "cut", "damage")
CHAT_FAULTS = ("chat_prose", "chat_stranger", "chat_missing", "chat_broken", "chat_tool")
SOCKET_FAULTS = ("socket_late", "socket_wrong_order", "socket_binary", "socket_early_close", "socket_no_finish")
DOWNLOAD_FAULTS = ("download_500", "cut", "truncated_wav")


class BadSwitchError(ValueError):
    """A switch that does not exist or a value that it does not take."""


def _words(value: object) -> object:
    """Read `a,b` as two words."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _pairs(value: object) -> object:
    """Read `model=404,other=403` as a mapping; a bare model is 404."""
    if not isinstance(value, str):
        return value
    items = (item.strip().partition("=") for item in value.split(",") if item.strip())
    return {name: status or 404 for name, _, status in items}


def _none(value: object) -> object:
    """Read `none` as None."""
    return None if value == "none" else value


def _number(value: object) -> object:
    """Read digits as a number."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Rate = Annotated[float, Field(ge=0, le=1)]
Action = Literal["create", "list", "query", "delete", "synthesize", "poll", "chat", "transcribe"]
ACTIONS: tuple[Action, ...] = ("create", "list", "query", "delete", "synthesize", "poll", "chat", "transcribe")
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Kinds = Annotated[tuple[Damage, ...], BeforeValidator(_words)]
Actions = Annotated[tuple[Action, ...], BeforeValidator(_words)]
Status = Annotated[Literal[403, 404], BeforeValidator(_number)]
Limit = Annotated[int | None, Field(ge=0), BeforeValidator(_none)]


class Switches(BaseModel):
    """Every switch with its default, its unit in its name, and its meaning as the help text shows it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rate_429: Rate = Field(0.0, description="rate of requests refused with 429 (not billed)")
    rate_500: Rate = Field(0.0, description="rate of requests answered with 500 (not billed)")
    drop_before: Rate = Field(0.0, description="rate of connections dropped before any work (not billed)")
    drop_after: Rate = Field(0.0, description="rate of connections dropped after the work (billed, answer lost)")
    hang_before: Rate = Field(0.0, description="rate of requests that hang before any work (not billed)")
    hang_after: Rate = Field(0.0, description="rate of requests that hang after the work (billed, answer lost)")
    hang_s: Annotated[float, Field(ge=0)] = Field(3600.0, description="how long a hanging request hangs, in seconds")
    cut: Rate = Field(0.0, description="rate of downloads, event streams and socket answers cut off half way")
    truncated_wav: Rate = Field(0.0, description="rate of downloads that are well-formed HTTP with a cut WAV")
    download_500: Rate = Field(0.0, description="rate of downloads answered with 500")
    silent_wav: Rate = Field(0.0, description="rate of syntheses that are silence")
    runaway_wav: Rate = Field(0.0, description="rate of syntheses that babble on after the text")
    damage: Rate = Field(0.0, description="rate of syntheses with one thing the matter, of `damage_kinds`")
    damage_kinds: Kinds = Field(KINDS, description="what can be the matter: a list of " + ", ".join(KINDS))
    damage_words: Words = Field((), description="words whose texts have something the matter every time")
    damage_word_kinds: Kinds = Field((), description="what is the matter with these; none = `damage_kinds`")
    expired_url: Rate = Field(0.0, description="rate of syntheses whose link has expired already")
    chat_prose: Rate = Field(0.0, description="rate of chat answers that are prose")
    chat_stranger: Rate = Field(0.0, description="rate of chat answers with a name that is not on the list")
    chat_missing: Rate = Field(0.0, description="rate of chat answers that leave out a number")
    chat_broken: Rate = Field(0.0, description="rate of chat answers that are broken JSON")
    chat_tool: Rate = Field(0.0, description="rate of chat answers that call a tool")
    mishear: Rate = Field(0.0, description="rate of words that a recogniser mishears, the same ones every time")
    socket_late: Rate = Field(0.0, description="rate of socket answers that begin late")
    socket_late_s: Annotated[float, Field(ge=0)] = Field(30.0, description="how late these begin, in seconds")
    socket_wrong_order: Rate = Field(0.0, description="rate of socket answers whose last event comes first")
    socket_binary: Rate = Field(0.0, description="rate of socket answers with a binary frame where text is due")
    socket_early_close: Rate = Field(0.0, description="rate of sockets closed in good form half way (billed)")
    socket_no_finish: Rate = Field(0.0, description="rate of socket answers that never end (billed)")
    # Source: not documented for Qwen realtime; CosyVoice closes a connection after 60 s (cosyvoice-websocket-api).
    socket_idle_s: Annotated[float, Field(gt=0)] = Field(60.0, description="a socket idle for so long is closed")
    # Source: model-studio error-code page: "request timeout after 23 seconds".
    task_text_wait_s: Annotated[float, Field(gt=0)] = Field(23.0, description="a CosyVoice task waits so long for text")
    fault_actions: Actions = Field(ACTIONS, description="actions that these faults strike, comma-separated")

    latency_ms: Annotated[float, Field(ge=0)] = Field(0.0, description="added to every answer, in ms")
    latency_ms_per_char: Annotated[float, Field(ge=0)] = Field(0.0, description="added per billed character, in ms")

    # Source: a digest of the official table gives 180 a minute for the realtime sibling; the gate is RPM / 60.
    rpm: Limit = Field(180, description="requests per minute, account and model; none = no limit")
    rps: Limit = Field(3, description="requests per second, account and model; none = no limit")
    concurrency: Limit = Field(None, description="requests at once, account and model; none = no limit")
    retry_after_s: Annotated[float | None, Field(ge=0), BeforeValidator(_none)] = Field(
        None, description="Retry-After of a 429 in seconds; none = not sent"
    )

    # Source: model-studio qwen-tts-api: the link is valid for 24 hours.
    url_life_s: float = Field(86_400.0, description="life of a download link, in seconds")
    url_scheme: Literal["http", "https"] = Field("http", description="scheme of download links")
    wav_header: Literal["exact", "streaming"] = Field("exact", description="sizes in WAV headers; streaming: 2^31-1")

    poison_words: Words = Field((), description="words that content inspection refuses, comma-separated")
    # Source: docs.qwencloud.com "Voice design": 1,000 voices per account for Qwen-TTS.
    # Source: alibabacloud.com, model-studio cosyvoice-clone-design-api: DEPLOYING, then OK or UNDEPLOYED.
    deploying_s: Annotated[float, Field(ge=0)] = Field(0.0, description="how long a CosyVoice design is DEPLOYING")
    undeployed_words: Words = Field((), description="words in a CosyVoice description that end UNDEPLOYED")
    cosy_http: bool = Field(default=True, description="answer CosyVoice over HTTP; older pages do not")
    voice_quota: Annotated[int, Field(ge=0)] = Field(1_000, description="designed voices per account and family")
    voices_beside: Annotated[int, Field(ge=0)] = Field(
        0, description="voices that each account holds beside those made here: counted, and not listed"
    )
    # Source: model-studio qwen-tts-api: 600 characters a request.
    length_limit: Annotated[int, Field(ge=0)] = Field(600, description="longest text of one request")
    length_unit: LengthUnit = Field(LengthUnit.WEIGHTED, description="unit of that limit: weighted, codepoints, bytes")
    retired: Annotated[dict[str, Status], BeforeValidator(_pairs)] = Field(
        {}, description="models out of service with their status, e.g. qwen-voice-design=404"
    )
    foreign_keys: Words = Field((), description="beginnings of keys that are of another region, comma-separated")
    region_told: bool = Field(default=False, description="say of such a key that it is of another region")
    usage_style: Literal["empty", "count"] = Field("empty", description="usage of list, query, delete: {} or count 0")
    not_found_status: Annotated[Literal[400, 200], BeforeValidator(_number)] = Field(
        400, description="status of an answer about a missing voice"
    )
    missing_delete_code: Literal["VoiceNotFound", "BadRequest.VoiceNotFound"] = Field(
        "VoiceNotFound", description="code when a missing voice is deleted"
    )
    preferred_name_required: bool = Field(default=False, description="refuse a create without preferred_name")
    # Source: model-studio structured output: JSON Schema is for some models only.
    chat_schema: bool = Field(default=True, description="take response_format json_schema; else it is refused")
    sse: bool = Field(default=True, description="answer event streams for voice-design synthesis")
    sse_style: Literal["events", "bare", "riff", "nolink", "json"] = Field(
        "events", description="event streams: as documented; data lines only; a WAV header first; no link; plain JSON"
    )

    # Source: docs.evolink.ai, Qwen3 TTS VD: about 10 s for speech, 15 s for a voice.
    task_s: Annotated[float, Field(ge=0)] = Field(0.0, description="how long a task of the gateway takes, in seconds")
    task_fail: Rate = Field(0.0, description="rate of tasks that fail (not billed)")
    task_fail_code: str = Field("service_error", description="error code of tasks that fail")
    task_stuck: Rate = Field(0.0, description="rate of tasks that stay at processing until this is 0 again")
    task_data_uri: bool = Field(default=False, description="results as data: URIs instead of links")
    callback_loopback: bool = Field(default=False, description="allow callbacks to this machine, http too, for tests")


NO_LIMITS: Mapping[str, object] = {"rpm": None, "rps": None, "concurrency": None}


class Switchboard:
    """The switches now in force, and the seeded chance that draws the faults.

    Attributes:
        now: the switches.
        changed: set when other switches are in force; those have an event of their own.
    """

    def __init__(self, switches: Switches, rng: random.Random) -> None:
        self.now = switches
        self.changed = asyncio.Event()
        self._rng = rng

    def change(self, changes: Mapping[str, object]) -> None:
        """Change some switches, all or none.

        Raises:
            BadSwitchError: an unknown name or a value out of range; nothing is changed.
        """
        self.now = read_switches({**self.now.model_dump(), **changes})
        self.changed.set()
        self.changed = asyncio.Event()

    def draw(self, names: Iterable[str], action: str | None = None) -> frozenset[str]:
        """Draw which faults strike one request; none when the action is spared."""
        switches = self.now
        if action is not None and action not in switches.fault_actions:
            return frozenset()
        rates = ((name, getattr(switches, name)) for name in names)
        return frozenset(name for name, rate in rates if rate and self._rng.random() < rate)

    def damage_of(self, text: str, faults: Iterable[str]) -> tuple[Damage, int] | None:
        """What is the matter with one synthesis, and the seed of how much; None where nothing is."""
        switches = self.now
        doomed = any(word.casefold() in text.casefold() for word in switches.damage_words)
        kinds = (doomed and switches.damage_word_kinds) or switches.damage_kinds
        if not kinds or not (doomed or "damage" in faults):
            return None
        return self._rng.choice(kinds), self._rng.randrange(2**31)


def read_switches(values: Mapping[str, object]) -> Switches:
    """Read switches from names and values, numbers also as text.

    Raises:
        BadSwitchError: an unknown name (the nearest one is named) or a value that does not fit.
    """
    known = Switches.model_fields
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f", did you mean `{near[0]}`?" if near else f"; known are: {', '.join(known)}"
            raise BadSwitchError(f"unknown switch `{name}`{hint}")
    try:
        return Switches.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        raise BadSwitchError(f"switch `{name}`: {first['msg']} (got {values.get(name)!r})") from error
