"""The task gateway: voices and speech are tasks; a task's id is the receipt.

Invariant: what is paid for is known by its task id before it is asked for a second time; asking how far a task is
costs nothing, and no task is ever made in place of one that may still end well.

The gateway lists no voices and tells nothing of a single one, so an account cannot be searched here. It speaks with
one model only: voices for realtime models can be made there, and spoken nowhere.

Source: docs.evolink.ai, Qwen Voice Design; Qwen3 TTS VD; Get Task Detail.
"""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import Final

from narration.errors import (
    AnswerUnclear,
    AudioRefused,
    CallFacts,
    InputError,
    Problem,
    ServiceError,
    ServiceRefused,
    TextRefused,
)
from narration.services.api import ApiCall, ApiDoor, Repeat
from narration.services.callback import Callback
from narration.services.download import ANEW_HINT, Downloads
from narration.services.envelope import Json
from narration.services.gateway_answers import Task, data_of
from narration.services.gateway_tasks import LINK_LIFE_S, Tasks
from narration.services.http import Timing
from narration.services.keys import ApiKey
from narration.services.limits import LANGUAGE_TYPES, limits_of
from narration.services.naming import preferred_name
from narration.services.pricing import credits_usd
from narration.services.protocol import Designed, Gate, Listed, OpenGate, ServiceLimits, Spoken
from narration.services.riff import wav_flaw
from narration.settings.settings import ServiceSettings
from narration.take import Receipt, SpeechAsk
from narration.voice import DesignAnswer, RemoteVoice, VoiceDesign, VoiceStatus

log = logging.getLogger(__name__)

KIND: Final = "gateway"
CREDITS: Final = "/credits"
"""Tells what is left in the account; free. Source: docs.evolink.ai, Get Credits Usage."""

TARGETS: Final = MappingProxyType({"qwen3-tts-vd": "qwen3-tts-vd-2026-01-26"})
"""Models that speak there, and what a voice for each is made for. Source: docs.evolink.ai, Qwen Voice Design."""


