"""The voices of a book by measure: which would blend, and which takes are not like the voice they should be.

Invariant: it measures what is in the store, asks nobody, and its findings are warnings: an ear decides.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from narration.audio.likeness import Likeness, Pair
from narration.audio.voiceprint import VoicePrint, print_of
from narration.errors import AudioRefused, TakeDamaged
from narration.finding import Code, Finding, noted
from narration.memory.store import Store
from narration.memory.takes import Takes
from narration.memory.voices import Voices
from narration.plan import Plan
from narration.planned import PlannedChunk
from narration.take import Take


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was measured.

    Attributes:
        takes, voices: how many were measured.
        pairs: every two voices, the nearest first.
        findings: what should be heard.
    """

    takes: int
    voices: int
    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]


async def check_plan(plan: Plan, store: Store) -> Checked:
    """Measure the previews and takes of a plan, about 15 ms each.

    Raises:
        StoreError: the store cannot be read.
    """
    previews = await _previews(plan, Voices(store))
    heard: list[tuple[PlannedChunk, VoicePrint]] = []
    takes = Takes(store)
    chunks = (chunk for chapter in plan.chapters for chunk in chapter.chunks)
    for chunk, take in [(chunk, chunk.take) for chunk in chunks if chunk.take is not None]:
        measured = await _measured(takes, take)
        if measured is not None:
            heard.append((chunk, measured))
    likeness = await asyncio.to_thread(Likeness, previews, [(chunk.chunk.character, one) for chunk, one in heard])
    findings = [
        noted(
            Code.VOICES_ALIKE,
            f"{pair.one} and {pair.other} sound alike ({pair.distance:.1f} apart)",
            value=f"{pair.distance:.1f}",
        )
        for pair in likeness.alike()
    ]
    findings += [
        replace(noted(Code.VOICE_DRIFTED, f"{voice} does not sound like the approved preview"), character=voice)
        for voice, _ in likeness.drifted()
    ]
    for stray in likeness.strays():
        said = heard[stray.index][0].chunk
        like = f", and more like {stray.nearest}" if stray.nearest != stray.voice else ""
        message = f"chapter {said.chapter}: a take of {stray.voice} is not like the others{like}: “{said.spoken[:60]}”"
        finding = noted(Code.TAKE_STRAYS, message, chapter=said.chapter, value=f"{stray.distance:.1f}")
        findings.append(replace(finding, line=said.line, character=stray.voice, text=said.spoken))
    return Checked(takes=len(heard), voices=len(likeness.voices), pairs=likeness.pairs(), findings=tuple(findings))


async def _previews(plan: Plan, voices: Voices) -> dict[str, VoicePrint]:
    found = {}
    for planned in plan.voices:
        if planned.voice is None or planned.character.system_voice:
            continue
        data = await voices.preview(planned.voice)
        try:
            measured = await asyncio.to_thread(print_of, data, planned.voice.preview_format) if data else None
        except AudioRefused:
            continue
        if measured is not None:
            found[planned.character.name] = measured
    return found


async def _measured(takes: Takes, take: Take) -> VoicePrint | None:
    try:
        return await asyncio.to_thread(print_of, await takes.audio(take))
    except (AudioRefused, TakeDamaged):  # a render tells of these, and has them spoken again
        return None
