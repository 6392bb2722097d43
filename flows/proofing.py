"""What proofs and sign-offs are made from: the delivered chapters of an output folder, and what is known of them.

Invariant: only what was delivered is looked at; nothing here asks a service for anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flows.opening import Job
from narration.audio.waveform import waveform
from narration.deliver.record import PARTS_FOLDER, ChapterRecord, file_hash, records_of
from narration.deliver.writing import staged, write_text
from narration.errors import InputError, NarrationError, Problem
from narration.finding import Finding, Severity
from narration.memory.usage import Ledger, grouped, needed
from narration.pickups.spotting import HeardLine, Spotter, heard_lines
from narration.report.heard import Difference, checked_heard, difference, heard_of
from narration.report.proof import Proof, main_file, write_proof
from narration.report.summary import REPORT, Summary, write_summary
from narration.typed import object_of

log = logging.getLogger("narration.render")

_CHAPTERS = re.compile(r"\d+(-\d+)?")
_STATE = f"{PARTS_FOLDER}/proof.json"
_WAVES = f"{PARTS_FOLDER}/waves"


def delivered_in(out: Path) -> tuple[ChapterRecord, ...]:
    """The records of the delivered chapters, in order.

    Raises:
        InputError: there is none.
    """
    found = sorted(records_of(out, _CHAPTERS), key=lambda one: tuple(int(part) for part in one[0].stem.split("-")))
    if not found:
        what = "holds no delivered chapter"
        raise InputError(Problem(what=what, where=str(out), hint="`narrate render` makes them; --out says where."))
    return tuple(record for _, record in found)


def masters_in(out: Path) -> dict[str, str]:
    """SHA-256 of every delivered file of the book's sound as it is on the disk, by name.

    Raises:
        InputError: one that was delivered is gone.
    """
    names = dict.fromkeys(
        file.file for record in delivered_in(out) for file in record.files.values() if "/" not in file.file
    )
    names |= dict.fromkeys(path.name for path in sorted(out.glob("*.m4b")))
    found = {name: file_hash(out / name) for name in names}
    gone = [name for name, sha256 in found.items() if not sha256]
    if gone:
        hint = "`narrate deliver` makes it again."
        raise InputError(
            *(Problem(what="was delivered and is gone", where=str(out / name), hint=hint) for name in gone)
        )
    return found


def spotter_of(out: Path) -> Spotter:
    """Finds lines in the delivered chapters of a folder.

    Raises:
        InputError: there is none.
    """
    timelines = [record.timeline for record in delivered_in(out)]
    lengths_s: dict[int, float] = {}
    for timeline in timelines:
        lengths_s[timeline.chapter] = lengths_s.get(timeline.chapter, 0.0) + timeline.audio_s
    flawed = frozenset((finding.chapter, finding.line + 1) for finding in _findings(_report(out)))
    return Spotter(heard_lines(timelines), lengths_s, flawed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A proof sheet that was written.

    Attributes:
        path: of the page.
        lines: how many can be heard in it.
        findings: how many it shows.
        changes: since the last render.
    """

    path: Path
    lines: int
    findings: int
    changes: Difference


async def make_proof(job: Job) -> Sheet:
    """Write the proof sheet of what is delivered.

    Raises:
        InputError: nothing is delivered.
        StoreError: the folder cannot be written, or the store not be read.
        ToolError: a file cannot be decoded.
    """
    records = delivered_in(job.out)
    chapters = heard_lines([record.timeline for record in records])
    report = _report(job.out)
    proof = Proof(
        title=job.production.title,
        author=job.production.edition.author,
        language=job.production.language,
        records=records,
        waves=await asyncio.to_thread(_waves, job.out, records),
        texts={chapter.number: chapter.text for chapter in job.book.chapters},
        findings=_findings(report),
        voices={one.name: one.voice or one.system_voice for one in job.cast.characters},
        cost=await _cost(job, report),
        changes=_changes(job.out, chapters),
    )
    lines = sum(len(found) for found in chapters.values())
    path = write_proof(job.out, proof)
    return Sheet(path=path, lines=lines, findings=len(proof.findings), changes=proof.changes)


async def written(job: Job, summary: Summary) -> Summary:
    """The summary, written with the proof sheet; a run that was refused before anything was made leaves no folder."""
    delivered = any(chapter.file for chapter in summary.chapters)
    if delivered or job.out.exists():
        write_summary(job.out, summary)
    return await _proofed(job, summary) if delivered else summary


async def _proofed(job: Job, summary: Summary) -> Summary:
    """The summary, with the proof sheet written; one that cannot be written stops nothing else, and is told."""
    try:
        await make_proof(job)
    except NarrationError as error:
        log.warning("there is no proof sheet: %s", error)
        summary = replace(summary, stopped=summary.stopped or error)
        write_summary(job.out, summary)
    return summary


def _waves(out: Path, records: tuple[ChapterRecord, ...]) -> dict[str, bytes]:
    """The waveforms of the files, kept beside the hidden parts under the hash of what they were drawn from."""
    folder = out / _WAVES
    found: dict[str, bytes] = {}
    kept: set[str] = set()
    for record in records:
        file = main_file(record)
        place = folder / f"{file.sha256[:16]}.u8"
        kept.add(place.name)
        if place.exists():
            found[file.file] = place.read_bytes()
        elif (out / file.file).exists():
            found[file.file] = waveform(out / file.file)
            with staged(place) as part:
                part.write_bytes(found[file.file])
    for old in folder.glob("*.u8") if folder.exists() else ():
        if old.name not in kept:
            old.unlink(missing_ok=True)
    return found


def _report(out: Path) -> dict[str, Any]:
    """The summary of the last render; empty where there is none that can be read."""
    with contextlib.suppress(OSError, ValueError):
        return object_of((out / REPORT).read_bytes())
    return {}


def _findings(report: Mapping[str, Any]) -> tuple[Finding, ...]:
    with contextlib.suppress(KeyError, TypeError, ValueError):
        records = [record for chapter in report["chapters"] for record in chapter["findings"]]
        records += report["findings"]
        return tuple(Finding(**{**record, "severity": Severity(record["severity"])}) for record in records)
    return ()


async def _cost(job: Job, report: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the last render and the whole book cost."""
    books = dict(grouped(await Ledger(job.store, "").table(needed("production")), "production"))
    sums = books.get(job.production.name)
    cost = [("last render, USD", f"{report.get('cost_usd', 0.0):.4f}")]
    if sums is not None:
        cost += [
            ("all renders of this book, USD", f"{sums.cost_usd:.4f}"),
            ("in doubt, USD", f"{sums.cost_in_doubt_usd:.4f}"),
            ("calls", f"{sums.calls:,}"),
            ("characters billed", f"{sums.characters_billed:,}"),
            ("voices made", f"{sums.voices_created:,}"),
        ]
    if job.settings.service.sandbox:
        cost.append(("spoken by", "the sandbox, which charges nothing: these are the vendor's prices"))
    return tuple(cost)


def _changes(out: Path, chapters: Mapping[int, tuple[HeardLine, ...]]) -> Difference:
    """What has changed since the render before the one that made what is there now."""
    path, now = out / _STATE, heard_of(chapters)
    before, last = now, now
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        state = object_of(path.read_bytes())
        before, last = checked_heard(state["before"]), checked_heard(state["now"])
    if last != now:
        before = last
    write_text(path, json.dumps({"now": now, "before": before}, separators=(",", ":")) + "\n")
    return difference(before, chapters)