class GatewayService:
    """One account's voices and speech at the gateway.

    Args:
        service: where it is, and its models.
        key: of the account.
        door: calls to it.
        tasks: makes and follows its tasks.
        downloads: fetches its files.
        callback: what it is to call when a task ends.
        timing: time and chance.

    Raises:
        InputError: the model cannot speak there.
    """

    def __init__(
        self,
        *,
        service: ServiceSettings,
        key: ApiKey,
        door: ApiDoor,
        tasks: Tasks,
        downloads: Downloads,
        callback: Callback,
        timing: Timing,
    ) -> None:
        if "realtime" in service.speech_model:
            raise InputError(
                Problem(
                    what=f"The gateway can make voices for {service.speech_model}, but it cannot speak with them.",
                    where=f"speech_model of profile {service.profile}",
                    expected="one of " + ", ".join(TARGETS),
                    hint="Nothing was sent. Take another model, or a profile of the vendor's own.",
                )
            )
        self._service, self._account, self._door, self._downloads = service, key.account, door, downloads
        self._tasks, self._callback, self._timing = tasks, callback, timing

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
        """Have a voice made by a task; an attempt that ends in doubt is not repeated.

        Raises:
            InputError: the callback address leads where it must not; nothing was sent.
            TextRefused: the service does not speak the language; nothing was sent.
            ServiceError: its refusal, or no answer; `call.in_doubt` is 1 when the task may exist nevertheless.
        """
        _language_type(design.language)
        await self._callback.check()
        body: Json = {
            "model": design.design_model,
            "voice_prompt": design.voice_prompt,
            "preview_text": design.preview_text,
            "preferred_name": preferred_name,
            "language": _primary(design.language),
            "sample_rate": self._service.preview_rate_hz,
            "response_format": self._service.preview_format,
            "target_model": TARGETS.get(design.target_model, design.target_model),
        }
        task, call = await self._tasks.create(
            "design", design.design_model, self._with_callback(body), Repeat.AT_MOST_ONCE, gate
        )
        pending = DesignAnswer(
            voice="",
            status=VoiceStatus.PENDING,
            preview_audio=b"",
            preview_format="wav",
            request_id=task.task_id,
            billed_voices=1,
            task_id=task.task_id,
        )
        return Designed(answer=pending, call=call, price_usd=self._price_usd(task))

    async def speak(self, ask: SpeechAsk, gate: Gate) -> Spoken:
        """Have one text spoken by a task; transient failures are retried, those in doubt too, and counted.

        Raises:
            InputError: the callback address leads where it must not; nothing was sent.
            TextRefused: the service does not speak the language; nothing was sent.
            ServiceRefused: a model or an option that the gateway does not know; nothing was sent. Or its own refusal.
            ServiceError: no usable answer.
        """
        if "realtime" in ask.model:
            raise ServiceRefused(
                f"The gateway does not speak with {ask.model}; nothing was sent.", "Use one of " + ", ".join(TARGETS)
            )
        if ask.options:
            names = ", ".join(name for name, _ in ask.options)
            raise ServiceRefused(f"{ask.model} has no option {names}; nothing was sent.", "Leave it out.")
        language_type = _language_type(ask.language)
        await self._callback.check()
        body: Json = {"model": ask.model, "prompt": ask.text, "voice": ask.voice, "language_type": language_type}
        task, call = await self._tasks.create(
            "synthesize", ask.model, self._with_callback(body), Repeat.AT_LEAST_ONCE, gate
        )
        created_s = task.created_s or int(self._timing.now())
        receipt = Receipt(request_id=task.task_id, task_id=task.task_id, expires_at=created_s + LINK_LIFE_S)
        return Spoken(receipt=receipt, call=call, price_usd=self._price_usd(task))

    async def collect(self, receipt: Receipt) -> bytes:
        """Wait for the task that a receipt leads to, and get its audio; costs nothing and is repeated freely.

        Raises:
            TaskFailed: the task failed.
            LinkExpired: the task or its link is too old.
            AudioRefused: what the task leads to is not a WAV file, or lies where it must not.
            ServiceUnavailable: the task has not ended in time, or the file could not be had.
            ServiceError: the gateway does not say how far the task is.
        """
        task = await self._tasks.ended(receipt.task_id, self._service.speech_model, receipt.expires_at)
        if not task.results:
            raise AudioRefused(f"The task {task.task_id} is completed, but it has no result.", ANEW_HINT)
        return await self._fetched(task, receipt.expires_at)

    async def designed(self, task_id: str, request_id: str) -> DesignAnswer:
        """Wait for the task that makes a voice; costs nothing and is repeated freely.

        Raises:
            TaskFailed: the task failed.
            LinkExpired: the gateway has forgotten the task.
            AnswerUnclear: it is completed and names no voice.
            ServiceUnavailable: it has not ended in time, or the gateway does not answer.
            ServiceError: the gateway does not say how far it is.
        """
        task = await self._tasks.ended(task_id, self._service.design_model)
        if not task.voice:
            raise AnswerUnclear(f"The task {task.task_id} is completed, but it names no voice.", "Run it again later.")
        preview = task.preview
        if not preview and task.results:
            try:
                preview = await self._fetched(task, 0)
            except ServiceError as error:
                log.warning("the preview of %s cannot be had: %s", task.voice, error.what)
        return DesignAnswer(
            voice=task.voice,
            status=VoiceStatus.READY,
            preview_audio=preview,
            preview_format="wav",
            request_id=request_id,
            billed_voices=1,
        )

    async def query(self, voice: str) -> tuple[RemoteVoice | None, CallFacts]:
        """Refused: the gateway tells nothing of a voice.

        Raises:
            ServiceRefused: always; nothing is sent.
        """
        raise ServiceRefused(
            f"The gateway cannot be asked for a voice ({voice}).",
            "Change the character's description in the cast sheet to have a new voice made.",
        )

    async def voices(self) -> Listed:
        """None, as the gateway lists no voices; asks what is left in the account, to see that the key is taken.

        Raises:
            ServiceError: the gateway does not answer, or not to this key.
        """
        call = ApiCall(
            action="list",
            model=self._service.design_model,
            path=CREDITS,
            body=None,
            repeat=Repeat.FREE,
            read=lambda content, _: bool(content),
            method="GET",
        )
        return Listed(voices=(), total=0, call=(await self._door.ask(call, OpenGate()))[1], told=False)

    async def delete(self, voice: str) -> CallFacts:
        """Refused: the gateway deletes no voices.

        Raises:
            ServiceRefused: always; nothing is sent.
        """
        raise ServiceRefused(f"The gateway cannot delete a voice ({voice}).", "It holds none that count against you.")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._door.aclose()
        await self._downloads.aclose()

    async def _fetched(self, task: Task, expires_at: int) -> bytes:
        data = data_of(task.results[0])
        if data is None:
            return await self._downloads.fetch(task.results[0], expires_at=expires_at, request_id=task.task_id)
        flaw = wav_flaw(data)
        if flaw is not None:
            raise AudioRefused(f"The result of task {task.task_id} is not the audio promised: {flaw.what}.", ANEW_HINT)
        return data

    def _with_callback(self, body: Json) -> Json:
        return {**body, "callback_url": self._callback.url} if self._callback.url else body

    def _price_usd(self, task: Task) -> float | None:
        return None if task.credits is None else credits_usd(task.credits, self._service.region)


def _primary(language: str) -> str:
    """The ISO 639-1 part of a language tag: `en` of `en-GB`."""
    return language.partition("-")[0].strip().lower()


def _language_type(language: str) -> str:
    """The gateway's name of a language, which is the vendor's.

    Raises:
        TextRefused: it does not speak it.
    """
    found = LANGUAGE_TYPES.get(_primary(language))
    if found is None:
        raise TextRefused(
            f"The service does not speak the language {language!r}; nothing was sent.",
            "It speaks " + ", ".join(LANGUAGE_TYPES) + ".",
        )
    return found
