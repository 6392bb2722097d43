"""What a plan is made of: voices and chunks, and what the store knows of them.

Invariant: a chunk of a plan is asked for as it is, or as the pieces that the service forced upon it before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from narration.book import Chunk
from narration.cast import Character
from narration.halving import halves, lengths
from narration.refusals import LengthLesson, Refusal, RefusalKind, Refusals, too_long
from narration.settings import LengthUnit
from narration.take import SpeechAsk, Take
from narration.takes import Takes
from narration.voice import Voice, VoiceDesign


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVoice:
    """A character who speaks in the plan.

    Attributes:
        character: of the cast.
        booth: key of the booth in which it sits.
        design: what the voice is made from.
        voice: the voice that is kept for it, or None: it is to be created.
        refusal: that the service refused the design before; then nothing is created, nor asked for. Else None.
        locked: a person chose this voice for good.
        changed: it is locked, and the cast sheet describes another by now: that is told, and nothing changes.

    A system voice is there for everybody: its `voice` is never None, and is in no voice bible.
    """

    character: Character
    booth: str
    design: VoiceDesign
    voice: Voice | None
    refusal: Refusal | None = None
    locked: bool = False
    changed: bool = False


def system_voice(character: Character, booth: str, design: VoiceDesign) -> PlannedVoice:
    """The voice of a character for whom none is designed."""
    voice = Voice(
        design=design,
        voice=character.system_voice,
        preferred_name="",
        character=character.name,
        production="",
        created_at="",
        request_id="",
        price_usd=0.0,
        preview_format="",
    )
    return PlannedVoice(character=character, booth=booth, design=design, voice=voice)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChunk:
    """A chunk, and what is known of its take.

    Attributes:
        chunk: what is said.
        booth: key of the booth in which it is said.
        design_id: of the voice that says it.
        ask: the request, its `voice` empty while the voice does not exist.
        take: the take that is in the store, or None: it is to be spoken.
        refusal: that the service refused these words before, and they cannot be cut smaller, or the voice that was to
            say them; else None.
    """

    chunk: Chunk
    booth: str
    design_id: str
    ask: SpeechAsk
    take: Take | None
    refusal: Refusal | None = None

    def ask_with(self, voice: Voice) -> SpeechAsk:
        """The request in a voice that exists."""
        return replace(self.ask, voice=voice.voice)

    def halves(self, language: str, *, within_sentences: bool) -> tuple[PlannedChunk, PlannedChunk] | None:
        """The chunk in two, or None where it cannot be cut (see `narration.halving`)."""
        pair = halves(self.chunk, language, within_sentences=within_sentences)
        if pair is None:
            return None
        first, second = (
            replace(self, chunk=chunk, ask=replace(self.ask, text=chunk.spoken), take=None, refusal=None)
            for chunk in pair
        )
        return first, second


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Finds what the store knows of planned chunks.

    Attributes:
        takes: of the store.
        refusals: of the store.
        language: of the book, ISO 639-1.
        lessons: what was learnt of the length limits, by key of the booth.
    """

    takes: Takes
    refusals: Refusals
    language: str
    lessons: Mapping[str, Mapping[LengthUnit, LengthLesson]]

    async def resolve(self, chunks: list[PlannedChunk]) -> dict[Chunk, tuple[PlannedChunk, ...]]:
        """Each chunk with its take; one that was refused, as the pieces that it was cut into.

        Raises:
            StoreError: the store cannot be read.
        """
        with_voice = [planned for planned in chunks if planned.ask.voice]
        takes = await self.takes.find(planned.ask.take_id for planned in with_voice)
        missing = [planned.ask.take_id for planned in with_voice if planned.ask.take_id not in takes]
        refused = await self.refusals.find(missing)
        resolved: dict[Chunk, tuple[PlannedChunk, ...]] = {}
        cut: dict[Chunk, tuple[PlannedChunk, PlannedChunk]] = {}
        for planned in chunks:
            take = takes.get(planned.ask.take_id) if planned.ask.voice else None
            refusal = refused.get(planned.ask.take_id) if planned.ask.voice else planned.refusal
            pieces = None if take else self._pieces(planned, refusal)
            if pieces is None:
                resolved[planned.chunk] = (replace(planned, take=take, refusal=refusal),)
            else:
                cut[planned.chunk] = pieces
        if cut:
            deeper = await self.resolve([piece for pair in cut.values() for piece in pair])
            for chunk, (first, second) in cut.items():
                resolved[chunk] = (*deeper[first.chunk], *deeper[second.chunk])
        return resolved

    def _pieces(self, planned: PlannedChunk, refusal: Refusal | None) -> tuple[PlannedChunk, PlannedChunk] | None:
        if refusal is not None and refusal.kind is RefusalKind.VOICE:
            return None
        for_length = (refusal is not None and refusal.kind is RefusalKind.LENGTH) or (
            refusal is None and too_long(lengths(planned.chunk.spoken), self.lessons[planned.booth])
        )
        return planned.halves(self.language, within_sentences=for_length) if refusal or for_length else None
