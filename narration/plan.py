"""Book + cast + store → Plan: what is to be spoken, what is there already, what the rest costs.

Invariant: a plan spends nothing, needs no key and no network, and a plan made right after a finished render has
nothing to buy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from narration.book import Book, ChapterChunks, ChapterScript, Chunk
from narration.booth import Seating, options_by_name
from narration.cast import Cast, Character
from narration.chunks import billed_characters, cut_chapter, verify_coverage
from narration.credits import without_credits
from narration.lexicon import Lexicon
from narration.lexicon.saying import as_said
from narration.memory.choices import Choices
from narration.memory.refusals import Refusals
from narration.memory.takes import Takes
from narration.memory.voices import Voices
from narration.pickups import Pickups, Reading
from narration.planned import Lookup, system_voice
from narration.planned import PlannedChunk as PlannedChunk
from narration.planned import PlannedVoice as PlannedVoice
from narration.production import Production
from narration.script import script_book
from narration.script.plays import strangers_in
from narration.script.policies import apply_policies
from narration.services.limits import EndOfService, end_of_service
from narration.services.options import carries, directed
from narration.services.pricing import cost_usd, price_of
from narration.services.protocol import Price
from narration.settings.settings import Settings
from narration.take import SpeechAsk
from narration.voice import Role, VoiceDesign, role_of, scope_of

LATIN_PER_S = 14.6
"""Characters of a Latin script spoken in a second. Source: 790,000 characters of English made 15 h of audio."""

WIDE_PER_S = 4.5
"""Han, kana and hangul characters spoken in a second: the middle of the 2.5 to 7 that recordings show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterPlan:
    """One chapter of the plan.

    Attributes:
        cut: its text, lines and chunks.
        chunks: in order, one for each of `cut.chunks`; one that the service refused is there in smaller pieces.
    """

    cut: ChapterChunks
    chunks: tuple[PlannedChunk, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a render would do.

    Attributes:
        production, seating, cast: what it was made from.
        book: the whole manuscript.
        chapters: those that were selected.
        voices: of the characters who speak in them, in the order of the cast.
        total_chapters: of the book, for track numbers.
    """

    production: Production
    seating: Seating
    cast: Cast
    book: Book
    chapters: tuple[ChapterPlan, ...]
    voices: tuple[PlannedVoice, ...]

    @property
    def settings(self) -> Settings:
        """Of the production's own booth."""
        return self.seating.settings

    @property
    def chunks_total(self) -> int:
        """Every chunk."""
        return sum(len(chapter.chunks) for chapter in self.chapters)

    def missing(self) -> tuple[PlannedChunk, ...]:
        """Chunks to be bought: of several that ask for the same take, the first."""
        first: dict[tuple[str, SpeechAsk], PlannedChunk] = {}
        for planned in (chunk for chapter in self.chapters for chunk in chapter.chunks):
            if planned.take is None and planned.refusal is None:
                first.setdefault((planned.design_id, planned.ask), planned)
        return tuple(first.values())

    @property
    def chunks_to_speak(self) -> int:
        """Distinct takes to buy."""
        return len(self.missing())

    @property
    def chunks_reused(self) -> int:
        """Chunks whose take is in the store."""
        return sum(1 for chapter in self.chapters for chunk in chapter.chunks if chunk.take is not None)

    @property
    def chunks_refused(self) -> int:
        """Chunks that the service refused to speak, or to make a voice for."""
        return sum(1 for chapter in self.chapters for chunk in chapter.chunks if chunk.refusal is not None)

    @property
    def requests(self) -> tuple[PlannedChunk, ...]:
        """Distinct takes of the whole plan, those in the store included."""
        chunks = (chunk for chapter in self.chapters for chunk in chapter.chunks)
        return tuple({(planned.design_id, planned.ask): planned for planned in chunks}.values())

    @property
    def directions(self) -> tuple[int, int]:
        """Lines whose direction goes along as an instruction, and those whose direction is neither sent nor spoken."""
        lines = (line for chapter in self.chapters for line in chapter.cut.script.lines)
        directed = [line for line in lines if line.direction and not line.skipped]
        carried = sum(
            carries(self.seating.booth_of(line.character).settings.service, line.direction) for line in directed
        )
        return carried, len(directed) - carried

    @property
    def strangers(self) -> tuple[tuple[str, int], ...]:
        """`(name, lines)` of the speakers of a play that the cast does not know."""
        return strangers_in((chapter.cut.script for chapter in self.chapters), self.cast)

    def removed(self, rule: str) -> int:
        """Stretches of text that are left unspoken by a rule (see `narration.book.Removal`)."""
        return sum(removal.rule == rule for chapter in self.chapters for removal in chapter.cut.removals)

    @property
    def characters_billed(self) -> int:
        """Of the takes to buy, as the service will count them."""
        return sum(billed_characters(planned.ask.text) for planned in self.missing())

    def voices_to_create(self) -> tuple[PlannedVoice, ...]:
        """Voices to be created; characters with the same design share one."""
        missing = [voice for voice in self.voices if voice.voice is None and voice.refusal is None]
        return tuple({voice.design: voice for voice in reversed(missing)}.values())[::-1]

    @property
    def booths(self) -> tuple[str, ...]:
        """Keys of the booths in which somebody speaks, the production's own first."""
        used = {voice.booth for voice in self.voices}
        return tuple(key for key in self.seating.booths if key in used) or (self.seating.main,)

    def endings(self) -> tuple[EndOfService, ...]:
        """Announced ends of the models that the plan has yet to ask."""
        services = {key: self.seating.booths[key].settings.service for key in self.booths}
        asked = [services[voice.booth].design_model for voice in self.voices_to_create()]
        asked += [planned.ask.model for planned in self.missing()]
        found = (end_of_service(model) for model in dict.fromkeys(asked))
        return tuple(end for end in found if end is not None)

    def prices(self, booth: str) -> tuple[Price, Price]:
        """Of one design, and of speech, in a booth."""
        service = self.seating.booths[booth].settings.service
        return price_of(service.design_model, service.region), price_of(service.speech_model, service.region)

    @property
    def cost_usd(self) -> float:
        """Voices and speech, not rounded."""
        prices = {booth: self.prices(booth) for booth in self.booths}
        voices = sum(cost_usd(prices[voice.booth][0], 1) for voice in self.voices_to_create())
        return voices + sum(
            cost_usd(prices[planned.booth][1], billed_characters(planned.ask.text)) for planned in self.missing()
        )

    @property
    def audio_s_estimate(self) -> float:
        """Length of the finished audio: known takes as measured, the rest by the usual pace, pauses as set."""
        audio, speech_s = self.settings.audio, 0.0
        before: tuple[int, int] | None = None
        for planned in (chunk for chapter in self.chapters for chunk in chapter.chunks):
            if planned.chunk.unison and planned.chunk.unison == before:
                continue
            before = planned.chunk.unison
            speech_s += planned.take.measures.audio_s if planned.take else spoken_s(planned.ask.text)
            pause_ms = planned.chunk.pause_ms
            speech_s += (getattr(audio, f"{planned.chunk.gap}_ms", 0) if pause_ms is None else pause_ms) / 1000
        return speech_s + len(self.chapters) * (audio.head_ms + audio.tail_ms) / 1000

    @property
    def time_s_estimate(self) -> float:
        """How long buying takes at the rates that the services allow, side by side; 0 without a limit."""
        counts = Counter(planned.booth for planned in self.missing())
        rates = {key: booth.settings.limits.per_minute for key, booth in self.seating.booths.items()}
        return max((60.0 * count / rates[key] for key, count in counts.items() if rates[key]), default=0.0)


def spoken_s(text: str) -> float:
    """About how long a text is when spoken, in seconds."""
    wide = sum(1 for char in text if char >= "\u2e80")
    return wide / WIDE_PER_S + (len(text) - wide) / LATIN_PER_S


def design_of(character: Character, production: Production, settings: Settings, account: str) -> VoiceDesign:
    """What the voice of a character is made from."""
    service = settings.service
    return VoiceDesign(
        service=service.kind,
        base_url="sandbox" if service.sandbox else service.base_url,
        account=account,
        design_model=service.design_model,
        target_model=service.speech_model,
        language=production.language,
        voice_prompt=character.voice,
        preview_text=character.preview,
    )


async def make_plan(
    production: Production,
    cast: Cast,
    book: Book,
    seating: Seating,
    *,
    takes: Takes,
    voices: Voices,
    refusals: Refusals,
    choices: Choices,
    chapters: frozenset[int] | None = None,
    scripts: Mapping[int, ChapterScript] = MappingProxyType({}),
    lexicon: Lexicon | None = None,
    pickups: Pickups | None = None,
) -> Plan:
    """Compare a book with the store.

    Args:
        production: what to make.
        cast: who speaks.
        book: the manuscript as read.
        seating: who speaks in which booth; without an account there, a voice of any one account counts.
        takes: of the store.
        voices: of the store.
        refusals: of the store.
        choices: of the store.
        chapters: numbers of the chapters to plan; None is all.
        scripts: the lines of chapters that have a script file, by number; the others are attributed.
        lexicon: how words are said; an edit makes stale the lines that hold the word, and no other.
        pickups: of the production: what was recorded again, and which take is heard.

    Raises:
        InputError: what the cast sheet or the settings ask for is not to be had from the service.
        StoreError: the store cannot be read.
    """
    options = options_by_name(cast, production.language, seating)
    selected = [chapter for chapter in book.chapters if chapters is None or chapter.number in chapters]
    lines = dict(scripts)
    if any(chapter.number not in lines for chapter in selected):
        # The whole book, whatever is selected: who speaks in a chapter does not depend on the selection.
        attributed = script_book(without_credits(book), cast, language=production.language)
        lines = {script.chapter.number: script for script in attributed} | lines
    rules, words, picked = production.text_rules, lexicon or Lexicon(), pickups or Pickups()
    said = (as_said(lines[chapter.number], words, rules, language=production.language) for chapter in selected)
    cuts = [_cut(script, cast, seating, production.language) for script in said]
    speaking = {chunk.character for cut in cuts for chunk in cut.chunks}
    planned_voices = []
    for character in cast.characters:
        if character.name in speaking:
            booth = seating.booth_of(character.name)
            design = design_of(character, production, booth.settings, booth.account or "")
            key = seating.key_of(character.name)
            if character.system_voice:
                planned_voices.append(system_voice(character, key, design))
                continue
            planned_voices.append(await _planned_voice(character, key, design, production, voices, refusals))
    by_name = {voice.character.name: voice for voice in planned_voices}
    without = [
        tuple(
            _planned(chunk, by_name[chunk.character], production, seating, options[chunk.character], cut.script)
            for chunk in cut.chunks
        )
        for cut in cuts
    ]
    without = [_picked_up(cut, chapter, picked, seating, options) for cut, chapter in zip(cuts, without, strict=True)]
    lookup = Lookup(
        takes=takes,
        refusals=refusals,
        language=production.language,
        lessons={
            key: await refusals.lessons(booth.account or "", booth.settings.service.speech_model)
            for key, booth in seating.booths.items()
        },
        choices=choices,
        pickups=picked,
    )
    pieces = await lookup.resolve([planned for chapter in without for planned in chapter])
    return Plan(
        production=production,
        seating=seating,
        cast=cast,
        book=book,
        chapters=tuple(
            ChapterPlan(cut=cut, chunks=tuple(piece for planned in chapter for piece in pieces[planned.chunk]))
            for cut, chapter in zip(cuts, without, strict=True)
        ),
        voices=tuple(planned_voices),
    )


async def _planned_voice(
    character: Character, booth: str, described: VoiceDesign, production: Production, voices: Voices, refusals: Refusals
) -> PlannedVoice:
    """The voice that a character has by a person's choice, or by the description."""
    sitting = await voices.sitting(role_in(production, character.name, described), described)
    design = sitting.design
    refusal = None if sitting.voice else (await refusals.find([design.design_id])).get(design.design_id)
    return PlannedVoice(
        character=character,
        booth=booth,
        design=design,
        voice=sitting.voice,
        refusal=refusal,
        locked=sitting.locked,
        changed=sitting.changed,
    )


def role_in(production: Production, character: str, design: VoiceDesign) -> Role:
    """The role of a character in a production, or in the series that it belongs to."""
    return role_of(scope_of(production.series, production.name), character, design)


def _cut(script: ChapterScript, cast: Cast, seating: Seating, language: str) -> ChapterChunks:
    chunks = seating.settings.chunks
    cut = cut_chapter(apply_policies(script, cast, chunks), chunks, language=language, elsewhere=seating.limits())
    verify_coverage(cut)
    return cut


def _planned(
    chunk: Chunk,
    voice: PlannedVoice,
    production: Production,
    seating: Seating,
    options: tuple[tuple[str, str], ...],
    script: ChapterScript,
) -> PlannedChunk:
    service = seating.booths[voice.booth].settings.service
    ask = SpeechAsk(
        service=service.kind,
        region=service.region,
        model=service.speech_model,
        voice=voice.voice.voice if voice.voice else "",
        text=chunk.spoken,
        language=production.language,
        options=directed(service, options, script.lines[chunk.line].direction),
    )
    return PlannedChunk(
        chunk=chunk,
        booth=voice.booth,
        design_id=voice.design.design_id,
        ask=ask,
        take=None,
        refusal=voice.refusal,
        plain=ask,
    )


def _picked_up(
    cut: ChapterChunks,
    chunks: tuple[PlannedChunk, ...],
    pickups: Pickups,
    seating: Seating,
    options: Mapping[str, tuple[tuple[str, str], ...]],
) -> tuple[PlannedChunk, ...]:
    """The chunks of a chapter as a person wants them heard: where one was recorded again, the take that was chosen."""
    counted: Counter[SpeechAsk] = Counter()
    found: list[PlannedChunk] = []
    for planned in chunks:
        one = replace(planned, nth=counted[planned.ask])
        counted[planned.ask] += 1
        reading = pickups.heard(one.key) if one.key else None
        found.append(one if reading is None or not reading.ordinal else read_as(one, cut, reading, seating, options))
    return tuple(found)


def read_as(
    planned: PlannedChunk,
    cut: ChapterChunks,
    reading: Reading,
    seating: Seating,
    options: Mapping[str, tuple[tuple[str, str], ...]],
) -> PlannedChunk:
    """A chunk as a reading has it spoken: with its words, its direction, its ordinal."""
    chunk = reading.said(next(one for one in cut.chunks if one.index == planned.chunk.index))
    direction = reading.direction or cut.script.lines[chunk.line].direction
    service = seating.booths[planned.booth].settings.service
    given = directed(service, options[chunk.character], direction)
    asked = replace(planned.ask, text=chunk.spoken, options=given, ordinal=reading.ordinal)
    return replace(planned, chunk=chunk, ask=asked)
