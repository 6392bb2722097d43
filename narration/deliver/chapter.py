"""One chapter as an MP3 file with its timeline: the first format, and the one that all others start from.

Invariant: a chapter whose takes, words and settings did not change is not made again, and one that is made again
replaces only files that its own record lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from narration.audio.encode import ChapterEncoder, Tags, mp3
from narration.audio.measure import Delivered, probe
from narration.audio.stitch import ASSEMBLY_RATE_HZ, Part, Stitched, stitch
from narration.book import ChapterChunks
from narration.deliver.names import chapter_file_name, chapter_title
from narration.deliver.record import ChapterRecord, file_hash, record_path, records_of, write_record
from narration.errors import StoreError, ToolError
from narration.production import Production
from narration.settings import Settings
from narration.take import Take, canonical_hash
from narration.timeline import ChapterTimeline, Cue

ASSEMBLER_VERSION = 1
"""Counts up whenever the same takes and settings would sound different: then every chapter is made again."""
LENGTH_TOLERANCE_S = 0.05
"""How far the decoded file may be from what was written into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredChapter:
    """A chapter as delivered.

    Attributes:
        number, title: of the chapter.
        path: the audio file.
        timeline_path: the timeline file.
        timeline: where each line is.
        measures: of the audio file, decoded.
        sha256: of the audio file.
        fingerprint: hash of everything that it was made from.
        reused: it was there already, made from the same.
    """

    number: int
    title: str
    path: Path
    timeline_path: Path
    timeline: ChapterTimeline
    measures: Delivered
    sha256: str
    fingerprint: str
    reused: bool


def deliver_chapter(
    chapter_chunks: ChapterChunks,
    takes: Sequence[Take],
    read_audio: Callable[[Take], bytes],
    *,
    production: Production,
    settings: Settings,
    total: int,
    folder: Path,
) -> DeliveredChapter:
    """Make `NN - Title.mp3` and `timeline/NN.json` in `folder`, or find them made.

    It blocks for about 20 s per hour of audio, so an async caller gives it a thread. What `read_audio` raises ends it
    (that is how it is cancelled), and leaves the folder as it was. A chapter without a chunk is a short stretch of
    room tone, so that the numbering has no hole.

    Args:
        chapter_chunks: the chapter, cut.
        takes: one for each chunk, in their order.
        read_audio: gets a take's audio as received; called once a chunk, in order, one at a time.
        production: for the tags.
        settings: only `audio` is used.
        total: how many chapters the book has.
        folder: where the files go; made when missing.

    Raises:
        ValueError: there is not one take for each chunk.
        AudioRefused: a take is not a WAV file with sound in it.
        StoreError: a take is not what was received, or the folder cannot be written.
        ToolError: ffmpeg failed, or what it made is not what was asked.
    """
    chapter = chapter_chunks.chapter
    if len(takes) != len(chapter_chunks.chunks):
        message = f"chapter {chapter.number} has {len(chapter_chunks.chunks)} chunks and {len(takes)} takes"
        raise ValueError(message)
    title = chapter_title(chapter.number, chapter.title)
    tags = _tags(production, chapter.number, title, total)
    path = folder / chapter_file_name(chapter.number, chapter.title, total)
    timeline_path = record_path(folder, chapter.number, total)
    fingerprint = _fingerprint(chapter_chunks, takes, settings, tags, path.name)
    before = records_of(folder, chapter.number)
    for found, record in before:
        if found == timeline_path and record.fingerprint == fingerprint and file_hash(path) == record.sha256:
            return _delivered(record, folder, timeline_path, reused=True)

    _make_folder(folder)
    parts = _parts(chapter_chunks, takes, read_audio)
    with ChapterEncoder(path, rate_hz=ASSEMBLY_RATE_HZ, encoding=mp3(settings.audio, tags)) as encoder:
        stitched = stitch(parts, settings.audio, encoder.write)
        whole = encoder.complete()
        record = ChapterRecord(
            file=path.name,
            sha256=file_hash(whole),
            fingerprint=fingerprint,
            timeline=_timeline(chapter_chunks, takes, stitched, title),
            measures=_measured(whole, stitched, path.name),
        )
        encoder.publish()
    _remove_stale(folder, before, keep=(path, timeline_path))
    write_record(timeline_path, record)
    return _delivered(record, folder, timeline_path, reused=False)


