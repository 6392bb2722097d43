"""One chapter: stitched and mastered once, encoded as all that is asked for, with its timeline. All else starts there.

Invariant: a file whose takes, words and settings did not change is not made again, and one that is made again
replaces only files that the chapter's own record lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from narration.audio.encode import ChapterEncoder, Output
from narration.audio.encodings import Correction, Encoding, Picture, Tags, encoding_of, mastering
from narration.audio.measure import Delivered, probe
from narration.audio.stitch import ASSEMBLY_RATE_HZ, Stitched, stitch
from narration.book import ChapterChunks
from narration.deliver.correction import correction_of
from narration.deliver.parts import parts_of_chapter, sound_hash, timeline_of
from narration.deliver.record import (
    PARTS_FOLDER,
    ChapterRecord,
    FileRecord,
    file_hash,
    record_path,
    records_of,
    remove_stale,
    write_record,
)
from narration.deliver.slot import Slot
from narration.errors import StoreError, ToolError
from narration.formats import Encoded
from narration.production import Production
from narration.settings.settings import Settings
from narration.take import Take, canonical_hash
from narration.timeline import ChapterTimeline

MAX_PASSES = 3
"""A second pass that makes a chapter louder may raise its peaks, which takes a third."""
LENGTH_TOLERANCE_S = 0.05
"""How far the decoded file may be from what was written into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredFile:
    """One file of a chapter.

    Attributes:
        path: where it is.
        sha256: of the file.
        measures: of the file, decoded.
    """

    path: Path
    sha256: str
    measures: Delivered


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredChapter:
    """A chapter as delivered.

    Attributes:
        number, title: of the chapter.
        files: by encoding: what was asked for, and what else is there, made from the same.
        timeline_path: the timeline file.
        timeline: where each line is.
        fingerprint: hash of what is heard.
        reused: all of it was there already, made from the same.
    """

    number: int
    title: str
    files: Mapping[Encoded, DeliveredFile]
    timeline_path: Path
    timeline: ChapterTimeline
    fingerprint: str
    reused: bool

    @property
    def main(self) -> DeliveredFile:
        """The file that people are told of: the MP3 file if there is one."""
        return next(self.files[encoded] for encoded in Encoded if encoded in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A file as it is to be: where, how, and the hash of all that."""

    file: str
    encoding: Encoding
    fingerprint: str


def deliver_chapter(
    chapter_chunks: ChapterChunks,
    takes: Sequence[Take],
    read_audio: Callable[[Take], bytes],
    *,
    production: Production,
    settings: Settings,
    slot: Slot,
    folder: Path,
    formats: Sequence[Encoded] = (Encoded.MP3,),
    parts: Sequence[Encoded] = (),
    picture: Picture | None = None,
) -> DeliveredChapter:
    """Make `NN - Title.mp3` (and what else is asked for) and `timeline/NN.json` in `folder`, or find them made.

    It blocks for about 20 s per hour of audio and encoding, so an async caller gives it a thread. What `read_audio`
    raises ends it (that is how it is cancelled), and leaves the folder as it was. A chapter without a chunk is a short
    stretch of room tone, so that the numbering has no hole.

    Args:
        chapter_chunks: the chapter, cut.
        takes: one for each chunk, in their order.
        read_audio: gets a take's audio as received; called once a chunk, in order, one at a time, and once more for a
            second pass.
        production: for the tags.
        settings: only `audio` and `preset` are used.
        slot: the place of its file in the book.
        folder: where the files go; made when missing.
        formats: the encodings that are deliverables, in `folder`.
        parts: those that containers are made from, in a hidden folder in it, without tags.
        picture: the cover that goes into the files.

    Raises:
        ValueError: there is not one take for each chunk, or nothing is asked for.
        AudioRefused: a take is not a WAV file with sound in it.
        StoreError: a take is not what was received, or the folder cannot be written.
        ToolError: ffmpeg failed, or what it made is not what was asked.
    """
    chapter = chapter_chunks.chapter
    if len(takes) != len(chapter_chunks.chunks):
        message = f"chapter {chapter.number} has {len(chapter_chunks.chunks)} chunks and {len(takes)} takes"
        raise ValueError(message)
    timeline_path = record_path(folder, slot.key)
    sound = sound_hash(chapter_chunks, takes, settings.audio, slot.title)
    tags = _tags(production, slot, picture)
    possible = {
        encoded: _wanted(encoded, tags, settings, sound, file) for encoded, file in _files(slot, formats, parts).items()
    }
    asked = tuple(dict.fromkeys((*formats, *parts)))
    if not asked:
        message = "nothing is to be made of the chapter"
        raise ValueError(message)
    before = records_of(folder, re.compile(re.escape(slot.key)))
    there = _found(folder, before, possible)
    timeline = next((record.timeline for _, record in before if record.fingerprint == sound), None)
    missing = {encoded: possible[encoded] for encoded in asked if encoded not in there}
    if not missing and timeline is not None and [path for path, _ in before] == [timeline_path]:
        return _delivered(before[0][1], folder, timeline_path, reused=True)

    _make_folders(folder, missing)
    made: dict[Encoded, FileRecord] = {}
    if missing or timeline is None:

        def write_parts(write: Callable[[bytes], object]) -> Stitched:
            return stitch(parts_of_chapter(chapter_chunks, takes, read_audio), settings.audio, write)

        stitched, made = _made(missing or {asked[0]: possible[asked[0]]}, folder, settings, write_parts)
        timeline = timeline_of(chapter_chunks, takes, stitched, slot.title)
    files = {encoded: (there | made)[encoded] for encoded in Encoded if encoded in there or encoded in made}
    record = ChapterRecord(fingerprint=sound, files=files, timeline=timeline)
    remove_stale(folder, before, keep=(timeline_path, *(folder / file.file for file in files.values())))
    write_record(timeline_path, record)
    return _delivered(record, folder, timeline_path, reused=False)


def _files(slot: Slot, formats: Sequence[Encoded], parts: Sequence[Encoded]) -> dict[Encoded, str]:
    """Where each encoding of a slot would be."""
    hidden = {encoded for encoded in (*parts, Encoded.M4A) if encoded not in formats}
    return {
        encoded: f"{PARTS_FOLDER}/{slot.key}.{encoded}" if encoded in hidden else f"{slot.stem}.{encoded}"
        for encoded in Encoded
    }


def _wanted(encoded: Encoded, tags: Tags, settings: Settings, sound: str, file: str) -> _Wanted:
    encoding = encoding_of(encoded, settings.audio, tags)
    facts: dict[str, object] = {
        "sound": sound,
        "file": file,
        "mastering": mastering(settings.audio),
        "filters": encoding.filters,
        "options": encoding.options,
        "picture": encoding.picture.sha256 if encoding.picture else "",
    }
    return _Wanted(file=file, encoding=encoding, fingerprint=canonical_hash(facts))


def _found(
    folder: Path, before: Sequence[tuple[Path, ChapterRecord]], possible: Mapping[Encoded, _Wanted]
) -> dict[Encoded, FileRecord]:
    """The files of earlier renders that are just as they would be made now."""
    return {
        encoded: file
        for _, record in before
        for encoded, file in record.files.items()
        if file.fingerprint == possible[encoded].fingerprint and file_hash(folder / file.file) == file.sha256
    }


def _made(
    wanted: Mapping[Encoded, _Wanted],
    folder: Path,
    settings: Settings,
    write_parts: Callable[[Callable[[bytes], object]], Stitched],
) -> tuple[Stitched, dict[Encoded, FileRecord]]:
    """Stitch, master, encode and measure; once more where the measurement disagrees with what was aimed at.

    Raises:
        NarrationError: as `deliver_chapter`.
    """
    outputs = [Output(target=folder / one.file, encoding=one.encoding) for one in wanted.values()]
    correction = Correction()
    for passes in range(1, MAX_PASSES + 1):
        filters = mastering(settings.audio, correction)
        with ChapterEncoder(outputs, rate_hz=ASSEMBLY_RATE_HZ, filters=filters) as encoder:
            stitched = write_parts(encoder.write)
            whole = encoder.complete()
            measured = {
                encoded: _measured(whole[folder / one.file], stitched, one.file) for encoded, one in wanted.items()
            }
            further = correction_of(tuple(measured.values()), settings)
            if further is not None and passes < MAX_PASSES:
                correction += further
                continue
            records = {
                encoded: FileRecord(
                    file=one.file,
                    sha256=file_hash(whole[folder / one.file]),
                    fingerprint=one.fingerprint,
                    measures=measured[encoded],
                )
                for encoded, one in wanted.items()
            }
            encoder.publish()
            break
    return stitched, records


def _tags(production: Production, slot: Slot, picture: Picture | None) -> Tags:
    return Tags(
        title=slot.title,
        album=production.title,
        artist=production.author,
        narrator=production.narrator,
        track=slot.track,
        tracks=slot.tracks,
        language=production.language,
        date=production.year,
        picture=picture,
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


def _make_folders(folder: Path, wanted: Mapping[Encoded, _Wanted]) -> None:
    try:
        for one in wanted.values():
            (folder / one.file).parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror}.") from error


def _delivered(record: ChapterRecord, folder: Path, timeline_path: Path, *, reused: bool) -> DeliveredChapter:
    files = {
        encoded: DeliveredFile(path=folder / file.file, sha256=file.sha256, measures=file.measures)
        for encoded, file in record.files.items()
    }
    return DeliveredChapter(
        number=record.timeline.chapter,
        title=record.timeline.title,
        files=MappingProxyType(files),
        timeline_path=timeline_path,
        timeline=record.timeline,
        fingerprint=record.fingerprint,
        reused=reused,
    )
