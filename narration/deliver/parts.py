"""What a chapter is stitched from, and where it ends up: parts, timeline, the hash of the sound.

Invariant: two chapters with one hash are heard alike, sample for sample, and have one timeline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial

from narration.audio.stitch import Part, Stitched
from narration.book import ChapterChunks
from narration.errors import TakeDamaged
from narration.settings.audio import AudioSettings
from narration.take import Take, canonical_hash
from narration.timeline import ChapterTimeline, Cue

ASSEMBLER_VERSION = 2
"""Counts up whenever the same takes and settings would sound different: then every chapter is made again."""

_ENCODED = ("bitrate_kbps", "aac_kbps", "opus_kbps", "peak_dbtp")
"""Settings that only the encoders use: each is in the hash of the files that it changes."""

_CLOSING = "\"'’”»›)]}」』）】》〉"
_GOES_ON = ",;:-–—‒―，、；："


def sound_hash(chapter_chunks: ChapterChunks, takes: Sequence[Take], audio: AudioSettings, title: str) -> str:
    """Hash of everything that is heard in a chapter before it is encoded, and of what its timeline says."""
    return canonical_hash(
        {
            "assembler": ASSEMBLER_VERSION,
            "title": title,
            "audio": {key: value for key, value in asdict(audio).items() if key not in _ENCODED},
            "chunks": [asdict(chunk) for chunk in chapter_chunks.chunks],
            "takes": [(take.take_id, take.sha256, asdict(take.measures)) for take in takes],
        }
    )


def parts_of_chapter(
    chapter_chunks: ChapterChunks, takes: Sequence[Take], read_audio: Callable[[Take], bytes]
) -> Iterator[Part]:
    """The takes in their places, each read when it is its turn."""
    for chunk, take in zip(chapter_chunks.chunks, takes, strict=True):
        yield Part(
            name=f"take {take.take_id} (chapter {chunk.chapter}, line {chunk.line})",
            gap=chunk.gap,
            measures=take.measures,
            read=partial(_read_checked, take, read_audio),
            pause_ms=chunk.pause_ms,
            voice=chunk.character,
            mid_sentence=stops_mid_sentence(chunk.text),
            unison=chunk.unison,
        )


def stops_mid_sentence(text: str) -> bool:
    """Whether words stop where a sentence goes on: at a comma, a colon, a dash, or at no mark at all."""
    end = text.rstrip().rstrip(_CLOSING).rstrip()
    return bool(end) and (end[-1] in _GOES_ON or end[-1].isalnum())


def timeline_of(
    chapter_chunks: ChapterChunks, takes: Sequence[Take], stitched: Stitched, title: str
) -> ChapterTimeline:
    """Where each chunk is in what was stitched."""
    return ChapterTimeline(
        chapter=chapter_chunks.chapter.number,
        title=title,
        rate_hz=stitched.rate_hz,
        frames=stitched.frames,
        cues=tuple(
            Cue(
                line=chunk.line,
                chunk=chunk.index,
                character=chunk.character,
                text=chunk.text,
                start=chunk.start,
                end=chunk.end,
                take_id=take.take_id,
                start_frame=span.start_frame,
                end_frame=span.end_frame,
            )
            for chunk, take, span in zip(chapter_chunks.chunks, takes, stitched.spans, strict=True)
        ),
    )


def _read_checked(take: Take, read_audio: Callable[[Take], bytes]) -> bytes:
    """The take's audio, held against its hash.

    Raises:
        TakeDamaged: it is not what was received.
    """
    wav = read_audio(take)
    if hashlib.sha256(wav).hexdigest() != take.sha256:
        raise TakeDamaged(
            f"The audio of take {take.take_id} in the store is damaged: its hash is not that of what was received.",
            "The same render sets it aside and has it spoken again.",
        )
    return wav
