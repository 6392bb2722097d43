"""Designed voices: what is asked of a service to make one, and what is kept of it.

Invariant: a voice id is the hash of everything that makes a voice (where, for whose account, from which words); a
voice is never replaced under the same id. Which voice a character has is a `Choice`, which changes by a person alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from narration.take import canonical_hash


class VoiceStatus(StrEnum):
    """What a service says of a design."""

    READY = "ready"
    PENDING = "pending"
    """Under review at the service; not yet to be spoken with."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceDesign:
    """Everything that makes a designed voice.

    Attributes:
        service: kind of the service.
        base_url: host and path of the account's API.
        account: fingerprint of the account's key, never the key.
        design_model: the model that designs.
        target_model: the model that will speak; a voice is bound to it.
        language: ISO 639-1, of the preview.
        voice_prompt: description of the sound.
        preview_text: what the preview says.
        version: 1; a redesign counts up.
    """

    service: str
    base_url: str
    account: str
    design_model: str
    target_model: str
    language: str
    voice_prompt: str
    preview_text: str
    version: int = 1

    @property
    def design_id(self) -> str:
        """The identity of the design in the voice bible."""
        return canonical_hash(asdict(self))

    @property
    def family(self) -> VoiceDesign:
        """The first version: what all versions of a design have in common."""
        return replace(self, version=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A character of a book or a series, at the place where a voice is made: who can have a voice chosen.

    Attributes:
        scope: the book, or the series, so that all of its books have one voice for a character; see `scope_of`.
        character: the name, case folded.
        service, base_url, target_model, language: as in `VoiceDesign`: a voice speaks nowhere else.
        account: likewise; empty in a plan that is made without a key.
    """

    scope: str
    character: str
    service: str
    base_url: str
    target_model: str
    language: str
    account: str

    @property
    def role_id(self) -> str:
        """The identity of the role, whatever the account."""
        return canonical_hash(asdict(replace(self, account="")))


def scope_of(series: str, production: str) -> str:
    """Within what a character is the same person: the series where there is one, else the book."""
    return f"series {' '.join(series.casefold().split())}" if series.strip() else f"book {production}"


def role_of(scope: str, character: str, design: VoiceDesign) -> Role:
    """The role that a design is made for."""
    return Role(
        scope=scope,
        character=" ".join(character.casefold().split()),
        service=design.service,
        base_url=design.base_url,
        target_model=design.target_model,
        language=design.language,
        account=design.account,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The voice that a person chose for a role.

    Attributes:
        role: for whom.
        design_id: of the voice.
        locked: whether it stays whatever the cast sheet says; else only as long as the description is the same.
        at: when it was chosen, ISO 8601, UTC.
    """

    role: Role
    design_id: str
    locked: bool
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignAnswer:
    """What a service answered to a design request.

    Attributes:
        voice: the service's own name of the voice.
        status: whether it can be spoken with.
        preview_audio: the preview file; empty where the service sends none.
        preview_format: `wav`, `mp3`, …
        request_id: the service's id of the answer.
        billed_voices: how many creations were billed.
        task_id: a task that will say the rest, or empty; see `narration.services.protocol.DesignsByTask`.
    """

    voice: str
    status: VoiceStatus
    preview_audio: bytes
    preview_format: str
    request_id: str
    billed_voices: int
    task_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteVoice:
    """A voice as the service lists it.

    Attributes:
        voice: the service's own name.
        target_model: the model it is bound to; empty where the service does not say.
        status: whether it can be spoken with.
        voice_prompt, preview_text, language: as given at creation; empty where the service does not say.
        created_at: as the service spells it.
    """

    voice: str
    target_model: str = ""
    status: VoiceStatus = VoiceStatus.READY
    voice_prompt: str = ""
    preview_text: str = ""
    language: str = ""
    created_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A designed voice, as the voice bible keeps it.

    Attributes:
        design: what it was made from.
        voice: the service's own name.
        preferred_name: the name that was asked for.
        character, production: for whom it was first made.
        created_at: ISO 8601, UTC.
        request_id: of the creation.
        price_usd: what the ledger holds for it.
        preview_format: `wav`, …; the preview itself lies beside the record.
        adopted: it was in the account before, and this store did not make it.
    """

    design: VoiceDesign
    voice: str
    preferred_name: str
    character: str
    production: str
    created_at: str
    request_id: str
    price_usd: float
    preview_format: str
    adopted: bool = False
