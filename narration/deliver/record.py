"""The timeline file of a chapter: where each line is in the delivered sound, and what that sound was made from.

Invariant: a record that can be read was written whole, after the audio that it names; it holds no date and no path
outside its folder, so that the same chapter gives the same record.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from narration.audio.measure import Delivered
from narration.errors import StoreError
from narration.formats import Encoded
from narration.timeline import ChapterTimeline, Cue
from narration.typed import made, object_of

FOLDER = "timeline"
PARTS_FOLDER = ".parts"
"""Holds, hidden in the output folder, what containers are made from and nobody listens to."""
VERSION = 2
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """What is known of one file of a chapter.

    Attributes:
        file: seen from the output folder: a name, or one in the folder of parts.
        sha256: of the file.
        fingerprint: hash of everything that it was made from.
        measures: of the file, decoded.
    """

    file: str
    sha256: str
    fingerprint: str
    measures: Delivered


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterRecord:
    """What is known of one delivered chapter.

    Attributes:
        fingerprint: hash of what is heard: words, takes, and how they are joined.
        files: its files, by encoding.
        timeline: where each line is.
    """

    fingerprint: str
    files: Mapping[Encoded, FileRecord]
    timeline: ChapterTimeline


def record_path(folder: Path, key: str) -> Path:
    """Where the record of a slot is: `timeline/03.json`."""
    return folder / FOLDER / f"{key}.json"


def write_record(path: Path, record: ChapterRecord) -> None:
    """Write a record; whole, or not at all.

    Raises:
        StoreError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    text = json.dumps(_as_json(record), ensure_ascii=False, indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}.") from error


def read_record(path: Path) -> ChapterRecord | None:
    """Read a record; None when there is none, or none that we wrote."""
    with contextlib.suppress(OSError, ValueError):
        return _from_json(object_of(path.read_bytes()))
    return None


def records_of(folder: Path, keys: re.Pattern[str]) -> tuple[tuple[Path, ChapterRecord], ...]:
    """All records whose keys are like that."""
    try:
        paths = sorted(
            path for path in (folder / FOLDER).iterdir() if path.suffix == ".json" and keys.fullmatch(path.stem)
        )
    except OSError:
        return ()
    read = ((path, read_record(path)) for path in paths)
    return tuple((path, record) for path, record in read if record is not None)


def remove_stale(folder: Path, before: Sequence[tuple[Path, ChapterRecord]], keep: Sequence[Path]) -> None:
    """Remove the files of earlier renders: those that their records list, unchanged since.

    Args:
        folder: of the book.
        before: records of earlier renders.
        keep: files and records that stay.

    Raises:
        StoreError: one cannot be removed.
    """
    try:
        for record_file, record in before:
            for file in record.files.values():
                audio = folder / file.file
                if audio not in keep and file_hash(audio) == file.sha256:
                    audio.unlink()
            if record_file not in keep:
                record_file.unlink()
    except OSError as error:
        raise StoreError(f"{folder}: an earlier file cannot be removed: {error.strerror}.") from error


def file_hash(path: Path) -> str:
    """SHA-256 of a file in hex, or an empty string when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_READ_BYTES):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


def _as_json(record: ChapterRecord) -> dict[str, object]:
    timeline = record.timeline
    return {
        "version": VERSION,
        "chapter": timeline.chapter,
        "title": timeline.title,
        "rate_hz": timeline.rate_hz,
        "frames": timeline.frames,
        "duration_s": round(timeline.audio_s, 3),
        "cues": [_cue_as_json(cue, timeline.rate_hz) for cue in timeline.cues],
        "files": {str(encoded): _file_as_json(file) for encoded, file in record.files.items()},
        "fingerprint": record.fingerprint,
    }


def _file_as_json(file: FileRecord) -> dict[str, object]:
    return {
        "file": file.file,
        "sha256": file.sha256,
        "fingerprint": file.fingerprint,
        "measured": {**asdict(file.measures), "duration_s": round(file.measures.duration_s, 3)},
    }


def _cue_as_json(cue: Cue, rate_hz: int) -> dict[str, object]:
    return {
        "line": cue.line,
        "chunk": cue.chunk,
        "speaker": cue.character,
        "text": cue.text,
        "start_s": round(cue.start_frame / rate_hz, 3),
        "end_s": round(cue.end_frame / rate_hz, 3),
        "start_frame": cue.start_frame,
        "end_frame": cue.end_frame,
        "text_start": cue.start,
        "text_end": cue.end,
        "take_id": cue.take_id,
    }


def _from_json(data: dict[str, Any]) -> ChapterRecord:
    """The record that a file holds.

    Raises:
        ValueError: it is not one that we wrote, or of another version.
    """
    if data.get("version") != VERSION:
        raise ValueError(data.get("version"))
    files = _group(data.get("files"))
    timeline = {name: data.get(name) for name in ("chapter", "title", "rate_hz", "frames")}
    cues = [_cue_from_json(_group(cue)) for cue in _list(data.get("cues"))]
    return ChapterRecord(
        fingerprint=made(str, data.get("fingerprint")),
        files={made(Encoded, encoded): _file_from_json(_group(file)) for encoded, file in files.items()},
        timeline=made(ChapterTimeline, {**timeline, "cues": cues}),
    )


def _group(found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError("no group of keys")  # noqa: TRY004 — one kind for whoever reads
    return found


def _list(found: object) -> list[Any]:
    if not isinstance(found, list):
        raise ValueError("no list")  # noqa: TRY004
    return found


def _file_from_json(data: dict[str, Any]) -> FileRecord:
    file = made(str, data.get("file"))
    path = PurePosixPath(file)
    if path.name != file and path != PurePosixPath(PARTS_FOLDER, path.name):
        raise ValueError(file)
    measured = {name: value for name, value in _group(data.get("measured")).items() if name != "duration_s"}
    known = {"file": file, "sha256": data.get("sha256"), "fingerprint": data.get("fingerprint")}
    return made(FileRecord, {**known, "measures": measured})


def _cue_from_json(data: dict[str, Any]) -> dict[str, Any]:
    same = ("line", "chunk", "text", "take_id", "start_frame", "end_frame")
    renamed = {"character": "speaker", "start": "text_start", "end": "text_end"}
    return {name: data.get(name) for name in same} | {ours: data.get(theirs) for ours, theirs in renamed.items()}
