"""CosyVoice: voice design by `voice-enrollment`, and speech over HTTP or over a WebSocket.

Invariant: a creation is never sent again in doubt, and a new voice counts as under review until the service says
otherwise; the same ask is the same request, whatever it goes over.

Source: alibabacloud.com, model-studio cosyvoice-clone-design-api and cosyvoice-tts-http-api.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from narration.errors import CallFacts, LinkExpired, VoiceMissing
from narration.services.api import ApiCall, ApiDoor, Repeat
from narration.services.conversation import SocketDoor
from narration.services.cosyvoice_answers import read_design, read_page, read_query
from narration.services.cosyvoice_asks import KIND, design_body, speech_fields
from narration.services.cosyvoice_task import conversation
from narration.services.download import Downloads
from narration.services.envelope import Json
from narration.services.keys import ApiKey
from narration.services.limits import limits_of
from narration.services.naming import voice_prefix
from narration.services.protocol import Designed, Gate, Listed, OpenGate, ServiceLimits, Spoken
from narration.services.qwen_answers import read_speech
from narration.settings.settings import ServiceSettings
from narration.take import Receipt, SpeechAsk
from narration.voice import RemoteVoice, VoiceDesign

T = TypeVar("T")

CUSTOMIZATION: Final = "/services/audio/tts/customization"
SYNTHESIS: Final = "/services/audio/tts/SpeechSynthesizer"

PAGE_SIZE: Final = 100
PAGES_MOST: Final = 200
"""The list does not say how long it is: it ends with a page that is not full, and here at the latest."""


class CosyVoiceService:
    """One account's CosyVoice voices and speech.

    Args:
        service: where it is, and its models.
        key: of the account.
        door: calls to it.
        downloads: fetches its files.
        tasks: conversations with it; None where texts go over HTTP.
    """

    def __init__(
        self,
        *,
        service: ServiceSettings,
        key: ApiKey,
        door: ApiDoor,
        downloads: Downloads,
        tasks: SocketDoor | None = None,
    ) -> None:
        self._service = service
        self._account = key.account
        self._door = door
        self._downloads = downloads
        self._tasks = tasks

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
        """A prefix for a new voice: ten small letters and digits; distinct for distinct characters."""
        return voice_prefix(character)

    async def design(self, design: VoiceDesign, preferred_name: str, gate: Gate) -> Designed:
        """Create a voice, which the service then reviews; an attempt that ends in doubt is not repeated.

        Raises:
            TextRefused: a language or a length that the service does not take; nothing was sent.
            ServiceError: its refusal, or no answer; `call.in_doubt` is 1 when the voice may exist nevertheless.
        """
        answer, call = await self._door.ask(
            ApiCall(
                action="design",
                model=design.design_model,
                path=CUSTOMIZATION,
                body=design_body(
                    design,
                    preferred_name,
                    preview_rate_hz=self._service.preview_rate_hz,
                    preview_format=self._service.preview_format,
                ),
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
        call = self._free_call("query", "query_voice", {"voice_id": voice}, lambda content: read_query(content, voice))
        try:
            return await self._door.ask(call, OpenGate())
        except VoiceMissing as missing:
            return None, missing.call or CallFacts(action="query", model=self._service.design_model)

    async def voices(self) -> Listed:
        """All voices of the account, designed or cloned, page by page until one is not full.

        Raises:
            ServiceError: a page could not be had.
        """
        found: dict[str, RemoteVoice] = {}
        facts = CallFacts(action="list", model=self._service.design_model, attempts=0)
        for index in range(PAGES_MOST):
            asked: Json = {"page_index": index, "page_size": PAGE_SIZE}
            page, call = await self._door.ask(self._free_call("list", "list_voice", asked, read_page), OpenGate())
            facts = _added(facts, call)
            before = len(found)
            found.update({voice.voice: voice for voice in page})
            if len(page) < PAGE_SIZE or len(found) == before:
                break
        return Listed(voices=tuple(found.values()), total=len(found), call=facts)

    async def delete(self, voice: str) -> CallFacts:
        """Delete a voice; one that is gone already is no error.

        Raises:
            ServiceError: it may still be there.
        """
        call = self._free_call("delete", "delete_voice", {"voice_id": voice}, lambda content: "output" in content)
        try:
            return (await self._door.ask(call, OpenGate()))[1]
        except VoiceMissing as missing:
            return missing.call or CallFacts(action="delete", model=self._service.design_model)

    async def speak(self, ask: SpeechAsk, gate: Gate) -> Spoken:
        """Ask for one text to be spoken; transient failures are retried, those in doubt too, and counted.

        Raises:
            TextRefused: the service does not speak the language; nothing was sent.
            ServiceRefused: an option that cannot be; nothing was sent. Or the service's own refusal.
            ServiceError: no usable answer.
        """
        fields = speech_fields(ask)
        if self._tasks is not None:
            sound, call = await self._tasks.converse(conversation(ask, fields), gate)
            receipt = Receipt(request_id=call.request_id, billed_characters=sound.characters, audio=sound.wav)
            return Spoken(receipt=receipt, call=call)
        receipt, call = await self._door.ask(
            ApiCall(
                action="synthesize",
                model=ask.model,
                path=SYNTHESIS,
                body={"model": ask.model, "input": {"text": ask.text, **fields}},
                repeat=Repeat.AT_LEAST_ONCE,
                read=read_speech,
            ),
            gate,
        )
        return Spoken(receipt=receipt, call=call)

    async def collect(self, receipt: Receipt) -> bytes:
        """Get the audio file that a receipt leads to; costs nothing and is repeated freely.

        Raises:
            LinkExpired: the link's time is over, or the sound came with the answer and is not kept any more.
            AudioRefused: what came is not a WAV file, or the link leads where it must not.
            ServiceUnavailable: the file could not be had.
        """
        if receipt.audio is not None:
            return receipt.audio
        if not receipt.url:
            raise LinkExpired(
                f"The sound of request {receipt.request_id} came with its answer, and is not kept any more.",
                "Run the same command again: it is asked for, and paid, once more.",
            )
        return await self._downloads.fetch(receipt.url, expires_at=receipt.expires_at, request_id=receipt.request_id)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._tasks is not None:
            await self._tasks.aclose()
        await self._door.aclose()
        await self._downloads.aclose()

    def _free_call(self, action: str, asked: str, more: Json, read: Callable[[Json], T]) -> ApiCall[T]:
        model = self._service.design_model
        return ApiCall(
            action=action,
            model=model,
            path=CUSTOMIZATION,
            body={"model": model, "input": {"action": asked, **more}},
            repeat=Repeat.FREE,
            read=lambda content, _request_id: read(content),
        )


def _added(first: CallFacts, later: CallFacts) -> CallFacts:
    """The facts of two calls that are one to the caller."""
    return replace(
        later,
        attempts=first.attempts + later.attempts,
        in_doubt=first.in_doubt + later.in_doubt,
        latency_ms=first.latency_ms + later.latency_ms,
    )
