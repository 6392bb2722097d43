"""Upkeep of the voices of an account: what is used, what vanished, what is soon cleaned away, what could go.

Invariant: looking changes nothing. A voice that somebody chose, or that a production was spoken with, is never proposed
for deletion, and nothing is deleted but by `delete_voice`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from narration.booth import Booth
from narration.desk import Desk
from narration.errors import InputError, Problem
from narration.memory.usage import Ledger
from narration.memory.voices import Voices
from narration.speak import take_of
from narration.take import SpeechAsk, Take
from narration.voice import RemoteVoice, Voice, VoiceDesign

FULL = 0.8
"""Share of an account's quota from which on it is told."""
CLEANED_AFTER_DAYS = 365
"""A voice that nothing was spoken with for so long is deleted by the vendor.

Source: alibabacloud.com model-studio, qwen-tts voice design: unused for one year.
"""
KEEP_BEFORE_DAYS = 45
"""So long before that it is spoken with, so that a job that runs once a month comes in time."""
YOUNG_DAYS = 30
"""A voice that was made within so many days may yet be spoken with: it is not proposed."""
_WORDS = {"zh": "你好。", "ja": "はい。", "ko": "네.", "ru": "Да.", "de": "Ja.", "fr": "Oui.", "es": "Sí.", "it": "Sì."}
_WORD = "Yes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A voice of the bible, and what became of it.

    Attributes:
        voice: as it is kept.
        chosen: for whom it was chosen.
        locked: whether any of those choices is locked.
        given_up: it was deleted, or gave way to another version.
        last_used: ISO 8601, UTC; when it was made, where nothing was spoken with it.
        spoken: whether a production was spoken with it.
    """

    voice: Voice
    chosen: tuple[str, ...]
    locked: bool
    given_up: bool
    last_used: str
    spoken: bool

    @property
    def needed(self) -> bool:
        """Whether it must stay: somebody chose it, or a production uses it."""
        return bool(self.chosen) or self.spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What an account holds.

    Attributes:
        profile: by which it was asked.
        total, most: voices, and how many there may be.
        told: whether the service lists its voices at all.
        vanished: in the bible, not given up, and no longer at the service.
        due: needed, and to be spoken with before they are cleaned away.
        prunable: in the bible, not needed, and not young.
        strangers: at the service, and not in the bible.
    """

    profile: str
    total: int
    most: int
    told: bool
    vanished: tuple[Kept, ...]
    due: tuple[Kept, ...]
    prunable: tuple[Kept, ...]
    strangers: tuple[RemoteVoice, ...]

    @property
    def nearly_full(self) -> bool:
        """Whether `FULL` of the quota is taken."""
        return self.total >= FULL * self.most


async def kept_voices(voices: Voices, ledger: Ledger) -> tuple[Kept, ...]:
    """Every voice of the bible, oldest first.

    Raises:
        StoreError: the store cannot be read.
    """
    used, choices = await ledger.last_spoken(), await voices.choices()
    found = []
    for voice in await voices.all():
        mine = [choice for choice in choices if choice.design_id == voice.design.design_id]
        at, spoken = used.get(voice.voice, (voice.created_at, False))
        found.append(
            Kept(
                voice=voice,
                chosen=tuple(f"{choice.role.character} ({choice.role.scope})" for choice in mine),
                locked=any(choice.locked for choice in mine),
                given_up=await voices.given_up(voice.design.design_id),
                last_used=at,
                spoken=spoken,
            )
        )
    return tuple(found)


def at_home(voice: Voice, booth: Booth) -> bool:
    """Whether a voice is one of the account that a booth asks."""
    design, service = voice.design, booth.settings.service
    place = "sandbox" if service.sandbox else service.base_url
    return (design.service, design.account, design.base_url, design.design_model) == (
        service.kind,
        booth.service.account,
        place,
        service.design_model,
    )


async def look(desk: Desk, booth: Booth) -> State:
    """Compare the bible with an account. Asks for the free list, and changes nothing.

    Raises:
        ServiceError: the service does not answer.
        StoreError: the store cannot be read or written.
    """
    listed = await booth.service.voices()
    await desk.note_free(booth, listed.call)
    mine = [kept for kept in await kept_voices(desk.voices, desk.ledger) if at_home(kept.voice, booth)]
    there = {remote.voice for remote in listed.voices}
    known = {kept.voice.voice for kept in mine}
    alive = [kept for kept in mine if not kept.given_up]
    present = [kept for kept in alive if kept.voice.voice in there or not listed.told]
    return State(
        profile=booth.profile,
        total=listed.total,
        most=booth.service.limits.voices_max,
        told=listed.told,
        vanished=tuple(kept for kept in alive if listed.told and kept.voice.voice not in there),
        due=tuple(
            kept for kept in present if kept.needed and _days(desk, kept) >= CLEANED_AFTER_DAYS - KEEP_BEFORE_DAYS
        ),
        prunable=tuple(kept for kept in present if not kept.needed and _days(desk, kept) >= YOUNG_DAYS),
        strangers=tuple(remote for remote in listed.voices if remote.voice not in known),
    )