def _tags(production: Production, number: int, title: str, total: int) -> Tags:
    return Tags(
        title=title,
        album=production.title,
        artist=production.author,
        narrator=production.narrator,
        track=number,
        tracks=total,
        language=production.language,
    )


def _fingerprint(
    chapter_chunks: ChapterChunks, takes: Sequence[Take], settings: Settings, tags: Tags, name: str
) -> str:
    """Hash of everything that the chapter's files are made from."""
    return canonical_hash(
        {
            "assembler": ASSEMBLER_VERSION,
            "name": name,
            "audio": asdict(settings.audio),
            "tags": tags.pairs(),
            "chunks": [asdict(chunk) for chunk in chapter_chunks.chunks],
            "takes": [(take.take_id, take.sha256, asdict(take.measures)) for take in takes],
        }
    )


def _parts(chapter_chunks: ChapterChunks, takes: Sequence[Take], read_audio: Callable[[Take], bytes]) -> Iterator[Part]:
    for chunk, take in zip(chapter_chunks.chunks, takes, strict=True):
        yield Part(
            name=f"take {take.take_id} (chapter {chunk.chapter}, line {chunk.line})",
            gap=chunk.gap,
            measures=take.measures,
            read=partial(_read_checked, take, read_audio),
            pause_ms=chunk.pause_ms,
            voice=chunk.character,
            unison=chunk.unison,
        )


def _read_checked(take: Take, read_audio: Callable[[Take], bytes]) -> bytes:
    """The take's audio, held against its hash.

    Raises:
        StoreError: it is not what was received.
    """
    wav = read_audio(take)
    if hashlib.sha256(wav).hexdigest() != take.sha256:
        raise StoreError(
            f"The audio of take {take.take_id} in the store is damaged: its hash is not that of what was received.",
            "Remove the take's audio and run it again.",
        )
    return wav


def _timeline(chapter_chunks: ChapterChunks, takes: Sequence[Take], stitched: Stitched, title: str) -> ChapterTimeline:
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


def _measured(whole: Path, stitched: Stitched, name: str) -> Delivered:
    """What the file is, decoded; it is as long as what was written into it.

    Raises:
        ToolError: it is not.
    """
    measures = probe(whole)
    written_s = stitched.frames / stitched.rate_hz
    if abs(measures.duration_s - written_s) > LENGTH_TOLERANCE_S:
        raise ToolError(f"{name} would hold {measures.duration_s:.3f} s; {written_s:.3f} s were written into it.")
    return measures


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror}.") from error


def _remove_stale(folder: Path, before: Sequence[tuple[Path, ChapterRecord]], keep: Sequence[Path]) -> None:
    """Remove the files of an earlier render of this chapter: those that its records list, unchanged since.

    Raises:
        StoreError: one cannot be removed.
    """
    try:
        for record_file, record in before:
            audio = folder / record.file
            if audio not in keep and file_hash(audio) == record.sha256:
                audio.unlink()
            if record_file not in keep:
                record_file.unlink()
    except OSError as error:
        raise StoreError(f"{folder}: an earlier file cannot be removed: {error.strerror}.") from error


def _delivered(record: ChapterRecord, folder: Path, timeline_path: Path, *, reused: bool) -> DeliveredChapter:
    return DeliveredChapter(
        number=record.timeline.chapter,
        title=record.timeline.title,
        path=folder / record.file,
        timeline_path=timeline_path,
        timeline=record.timeline,
        measures=record.measures,
        sha256=record.sha256,
        fingerprint=record.fingerprint,
        reused=reused,
    )
