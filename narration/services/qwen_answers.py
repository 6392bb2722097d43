"""What is taken out of DashScope's answers.

Invariant: what the purpose of a call needs (a voice's name, a link) must be there and sound, or the answer is
`Misshapen`; what is only told beside it (usage, times, a preview) may be missing or odd, since by then it is paid for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from narration.services.envelope import Json, Misshapen
from narration.services.reading import (
    COUNT_MOST,
    Part,
    VoiceName,
    bytes_of,
    count_of,
    text_of,
    usage_count,
    validated,
)
from narration.services.riff import wav_flaw
from narration.take import Receipt
from narration.voice import DesignAnswer, RemoteVoice, VoiceStatus

_LATEST: Final = 1 << 40


class _Audio(Part):
    url: str = ""
    data: object = None
    expires_at: object = None


class _Speech(Part):
    audio: _Audio


class _Design(Part):
    voice: VoiceName
    target_model: str | None = None
    preview_audio: object = None


class _Listed(Part):
    voice: VoiceName
    target_model: object = None
    language: object = None
    voice_prompt: object = None
    preview_text: object = None
    gmt_create: object = None


class _Page(Part):
    voice_list: list[_Listed]
    total_count: Annotated[int, Field(ge=0, le=COUNT_MOST)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the list of voices; `total` is None where the service does not say."""

    voices: tuple[RemoteVoice, ...]
    total: int | None


def read_speech(content: Json, request_id: str) -> Receipt:
    """The receipt of a synthesis; also understands the wrapping of some gateways.

    Where a link and the sound itself come together, both are kept; a sound that is not whole is left out then.

    Raises:
        Misshapen: neither a link nor a sound.
    """
    output = content.get("output")
    if isinstance(output, dict) and not output.get("audio"):
        output = {"audio": _wrapped_audio(output)}
    audio = validated(_Speech, output, "output.audio.url").audio
    sound = bytes_of(audio.data)
    flaw = wav_flaw(sound) if sound else None
    if not audio.url and (not sound or flaw is not None):
        said = f": {flaw.what}" if flaw is not None else ""
        raise Misshapen(f"the answer has no sound output.audio.url, and no whole sound instead{said}")
    return Receipt(
        request_id=request_id,
        billed_characters=usage_count(content, "characters"),
        url=audio.url,
        expires_at=(count_of(audio.expires_at, _LATEST) or 0) if audio.url else 0,
        audio=None if flaw is not None else sound or None,
    )


def read_design(content: Json, request_id: str, target_model: str) -> DesignAnswer:
    """The answer to a creation; a Qwen voice can be spoken with at once.

    Raises:
        Misshapen: no name of a voice, or a voice for another model than was asked for.
    """
    design = validated(_Design, content.get("output"), "output.voice")
    if design.target_model not in {None, "", target_model}:
        raise Misshapen(f"the voice {design.voice} is for {design.target_model}, not for {target_model} as asked")
    preview = design.preview_audio if isinstance(design.preview_audio, dict) else {}
    billed = usage_count(content, "count")
    return DesignAnswer(
        voice=design.voice,
        status=VoiceStatus.READY,
        preview_audio=bytes_of(preview.get("data")),
        preview_format=text_of(preview.get("response_format")) or "wav",
        request_id=request_id,
        billed_voices=1 if billed is None else billed,
    )


def read_query(content: Json) -> RemoteVoice:
    """One voice.

    Raises:
        Misshapen: no name of a voice.
    """
    return _remote(validated(_Listed, content.get("output"), "output.voice"))


def read_page(content: Json) -> Page:
    """One page of voices.

    Raises:
        Misshapen: no list, or an entry without a name.
    """
    page = validated(_Page, content.get("output"), "output.voice_list")
    return Page(voices=tuple(_remote(item) for item in page.voice_list), total=page.total_count)


def _remote(item: _Listed) -> RemoteVoice:
    return RemoteVoice(
        voice=item.voice,
        target_model=text_of(item.target_model),
        voice_prompt=text_of(item.voice_prompt),
        preview_text=text_of(item.preview_text),
        language=text_of(item.language),
        created_at=text_of(item.gmt_create),
    )


def _wrapped_audio(output: Json) -> object:
    """`output.choices[0].message.content[0].audio`, or None."""
    step: object = output
    for key in ("choices", 0, "message", "content", 0, "audio"):
        if isinstance(key, str) and isinstance(step, dict):
            step = step.get(key)
        elif isinstance(key, int) and isinstance(step, list) and step:
            step = step[key]
        else:
            return None
    return step