def _days(desk: Desk, kept: Kept) -> float:
    now = datetime.fromisoformat(desk.now())
    return (now - datetime.fromisoformat(kept.last_used)) / timedelta(days=1)


def speaks_here(kept: Kept, booth: Booth) -> bool:
    """Whether a booth's model is the one that the voice is bound to."""
    return kept.voice.design.target_model == booth.settings.service.speech_model


async def keep_alive(desk: Desk, booth: Booth, kept: Kept) -> tuple[Take, bool]:
    """Speak one word with a voice, so that it is not cleaned away; once in a month, however often it is called.

    Returns:
        The take, and whether it was bought now.

    Raises:
        NarrationError: as `narration.speak.take_of`.
    """
    voice, service = kept.voice, booth.settings.service
    month = datetime.fromisoformat(desk.now())
    ask = SpeechAsk(
        service=service.kind,
        region=service.region,
        model=voice.design.target_model,
        voice=voice.voice,
        text=_WORDS.get(voice.design.language, _WORD),
        language=voice.design.language,
        ordinal=month.year * 100 + month.month,
    )
    return await take_of(desk, booth, ask, chapter=0, character=voice.character)


async def delete_voice(desk: Desk, booth: Booth, kept: Kept, *, why: str, also_spoken: bool = False) -> None:
    """Delete a voice at the service, and give it up in the bible, where its record and its preview stay.

    Args:
        desk: of the run.
        booth: of the voice's account.
        kept: the voice.
        why: for the record.
        also_spoken: whether one goes that a production was spoken with; one that is locked never goes.

    Raises:
        InputError: it is locked or chosen, or spoken with and nobody said so.
        ServiceError: it may still be there.
        StoreError: the store cannot be written.
    """
    voice = kept.voice
    if kept.locked or kept.chosen or (kept.spoken and not also_spoken):
        what = f"{voice.voice} is {'locked' if kept.locked else 'chosen' if kept.chosen else 'spoken with'}"
        hint = "`--also-spoken` deletes it all the same; its takes stay." if kept.spoken and not kept.chosen else ""
        hint = hint or f"Choose another for {', '.join(kept.chosen)}, or `narrate voices unlock --forget`."
        raise InputError(Problem(what=what, where="the voice", expected="one that nobody needs", hint=hint))
    call = await booth.service.delete(voice.voice)
    await desk.note_free(booth, call, voice=voice.voice)
    await desk.voices.give_up(voice, why, desk.now())


async def adopt(desk: Desk, booth: Booth, remote: RemoteVoice, character: str, design: VoiceDesign) -> Voice:
    """Take a voice over that is in the account and not in the bible.

    Args:
        desk: of the run.
        booth: of the account.
        remote: as the service lists it.
        character: for whom.
        design: of the character; what the service tells of the voice takes the place of what it says.

    Raises:
        InputError: the voice is bound to another model, or is in the bible already.
        StoreError: the store cannot be read or written.
    """
    for voice in await desk.voices.all():
        if voice.voice == remote.voice and not await desk.voices.given_up(voice.design.design_id):
            return voice
    if remote.target_model not in ("", design.target_model):
        raise InputError(
            Problem(
                what=f"{remote.voice} speaks with {remote.target_model} only",
                where=f"profile {booth.profile}",
                expected=f"a voice for {design.target_model}",
                hint="Name a profile of that model.",
            )
        )
    made = VoiceDesign(
        service=design.service,
        base_url=design.base_url,
        account=design.account,
        design_model=design.design_model,
        target_model=design.target_model,
        language=remote.language or design.language,
        voice_prompt=remote.voice_prompt or design.voice_prompt,
        preview_text=remote.preview_text or design.preview_text,
    )
    made = await _free_version(desk.voices, made)
    voice = Voice(
        design=made,
        voice=remote.voice,
        preferred_name="",
        character=character,
        production=desk.production,
        created_at=desk.now(),
        request_id="",
        price_usd=0.0,
        preview_format="wav",
        adopted=True,
    )
    await desk.voices.put(voice, b"")
    return voice


async def _free_version(voices: Voices, design: VoiceDesign) -> VoiceDesign:
    """The first version of a design of which there is no voice."""
    numbers = {one.design.version for one in await voices.all() if one.design.family == design.family}
    version = next(number for number in range(1, len(numbers) + 2) if number not in numbers)
    return replace(design, version=version)
