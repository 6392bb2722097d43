"""Qwen voice design and non-realtime synthesis, as DashScope speaks them.

Invariant: a request says everything that the documents ask for and nothing else; a creation always names its language
(the vendor's default is Chinese) and is never sent again in doubt.

Source: docs.qwencloud.com, Voice design; alibabacloud.com, model-studio qwen-tts-api.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from narration.errors import AnswerUnclear, CallFacts, ServiceRefused, VoiceMissing
from narration.services.api import ApiCall, ApiDoor, Repeat
from narration.services.download import Downloads
from narration.services.envelope import Json
from narration.services.keys import ApiKey
from narration.services.limits import language_type, limits_of, primary_language
from narration.services.naming import preferred_name
from narration.services.protocol import Designed, Gate, Listed, OpenGate, ServiceLimits, Spoken
from narration.services.qwen_answers import Page, read_design, read_page, read_query, read_speech
from narration.settings.settings import ServiceSettings
from narration.take import Receipt, SpeechAsk
from narration.voice import RemoteVoice, VoiceDesign

T = TypeVar("T")

KIND: Final = "qwen"
CUSTOMIZATION: Final = "/services/audio/tts/customization"
GENERATION: Final = "/services/aigc/multimodal-generation/generation"

PAGE_SIZE: Final = 100
PAGE_LAST: Final = 200
"""`page_index` goes from 0 to 200. Source: docs.qwencloud.com, Voice design, list."""

OPTIONS: Final = ("instructions",)
"""Options of `SpeechAsk` that a model of this family may know. Source: qwen-tts-api, instruct models only."""


class QwenService:
    """One account's Qwen voices and speech.

    Args:
        service: where it is, and its models.
        key: of the account.
        door: calls to it.
        downloads: fetches its files.
    """

    def __init__(self, *, service: ServiceSettings, key: ApiKey, door: ApiDoor, downloads: Downloads) -> None:
        self._service = service
        self._account = key.account
        self._door = door
        self._downloads = downloads

    @property
    def kind(self) -> str:
        """Row of the services table."""
        return KIND

    @property
    def account(self) -> str:
        """Fingerprint of the key."""
        return self._account

    @property
    def limits(self) -> ServiceLimits:
        """What one request may hold."""
        return limits_of(KIND)

    def preferred_name(self, character: str) -> str:
        """A name for a new voice: letters, digits, underscores, 16 of them; distinct for distinct characters."""
        return preferred_name(character)

    async def design(self, design: VoiceDesign, preferred_name: str, gate: Gate) -> Designed:
        """Create a voice; an attempt that ends in doubt is not repeated.

        Raises:
            TextRefused: the service does not speak the language; nothing was sent.
            ServiceError: its refusal, or no answer; `call.in_doubt` is 1 when the voice may exist nevertheless.
        """
        language_type(design.language)
        body: Json = {
            "model": design.design_model,
            "input": {
                "action": "create",
                "target_model": design.target_model,
                "voice_prompt": design.voice_prompt,
                "preview_text": design.preview_text,
                "preferred_name": preferred_name,
                "language": primary_language(design.language),
            },
            "parameters": {
                "sample_rate": self._service.preview_rate_hz,
                "response_format": self._service.preview_format,
            },
        }
        answer, call = await self._door.ask(
            ApiCall(
                action="design",
                model=design.design_model,
                path=CUSTOMIZATION,
                body=body,
                repeat=Repeat.AT_MOST_ONCE,
                read=lambda content, request_id: read_design(content, request_id, design.target_model),
            ),
            gate,
        )
        return Designed(answer=answer, call=call)

    async def query(self, voice: str) -> tuple[RemoteVoice | None, CallFacts]:
        """What the service knows of a voice; None when it has none of that name.

        Raises:
            ServiceError: it did not say.
        """
        call = self._free_call("query", {"voice": voice}, lambda content, _: read_query(content))
        try:
            return await self._door.ask(call, OpenGate())
        except VoiceMissing as missing:
            return None, missing.call or CallFacts(action="query", model=self._service.design_model)

    async def voices(self) -> Listed:
        """All designed voices of the account, page by page.

        Raises:
            ServiceError: a page could not be had.
        """
        found: dict[str, RemoteVoice] = {}
        facts: CallFacts | None = None
        total: int | None = None
        for index in range(PAGE_LAST + 1):
            page, call = await self._page(index)
            facts = call if facts is None else _added(facts, call)
            total = page.total
            before = len(found)
            found.update({voice.voice: voice for voice in page.voices})
            whole = len(found) >= total if total is not None else len(page.voices) < PAGE_SIZE
            if whole or len(found) == before:
                break
        if facts is None:  # pragma: no cover - the loop runs at least once
            raise AnswerUnclear("The list of voices has no page.")
        return Listed(voices=tuple(found.values()), total=max(len(found), total or 0), call=facts)

    async def delete(self, voice: str) -> CallFacts:
        """Delete a voice; one that is gone already is no error.

        Raises:
            ServiceError: it may still be there.
        """
        call = self._free_call("delete", {"voice": voice}, lambda content, _: "output" in content)
        try:
            return (await self._door.ask(call, OpenGate()))[1]
        except VoiceMissing as missing:
            return missing.call or CallFacts(action="delete", model=self._service.design_model)

    async def speak(self, ask: SpeechAsk, gate: Gate) -> Spoken:
        """Ask for one text to be spoken; transient failures are retried, those in doubt too, and counted.

        Raises:
            TextRefused: the service does not speak the language; nothing was sent.
            ServiceRefused: an option that the service does not know; nothing was sent. Or the service's own refusal.
            ServiceError: no usable answer.
        """
        unknown = [name for name, _ in ask.options if name not in OPTIONS]
        if unknown:
            raise ServiceRefused(f"{ask.model} has no option {', '.join(unknown)}; nothing was sent.", "Leave it out.")
        body: Json = {
            "model": ask.model,
            "input": {
                "text": ask.text,
                "voice": ask.voice,
                "language_type": language_type(ask.language),
                **dict(ask.options),
            },
        }
        receipt, call = await self._door.ask(
            ApiCall(
                action="synthesize",
                model=ask.model,
                path=GENERATION,
                body=body,
                repeat=Repeat.AT_LEAST_ONCE,
                read=read_speech,
                events=self._service.streaming,
            ),
            gate,
        )
        return Spoken(receipt=receipt, call=call)

    async def collect(self, receipt: Receipt) -> bytes:
        """Get the audio file that a receipt leads to; costs nothing and is repeated freely.

        Raises:
            LinkExpired: the link's time is over.
            AudioRefused: what came is not a WAV file, or the link leads where it must not.
            ServiceUnavailable: the file could not be had.
        """
        if receipt.audio is not None:
            return receipt.audio
        return await self._downloads.fetch(receipt.url, expires_at=receipt.expires_at, request_id=receipt.request_id)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._door.aclose()
        await self._downloads.aclose()

    async def _page(self, index: int) -> tuple[Page, CallFacts]:
        asked: Json = {"page_index": index, "page_size": PAGE_SIZE}
        return await self._door.ask(self._free_call("list", asked, lambda content, _: read_page(content)), OpenGate())

    def _free_call(self, action: str, more: dict[str, object], read: Callable[[Json, str], T]) -> ApiCall[T]:
        model = self._service.design_model
        body: Json = {"model": model, "input": {"action": action, **more}}
        return ApiCall(action=action, model=model, path=CUSTOMIZATION, body=body, repeat=Repeat.FREE, read=read)


def _added(first: CallFacts, later: CallFacts) -> CallFacts:
    """The facts of two calls that are one to the caller."""
    return replace(
        later,
        attempts=first.attempts + later.attempts,
        in_doubt=first.in_doubt + later.in_doubt,
        latency_ms=first.latency_ms + later.latency_ms,
    )
