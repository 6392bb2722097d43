"""The proof sheet: one HTML page of a delivered book, to be opened beside its sound files.

Invariant: the page asks for nothing from anywhere but those files, and shows what was delivered, not what is planned.
"""

from __future__ import annotations

import base64
import html
import importlib.resources
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from narration.audio.waveform import POINTS_PER_S
from narration.deliver.record import ChapterRecord, FileRecord
from narration.deliver.writing import write_text
from narration.finding import Finding
from narration.formats import Encoded
from narration.pickups.spotting import HeardLine, heard_lines
from narration.place import Place
from narration.report.heard import Difference

PROOF = "proof.html"
"""Name of the page in the output folder."""

_SCRIPTS = ("1-book.js", "2-rows.js", "3-player.js", "4-marks.js", "5-page.js")
_SLOT = re.compile("%[A-Z]+%")
_FRESH, _CHANGED, _UNHEARD = 1, 2, 4
"""As in `page/1-book.js`."""
_HEADINGS = ("file", "length", "LUFS", "RMS dBFS", "peak dBFS", "true peak", "floor dBFS", "kbit/s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a proof sheet shows.

    Attributes:
        title, author, language: of the book.
        records: of the delivered chapters, in order of hearing.
        waves: of their files, by name; a file without one is drawn as silence.
        texts: of the chapters as the manuscript has them, by number, for the paragraphs.
        findings: of the last render.
        voices: what each character's voice was made from, by name.
        cost: pairs of what and how much.
        changes: since the last render.
    """

    title: str
    author: str
    language: str
    records: tuple[ChapterRecord, ...]
    waves: Mapping[str, bytes]
    texts: Mapping[int, str]
    findings: tuple[Finding, ...]
    voices: Mapping[str, str]
    cost: tuple[tuple[str, str], ...]
    changes: Difference


def write_proof(folder: Path, proof: Proof) -> Path:
    """Write `proof.html`, whole or not at all.

    Raises:
        StoreError: the folder cannot be written.
    """
    target = folder / PROOF
    write_text(target, proof_page(proof))
    return target


def proof_page(proof: Proof) -> str:
    """The page as text."""
    # `<` is written otherwise, so that no word of a book can end the element that holds the data.
    data = json.dumps(_book(proof), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = {
        "%LANGUAGE%": html.escape(proof.language),
        "%TITLE%": html.escape(proof.title),
        "%STYLE%": _part("page.css"),
        "%SCRIPT%": "\n".join(_part(name) for name in _SCRIPTS),
        "%BOOK%": data,
    }
    return _SLOT.sub(lambda slot: parts[slot[0]], _part("page.html"))


def main_file(record: ChapterRecord) -> FileRecord:
    """The file of a chapter that is heard: the MP3 file if there is one."""
    return next(record.files[encoded] for encoded in Encoded if encoded in record.files)


def _part(name: str) -> str:
    return importlib.resources.files(__package__).joinpath("page", name).read_text("utf-8").rstrip("\n")


def _book(proof: Proof) -> dict[str, Any]:
    chapters = heard_lines([record.timeline for record in proof.records])
    speakers = list(dict.fromkeys([*proof.voices, *(line.character for lines in chapters.values() for line in lines)]))
    speakers = [
        name for name in speakers if any(line.character == name for lines in chapters.values() for line in lines)
    ]
    shown = [_chapter(proof, number, lines, speakers) for number, lines in chapters.items()]
    return {
        "id": f"{proof.title}|{proof.author}",
        "author": proof.author,
        "seconds": sum(chapter["seconds"] for chapter in shown),
        "lines": len({(line.place.chapter, line.place.line) for lines in chapters.values() for line in lines}),
        "points_per_s": POINTS_PER_S,
        "speakers": [_speaker(name, proof, chapters) for name in speakers],
        "chapters": shown,
        "findings": [_finding(finding) for finding in proof.findings],
        "changes": _changes(proof.changes),
        "measures": {"headings": _HEADINGS, "rows": [_measured(record) for record in proof.records]},
        "cost": proof.cost,
    }


def _chapter(proof: Proof, number: int, lines: Sequence[HeardLine], speakers: Sequence[str]) -> dict[str, Any]:
    records = [record for record in proof.records if record.timeline.chapter == number]
    files, start_s = [], 0.0
    for record in records:
        file = main_file(record)
        files.append({"src": quote(file.file), "name": file.file, "start": round(start_s, 3)})
        start_s += record.timeline.audio_s
    changed = set(proof.changes.lines)
    wave = b"".join(
        proof.waves.get(main_file(record).file, b"\0" * round(record.timeline.audio_s * POINTS_PER_S))
        for record in records
    )
    return {
        "number": number,
        "title": records[0].timeline.title if len(records) == 1 else records[0].timeline.title.rpartition(" (")[0],
        "seconds": round(start_s, 3),
        "files": files,
        "wave": base64.b64encode(wave).decode(),
        "changed": sum(line.place in changed for line in lines),
        "lines": _with_unheard(_rows(lines, proof.texts.get(number, ""), speakers, changed), proof, number, speakers),
    }


def _rows(lines: Sequence[HeardLine], text: str, speakers: Sequence[str], changed: set[Place]) -> list[list[Any]]:
    """A row for each line or part: number, part, speaker, start, end, words, flags."""
    rows: list[list[Any]] = []
    end = -1
    for line in lines:
        fresh = end < 0 or "\n\n" in text[end : line.start]
        flags = _FRESH * fresh + _CHANGED * (line.place in changed)
        times = (round(line.start_s, 2), round(line.end_s, 2))
        rows.append([line.place.line, line.place.part, speakers.index(line.character), *times, line.text, flags])
        end = line.end
    return rows


def _with_unheard(rows: list[list[Any]], proof: Proof, number: int, speakers: Sequence[str]) -> list[list[Any]]:
    """The rows with those lines that a finding is about and nobody speaks, in their places."""
    there = {row[0] for row in rows}
    for finding in proof.findings:
        line = finding.line + 1
        if finding.chapter != number or line in there or line < 1:
            continue
        there.add(line)
        at = next((place for place, row in enumerate(rows) if row[0] > line), len(rows))
        time_s = rows[at - 1][4] if at else 0.0
        speaker = speakers.index(finding.character) if finding.character in speakers else 0
        rows.insert(at, [line, 0, speaker, time_s, time_s, finding.text, _FRESH + _UNHEARD])
    return rows


def _speaker(name: str, proof: Proof, chapters: Mapping[int, Sequence[HeardLine]]) -> dict[str, Any]:
    own = [line for lines in chapters.values() for line in lines if line.character == name]
    return {
        "name": name,
        "lines": len({(line.place.chapter, line.place.line) for line in own}),
        "seconds": round(sum(line.end_s - line.start_s for line in own), 1),
        "voice": proof.voices.get(name, ""),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "message": finding.message,
        "hint": finding.hint,
        "chapter": finding.chapter,
        "line": finding.line + 1,
    }


def _changes(changes: Difference) -> list[dict[str, Any]]:
    lines = [
        {"chapter": place.chapter, "line": place.line, "place": str(place), "what": "another take"}
        for place in changes.lines
    ]
    gone = [
        {"chapter": number, "line": 0, "place": f"chapter {number}", "what": f"{count} earlier takes are not heard"}
        for number, count in changes.gone
    ]
    added = [
        {"chapter": number, "line": 0, "place": f"chapter {number}", "what": "is new"} for number in changes.chapters
    ]
    return [*lines, *gone, *added]


def _measured(record: ChapterRecord) -> tuple[str | float, ...]:
    file, measures = main_file(record), main_file(record).measures
    minutes, seconds = divmod(round(measures.duration_s), 60)
    return (
        file.file,
        f"{minutes}:{seconds:02d}",
        measures.lufs,
        round(measures.rms_dbfs, 1),
        round(measures.peak_dbfs, 1),
        round(measures.true_peak_dbtp, 1),
        round(measures.floor_dbfs, 1),
        measures.bitrate_kbps,
    )
