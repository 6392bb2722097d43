"""What is taken out of CosyVoice's answers about voices; a synthesis is answered as by its Qwen sisters.

Invariant: a voice's name must be there and sound, or the answer is `Misshapen`; a status that the documents do not know
is a review that is not over, so that nothing is spoken with such a voice.

Source: alibabacloud.com, model-studio cosyvoice-clone-design-api (voice design API reference).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from narration.services.envelope import Json, Misshapen
from narration.services.reading import Part, VoiceName, bytes_of, text_of, usage_count, validated
from narration.voice import DesignAnswer, RemoteVoice, VoiceStatus

STATUSES: Final = MappingProxyType(
    {"OK": VoiceStatus.READY, "DEPLOYING": VoiceStatus.PENDING, "UNDEPLOYED": VoiceStatus.REJECTED}
)
"""The service's words for what becomes of a design: under review, passed, refused."""


class _Design(Part):
    voice_id: VoiceName
    target_model: str | None = None
    preview_audio: object = None


class _Listed(Part):
    voice_id: VoiceName
    status: object = None
    target_model: object = None
    voice_prompt: object = None
    preview_text: object = None
    gmt_create: object = None


class _Queried(Part):
    voice_id: VoiceName | None = None
    status: object = None
    target_model: object = None
    voice_prompt: object = None
    preview_text: object = None
    gmt_create: object = None


class _Page(Part):
    voice_list: list[_Listed]


def read_design(content: Json, request_id: str, target_model: str) -> DesignAnswer:
    """The answer to a creation; the voice is reviewed before it may speak.

    Raises:
        Misshapen: no name of a voice, or a voice for another model than was asked for.
    """
    design = validated(_Design, content.get("output"), "output.voice_id")
    if design.target_model not in {None, "", target_model}:
        raise Misshapen(f"the voice {design.voice_id} is for {design.target_model}, not for {target_model} as asked")
    preview = design.preview_audio if isinstance(design.preview_audio, dict) else {}
    billed = usage_count(content, "count")
    return DesignAnswer(
        voice=design.voice_id,
        status=VoiceStatus.PENDING,
        preview_audio=bytes_of(preview.get("data")),
        preview_format=text_of(preview.get("response_format")) or "wav",
        request_id=request_id,
        billed_voices=1 if billed is None else billed,
    )


def read_query(content: Json, voice: str) -> RemoteVoice:
    """One voice; some answers leave out its name, which was asked for by it.

    Raises:
        Misshapen: no object, or one about another voice.
    """
    found = validated(_Queried, content.get("output"), "output")
    if found.voice_id not in {None, voice}:
        raise Misshapen(f"the answer is about the voice {found.voice_id}, not {voice} as asked")
    return _remote(voice, found)


def read_page(content: Json) -> tuple[RemoteVoice, ...]:
    """One page of voices; the service does not say how many there are.

    Raises:
        Misshapen: no list, or an entry without a name.
    """
    page = validated(_Page, content.get("output"), "output.voice_list")
    return tuple(_remote(item.voice_id, item) for item in page.voice_list)


def _remote(voice: str, item: _Listed | _Queried) -> RemoteVoice:
    return RemoteVoice(
        voice=voice,
        target_model=text_of(item.target_model),
        status=STATUSES.get(text_of(item.status).upper(), VoiceStatus.PENDING),
        voice_prompt=text_of(item.voice_prompt),
        preview_text=text_of(item.preview_text),
        created_at=text_of(item.gmt_create),
    )
