"""What a plan is made of: voices and chunks, and what the store knows of them.

Invariant: a chunk of a plan is asked for as it is, or as the pieces that the service forced upon it before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from narration.book import Chunk
from narration.cast import Character
from narration.halving import halves, lengths
from narration.memory.choices import Choice, Choices, as_chosen
from narration.memory.refusals import LengthLesson, Refusal, RefusalKind, Refusals, too_long
from narration.memory.takes import Takes
from narration.pickups import Key, Pickups
from narration.settings.settings import LengthUnit
from narration.take import SpeechAsk, Take
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
        plain: the request as the script has it, with ordinal 0 and whole, whatever was chosen and cut.
        nth: which of the chapter's chunks with that request, from 0.
    """

    chunk: Chunk
    booth: str
    design_id: str
    ask: SpeechAsk
    take: Take | None
    refusal: Refusal | None = None
    plain: SpeechAsk | None = None
    nth: int = 0

    @property
    def key(self) -> Key | None:
        """Under which a pickup of it is kept; None while its voice does not exist."""
        return (self.chunk.chapter, self.plain.take_id, self.nth) if self.plain and self.plain.voice else None

    def chosen(self, choices: Mapping[str, Choice]) -> PlannedChunk:
        """The chunk with the take that the store's choices name."""
        return replace(self, ask=as_chosen(self.ask, choices))

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
        choices: of the store.
        pickups: of the production.
    """

    takes: Takes
    refusals: Refusals
    language: str
    lessons: Mapping[str, Mapping[LengthUnit, LengthLesson]]
    choices: Choices
    pickups: Pickups

    async def resolve(self, chunks: list[PlannedChunk]) -> dict[Chunk, tuple[PlannedChunk, ...]]:
        """Each chunk with its take, the chosen one; one that was refused, as the pieces that it was cut into.

        Raises:
            StoreError: the store cannot be read.
        """
        # What a person decided for a place comes first.
        free = {one.ask.take_id for one in chunks if one.ask.voice and one.key not in self.pickups.by_key}
        choices = await self.choices.find(free)
        if choices:
            chunks = [one if one.key in self.pickups.by_key else one.chosen(choices) for one in chunks]
        with_voice = [planned for planned in chunks if planned.ask.voice]
        takes = await self.takes.find(planned.ask.take_id for planned in with_voice)
        missing = [planned.ask.take_id for planned in with_voice if planned.ask.take_id not in takes]
        refused = await self.refusals.find(missing)
        resolved: dict[Chunk, tuple[PlannedChunk, ...]] = {}
        cut: dict[Chunk, tuple[PlannedChunk, PlannedChunk]] = {}
        for planned in chunks:
            take = takes.get(planned.ask.take_id) if planned.ask.voice else None
            refusal = refused.get(planned.ask.take_id) if planned.ask.voice else planned.refusal
            choice = None if planned.key in self.pickups.by_key else choices.get(planned.ask.take_id)
            if choice is not None and choice.cut:
                pieces = planned.halves(self.language, within_sentences=False)
            else:
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
