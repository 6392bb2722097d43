"""The journal of paid calls: what was answered lies in the store before anything else happens.

Entries lie beside the claim they were made under (`open/<subject>/answer-<generation>.json`) and are removed with it
once the thing they paid for is stored. Where the answer was the sound itself, it lies beside the entry as it came
(`audio-<generation>.bin`) and is there before the entry is. Invariant: whatever moment a run dies at, the claims and
entries of a subject tell which calls were answered, and which were sent and perhaps never answered; of an answered one
the sound is here, or the entry says where it is to be had.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from narration.chat import ChatAsk, ChatSaid
from narration.errors import StoreError
from narration.hearing import HearingAsk, Transcript
from narration.memory.claims import OPEN, Claim, decode_claim, generation_of
from narration.row import Row
from narration.take import Receipt, SpeechAsk
from narration.typed import read_as
from narration.voice import VoiceDesign, VoiceStatus

if TYPE_CHECKING:
    from narration.memory.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A paid answer.

    Attributes:
        generation: of the claim it was paid under.
        row: the call's row of the ledger; its `audio_s` may still be unknown.
        receipt: what leads to the sound; for a design, the request id, and the task where one is to be polled.
        account: fingerprint of the account that paid; empty in entries of older versions.
        profile: name of the profile that it was paid with, for messages; likewise.
        audio_sha256: of the sound that lies beside the entry; empty where none does.
        ask: what was asked, for a synthesis.
        design: what was asked, for a design.
        voice: the service's name of a designed voice; empty for a synthesis.
        status: of a designed voice; one that is pending is reviewed before it is kept.
        preferred_name: the name that was asked for; empty for a synthesis.
        preview_b64: its preview audio, base64; empty for a synthesis.
        preview_format: of the preview.
        question, said: what was asked of a language model, and what it answered; None elsewhere.
        listened, transcript: what a recogniser was asked to hear, and what it heard; likewise.
    """

    generation: int
    row: Row
    receipt: Receipt
    account: str = ""
    profile: str = ""
    audio_sha256: str = ""
    ask: SpeechAsk | None = None
    design: VoiceDesign | None = None
    voice: str = ""
    status: VoiceStatus = VoiceStatus.READY
    preferred_name: str = ""
    preview_b64: str = ""
    preview_format: str = ""
    question: ChatAsk | None = None
    said: ChatSaid | None = None
    listened: HearingAsk | None = None
    transcript: Transcript | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that is open on one subject.

    Attributes:
        claims: oldest first.
        answers: oldest first.
        resent: for each generation, how many further attempts were sent after one that ended in doubt.
    """

    claims: tuple[Claim, ...]
    answers: tuple[Answer, ...]
    resent: dict[int, int]


class Journal:
    """Journal entries of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def answered(self, subject: str, answer: Answer) -> None:
        """Write an answer down, its sound first where it came along.

        Raises:
            StoreError: the store cannot be written.
        """
        sound = answer.receipt.audio
        if sound is not None:
            await self._store.put(_audio_key(subject, answer.generation), sound)
            answer = replace(answer, audio_sha256=hashlib.sha256(sound).hexdigest())
        plain = asdict(replace(answer, receipt=replace(answer.receipt, audio=None)))
        record = json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()
        await self._store.put(f"{OPEN}/{subject}/answer-{answer.generation:06d}.json", record)

    async def with_audio(self, subject: str, answer: Answer) -> Answer:
        """The answer with the sound that lies beside it; as it is, where none does or it is not whole.

        Raises:
            StoreError: the store cannot be read.
        """
        if not answer.audio_sha256:
            return answer
        sound = await self._store.get(_audio_key(subject, answer.generation))
        if sound is None or hashlib.sha256(sound).hexdigest() != answer.audio_sha256:
            return answer
        return replace(answer, receipt=replace(answer.receipt, audio=sound))

    async def sending_again(self, claim: Claim, attempt: int) -> None:
        """Write down that a further attempt is about to be sent while an earlier one is in doubt.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._store.put(f"{OPEN}/{claim.subject}/resent-{claim.generation:06d}-{attempt}.json", b"{}")

    async def history(self, subject: str) -> History:
        """Everything open on a subject.

        Raises:
            StoreError: the store cannot be read, or holds what is not ours.
        """
        claims, answers, resent = [], [], dict[int, int]()
        for key in await self._store.keys(f"{OPEN}/{subject}/"):
            name, generation = key.rpartition("/")[2], generation_of(key)
            if not generation or name.startswith("audio-"):  # not ours, or read with its answer
                continue
            if name.startswith("resent-"):
                resent[generation] = resent.get(generation, 0) + 1
                continue
            data = await self._store.get(key)
            if data is None:
                continue
            try:
                if name.startswith("claim-"):
                    claims.append(decode_claim(data))
                else:
                    answers.append(read_as(Answer, data))
            except ValueError as error:
                raise StoreError(
                    f"{self._store.url}/{key} is not a journal entry: {error}.", "Move it away and run again."
                ) from error
        return History(claims=tuple(claims), answers=tuple(answers), resent=resent)

    async def open_tasks(self, production: str, left_out: frozenset[str]) -> tuple[Row, ...]:
        """The rows of tasks that were paid for and may not have ended: the ledger gets them when they have.

        Args:
            production: as the rows name it.
            left_out: run ids whose tasks do not count.

        Raises:
            StoreError: the store cannot be read, or holds what is not ours.
        """
        found = set()
        for key in await self._store.keys(f"{OPEN}/"):
            if "/answer-" in key:
                found.add(key.split("/")[-2])
        answers = [answer for subject in sorted(found) for answer in (await self.history(subject)).answers[-1:]]
        rows = (answer.row for answer in answers if answer.receipt.task_id)
        return tuple(row for row in rows if row.production == production and row.run_id not in left_out)

    async def subjects(self) -> tuple[str, ...]:
        """Every subject that something is open on.

        Raises:
            StoreError: the store cannot be read.
        """
        return tuple(await self._store.folders(OPEN))


def _audio_key(subject: str, generation: int) -> str:
    return f"{OPEN}/{subject}/audio-{generation:06d}.bin"
